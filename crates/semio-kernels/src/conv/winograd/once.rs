//! Forward and input gradient of a training step, whose weights serve once: four times as many numbers as there are
//! weights are made of them, used and forgotten in a core's cache.

use super::{
    POINTS, Tiles, TransformInput,
    packing::{Kernels, transform_block},
    product::{Output, Product, TransformOutput, Winograd},
};
use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    conv::{ConvShape, direct::PANEL},
    maps::View,
    scratch::scratch,
    simd::{LANES, run},
    threads::{parallel, threads},
};

/// Blocks of inputs whose weights are transformed at a time, at most.
const SIDE: usize = 4;
/// Tiles of a task, at most, for sums that stay in the second-level cache.
const MOST_TILES: usize = 128;

/// The convolution; `bias` is one number an output, filled up to whole panels.
pub(in crate::conv) fn forward(shape: &ConvShape, weights: &[f32], bias: Buffer, x: View, y: View) {
    convolve(Kernels::of(shape, weights), bias, shape.padding, x, y, None);
}

/// The gradient of its input, added to what stands there where `add` is set.
pub(in crate::conv) fn input_gradient(shape: &ConvShape, weights: &[f32], dy: View, dx: View, add: bool) {
    let kernels = Kernels { turned: true, ..Kernels::of(shape, weights) };
    convolve(kernels, Buffer::default(), shape.padding.map(|p| 2 - p.min(2)), dy, dx, add.then_some(dx));
}

fn convolve(kernels: Kernels, bias: Buffer, padding: [usize; 2], x: View, y: View, residual: Option<View>) {
    let (tiles, activation) = (Tiles::of(y), Activation::Identity);
    let panels = y.blocks.div_ceil(2);
    // Two panels a task read the inputs half as often.
    let most_wide = if tiles.count <= MOST_TILES / 2 { 2 } else { 1 };
    // What is written and read of transformed inputs here, and of transformed weights else. Threads do not count, since the
    // two ways differ in their last digits.
    let here = tiles.count * (1 + panels.div_ceil(most_wide));
    let else_where = panels * PANEL * (1 + tiles.count.div_ceil(Tiles::most_together(x.blocks)));
    if else_where < here {
        return Winograd::new(kernels, bias, padding).run(x, y, residual, activation);
    }
    let output = Output { y, residual, activation, bias: &bias, tiles };
    // All inputs first, which every panel of outputs needs.
    let stride = (x.blocks * tiles.count + 1) * LANES;
    scratch(POINTS * stride, |v| {
        let v = Shared(v);
        let chunks = tiles.count.div_ceil(8);
        parallel(x.blocks * chunks, |i| {
            let (block, first) = (i / chunks, i % chunks * 8);
            let range = first..(first + 8).min(tiles.count);
            // SAFETY: each task writes its own tiles of its own block.
            unsafe {
                let v = v.get().add(block * tiles.count * LANES);
                run(TransformInput { x, padding, tiles, block, range, first: 0, v, stride });
            }
        });
        let parts = tiles.count.div_ceil(MOST_TILES);
        let wide = if panels >= 2 * most_wide * threads() { most_wide } else { 1 };
        parallel(panels.div_ceil(wide) * parts, |i| {
            let (group, part) = (i / parts, i % parts);
            let panels = group * wide..((group + 1) * wide).min(panels);
            let range = part * tiles.count / parts..(part + 1) * tiles.count / parts;
            let task = Task { kernels, v: Shared(v.get()), stride, blocks: x.blocks, output, panels, range };
            // SAFETY: each task writes its own tiles of its own outputs.
            unsafe { task.run() }
        });
    });
}

/// Some panels of outputs for some tiles.
struct Task<'a> {
    kernels: Kernels<'a>,
    v: Shared,
    stride: usize,
    /// Blocks of inputs.
    blocks: usize,
    output: Output<'a>,
    panels: std::ops::Range<usize>,
    range: std::ops::Range<usize>,
}

impl Task<'_> {
    unsafe fn run(self) {
        let Self { kernels, v, stride, blocks, output, panels, range } = self;
        let (all, count) = (output.tiles.count, range.len());
        let each = blocks.div_ceil(blocks.div_ceil(SIDE));
        let weight_stride = (panels.len() * each * PANEL + 1) * LANES;
        let out_stride = (2 * panels.len() * count + 1) * LANES;
        scratch(POINTS * (weight_stride + out_stride), |memory| {
            let (weights, m) = (memory, memory.add(POINTS * weight_stride));
            let runs: [isize; SIDE] = std::array::from_fn(|b| (b * all * LANES) as isize);
            for first in (0..blocks).step_by(each) {
                let inputs = first..(first + each).min(blocks);
                for (p, panel) in panels.clone().enumerate() {
                    for (b, block) in inputs.clone().enumerate() {
                        let to = weights.add((p * each + b) * LANES * PANEL);
                        transform_block(kernels, panel, block, to, weight_stride);
                    }
                }
                for i in 0..POINTS * panels.len() {
                    let (point, p) = (i / panels.len(), i % panels.len());
                    run(Product {
                        v: v.get().add(point * stride + (first * all + range.start) * LANES),
                        weights: weights.add(point * weight_stride + p * each * LANES * PANEL),
                        m: m.add(point * out_stride + p * 2 * count * LANES),
                        count,
                        each: count,
                        runs: &runs[..inputs.len()],
                        add: first > 0,
                    });
                }
            }
            for block in panels.start * 2..(panels.end * 2).min(output.y.blocks) {
                let m = m.add((block - panels.start * 2) * count * LANES);
                run(TransformOutput { output, block, range: range.clone(), first: range.start, m, stride: out_stride });
            }
        });
    }
}
