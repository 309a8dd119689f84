use std::path::PathBuf;

use crate::dicom::DicomError;

/// Why a file could not be de-identified; nothing is written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeidentifyError {
    /// The file cannot be read as DICOM.
    #[error(transparent)]
    Dicom(#[from] DicomError),
    /// The file ends early or breaks the coding rules, so that what it holds is not known for sure.
    #[error(
        "the file is broken ({reason}), so that what it holds is not known for sure; copy it again from its source"
    )]
    Broken {
        /// How.
        reason: String,
    },
    /// Text in the pixels cannot be blacked out.
    #[error("the pixels cannot be blacked out: {reason}")]
    Pixels {
        /// Why.
        reason: String,
    },
    /// The program failed on the file in a way that it should not.
    #[error("the program failed on this file, which is probably broken; nothing of it was written")]
    Panicked,
    /// The folder to write into lies in the one that is read, or holds something.
    #[error("the folder {} {reason}: name a new one", path.display())]
    Output {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
}
