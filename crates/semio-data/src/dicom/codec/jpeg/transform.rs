//! The inverse cosine transform (T.81, A.3.3).

use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Coefficients of a block → samples of 8 or 12 bits.
pub(super) enum Transform {
    /// In the whole numbers of libjpeg (`jidctint.c`), so that 8-bit samples are the same as nearly all programs show.
    Whole,
    /// In real numbers.
    Real {
        /// `waves[u][x]` = C(u)/2 · cos((2x + 1) u π / 16)
        waves: Box<[[f32; 8]; 8]>,
        middle: f32,
        max: f32,
    },
}

impl Transform {
    pub(super) fn new(bits: u8) -> Self {
        if bits == 8 {
            return Self::Whole;
        }
        let wave = |u: usize, x: usize| {
            let size = if u == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            size / 2.0 * ((2 * x + 1) as f32 * u as f32 * PI / 16.0).cos()
        };
        let waves = Box::new(std::array::from_fn(|u| std::array::from_fn(|x| wave(u, x))));
        Self::Real { waves, middle: (1u32 << (bits - 1)) as f32, max: ((1u32 << bits) - 1) as f32 }
    }

    /// Writes eight lines of eight samples.
    pub(super) fn apply(&self, block: &[i32; 64], to: &mut [u16], stride: usize) {
        match self {
            Self::Whole => whole(block, to, stride),
            Self::Real { waves, middle, max } => real(block, to, stride, waves, (*middle, *max)),
        }
    }
}

fn real(block: &[i32; 64], to: &mut [u16], stride: usize, waves: &[[f32; 8]; 8], (middle, max): (f32, f32)) {
    let mut rows = [[0.0; 8]; 8];
    for (row, coefficients) in rows.iter_mut().zip(block.as_chunks::<8>().0) {
        for (wave, &c) in waves.iter().zip(coefficients).filter(|(_, c)| **c != 0) {
            row.iter_mut().zip(wave).for_each(|(sum, w)| *sum += c as f32 * w);
        }
    }
    for y in 0..8 {
        let mut line = [0.0; 8];
        for (v, row) in rows.iter().enumerate() {
            let wave = waves[v][y];
            line.iter_mut().zip(row).for_each(|(sum, value)| *sum += wave * value);
        }
        for (to, value) in to[y * stride..].iter_mut().zip(line) {
            *to = (value + middle + 0.5).floor().clamp(0.0, max) as u16;
        }
    }
}

fn whole(block: &[i32; 64], to: &mut [u16], stride: usize) {
    if block[1..].iter().all(|c| *c == 0) {
        // What the two passes below make of it.
        let flat = (block[0].wrapping_mul(4).wrapping_add(16) >> 5).wrapping_add(128).clamp(0, 255) as u16;
        for y in 0..8 {
            to[y * stride..][..8].fill(flat);
        }
        return;
    }
    let rows = block.as_chunks::<8>().0;
    let between: [[i32; 8]; 8] = std::array::from_fn(|x| wave(std::array::from_fn(|y| rows[y][x]), 11));
    for y in 0..8 {
        let line = wave(std::array::from_fn(|x| between[x][y]), 18);
        let to = &mut to[y * stride..][..8];
        to.iter_mut().zip(line).for_each(|(to, value)| *to = value.wrapping_add(128).clamp(0, 255) as u16);
    }
}

/// Eight coefficients → eight values, times √8 · 2^(13 − shift), rounded (Loeffler, Ligtenberg and Moschytz, 1989; the
/// constants have 13 bits behind the point). Hostile coefficients may leave the range; they are wrong anyway.
#[inline]
fn wave(c: [i32; 8], shift: u32) -> [i32; 8] {
    let times = |value: i32, factor: i32| value.wrapping_mul(factor);
    let (plus, minus) = (i32::wrapping_add, i32::wrapping_sub);
    let z = times(plus(c[2], c[6]), 4433);
    let (even2, even3) = (minus(z, times(c[6], 15_137)), plus(z, times(c[2], 6270)));
    let (even0, even1) = (plus(c[0], c[4]) << 13, minus(c[0], c[4]) << 13);
    let even = [plus(even0, even3), plus(even1, even2), minus(even1, even2), minus(even0, even3)];
    let [z1, z2, z3, z4] = [plus(c[7], c[1]), plus(c[5], c[3]), plus(c[7], c[3]), plus(c[5], c[1])];
    let z5 = times(plus(z3, z4), 9633);
    let (z1, z2) = (times(z1, -7373), times(z2, -20_995));
    let (z3, z4) = (plus(times(z3, -16_069), z5), plus(times(z4, -3196), z5));
    let odd = [
        plus(times(c[1], 12_299), plus(z1, z4)),
        plus(times(c[3], 25_172), plus(z2, z3)),
        plus(times(c[5], 16_819), plus(z2, z4)),
        plus(times(c[7], 2446), plus(z1, z3)),
    ];
    let half = 1 << (shift - 1);
    std::array::from_fn(|i| {
        let sum = if i < 4 { plus(even[i], odd[i]) } else { minus(even[7 - i], odd[7 - i]) };
        plus(sum, half) >> shift
    })
}
