//! Dataset → bundle and evaluation.
//!
//! A [`Recipe`] says how; [`Dataset`] reads and divides the pictures; [`train()`] fills a run's folder. Below it,
//! [`fit()`] trains one network, `semio-stats` judges predictions, [`plot`] and [`report`] show them.

mod apart;
mod average;
mod batches;
mod bench;
mod calibrate;
mod checkpoint;
mod classical;
mod cluster;
pub mod compare;
mod course;
mod cross_validation;
mod dataset;
mod examples;
mod experiment;
mod faith;
mod features;
mod fit;
mod gaze;
mod history;
mod inference;
mod labelled;
mod language;
mod leak;
mod learner;
mod left_out;
mod loader;
mod loss;
mod optimizer;
mod pages;
mod parallel;
pub mod plot;
mod recipe;
pub mod report;
mod schedule;
mod shortcuts;
mod subgroups;
mod survey;
pub mod tune;
mod verdict;

pub use bench::{BenchOptions, Mode, bench, bench_memory};
pub use calibrate::Remark;
pub use checkpoint::CheckpointError;
pub use classical::ClassicalError;
pub use cluster::{Agreement, ClusterOptions, Clusters, Grouping, Plane, Suspect, cluster, cluster_page};
pub use dataset::{Dataset, DatasetError, Origin, group_names};
pub use examples::gaze_of;
pub use experiment::{Finished, Place, RunError, stored_recipe, train};
pub use faith::Faith;
pub use fit::{Ending, Event, FitError, Fitted, Job, fit};
pub use gaze::{Gaze, gaze};
pub use history::{EpochRow, history_csv};
pub use inference::{Input, JudgeError, Judged, judge_pictures, predict_files};
pub use labelled::Labelled;
pub use language::Language;
pub use loader::{Batch, LoadError, Loader, Picture, Variation, read_seen};
pub use pages::{evaluation_report, predictions_csv};
pub use recipe::*;
pub use shortcuts::{PartsSeen, parts_seen};
pub use subgroups::{FEW, Subgroup, Subgroups, Trait, Value};
pub use verdict::{About, AtSite, CalibrationFigures, Intervals, LeakScores, Outcomes, Verdict};
