//! The gradient of the weights in the direct form: for each tap a product of the input with the output's gradient,
//! summed over all pixels of all pictures.

use super::{ConvShape, direct::PANEL};
use crate::{
    buffer::Shared,
    maps::View,
    simd::{Kernel, LANES, Simd, run},
    threads::{parallel, threads},
};

/// Adds one picture's share to the weights between some input values and one panel of outputs.
pub(super) struct Sum {
    /// Input value of output pixel (0, 0).
    pub a: *const f32,
    /// From an output row's input to the next row's.
    pub a_row: usize,
    /// From a pixel's input to the next one's.
    pub a_step: usize,
    /// Consecutive input values.
    pub lanes: usize,
    pub dy: View,
    pub image: usize,
    /// Output rows.
    pub rows: std::ops::Range<usize>,
    /// First of the two blocks of outputs.
    pub block: usize,
    /// `[lanes][32]`
    pub sums: *mut f32,
}

impl Kernel for Sum {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let two = self.block + 1 < self.dy.blocks;
        if two && S::VECTORS == 2 {
            let mut lane = 0;
            while lane + 8 <= self.lanes {
                self.add::<S, 8, 2>(lane, 0);
                lane += 8;
            }
            match self.lanes - lane {
                7 => self.add::<S, 7, 2>(lane, 0),
                rest => {
                    let end = lane + rest;
                    while lane + 3 <= end {
                        self.add::<S, 3, 2>(lane, 0);
                        lane += 3;
                    }
                    while lane < end {
                        self.add::<S, 1, 2>(lane, 0);
                        lane += 1;
                    }
                }
            }
            return;
        }
        for v in 0..=usize::from(two) {
            let mut lane = 0;
            while lane + 4 <= self.lanes {
                self.add::<S, 4, 1>(lane, v);
                lane += 4;
            }
            while lane < self.lanes {
                self.add::<S, 1, 1>(lane, v);
                lane += 1;
            }
        }
    }
}

impl Sum {
    #[inline(always)]
    unsafe fn add<S: Simd, const Q: usize, const NV: usize>(&self, lane: usize, vector: usize) {
        let dy = &self.dy;
        let to = self.sums.add(lane * PANEL + vector * LANES);
        let mut acc = [[S::zero(); NV]; Q];
        for row in self.rows.clone() {
            let mut a = self.a.add(row * self.a_row + lane);
            let mut z = dy.at(self.image, self.block + vector, row as isize, 0).cast_const();
            for _ in 0..dy.width {
                let mut g = [S::zero(); NV];
                for (v, g) in g.iter_mut().enumerate() {
                    *g = S::load(z.add(v * dy.plane));
                }
                for (q, sums) in acc.iter_mut().enumerate() {
                    let x = S::broadcast(a.add(q));
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = S::fma(x, g[v], *sum);
                    }
                }
                a = a.add(self.a_step);
                z = z.add(LANES);
            }
        }
        for (q, row) in acc.iter().enumerate() {
            for (v, sum) in row.iter().enumerate() {
                // A few rows are summed by themselves first: sums of sums lose fewer digits.
                let total = to.add(q * PANEL + v * LANES);
                S::store(total, S::add(S::load(total), *sum));
            }
        }
    }
}

/// All pictures' rows in bands whose gradients of one panel stay in the first-level cache.
pub(super) fn bands(dy: View) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let each = (192 / dy.width.max(1)).max(1);
    let per_image = dy.height.div_ceil(each);
    (0..dy.batch * per_image).map(move |i| {
        let first = i % per_image * each;
        (i / per_image, first..(first + each).min(dy.height))
    })
}

/// The gradient of all weights; each task has some blocks of inputs and one panel of outputs, for all pictures.
pub(super) fn weight_gradient(shape: &ConvShape, x: View, dy: View, gradient: &mut [f32]) {
    let (per_in, per_out) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    let [kh, kw] = shape.kernel;
    let area = kh * kw;
    let to = Shared(gradient.as_mut_ptr());
    let pairs = dy.blocks.div_ceil(2);
    // Inputs of other groups than the panel's have no weights.
    let seen = |pair: usize| {
        let (first, last) = (pair * PANEL, ((pair + 1) * PANEL).min(shape.outputs) - 1);
        let inputs = first / per_out * per_in..(last / per_out + 1) * per_in;
        inputs.start / LANES..inputs.end.div_ceil(LANES)
    };
    // Enough tasks for all threads, and not more: each reads its outputs' gradients anew. Every sum is made by one task,
    // so the cut changes no result.
    let share = (pairs * x.blocks).div_ceil(4 * threads()).max(1);
    let mut tasks = vec![];
    for pair in 0..pairs {
        let blocks = seen(pair);
        let mut at = blocks.start;
        while at < blocks.end {
            let end = blocks.end.min(at.saturating_add(share));
            tasks.push((pair, at..end));
            at = end;
        }
    }
    parallel(tasks.len(), |i| {
        let (pair, blocks) = tasks[i].clone();
        let mut sums = vec![0f32; blocks.len() * area * LANES * PANEL];
        for (image, rows) in bands(dy) {
            for (b, block) in blocks.clone().enumerate() {
                for tap in 0..area {
                    let row = (tap / kw * shape.dilation[0]) as isize - shape.padding[0] as isize;
                    let column = (tap % kw * shape.dilation[1]) as isize - shape.padding[1] as isize;
                    // SAFETY: the border reaches as far as the padding; the sums are this task's own.
                    unsafe {
                        run(Sum {
                            a: x.at(image, block, row, column),
                            a_row: shape.stride[0] * x.pitch,
                            a_step: shape.stride[1] * LANES,
                            lanes: LANES,
                            dy,
                            image,
                            rows: rows.clone(),
                            block: pair * 2,
                            sums: sums.as_mut_ptr().add((b * area + tap) * LANES * PANEL),
                        });
                    }
                }
            }
        }
        let channels = blocks.start * LANES..(blocks.end * LANES).min(shape.inputs);
        for o in pair * PANEL..((pair + 1) * PANEL).min(shape.outputs) {
            let group = o / per_out * per_in;
            for c in channels.start.max(group)..channels.end.min(group + per_in) {
                let (b, lane) = ((c - blocks.start * LANES) / LANES, c % LANES);
                for tap in 0..area {
                    let sum = sums[((b * area + tap) * LANES + lane) * PANEL + o % PANEL];
                    // SAFETY: each task writes the weights of its own outputs and inputs.
                    unsafe { *to.get().add((o * per_in + c - group) * area + tap) = sum };
                }
            }
        }
    });
}
