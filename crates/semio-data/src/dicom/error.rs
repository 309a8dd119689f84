use super::{Tag, TransferSyntax};

/// What is wrong with a DICOM file, or with what is asked of it. No patient's value is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DicomError {
    /// Neither the mark of a DICOM file nor a first data element is there.
    #[error("the content does not begin like a DICOM file")]
    NotDicom,
    /// The file holds no pixels, as reports, plans and waveforms do.
    #[error("the DICOM file holds no pixels{}", object.as_deref().map(|o| format!(" ({o})")).unwrap_or_default())]
    NoPixels {
        /// The kind of object, where the file says one.
        object: Option<String>,
    },
    /// The file ends inside of a data element.
    #[error("the DICOM file ends early, inside of {tag}; copy it again from its source")]
    CutShort {
        /// The element.
        tag: Tag,
    },
    /// A data element that the pixels cannot be understood without.
    #[error("the DICOM file lacks {tag} {name}")]
    Missing {
        /// The element.
        tag: Tag,
        /// Its name.
        name: &'static str,
    },
    /// A data element holds what makes no sense.
    #[error("{tag} {name}: {reason}")]
    Value {
        /// The element.
        tag: Tag,
        /// Its name.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A way of coding pixels that is not read.
    #[error(
        "pixels in the transfer syntax {syntax} are not supported ({reason}); convert the file to an uncompressed one"
    )]
    Unsupported {
        /// The transfer syntax.
        syntax: TransferSyntax,
        /// What is not supported.
        reason: String,
    },
    /// Coded pixels contradict their format.
    #[error("the pixels ({syntax}) are broken: {reason}; copy the file again from its source")]
    Broken {
        /// The transfer syntax.
        syntax: TransferSyntax,
        /// What the decoder found.
        reason: String,
    },
    /// More than a file may ask for.
    #[error("the DICOM file asks for {what}; the limit is {limit}")]
    Limit {
        /// What it asks for.
        what: String,
        /// The most that is granted.
        limit: String,
    },
    /// A frame that is not there.
    #[error("frame {} is asked for, and the DICOM file has {}", u64::from(*frame) + 1, has(*frames))]
    NoFrame {
        /// The frame, counted from 0 as [`super::DicomFile::frame`] counts; in words it is counted from 1.
        frame: u32,
        /// How many there are.
        frames: u32,
    },
    /// A decoder failed in a way that it should not.
    #[error("the decoder for {syntax} failed on this file, which is probably broken; copy it again from its source")]
    Panicked {
        /// The transfer syntax.
        syntax: TransferSyntax,
    },
}

fn has(frames: u32) -> String {
    if frames == 1 { "only frame 1".into() } else { format!("{frames}: 1 to {frames}") }
}

impl DicomError {
    pub(super) fn value(tag: Tag, name: &'static str, reason: impl Into<String>) -> Self {
        Self::Value { tag, name, reason: reason.into() }
    }
}
