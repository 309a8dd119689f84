//! Small pictures for the page.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use semio_image::{Color, Filter, Image, Samples};
use sha2::{Digest, Sha256};

use super::Outlier;
use crate::{manifest::Sample, raster::ReadLimits};

/// Longest side in pixels.
const SIDE: usize = 112;
/// Groups of duplicates that are shown, and pictures of each.
pub(super) const GROUPS: usize = 12;
pub(super) const MEMBERS: usize = 6;
/// All small pictures together, in bytes before they are written as text: keeps a page below 5 MB.
const MAX_BYTES: usize = 3_200_000;

/// JPEG files by the picture's place, and where they are shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Thumbnails {
    jpeg: HashMap<usize, Vec<u8>>,
    pub(super) classes: Vec<(String, Vec<Shown>)>,
    pub(super) groups: Vec<Vec<Shown>>,
    pub(super) outliers: Vec<Shown>,
}

/// One small picture on the page.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) jpeg: Vec<u8>,
    pub(super) name: String,
    pub(super) under: String,
}

impl Thumbnails {
    pub(super) fn insert(&mut self, place: usize, jpeg: Vec<u8>) {
        self.jpeg.insert(place, jpeg);
    }

    /// Lays the pictures out, as many as the page may hold: duplicates and outliers first, then every class alike.
    pub(super) fn lay(&mut self, samples: &[Sample], alike: &[Vec<usize>], outliers: &[Outlier], most: usize) {
        let mut left = MAX_BYTES;
        let jpeg = std::mem::take(&mut self.jpeg);
        let mut show = |place: usize, under: String| {
            let jpeg = jpeg.get(&place).filter(|jpeg| jpeg.len() <= left)?;
            left -= jpeg.len();
            Some(Shown { jpeg: jpeg.clone(), name: samples[place].name.clone(), under })
        };
        let under = |place: usize| {
            let sample = &samples[place];
            let part = sample.split.map(|split| format!(" · {split}")).unwrap_or_default();
            sample.label.clone().unwrap_or_default() + &part
        };
        self.outliers = outliers.iter().filter_map(|o| show(o.place, format!("{} ({})", o.reason, o.score))).collect();
        for group in alike.iter().take(GROUPS) {
            self.groups.push(group.iter().take(MEMBERS).filter_map(|&place| show(place, under(place))).collect());
        }
        let mut classes: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
        let chosen = ranked(samples, most);
        for rank in 0..most {
            for (label, places) in &chosen {
                if let Some(shown) = places.get(rank).and_then(|&place| show(place, String::new())) {
                    classes.entry((*label).to_owned()).or_default().push(shown);
                }
            }
        }
        self.classes = classes.into_iter().collect();
    }
}

/// The pictures of each class that its contact sheet shows, as good as drawn at random but the same each time.
pub(super) fn choose(samples: &[Sample], most: usize) -> BTreeSet<usize> {
    ranked(samples, most).into_values().flatten().collect()
}

fn ranked(samples: &[Sample], most: usize) -> BTreeMap<&str, Vec<usize>> {
    let mut classes: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
    for (place, sample) in samples.iter().enumerate() {
        let digest = Sha256::digest(sample.name.as_bytes());
        let rank = u64::from_be_bytes(std::array::from_fn(|i| digest[i]));
        let class = classes.entry(sample.label.as_deref().unwrap_or("without a class")).or_default();
        class.push((rank, place));
        // Never more than twice what is shown is held.
        if class.len() > 2 * most.max(1) {
            class.sort_unstable();
            class.truncate(most);
        }
    }
    let first = |mut class: Vec<(u64, usize)>| {
        class.sort_unstable();
        class.into_iter().take(most).map(|(_, place)| place).collect()
    };
    classes.into_iter().map(|(label, class)| (label, first(class))).collect()
}

pub(super) fn read_thumbnail(sample: &Sample, limits: &ReadLimits) -> Option<Vec<u8>> {
    thumbnail(&sample.read(limits, None).ok()?)
}

/// The picture at most 112 pixels wide and high, as JPEG.
pub(super) fn thumbnail(image: &Image) -> Option<Vec<u8>> {
    let shown = image.to_u8();
    let (width, height) = (shown.width() as f64, shown.height() as f64);
    let scale = (SIDE as f64 / width.max(height)).min(1.0);
    let side = |length: f64| ((length * scale).round() as usize).max(1);
    let small = shown.resize(side(width), side(height), Filter::Bilinear).ok()?;
    let Samples::U8(samples) = small.samples() else { return None };
    let color = match small.color() {
        Color::Grey => ExtendedColorType::L8,
        Color::Rgb => ExtendedColorType::Rgb8,
    };
    let mut jpeg = vec![];
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, 80);
    encoder.write_image(samples, small.width() as u32, small.height() as u32, color).ok()?;
    Some(jpeg)
}
