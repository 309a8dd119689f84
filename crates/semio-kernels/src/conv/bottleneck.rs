//! Inverted bottlenecks in one go: a convolution of single pixels that widens, a depthwise one, and one of single pixels
//! that narrows (Sandler et al. 2018, <https://arxiv.org/abs/1801.04381>).
//!
//! What lies between them is several times as large as what goes in and comes out. It is made for some rows at a time and
//! stays in a core's cache; rows that two neighbours' windows share are made twice.

use super::{Conv, ConvShape};
use crate::{
    activation::Activation,
    maps::{Geometry, Maps, View},
    scratch::scratch,
    simd::LANES,
    threads::{parallel, threads},
};

/// Numbers between the convolutions of a task: as much as a usual second-level cache holds.
const ROOM: usize = 1 << 18;

/// A depthwise convolution with what comes before and after it.
pub struct Bottleneck {
    widen: Option<(Conv, Activation)>,
    depthwise: (Conv, Activation),
    narrow: Option<(Conv, Activation)>,
}

impl Bottleneck {
    /// Whether these convolutions can be one, `depthwise` with one before or after it at least.
    pub fn suits(widen: Option<&ConvShape>, depthwise: &ConvShape, narrow: Option<&ConvShape>) -> bool {
        let [kernel, _] = depthwise.kernel;
        let around = depthwise.padding.map(|p| 2 * p + 1) == [kernel; 2]
            && depthwise.kernel == [kernel; 2]
            && depthwise.dilation == [1, 1];
        let single = |shape: &ConvShape| shape.taps() == 1 && shape.stride == [1, 1] && shape.padding == [0, 0];
        let joined = |a: &ConvShape, b: &ConvShape| a.outputs == b.inputs && a.groups.min(b.groups) == 1;
        depthwise.is_depthwise()
            && around
            && (widen.is_some() || narrow.is_some())
            && widen.is_none_or(|w| single(w) && joined(w, depthwise))
            && narrow.is_none_or(|n| single(n) && joined(depthwise, n))
    }

    /// Joins convolutions, each with the function that follows it.
    ///
    /// # Panics
    /// Where they do not [suit](Bottleneck::suits) each other.
    pub fn new(
        widen: Option<(Conv, Activation)>,
        depthwise: (Conv, Activation),
        narrow: Option<(Conv, Activation)>,
    ) -> Self {
        fn shape(conv: &(Conv, Activation)) -> &ConvShape {
            conv.0.shape()
        }
        let suits = Self::suits(widen.as_ref().map(shape), shape(&depthwise), narrow.as_ref().map(shape));
        assert!(suits, "convolutions that do not follow one another");
        Self { widen, depthwise, narrow }
    }

    /// The border that the input must have.
    pub fn input_border(&self) -> usize {
        if self.widen.is_some() { 0 } else { self.depthwise.0.shape().input_border() }
    }

    /// Computes the output; a residual is added before the last function.
    ///
    /// # Panics
    /// Where a size is not the shapes', or the input's border is below [`Bottleneck::input_border`].
    pub fn run(&self, input: &Maps, output: &mut Maps, residual: Option<&Maps>) {
        let shape = self.depthwise.0.shape();
        let wide = input.geometry().channelled(shape.inputs);
        let narrow = shape.output(wide).channelled(output.geometry().channels);
        let (first, last) = (self.widen.as_ref(), self.narrow.as_ref());
        assert_eq!(input.geometry().channels, first.map_or(shape.inputs, |c| c.0.shape().inputs), "other maps");
        assert_eq!(output.geometry().channels, last.map_or(shape.outputs, |c| c.0.shape().outputs), "other maps");
        assert_eq!(output.geometry().bordered(0), narrow, "an output of another size");
        assert!(input.geometry().border >= self.input_border(), "the input's border is too narrow");
        if let Some(residual) = residual {
            assert_eq!(residual.geometry(), output.geometry(), "a residual of another size");
        }
        let (x, y) = (input.view(), output.view_mut());
        let job = Job { block: self, x, y, residual: residual.map(Maps::view) };
        // Fewer pictures than threads: all threads work on each convolution together, and none is cut.
        if x.batch < threads() {
            return (0..x.batch).for_each(|image| job.band(image, 0..y.height));
        }
        let bands = y.height.div_ceil(job.rows());
        parallel(x.batch * bands, |i| {
            let (image, band) = (i / bands, i % bands);
            job.band(image, band * y.height / bands..(band + 1) * y.height / bands);
        });
    }
}

struct Job<'a> {
    block: &'a Bottleneck,
    x: View,
    y: View,
    residual: Option<View>,
}

impl Job<'_> {
    /// Size of what the depthwise convolution reads for so many rows of outputs; its border holds the rows around them.
    fn wide(&self, rows: usize) -> Geometry {
        let shape = self.block.depthwise.0.shape();
        let height = (rows - 1) * shape.stride[0] + 1;
        Geometry { batch: 1, channels: shape.inputs, height, width: self.x.width, border: shape.padding[0] }
    }

    /// Size of what it writes.
    fn deep(&self, rows: usize) -> Geometry {
        let channels = self.block.depthwise.0.shape().outputs;
        Geometry { batch: 1, channels, height: rows, width: self.y.width, border: 0 }
    }

    /// Numbers between the convolutions.
    fn sizes(&self, rows: usize) -> [usize; 2] {
        let wide = if self.block.widen.is_some() { self.wide(rows).stored() } else { 0 };
        let deep = if self.block.narrow.is_some() { self.deep(rows).stored() } else { 0 };
        [wide, deep]
    }

    /// Rows of a band.
    fn rows(&self) -> usize {
        (1..=self.y.height).rev().find(|rows| self.sizes(*rows).iter().sum::<usize>() <= ROOM).unwrap_or(1)
    }

    fn band(&self, image: usize, rows: std::ops::Range<usize>) {
        let Self { block, x, y, residual } = self;
        let (depthwise, f) = &block.depthwise;
        let stride = depthwise.shape().stride[0];
        let count = rows.len();
        let [wide, deep] = self.sizes(count);
        scratch(wide + deep, |memory| {
            let first = (rows.start * stride) as isize;
            let wide = match &block.widen {
                // SAFETY: the scratch memory holds both parts; each task writes its own.
                Some((conv, f)) => unsafe { self.widen(conv, *f, image, first, memory, self.wide(count)) },
                None => x.band(image, first, (count - 1) * stride + 1),
            };
            let y = y.band(image, rows.start as isize, count);
            let Some((conv, after)) = &block.narrow else {
                return depthwise.run_on(wide, y, residual.map(|r| r.band(image, rows.start as isize, count)), *f);
            };
            // SAFETY: as above.
            let deep = View::over(unsafe { memory.add(self.sizes(count)[0]) }, self.deep(count));
            depthwise.run_on(wide, deep, None, *f);
            conv.run_on(deep, y, residual.map(|r| r.band(image, rows.start as isize, count)), *after);
        });
    }

    /// What the depthwise convolution reads from row `first` on, with the rows around it.
    ///
    /// # Safety
    /// `memory` holds maps of this size.
    unsafe fn widen(
        &self,
        conv: &Conv,
        f: Activation,
        image: usize,
        first: isize,
        memory: *mut f32,
        size: Geometry,
    ) -> View {
        let (wide, border) = (View::over(memory, size), size.border as isize);
        // Rows that the picture has; zeros stand for the others and for the columns on both sides.
        let end = first + size.height as isize + border;
        let (from, to) = ((first - border).max(0), end.min(self.x.height as isize));
        for block in 0..wide.blocks {
            let edge = size.border * LANES;
            for row in first - border..end {
                let start = wide.at(0, block, row - first, -border);
                if row < from || row >= to {
                    std::ptr::write_bytes(start, 0, wide.pitch);
                } else {
                    std::ptr::write_bytes(start, 0, edge);
                    std::ptr::write_bytes(start.add(wide.pitch - edge), 0, edge);
                }
            }
        }
        let count = (to - from) as usize;
        conv.run_on(self.x.band(image, from, count), wide.band(0, from - first, count), None, f);
        wide
    }
}
