//! Bundle + picture → prediction.
//!
//! A [`Bundle`] is a network together with everything that its figures depend on; a [`Predictor`] is the only way
//! from a picture to a class, for evaluation, command line and web app alike.

mod bundle;
mod card;
mod predictor;

pub use bundle::{Bundle, BundleError, DataUsed, Manifest, SCHEMA, WeightsFile, hex, hex_sha256};
pub use predictor::{Decision, OutputKind, Prediction, Predictor};
