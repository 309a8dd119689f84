//! Whether probabilities mean what they say, and how they are made to.

mod brier;
mod isotonic;
mod prevalence;
mod reliability;
mod scaling;
mod temperature;
mod vector;

pub use brier::{Brier, brier};
pub use isotonic::IsotonicSteps;
pub use prevalence::{PredictiveValues, PrevalenceShift, predictive_values, predictive_values_of};
pub(crate) use reliability::likeliest;
pub use reliability::{Binning, EceUnderCalibration, Reliability, ReliabilityBin, ece_under_calibration, top_label};
pub use scaling::{Scaling, ScalingMethod, scaled_probabilities};
pub(crate) use scaling::{log_sum_exp, softmax};
