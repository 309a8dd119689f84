use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{Sample, Split};
use crate::raster::{DecodeError, ReadError};

/// What names the data that a model was made from.
#[derive(Clone, Debug)]
pub struct DataHash {
    /// SHA-256 over each picture's name (with its frame), label, split, group and content, and the content of its mask where it has one; in
    /// hexadecimal digits.
    ///
    /// The order of the samples does not matter; where the files lie does not matter either, beyond their names.
    pub whole: String,
    /// SHA-256 of each sample's file.
    pub contents: Vec<[u8; 32]>,
}

impl DataHash {
    /// Reads all files once.
    ///
    /// # Errors
    /// [`ReadError`] where one cannot be read.
    pub fn of(samples: &[Sample]) -> Result<Self, ReadError> {
        // Several frames of one file are one content.
        let files: HashSet<&Path> = samples.iter().map(|sample| sample.file.as_path()).collect();
        let known: HashMap<&Path, [u8; 32]> =
            files.into_par_iter().map(|file| Ok((file, file_sha256(file)?))).collect::<Result<_, ReadError>>()?;
        let contents: Vec<[u8; 32]> = samples.iter().map(|sample| known[sample.file.as_path()]).collect();
        Ok(Self { whole: whole(samples, &contents)?, contents })
    }
}

fn whole(samples: &[Sample], contents: &[[u8; 32]]) -> Result<String, ReadError> {
    let mut lines = samples
        .par_iter()
        .zip(contents)
        .map(|(sample, content)| {
            let mut line = Sha256::new();
            let split = sample.split.map(Split::name);
            for field in [Some(sample.name.as_str()), sample.label.as_deref(), split, sample.group.as_deref()] {
                // The length first, so that no two different rows are the same bytes.
                line.update(field.map_or(u64::MAX, |f| f.len() as u64).to_le_bytes());
                line.update(field.unwrap_or_default());
            }
            line.update(content);
            if let Some(mask) = &sample.mask {
                line.update(file_sha256(mask)?);
            }
            Ok(line.finalize().to_vec())
        })
        .collect::<Result<Vec<Vec<u8>>, ReadError>>()?;
    lines.sort_unstable();
    let mut whole = Sha256::new();
    for line in &lines {
        whole.update(line);
    }
    let digest = whole.finalize();
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect())
}

/// SHA-256 of a file's content.
///
/// # Errors
/// [`ReadError`] where it cannot be read.
pub fn file_sha256(path: &Path) -> Result<[u8; 32], ReadError> {
    content_hash(path).map_err(|error| ReadError::new(path, DecodeError::Io(error)))
}

fn content_hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut hash = Sha256::new();
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Ok(hash.finalize().into());
        }
        hash.update(block);
        let length = block.len();
        reader.consume(length);
    }
}
