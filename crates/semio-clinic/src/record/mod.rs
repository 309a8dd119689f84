//! Patients' records: who they are, their studies, results and reviews.
//!
//! Every function that reads or changes a record takes the person who asks and finds nothing outside of that person's
//! circles: what is not theirs is not there.

mod course;
mod export;
mod filing;
mod find;
mod ins;
mod key;
mod patient;
mod right;
mod study;

pub(crate) use course::{CourseError, CourseFault, CourseFaults, CourseForm, LESIONS, MEASUREMENTS, day_of};
pub(crate) use export::export;
pub(crate) use filing::{Filed, NewImage, StudyFacts};
pub(crate) use find::{Order, PER_PAGE, Scope, Search};
pub(crate) use key::fold;
pub(crate) use patient::{Numbers, PatientForm};
pub(crate) use study::{Asked, Shown};
