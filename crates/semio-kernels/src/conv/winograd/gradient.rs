//! Weight gradient: the outputs' gradients are transformed too, and 36 products over tiles summed.

use super::{POINTS, Tiles, TransformInput, points::output_points_adjoint, points::weight_points_adjoint};
use crate::{
    buffer::Shared,
    conv::{ConvShape, direct::PANEL},
    maps::View,
    scratch::scratch,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// The gradient of the weights: 36 products over tiles, then the transform's adjoint.
pub(in crate::conv) fn weight_gradient(shape: &ConvShape, x: View, dy: View, gradient: &mut [f32]) {
    let tiles = Tiles::of(dy.batch, dy.height, dy.width);
    let panels = dy.blocks.div_ceil(2);
    // A round's tiles should stay in the cache between their transform and their product, and yet be enough to be worth
    // reading and writing all sums.
    let (inputs, outputs) = (x.blocks * LANES, panels * PANEL);
    let each = (2 * inputs * outputs / (inputs + outputs)).max(112);
    let each = tiles.count.div_ceil(tiles.count.div_ceil(each));
    let v_stride = (x.blocks * each + 1) * LANES;
    let z_stride = (2 * panels * each + 1) * LANES;
    // One row of sums a point, panel and input.
    let sums_stride = x.blocks * LANES * PANEL;
    let sums_len = POINTS * panels * sums_stride;
    scratch(POINTS * (v_stride + z_stride) + sums_len, |memory| {
        let v = Shared(memory);
        // SAFETY: the scratch memory holds all three parts.
        let (z, sums) = unsafe {
            let z = memory.add(POINTS * v_stride);
            (Shared(z), Shared(z.add(POINTS * z_stride)))
        };
        for first in (0..tiles.count).step_by(each) {
            let count = each.min(tiles.count - first);
            let chunk = 8;
            let chunks = count.div_ceil(chunk);
            parallel((x.blocks + dy.blocks) * chunks, |i| {
                let (block, start) = (i / chunks, first + i % chunks * chunk);
                let range = start..(start + chunk).min(first + count);
                // SAFETY: each task writes its own tiles of its own block.
                unsafe {
                    if block < x.blocks {
                        let v = v.get().add(block * each * LANES);
                        run(TransformInput {
                            x,
                            padding: shape.padding,
                            tiles,
                            block,
                            range,
                            first,
                            v,
                            stride: v_stride,
                        });
                    } else {
                        let block = block - x.blocks;
                        let z = z.get().add(block / 2 * each * PANEL + block % 2 * LANES);
                        run(TransformGradient { dy, tiles, block, range, first, z, stride: z_stride });
                    }
                }
            });
            parallel(POINTS * panels, |i| {
                let (point, panel) = (i / panels, i % panels);
                // SAFETY: each task has its own sums.
                unsafe {
                    run(OuterProduct {
                        v: v.get().add(point * v_stride),
                        z: z.get().add(point * z_stride + panel * each * PANEL),
                        sums: sums.get().add((point * panels + panel) * sums_stride),
                        blocks: x.blocks,
                        // A panel whose second block does not exist holds nothing there.
                        vectors: (dy.blocks - panel * 2).min(2),
                        count,
                        each,
                        add: first > 0,
                    });
                }
            });
        }
        let to = Shared(gradient.as_mut_ptr());
        parallel(dy.blocks * x.blocks, |i| {
            let (out_block, block) = (i / x.blocks, i % x.blocks);
            let at = out_block / 2 * sums_stride + block * LANES * PANEL + out_block % 2 * LANES;
            // SAFETY: each task writes its own outputs' and inputs' weights.
            unsafe {
                let sums = sums.get().add(at);
                run(GatherWeights { shape, out_block, block, sums, stride: panels * sums_stride, to: to.get() });
            }
        });
    });
}

/// A dy Aᵀ of some tiles of one block.
struct TransformGradient {
    dy: View,
    tiles: Tiles,
    block: usize,
    range: std::ops::Range<usize>,
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
