//! Pictures that are the same, or nearly.
//!
//! **Exact duplicates** have the same samples at the same size, whatever the file format; three equal channels count as
//! one. **Near duplicates** show the same scene after another compression, another size, another brightness or in a
//! mirror. They are sought in three steps: [`nearby`] names pairs that may correlate, a perceptual hash (the signs of 255
//! low frequencies) leaves out those with another scene, and a candidate counts only if the two pictures, read again and
//! shrunk to 32 × 32, correlate by at least [`SAME`]. Chest X-rays of two people come to 0.9 and more in the first look,
//! so the last one decides.
//!
//! Memory: some 300 bytes a picture, and the pictures in work.

mod hash;
mod nearby;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use rayon::prelude::*;
use semio_image::{Color, Filter, Image, Samples};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::nearby::Look;
use crate::{manifest::Sample, raster::ReadLimits};

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
    look: Look,
    flat: bool,
}

impl Fingerprint {
    /// Computes it for a decoded picture.
    pub fn of(image: &Image) -> Self {
        Self::with_grey(image, &image.to_u8().to_color(Color::Grey))
    }

    /// The same with the picture in 8-bit greys, where there is one already.
    pub(crate) fn with_grey(image: &Image, grey: &Image) -> Self {
        let (shape, flat) = hash::shape(grey);
        let small = small(grey);
        let look = small.as_deref().map(nearby::look).unwrap_or_default();
        Self { content: content(image), shape, look, flat: flat || small.is_none() }
    }

    /// Reads a picture for it; `None` where it cannot be read.
    pub fn read(sample: &Sample, limits: &ReadLimits) -> Option<Self> {
        sample.read(limits, None).ok().map(|image| Self::of(&image))
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
pub fn near(samples: &[Sample], fingerprints: &[Option<Fingerprint>], limits: &ReadLimits) -> Vec<Pair> {
    let mut seen = std::collections::HashSet::new();
    let kept = |&(_, f): &(usize, Fingerprint)| !f.flat && seen.insert(f.content);
    let single: Vec<(usize, Fingerprint)> =
        fingerprints.iter().enumerate().filter_map(|(i, f)| Some((i, (*f)?))).filter(kept).collect();
    let candidates = candidates(&single);
    let mut together = Together::new(samples.len());
    let mut pairs = vec![];
    // In portions, so that few pictures are in memory and pairs that others have joined are not looked at again.
    for portion in candidates.chunks(256) {
        let open: Vec<_> = portion.iter().filter(|c| !together.are(c.first, c.second)).collect();
        let mut places: Vec<usize> = open.iter().flat_map(|c| [c.first, c.second]).collect();
        places.sort_unstable();
        places.dedup();
        let small: HashMap<usize, Vec<f64>> =
            places.par_iter().filter_map(|&p| Some((p, small(&read_grey(&samples[p], limits)?)?))).collect();
        for &&Candidate { first: a, second: b, mirrored, .. } in &open {
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

/// Two pictures to be looked at again; those that are more alike come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// Signs that differ.
    distance: u32,
    first: usize,
    second: usize,
    mirrored: bool,
}

/// The candidates in order; of too many the most alike.
fn candidates(single: &[(usize, Fingerprint)]) -> Vec<Candidate> {
    let looks: Vec<(u32, Look)> = (0..).zip(single.iter().map(|(_, f)| f.look)).collect();
    let found = Mutex::new(vec![]);
    nearby::pairs(&looks, SAME, &|a, b, mirrored| {
        let ((first, one), (second, other)) = (single[a as usize], single[b as usize]);
        let shape = if mirrored { hash::mirrored(one.shape) } else { one.shape };
        let distance = hash::distance(shape, other.shape);
        if distance > DISTANCE {
            return;
        }
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(Candidate { distance, first, second, mirrored });
        if found.len() >= 2 * MAX_CANDIDATES {
            found.select_nth_unstable(MAX_CANDIDATES);
            found.truncate(MAX_CANDIDATES);
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable();
    found.truncate(MAX_CANDIDATES);
    found
}

fn read_grey(sample: &Sample, limits: &ReadLimits) -> Option<Image> {
    Some(sample.read(limits, None).ok()?.to_u8().to_color(Color::Grey))
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

/// A picture of 8-bit greys in 32 × 32 of them with mean 0 and length 1; `None` for one of a single grey.
fn small(grey: &Image) -> Option<Vec<f64>> {
    let small = grey.resize(32, 32, Filter::Bilinear).ok()?;
    let Samples::U8(samples) = small.samples() else { return None };
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
