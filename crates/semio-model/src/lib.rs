//! Bundle + picture → prediction.
//!
//! A [`Bundle`] is a network together with everything that its figures depend on; a [`Predictor`] is the only way
//! from a picture to a class, for evaluation, command line and web app alike.

mod appearance;
mod bundle;
mod calibration;
mod card;
mod data_used;
pub mod explain;
mod leak;
mod novelty;
mod predictor;
mod sight;

pub use appearance::{APPEARANCE, appearance};
/// Where a network computes.
pub use burn::tensor::Device;

pub use bundle::{Bundle, BundleError, Manifest, SCHEMA, WeightsFile, hex, hex_sha256};
pub use calibration::{Aims, Calibration, Evidence};
pub use data_used::{DataUsed, GroupKind, Pictures, Seen};
pub use leak::{Leak, PartLeak};
pub use novelty::{Novelty, Strangeness};
pub use predictor::{Chosen, Decision, Doubt, Outcome, OutputKind, Prediction, Predictor};
pub use sight::{Prepared, Sight};
