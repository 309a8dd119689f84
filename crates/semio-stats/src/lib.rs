//! How good predictions are: pure functions from [`Predictions`] to [`Evaluation`].
//!
//! A metric without a value is `Err` with its reason, never a filler number. [`evaluate`] gives them all at once;
//! [`Judge`] gives them again and again under other weights, as a bootstrap needs.
//!
//! Around them stand, on plain [`Table`]s: intervals ([`Bootstrap`], [`auc_interval`]) and paired tests ([`compare_aucs`],
//! [`mcnemar`]); calibration ([`Scaling`], [`Reliability`], [`brier`], [`PrevalenceShift`]); when to answer ([`Conformal`],
//! [`operating_point`], [`risk_coverage`]) and when to refuse ([`FeatureDistance`], [`energy`], [`Refusal`]); models of tables
//! ([`Classical`]); clusters ([`k_means`], [`tsne`]) and suspected labels ([`label_suspects`]); figures of attribution maps
//! ([`points_inside`], [`step_area`]). What is random hangs on a seed alone, never on the number of threads.

mod abstention;
mod agreement;
mod attribution;
mod bootstrap;
mod calibration;
mod classical;
mod cluster;
mod confusion;
mod difference;
mod evaluation;
mod figures;
mod groups;
mod judge;
mod log_loss;
mod outlier;
mod part;
mod pca;
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
pub use attribution::{pixel_order, points_inside, share_inside, step_area};
pub use bootstrap::{Bootstrap, Interval, IntervalMethod, RESAMPLES, bca_interval};
pub use calibration::{
    Binning, Brier, EceUnderCalibration, IsotonicSteps, PredictiveValues, PrevalenceShift, Reliability, ReliabilityBin,
    Scaling, ScalingMethod, brier, ece_under_calibration, predictive_values, predictive_values_of,
    scaled_probabilities, top_label,
};
pub use classical::{Classical, Forest, ForestSettings, Logistic, LogisticSettings};
pub use cluster::{
    KMeans, LabelAgreement, LabelSuspect, Linkage, best_k_means, density_clusters, hierarchical, k_means,
    label_agreement, label_suspects, silhouettes, tsne,
};
pub use confusion::{ConfusionMatrix, OneAgainstRest};
pub use difference::{
    AucComparison, AucEstimate, AucMethod, ClusteredMcNemar, McNemar, auc_interval, compare_aucs, compare_roc_aucs,
    holm, mcnemar,
};
pub use evaluation::{Evaluation, evaluate};
pub use figures::{Averages, ClassFigures, Figures, MicroAverages};
pub use judge::Judge;
pub use log_loss::{log_loss, picture_log_loss};
pub use outlier::{Covariance, FeatureDistance, NeighbourDistance, Refusal, energy, ledoit_wolf, nearest_distances};
pub use part::{Bounded, PartFigures};
pub use pca::Pca;
pub use precision_recall::{PrecisionRecallPoint, average_precision, precision_recall_curve};
pub use predictions::{Predictions, PredictionsError};
pub use proportion::wilson_interval;
pub use ranking::{Ranking, TieGroup};
pub use roc::{RocPoint, roc_auc, roc_curve};
pub use table::{InputError, Table};
pub use undefined::{Metric, Undefined};
