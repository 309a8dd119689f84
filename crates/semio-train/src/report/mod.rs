//! One self-contained HTML page for one evaluation: every figure and table, readable without network, ready to print.
//!
//! [`Report`] holds plain facts, which the caller gathers; sentences are made from its numbers in `words`, and the page's
//! fixed words stand in `templates/report.html`.

mod choose;
mod curves;
mod facts;
mod leak;
mod overfitting;
mod render;
mod shortcuts;
mod subgroups;
mod tables;
mod words;

pub use choose::{ChosenExamples, choose_examples};
pub use curves::ClassCurves;
pub use facts::{
    Data, Example, Examples, Fold, Groups, LeftOut, Maps, Model, PartUse, Report, Split, Stopping, Training,
};
pub use overfitting::overfitting_remark;
pub use render::ReportError;
pub(crate) use render::css_string;
pub(crate) use words::by_group;
