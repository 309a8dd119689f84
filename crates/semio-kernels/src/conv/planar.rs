//! The first convolution: pictures in rows, of one or three maps.

use super::{ConvShape, direct::PANEL, direct::activate, outer::Sum, outer::bands};
use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    maps::{Geometry, View},
    simd::{Kernel, LANES, Simd, run},
    threads::{parallel, threads},
    tile::{Tile, cover},
};

/// Pictures in rows, with their zero border stored: `[batch][channels][rows][columns]`.
pub struct Planar {
    geometry: Geometry,
    data: Buffer,
}

impl Planar {
    /// Copies pictures `[batch, channels, height, width]` between borders.
    ///
    /// # Panics
    /// Where the number of values is not the geometry's.
    pub fn new(geometry: Geometry, nchw: &[f32]) -> Self {
        let mut planar = Self { geometry, data: Buffer::default() };
        planar.fill(geometry, nchw);
        planar
    }

    /// Takes the next pictures into the same memory where they have the same size.
    ///
    /// # Panics
    /// Where the number of values is not the geometry's.
    pub fn fill(&mut self, geometry: Geometry, nchw: &[f32]) {
        let Geometry { batch, channels, height, width, border } = geometry;
        assert_eq!(nchw.len(), batch * channels * height * width, "pictures of another size");
        if self.geometry != geometry || self.data.is_empty() {
            self.geometry = geometry;
            self.data = Buffer::zeroed(batch * channels * self.plane());
        }
        let (plane, pitch) = (self.plane(), self.pitch());
        for (from, to) in nchw.chunks_exact(height * width).zip(self.data.chunks_exact_mut(plane)) {
            for (y, row) in from.chunks_exact(width).enumerate() {
                let at = (y + border) * pitch + border;
                to[at..at + width].copy_from_slice(row);
            }
        }
    }

    /// Their size.
    pub fn geometry(&self) -> Geometry {
        self.geometry.bordered(0)
    }

    /// Zeros stored on each side.
    pub fn border(&self) -> usize {
        self.geometry.border
    }

    pub(super) fn pitch(&self) -> usize {
        self.geometry.width + 2 * self.geometry.border
    }

    pub(super) fn plane(&self) -> usize {
        (self.geometry.height + 2 * self.geometry.border) * self.pitch()
    }

    /// First value of the windows of output pixel (0, 0).
    pub(super) fn origin(&self, image: usize, shape: &ConvShape) -> *const f32 {
        let border = self.geometry.border;
        let at = (border - shape.padding[0]) * self.pitch() + border - shape.padding[1];
        self.data[image * self.geometry.channels * self.plane() + at..].as_ptr()
    }

    /// Where each run of a window's values begins, and how long a run is.
    pub(super) fn runs(&self, shape: &ConvShape) -> (Vec<isize>, usize) {
        let ([kh, kw], [dh, dw]) = (shape.kernel, shape.dilation);
        let (each, len) = if dw == 1 { (1, kw) } else { (kw, 1) };
        let mut runs = vec![];
        for c in 0..shape.inputs {
            for i in 0..kh {
                runs.extend((0..each).map(|j| (c * self.plane() + i * dh * self.pitch() + j * dw) as isize));
            }
        }
        (runs, len)
    }
}

pub(crate) struct FromPlanar {
    shape: ConvShape,
    weights: Buffer,
    bias: Buffer,
}

impl FromPlanar {
    pub(super) fn new(shape: &ConvShape, weights: &[f32], bias: Buffer) -> Self {
        let values = shape.inputs * shape.taps();
        let mut packed = Buffer::zeroed(shape.outputs.next_multiple_of(PANEL) * values);
        for (o, row) in weights.chunks_exact(values).enumerate() {
            for (k, &w) in row.iter().enumerate() {
                packed[(o / PANEL * values + k) * PANEL + o % PANEL] = w;
            }
        }
        Self { shape: *shape, weights: packed, bias }
    }

    pub(super) fn run(&self, x: &Planar, y: View, activation: Activation) {
        let (runs, run_len) = x.runs(&self.shape);
        let band = (400 / y.width.max(1)).clamp(1, y.height.div_ceil(if y.batch == 1 { 4 * threads() } else { 1 }));
        let bands = y.height.div_ceil(band);
        let origins: Vec<Shared> = (0..y.batch).map(|i| Shared(x.origin(i, &self.shape).cast_mut())).collect();
        parallel(y.batch * bands, |i| {
            let (image, first) = (i / bands, i % bands * band);
            let rows = first..(first + band).min(y.height);
            let origin = origins[image].get().cast_const();
            let pitch = x.pitch();
            // SAFETY: each task writes its own rows of its own picture.
            unsafe { run(Task { conv: self, origin, pitch, runs: &runs, run_len, y, image, rows, activation }) }
        });
    }
}

struct Task<'a> {
    conv: &'a FromPlanar,
    origin: *const f32,
    pitch: usize,
    runs: &'a [isize],
    run_len: usize,
    y: View,
    image: usize,
    rows: std::ops::Range<usize>,
    activation: Activation,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { conv, y, image, activation, .. } = self;
        let [sy, sx] = conv.shape.stride;
        let (low, high) = activation.bounds();
        let values = self.runs.len() * self.run_len;
        for block in (0..y.blocks).step_by(S::VECTORS) {
            let n = S::VECTORS.min(y.blocks - block);
            let first = block * LANES;
            cover::<S>(self.rows.len(), y.width, |r, q, rows, pixels| {
                let row = self.rows.start + r;
                let tile = Tile {
                    a: self.origin.add(row * sy * self.pitch + q * sx),
                    a_row: sy * self.pitch,
                    a_step: sx,
                    runs: self.runs.as_ptr(),
                    run_count: self.runs.len(),
                    run_len: self.run_len,
                    b: conv.weights.as_ptr().add(first / PANEL * PANEL * values + first % PANEL),
                    b_step: PANEL,
                    c: y.at(image, block, row as isize, q as isize),
                    c_row: y.pitch,
                    c_step: LANES,
                    c_vector: y.plane,
                    bias: conv.bias.as_ptr().add(first),
                    residual: std::ptr::null(),
                    low,
                    high,
                };
                S::tile(rows, pixels, n, sx)(&tile);
            });
            if !activation.clips() {
                for v in 0..n {
                    for row in self.rows.clone() {
                        activate::<S>(activation, y.at(image, block + v, row as isize, 0), y.width);
                    }
                }
            }
        }
    }
}

/// The gradient of the weights, one window row of one map after the other.
pub(super) fn weight_gradient(shape: &ConvShape, x: &Planar, dy: View, to: &Shared) {
    let (runs, run_len) = x.runs(shape);
    let values = runs.len() * run_len;
    let origins: Vec<Shared> = (0..dy.batch).map(|i| Shared(x.origin(i, shape).cast_mut())).collect();
    let pairs = dy.blocks.div_ceil(2);
    // One task a panel and map.
    let each = runs.len() / shape.inputs;
    parallel(pairs * shape.inputs, |i| {
        let (pair, map) = (i / shape.inputs, i % shape.inputs);
        let mut sums = vec![0f32; each * run_len * PANEL];
        for (image, rows) in bands(dy) {
            for (r, run_start) in runs[map * each..(map + 1) * each].iter().enumerate() {
                let task = Sum {
                    // SAFETY: the run lies within the stored picture.
                    a: unsafe { origins[image].get().offset(*run_start) }.cast_const(),
                    a_row: shape.stride[0] * x.pitch(),
                    a_step: shape.stride[1],
                    lanes: run_len,
                    dy,
                    image,
                    rows: rows.clone(),
                    block: pair * 2,
                    // SAFETY: each run has its own sums.
                    sums: unsafe { sums.as_mut_ptr().add(r * run_len * PANEL) },
                };
                // SAFETY: the sums are this task's own.
                unsafe { run(task) }
            }
        }
        for (k, sums) in sums.chunks_exact(PANEL).enumerate() {
            for (o, sum) in (pair * PANEL..shape.outputs).zip(sums) {
                // SAFETY: each task writes the weights of its own outputs and map.
                unsafe { *to.get().add(o * values + map * each * run_len + k) = *sum };
            }
        }
    });
}
