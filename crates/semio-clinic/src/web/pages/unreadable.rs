//! Why a file cannot be read, in the reader's language.

use semio_data::{dicom::DicomError, raster::DecodeError};

use crate::words::Language;

/// What is wrong and what helps. The decoder's own words, which are English and name tags, stand beside it.
pub(super) fn words(language: Language, error: &DecodeError) -> String {
    let key = match error {
        DecodeError::Empty | DecodeError::CutShort { .. } | DecodeError::Dicom(DicomError::CutShort { .. }) => {
            "unreadable-cut"
        }
        DecodeError::NotAPicture { .. } | DecodeError::Dicom(DicomError::NotDicom) => "unreadable-kind",
        DecodeError::TooManyBytes { .. }
        | DecodeError::TooManyPixels { .. }
        | DecodeError::Dicom(DicomError::Limit { .. }) => "unreadable-large",
        DecodeError::Unsupported { .. } | DecodeError::Dicom(DicomError::Unsupported { .. }) => "unreadable-variant",
        DecodeError::Dicom(DicomError::NoPixels { .. }) => "unreadable-pixels",
        _ => "unreadable-broken",
    };
    language.t(key)
}
