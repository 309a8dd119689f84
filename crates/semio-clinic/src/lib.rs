//! The web app for clinicians, and its records.
//!
//! - [`config`]: what the server is told, and what of it is refused.
//! - [`store`]: the database, its tables and their migrations.
//! - `account`: people who sign in.
//! - `record`: patients, studies, results, reviews.
//! - [`audit`]: who saw and changed what.
//! - [`pictures`]: files, each under the hash of its bytes.
//! - `labels`: what physicians said, to train with.
//! - `sweep`: files that a crash left behind.
//! - `syslog`: the system's log, which hears where the trail ends.
//! - [`models`], `reader`: bundles, and the threads that read pictures with them.
//! - [`backup`]: everything in one file, and back.
//! - [`web`]: pages and the API.
//! - `words`: every text in English and French.

mod account;
pub mod audit;
pub mod backup;
mod clock;
pub mod config;
pub mod demo;
mod finding;
mod labels;
pub mod models;
mod opened;
pub mod pictures;
mod private;
mod reader;
mod record;
pub mod secret;
pub mod server;
pub mod store;
mod sweep;
mod syslog;
pub mod web;
mod words;

pub use account::{NewAccount, NewAccountError, Register, Strength};
pub use config::Config;
pub use labels::{Labelled, labels};
pub use syslog::SyslogError;
pub use web::has_front_end;
