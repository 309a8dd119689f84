//! Files → pictures and labels: readers, the manifest, the split, synthetic data.
//!
//! - [`raster`]: PNG, JPEG, BMP, TIFF and DICOM files, found by content.
//! - [`dicom`]: DICOM files: attributes, stored values, how they are to be shown.
//! - [`inspect`]: what one file holds.
//! - [`mod@import`]: data sets as they are published → one manifest.
//! - [`manifest`]: class folders or a CSV file → samples and classes.
//! - [`check`]: finds unreadable files before a run.
//! - [`split`]: train, validation and test parts, and folds, that never divide a patient.
//! - [`synth`]: phantoms with known truth.

pub mod check;
pub mod dicom;
mod encode;
pub mod import;
pub mod inspect;
pub mod manifest;
pub mod raster;
pub mod split;
pub mod synth;

pub use check::{BadFile, check_files};
pub use encode::encode_png;
pub use import::{Import, ImportError, ImportOptions, Layout, import};
pub use inspect::Inspection;
pub use manifest::{Manifest, ManifestError, ManifestOptions, Purpose, Sample, Split, data_hash, file_sha256};
pub use raster::{DecodeError, ReadError, ReadLimits, begins_like_a_picture, decode_image, read_image};
pub use split::{Assignment, Folds, Ratios, SplitError};
