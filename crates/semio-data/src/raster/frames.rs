//! Which frames of DICOM files are pictures of a data set, and how they are called.

use std::{fs::File, io::Read, num::NonZeroU32, path::Path, str::FromStr};

use super::{DecodeError, Kind, ReadError, ReadLimits, read_bytes};
use crate::dicom::DicomFile;

/// Bytes at a file's beginning in which the number of frames is sought before the whole file is read.
const HEAD: u64 = 64 << 10;

/// Which frames of a file are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frames {
    /// The first alone.
    #[default]
    First,
    /// The one with this number, counted from 1.
    Number(NonZeroU32),
    /// Each.
    All,
}

impl FromStr for Frames {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            number => {
                number.parse().map(Self::Number).map_err(|_| "give a number from 1 on, as DICOM numbers frames, or all")
            }
        }
    }
}

/// How a frame of a file is called in lists and results: `file#3`.
pub fn frame_name(file: &str, frame: NonZeroU32) -> String {
    format!("{file}#{frame}")
}

/// The number of frames that a file says it has, read from its beginning where that suffices; 1 in every other format
/// than DICOM, and where a file holds no pixels or says nothing that makes sense, which reading it then tells.
///
/// # Errors
/// [`ReadError`] where the file cannot be opened, is no picture, or says that it has more frames than bytes.
pub fn frame_count(path: &Path, limits: &ReadLimits) -> Result<u32, ReadError> {
    let count = || -> Result<u32, DecodeError> {
        let mut head = Vec::new();
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(DecodeError::NotAFile);
        }
        file.take(HEAD).read_to_end(&mut head)?;
        if Kind::of(&head)? != Kind::Dicom {
            return Ok(1);
        }
        // A beginning of a deflated file cannot be inflated, and a long list before the number may fill it.
        let begun = DicomFile::parse(&head, limits).ok().filter(DicomFile::is_past_frames);
        let said = begun.map(|file| file.said_frames());
        if let Some(frames) = said.filter(|frames| u64::from(*frames) <= metadata.len()) {
            return Ok(frames);
        }
        let file = DicomFile::of(read_bytes(path, limits)?, limits)?;
        file.check_frames()?;
        Ok(file.said_frames())
    };
    count().map_err(|reason| ReadError::new(path, reason))
}
