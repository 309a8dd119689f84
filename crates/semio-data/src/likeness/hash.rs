//! The perceptual hash: signs of the low frequencies of a picture of 64 × 64 greys (after Zauner, 2010).
//!
//! A sign, unlike a comparison with the median, makes the hash of the mirror image a matter of turning the signs of all
//! odd frequencies across.

use std::{f64::consts::PI, sync::LazyLock};

use semio_image::{Filter, Image, Samples};

const SIDE: usize = 64;
const KEPT: usize = 16;

/// The cosines of the transform, one row a frequency.
static COSINES: LazyLock<Vec<[f64; SIDE]>> = LazyLock::new(|| {
    let cosine = |u: usize, x: usize| (PI * (2 * x + 1) as f64 * u as f64 / (2 * SIDE) as f64).cos();
    (0..KEPT).map(|u| std::array::from_fn(|x| cosine(u, x))).collect()
});

/// The hash of a picture of 8-bit greys, and whether it has so little contrast that it says nothing.
pub(super) fn shape(grey: &Image) -> ([u64; 4], bool) {
    let small = grey.resize(SIDE, SIDE, Filter::Bilinear);
    let Ok(Samples::U8(samples)) = small.map(Image::into_samples) else { return ([0; 4], true) };
    let (darkest, brightest) = (samples.iter().min(), samples.iter().max());
    let flat = brightest.zip(darkest).is_none_or(|(high, low)| high - low < 8);
    // Rows first: 64 rows of 16 frequencies.
    let rows: Vec<[f64; KEPT]> = samples
        .as_chunks::<SIDE>()
        .0
        .iter()
        .map(|row| std::array::from_fn(|u| row.iter().zip(&COSINES[u]).map(|(&v, c)| f64::from(v) * c).sum()))
        .collect();
    let mut hash = [0u64; 4];
    for v in 0..KEPT {
        for u in 0..KEPT {
            let sum: f64 = rows.iter().zip(&COSINES[v]).map(|(row, c)| row[u] * c).sum();
            // The mean brightness is no shape.
            let bit = v * KEPT + u;
            hash[bit / 64] |= u64::from(sum > 0.0 && bit > 0) << (bit % 64);
        }
    }
    (hash, flat)
}

/// The hash of the mirror image: every odd frequency across changes its sign.
pub(super) fn mirrored(hash: [u64; 4]) -> [u64; 4] {
    hash.map(|bits| bits ^ 0xaaaa_aaaa_aaaa_aaaa)
}

pub(super) fn distance(a: [u64; 4], b: [u64; 4]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}
