//! The list of pictures that a run works on, read from class folders or from a CSV file.

mod error;
mod folders;
mod hash;
mod options;
mod report;
mod select;
mod table;

use std::{
    fmt,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use semio_image::Image;
use serde::{Deserialize, Serialize};

use crate::raster::{ReadError, ReadLimits, ReadOptions, read_image_with};

pub use error::ManifestError;
pub(crate) use folders::{is_picture, no_pictures_in};
pub use hash::{DataHash, file_sha256};
pub use options::{Columns, ManifestOptions, Purpose};
pub use report::{LeftOut, LoadReport};
pub(crate) use table::{delimiter, find_file};

/// The part of a data set that a picture belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The network learns from it.
    Train,
    /// Decisions about the training are made on it.
    Val,
    /// It is judged on it, once.
    Test,
}

impl Split {
    /// All parts, in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The part's name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// Understands the names in use: train, training; val, valid, validation, dev; test, testing; in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Val),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One picture of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Where the picture lies.
    pub file: PathBuf,
    /// Which of the file's frames it is, counted from 1 as DICOM does; the first where none is named.
    pub frame: Option<NonZeroU32>,
    /// How the source spells it: the CSV file's words, or the path inside the folder; with `#` and the frame where one is
    /// named.
    pub name: String,
    /// The class, after renaming.
    pub label: Option<String>,
    /// The part that the source or a split gives it to.
    pub split: Option<Split>,
    /// What must stay together in a split, usually the patient.
    pub group: Option<String>,
    /// Where the lesion's or organ's outline lies.
    pub mask: Option<PathBuf>,
    /// The values of [`Manifest::extra_columns`], in their order.
    pub extra: Vec<String>,
}

impl Sample {
    /// Reads the picture; as much of it as is enough for a pipeline, where that is said.
    ///
    /// # Errors
    /// [`ReadError`] where the file cannot be read or has no such frame.
    pub fn read(&self, limits: &ReadLimits, enough: Option<(usize, usize)>) -> Result<Image, ReadError> {
        read_image_with(&self.file, limits, &ReadOptions { frame: self.frame, enough })
    }

    /// Where it lies: the file and the number of its frame.
    pub(crate) fn place(&self) -> (&Path, u32) {
        (&self.file, self.frame.map_or(1, NonZeroU32::get))
    }
}

/// A data set: its classes and its pictures.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The classes in the order of the network's outputs: as [`ManifestOptions::classes`] says, else sorted by name.
    pub classes: Vec<String>,
    /// The pictures, in the order of the source (folders: sorted by path).
    pub samples: Vec<Sample>,
    /// The names of further columns.
    pub extra_columns: Vec<String>,
    /// What was read, and what was left out and why.
    pub report: LoadReport,
}

impl Manifest {
    /// Loads a data set from class folders or a CSV file.
    ///
    /// A folder holds one sub-folder a class, or the folders train, val (valid, validation, dev) and test with one
    /// sub-folder a class in each. A folder with a `labels.csv` in it is read through that file. For
    /// [`Purpose::Predict`] a folder is any tree of pictures.
    ///
    /// A CSV file has a row of column names first; the columns are separated by commas, semicolons or tabs. Paths
    /// are sought beside it, then in its folder `images`. Rows that name frames of one file and no group have the file as
    /// their group: one file is of one patient.
    ///
    /// # Errors
    /// [`ManifestError`] says what is wrong with the source or the options, and what to do.
    pub fn load(path: &Path, options: &ManifestOptions) -> Result<Self, ManifestError> {
        let metadata = path.metadata().map_err(|source| ManifestError::Open { path: path.to_owned(), source })?;
        let beside = path.join("labels.csv");
        let source = match (metadata.is_dir(), options.purpose) {
            (true, Purpose::Predict) => folders::read_tree(path)?,
            (true, Purpose::Train) if beside.is_file() => table::read(&beside, options)?,
            (true, Purpose::Train) => folders::read_classes(path, options)?,
            (false, _) => table::read(path, options)?,
        };
        select::select(source, options)
    }

    /// The value of a further column for one of the samples.
    pub fn extra<'a>(&self, sample: &'a Sample, column: &str) -> Option<&'a str> {
        let index = self.extra_columns.iter().position(|c| c == column)?;
        sample.extra.get(index).map(String::as_str)
    }

    /// The position of a sample's class among the classes.
    pub fn class_index(&self, sample: &Sample) -> Option<usize> {
        let label = sample.label.as_ref()?;
        self.classes.iter().position(|class| class == label)
    }
}
