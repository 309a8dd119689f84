use burn::tensor::{Tensor, TensorData};

use super::BatchStatistic;
use crate::init::{SplitMix64, mix};

/// The random numbers of one pass through the network.
#[derive(Clone, Copy)]
pub(crate) struct Masks {
    seed: u64,
}

impl Masks {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Factors of a layer's values: zero for a share of them, and what keeps the mean for the others.
    pub(crate) fn draw(self, rate: f64, layer: usize, n: usize) -> Vec<f32> {
        let mut random = SplitMix64::new(self.seed ^ mix(layer as u64 + 1));
        let threshold = (rate * 2f64.powi(64)) as u64;
        let keep = (1.0 / (1.0 - rate)) as f32;
        (0..n).map(|_| if random.next() < threshold { 0.0 } else { keep }).collect()
    }
}

/// What a pass through the network keeps while training.
pub(crate) struct Training {
    masks: Masks,
    pub(crate) statistics: Vec<BatchStatistic>,
}

impl Training {
    pub(crate) fn new(seed: u64) -> Self {
        Self { masks: Masks::new(seed), statistics: vec![] }
    }

    /// Sets a share of the values to zero and scales the rest, so that the mean stays.
    pub(crate) fn dropout<const D: usize>(&self, x: Tensor<D>, rate: f64, layer: usize) -> Tensor<D> {
        let shape = x.dims();
        self.mask(x, rate, layer, shape)
    }

    /// Sets a share of the pictures to zero and scales the others, so that the mean stays.
    pub(crate) fn stochastic_depth<const D: usize>(&self, x: Tensor<D>, rate: f64, layer: usize) -> Tensor<D> {
        let mut shape = [1; D];
        shape[0] = x.dims()[0];
        self.mask(x, rate, layer, shape)
    }

    fn mask<const D: usize>(&self, x: Tensor<D>, rate: f64, layer: usize, shape: [usize; D]) -> Tensor<D> {
        if rate <= 0.0 {
            return x;
        }
        let mask = self.masks.draw(rate, layer, shape.iter().product());
        let mask = Tensor::<D>::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }
}
