//! The one resampling of augmentation: an affine map, bilinear between pixel centres, in whole-number arithmetic.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What is seen where a moved picture leaves its frame empty.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// The nearest pixel of the picture.
    #[default]
    Edge,
    /// Black.
    Black,
}

/// Where in the source a pixel of the result comes from, in pixels from the centre of the upper left one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    /// Source column = `column[0]·x + column[1]·y + column[2]`.
    pub(crate) column: [f64; 3],
    /// Source row, likewise.
    pub(crate) row: [f64; 3],
}

/// A sample that can be mixed with its neighbours.
pub(crate) trait Sample: Copy {
    /// Mixes the four samples around a place; `x` and `y` are the shares of the right and the lower ones in 1/32,768.
    fn mix(upper: [Self; 2], lower: [Self; 2], x: u32, y: u32) -> Self;
}

impl Sample for u8 {
    #[inline]
    fn mix(upper: [u8; 2], lower: [u8; 2], x: u32, y: u32) -> u8 {
        // Three multiplications instead of six: they are what this loop waits for. 8 + 15 bits, cut to 16; then 16 + 15.
        let (x, y) = (x as i32, y as i32);
        let row = |[left, right]: [u8; 2]| {
            let (left, right) = (i32::from(left), i32::from(right));
            (left << 8) + (((right - left) * x + (1 << 6)) >> 7)
        };
        let (upper, lower) = (row(upper), row(lower));
        (((upper << 15) + (lower - upper) * y + (1 << 22)) >> 23) as u8
    }
}

impl Sample for u16 {
    #[inline]
    fn mix(upper: [u16; 2], lower: [u16; 2], x: u32, y: u32) -> u16 {
        let row = |[left, right]: [u16; 2]| u64::from(left) * u64::from(ONE - x) + u64::from(right) * u64::from(x);
        ((row(upper) * u64::from(ONE - y) + row(lower) * u64::from(y) + (1 << 29)) >> 30) as u16
    }
}

impl Sample for f32 {
    #[inline]
    fn mix(upper: [f32; 2], lower: [f32; 2], x: u32, y: u32) -> f32 {
        let (x, y) = (x as f32 / ONE as f32, y as f32 / ONE as f32);
        let row = |[left, right]: [f32; 2]| left * (1.0 - x) + right * x;
        row(upper) * (1.0 - y) + row(lower) * y
    }
}

/// Mirrors rows and columns, exactly.
pub(crate) fn flip<P: Copy>(source: &[P], width: usize, across: bool, down: bool) -> Vec<P> {
    let mut flipped = Vec::with_capacity(source.len());
    let mut push_row = |row: &[P]| {
        if across {
            flipped.extend(row.iter().rev());
        } else {
            flipped.extend_from_slice(row);
        }
    };
    let rows = source.chunks_exact(width);
    if down {
        rows.rev().for_each(&mut push_row);
    } else {
        rows.for_each(&mut push_row);
    }
    flipped
}

/// Moves a picture; the result has the same size. `black` fills where `fill` asks for it.
pub(crate) fn warp<T: Sample, const CHANNELS: usize>(
    pixels: &[[T; CHANNELS]],
    width: usize,
    map: &Affine,
    fill: Fill,
    black: T,
) -> Vec<[T; CHANNELS]> {
    let height = pixels.len() / width;
    let source = Source { pixels, width, height, fill, black };
    let mut warped = pixels.to_vec();
    let step = (fixed(map.column[0]), fixed(map.row[0]));
    for (y, out) in warped.chunks_exact_mut(width).enumerate() {
        let along = |line: &[f64; 3]| fixed(line[1] * y as f64 + line[2]);
        let start = (along(&map.column), along(&map.row));
        let place = |x: usize| (start.0 + step.0 * x as i64, start.1 + step.1 * x as i64);
        // Only the ends of a row may look beyond the picture; what lies between needs no test for it.
        let across = inside(start.0, step.0, (width as i64 - 1) << FRACTION, width);
        let down = inside(start.1, step.1, (height as i64 - 1) << FRACTION, width);
        let first = across.start.max(down.start);
        let last = across.end.min(down.end).max(first);
        for (x, pixel) in out[..first].iter_mut().enumerate() {
            *pixel = source.mix_at_edge(place(x));
        }
        let mut at = place(first);
        for pixel in &mut out[first..last] {
            *pixel = source.mix_within(at);
            at = (at.0 + step.0, at.1 + step.1);
        }
        for (x, pixel) in out[last..].iter_mut().enumerate() {
            *pixel = source.mix_at_edge(place(last + x));
        }
    }
    warped
}

/// Bits behind the point of a place in the source. With 24, the error over the longest side is a 1/4,096 pixel, and a
/// row of 2³¹ pixels still does not overflow.
const FRACTION: u32 = 24;
/// The share of a whole pixel in [`Sample::mix`].
const ONE: u32 = 1 << 15;

fn fixed(v: f64) -> i64 {
    (v * f64::from(1u32 << FRACTION)).round() as i64
}

fn share(v: i64) -> u32 {
    (v >> (FRACTION - 15)) as u32 & (ONE - 1)
}

/// Which of the first `count` places `start + step·x` lie from 0 (included) to `limit` (excluded).
fn inside(start: i64, step: i64, limit: i64, count: usize) -> Range<usize> {
    let bounded = |v: i64| v.clamp(0, count as i64) as usize;
    // The first x at which a rising line reaches `v`.
    let reaches = |from: i64, v: i64, step: i64| bounded((v - from + step - 1).div_euclid(step));
    match step {
        0 if (0..limit).contains(&start) => 0..count,
        0 => 0..0,
        1.. => reaches(start, 0, step)..reaches(start, limit, step),
        // Mirrored: −start rises; below `limit` means from 1 − `limit` on, below 0 means from 1 on.
        _ => reaches(-start, 1 - limit, -step)..reaches(-start, 1, -step),
    }
}

struct Source<'a, T, const CHANNELS: usize> {
    pixels: &'a [[T; CHANNELS]],
    width: usize,
    height: usize,
    fill: Fill,
    black: T,
}

impl<T: Sample, const CHANNELS: usize> Source<'_, T, CHANNELS> {
    /// Mixes one pixel whose four neighbours all lie in the picture.
    #[inline]
    fn mix_within(&self, at: (i64, i64)) -> [T; CHANNELS] {
        let index = (at.1 >> FRACTION) as usize * self.width + (at.0 >> FRACTION) as usize;
        let upper = &self.pixels[index..][..2];
        let lower = &self.pixels[index + self.width..][..2];
        mix([upper[0], upper[1]], [lower[0], lower[1]], at)
    }

    /// Mixes one pixel whose neighbours may lie beyond the picture.
    fn mix_at_edge(&self, at: (i64, i64)) -> [T; CHANNELS] {
        let (column, row) = (at.0 >> FRACTION, at.1 >> FRACTION);
        let pair = |row| [self.pixel(column, row), self.pixel(column + 1, row)];
        mix(pair(row), pair(row + 1), at)
    }

    fn pixel(&self, column: i64, row: i64) -> [T; CHANNELS] {
        let nearest = (column.clamp(0, self.width as i64 - 1), row.clamp(0, self.height as i64 - 1));
        if self.fill == Fill::Black && nearest != (column, row) {
            return [self.black; CHANNELS];
        }
        self.pixels[nearest.1 as usize * self.width + nearest.0 as usize]
    }
}

#[inline]
fn mix<T: Sample, const CHANNELS: usize>(
    upper: [[T; CHANNELS]; 2],
    lower: [[T; CHANNELS]; 2],
    at: (i64, i64),
) -> [T; CHANNELS] {
    let (x, y) = (share(at.0), share(at.1));
    let mut mixed = upper[0];
    for c in 0..CHANNELS {
        mixed[c] = T::mix([upper[0][c], upper[1][c]], [lower[0][c], lower[1][c]], x, y);
    }
    mixed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn inside_is_what_a_search_finds(start in -500i64..500, step in -40i64..40, limit in 0i64..300, count in 0usize..60) {
            let found = inside(start, step, limit, count);
            for x in 0..count {
                let within = (0..limit).contains(&(start + step * x as i64));
                prop_assert_eq!(found.contains(&x), within, "at {} of {:?}", x, found.clone());
            }
        }

        #[test]
        fn mixing_is_bilinear(v: [u8; 4], x in 0u32..ONE, y in 0u32..ONE) {
            let real = v.map(f32::from);
            let expected = f32::mix([real[0], real[1]], [real[2], real[3]], x, y);
            let got = u8::mix([v[0], v[1]], [v[2], v[3]], x, y);
            prop_assert!((f32::from(got) - expected).abs() < 0.51, "{got} for {expected}");
            let wide = v.map(|v| u16::from(v) * 257);
            let got = u16::mix([wide[0], wide[1]], [wide[2], wide[3]], x, y);
            prop_assert!((f32::from(got) - expected * 257.0).abs() < 0.6, "{got} for {expected} × 257");
        }
    }

    #[test]
    fn the_share_of_the_middle_is_half() {
        let half_right = Affine { column: [1.0, 0.0, 0.5], row: [0.0, 1.0, 0.0] };
        let warped = warp(&[[0u8], [100], [200], [40]], 4, &half_right, Fill::Edge, 0);
        assert_eq!(warped.as_flattened(), [50, 150, 120, 40]);
        let warped = warp(&[[0u8], [100], [200], [40]], 4, &half_right, Fill::Black, 0);
        assert_eq!(warped.as_flattened(), [50, 150, 120, 20]);
    }
}
