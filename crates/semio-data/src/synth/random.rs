//! Random numbers whose sequence never changes: ChaCha8, and conversions written out here.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::Job;

/// What a sequence is drawn for; each has its own, so that leaving the lesion out changes nothing else.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Which patients and classes follow one another.
    Plan = 1,
    /// What all pictures of a patient share.
    Anatomy = 2,
    /// Position, slice and contrast of one picture.
    Pose = 3,
    /// What belongs to the class.
    Lesion = 4,
    /// The scanner's noise.
    Noise = 5,
}

/// A sequence of random numbers.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// Starts the sequence of one purpose for one block, patient or picture.
    pub(super) fn new(seed: u64, job: Job, purpose: Purpose, number: u64) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, job as u64, purpose as u64, number]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Draws evenly from `low` to `high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        // 24 bits are what an f32 between 0 and 1 can hold.
        low + (high - low) * ((self.0.next_u32() >> 8) as f32 / (1 << 24) as f32)
    }

    /// Draws `true` with probability `p`.
    pub(super) fn chance(&mut self, p: f32) -> bool {
        self.between(0.0, 1.0) < p
    }

    /// Draws −1 or 1.
    pub(super) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Draws a whole number from `low` to `high`, both included.
    pub(super) fn whole(&mut self, low: usize, high: usize) -> usize {
        let span = (high - low + 1) as u64;
        low + ((u64::from(self.0.next_u32()) * span) >> 32) as usize
    }

    /// Draws an angle, in radians.
    pub(super) fn angle(&mut self) -> f32 {
        self.between(0.0, std::f32::consts::TAU)
    }

    /// Draws about normally with mean 0 and deviation 1: the sum of four even numbers, enough for a scanner's noise.
    pub(super) fn normal(&mut self) -> f32 {
        let sum: u32 = self.0.next_u32().to_le_bytes().into_iter().map(u32::from).sum();
        // Four bytes: mean 510, variance 4 · (256² − 1) / 12.
        (sum as f32 - 510.0) / 147.8
    }

    /// Draws the seed of a [`super::noise::Noise`].
    pub(super) fn seed(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Puts values into random order (Fisher–Yates).
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.whole(0, last));
        }
    }
}
