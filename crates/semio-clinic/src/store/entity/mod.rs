//! The tables, one file each.
//!
//! Identifiers are UUIDs of version 7, times are milliseconds since 1970 UTC (`…_at`), days are dates. Texts that an index
//! holds have a length, because MariaDB cannot index others.

pub mod audit;
pub mod audit_head;
pub mod circle;
pub mod course;
pub mod identifier;
pub mod image;
pub mod letter;
pub mod model;
pub mod patient;
pub mod person;
pub mod picture;
pub mod prediction;
pub mod review;
pub mod second_factor;
pub mod session;
pub mod study;
pub mod token;
