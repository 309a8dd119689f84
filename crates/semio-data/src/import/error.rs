use std::path::{Path, PathBuf};

use super::Layout;
use crate::manifest::ManifestError;

/// Why a data set could not be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The source or one of its tables cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// A table breaks its own rules.
    #[error("cannot read {}: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Where and how.
        reason: String,
    },
    /// A column is not there.
    #[error("{} has no column '{column}'; it has: {present}. {advice}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The name looked for.
        column: String,
        /// The names present.
        present: String,
        /// What to do.
        advice: &'static str,
    },
    /// A table to join has no column that names pictures of the data set.
    #[error(
        "no column of {} names pictures of the data set; its columns are: {present}. Name the right one with --file-column",
        path.display()
    )]
    NoKey {
        /// The table.
        path: PathBuf,
        /// The names present.
        present: String,
    },
    /// The folder of masks is not there.
    #[error("{} is no folder of masks; name one inside the data set", path.display())]
    NoMasks {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing was found.
    #[error("{} holds no picture; it was read as: {layout}", path.display())]
    Empty {
        /// The source.
        path: PathBuf,
        /// How it was read.
        layout: Layout,
    },
    /// The folder is in no known layout.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest cannot be put into writing.
    #[error("cannot write the manifest: {0}")]
    Csv(#[from] csv::Error),
}

impl ImportError {
    pub(super) fn open(path: &Path, source: std::io::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }

    pub(super) fn table(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Table { path: path.to_owned(), reason: reason.to_string() }
    }
}
