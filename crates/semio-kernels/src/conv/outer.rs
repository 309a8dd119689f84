//! The gradient of the weights in the direct form: for each tap a product of the input with the output's gradient,
//! summed over all pixels of all pictures.

use super::{ConvShape, direct::PANEL};
use crate::{
    buffer::{Buffer, Shared},
    maps::View,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
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
                let values = S::broadcasts::<Q>(a);
                for (sums, x) in acc.iter_mut().zip(values) {
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

/// All pictures' rows in bands whose inputs and gradients, a block and a panel of them, stay in the first-level cache.
pub(super) fn bands(dy: View) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
    let each = band(dy);
    let per_image = dy.height.div_ceil(each);
    (0..dy.batch * per_image).map(move |i| {
        let first = i % per_image * each;
        (i / per_image, first..(first + each).min(dy.height))
    })
}

/// Rows of a band.
fn band(dy: View) -> usize {
    (112 / dy.width.max(1)).max(1)
}

/// Numbers of one panel's sums with one block of inputs at one tap.
const PAIR: usize = LANES * PANEL;
/// Sums of a task, in such pairs: a quarter of a usual second-level cache.
const MOST_PAIRS: usize = 128;
/// Tasks there should be at least, whatever the number of threads: who adds to which sum depends on the shape alone.
const LEAST_TASKS: usize = 8;

/// What a task sums: weights between some panels of outputs and some blocks of inputs, over some bands.
#[derive(Clone)]
struct Part {
    pairs: std::ops::Range<usize>,
    blocks: std::ops::Range<usize>,
    bands: std::ops::Range<usize>,
    /// Where its sums begin.
    offset: usize,
}

/// Cuts the work so that inputs and gradients are read from memory as seldom as the sums' room allows.
fn parts(shape: &ConvShape, x: View, dy: View) -> Vec<Vec<Part>> {
    let (per_in, per_out) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    let all = dy.blocks.div_ceil(2);
    let room = (MOST_PAIRS / shape.taps()).max(1);
    let reads = |blocks: usize, pairs: usize| {
        all.div_ceil(pairs) * x.blocks * x.plane + x.blocks.div_ceil(blocks) * dy.blocks * dy.plane
    };
    let (blocks, pairs) = if shape.groups > 1 {
        (x.blocks.min(room), 1)
    } else {
        let choices = (1..=x.blocks.min(room)).map(|blocks| (blocks, (room / blocks).min(all)));
        choices.min_by_key(|&(blocks, pairs)| reads(blocks, pairs)).unwrap_or((1, 1))
    };
    // Groups that are alike.
    let (blocks, pairs) = (x.blocks.div_ceil(x.blocks.div_ceil(blocks)), all.div_ceil(all.div_ceil(pairs)));
    let mut groups = vec![];
    for first in (0..all).step_by(pairs) {
        let pairs = first..(first + pairs).min(all);
        // Inputs of other groups than the panels' have no weights.
        let (low, high) = (pairs.start * PANEL, (pairs.end * PANEL).min(shape.outputs) - 1);
        let inputs = low / per_out * per_in..(high / per_out + 1) * per_in;
        let end = inputs.end.div_ceil(LANES);
        let mut at = inputs.start / LANES;
        while at < end {
            groups.push((pairs.clone(), at..end.min(at + blocks)));
            at = end.min(at + blocks);
        }
    }
    let count = dy.batch * dy.height.div_ceil(band(dy));
    let cuts = LEAST_TASKS.div_ceil(groups.len()).min(count);
    let mut offset = 0;
    let mut cut = |pairs: std::ops::Range<usize>, blocks: std::ops::Range<usize>| {
        let each = pairs.len() * blocks.len() * shape.taps() * PAIR;
        let part = |i: usize| Part {
            pairs: pairs.clone(),
            blocks: blocks.clone(),
            bands: i * count / cuts..(i + 1) * count / cuts,
            offset: offset + i * each,
        };
        let parts = (0..cuts).map(part).collect();
        offset += cuts * each;
        parts
    };
    groups.into_iter().map(|(pairs, blocks)| cut(pairs, blocks)).collect()
}

/// The gradient of all weights.
pub(super) fn weight_gradient(shape: &ConvShape, x: View, dy: View, to: &Shared) {
    let [_, kw] = shape.kernel;
    let area = shape.taps();
    let groups = parts(shape, x, dy);
    let cuts = groups[0].len();
    let each = |part: &Part| part.pairs.len() * part.blocks.len() * area * PAIR;
    let len = groups.iter().flatten().map(|p| p.offset + each(p)).max().unwrap_or(0);
    let mut sums = Buffer::dirty(len);
    let sums = Shared(sums.as_mut_ptr());
    parallel(groups.len() * cuts, |i| {
        let part = &groups[i / cuts][i % cuts];
        // SAFETY: each task has its own sums.
        let sums = unsafe { sums.get().add(part.offset) };
        unsafe { std::ptr::write_bytes(sums, 0, each(part)) };
        for (image, rows) in bands(dy).skip(part.bands.start).take(part.bands.len()) {
            for (p, pair) in part.pairs.clone().enumerate() {
                for (b, block) in part.blocks.clone().enumerate() {
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
                                sums: sums.add(((p * part.blocks.len() + b) * area + tap) * PAIR),
                            });
                        }
                    }
                }
            }
        }
    });
    // One panel and block at a time: parts are added up in their order.
    let units: Vec<(&[Part], usize, usize)> = groups
        .iter()
        .flat_map(|parts| {
            let (pairs, blocks) = (parts[0].pairs.clone(), parts[0].blocks.clone());
            pairs.flat_map(move |pair| blocks.clone().map(move |block| (parts.as_slice(), pair, block)))
        })
        .collect();
    parallel(units.len(), |i| {
        let (parts, pair, block) = units[i];
        let first = &parts[0];
        let at = ((pair - first.pairs.start) * first.blocks.len() + block - first.blocks.start) * area * PAIR;
        // SAFETY: each task has the sums and weights of its own outputs and inputs.
        unsafe {
            let total = std::slice::from_raw_parts_mut(sums.get().add(first.offset + at), area * PAIR);
            for part in &parts[1..] {
                let more = std::slice::from_raw_parts(sums.get().add(part.offset + at), area * PAIR);
                total.iter_mut().zip(more).for_each(|(t, m)| *t += m);
            }
            gather(shape, total, pair, block, to.get());
        }
    });
}

/// Puts a panel's sums with one block of inputs, `[taps][16][32]`, into rows of weights.
///
/// # Safety
/// `to` holds all weights.
unsafe fn gather(shape: &ConvShape, sums: &[f32], pair: usize, block: usize, to: *mut f32) {
    struct Rows<'a> {
        sums: &'a [f32],
        /// Weights of the panel's first output with the block's first input, and from an output to the next.
        to: *mut f32,
        step: usize,
    }
    impl Kernel for Rows<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            for half in 0..2 {
                let mut rows: [S::V; LANES] =
                    std::array::from_fn(|i| S::load(self.sums.as_ptr().add(i * PANEL + half * LANES)));
                S::transpose(&mut rows);
                for (o, row) in rows.into_iter().enumerate() {
                    S::store(self.to.add((half * LANES + o) * self.step), row);
                }
            }
        }
    }
    let (per_in, per_out, area) = (shape.inputs / shape.groups, shape.outputs / shape.groups, shape.taps());
    let outputs = pair * PANEL..((pair + 1) * PANEL).min(shape.outputs);
    let channels = block * LANES..((block + 1) * LANES).min(shape.inputs);
    if area == 1 && shape.groups == 1 && outputs.len() == PANEL && channels.len() == LANES {
        let to = to.add(outputs.start * per_in + channels.start);
        return run(Rows { sums, to, step: per_in });
    }
    for o in outputs {
        let group = o / per_out * per_in;
        for c in channels.start.max(group)..channels.end.min(group + per_in) {
            for tap in 0..area {
                *to.add((o * per_in + c - group) * area + tap) = sums[(tap * LANES + c % LANES) * PANEL + o % PANEL];
            }
        }
    }
}
