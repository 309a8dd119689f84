//! Where a model looks, beside where it should: attribution against masks of lesions or organs.

use std::path::Path;

use semio_data::{ReadLimits, Sample, read_image};
use semio_image::Mask;
use semio_model::{
    Predictor,
    explain::{Ask, ExplainError, Map, Method},
};
use serde::{Deserialize, Serialize};

/// How a model's maps lie beside masks, over the pictures to which it gave the true class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gaze {
    /// How the maps were made.
    pub method: String,
    /// Pictures judged: rightly classified, with a mask that marks something and a map that is not empty.
    pub pictures: usize,
    /// Of these, pictures whose map has its largest value inside the mask (the pointing game, Zhang et al. 2018).
    pub hits: usize,
    /// The mean share of the map that lies inside the mask.
    pub share_inside: f64,
    /// The mean share of the picture that the mask covers: what an even map would reach.
    pub mask_area: f64,
    /// Rightly classified pictures with a mask whose map is empty.
    pub empty_maps: usize,
    /// Pictures or masks that could not be read.
    pub unreadable: usize,
}

impl Gaze {
    /// Of several networks, each with pictures of its own; none where there is none.
    pub(crate) fn pool(parts: Vec<Self>) -> Option<Self> {
        let mean = |a: &Self, b: &Self, of: fn(&Self) -> f64| {
            let n = (a.pictures + b.pictures).max(1) as f64;
            (of(a) * a.pictures as f64 + of(b) * b.pictures as f64) / n
        };
        parts.into_iter().reduce(|a, b| Self {
            share_inside: mean(&a, &b, |gaze| gaze.share_inside),
            mask_area: mean(&a, &b, |gaze| gaze.mask_area),
            pictures: a.pictures + b.pictures,
            hits: a.hits + b.hits,
            empty_maps: a.empty_maps + b.empty_maps,
            unreadable: a.unreadable + b.unreadable,
            method: a.method,
        })
    }
}

/// Lays the maps of rightly classified pictures beside their masks; none where no such picture has a mask.
///
/// `progress` is told how many pictures are done.
///
/// # Errors
/// [`ExplainError`] where the method does not fit the network.
pub fn gaze(
    predictor: &Predictor,
    samples: &[Sample],
    method: Method,
    mut progress: impl FnMut(usize),
) -> Result<Option<Gaze>, ExplainError> {
    let mut found = Found::default();
    for (done, sample) in samples.iter().enumerate() {
        progress(done);
        let label = predictor.manifest().classes.iter().position(|c| Some(c) == sample.label.as_ref());
        if let (Some(mask), Some(label)) = (&sample.mask, label) {
            match one(predictor, sample, mask, label, method)? {
                Sighting::Seen { hit, inside, area } => {
                    found.pictures += 1;
                    found.hits += usize::from(hit);
                    found.inside += inside;
                    found.area += area;
                }
                Sighting::EmptyMap => found.empty += 1,
                Sighting::Unreadable => found.unreadable += 1,
                Sighting::NotAsked => {}
            }
        }
    }
    let n = found.pictures as f64;
    Ok((found.pictures + found.empty > 0).then(|| Gaze {
        method: method.name().into(),
        pictures: found.pictures,
        hits: found.hits,
        share_inside: if n > 0.0 { found.inside / n } else { 0.0 },
        mask_area: if n > 0.0 { found.area / n } else { 0.0 },
        empty_maps: found.empty,
        unreadable: found.unreadable,
    }))
}

#[derive(Default)]
struct Found {
    pictures: usize,
    hits: usize,
    inside: f64,
    area: f64,
    empty: usize,
    unreadable: usize,
}

enum Sighting {
    Seen {
        hit: bool,
        inside: f64,
        area: f64,
    },
    EmptyMap,
    /// Wrongly classified, or the mask marks nothing.
    NotAsked,
    Unreadable,
}

fn one(
    predictor: &Predictor,
    sample: &Sample,
    mask: &Path,
    label: usize,
    method: Method,
) -> Result<Sighting, ExplainError> {
    let limits = ReadLimits::default();
    let enough = predictor.manifest().pipeline.enough();
    let (Ok(image), Ok(mask)) = (sample.read(&limits, enough), read_image(mask, &limits)) else {
        return Ok(Sighting::Unreadable);
    };
    let mask = Mask::of(&mask);
    let Ok(input) = predictor.prepare_with_mask(&image, Some(&mask)) else { return Ok(Sighting::Unreadable) };
    let given = predictor.predict(std::slice::from_ref(&input))[0].class;
    let over = mask.resize(image.width(), image.height());
    let inside = over.inside();
    let area = inside.iter().filter(|i| **i).count();
    if given != label || area == 0 {
        return Ok(Sighting::NotAsked);
    }
    let explanation = predictor.explain(&input, &Ask { class: Some(label), ..Ask::new(method) })?;
    let map: Map = explanation.map.over(&predictor.manifest().pipeline, image.width(), image.height());
    let (Some([x, y]), Some(share)) = (map.peak_at(), map.share(inside)) else { return Ok(Sighting::EmptyMap) };
    let at = |share: f64, side: usize| ((share * side as f64) as usize).min(side - 1);
    let hit = inside[at(y, image.height()) * image.width() + at(x, image.width())];
    Ok(Sighting::Seen { hit, inside: share, area: area as f64 / inside.len() as f64 })
}
