//! The optimiser's step, in one pass over its rows.

use crate::{buffer::Shared, threads::parallel};

/// One step of Adam or AdamW on one row of values (Kingma and Ba 2015; Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// Step size, with the correction for the first steps' means.
    pub rate: f32,
    /// Decay of the mean gradient.
    pub beta1: f32,
    /// Decay of the mean square.
    pub beta2: f32,
    /// Correction of the mean square's root: `√(1 − β₂ᵗ)`.
    pub root_correction: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// Values shrink by this share first (decoupled weight decay times step size).
    pub shrink: f32,
}

impl Adam {
    /// Updates values, first and second moments in place.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn step(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let n = values.len();
        assert!(gradient.len() == n && first.len() == n && second.len() == n, "rows of different length");
        let part = 1 << 14;
        let rows = [Shared(values.as_mut_ptr()), Shared(first.as_mut_ptr()), Shared(second.as_mut_ptr())];
        parallel(n.div_ceil(part), |i| {
            let (start, len) = (i * part, part.min(n - i * part));
            // SAFETY: each task has its own part of the rows.
            let [values, first, second] =
                rows.map(|r| unsafe { std::slice::from_raw_parts_mut(r.get().add(start), len) });
            for (((p, m), v), &g) in values.iter_mut().zip(first).zip(second).zip(&gradient[start..start + len]) {
                *m = self.beta1 * *m + (1.0 - self.beta1) * g;
                *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
                *p -= *p * self.shrink + self.rate * *m / (v.sqrt() / self.root_correction + self.epsilon);
            }
        });
    }
}
