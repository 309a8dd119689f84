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

/// Decodes every picture, and returns those that fail, in the order of the samples.
///
/// `threads` is the number of pictures in work at once, 0 for one a core; memory is bounded by as many pictures.
/// `progress` hears from each thread how many are done.
pub fn check_files(
    samples: &[Sample],
    limits: &ReadLimits,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<BadFile> {
    let done = AtomicUsize::new(0);
    let check = |(index, sample): (usize, &Sample)| {
        let result = read_image(&sample.file, limits);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        let reason = result.err()?.reason.to_string();
        Some(BadFile { index, name: sample.name.clone(), file: sample.file.clone(), reason })
    };
    let work = || samples.par_iter().enumerate().filter_map(check).collect();
    // Where the system gives no threads of our own, the shared ones do the work.
    match ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
