//! An optimiser's step, in one pass over its rows.

use crate::{buffer::Shared, threads::parallel};

/// Values of one task.
const PART: usize = 1 << 14;

/// One step of Adam or AdamW (Kingma and Ba 2015, Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// Step size divided by `1 − β₁ᵗ`, which corrects the first steps' means.
    pub rate: f32,
    /// β₁, decay of the mean gradient.
    pub beta1: f64,
    /// β₂, decay of the mean square.
    pub beta2: f64,
    /// `√(1 − β₂ᵗ)`: corrects the first steps' mean squares.
    pub root_correction: f32,
    /// Added to the mean square's root.
    pub epsilon: f32,
    /// λ of a penalty λ·w² that is part of the loss.
    pub l2: f32,
    /// Share by which values shrink, apart from the gradient: step size times weight decay.
    pub shrink: f32,
}

impl Adam {
    /// Updates values and both moments in place.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn step(&self, values: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let n = values.len();
        assert!(gradient.len() == n && first.len() == n && second.len() == n, "rows of different length");
        // One minus β₂ keeps its digits only where the difference is taken in double precision.
        let ([keep1, keep2], [take1, take2]) =
            ([self.beta1, self.beta2].map(|b| b as f32), [self.beta1, self.beta2].map(|b| (1.0 - b) as f32));
        let rows = [Shared(values.as_mut_ptr()), Shared(first.as_mut_ptr()), Shared(second.as_mut_ptr())];
        parallel(n.div_ceil(PART), |i| {
            let (start, len) = (i * PART, PART.min(n - i * PART));
            // SAFETY: each task has its own part of the rows.
            let [values, first, second] =
                rows.map(|r| unsafe { std::slice::from_raw_parts_mut(r.get().add(start), len) });
            for (((p, m), v), &g) in values.iter_mut().zip(first).zip(second).zip(&gradient[start..start + len]) {
                let g = g + 2.0 * self.l2 * *p;
                *m = keep1 * *m + take1 * g;
                *v = keep2 * *v + take2 * g * g;
                *p -= *p * self.shrink + self.rate * *m / (v.sqrt() / self.root_correction + self.epsilon);
            }
        });
    }
}

/// One step of gradient descent with momentum.
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    /// Step size.
    pub rate: f32,
    /// Share of the former velocity that stays.
    pub momentum: f32,
    /// λ of a penalty λ·w² that is part of the loss.
    pub l2: f32,
}

impl Momentum {
    /// Updates values and velocity in place.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn step(&self, values: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
        let n = values.len();
        assert!(gradient.len() == n && velocity.len() == n, "rows of different length");
        let rows = [Shared(values.as_mut_ptr()), Shared(velocity.as_mut_ptr())];
        parallel(n.div_ceil(PART), |i| {
            let (start, len) = (i * PART, PART.min(n - i * PART));
            // SAFETY: each task has its own part of the rows.
            let [values, velocity] = rows.map(|r| unsafe { std::slice::from_raw_parts_mut(r.get().add(start), len) });
            for ((p, v), &g) in values.iter_mut().zip(velocity).zip(&gradient[start..start + len]) {
                *v = self.momentum * *v + g + 2.0 * self.l2 * *p;
                *p -= self.rate * *v;
            }
        });
    }
}
