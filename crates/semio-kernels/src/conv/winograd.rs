//! Winograd's minimal filtering F(4×4, 3×3) for 3×3 windows with step one: 36 products instead of 144 for a tile of
//! 4×4 outputs (Lavin and Gray 2016, <https://arxiv.org/abs/1509.09308>).
//!
//! Interpolation points are 0, ±1/√2, ±√2 and ∞: the usual 0, ±1, ±2 cost the same and lose four times more digits.
//!
//! Two ways through the memory: *fused*, where a block of tiles is transformed, multiplied and transformed back within
//! a core's cache, and *phased*, where all tiles are transformed first, so that deep layers' weights are read once.

use super::{ConvShape, direct::PANEL, direct::activate};
use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    maps::{Geometry, View},
    scratch::scratch,
    simd::{Kernel, LANES, Simd, run},
    threads::{parallel, threads},
    tile::{Tile, cover},
};

const A: f32 = std::f32::consts::FRAC_1_SQRT_2;
const B: f32 = std::f32::consts::SQRT_2;
/// Products a tile, and numbers of an input tile.
const POINTS: usize = 36;

pub(crate) struct Winograd {
    /// Blocks of input channels.
    blocks: usize,
    /// `[panels][36][inputs][32]`, each point's part one vector longer than needed: equal distances of a power of two
    /// would fall into the same cache lines.
    weights: Buffer,
    bias: Buffer,
    /// Rows and columns by which the first tile begins before the first output pixel.
    padding: [usize; 2],
}

/// Numbers between two points' weights.
fn weight_stride(blocks: usize) -> usize {
    blocks * LANES * PANEL + LANES
}

/// Tiles of 4×4 outputs.
#[derive(Clone, Copy)]
struct Tiles {
    down: usize,
    across: usize,
    count: usize,
}

impl Tiles {
    fn of(batch: usize, height: usize, width: usize) -> Self {
        let (down, across) = (height.div_ceil(4), width.div_ceil(4));
        Self { down, across, count: batch * down * across }
    }

    /// Picture, row and column of a tile.
    #[inline(always)]
    fn place(self, tile: usize) -> (usize, usize, usize) {
        let each = self.down * self.across;
        let rest = tile % each;
        (tile / each, rest / self.across * 4, rest % self.across * 4)
    }
}

/// Whether the direct form would not be faster for an output of this size.
pub(super) fn pays(inputs: usize, output: Geometry) -> bool {
    let tiles = Tiles::of(output.batch, output.height, output.width).count;
    tiles >= 8 && tiles * 28 >= inputs
}

/// Whether it is faster than the direct form where the weights serve once and their transform counts as well: it
/// writes four times as many numbers as there are weights.
pub(super) fn pays_once(inputs: usize, output: Geometry) -> bool {
    let tiles = Tiles::of(output.batch, output.height, output.width).count;
    inputs >= LANES && tiles >= 64
}

/// Whether the gradient of the weights is worth the transforms.
pub(super) fn gradient_pays(shape: &ConvShape, output: Geometry) -> bool {
    let tiles = Tiles::of(output.batch, output.height, output.width).count;
    shape.inputs >= LANES && shape.outputs >= LANES && tiles >= 24
}

impl Winograd {
    pub(super) fn forward(shape: &ConvShape, weights: &[f32], bias: Buffer) -> Self {
        let blocks = shape.inputs.div_ceil(LANES);
        let packed =
            transform_weights(shape.inputs, shape.outputs, |o, c| &weights[(o * shape.inputs + c) * 9..][..9], false);
        Self { blocks, weights: packed, bias, padding: shape.padding }
    }

    pub(super) fn backward(shape: &ConvShape, weights: &[f32]) -> Self {
        let blocks = shape.outputs.div_ceil(LANES);
        let packed =
            transform_weights(shape.outputs, shape.inputs, |c, o| &weights[(o * shape.inputs + c) * 9..][..9], true);
        let padding = shape.padding.map(|p| 2 - p.min(2));
        Self { blocks, weights: packed, bias: Buffer::default(), padding }
    }

    pub(super) fn run(&self, x: View, y: View, residual: Option<View>, activation: Activation) {
        let tiles = Tiles::of(y.batch, y.height, y.width);
        let panels = y.blocks.div_ceil(2);
        // A block of tiles whose transformed inputs stay in a core's second-level cache.
        let room = (1usize << 17) / (POINTS * self.blocks * LANES / 2);
        let most = room.clamp(14, 56);
        let rounds = tiles.count.div_ceil(most * threads()).max(1);
        let each = tiles.count.div_ceil(rounds * threads());
        let job = Job { conv: self, x, y, residual, activation, tiles };
        let weights = self.weights.len();
        let transformed = POINTS * tiles.count * (self.blocks + 2 * panels) * LANES;
        if tiles.count.div_ceil(each) * weights <= weights + 6 * transformed && each >= 7 {
            job.fused(each);
        } else {
            job.phased();
        }
    }
}

#[derive(Clone, Copy)]
struct Job<'a> {
    conv: &'a Winograd,
    x: View,
    y: View,
    residual: Option<View>,
    activation: Activation,
    tiles: Tiles,
}

impl Job<'_> {
    fn fused(self, each: usize) {
        let Self { conv, tiles, .. } = self;
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
        let Self { conv, y, tiles, .. } = self;
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
                    run(TransformOutput { job: self, block, range, first: 0, m, stride: out_stride });
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
        let Job { conv, x, y, tiles, .. } = job;
        for block in 0..conv.blocks {
            let v = v.add(block * each * LANES);
            let range = first..first + count;
            TransformInput { x, padding: conv.padding, tiles, block, range, first, v, stride }.run::<S>();
        }
        for panel in 0..y.blocks.div_ceil(2) {
            for point in 0..POINTS {
                let (v, m) = (v.add(point * stride), m.add(point * out_stride));
                Product { v, weights: conv.panel(panel, point), m, count, each, runs }.run::<S>();
            }
            for half in 0..2.min(y.blocks - panel * 2) {
                let (block, m) = (panel * 2 + half, m.add(half * each * LANES));
                TransformOutput { job, block, range: first..first + count, first, m, stride: out_stride }.run::<S>();
            }
        }
    }
}

/// One point's product for a panel of outputs: `m[tile][out] = Σ v[tile][in] · weights[in][out]`.
struct Product<'a> {
    v: *const f32,
    weights: *const f32,
    m: *mut f32,
    count: usize,
    /// Tiles between two blocks of `v` and of `m`.
    each: usize,
    runs: &'a [isize],
}

impl Kernel for Product<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for vector in (0..2).step_by(S::VECTORS) {
            cover::<S>(1, self.count, |_, first, _, pixels| {
                let tile = Tile {
                    a: self.v.add(first * LANES),
                    a_row: 0,
                    a_step: LANES,
                    runs: self.runs.as_ptr(),
                    run_count: self.runs.len(),
                    run_len: LANES,
                    b: self.weights.add(vector * LANES),
                    b_step: PANEL,
                    c: self.m.add((vector * self.each + first) * LANES),
                    c_row: 0,
                    c_step: LANES,
                    c_vector: self.each * LANES,
                    bias: std::ptr::null(),
                    residual: std::ptr::null(),
                    low: f32::NEG_INFINITY,
                    high: f32::INFINITY,
                };
                S::tile(1, pixels, S::VECTORS, LANES)(&tile);
            });
        }
    }
}

/// Bᵀ d B of some tiles of one block.
struct TransformInput {
    x: View,
    padding: [usize; 2],
    tiles: Tiles,
    block: usize,
    range: std::ops::Range<usize>,
    /// Tile that stands first at `v`.
    first: usize,
    v: *mut f32,
    stride: usize,
}

impl Kernel for TransformInput {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, padding, tiles, block, range, first, v, stride } = self;
        let mut edge = [0f32; POINTS * LANES];
        for tile in range {
            let (image, row, column) = tiles.place(tile);
            let (row, column) = (row as isize - padding[0] as isize, column as isize - padding[1] as isize);
            let (mut from, mut pitch) = (x.at(image, block, row, column).cast_const(), x.pitch);
            let end = |side: usize| (side + x.border) as isize;
            let low = -(x.border as isize);
            if row < low || column < low || row + 6 > end(x.height) || column + 6 > end(x.width) {
                // A tile that reaches beyond the stored border sees zeros there.
                edge.fill(0.0);
                for i in (low - row).max(0)..(end(x.height) - row).min(6) {
                    for j in (low - column).max(0)..(end(x.width) - column).min(6) {
                        let source = x.at(image, block, row + i, column + j);
                        S::store(edge.as_mut_ptr().offset((i * 6 + j) * LANES as isize), S::load(source));
                    }
                }
                (from, pitch) = (edge.as_ptr(), 6 * LANES);
            }
            let to = v.add((tile - first) * LANES);
            let mut half = [[S::zero(); 6]; 6];
            for j in 0..6 {
                let column = std::array::from_fn(|i| S::load(from.add(i * pitch + j * LANES)));
                for (i, value) in input_points::<S>(column).into_iter().enumerate() {
                    half[i][j] = value;
                }
            }
            for (i, row) in half.into_iter().enumerate() {
                for (j, value) in input_points::<S>(row).into_iter().enumerate() {
                    S::store(to.add((i * 6 + j) * stride), value);
                }
            }
        }
    }
}

/// Aᵀ m A of some tiles of one block, with everything that follows the convolution.
struct TransformOutput<'a> {
    job: Job<'a>,
    block: usize,
    range: std::ops::Range<usize>,
    /// Tile that stands first at `m`.
    first: usize,
    m: *const f32,
    stride: usize,
}

impl Kernel for TransformOutput<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { job, block, range, first, m, stride } = self;
        let Job { conv, y, residual, activation, tiles, .. } = job;
        let bias = if conv.bias.is_empty() { S::zero() } else { S::load(conv.bias.as_ptr().add(block * LANES)) };
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

/// Bᵀ, one row: six values → their polynomial's products with the points' basis.
#[inline(always)]
unsafe fn input_points<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
    let (a, b, two, half, sum) = (S::splat(A), S::splat(B), S::splat(2.0), S::splat(0.5), S::splat(2.5));
    let (t, u) = (S::fnma(two, d[2], d[4]), S::fnma(two, d[1], d[3]));
    let (p, q) = (S::fnma(half, d[2], d[4]), S::fnma(half, d[1], d[3]));
    [
        S::fnma(sum, d[2], S::add(d[0], d[4])),
        S::fma(a, u, t),
        S::fnma(a, u, t),
        S::fma(b, q, p),
        S::fnma(b, q, p),
        S::fnma(sum, d[3], S::add(d[1], d[5])),
    ]
}

/// Aᵀ, one row: six points' products → four outputs.
#[inline(always)]
unsafe fn output_points<S: Simd>(m: [S::V; 6]) -> [S::V; 4] {
    let (p, q) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
    let (r, s) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    [
        S::add(S::add(m[0], p), r),
        S::fma(S::splat(A), q, S::mul(S::splat(B), s)),
        S::fma(S::splat(0.5), p, S::mul(S::splat(2.0), r)),
        S::fma(S::splat(A * 0.5), q, S::fma(S::splat(B * 2.0), s, m[5])),
    ]
}

/// G, one row: three weights → six points.
#[inline(always)]
unsafe fn weight_points<S: Simd>(g: [S::V; 3]) -> [S::V; 6] {
    let near = S::mul(S::splat(-2.0 / 3.0), S::fma(S::splat(0.5), g[2], g[0]));
    let near_odd = S::mul(S::splat(-2.0 / 3.0 * A), g[1]);
    let far = S::mul(S::splat(1.0 / 6.0), S::fma(S::splat(2.0), g[2], g[0]));
    let far_odd = S::mul(S::splat(B / 6.0), g[1]);
    [g[0], S::add(near, near_odd), S::sub(near, near_odd), S::add(far, far_odd), S::sub(far, far_odd), g[2]]
}

/// A, one row: four outputs' gradients → six points, the adjoint of [`output_points`].
#[inline(always)]
unsafe fn output_points_adjoint<S: Simd>(d: [S::V; 4]) -> [S::V; 6] {
    let near = S::fma(S::splat(0.5), d[2], d[0]);
    let near_odd = S::mul(S::splat(A), S::fma(S::splat(0.5), d[3], d[1]));
    let far = S::fma(S::splat(2.0), d[2], d[0]);
    let far_odd = S::mul(S::splat(B), S::fma(S::splat(2.0), d[3], d[1]));
    [d[0], S::add(near, near_odd), S::sub(near, near_odd), S::add(far, far_odd), S::sub(far, far_odd), d[3]]
}

/// Gᵀ, one row: six points' gradients → three weights', the adjoint of [`weight_points`].
#[inline(always)]
unsafe fn weight_points_adjoint<S: Simd>(m: [S::V; 6]) -> [S::V; 3] {
    let (p, q) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
    let (r, s) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    [
        S::fma(S::splat(-2.0 / 3.0), p, S::fma(S::splat(1.0 / 6.0), r, m[0])),
        S::fma(S::splat(-2.0 / 3.0 * A), q, S::mul(S::splat(B / 6.0), s)),
        S::fma(S::splat(-1.0 / 3.0), p, S::fma(S::splat(1.0 / 3.0), r, m[5])),
    ]
}

/// G g Gᵀ of all kernels. `kernel(o, c)` are the nine weights between an output and an input; `turn` turns them by
/// 180°, as the gradient of the input wants them.
fn transform_weights<'a>(
    inputs: usize,
    outputs: usize,
    kernel: impl Fn(usize, usize) -> &'a [f32] + Sync,
    turn: bool,
) -> Buffer {
    let blocks = inputs.div_ceil(LANES);
    let stride = weight_stride(blocks);
    let panels = outputs.div_ceil(PANEL);
    let full = inputs.is_multiple_of(LANES) && outputs.is_multiple_of(PANEL);
    let len = panels * POINTS * stride;
    let packed = if full { Buffer::dirty(len) } else { Buffer::zeroed(len) };
    let to = Shared(packed.as_ptr().cast_mut());
    parallel(panels * blocks, |i| {
        let (panel, block) = (i / blocks, i % blocks);
        let channels = block * LANES..((block + 1) * LANES).min(inputs);
        let each = channels.len() * PANEL;
        // Made in the cache first and then written point by point: 36 places at once are more than memory likes.
        scratch(POINTS * each, |points| {
            for (i, c) in channels.enumerate() {
                for half in 0..2 {
                    let mut lanes = [[0f32; LANES]; 9];
                    let first = panel * PANEL + half * LANES;
                    for o in first..(first + LANES).min(outputs) {
                        for (t, &w) in kernel(o, c).iter().enumerate() {
                            lanes[if turn { 8 - t } else { t }][o - first] = w;
                        }
                    }
                    // SAFETY: the scratch memory holds all points.
                    unsafe {
                        let to = points.add(i * PANEL + half * LANES);
                        run(TransformWeights { lanes: &lanes, to, stride: each });
                    }
                }
            }
            for point in 0..POINTS {
                let at = (panel * POINTS + point) * stride + block * LANES * PANEL;
                // SAFETY: each task writes its own outputs' and inputs' weights.
                unsafe { std::ptr::copy_nonoverlapping(points.add(point * each), to.get().add(at), each) };
            }
        });
    });
    packed
}

struct TransformWeights<'a> {
    lanes: &'a [[f32; LANES]; 9],
    to: *mut f32,
    stride: usize,
}

impl Kernel for TransformWeights<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut half = [[S::zero(); 3]; 6];
        for j in 0..3 {
            let column = std::array::from_fn(|i| S::load(self.lanes[i * 3 + j].as_ptr()));
            for (i, value) in weight_points::<S>(column).into_iter().enumerate() {
                half[i][j] = value;
            }
        }
        for (i, row) in half.into_iter().enumerate() {
            for (j, value) in weight_points::<S>(row).into_iter().enumerate() {
                S::store(self.to.add((i * 6 + j) * self.stride), value);
            }
        }
    }
}

/// The gradient of the weights: 36 products over tiles, then the transform's adjoint.
pub(super) fn weight_gradient(shape: &ConvShape, x: View, dy: View, gradient: &mut [f32]) {
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
            for (q, sums) in acc.iter_mut().enumerate() {
                let x = S::broadcast(v.add(q));
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
