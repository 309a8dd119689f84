//! How good predictions are: pure functions from [`Predictions`] to [`Evaluation`].
//!
//! A metric without a value is `Err` with its reason, never a filler number. [`evaluate`] gives them all at once;
//! [`Judge`] gives them again and again under other weights, as a bootstrap needs.

mod abstention;
mod agreement;
mod bootstrap;
mod calibration;
mod confusion;
mod evaluation;
mod figures;
mod judge;
mod log_loss;
mod precision_recall;
mod predictions;
mod proportion;
mod random;
mod ranking;
mod roc;
mod table;
mod undefined;

pub use abstention::{
    Aim, ClassCoverage, Conformal, ConformalScore, ConformalThreshold, OperatingPoint, RiskCoverage, RiskCoveragePoint,
    SetFigures, finite_sample_quantile, operating_point, picture_uniform, risk_coverage,
};
pub use agreement::{kappa, mcc};
pub use bootstrap::{Bootstrap, Interval, RESAMPLES};
pub use calibration::{
    Binning, Brier, EceUnderCalibration, IsotonicSteps, PredictiveValues, PrevalenceShift, Reliability, ReliabilityBin,
    Scaling, ScalingMethod, brier, ece_under_calibration, predictive_values, predictive_values_of,
    scaled_probabilities, top_label,
};
pub use confusion::{ConfusionMatrix, OneAgainstRest};
pub use evaluation::{Evaluation, evaluate};
pub use figures::{Averages, ClassFigures, Figures, MicroAverages};
pub use judge::Judge;
pub use log_loss::{log_loss, picture_log_loss};
pub use precision_recall::{PrecisionRecallPoint, average_precision, precision_recall_curve};
pub use predictions::{Predictions, PredictionsError};
pub use proportion::wilson_interval;
pub use ranking::{Ranking, TieGroup};
pub use roc::{RocPoint, roc_auc, roc_curve};
pub use table::{InputError, Table};
pub use undefined::{Metric, Undefined};
