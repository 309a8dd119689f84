//! Pictures that are the same, or nearly.
//!
//! **Exact duplicates** have the same samples at the same size, whatever the file format; three equal channels count as
//! one. **Near duplicates** show the same scene after another compression, another size, another brightness or in a
//! mirror. They are sought in two steps: a perceptual hash (the signs of 255 low frequencies) names candidates, and a
//! candidate counts only if the two pictures, read again and shrunk to 32 × 32, correlate by at least
//! [`SAME`]. Chest X-rays of two people come to 0.9 and more in the first look, so the second one decides.
//!
//! Memory: some 60 bytes a picture, and the pictures in work.

mod hash;

use std::{collections::HashMap, path::Path};

use rayon::prelude::*;
use semio_image::{Color, Filter, Image, Samples};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::raster::{ReadLimits, read_image};

/// The correlation of two shrunken pictures from which on they count as nearly the same.
pub const SAME: f64 = 0.985;

/// How many of the 255 signs may differ in a candidate; unrelated pictures differ in half of them.
const DISTANCE: u32 = 56;

/// Candidates in memory at most; a set in which more pictures look alike is one picture over and over.
const MAX_CANDIDATES: usize = 2_000_000;

/// What two pictures are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    content: [u8; 16],
    shape: [u64; 4],
    flat: bool,
}

impl Fingerprint {
    /// Computes it for a decoded picture.
    pub fn of(image: &Image) -> Self {
        let (shape, flat) = hash::shape(image);
        Self { content: content(image), shape, flat }
    }

    /// Reads a file for it; `None` where the file cannot be read.
    pub fn read(file: &Path, limits: &ReadLimits) -> Option<Self> {
        read_image(file, limits).ok().map(|image| Self::of(&image))
    }
}

/// Two pictures that are nearly the same, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The one that stands first.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// The correlation of the two at 32 × 32 pixels, at most 1.
    pub correlation: f64,
    /// Whether one is the other's mirror image.
    pub mirrored: bool,
}

/// The places of pictures with the same samples, for each such picture, in the order of their first.
pub fn exact(fingerprints: &[Option<Fingerprint>]) -> Vec<Vec<usize>> {
    let mut by_content: HashMap<[u8; 16], Vec<usize>> = HashMap::with_capacity(fingerprints.len());
    for (place, fingerprint) in fingerprints.iter().enumerate() {
        if let Some(fingerprint) = fingerprint {
            by_content.entry(fingerprint.content).or_default().push(place);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_content.into_values().filter(|group| group.len() > 1).collect();
    groups.sort();
    groups
}

/// Finds pairs of nearly the same pictures, of each group enough to hold it together.
///
/// Of exact duplicates the first stands for all; pictures of one single grey are passed over.
pub fn near(files: &[&Path], fingerprints: &[Option<Fingerprint>], limits: &ReadLimits) -> Vec<Pair> {
    let mut seen = std::collections::HashSet::new();
    let kept = |&(_, f): &(usize, Fingerprint)| !f.flat && seen.insert(f.content);
    let single: Vec<(usize, Fingerprint)> =
        fingerprints.iter().enumerate().filter_map(|(i, f)| Some((i, (*f)?))).filter(kept).collect();
    let mut candidates: Vec<(u32, usize, usize, bool)> = (0..single.len())
        .into_par_iter()
        .flat_map_iter(|i| {
            let (place, one) = single[i];
            let mirror = hash::mirrored(one.shape);
            single[i + 1..].iter().filter_map(move |&(other, f)| {
                let (plain, mirrored) = (hash::distance(one.shape, f.shape), hash::distance(mirror, f.shape));
                let distance = plain.min(mirrored);
                (distance <= DISTANCE).then_some((distance, place, other, mirrored < plain))
            })
        })
        .take_any(MAX_CANDIDATES)
        .collect();
    candidates.sort_unstable();
    let mut together = Together::new(files.len());
    let mut pairs = vec![];
    // In portions, so that few pictures are in memory and pairs that others have joined are not looked at again.
    for portion in candidates.chunks(256) {
        let open: Vec<_> = portion.iter().filter(|(_, a, b, _)| !together.are(*a, *b)).collect();
        let mut places: Vec<usize> = open.iter().flat_map(|(_, a, b, _)| [*a, *b]).collect();
        places.sort_unstable();
        places.dedup();
        let small: HashMap<usize, Vec<f64>> =
            places.par_iter().filter_map(|&p| Some((p, small(&read_image(files[p], limits).ok()?)?))).collect();
        for &&(_, a, b, mirrored) in &open {
            let (Some(first), Some(second)) = (small.get(&a), small.get(&b)) else { continue };
            let correlation = correlate(first, second, mirrored);
            if correlation >= SAME && together.join(a, b) {
                pairs.push(Pair { first: a, second: b, correlation, mirrored });
            }
        }
    }
    pairs.sort_unstable_by_key(|pair| (pair.first, pair.second));
    pairs
}

/// Joins exact groups and near pairs: the places that hang together, two at least, in order.
pub fn groups(count: usize, exact: &[Vec<usize>], near: &[Pair]) -> Vec<Vec<usize>> {
    let mut together = Together::new(count);
    for group in exact {
        for pair in group.windows(2) {
            together.join(pair[0], pair[1]);
        }
    }
    for pair in near {
        together.join(pair.first, pair.second);
    }
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    for place in 0..count {
        groups.entry(together.root(place)).or_default().push(place);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort();
    groups
}

/// The hash of size and samples; three equal channels count as one.
fn content(image: &Image) -> [u8; 16] {
    fn grey<T: Copy + PartialEq>(v: &[T]) -> Option<Vec<T>> {
        let (pixels, _) = v.as_chunks::<3>();
        pixels.iter().map(|[r, g, b]| (r == g && g == b).then_some(*r)).collect()
    }
    let mut hash = Sha256::new();
    hash.update((image.width() as u64).to_le_bytes());
    let rgb = image.color() == Color::Rgb;
    match image.samples() {
        Samples::U8(v) => match grey(v).filter(|_| rgb) {
            Some(grey) => hash.update(grey),
            None => hash.update(v),
        },
        Samples::U16(v) => {
            let grey = grey(v).filter(|_| rgb);
            grey.as_ref().unwrap_or(v).iter().for_each(|v| hash.update(v.to_le_bytes()));
        }
        Samples::F32(v) => v.iter().for_each(|v| hash.update(v.to_le_bytes())),
    }
    let digest = hash.finalize();
    std::array::from_fn(|i| digest[i])
}

/// The picture in 32 × 32 greys with mean 0 and length 1; `None` for one of a single grey.
fn small(image: &Image) -> Option<Vec<f64>> {
    let grey = image.to_u8().to_color(Color::Grey).resize(32, 32, Filter::Bilinear).ok()?;
    let Samples::U8(samples) = grey.samples() else { return None };
    let mean = samples.iter().map(|&v| f64::from(v)).sum::<f64>() / samples.len() as f64;
    let centred: Vec<f64> = samples.iter().map(|&v| f64::from(v) - mean).collect();
    let length = centred.iter().map(|v| v * v).sum::<f64>().sqrt();
    (length > 0.0).then(|| centred.iter().map(|v| v / length).collect())
}

fn correlate(first: &[f64], second: &[f64], mirrored: bool) -> f64 {
    let turned = |i: usize| if mirrored { i / 32 * 32 + 31 - i % 32 } else { i };
    let sum: f64 = first.iter().enumerate().map(|(i, v)| v * second[turned(i)]).sum();
    sum.min(1.0)
}

/// Which places hang together (union–find).
struct Together(Vec<u32>);

impl Together {
    fn new(count: usize) -> Self {
        Self((0..count as u32).collect())
    }

    fn root(&mut self, mut place: usize) -> usize {
        while self.0[place] as usize != place {
            self.0[place] = self.0[self.0[place] as usize];
            place = self.0[place] as usize;
        }
        place
    }

    fn are(&mut self, a: usize, b: usize) -> bool {
        self.root(a) == self.root(b)
    }

    /// Joins two; says whether they were apart.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b) as u32;
        a != b
    }
}
