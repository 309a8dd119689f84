//! The course of a disease: lesions come and mend, and a nerve's read-outs follow, with uncertainty.
//!
//! Illustrative. The cable model says what a lesion does to an impulse; when myelin comes back and how fast is taken from
//! the scenario, not from a patient. `docs/twin.md` says what is left out.

mod lesion;
mod scenario;
mod stretch;

pub use lesion::{Lesion, prepare};
pub use scenario::{Band, Compared, CourseReport, CourseScenario, Measured, Treatment};
