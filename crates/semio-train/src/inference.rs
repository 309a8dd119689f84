use std::{num::NonZeroU32, ops::ControlFlow, path::PathBuf};

use semio_data::{PictureFile, ReadLimits};
use semio_image::Pipeline;
use semio_model::{Prediction, Predictor, Prepared, Sight};

use crate::{
    loader::{LoadError, Picture, see},
    parallel,
};
use semio_stats::{Predictions, PredictionsError};

/// A file to predict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// As the user spelled it.
    pub name: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Which of its frames, counted from 1; the first where none is named.
    pub frame: Option<NonZeroU32>,
    /// Where its mask lies, if it has one.
    pub mask: Option<PathBuf>,
}

impl From<&Picture> for Input {
    fn from(picture: &Picture) -> Self {
        let Picture { file, frame, name, mask, .. } = picture.clone();
        Self { name, file, frame, mask }
    }
}

/// Predicts files in their order, reading ahead on all cores.
///
/// Memory does not grow with the number of files. A file that cannot be read gives its error in its place and holds
/// up nothing else. `consume` is told how many frames the file has, 0 where it cannot be opened, and may stop the work.
/// Frames of one file that follow each other are read from it together.
pub fn predict_files<B>(
    predictor: &Predictor,
    inputs: impl Iterator<Item = Input> + Send,
    threads: usize,
    batch_size: usize,
    mut consume: impl FnMut(Input, u32, Result<Prediction, LoadError>) -> ControlFlow<B>,
) -> Option<B> {
    let pipeline = &predictor.manifest().pipeline;
    see_files(predictor, pipeline, inputs, threads, batch_size, |input, frames, result| {
        consume(input, frames, result.map(|sight| predictor.judge(&sight)))
    })
}

/// What the network makes of files, likewise, prepared by its own pipeline or one that shows it less.
pub(crate) fn see_files<B>(
    predictor: &Predictor,
    pipeline: &Pipeline,
    inputs: impl Iterator<Item = Input> + Send,
    threads: usize,
    batch_size: usize,
    mut consume: impl FnMut(Input, u32, Result<Sight, LoadError>) -> ControlFlow<B>,
) -> Option<B> {
    let limits = ReadLimits::default();
    let prepare = |input: &Input, file: &PictureFile| {
        let unfit = |reason| LoadError::Prepare { file: input.file.clone(), reason };
        let (image, mask) = see(pipeline, file, input.frame, input.mask.as_deref(), &limits)?;
        Prepared::new(pipeline, &image, mask.as_ref()).map_err(unfit)
    };
    let mut inputs = inputs.fuse();
    let chunks = std::iter::from_fn(move || {
        let chunk: Vec<Input> = inputs.by_ref().take(batch_size.max(1)).collect();
        (!chunk.is_empty()).then_some(chunk)
    });
    let work = |chunk: Vec<Input>| -> Vec<_> {
        let mut open: Option<PictureFile> = None;
        let one = |input: Input| {
            let same = open.take().filter(|open| input.frame.is_some() && open.path() == input.file);
            let opened = same.map_or_else(|| PictureFile::open(&input.file, &limits), Ok);
            let (frames, prepared) = match opened {
                Ok(file) => {
                    let prepared = prepare(&input, &file);
                    (open.insert(file).frames(), prepared)
                }
                Err(error) => (0, Err(error.into())),
            };
            (input, frames, prepared)
        };
        chunk.into_iter().map(one).collect()
    };
    parallel::ordered(threads, 2 * threads + 1, chunks, work, |chunk| {
        let mut prepared = vec![];
        let mut rest = vec![];
        for (input, frames, result) in chunk {
            rest.push((input, frames, result.map(|values| prepared.push(values))));
        }
        let mut sights = predictor.see(&prepared).into_iter();
        for (input, frames, result) in rest {
            match result {
                Ok(()) => {
                    if let Some(sight) = sights.next() {
                        consume(input, frames, Ok(sight))?;
                    }
                }
                Err(error) => consume(input, frames, Err(error))?,
            }
        }
        ControlFlow::Continue(())
    })
}

/// The predictions for pictures whose classes are known.
pub struct Judged {
    /// The pictures that could be read, in their order.
    pub pictures: Vec<Picture>,
    /// Their predictions.
    pub predictions: Predictions,
    /// The same with sets and outcomes.
    pub results: Vec<Prediction>,
    /// The files that could not be read, with the reason.
    pub unreadable: Vec<(String, LoadError)>,
}

impl Judged {
    /// The predictions of several networks, each on pictures of its own, one after the other.
    ///
    /// # Errors
    /// [`JudgeError`] where there is none, or their classes differ.
    pub(crate) fn pool(parts: Vec<Self>) -> Result<Self, JudgeError> {
        let predictions = Predictions::pool(parts.iter().map(|part| &part.predictions))?;
        let (mut pictures, mut results, mut unreadable) = (vec![], vec![], vec![]);
        for part in parts {
            pictures.extend(part.pictures);
            results.extend(part.results);
            unreadable.extend(part.unreadable);
        }
        Ok(Self { pictures, predictions, results, unreadable })
    }
}

/// Why pictures cannot be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// No picture can be judged, or the predictions contradict each other.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
}

/// Predicts pictures whose classes are known, through the same predictor as every other use.
///
/// # Errors
/// [`JudgeError`] where no picture could be read.
pub fn judge_pictures(
    predictor: &Predictor,
    pictures: &[Picture],
    threads: usize,
    batch_size: usize,
    progress: impl FnMut(usize),
) -> Result<Judged, JudgeError> {
    judge_seen(predictor, &predictor.manifest().pipeline, pictures, threads, batch_size, progress)
}

/// The same, with the pictures prepared by a pipeline that shows the network less of them.
pub(crate) fn judge_seen(
    predictor: &Predictor,
    pipeline: &Pipeline,
    pictures: &[Picture],
    threads: usize,
    batch_size: usize,
    mut progress: impl FnMut(usize),
) -> Result<Judged, JudgeError> {
    let inputs = pictures.iter().map(Input::from);
    let (mut kept, mut unreadable, mut done) = (vec![], vec![], 0);
    let (mut truth, mut probabilities, mut decided, mut answered) = (vec![], vec![], vec![], vec![]);
    let mut results = vec![];
    see_files(predictor, pipeline, inputs, threads, batch_size, |input, _, result| {
        let picture = &pictures[done];
        done += 1;
        match result {
            Ok(sight) => {
                let prediction = predictor.judge(&sight);
                kept.push(picture.clone());
                truth.push(picture.label);
                decided.push(prediction.class);
                answered.push(prediction.answered());
                probabilities.extend(prediction.probabilities.iter().copied());
                results.push(prediction);
            }
            Err(error) => unreadable.push((input.name, error)),
        }
        progress(done);
        ControlFlow::<()>::Continue(())
    });
    let classes = predictor.manifest().classes.clone();
    let predictions = Predictions::new(classes, truth, probabilities, decided, answered)?;
    Ok(Judged { pictures: kept, predictions, results, unreadable })
}
