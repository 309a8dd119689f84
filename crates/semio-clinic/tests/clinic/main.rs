//! The server without a socket, on SQLite, PostgreSQL and MariaDB. A database that does not answer is skipped with words
//! on stderr.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod accounts;
mod api;
mod api_rights;
mod bundle;
mod colleagues;
mod files;
mod harness;
mod hostile;
mod lost;
mod model_pages;
mod reading;
mod records;
mod rights;
mod schedule;
mod second_factor;
mod trail;
mod twin;
mod undecided;
mod vault;
