//! Files → pictures and labels: readers, the manifest, the split, synthetic data.
//!
//! - [`raster`]: PNG, JPEG, BMP and TIFF files, found by content.
//! - [`manifest`]: class folders or a CSV file → samples and classes.
//! - [`check`]: finds unreadable files before a run.
//! - [`split`]: train, validation and test parts, and folds, that never divide a patient.
//! - [`synth`]: phantoms with known truth.

pub mod check;
mod encode;
pub mod manifest;
pub mod raster;
pub mod split;
pub mod synth;

pub use check::{BadFile, check_files};
pub use encode::encode_png;
pub use manifest::{Manifest, ManifestError, ManifestOptions, Purpose, Sample, Split, data_hash, file_sha256};
pub use raster::{DecodeError, ReadError, ReadLimits, decode_image, read_image};
pub use split::{Assignment, Folds, Ratios, SplitError};
