//! The largest value, or the mean, of windows.

use std::ops::Range;

use crate::{
    maps::{Maps, View},
    pixels::each_block,
    simd::{Kernel, LANES, Simd, run},
};

/// The rows and the columns of the input that each output row and column looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// One range an output row.
    pub rows: Vec<Range<usize>>,
    /// One range an output column.
    pub columns: Vec<Range<usize>>,
}

impl Windows {
    /// Windows of `kernel` pixels, `stride` apart, from `padding` before the first pixel on; what lies outside is left
    /// out.
    pub fn sliding(
        input: [usize; 2],
        output: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Self {
        let side = |d: usize| {
            let range = |i: usize| {
                let start = i * stride[d];
                let end = (start + kernel[d]).saturating_sub(padding[d]).min(input[d]);
                start.saturating_sub(padding[d]).min(end)..end
            };
            (0..output[d]).map(range).collect()
        };
        Self { rows: side(0), columns: side(1) }
    }

    /// As many near-equal parts as there are outputs (PyTorch's adaptive pooling).
    pub fn parts(input: [usize; 2], output: [usize; 2]) -> Self {
        let side = |d: usize| {
            let range = |i: usize| i * input[d] / output[d]..((i + 1) * input[d]).div_ceil(output[d]);
            (0..output[d]).map(range).collect()
        };
        Self { rows: side(0), columns: side(1) }
    }

    fn check(&self, x: View, y: View) {
        assert_eq!([self.rows.len(), self.columns.len()], [y.height, y.width], "windows of another output");
        assert_eq!([x.batch, x.blocks], [y.batch, y.blocks], "maps of different sizes");
        let inside = |ranges: &[Range<usize>], n: usize| ranges.iter().all(|r| r.end <= n);
        assert!(inside(&self.rows, x.height) && inside(&self.columns, x.width), "windows of another input");
    }
}

/// What one task of a pool works on.
struct Task<'a, F> {
    windows: &'a Windows,
    x: View,
    y: View,
    image: usize,
    block: usize,
    what: F,
}

/// Computes the largest value of each window; minus infinity where a window is empty.
///
/// # Panics
/// Where the sizes do not fit the windows.
pub fn max_pool(x: &Maps, windows: &Windows, y: &mut Maps) {
    struct Largest;
    impl Kernel for Task<'_, Largest> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self { windows, x, y, image, block, .. } = self;
            for (r, rows) in windows.rows.iter().enumerate() {
                let to = y.at(image, block, r as isize, 0);
                for (c, columns) in windows.columns.iter().enumerate() {
                    let mut best = S::splat(f32::NEG_INFINITY);
                    for row in rows.clone() {
                        let from = x.at(image, block, row as isize, 0);
                        for column in columns.clone() {
                            best = S::max(best, S::load(from.add(column * LANES)));
                        }
                    }
                    S::store(to.add(c * LANES), best);
                }
            }
        }
    }
    let (x, y) = (x.view(), y.view_mut());
    windows.check(x, y);
    each_block(y, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Task { windows, x, y, image, block, what: Largest }) }
    });
}

/// Computes the input gradient of [`max_pool`]: each window's gradient goes to its first largest value. What stood in
/// `dx` is kept where `add` is set.
///
/// # Panics
/// Where the sizes do not fit.
pub fn max_pool_backward(x: &Maps, windows: &Windows, y: &Maps, dy: &Maps, dx: &mut Maps, add: bool) {
    struct Back(View, View, bool);
    impl Kernel for Task<'_, Back> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self { windows, x, y, image, block, what: Back(dy, dx, add) } = self;
            if !add {
                clear::<S>(dx, image, block);
            }
            for (r, rows) in windows.rows.iter().enumerate() {
                let (best, from) = (y.at(image, block, r as isize, 0), dy.at(image, block, r as isize, 0));
                for (c, columns) in windows.columns.iter().enumerate() {
                    let best = S::load(best.add(c * LANES));
                    let mut left = S::load(from.add(c * LANES));
                    for row in rows.clone() {
                        let (x, to) = (x.at(image, block, row as isize, 0), dx.at(image, block, row as isize, 0));
                        for column in columns.clone() {
                            let value = S::load(x.add(column * LANES));
                            let to = to.add(column * LANES);
                            let share = S::select_gt(best, value, S::zero(), left);
                            left = S::select_gt(best, value, left, S::zero());
                            S::store(to, S::add(S::load(to), share));
                        }
                    }
                }
            }
        }
    }
    let (x, y, dy, dx) = (x.view(), y.view(), dy.view(), dx.view_mut());
    windows.check(x, y);
    windows.check(dx, dy);
    each_block(y, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Task { windows, x, y, image, block, what: Back(dy, dx, add) }) }
    });
}

/// Computes the mean of each window: the sum divided by `divisor`, or by the number of pixels where there is none.
///
/// # Panics
/// Where the sizes do not fit.
pub fn avg_pool(x: &Maps, windows: &Windows, divisor: Option<f32>, y: &mut Maps) {
    struct Mean(Option<f32>);
    impl Kernel for Task<'_, Mean> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self { windows, x, y, image, block, what: Mean(divisor) } = self;
            for (r, rows) in windows.rows.iter().enumerate() {
                let to = y.at(image, block, r as isize, 0);
                for (c, columns) in windows.columns.iter().enumerate() {
                    let mut sum = S::zero();
                    for row in rows.clone() {
                        let from = x.at(image, block, row as isize, 0);
                        let mut line = S::zero();
                        for column in columns.clone() {
                            line = S::add(line, S::load(from.add(column * LANES)));
                        }
                        sum = S::add(sum, line);
                    }
                    let n = divisor.unwrap_or((rows.len() * columns.len()) as f32);
                    S::store(to.add(c * LANES), S::mul(sum, S::splat(1.0 / n)));
                }
            }
        }
    }
    let (x, y) = (x.view(), y.view_mut());
    windows.check(x, y);
    each_block(y, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Task { windows, x, y, image, block, what: Mean(divisor) }) }
    });
}

/// Computes the input gradient of [`avg_pool`]. What stood in `dx` is kept where `add` is set.
///
/// # Panics
/// Where the sizes do not fit.
pub fn avg_pool_backward(windows: &Windows, divisor: Option<f32>, dy: &Maps, dx: &mut Maps, add: bool) {
    struct Back(Option<f32>, bool);
    impl Kernel for Task<'_, Back> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self { windows, x: dx, y: dy, image, block, what: Back(divisor, add) } = self;
            if !add {
                clear::<S>(dx, image, block);
            }
            for (r, rows) in windows.rows.iter().enumerate() {
                let from = dy.at(image, block, r as isize, 0);
                for (c, columns) in windows.columns.iter().enumerate() {
                    let n = divisor.unwrap_or((rows.len() * columns.len()) as f32);
                    let share = S::mul(S::load(from.add(c * LANES)), S::splat(1.0 / n));
                    for row in rows.clone() {
                        let to = dx.at(image, block, row as isize, 0);
                        for column in columns.clone() {
                            let to = to.add(column * LANES);
                            S::store(to, S::add(S::load(to), share));
                        }
                    }
                }
            }
        }
    }
    let (dx, dy) = (dx.view_mut(), dy.view());
    windows.check(dx, dy);
    each_block(dy, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Task { windows, x: dx, y: dy, image, block, what: Back(divisor, add) }) }
    });
}

#[inline(always)]
unsafe fn clear<S: Simd>(maps: View, image: usize, block: usize) {
    for row in 0..maps.height {
        let to = maps.at(image, block, row as isize, 0);
        for column in 0..maps.width {
            S::store(to.add(column * LANES), S::zero());
        }
    }
}

/// Computes the mean of each map as a batch of vectors.
///
/// # Panics
/// Where the sizes do not fit.
pub fn global_avg_pool(x: &Maps, y: &mut Maps) {
    struct Mean;
    impl Kernel for Task<'_, Mean> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self { x, y, image, block, .. } = self;
            let mut sum = S::zero();
            for row in 0..x.height {
                let from = x.at(image, block, row as isize, 0);
                let mut line = S::zero();
                for column in 0..x.width {
                    line = S::add(line, S::load(from.add(column * LANES)));
                }
                sum = S::add(sum, line);
            }
            let mean = S::mul(sum, S::splat(1.0 / (x.height * x.width) as f32));
            S::store(y.at(0, block, 0, image as isize), mean);
        }
    }
    let (x, y) = (x.view(), y.view_mut());
    as_vectors(x, y);
    let windows = &Windows { rows: vec![], columns: vec![] };
    each_block(x, |image, block| {
        // SAFETY: each task writes its own block of its own vector.
        unsafe { run(Task { windows, x, y, image, block, what: Mean }) }
    });
}

/// Computes the input gradient of [`global_avg_pool`]. What stood in `dx` is kept where `add` is set.
///
/// # Panics
/// Where the sizes do not fit.
pub fn global_avg_pool_backward(dy: &Maps, dx: &mut Maps, add: bool) {
    struct Back(bool);
    impl Kernel for Task<'_, Back> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self { x: dx, y: dy, image, block, what: Back(add), .. } = self;
            let share =
                S::mul(S::load(dy.at(0, block, 0, image as isize)), S::splat(1.0 / (dx.height * dx.width) as f32));
            for row in 0..dx.height {
                let to = dx.at(image, block, row as isize, 0);
                for column in 0..dx.width {
                    let to = to.add(column * LANES);
                    S::store(to, if add { S::add(S::load(to), share) } else { share });
                }
            }
        }
    }
    let (dx, dy) = (dx.view_mut(), dy.view());
    as_vectors(dx, dy);
    let windows = &Windows { rows: vec![], columns: vec![] };
    each_block(dx, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Task { windows, x: dx, y: dy, image, block, what: Back(add) }) }
    });
}

fn as_vectors(maps: View, vectors: View) {
    let found = [vectors.batch, vectors.blocks, vectors.height, vectors.width];
    assert_eq!(found, [1, maps.blocks, 1, maps.batch], "one vector a picture");
}
