//! Whether a model's maps tell what its results hang on, measured and not looked at.

use semio_data::ReadLimits;
use semio_model::{
    Predictor,
    explain::{Ask, Map, Method},
};
use serde::{Deserialize, Serialize};

use crate::{
    inference::Judged,
    loader::{self, read_seen},
};

/// How faithful maps are, over some of the judged pictures. Each figure is a mean over the pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Faith {
    /// How the maps were made.
    pub method: String,
    /// Pictures taken, evenly from all; those whose map is empty do not count.
    pub pictures: usize,
    /// Area under the probability of the class given while the places that the map names first are taken away (Petsiuk et
    /// al. 2018); less is better.
    pub deletion: f64,
    /// The same with the map's values at drawn places: what a map that knows nothing reaches.
    pub deletion_by_chance: f64,
    /// Area under the probability while these places come into a blurred picture; more is better.
    pub insertion: f64,
    /// The same with the map's values at drawn places.
    pub insertion_by_chance: f64,
    /// Spearman's correlation with the map of the same network with random weights (Adebayo et al. 2018); near 0 is good. None
    /// where all of these maps are empty.
    pub random_weights: Option<f64>,
}

/// Most pictures taken.
const PICTURES: u64 = 20;
/// Multiply-adds that may be spent: half a minute or so.
const EFFORT: u64 = 1_000_000_000_000;
/// Predictions for one picture: two curves of 33, with the map and by chance.
const PREDICTIONS: u64 = 132;

impl Faith {
    /// Takes pictures evenly from those judged: up to 20, and fewer, but no less than three, where the network is large. None
    /// where the network has no maps.
    pub fn of(predictor: &Predictor, judged: &Judged) -> Option<Self> {
        let effort = PREDICTIONS * predictor.network().graph().multiply_adds().max(1);
        let pictures = judged.pictures.len();
        let n = ((EFFORT / effort).clamp(3, PICTURES) as usize).min(pictures);
        let method = Method::GradCam;
        if !predictor.can_explain(method) {
            return None;
        }
        let rows = (0..n).map(|i| i * pictures / n);
        Self::mean(&rows.filter_map(|row| Self::one(predictor, judged, row, method)).collect::<Vec<_>>())
    }

    /// One picture; none where it cannot be read any more, or where no place speaks for its class.
    fn one(predictor: &Predictor, judged: &Judged, row: usize, method: Method) -> Option<Self> {
        let (picture, class) = (&judged.pictures[row], judged.predictions.decided()[row]);
        let pipeline = &predictor.manifest().pipeline;
        let (image, mask) =
            read_seen(pipeline, &picture.file, picture.frame, picture.mask.as_deref(), &ReadLimits::default()).ok()?;
        let input = predictor.prepare_with_mask(&image, mask.as_ref()).ok()?;
        let ask = Ask { class: Some(class), seed: row as u64, ..Ask::new(method) };
        let map = predictor.explain(&input, &ask).ok()?.map;
        map.peak()?;
        let own = predictor.faithfulness(&input, &map, class);
        let chance = predictor.faithfulness(&input, &shuffled(&map, row as u64), class);
        Some(Self {
            method: method.name().into(),
            pictures: 1,
            deletion: own.deletion.area(),
            deletion_by_chance: chance.deletion.area(),
            insertion: own.insertion.area(),
            insertion_by_chance: chance.insertion.area(),
            random_weights: predictor.sanity(&input, &ask).ok()?,
        })
    }

    /// Over all pictures of several; none of none.
    pub(crate) fn mean(parts: &[Self]) -> Option<Self> {
        let pictures: usize = parts.iter().map(|part| part.pictures).sum();
        let mean = |of: fn(&Self) -> Option<f64>| {
            let known: Vec<(f64, f64)> =
                parts.iter().filter_map(|part| Some((of(part)?, part.pictures as f64))).collect();
            let weight: f64 = known.iter().map(|(_, n)| n).sum();
            (weight > 0.0).then(|| known.iter().map(|(value, n)| value * n).sum::<f64>() / weight)
        };
        Some(Self {
            method: parts.first()?.method.clone(),
            pictures,
            deletion: mean(|part| Some(part.deletion))?,
            deletion_by_chance: mean(|part| Some(part.deletion_by_chance))?,
            insertion: mean(|part| Some(part.insertion))?,
            insertion_by_chance: mean(|part| Some(part.insertion_by_chance))?,
            random_weights: mean(|part| part.random_weights),
        })
    }
}

/// The same values at drawn places: patches of the same size, but not those that the network named.
fn shuffled(map: &Map, seed: u64) -> Map {
    let values = loader::shuffled(map.values.len(), seed, 0).into_iter().map(|i| map.values[i]).collect();
    Map { values, ..*map }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(pictures: usize, deletion: f64, random_weights: Option<f64>) -> Faith {
        let method = "grad-cam".into();
        let [deletion_by_chance, insertion, insertion_by_chance] = [0.5, 0.75, 0.25];
        Faith { method, pictures, deletion, deletion_by_chance, insertion, insertion_by_chance, random_weights }
    }

    #[test]
    fn means_weigh_by_pictures() {
        let mean = Faith::mean(&[part(1, 0.5, None), part(3, 0.25, Some(0.125))]).expect("there are pictures");
        assert_eq!(mean, part(4, 0.3125, Some(0.125)));
        assert_eq!(Faith::mean(&[]), None);
        assert_eq!(Faith::mean(&[part(1, 0.5, None)]).expect("there is one").random_weights, None);
    }
}
