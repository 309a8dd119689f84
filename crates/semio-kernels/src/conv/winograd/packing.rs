//! Weights' transform.

use super::{POINTS, points::weight_points};
use crate::{
    buffer::{Buffer, Shared},
    conv::direct::PANEL,
    scratch::scratch,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// Numbers between two points' weights.
pub(super) fn weight_stride(blocks: usize) -> usize {
    blocks * LANES * PANEL + LANES
}
/// G g Gᵀ of all kernels. `kernel(o, c)` are the nine weights between an output and an input; `turn` turns them by
/// 180°, as the gradient of the input wants them.
pub(super) fn transform_weights<'a>(
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
