//! Weights' transform.

use super::{POINTS, points::weight_points};
use crate::{
    buffer::{Buffer, Shared},
    conv::{ConvShape, direct::PANEL},
    scratch::scratch,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// Numbers between two points' weights.
pub(super) fn weight_stride(blocks: usize) -> usize {
    blocks * LANES * PANEL + LANES
}
/// The kernels of a convolution, `[outputs][inputs][9]`.
#[derive(Clone, Copy)]
pub(super) struct Kernels<'a> {
    pub(super) weights: &'a [f32],
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Inputs and outputs exchanged and windows turned by 180°, as the gradient of the input wants them.
    pub(super) turned: bool,
}

impl<'a> Kernels<'a> {
    pub(super) fn of(shape: &ConvShape, weights: &'a [f32]) -> Self {
        Self { weights, inputs: shape.inputs, outputs: shape.outputs, turned: false }
    }

    /// Blocks of channels that are read, and panels of those that are written.
    pub(super) fn size(self) -> (usize, usize) {
        let (from, to) = if self.turned { (self.outputs, self.inputs) } else { (self.inputs, self.outputs) };
        (from.div_ceil(LANES), to.div_ceil(PANEL))
    }
}

/// G g Gᵀ of all kernels: `[panels][36][channels read][32]`.
pub(super) fn transform_weights(kernels: Kernels) -> Buffer {
    let (blocks, panels) = kernels.size();
    let stride = weight_stride(blocks);
    let packed = Buffer::dirty(panels * POINTS * stride);
    let to = Shared(packed.as_ptr().cast_mut());
    const EACH: usize = LANES * PANEL;
    parallel(panels * blocks, |i| {
        let (panel, block) = (i / blocks, i % blocks);
        // Made in the cache first and then written point by point: 36 places at once are more than memory likes.
        scratch(POINTS * EACH, |points| {
            // SAFETY: the scratch memory holds all points; each task writes its own outputs' and inputs' weights.
            unsafe {
                transform_block(kernels, panel, block, points, EACH);
                for point in 0..POINTS {
                    let at = (panel * POINTS + point) * stride + block * EACH;
                    std::ptr::copy_nonoverlapping(points.add(point * EACH), to.get().add(at), EACH);
                }
            }
        });
    });
    packed
}

/// G g Gᵀ of the kernels between a block of channels read and a panel of those written, `[16][32]` for each point;
/// zero for channels that do not exist.
///
/// # Safety
/// `to` holds 36 times `stride` numbers.
pub(super) unsafe fn transform_block(kernels: Kernels, panel: usize, block: usize, to: *mut f32, stride: usize) {
    for half in 0..2 {
        run(TransformBlock { kernels, block, written: panel * 2 + half, to: to.add(half * LANES), stride });
    }
}

struct TransformBlock<'a> {
    kernels: Kernels<'a>,
    /// Block of channels read, and of those written.
    block: usize,
    written: usize,
    to: *mut f32,
    stride: usize,
}

impl Kernel for TransformBlock<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { kernels, block, written, to, stride } = self;
        let Kernels { weights, inputs, outputs, turned } = kernels;
        let (in_block, out_block) = if turned { (written, block) } else { (block, written) };
        let columns = (inputs.saturating_sub(in_block * LANES)).min(LANES) * 9;
        let rows = (outputs.saturating_sub(out_block * LANES)).min(LANES);
        // Rows of weights, one an output, become vectors over outputs: by input and place in the window.
        let mut lanes = [[S::zero(); LANES]; 9];
        for (part, lanes) in lanes.iter_mut().enumerate() {
            let n = columns.saturating_sub(part * LANES).min(LANES);
            for (o, row) in lanes.iter_mut().enumerate().take(if n > 0 { rows } else { 0 }) {
                let at = ((out_block * LANES + o) * inputs + in_block * LANES) * 9 + part * LANES;
                if n == LANES {
                    *row = S::load(weights.as_ptr().add(at));
                } else {
                    let mut edge = [0f32; LANES];
                    edge[..n].copy_from_slice(&weights[at..at + n]);
                    *row = S::load(edge.as_ptr());
                }
            }
            S::transpose(lanes);
        }
        let lanes = lanes.as_flattened();
        if !turned {
            for c in 0..LANES {
                let window = std::array::from_fn(|t| lanes[c * 9 + t]);
                transform::<S>(window, to.add(c * PANEL), stride);
            }
            return;
        }
        // Vectors over inputs, by output.
        let mut turned = [[S::zero(); LANES]; 9];
        for (t, vectors) in turned.iter_mut().enumerate() {
            for (c, vector) in vectors.iter_mut().enumerate() {
                *vector = lanes[c * 9 + 8 - t];
            }
            S::transpose(vectors);
        }
        for o in 0..LANES {
            transform::<S>(std::array::from_fn(|t| turned[t][o]), to.add(o * PANEL), stride);
        }
    }
}

/// G g Gᵀ of sixteen windows.
#[inline(always)]
unsafe fn transform<S: Simd>(window: [S::V; 9], to: *mut f32, stride: usize) {
    let mut half = [[S::zero(); 3]; 6];
    for j in 0..3 {
        let column = std::array::from_fn(|i| window[i * 3 + j]);
        for (i, value) in weight_points::<S>(column).into_iter().enumerate() {
            half[i][j] = value;
        }
    }
    for (i, row) in half.into_iter().enumerate() {
        for (j, value) in weight_points::<S>(row).into_iter().enumerate() {
            S::store(to.add((i * 6 + j) * stride), value);
        }
    }
}
