//! Finds unreadable pictures before a run begins.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::{ThreadPoolBuilder, prelude::*};

use crate::{
    manifest::Sample,
    raster::{ReadLimits, read_image},
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

/// Decodes every picture, and its mask where `masks` are used, and returns those that fail, in the order of the samples.
///
/// `threads` is the number of pictures in work at once, 0 for one a core; memory is bounded by as many pictures.
/// `progress` hears from each thread how many are done.
pub fn check_files(
    samples: &[Sample],
    limits: &ReadLimits,
    masks: bool,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<BadFile> {
    let done = AtomicUsize::new(0);
    let check = |(index, sample): (usize, &Sample)| {
        let mut files = std::iter::once(&sample.file).chain(sample.mask.as_ref().filter(|_| masks));
        let bad = files.find_map(|file| Some((file, read_image(file, limits).err()?)));
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        let (file, error) = bad?;
        let what = if *file == sample.file { "" } else { "its mask: " };
        let reason = format!("{what}{}", error.reason);
        Some(BadFile { index, name: sample.name.clone(), file: file.clone(), reason })
    };
    let work = || samples.par_iter().enumerate().filter_map(check).collect();
    // Where the system gives no threads of our own, the shared ones do the work.
    match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
