//! What the machine can do at most.

use std::time::Instant;

use crate::{
    simd::{Kernel, LANES, Simd, run},
    threads::{parallel, threads},
};

/// Multiply-adds a second of all threads together, measured for a few hundredths of a second without any memory.
pub fn peak() -> f64 {
    let tasks = threads();
    let measure = || {
        let start = Instant::now();
        parallel(tasks, |_| {
            let mut sum = [0f32; LANES];
            // SAFETY: an array of one vector.
            unsafe { run(Spin(sum.as_mut_ptr())) };
            std::hint::black_box(sum);
        });
        (tasks * ROUNDS * CHAINS * LANES) as f64 / start.elapsed().as_secs_f64()
    };
    (0..8).map(|_| measure()).fold(0.0, f64::max)
}

const ROUNDS: usize = 1 << 18;
/// Sums that do not wait for one another.
const CHAINS: usize = 12;

struct Spin(*mut f32);

impl Kernel for Spin {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut sums = [S::load(self.0); CHAINS];
        let (a, b) = (S::splat(std::hint::black_box(0.5)), S::splat(std::hint::black_box(1.0)));
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = S::fma(a, *sum, b);
            }
        }
        let total = sums.into_iter().reduce(|x, y| S::add(x, y));
        S::store(self.0, total.unwrap_or(a));
    }
}
