//! Feature maps in blocks of sixteen channels, with their zero border stored.
//!
//! `[batch][channels / 16][rows][columns][16]` (oneDNN's nChw16c): a vector holds one pixel of sixteen channels, so that
//! every kernel reads whole vectors whatever the picture's size, and a convolution at the edge reads stored zeros
//! instead of asking where the edge is. Channels are filled up to a multiple of sixteen; what stands in the added ones
//! means nothing, and weights for them are zero.

use crate::{
    buffer::{Buffer, Shared},
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// Size of a batch of maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Pictures.
    pub batch: usize,
    /// Maps a picture.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Zeros stored on each of the four sides.
    pub border: usize,
}

impl Geometry {
    /// A batch of vectors: each is one pixel with `length` channels, and the batch lies along the columns, so that a
    /// dense layer is a convolution with windows of one pixel.
    pub fn vectors(batch: usize, length: usize) -> Self {
        Self { batch: 1, channels: length, height: 1, width: batch, border: 0 }
    }

    /// Blocks of sixteen channels.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Stored numbers of one row of one block.
    pub fn pitch(&self) -> usize {
        (self.width + 2 * self.border) * LANES
    }

    /// Stored numbers of one block.
    pub fn plane(&self) -> usize {
        (self.height + 2 * self.border) * self.pitch()
    }

    /// Stored numbers of one picture.
    pub fn image(&self) -> usize {
        self.blocks() * self.plane()
    }

    /// Stored numbers.
    pub fn stored(&self) -> usize {
        self.batch * self.image()
    }

    /// The same places with another number of maps.
    #[must_use]
    pub fn channelled(self, channels: usize) -> Self {
        Self { channels, ..self }
    }

    /// The same maps with another border.
    #[must_use]
    pub fn bordered(self, border: usize) -> Self {
        Self { border, ..self }
    }
}

/// A batch of maps.
pub struct Maps {
    geometry: Geometry,
    data: Buffer,
}

impl Maps {
    /// Maps of zeros.
    pub fn zeroed(geometry: Geometry) -> Self {
        Self { geometry, data: Buffer::zeroed(geometry.stored()) }
    }

    /// Their size.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Numbers that the memory can hold.
    pub fn capacity(&self) -> usize {
        self.data.len()
    }

    /// Gives the memory another size, and clears it where borders would no longer be zero.
    ///
    /// # Panics
    /// Where the memory is too small.
    #[must_use]
    pub fn reshaped(mut self, geometry: Geometry) -> Self {
        assert!(geometry.stored() <= self.data.len(), "the memory is too small");
        if geometry != self.geometry {
            self.geometry = geometry;
            self.clear_border();
        }
        self
    }

    /// Sets all values to zero.
    pub fn clear(&mut self) {
        let stored = self.geometry.stored();
        self.data[..stored].fill(0.0);
    }

    /// Takes pictures in rows, `[batch, channels, height, width]`.
    ///
    /// # Panics
    /// Where the number of values is not the geometry's.
    pub fn pack(&mut self, nchw: &[f32]) {
        let g = self.geometry;
        assert_eq!(nchw.len(), g.batch * g.channels * g.height * g.width, "pictures of another size");
        let (to, from) = (self.view_mut(), Shared(nchw.as_ptr().cast_mut()));
        parallel(g.batch * g.blocks(), |i| {
            let (image, block) = (i / g.blocks(), i % g.blocks());
            // SAFETY: each task writes its own block.
            unsafe { run(Pack { to, from: from.get(), image, block }) }
        });
    }

    /// Gives pictures in rows, `[batch, channels, height, width]`.
    ///
    /// # Panics
    /// Where the number of values is not the geometry's.
    pub fn unpack(&self, nchw: &mut [f32]) {
        let g = self.geometry;
        assert_eq!(nchw.len(), g.batch * g.channels * g.height * g.width, "pictures of another size");
        let (from, to) = (self.view(), Shared(nchw.as_mut_ptr()));
        parallel(g.batch * g.blocks(), |i| {
            let (image, block) = (i / g.blocks(), i % g.blocks());
            // SAFETY: each task writes the maps of its own block.
            unsafe { run(Unpack { from, to: to.get(), image, block }) }
        });
    }

    /// Takes vectors in rows, `[batch, length]`, into maps of [`Geometry::vectors`].
    ///
    /// # Panics
    /// Where the number of values is not the geometry's.
    pub fn pack_rows(&mut self, rows: &[f32]) {
        let g = self.geometry;
        assert_eq!((rows.len(), g.batch, g.height), (g.width * g.channels, 1, 1), "vectors of another size");
        for (i, row) in rows.chunks_exact(g.channels).enumerate() {
            for (block, values) in row.chunks(LANES).enumerate() {
                let at = block * g.plane() + i * LANES;
                self.data[at..at + LANES].fill(0.0);
                self.data[at..at + values.len()].copy_from_slice(values);
            }
        }
    }

    /// Gives vectors in rows, `[batch, length]`.
    ///
    /// # Panics
    /// Where these are not vectors.
    pub fn rows(&self) -> Vec<f32> {
        let g = self.geometry;
        assert_eq!((g.batch, g.height, g.border), (1, 1, 0), "maps, not vectors");
        let mut rows = vec![0.0; g.width * g.channels];
        for (i, row) in rows.chunks_exact_mut(g.channels).enumerate() {
            for (block, values) in row.chunks_mut(LANES).enumerate() {
                let at = block * g.plane() + i * LANES;
                values.copy_from_slice(&self.data[at..at + values.len()]);
            }
        }
        rows
    }

    fn clear_border(&mut self) {
        let g = self.geometry;
        if g.border == 0 {
            return;
        }
        let view = self.view_mut();
        parallel(g.batch * g.blocks(), |i| {
            // SAFETY: each task writes its own block.
            unsafe {
                let plane = view.at(i / view.blocks, i % view.blocks, -(g.border as isize), -(g.border as isize));
                let (edge, row) = (g.border * view.pitch, g.border * LANES);
                std::ptr::write_bytes(plane, 0, edge);
                std::ptr::write_bytes(plane.add(view.plane - edge), 0, edge);
                for y in 0..g.height {
                    let start = plane.add(edge + y * view.pitch);
                    std::ptr::write_bytes(start, 0, row);
                    std::ptr::write_bytes(start.add(view.pitch - row), 0, row);
                }
            }
        });
    }

    pub(crate) fn view(&self) -> View {
        View::over(self.data.as_ptr().cast_mut(), self.geometry)
    }

    pub(crate) fn view_mut(&mut self) -> View {
        self.view()
    }
}

impl Default for Maps {
    fn default() -> Self {
        Self::zeroed(Geometry { batch: 0, channels: 0, height: 0, width: 0, border: 0 })
    }
}

/// Where maps lie; kernels write through it, each task its own part.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pub start: *mut f32,
    pub blocks: usize,
    pub channels: usize,
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub border: usize,
    /// Numbers a row.
    pub pitch: usize,
    /// Numbers a block.
    pub plane: usize,
    /// Numbers a picture.
    pub image: usize,
}

// SAFETY: kernels give each task its own part.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    /// Maps of this size that begin there.
    pub(crate) fn over(start: *mut f32, g: Geometry) -> Self {
        Self {
            start,
            blocks: g.blocks(),
            channels: g.channels,
            batch: g.batch,
            height: g.height,
            width: g.width,
            border: g.border,
            pitch: g.pitch(),
            plane: g.plane(),
            image: g.image(),
        }
    }

    /// Some rows of one picture as a picture of their own, whose border is what stands around them.
    pub(crate) fn band(&self, image: usize, first: isize, rows: usize) -> Self {
        let offset = (image * self.image) as isize + first * self.pitch as isize;
        Self { start: self.start.wrapping_offset(offset), batch: 1, height: rows, ..*self }
    }

    /// A pixel of a block; rows and columns reach from minus the border on.
    ///
    /// # Safety
    /// The pixel lies within the stored maps.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, image: usize, block: usize, row: isize, column: isize) -> *mut f32 {
        let (y, x) = ((row + self.border as isize) as usize, (column + self.border as isize) as usize);
        self.start.add(image * self.image + block * self.plane + y * self.pitch + x * LANES)
    }
}

struct Pack {
    to: View,
    from: *const f32,
    image: usize,
    block: usize,
}

impl Kernel for Pack {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { to, from, image, block } = self;
        let area = to.height * to.width;
        let first = block * LANES;
        let channels = (to.channels - first).min(LANES);
        let from = from.add((image * to.channels + first) * area);
        let mut edge = [[0f32; LANES]; LANES];
        for y in 0..to.height {
            let mut x = 0;
            while x < to.width {
                let n = (to.width - x).min(LANES);
                let at = y * to.width + x;
                let mut rows = [S::zero(); LANES];
                for (c, row) in rows.iter_mut().enumerate().take(channels) {
                    let source = from.add(c * area + at);
                    // A whole vector may be read where it stays within this picture's own maps.
                    if n == LANES {
                        *row = S::load(source);
                    } else {
                        std::ptr::copy_nonoverlapping(source, edge[0].as_mut_ptr(), n);
                        *row = S::load(edge[0].as_ptr());
                    }
                }
                S::transpose(&mut rows);
                let target = to.at(image, block, y as isize, x as isize);
                for (i, row) in rows.iter().enumerate().take(n) {
                    S::store(target.add(i * LANES), *row);
                }
                x += n;
            }
        }
    }
}

struct Unpack {
    from: View,
    to: *mut f32,
    image: usize,
    block: usize,
}

impl Kernel for Unpack {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { from, to, image, block } = self;
        let area = from.height * from.width;
        let first = block * LANES;
        let channels = (from.channels - first).min(LANES);
        let to = to.add((image * from.channels + first) * area);
        let mut edge = [0f32; LANES];
        for y in 0..from.height {
            let mut x = 0;
            while x < from.width {
                let n = (from.width - x).min(LANES);
                let source = from.at(image, block, y as isize, x as isize);
                let mut rows = [S::zero(); LANES];
                for (i, row) in rows.iter_mut().enumerate().take(n) {
                    *row = S::load(source.add(i * LANES));
                }
                S::transpose(&mut rows);
                for (c, row) in rows.iter().enumerate().take(channels) {
                    let target = to.add(c * area + y * from.width + x);
                    if n == LANES {
                        S::store(target, *row);
                    } else {
                        S::store(edge.as_mut_ptr(), *row);
                        std::ptr::copy_nonoverlapping(edge.as_ptr(), target, n);
                    }
                }
                x += n;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "values that are only moved stay the same")]

    use super::*;

    #[test]
    fn packing_and_unpacking_give_the_same_pictures() {
        for (batch, channels, height, width, border) in [(1, 1, 1, 1, 0), (2, 3, 5, 17, 1), (1, 33, 7, 40, 3)] {
            let n = batch * channels * height * width;
            let nchw: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let mut maps = Maps::zeroed(Geometry { batch, channels, height, width, border });
            maps.pack(&nchw);
            let sum: f64 = maps.data.iter().map(|&v| f64::from(v)).sum();
            assert_eq!(sum, nchw.iter().map(|&v| f64::from(v)).sum::<f64>(), "the border and added channels are zero");
            let mut back = vec![0.0; n];
            maps.unpack(&mut back);
            assert_eq!(back, nchw);
        }
    }

    #[test]
    fn another_size_has_a_clean_border() {
        let mut maps = Maps::zeroed(Geometry { batch: 1, channels: 16, height: 8, width: 8, border: 0 });
        maps.data.fill(1.0);
        let small = maps.reshaped(Geometry { batch: 1, channels: 16, height: 4, width: 4, border: 1 });
        let inside = small.data[..small.geometry.stored()].iter().filter(|&&v| v != 0.0).count();
        assert_eq!(inside, 16 * 16);
    }
}
