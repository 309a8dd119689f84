//! Train, validation and test parts, and folds, that never divide a patient.
//!
//! What must stay together is a group: the samples with one value of [`Sample::group`](crate::Sample::group). A sample without one is a
//! group of its own, together with other rows of the same name.
//!
//! The groups are ordered by size, the largest first, and groups of one size by SHA-256 over seed and group. In this
//! order each goes to the part where it lowers Σ (reached − wanted)² / total over the classes most; with patients of
//! one picture each, every class is then within one picture of the ratios. A part that a class has not reached yet
//! goes first when no more groups of this class are left than such parts. So a class with at least as many groups as
//! there are parts is in each of them (where groups hold several classes, as far as this order finds a way).
//!
//! The hash takes the place of a random generator: its order is fixed by a standard, needs no library to stay as it
//! is, and does not depend on the order of the rows.

mod assign;
mod divided;
mod error;
mod folds;
mod greedy;
mod groups;
mod report;

pub use assign::{Assignment, Ratios, assign, cut_val, split};
pub use divided::{DividedGroup, divided_groups};
pub use error::SplitError;
pub use folds::{Folds, folds, leave_one_group_out};
pub use report::{PartReport, SplitReport};
