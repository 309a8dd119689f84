//! Weight gradient: the outputs' gradients are transformed too, and 36 products over tiles summed.

use std::ops::Range;

use super::{POINTS, Tiles, TransformInput, points::output_points_adjoint, points::weight_points_adjoint};
use crate::{
    buffer::{Buffer, Shared},
    conv::{ConvShape, direct::PANEL},
    maps::View,
    scratch::scratch,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// Blocks of inputs, and of outputs, between which a task sums weights: their sums and some tiles' transforms stay in a
/// core's second-level cache.
const SIDE: usize = 4;
/// Tiles that are transformed at a time, at most.
const MOST_TILES: usize = 56;
/// Tasks there should be at least, whatever the number of threads: who adds to which sum depends on the shape alone.
const LEAST_TASKS: usize = 8;

/// The gradient of the weights: 36 products over tiles, then the transform's adjoint.
///
/// A task does all of it for some inputs and outputs, so that nothing but pictures and weights leaves its core's cache. The
/// price, transforms that several tasks repeat, is an eighth of the work.
pub(in crate::conv) fn weight_gradient(shape: &ConvShape, x: View, dy: View, to: &Shared) {
    let tiles = Tiles::of(dy);
    let sides = [x.blocks.div_ceil(SIDE), dy.blocks.div_ceil(SIDE)];
    let squares = sides[0] * sides[1];
    let slices = LEAST_TASKS.div_ceil(squares).min(tiles.count.div_ceil(MOST_TILES));
    let part = |square: usize, slice: usize| Part {
        inputs: share(x.blocks, sides[0], square % sides[0]),
        outputs: share(dy.blocks, sides[1], square / sides[0]),
        tiles: share(tiles.count, slices, slice),
    };
    if slices == 1 {
        return parallel(squares, |square| {
            let part = part(square, 0);
            scratch(part.sums() + part.transforms(), |sums| {
                // SAFETY: each task has its own memory and writes its own outputs' and inputs' weights.
                unsafe {
                    part.sum(shape, x, dy, tiles, sums, sums.add(part.sums()));
                    part.gather(shape, 0..part.pairs(), sums, to.get());
                }
            });
        });
    }
    let each = (0..squares).map(|square| part(square, 0).sums()).max().unwrap_or(0);
    let mut all = Buffer::dirty(squares * slices * each);
    let all = Shared(all.as_mut_ptr());
    parallel(squares * slices, |i| {
        let part = part(i / slices, i % slices);
        // SAFETY: each task has its own sums and transforms.
        scratch(part.transforms(), |v| unsafe { part.sum(shape, x, dy, tiles, all.get().add(i * each), v) });
    });
    // One pair of blocks at a time: slices are added up in their order.
    let most = SIDE * SIDE;
    parallel(squares * most, |i| {
        let (square, pair) = (i / most, i % most);
        let part = part(square, 0);
        if pair < part.pairs() {
            // SAFETY: each task has its own pair's sums and weights.
            unsafe {
                let sums = all.get().add(square * slices * each);
                part.add_up(pair, sums, each, slices);
                part.gather(shape, pair..pair + 1, sums, to.get());
            }
        }
    });
}

/// Part `i` of `parts` near-equal ones of `n` things.
fn share(n: usize, parts: usize, i: usize) -> Range<usize> {
    i * n / parts..(i + 1) * n / parts
}

/// What a task sums: weights between some blocks of inputs and of outputs, over some tiles.
struct Part {
    inputs: Range<usize>,
    outputs: Range<usize>,
    tiles: Range<usize>,
}

impl Part {
    /// Panels of outputs; a last one may be half empty.
    fn panels(&self) -> usize {
        self.outputs.len().div_ceil(2)
    }

    /// Pairs of a block of inputs with one of outputs.
    fn pairs(&self) -> usize {
        self.inputs.len() * self.outputs.len()
    }

    /// From a point's sums to the next one's: one row of a panel an input.
    fn stride(&self) -> usize {
        self.panels() * self.inputs.len() * LANES * PANEL + LANES
    }

    /// Numbers of all sums.
    fn sums(&self) -> usize {
        POINTS * self.stride()
    }

    /// Tiles that are transformed at a time.
    fn at_once(&self) -> usize {
        let count = self.tiles.len();
        count.div_ceil(count.div_ceil(MOST_TILES))
    }

    /// From a point's transforms to the next one's: of the inputs, and of the outputs' gradients.
    fn strides(&self) -> [usize; 2] {
        [self.inputs.len(), 2 * self.panels()].map(|blocks| (blocks * self.at_once() + 1) * LANES)
    }

    /// Numbers of all transforms.
    fn transforms(&self) -> usize {
        POINTS * self.strides().iter().sum::<usize>()
    }

    /// Fills `sums`; `v` is memory for transforms.
    ///
    /// # Safety
    /// They hold [`Part::sums`] and [`Part::transforms`] numbers.
    unsafe fn sum(&self, shape: &ConvShape, x: View, dy: View, tiles: Tiles, sums: *mut f32, v: *mut f32) {
        let (blocks, panels, each) = (self.inputs.len(), self.panels(), self.at_once());
        let [v_stride, z_stride] = self.strides();
        let z = v.add(POINTS * v_stride);
        for first in self.tiles.clone().step_by(each) {
            let range = first..(first + each).min(self.tiles.end);
            for (i, block) in self.inputs.clone().enumerate() {
                let (range, v) = (range.clone(), v.add(i * each * LANES));
                run(TransformInput { x, padding: shape.padding, tiles, block, range, first, v, stride: v_stride });
            }
            for (i, block) in self.outputs.clone().enumerate() {
                let (range, z) = (range.clone(), z.add(i / 2 * each * PANEL + i % 2 * LANES));
                run(TransformGradient { dy, tiles, block, range, first, z, stride: z_stride });
            }
            for i in 0..POINTS * panels {
                let (point, panel) = (i / panels, i % panels);
                run(OuterProduct {
                    v: v.add(point * v_stride),
                    z: z.add(point * z_stride + panel * each * PANEL),
                    sums: sums.add(point * self.stride() + panel * blocks * LANES * PANEL),
                    blocks,
                    // A panel whose second block does not exist holds nothing there.
                    vectors: (self.outputs.len() - panel * 2).min(2),
                    count: range.len(),
                    each,
                    add: first > self.tiles.start,
                });
            }
        }
    }

    /// Where a pair's first sums lie.
    fn at(&self, pair: usize) -> usize {
        let (output, input) = (pair / self.inputs.len(), pair % self.inputs.len());
        (output / 2 * self.inputs.len() + input) * LANES * PANEL + output % 2 * LANES
    }

    /// Adds a pair's sums of further slices to the first one's.
    ///
    /// # Safety
    /// `sums` holds `slices` times `each` numbers.
    unsafe fn add_up(&self, pair: usize, sums: *mut f32, each: usize, slices: usize) {
        for place in 0..POINTS * LANES {
            let at = place / LANES * self.stride() + self.at(pair) + place % LANES * PANEL;
            let total = std::slice::from_raw_parts_mut(sums.add(at), LANES);
            for slice in 1..slices {
                let more = std::slice::from_raw_parts(sums.add(slice * each + at), LANES);
                total.iter_mut().zip(more).for_each(|(t, m)| *t += m);
            }
        }
    }

    /// Makes weights of some pairs' sums.
    ///
    /// # Safety
    /// `to` holds all weights.
    unsafe fn gather(&self, shape: &ConvShape, pairs: Range<usize>, sums: *const f32, to: *mut f32) {
        for pair in pairs {
            let out_block = self.outputs.start + pair / self.inputs.len();
            let block = self.inputs.start + pair % self.inputs.len();
            run(GatherWeights { shape, out_block, block, sums: sums.add(self.at(pair)), stride: self.stride(), to });
        }
    }
}

/// A dy Aᵀ of some tiles of one block.
struct TransformGradient {
    dy: View,
    tiles: Tiles,
    block: usize,
    range: Range<usize>,
    first: usize,
    z: *mut f32,
    stride: usize,
}

impl Kernel for TransformGradient {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { dy, tiles, block, range, first, z, stride } = self;
        for tile in range {
            let (image, row, column) = tiles.place(tile);
            let (rows, columns) = ((dy.height - row).min(4), (dy.width - column).min(4));
            let from = dy.at(image, block, row as isize, column as isize);
            let mut half = [[S::zero(); 4]; 6];
            for j in 0..columns {
                let mut line = [S::zero(); 4];
                for (i, value) in line.iter_mut().enumerate().take(rows) {
                    *value = S::load(from.add(i * dy.pitch + j * LANES));
                }
                for (i, value) in output_points_adjoint::<S>(line).into_iter().enumerate() {
                    half[i][j] = value;
                }
            }
            let to = z.add((tile - first) * PANEL);
            for (i, line) in half.into_iter().enumerate() {
                for (j, value) in output_points_adjoint::<S>(line).into_iter().enumerate() {
                    S::store(to.add((i * 6 + j) * stride), value);
                }
            }
        }
    }
}

/// One point's sums over tiles: `sums[in][out] (+)= Σ v[tile][in] · z[tile][out]`.
struct OuterProduct {
    v: *const f32,
    z: *const f32,
    sums: *mut f32,
    blocks: usize,
    vectors: usize,
    count: usize,
    each: usize,
    add: bool,
}

impl Kernel for OuterProduct {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for block in 0..self.blocks {
            if S::VECTORS == 2 && self.vectors == 2 {
                for lane in [0, 8] {
                    self.lanes::<S, 8, 2>(block, lane, 0);
                }
            } else {
                for vector in 0..self.vectors {
                    for lane in [0, 4, 8, 12] {
                        self.lanes::<S, 4, 1>(block, lane, vector);
                    }
                }
            }
        }
    }
}

impl OuterProduct {
    #[inline(always)]
    unsafe fn lanes<S: Simd, const Q: usize, const NV: usize>(&self, block: usize, lane: usize, vector: usize) {
        let mut acc = [[S::zero(); NV]; Q];
        let mut v = self.v.add(block * self.each * LANES + lane);
        let mut z = self.z.add(vector * LANES);
        for _ in 0..self.count {
            let mut g = [S::zero(); NV];
            for (i, g) in g.iter_mut().enumerate() {
                *g = S::load(z.add(i * LANES));
            }
            let values = S::broadcasts::<Q>(v);
            for (sums, x) in acc.iter_mut().zip(values) {
                for (sum, g) in sums.iter_mut().zip(g) {
                    *sum = S::fma(x, g, *sum);
                }
            }
            v = v.add(LANES);
            z = z.add(PANEL);
        }
        for (q, sums) in acc.into_iter().enumerate() {
            for (i, sum) in sums.into_iter().enumerate() {
                let total = self.sums.add((block * LANES + lane + q) * PANEL + (vector + i) * LANES);
                S::store(total, if self.add { S::add(S::load(total), sum) } else { sum });
            }
        }
    }
}

/// Gᵀ m G for 16 outputs × 16 inputs, into rows of weights.
struct GatherWeights<'a> {
    shape: &'a ConvShape,
    out_block: usize,
    block: usize,
    sums: *const f32,
    stride: usize,
    to: *mut f32,
}

impl Kernel for GatherWeights<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { shape, out_block, block, sums, stride, to } = self;
        let mut all = [[0f32; LANES]; 9 * LANES];
        for c in 0..LANES {
            let mut half = [[S::zero(); 6]; 3];
            for j in 0..6 {
                let points = std::array::from_fn(|i| S::load(sums.add((i * 6 + j) * stride + c * PANEL)));
                for (i, value) in weight_points_adjoint::<S>(points).into_iter().enumerate() {
                    half[i][j] = value;
                }
            }
            for (i, row) in half.into_iter().enumerate() {
                for (j, value) in weight_points_adjoint::<S>(row).into_iter().enumerate() {
                    S::store(all[c * 9 + i * 3 + j].as_mut_ptr(), value);
                }
            }
        }
        let channels = (shape.inputs - block * LANES).min(LANES);
        let outs = (shape.outputs - out_block * LANES).min(LANES);
        for part in 0..9 {
            let mut rows: [S::V; LANES] = std::array::from_fn(|i| S::load(all[part * LANES + i].as_ptr()));
            S::transpose(&mut rows);
            // Weights of this block's channels that exist.
            let n = (channels * 9).saturating_sub(part * LANES).min(LANES);
            for (o, row) in rows.into_iter().enumerate().take(outs) {
                let at = ((out_block * LANES + o) * shape.inputs + block * LANES) * 9 + part * LANES;
                if n == LANES {
                    S::store(to.add(at), row);
                } else {
                    let mut edge = [0f32; LANES];
                    S::store(edge.as_mut_ptr(), row);
                    std::ptr::copy_nonoverlapping(edge.as_ptr(), to.add(at), n);
                }
            }
        }
    }
}
