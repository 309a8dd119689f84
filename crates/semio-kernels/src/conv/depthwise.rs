//! Depthwise convolutions: each map has one kernel of its own.

use super::{ConvShape, direct::activate};
use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    maps::View,
    simd::{Kernel, LANES, Simd, run},
    threads::{parallel, threads},
};

/// Taps, their weights, and where the outputs stand: the convolution, or one phase of its input's gradient.
pub(crate) struct Depthwise {
    taps: Vec<[isize; 2]>,
    /// `[blocks][taps][16]`
    weights: Buffer,
    bias: Buffer,
    step: [usize; 2],
    out_start: [usize; 2],
    out_step: [usize; 2],
}

impl Depthwise {
    pub(super) fn new(shape: &ConvShape, weights: &[f32], bias: Buffer) -> Self {
        let [kh, kw] = shape.kernel;
        let place = |d: usize, i: usize| (i * shape.dilation[d]) as isize - shape.padding[d] as isize;
        let all: Vec<usize> = (0..kh * kw).collect();
        let taps = all.iter().map(|t| [place(0, t / kw), place(1, t % kw)]).collect();
        let weights = by_block(shape, weights, &all);
        Self { taps, weights, bias, step: shape.stride, out_start: [0, 0], out_step: [1, 1] }
    }

    /// Rows and columns of the outputs that stand in `y`.
    fn outputs(&self, y: View) -> [usize; 2] {
        let side = |n: usize, d: usize| n.saturating_sub(self.out_start[d]).div_ceil(self.out_step[d]);
        [side(y.height, 0), side(y.width, 1)]
    }

    pub(super) fn run(&self, x: View, y: View, residual: Option<View>, activation: Activation) {
        let [rows, columns] = self.outputs(y);
        // Few blocks: cut the rows as well.
        let bands = if x.batch * x.blocks >= 4 * threads() { 1 } else { rows.min(4) };
        let band = rows.div_ceil(bands.max(1)).max(1);
        parallel(x.batch * x.blocks * bands, |i| {
            let (plane, part) = (i / bands, i % bands);
            let (image, block) = (plane / x.blocks, plane % x.blocks);
            let rows = (part * band).min(rows)..((part + 1) * band).min(rows);
            // SAFETY: each task writes its own rows of its own block.
            unsafe { run(Task { conv: self, x, y, residual, activation, image, block, rows, columns }) }
        });
    }
}

/// Weights of chosen taps, `[blocks][taps][16]`.
fn by_block(shape: &ConvShape, weights: &[f32], taps: &[usize]) -> Buffer {
    let area = shape.taps();
    let mut all = Buffer::zeroed(shape.inputs.div_ceil(LANES) * taps.len() * LANES);
    for (c, kernel) in weights.chunks_exact(area).enumerate() {
        for (t, &tap) in taps.iter().enumerate() {
            all[(c / LANES * taps.len() + t) * LANES + c % LANES] = kernel[tap];
        }
    }
    all
}

struct Task<'a> {
    conv: &'a Depthwise,
    x: View,
    y: View,
    residual: Option<View>,
    activation: Activation,
    image: usize,
    block: usize,
    rows: std::ops::Range<usize>,
    columns: usize,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let offsets: Vec<isize> =
            (self.conv.taps.iter()).map(|[i, j]| i * self.x.pitch as isize + j * LANES as isize).collect();
        match self.conv.step[1] {
            1 => self.rows::<S, 1>(&offsets),
            2 => self.rows::<S, 2>(&offsets),
            _ => self.rows::<S, 0>(&offsets),
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    unsafe fn rows<S: Simd, const STEP: usize>(&self, offsets: &[isize]) {
        let wide = S::PIXELS >= 14;
        let mut row = self.rows.start;
        while row < self.rows.end {
            let two = wide && row + 1 < self.rows.end;
            let mut column = 0;
            while column < self.columns {
                let left = self.columns - column;
                column += match (two, left) {
                    (true, 7..) => self.pixels::<S, STEP, 2, 7>(offsets, row, column),
                    (true, 4..) => self.pixels::<S, STEP, 2, 4>(offsets, row, column),
                    (true, 2..) => self.pixels::<S, STEP, 2, 2>(offsets, row, column),
                    (true, _) => self.pixels::<S, STEP, 2, 1>(offsets, row, column),
                    (false, 4..) => self.pixels::<S, STEP, 1, 4>(offsets, row, column),
                    (false, 2..) => self.pixels::<S, STEP, 1, 2>(offsets, row, column),
                    (false, _) => self.pixels::<S, STEP, 1, 1>(offsets, row, column),
                };
            }
            let end = row + 1 + usize::from(two);
            if !self.activation.clips() {
                for row in row..end {
                    let start = self.y.at(self.image, self.block, row as isize, 0);
                    activate::<S>(self.activation, start, self.columns);
                }
            }
            row = end;
        }
    }

    #[inline(always)]
    unsafe fn pixels<S: Simd, const STEP: usize, const R: usize, const Q: usize>(
        &self,
        offsets: &[isize],
        row: usize,
        column: usize,
    ) -> usize {
        let Self { conv, x, y, residual, activation, image, block, .. } = *self;
        let step = if STEP == 0 { conv.step[1] } else { STEP };
        let (low, high) = activation.bounds();
        let (low, high) = (S::splat(low), S::splat(high));
        let first = if conv.bias.is_empty() { S::zero() } else { S::load(conv.bias.as_ptr().add(block * LANES)) };
        let mut acc = [[first; Q]; R];
        let from = x.at(image, block, (row * conv.step[0]) as isize, (column * step) as isize).cast_const();
        let weights = conv.weights.as_ptr().add(block * offsets.len() * LANES);
        for (t, offset) in offsets.iter().enumerate() {
            let w = S::load(weights.add(t * LANES));
            let a = from.offset(*offset);
            for (r, line) in acc.iter_mut().enumerate() {
                for (q, sum) in line.iter_mut().enumerate() {
                    *sum = S::fma(S::load(a.add(r * conv.step[0] * x.pitch + q * step * LANES)), w, *sum);
                }
            }
        }
        let place = |r: usize| (conv.out_start[0] + (row + r) * conv.out_step[0]) as isize;
        let start = (conv.out_start[1] + column * conv.out_step[1]) as isize;
        for (r, line) in acc.iter().enumerate() {
            let to = y.at(image, block, place(r), start);
            for (q, sum) in line.iter().enumerate() {
                let at = q * conv.out_step[1] * LANES;
                let mut value = *sum;
                if let Some(residual) = residual {
                    value = S::add(value, S::load(residual.at(image, block, place(r), start).add(at)));
                }
                S::store(to.add(at), S::min(high, S::max(low, value)));
            }
        }
        Q
    }
}

/// The gradient of the input: one phase for each remainder of the stride.
pub(crate) struct InputGradient(Vec<Depthwise>);

impl InputGradient {
    pub(super) fn new(shape: &ConvShape, weights: &[f32]) -> Self {
        let [kh, kw] = shape.kernel;
        let [sh, sw] = shape.stride;
        let phase = |start: [usize; 2]| {
            let from = |d: usize, i: usize| {
                let n = (start[d] + shape.padding[d]) as isize - (i * shape.dilation[d]) as isize;
                (n.rem_euclid(shape.stride[d] as isize) == 0).then(|| n.div_euclid(shape.stride[d] as isize))
            };
            let used = (0..kh * kw).filter_map(|t| Some((t, [from(0, t / kw)?, from(1, t % kw)?])));
            let (indices, taps): (Vec<usize>, Vec<[isize; 2]>) = used.unzip();
            let weights = by_block(shape, weights, &indices);
            let bias = Buffer::default();
            Depthwise { taps, weights, bias, step: [1, 1], out_start: start, out_step: shape.stride }
        };
        Self((0..sh).flat_map(|y| (0..sw).map(move |x| [y, x])).map(phase).collect())
    }

    pub(super) fn run(&self, dy: View, dx: View, add: bool) {
        // All phases of a plane in one task: they write between each other's pixels.
        parallel(dy.batch * dy.blocks, |i| {
            let (image, block) = (i / dy.blocks, i % dy.blocks);
            for phase in &self.0 {
                let [rows, columns] = phase.outputs(dx);
                let (residual, activation) = (add.then_some(dx), Activation::Identity);
                let rows = 0..rows;
                // SAFETY: each task writes its own block.
                unsafe { run(Task { conv: phase, x: dy, y: dx, residual, activation, image, block, rows, columns }) }
            }
        });
    }
}

/// The gradient of the weights; each task has some taps of one block, for all pictures.
pub(super) fn weight_gradient(shape: &ConvShape, x: View, dy: View, to: &Shared) {
    let area = shape.taps();
    // Sums of up to nine taps fit into registers; a wider window is worked on row by row.
    let share = if area <= 9 { area } else { shape.kernel[1].min(9) };
    let parts = area.div_ceil(share);
    parallel(dy.blocks * parts, |i| {
        let (block, part) = (i / parts, i % parts);
        let taps = part * share..((part + 1) * share).min(area);
        let mut sums = [0f32; 9 * LANES];
        // SAFETY: the sums are this task's own.
        unsafe { run(Sum { shape, x, dy, block, taps: taps.clone(), sums: &mut sums }) }
        for (t, tap) in taps.enumerate() {
            for (c, sum) in (block * LANES..shape.inputs).zip(&sums[t * LANES..(t + 1) * LANES]) {
                // SAFETY: each task writes its own taps of its own channels.
                unsafe { *to.get().add(c * area + tap) = *sum };
            }
        }
    });
}

struct Sum<'a> {
    shape: &'a ConvShape,
    x: View,
    dy: View,
    block: usize,
    taps: std::ops::Range<usize>,
    sums: &'a mut [f32; 9 * LANES],
}

impl Kernel for Sum<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        match self.taps.len() {
            9 => self.add::<S, 9>(),
            7 => self.add::<S, 7>(),
            5 => self.add::<S, 5>(),
            3 => self.add::<S, 3>(),
            _ => {
                let Self { shape, x, dy, block, taps, sums } = self;
                for (t, tap) in taps.enumerate() {
                    let mut one = [0f32; 9 * LANES];
                    Sum { shape, x, dy, block, taps: tap..tap + 1, sums: &mut one }.add::<S, 1>();
                    sums[t * LANES..(t + 1) * LANES].copy_from_slice(&one[..LANES]);
                }
            }
        }
    }
}

impl Sum<'_> {
    #[inline(always)]
    unsafe fn add<S: Simd, const T: usize>(self) {
        let Self { shape, x, dy, block, taps, sums } = self;
        let mut offsets = [0isize; T];
        for (offset, tap) in offsets.iter_mut().zip(taps) {
            let [i, j] = [tap / shape.kernel[1], tap % shape.kernel[1]];
            let row = (i * shape.dilation[0]) as isize - shape.padding[0] as isize;
            let column = (j * shape.dilation[1]) as isize - shape.padding[1] as isize;
            *offset = row * x.pitch as isize + column * LANES as isize;
        }
        let step = shape.stride[1] * LANES;
        for image in 0..dy.batch {
            let mut acc = [S::zero(); T];
            for row in 0..dy.height {
                let mut a = x.at(image, block, (row * shape.stride[0]) as isize, 0).cast_const();
                let mut z = dy.at(image, block, row as isize, 0).cast_const();
                for _ in 0..dy.width {
                    let g = S::load(z);
                    for (sum, offset) in acc.iter_mut().zip(offsets) {
                        *sum = S::fma(S::load(a.offset(offset)), g, *sum);
                    }
                    a = a.add(step);
                    z = z.add(LANES);
                }
            }
            for (t, sum) in acc.iter().enumerate() {
                let total = sums.as_mut_ptr().add(t * LANES);
                S::store(total, S::add(S::load(total), *sum));
            }
        }
    }
}
