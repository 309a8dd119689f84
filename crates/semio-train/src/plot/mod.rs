//! Figures as SVG text: for reports, the command line and the run directory.
//!
//! Each function returns one complete `<svg>` element that stands alone as a file or inside a page. Colours are CSS
//! variables (`--semio-ink`, `--semio-paper`, …) that a page may set; without them the figure follows the reader's light or
//! dark scheme, and a viewer that knows no CSS variables takes the light one.

mod class_distribution;
mod confusion_matrix;
mod curve_panel;
mod inline;
mod intervals;
mod learning_curves;
mod numbers;
mod parallel_coordinates;
mod precision_recall;
mod reliability;
mod risk_coverage;
mod roc;
mod scale;
mod scatter;
mod sequential;
mod spread;
mod svg;
mod theme;

pub use class_distribution::{PartCounts, class_distribution};
pub use confusion_matrix::confusion_matrix;
pub use inline::inline;
pub use intervals::{IntervalRow, interval_plot};
pub use learning_curves::{EpochFigures, LearningCurves, learning_curves};
pub(crate) use numbers::{count, decimal, percent};
pub use parallel_coordinates::{Axis, parallel_coordinates};
pub use precision_recall::precision_recall_plot;
pub use reliability::reliability_plot;
pub use risk_coverage::risk_coverage_plot;
pub use roc::roc_plot;
pub use scatter::{Point, scatter_plot};
pub use theme::style_sheet;
