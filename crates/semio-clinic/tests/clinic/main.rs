//! The server without a socket, on SQLite, PostgreSQL and MariaDB. A database that does not answer is skipped with words
//! on stderr.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod accounts;
mod api;
mod bundle;
mod files;
mod harness;
mod hostile;
mod reading;
mod records;
mod rights;
mod trail;
mod vault;
