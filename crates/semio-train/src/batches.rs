use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};

use crate::{
    features::Features,
    fit::{FitError, Job},
    learner::Learner,
    loader::{Batch, Loader},
};

/// Both parts' pictures, or what stands for them.
pub(crate) struct Parts<T> {
    pub(crate) train: T,
    pub(crate) val: T,
}

/// Where batches come from.
pub(crate) enum Batches<'a, 'b> {
    /// From the pictures.
    Pictures(&'a Parts<Loader<'b>>),
    /// From what the frozen base made of them.
    Features(&'a Parts<Features<'b>>),
}

impl Batches<'_, '_> {
    /// Batches of the training pictures, as the head reads them.
    pub(crate) fn train<B>(
        &self,
        job: &Job<'_>,
        learner: &mut Learner,
        order: &[usize],
        epoch: u64,
        mut consume: impl FnMut(&mut Learner, Result<Input, FitError>) -> ControlFlow<B>,
    ) -> Option<B> {
        let size = job.recipe.batch_size;
        match self {
            Self::Pictures(parts) => parts.train.batches(order, size, epoch, |batch| {
                let input = batch.map(|b| Input::seen(job, learner, b)).map_err(FitError::Load);
                consume(learner, input)
            }),
            Self::Features(parts) => parts.train.batches(order, size, epoch, |batch| {
                let input = batch.map(|b| Input::kept(job, learner, b));
                consume(learner, input)
            }),
        }
    }

    /// Batches of the validation pictures, as the head reads them.
    pub(crate) fn val<B>(
        &self,
        job: &Job<'_>,
        learner: &Learner,
        mut consume: impl FnMut(Result<Input, FitError>) -> ControlFlow<B>,
    ) -> Option<B> {
        let order: Vec<usize> = (0..job.val.len()).collect();
        let size = job.recipe.batch_size.max(8);
        match self {
            Self::Pictures(parts) => parts.val.batches(&order, size, 0, |batch| {
                consume(batch.map(|b| Input::seen(job, learner, b)).map_err(FitError::Load))
            }),
            Self::Features(parts) => {
                parts.val.batches(&order, size, 0, |batch| consume(batch.map(|b| Input::kept(job, learner, b))))
            }
        }
    }
}

/// A batch as the head reads it.
pub(crate) struct Input {
    pub(crate) values: Tensor<4>,
    pub(crate) labels: Vec<usize>,
}

impl Input {
    /// Pictures, through the base where there is one.
    pub(crate) fn seen(job: &Job<'_>, learner: &Learner, mut batch: Batch) -> Self {
        let labels = std::mem::take(&mut batch.labels);
        let (channels, height, width) = job.pipeline.output();
        let shape = [labels.len(), channels, height, width];
        let pictures = Tensor::from_data(TensorData::new(batch.inputs, shape), job.device);
        Self { values: learner.see(pictures), labels }
    }

    /// Features.
    fn kept(job: &Job<'_>, learner: &Learner, batch: Batch) -> Self {
        let shape = [batch.labels.len(), learner.features()];
        let rows = Tensor::from_data(TensorData::new(batch.inputs, shape), job.device);
        Self { values: learner.shaped(rows), labels: batch.labels }
    }
}
