//! The micro-kernel under convolutions, Winograd's products and dense layers.
//!
//! A tile is some rows × pixels × vectors of output channels, held in registers while the kernel runs over all inputs:
//! each input value is broadcast and multiplied with vectors of packed weights. Where the input values lie is given by
//! a table of offsets, one for each run of consecutive values: no `im2col` is needed.

use crate::simd::{Portable, Simd};

/// One tile's pointers and strides; strides count floats.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    /// First input value of the first pixel.
    pub a: *const f32,
    /// From an output row's input to the next row's.
    pub a_row: usize,
    /// From a pixel's input to the next pixel's, for tiles made for any step.
    pub a_step: usize,
    /// Where each run of input values begins, from a pixel's first one.
    pub runs: *const isize,
    /// Number of runs.
    pub run_count: usize,
    /// Values in a run.
    pub run_len: usize,
    /// Packed weights: for each input value, [`Tile::b_step`] numbers.
    pub b: *const f32,
    /// From an input value's weights to the next one's.
    pub b_step: usize,
    /// First output.
    pub c: *mut f32,
    /// From an output row to the next.
    pub c_row: usize,
    /// From an output pixel to the next.
    pub c_step: usize,
    /// From a vector of output channels to the next.
    pub c_vector: usize,
    /// One number an output channel, or null.
    pub bias: *const f32,
    /// Laid out as the output and added to it, or null; may be the output itself.
    pub residual: *const f32,
    /// Outputs below are raised to this.
    pub low: f32,
    /// Outputs above are lowered to this.
    pub high: f32,
}

#[inline(always)]
unsafe fn body<S: Simd, const R: usize, const Q: usize, const NV: usize, const STEP: usize>(t: &Tile) {
    let mut acc = [[[S::zero(); NV]; Q]; R];
    let mut b = t.b;
    let step = if STEP == 0 { t.a_step } else { STEP };
    for run in 0..t.run_count {
        let mut a = t.a.offset(*t.runs.add(run));
        for _ in 0..t.run_len {
            let mut w = [S::zero(); NV];
            for (v, w) in w.iter_mut().enumerate() {
                *w = S::load(b.add(v * 16));
            }
            for (r, row) in acc.iter_mut().enumerate() {
                for (q, pixel) in row.iter_mut().enumerate() {
                    let from = a.add(r * t.a_row + q * step);
                    let x = if STEP == 1 || STEP == 2 { S::broadcast(from) } else { S::splat(*from) };
                    for (v, sum) in pixel.iter_mut().enumerate() {
                        *sum = S::fma(x, w[v], *sum);
                    }
                }
            }
            a = a.add(1);
            b = b.add(t.b_step);
        }
    }
    let (low, high) = (S::splat(t.low), S::splat(t.high));
    for v in 0..NV {
        let bias = if t.bias.is_null() { S::zero() } else { S::load(t.bias.add(v * 16)) };
        for (r, row) in acc.iter().enumerate() {
            for (q, pixel) in row.iter().enumerate() {
                let at = r * t.c_row + v * t.c_vector + q * t.c_step;
                let mut y = S::add(pixel[v], bias);
                if !t.residual.is_null() {
                    y = S::add(y, S::load(t.residual.add(at)));
                }
                S::store(t.c.add(at), S::min(high, S::max(low, y)));
            }
        }
    }
}

/// Tables of the tiles of one instruction set: by input step, then by vectors, rows and pixels.
macro_rules! tiles {
    ($(#[$feature:meta])* $name:ident, $simd:ty, vectors [$($nv:literal),*], $shapes:tt) => {
        pub(crate) fn $name(rows: usize, pixels: usize, vectors: usize, step: usize) -> unsafe fn(&Tile) {
            $(#[$feature])*
            unsafe fn enter<const R: usize, const Q: usize, const NV: usize, const STEP: usize>(t: &Tile) {
                body::<$simd, R, Q, NV, STEP>(t);
            }
            fn by_step<const R: usize, const Q: usize, const NV: usize>(step: usize) -> unsafe fn(&Tile) {
                match step {
                    1 => enter::<R, Q, NV, 1>,
                    2 => enter::<R, Q, NV, 2>,
                    16 => enter::<R, Q, NV, 16>,
                    32 => enter::<R, Q, NV, 32>,
                    _ => enter::<R, Q, NV, 0>,
                }
            }
            $(tiles!(@vectors rows, pixels, vectors, step, $nv, $shapes);)*
            unreachable!("no tile of {rows} rows × {pixels} pixels × {vectors} vectors")
        }
    };
    (@vectors $rows:ident, $pixels:ident, $vectors:ident, $step:ident, $nv:literal, [$(($r:literal: $($q:literal)*)),*]) => {
        if $vectors == $nv {
            match ($rows, $pixels) {
                $($(($r, $q) => return by_step::<$r, $q, $nv>($step),)*)*
                _ => {}
            }
        }
    };
}

/// Rows that a tile spans at most.
pub(crate) const MOST_ROWS: usize = 4;

#[cfg(target_arch = "x86_64")]
tiles!(#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")] avx512, crate::simd::x86::Avx512, vectors [1, 2],
    [(1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14), (2: 1 2 3 4 5 6 7), (3: 1 2 3 4), (4: 1 2 3)]);
#[cfg(target_arch = "x86_64")]
tiles!(#[target_feature(enable = "avx2,fma")] avx2, crate::simd::x86::Avx2, vectors [1],
    [(1: 1 2 3 4 5 6), (2: 1 2 3), (3: 1 2), (4: 1)]);
#[cfg(target_arch = "aarch64")]
tiles!(portable, Portable, vectors [1], [(1: 1 2 3 4 5 6), (2: 1 2 3), (3: 1 2), (4: 1)]);
#[cfg(not(target_arch = "aarch64"))]
tiles!(portable, Portable, vectors [1], [(1: 1 2 3), (2: 1), (3: 1)]);

/// Cuts `rows` × `pixels` into tiles that this CPU's registers hold, and calls `f(row, pixel, rows, pixels)` for each.
#[inline(always)]
pub(crate) fn cover<S: Simd>(rows: usize, pixels: usize, f: impl FnMut(usize, usize, usize, usize)) {
    cover_rows::<S>(rows, pixels, (S::PIXELS / pixels.max(1)).clamp(1, MOST_ROWS), f);
}

/// Like [`cover`], with tiles of up to `tall` rows.
#[inline(always)]
pub(crate) fn cover_rows<S: Simd>(
    rows: usize,
    pixels: usize,
    tall: usize,
    mut f: impl FnMut(usize, usize, usize, usize),
) {
    let mut row = 0;
    while row < rows {
        let r = even(rows - row, tall);
        let mut pixel = 0;
        while pixel < pixels {
            let q = even(pixels - pixel, S::PIXELS / r);
            f(row, pixel, r, q);
            pixel += q;
        }
        row += r;
    }
}

/// The first of the near-equal parts, none above `most`, into which `n` is cut.
#[inline(always)]
fn even(n: usize, most: usize) -> usize {
    n.div_ceil(n.div_ceil(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_each_pixel_once() {
        for rows in 1..9 {
            for pixels in 1..40 {
                let mut seen = vec![0; rows * pixels];
                cover::<Portable>(rows, pixels, |y, x, r, q| {
                    let _ = Portable::tile(r, q, 1, 16);
                    for i in y..y + r {
                        for j in x..x + q {
                            seen[i * pixels + j] += 1;
                        }
                    }
                });
                assert!(seen.iter().all(|&n| n == 1), "{rows} × {pixels}");
            }
        }
    }
}
