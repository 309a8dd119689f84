//! Plain loops in double precision, and what the tests share.

#![allow(dead_code, reason = "each test file takes a part of it")]

use semio_kernels::{Geometry, Maps};

/// Numbers between -1 and 1 that look random (SplitMix64).
pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let value = |i: usize| {
        let mut z =
            seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add((i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..n).map(value).collect()
}

/// Largest difference, relative to the largest expected value, or to a tenth where sums of numbers around one happen to
/// cancel out.
pub(crate) fn distance(got: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(0.1f64, |m, v| m.max(v.abs()));
    let off = got.iter().zip(expected).map(|(&g, e)| (f64::from(g) - e).abs()).fold(0.0, f64::max);
    if got.iter().any(|g| !g.is_finite()) { f64::INFINITY } else { off / largest }
}

/// Maps with these values, given in rows.
pub(crate) fn packed(geometry: Geometry, nchw: &[f32]) -> Maps {
    let mut maps = Maps::zeroed(geometry);
    maps.pack(nchw);
    maps
}

/// Their values in rows.
pub(crate) fn unpacked(maps: &Maps) -> Vec<f32> {
    let g = maps.geometry();
    let mut nchw = vec![0.0; g.batch * g.channels * g.height * g.width];
    maps.unpack(&mut nchw);
    nchw
}
