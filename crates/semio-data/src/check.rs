//! Finds unreadable pictures before a run begins.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::{ThreadPoolBuilder, prelude::*};

use crate::{
    manifest::Sample,
    raster::{PictureFile, ReadLimits, ReadOptions, read_image},
};

/// A picture that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFile {
    /// The position among the samples.
    pub index: usize,
    /// How the manifest spells it.
    pub name: String,
    /// Where it lies.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// What was found by reading every picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Those that cannot be read, in the order of the samples.
    pub bad: Vec<BadFile>,
    /// How many files have several frames of which no row names one, so that the first is read.
    pub first_frames: usize,
}

/// Decodes every picture, and its mask where `masks` are used.
///
/// `threads` is the number of pictures in work at once, 0 for one a core; memory is bounded by as many pictures.
/// `progress` hears from each thread how many are done.
pub fn check_files(
    samples: &[Sample],
    limits: &ReadLimits,
    masks: bool,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Checked {
    let (done, several) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let check = |(index, sample): (usize, &Sample)| {
        let read = PictureFile::open(&sample.file, limits).and_then(|file| {
            file.image(&ReadOptions { frame: sample.frame, enough: None })?;
            Ok(file.frames())
        });
        if sample.frame.is_none() && read.as_ref().is_ok_and(|frames| *frames > 1) {
            several.fetch_add(1, Ordering::Relaxed);
        }
        let mask = || Some((read_image(sample.mask.as_ref().filter(|_| masks)?, limits).err()?, "its mask: "));
        let bad = read.err().map(|error| (error, "")).or_else(mask);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        let (error, what) = bad?;
        let reason = format!("{what}{}", error.reason);
        Some(BadFile { index, name: sample.name.clone(), file: error.file, reason })
    };
    let work = || samples.par_iter().enumerate().filter_map(check).collect();
    // Where the system gives no threads of our own, the shared ones do the work.
    let bad = match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    };
    Checked { bad, first_frames: several.into_inner() }
}
