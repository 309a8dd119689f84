use std::{
    num::NonZeroU32,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use semio_data::{PictureFile, ReadError, ReadLimits, ReadOptions, Sample, read_image};
use semio_image::{Augmentation, Image, Mask, Pipeline, PipelineError, sample_seed};

use crate::parallel;

/// A picture with its true class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Where it lies.
    pub file: PathBuf,
    /// Which of the file's frames it is, counted from 1; the first where none is named.
    pub frame: Option<NonZeroU32>,
    /// As the data's own list spells it.
    pub name: String,
    /// Place of its class among the classes.
    pub label: usize,
    /// Where its mask lies, if it has one.
    pub mask: Option<PathBuf>,
}

impl Picture {
    /// A sample whose label is one of the classes; none for another.
    pub fn of(sample: &Sample, classes: &[String]) -> Option<Self> {
        let label = classes.iter().position(|c| Some(c) == sample.label.as_ref())?;
        let Sample { file, frame, name, mask, .. } = sample.clone();
        Some(Self { file, frame, name, label, mask })
    }
}

/// Reads a picture, in the resolution that the pipeline asks for, and, where it leaves only a part to be seen, its mask.
///
/// # Errors
/// [`LoadError::Read`] names the file that cannot be read.
pub fn read_seen(
    pipeline: &Pipeline,
    file: &Path,
    frame: Option<NonZeroU32>,
    mask: Option<&Path>,
    limits: &ReadLimits,
) -> Result<(Image, Option<Mask>), LoadError> {
    see(pipeline, &PictureFile::open(file, limits)?, frame, mask, limits)
}

/// The same of a file that is open.
pub(crate) fn see(
    pipeline: &Pipeline,
    file: &PictureFile,
    frame: Option<NonZeroU32>,
    mask: Option<&Path>,
    limits: &ReadLimits,
) -> Result<(Image, Option<Mask>), LoadError> {
    let image = file.image(&ReadOptions { frame, enough: pipeline.enough() })?;
    let mask = mask.filter(|_| pipeline.keep().is_some()).map(|mask| read_image(mask, limits)).transpose()?;
    Ok((image, mask.as_ref().map(Mask::of)))
}

/// Why a picture cannot be given to a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The picture does not fit the pipeline.
    #[error("cannot prepare {}: {reason}", file.display())]
    Prepare {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        reason: PipelineError,
    },
}

/// Prepared pictures, side by side.
pub struct Batch {
    /// `[pictures, channels, height, width]`, row-major.
    pub inputs: Vec<f32>,
    /// One class a picture.
    pub labels: Vec<usize>,
}

/// Reads, prepares and varies pictures on all cores, ahead of the network.
///
/// What the pipeline does before the variation is the same in every epoch; it is kept in memory as far as the budget
/// reaches, as bytes of the final size.
pub struct Loader<'a> {
    pictures: &'a [Picture],
    pipeline: &'a Pipeline,
    variation: Option<Variation>,
    threads: usize,
    limits: ReadLimits,
    kept: Vec<OnceLock<(Image, Option<Mask>)>>,
    /// Bytes that may still be kept.
    budget: AtomicUsize,
    /// What each picture's variation is drawn from; its place in the list where empty.
    seeds: Vec<u64>,
}

/// How training pictures are varied.
#[derive(Clone)]
pub struct Variation {
    /// By how much.
    pub augmentation: Augmentation,
    /// Whether the pictures of each class are varied.
    pub classes: Vec<bool>,
    /// The run's seed.
    pub seed: u64,
}

impl<'a> Loader<'a> {
    /// Makes a loader that keeps up to `budget` bytes of prepared pictures.
    pub fn new(
        pictures: &'a [Picture],
        pipeline: &'a Pipeline,
        variation: Option<Variation>,
        threads: usize,
        budget: usize,
    ) -> Self {
        Self {
            pictures,
            pipeline,
            variation: variation.filter(|v| !v.augmentation.is_off()),
            threads,
            limits: ReadLimits::default(),
            kept: pictures.iter().map(|_| OnceLock::new()).collect(),
            budget: AtomicUsize::new(budget),
            seeds: vec![],
        }
    }

    /// Draws each picture's variation from a number of its own instead of its place in the list.
    pub(crate) fn with_seeds(self, seeds: Vec<u64>) -> Self {
        Self { seeds, ..self }
    }

    /// Hands out the pictures in the given order, batch by batch; the last batch may be smaller.
    ///
    /// Which thread prepares a batch changes nothing: each picture's variation is drawn from its own seed.
    pub fn batches<B>(
        &self,
        order: &[usize],
        batch_size: usize,
        epoch: u64,
        consume: impl FnMut(Result<Batch, LoadError>) -> ControlFlow<B>,
    ) -> Option<B> {
        let window = 2 * self.threads + 1;
        parallel::ordered(self.threads, window, order.chunks(batch_size), |indices| self.batch(indices, epoch), consume)
    }

    fn batch(&self, indices: &[usize], epoch: u64) -> Result<Batch, LoadError> {
        let (channels, height, width) = self.pipeline.output();
        let length = channels * height * width;
        let mut inputs = vec![0.0; indices.len() * length];
        let mut labels = Vec::with_capacity(indices.len());
        for (&i, input) in indices.iter().zip(inputs.chunks_exact_mut(length)) {
            self.fill(i, epoch, input)?;
            labels.push(self.pictures[i].label);
        }
        Ok(Batch { inputs, labels })
    }

    fn fill(&self, index: usize, epoch: u64, input: &mut [f32]) -> Result<(), LoadError> {
        let picture = &self.pictures[index];
        let unfit = |reason| LoadError::Prepare { file: picture.file.clone(), reason };
        let read;
        let prepared = if let Some(kept) = self.kept[index].get() {
            kept
        } else {
            let Picture { file, frame, mask, .. } = picture;
            let (image, mask) = read_seen(self.pipeline, file, *frame, mask.as_deref(), &self.limits)?;
            read = self.pipeline.prepare_with_mask(&image, mask.as_ref()).map_err(unfit)?;
            let bytes = size(&read.0) + read.1.as_ref().map_or(0, |mask| mask.inside().len());
            let room = |left: usize| left.checked_sub(bytes);
            if self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok() {
                self.kept[index].get_or_init(|| read)
            } else {
                &read
            }
        };
        let (image, mask) = prepared;
        let Some(v) = self.variation.as_ref().filter(|v| v.classes[picture.label]) else {
            return self.pipeline.finish_with_mask(image, mask.as_ref(), input).map_err(unfit);
        };
        let own = self.seeds.get(index).copied().unwrap_or(index as u64);
        let seed = sample_seed(v.seed, own, epoch);
        let (varied, mask) = match mask {
            None => (v.augmentation.apply(image, seed), None),
            Some(mask) => {
                let (varied, mask) = v.augmentation.apply_with_mask(image, mask, seed);
                (varied, Some(mask))
            }
        };
        self.pipeline.finish_with_mask(&varied, mask.as_ref(), input).map_err(unfit)
    }
}

fn size(image: &Image) -> usize {
    use semio_image::Samples;
    let bytes = match image.samples() {
        Samples::U8(_) => 1,
        Samples::U16(_) => 2,
        Samples::F32(_) => 4,
    };
    bytes * image.samples().len() + size_of::<Image>()
}

/// The order of an epoch: a shuffle that depends on seed and epoch only.
pub(crate) fn shuffled(n: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_cached_key(|&i| sample_seed(seed ^ 0x6f72_6465_7200, i as u64, epoch));
    order
}
