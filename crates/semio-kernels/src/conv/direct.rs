//! The direct form: a sum over taps and channels, tile by tile.
//!
//! One description covers the convolution and, with other taps and steps, the gradient of its input: that one is a
//! convolution of the output's gradient with turned weights, and where the stride is above one it falls into one
//! convolution for each remainder of the input's rows and columns.

use super::ConvShape;
use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    maps::View,
    simd::{Kernel, LANES, Simd, run},
    threads::{parallel, threads},
    tile::{Tile, cover},
};

/// Output channels of a panel of weights.
pub(super) const PANEL: usize = 2 * LANES;

pub(crate) struct Direct {
    pub(super) panels: Vec<Panel>,
    /// For each panel, input value by input value, the weights of its output channels.
    pub(super) weights: Buffer,
    /// One number an output channel, or nothing.
    pub(super) bias: Buffer,
    /// Input pixel of each tap, from the output pixel's place times the step.
    pub(super) taps: Vec<[isize; 2]>,
    pub(super) step: [usize; 2],
    /// Where this convolution's outputs stand among all rows and columns, and their step.
    out_start: [usize; 2],
    pub(super) out_step: [usize; 2],
}

/// Weights of up to 32 output channels.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    /// First block of output channels.
    pub out_block: usize,
    /// 16 or 32.
    pub width: usize,
    /// Blocks of input channels that these outputs see.
    pub first_block: usize,
    pub blocks: usize,
    /// Where its weights begin.
    pub offset: usize,
}

impl Direct {
    /// The convolution itself.
    pub(super) fn forward(shape: &ConvShape, weights: &[f32], bias: Buffer) -> Self {
        let tap = |d: usize, i: usize| (i * shape.dilation[d]) as isize - shape.padding[d] as isize;
        let all: Vec<[usize; 2]> = window(shape.kernel).collect();
        let taps = all.iter().map(|&[i, j]| [tap(0, i), tap(1, j)]).collect();
        let (per_in, per_out) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
        let panels = panels(shape.outputs, shape.inputs, per_out, per_in, all.len());
        let area = shape.taps();
        let packed = if shape.groups == 1 {
            pack_rows(shape, weights, &panels)
        } else {
            pack(&panels, area, |panel, write| {
                // A row of weights holds the taps of each of its inputs; `write` wants the inputs' blocks.
                let first = panel.out_block * LANES;
                let last = (first + panel.width).min(shape.outputs);
                for c in panel.first_block * LANES..((panel.first_block + panel.blocks) * LANES).min(shape.inputs) {
                    let group = c / per_in;
                    let range = first.max(group * per_out)..last.min((group + 1) * per_out);
                    for t in 0..area {
                        write(t, c, range.clone(), weights, (c % per_in) * area + t, per_in * area);
                    }
                }
            })
        };
        Self { panels, weights: packed, bias, taps, step: shape.stride, out_start: [0, 0], out_step: [1, 1] }
    }

    /// The gradient of the input, one convolution for each remainder of rows and columns.
    pub(super) fn backward(shape: &ConvShape, weights: &[f32]) -> Vec<Self> {
        let [sh, sw] = shape.stride;
        let phases = (0..sh).flat_map(|y| (0..sw).map(move |x| [y, x]));
        phases.map(|start| Self::backward_phase(shape, weights, start)).collect()
    }

    fn backward_phase(shape: &ConvShape, weights: &[f32], start: [usize; 2]) -> Self {
        // Input row r gets tap i's share from output row (r + padding - i · dilation) / stride, where that is whole.
        let from = |d: usize, i: usize| {
            let n = (start[d] + shape.padding[d]) as isize - (i * shape.dilation[d]) as isize;
            (n.rem_euclid(shape.stride[d] as isize) == 0).then(|| n.div_euclid(shape.stride[d] as isize))
        };
        let used: Vec<([usize; 2], [isize; 2])> =
            window(shape.kernel).filter_map(|[i, j]| Some(([i, j], [from(0, i)?, from(1, j)?]))).collect();
        let (per_in, per_out) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
        let panels = panels(shape.inputs, shape.outputs, per_in, per_out, used.len());
        let area = shape.taps();
        let packed = if shape.groups == 1 {
            let taps: Vec<usize> = used.iter().map(|([i, j], _)| i * shape.kernel[1] + j).collect();
            pack_columns(shape, weights, &panels, &taps)
        } else {
            pack(&panels, used.len(), |panel, write| {
                let first = panel.out_block * LANES;
                let last = (first + panel.width).min(shape.inputs);
                for o in panel.first_block * LANES..((panel.first_block + panel.blocks) * LANES).min(shape.outputs) {
                    let group = o / per_out;
                    let range = first.max(group * per_in)..last.min((group + 1) * per_in);
                    for (t, ([i, j], _)) in used.iter().enumerate() {
                        // `write` counts from channel 0: this row's channels begin at the group's first.
                        let at = (o * per_in * area + i * shape.kernel[1] + j).wrapping_sub(group * per_in * area);
                        write(t, o, range.clone(), weights, at, area);
                    }
                }
            })
        };
        Self {
            panels,
            weights: packed,
            bias: Buffer::default(),
            taps: used.into_iter().map(|(_, place)| place).collect(),
            step: [1, 1],
            out_start: start,
            out_step: shape.stride,
        }
    }

    /// Computes `y` from `x`; both have the borders that the shape asks for.
    pub(crate) fn run(&self, x: View, y: View, residual: Option<View>, activation: Activation) {
        if self.is_pointwise() {
            return self.run_pointwise(x, y, residual, activation);
        }
        let side = |n: usize, d: usize| n.saturating_sub(self.out_start[d]).div_ceil(self.out_step[d]);
        let (rows, columns) = (side(y.height, 0), side(y.width, 1));
        if rows * columns == 0 {
            return;
        }
        let blocks = self.panels.iter().map(|p| p.first_block + p.blocks).max().unwrap_or(0);
        // All panels share one table: a panel that sees a part of the blocks begins inside it.
        let mut runs = Vec::with_capacity(blocks * self.taps.len());
        for block in 0..blocks {
            for [i, j] in &self.taps {
                runs.push((block * x.plane) as isize + i * x.pitch as isize + j * LANES as isize);
            }
        }
        let job = Job { conv: self, x, y, residual, activation, runs: &runs, rows, columns };
        let weights = self.weights.len();
        let pictures = x.batch * x.image;
        // Either every band of rows reads all weights, or every panel reads all pictures: whichever is less to read.
        let band = rows.div_ceil((rows * columns).div_ceil(400)).min(rows);
        let bands = rows.div_ceil(band);
        let by_band = (x.batch * bands * weights) as f64;
        let by_panel = (self.panels.len() * pictures) as f64;
        let enough = |tasks: usize| tasks >= 2 * threads() || threads() == 1;
        if (by_band <= by_panel && enough(x.batch * bands)) || !enough(self.panels.len() * x.batch) {
            // A lone picture is cut finer, so that no thread waits for another's long band.
            let band = if enough(x.batch * bands) { band } else { rows.div_ceil(4 * threads()).max(1) };
            let bands = rows.div_ceil(band);
            parallel(x.batch * bands, |i| {
                let (image, first) = (i / bands, i % bands * band);
                let task =
                    Task { job: &job, image, panels: 0..self.panels.len(), rows: first..(first + band).min(rows) };
                // SAFETY: each task writes its own rows of its own picture.
                unsafe { run(task) }
            });
        } else {
            let parts = if enough(self.panels.len()) { 1 } else { x.batch.min(4) };
            parallel(self.panels.len() * parts, |i| {
                let (panel, part) = (i / parts, i % parts);
                for image in part * x.batch / parts..(part + 1) * x.batch / parts {
                    let task = Task { job: &job, image, panels: panel..panel + 1, rows: 0..rows };
                    // SAFETY: each task writes its own channels of its own pictures.
                    unsafe { run(task) }
                }
            });
        }
    }
}

struct Job<'a> {
    conv: &'a Direct,
    x: View,
    y: View,
    residual: Option<View>,
    activation: Activation,
    runs: &'a [isize],
    rows: usize,
    columns: usize,
}

struct Task<'a> {
    job: &'a Job<'a>,
    image: usize,
    panels: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Job { conv, x, y, residual, activation, runs, columns, .. } = *self.job;
        let (low, high) = activation.bounds();
        let [sy, sx] = conv.step;
        let [oy, ox] = conv.out_step;
        let taps = conv.taps.len();
        let a_step = sx * LANES;
        debug_assert!(self.job.rows >= self.rows.end);
        for panel in &conv.panels[self.panels.clone()] {
            let bias =
                if conv.bias.is_empty() { std::ptr::null() } else { conv.bias.as_ptr().add(panel.out_block * LANES) };
            let vectors = panel.width / LANES;
            let height = self.rows.len();
            for v in (0..vectors).step_by(S::VECTORS) {
                let n = S::VECTORS.min(vectors - v);
                let block = panel.out_block + v;
                cover::<S>(height, columns, |r, q, rows, pixels| {
                    let row = self.rows.start + r;
                    let (yr, yq) = (conv.out_start[0] + row * oy, conv.out_start[1] + q * ox);
                    let (yr, yq) = (yr as isize, yq as isize);
                    let tile = Tile {
                        a: x.at(self.image, 0, (row * sy) as isize, (q * sx) as isize),
                        a_row: sy * x.pitch,
                        a_step,
                        runs: runs.as_ptr().add(panel.first_block * taps),
                        run_count: panel.blocks * taps,
                        run_len: LANES,
                        b: conv.weights.as_ptr().add(panel.offset + v * LANES),
                        b_step: panel.width,
                        c: y.at(self.image, block, yr, yq),
                        c_row: oy * y.pitch,
                        c_step: ox * LANES,
                        c_vector: y.plane,
                        bias: if bias.is_null() { bias } else { bias.add(v * LANES) },
                        residual: residual.map_or(std::ptr::null(), |z| z.at(self.image, block, yr, yq)),
                        low,
                        high,
                    };
                    S::tile(rows, pixels, n, a_step)(&tile);
                });
                if !activation.clips() {
                    for v in 0..n {
                        for row in self.rows.clone() {
                            activate::<S>(activation, y.at(self.image, block + v, row as isize, 0), columns);
                        }
                    }
                }
            }
        }
    }
}

/// Applies a function to consecutive pixels.
#[inline(always)]
pub(super) unsafe fn activate<S: Simd>(activation: Activation, pixels: *mut f32, count: usize) {
    for i in 0..count {
        let p = pixels.add(i * LANES);
        S::store(p, activation.apply::<S>(S::load(p)));
    }
}

/// A window's elements, row by row.
fn window([rows, columns]: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
    (0..rows).flat_map(move |i| (0..columns).map(move |j| [i, j]))
}

/// Cuts output channels into panels, and says which blocks of input channels each one sees.
fn panels(outputs: usize, inputs: usize, per_out: usize, per_in: usize, taps: usize) -> Vec<Panel> {
    let mut all = vec![];
    let mut offset = 0;
    let blocks = outputs.div_ceil(LANES);
    // Groups narrower than a panel: a panel of one block then sees fewer inputs that mean nothing to it.
    let most = if per_out < outputs && per_out < PANEL { LANES } else { PANEL };
    let mut out_block = 0;
    while out_block < blocks {
        let width = most.min((blocks - out_block) * LANES);
        let first = out_block * LANES;
        let last = (first + width).min(outputs) - 1;
        let (low, high) = ((first / per_out) * per_in, ((last / per_out + 1) * per_in).min(inputs));
        let first_block = low / LANES;
        let count = high.div_ceil(LANES) - first_block;
        all.push(Panel { out_block, width, first_block, blocks: count, offset });
        offset += count * LANES * taps * width;
        out_block += width / LANES;
    }
    all
}

/// Writes one input value's weights: tap, input channel, output channels, and where output channel 0's weight would
/// stand among the given ones and how far the next one's is.
type Write<'a> = &'a mut dyn FnMut(usize, usize, std::ops::Range<usize>, &[f32], usize, usize);

fn pack(panels: &[Panel], taps: usize, fill: impl Fn(&Panel, Write) + Sync) -> Buffer {
    let packed = Buffer::zeroed(packed_len(panels, taps));
    let to = Shared(packed.as_ptr().cast_mut());
    parallel(panels.len(), |i| {
        let panel = &panels[i];
        fill(panel, &mut |tap, channel, range, weights, at, stride| {
            let block = channel / LANES - panel.first_block;
            let place = panel.offset + ((block * taps + tap) * LANES + channel % LANES) * panel.width;
            let first = range.start - panel.out_block * LANES;
            for (lane, o) in range.enumerate() {
                // SAFETY: the place lies in this panel's own part.
                unsafe { *to.get().add(place + first + lane) = weights[at.wrapping_add(o * stride)] };
            }
        });
    });
    packed
}

fn packed_len(panels: &[Panel], taps: usize) -> usize {
    panels.last().map_or(0, |last| last.offset + last.blocks * LANES * taps * last.width)
}

/// Memory for packed weights: cleared where some of it stands for channels that do not exist.
fn packed_memory(panels: &[Panel], taps: usize, inputs: usize, outputs: usize) -> Buffer {
    let len = packed_len(panels, taps);
    let full = inputs.is_multiple_of(LANES) && outputs.is_multiple_of(LANES);
    if full { Buffer::dirty(len) } else { Buffer::zeroed(len) }
}

/// Packs all weights of a convolution without groups, sixteen rows at a time.
fn pack_rows(shape: &ConvShape, weights: &[f32], panels: &[Panel]) -> Buffer {
    struct Rows {
        from: *const f32,
        rows: usize,
        columns: usize,
        area: usize,
        to: *mut f32,
        width: usize,
    }
    impl Kernel for Rows {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self { from, rows, columns, area, to, width } = self;
            let mut edge = [0f32; LANES];
            let (mut channel, mut tap) = (0, 0);
            for first in (0..columns).step_by(LANES) {
                let n = (columns - first).min(LANES);
                let mut block = [S::zero(); LANES];
                for (o, row) in block.iter_mut().enumerate().take(rows) {
                    let source = from.add(o * columns + first);
                    if n == LANES {
                        *row = S::load(source);
                    } else {
                        std::ptr::copy_nonoverlapping(source, edge.as_mut_ptr(), n);
                        *row = S::load(edge.as_ptr());
                    }
                }
                S::transpose(&mut block);
                for values in block.into_iter().take(n) {
                    let place = ((channel / LANES * area + tap) * LANES + channel % LANES) * width;
                    S::store(to.add(place), values);
                    tap += 1;
                    if tap == area {
                        (channel, tap) = (channel + 1, 0);
                    }
                }
            }
        }
    }
    let area = shape.taps();
    let columns = shape.inputs * area;
    let packed = packed_memory(panels, area, shape.inputs, shape.outputs);
    let (from, to) = (Shared(weights.as_ptr().cast_mut()), Shared(packed.as_ptr().cast_mut()));
    parallel(panels.len() * 2, |i| {
        let (panel, half) = (&panels[i / 2], i % 2);
        let first = panel.out_block * LANES + half * LANES;
        if half * LANES >= panel.width || first >= shape.outputs {
            return;
        }
        let rows = (shape.outputs - first).min(LANES);
        // SAFETY: each task writes its own outputs' weights.
        unsafe {
            let (from, to) = (from.get().add(first * columns), to.get().add(panel.offset + half * LANES));
            run(Rows { from, rows, columns, area, to, width: panel.width });
        }
    });
    packed
}

/// Packs chosen taps of a convolution without groups, with inputs and outputs exchanged.
fn pack_columns(shape: &ConvShape, weights: &[f32], panels: &[Panel], taps: &[usize]) -> Buffer {
    let area = shape.taps();
    let packed = packed_memory(panels, taps.len(), shape.outputs, shape.inputs);
    let to = Shared(packed.as_ptr().cast_mut());
    parallel(panels.len(), |i| {
        let panel = &panels[i];
        let first = panel.out_block * LANES;
        let lanes = panel.width.min(shape.inputs - first);
        for o in 0..shape.outputs {
            let row = &weights[(o * shape.inputs + first) * area..][..lanes * area];
            for (t, &tap) in taps.iter().enumerate() {
                let place = panel.offset + ((o / LANES * taps.len() + t) * LANES + o % LANES) * panel.width;
                // SAFETY: the place lies in this panel's own part.
                let to = unsafe { std::slice::from_raw_parts_mut(to.get().add(place), lanes) };
                if area == 1 {
                    to.copy_from_slice(row);
                } else {
                    to.iter_mut().zip(row[tap..].iter().step_by(area)).for_each(|(t, w)| *t = *w);
                }
            }
        }
    });
    packed
}
