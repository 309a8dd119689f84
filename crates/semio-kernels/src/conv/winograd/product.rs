//! Prediction, with weights that were transformed before: inputs' transform, 36 products, outputs' transform.

use super::{
    POINTS, Tiles, TransformInput,
    packing::{Kernels, transform_weights, weight_stride},
    points::output_points,
};
use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    conv::{direct::PANEL, direct::activate},
    maps::View,
    scratch::scratch,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
    tile::{Tile, cover},
};

pub(in crate::conv) struct Winograd {
    /// Blocks of input channels.
    blocks: usize,
    /// `[panels][36][inputs][32]`, each point's part one vector longer than needed: equal distances of a power of two
    /// would fall into the same cache lines.
    weights: Buffer,
    bias: Buffer,
    /// Rows and columns by which the first tile begins before the first output pixel.
    padding: [usize; 2],
}
impl Winograd {
    pub(super) fn new(kernels: Kernels, bias: Buffer, padding: [usize; 2]) -> Self {
        Self { blocks: kernels.size().0, weights: transform_weights(kernels), bias, padding }
    }

    pub(in crate::conv) fn run(&self, x: View, y: View, residual: Option<View>, activation: Activation) {
        let tiles = Tiles::of(y);
        let panels = y.blocks.div_ceil(2);
        let each = tiles.together(self.blocks);
        let output = Output { y, residual, activation, bias: &self.bias, tiles };
        let job = Job { conv: self, x, output };
        let weights = self.weights.len();
        let transformed = POINTS * tiles.count * (self.blocks + 2 * panels) * LANES;
        if tiles.count.div_ceil(each) * weights <= weights + 6 * transformed && each >= 7 {
            job.fused(each);
        } else {
            job.phased();
        }
    }
}

/// Where the outputs go, with everything that follows the convolution.
#[derive(Clone, Copy)]
pub(super) struct Output<'a> {
    pub(super) y: View,
    pub(super) residual: Option<View>,
    pub(super) activation: Activation,
    /// One number an output, or nothing.
    pub(super) bias: &'a [f32],
    pub(super) tiles: Tiles,
}

#[derive(Clone, Copy)]
struct Job<'a> {
    conv: &'a Winograd,
    x: View,
    output: Output<'a>,
}

impl Job<'_> {
    fn fused(self, each: usize) {
        let Self { conv, output: Output { tiles, .. }, .. } = self;
        let stride = (conv.blocks * each + 1) * LANES;
        let out_stride = (2 * each + 1) * LANES;
        let runs: Vec<isize> = (0..conv.blocks).map(|b| (b * each * LANES) as isize).collect();
        parallel(tiles.count.div_ceil(each), |i| {
            let first = i * each;
            let count = each.min(tiles.count - first);
            scratch(POINTS * (stride + out_stride), |memory| {
                // SAFETY: the scratch memory holds both parts; each task writes its own tiles of the output.
                unsafe {
                    let (v, m) = (memory, memory.add(POINTS * stride));
                    run(FusedBlock { job: self, first, count, each, v, m, stride, out_stride, runs: &runs });
                }
            });
        });
    }

    fn phased(self) {
        let Self { conv, output: Output { y, tiles, .. }, .. } = self;
        let count = tiles.count;
        let stride = (conv.blocks * count + 1) * LANES;
        let panels = y.blocks.div_ceil(2);
        let out_stride = (2 * panels * count + 1) * LANES;
        let runs: Vec<isize> = (0..conv.blocks).map(|b| (b * count * LANES) as isize).collect();
        scratch(POINTS * (stride + out_stride), |memory| {
            let v = Shared(memory);
            // SAFETY: the scratch memory holds both parts.
            let m = Shared(unsafe { memory.add(POINTS * stride) });
            let chunk = 4;
            let chunks = count.div_ceil(chunk);
            parallel(conv.blocks * chunks, |i| {
                let (block, first) = (i / chunks, i % chunks * chunk);
                let range = first..(first + chunk).min(count);
                // SAFETY: each task writes its own tiles of its own block.
                unsafe {
                    let v = v.get().add(block * count * LANES);
                    run(TransformInput { x: self.x, padding: conv.padding, tiles, block, range, first: 0, v, stride });
                }
            });
            let parts = if panels.is_multiple_of(4) { 4 } else { 1 };
            parallel(POINTS * parts, |i| {
                let (point, part) = (i / parts, i % parts);
                for panel in part * panels / parts..(part + 1) * panels / parts {
                    // SAFETY: each task writes its own panels of its own point.
                    unsafe {
                        run(Product {
                            v: v.get().add(point * stride),
                            weights: conv.panel(panel, point),
                            m: m.get().add(point * out_stride + panel * 2 * count * LANES),
                            count,
                            each: count,
                            runs: &runs,
                            add: false,
                        });
                    }
                }
            });
            parallel(y.blocks * chunks, |i| {
                let (block, first) = (i / chunks, i % chunks * chunk);
                let range = first..(first + chunk).min(count);
                // SAFETY: each task writes its own tiles of its own block.
                unsafe {
                    let m = m.get().add(block * count * LANES);
                    run(TransformOutput { output: self.output, block, range, first: 0, m, stride: out_stride });
                }
            });
        });
    }
}

impl Winograd {
    fn panel(&self, panel: usize, point: usize) -> *const f32 {
        self.weights[(panel * POINTS + point) * weight_stride(self.blocks)..].as_ptr()
    }
}

struct FusedBlock<'a> {
    job: Job<'a>,
    first: usize,
    count: usize,
    each: usize,
    v: *mut f32,
    m: *mut f32,
    stride: usize,
    out_stride: usize,
    runs: &'a [isize],
}

impl Kernel for FusedBlock<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { job, first, count, each, v, m, stride, out_stride, runs } = self;
        let Job { conv, x, output } = job;
        let Output { y, tiles, .. } = output;
        for block in 0..conv.blocks {
            let v = v.add(block * each * LANES);
            let range = first..first + count;
            TransformInput { x, padding: conv.padding, tiles, block, range, first, v, stride }.run::<S>();
        }
        for panel in 0..y.blocks.div_ceil(2) {
            for point in 0..POINTS {
                let (v, m) = (v.add(point * stride), m.add(point * out_stride));
                Product { v, weights: conv.panel(panel, point), m, count, each, runs, add: false }.run::<S>();
            }
            for half in 0..2.min(y.blocks - panel * 2) {
                let (block, m) = (panel * 2 + half, m.add(half * each * LANES));
                let range = first..first + count;
                TransformOutput { output, block, range, first, m, stride: out_stride }.run::<S>();
            }
        }
    }
}

/// One point's product for a panel of outputs: `m[tile][out] = Σ v[tile][in] · weights[in][out]`.
pub(super) struct Product<'a> {
    pub(super) v: *const f32,
    pub(super) weights: *const f32,
    pub(super) m: *mut f32,
    pub(super) count: usize,
    /// Tiles between two blocks of `m`.
    pub(super) each: usize,
    /// Where each block of inputs begins.
    pub(super) runs: &'a [isize],
    /// Whether the sums are added to what stands there.
    pub(super) add: bool,
}

impl Kernel for Product<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for vector in (0..2).step_by(S::VECTORS) {
            cover::<S>(1, self.count, |_, first, _, pixels| {
                let c = self.m.add((vector * self.each + first) * LANES);
                let tile = Tile {
                    a: self.v.add(first * LANES),
                    a_row: 0,
                    a_step: LANES,
                    runs: self.runs.as_ptr(),
                    run_count: self.runs.len(),
                    run_len: LANES,
                    b: self.weights.add(vector * LANES),
                    b_step: PANEL,
                    c,
                    c_row: 0,
                    c_step: LANES,
                    c_vector: self.each * LANES,
                    bias: std::ptr::null(),
                    residual: if self.add { c } else { std::ptr::null() },
                    low: f32::NEG_INFINITY,
                    high: f32::INFINITY,
                };
                S::tile(1, pixels, S::VECTORS, LANES)(&tile);
            });
        }
    }
}

/// Aᵀ m A of some tiles of one block, with everything that follows the convolution.
pub(super) struct TransformOutput<'a> {
    pub(super) output: Output<'a>,
    pub(super) block: usize,
    pub(super) range: std::ops::Range<usize>,
    /// Tile that stands first at `m`.
    pub(super) first: usize,
    pub(super) m: *const f32,
    pub(super) stride: usize,
}

impl Kernel for TransformOutput<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { output, block, range, first, m, stride } = self;
        let Output { y, residual, activation, bias, tiles } = output;
        let bias = if bias.is_empty() { S::zero() } else { S::load(bias.as_ptr().add(block * LANES)) };
        let (low, high) = activation.bounds();
        let (low, high) = (S::splat(low), S::splat(high));
        for tile in range {
            let (image, row, column) = tiles.place(tile);
            let (rows, columns) = ((y.height - row).min(4), (y.width - column).min(4));
            let m = m.add((tile - first) * LANES);
            let mut half = [[S::zero(); 6]; 4];
            for j in 0..6 {
                let points = std::array::from_fn(|i| S::load(m.add((i * 6 + j) * stride)));
                for (i, value) in output_points::<S>(points).into_iter().enumerate() {
                    half[i][j] = value;
                }
            }
            for (i, line) in half.into_iter().enumerate().take(rows) {
                let to = y.at(image, block, (row + i) as isize, column as isize);
                for (j, value) in output_points::<S>(line).into_iter().enumerate() {
                    if j < columns {
                        let mut value = S::add(value, bias);
                        if let Some(residual) = residual {
                            let from = residual.at(image, block, (row + i) as isize, (column + j) as isize);
                            value = S::add(value, S::load(from));
                        }
                        S::store(to.add(j * LANES), S::min(high, S::max(low, value)));
                    }
                }
                if !activation.clips() {
                    activate::<S>(activation, to, columns);
                }
            }
        }
    }
}
