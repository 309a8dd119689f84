//! Files → pictures and labels: readers, the manifest, the split, synthetic data.
//!
//! - [`raster`]: PNG, JPEG, BMP, TIFF and DICOM files, found by content.
//! - [`dicom`]: DICOM files: attributes, stored values, how they are to be shown.
//! - [`mod@deidentify`]: DICOM files without what says who the patient is.
//! - [`inspect`]: what one file holds.
//! - [`mod@explore`]: what a data set looks like, as figures and as a page.
//! - [`mod@import`]: data sets as they are published → one manifest.
//! - [`manifest`]: class folders or a CSV file → samples and classes.
//! - [`check`]: finds unreadable files before a run.
//! - [`likeness`], [`leak`]: duplicates, and what the parts of a data set know of each other.
//! - [`split`]: train, validation and test parts, and folds, that never divide a patient.
//! - [`synth`]: phantoms with known truth.

pub mod check;
pub mod deidentify;
pub mod dicom;
mod encode;
pub mod explore;
pub mod import;
pub mod inspect;
pub mod leak;
pub mod likeness;
pub mod manifest;
pub mod raster;
pub mod split;
pub mod synth;

pub use check::{BadFile, Checked, check_files};
pub use encode::encode_png;
pub use import::{Import, ImportError, ImportOptions, Layout, import};
pub use inspect::Inspection;
pub use manifest::{DataHash, Manifest, ManifestError, ManifestOptions, Purpose, Sample, Split, file_sha256};
pub use raster::{
    DecodeError, Frames, PictureFile, ReadError, ReadLimits, ReadOptions, begins_like_a_picture, decode_image,
    decode_image_with, frame_count, frame_name, read_image, read_image_with,
};
pub use split::{Assignment, Folds, Ratios, SplitError};
