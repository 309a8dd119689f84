//! Single pictures for the report, with maps of where the model looked, and how such maps lie beside masks.

use std::collections::HashMap;

use semio_data::{ReadLimits, Sample, encode_png};
use semio_image::{Filter, Image};
use semio_model::{
    Predictor,
    explain::{Ask, Method, Overlay},
};

use crate::{
    gaze::{Gaze, gaze},
    inference::Judged,
    loader::{Picture, read_seen},
    report::{Example, Examples, Maps, choose_examples},
};

/// Pictures shown of each kind.
const SHOWN: usize = 6;
/// Longest side of a picture in a report, in pixels.
const THUMBNAIL: usize = 160;
/// How much of a picture its map's largest value hides.
const OPACITY: f32 = 0.6;
/// Most pictures whose maps are laid beside masks: more make the shares no surer than a few points.
const LOOKED_AT: usize = 400;

/// Chooses pictures by their scores, and explains each by Grad-CAM where the network has maps.
pub(crate) fn examples(predictor: &Predictor, judged: &Judged) -> Examples {
    let (pictures, predictions) = (&judged.pictures, &judged.predictions);
    let classes = predictions.classes();
    let chosen = choose_examples(predictions, SHOWN);
    let method = Method::GradCam;
    let mut maps = None;
    let mut example = |&row: &usize| {
        let given = predictions.decided()[row];
        let (png, map, why) = shown(predictor, &pictures[row], given, method);
        if let Some(why) = why {
            maps = Some(Maps::Lacking(why));
        } else if maps.is_none() {
            maps = Some(Maps::Shown { method: method.name().to_owned() });
        }
        Example {
            file: pictures[row].name.clone(),
            png,
            map,
            truth: classes[pictures[row].label].clone(),
            given: classes[given].clone(),
            probability: predictions.probabilities(row)[given],
            outcome: judged.results[row].outcome,
        }
    };
    let mut all = |rows: &[usize]| rows.iter().map(&mut example).collect();
    let (hits, misses, doubtful) = (all(&chosen.hits), all(&chosen.misses), all(&chosen.doubtful));
    Examples { hits, misses, doubtful, maps }
}

/// A small copy of the picture, the same with its map, and why there is no map; neither where the file is gone
/// meanwhile.
fn shown(
    predictor: &Predictor,
    picture: &Picture,
    class: usize,
    method: Method,
) -> (Option<Vec<u8>>, Option<Vec<u8>>, Option<String>) {
    let pipeline = &predictor.manifest().pipeline;
    let Picture { file, frame, mask, .. } = picture;
    let read = read_seen(pipeline, file, *frame, mask.as_deref(), &ReadLimits::default());
    let Ok((image, mask)) = read else { return (None, None, None) };
    let png = thumbnail(&image);
    let Ok(input) = predictor.prepare_with_mask(&image, mask.as_ref()) else { return (png, None, None) };
    let explanation = match predictor.explain(&input, &Ask { class: Some(class), ..Ask::new(method) }) {
        Ok(explanation) => explanation,
        Err(error) => return (png, None, Some(error.to_string())),
    };
    if explanation.map.peak().is_none() {
        return (png, None, None);
    }
    let overlay = Overlay::new(&image, pipeline, &explanation.map, OPACITY, THUMBNAIL);
    let map = overlay.ok().and_then(|overlay| encode_png(&overlay.blended).ok());
    (png, map, None)
}

fn thumbnail(image: &Image) -> Option<Vec<u8>> {
    let image = image.to_u8();
    let longest = image.width().max(image.height());
    let small: Image = if longest > THUMBNAIL {
        let side = |n: usize| (n * THUMBNAIL / longest).max(1);
        image.resize(side(image.width()), side(image.height()), Filter::Bilinear).ok()?
    } else {
        image
    };
    encode_png(&small).ok()
}

/// How the maps of the judged pictures lie beside their masks; none without masks, or where the network has no maps.
///
/// Of more than [`LOOKED_AT`] pictures with masks, as many are taken evenly from all.
pub fn gaze_of(predictor: &Predictor, judged: &Judged, samples: &[Sample]) -> Option<Gaze> {
    let by_name: HashMap<&str, &Sample> = samples.iter().map(|s| (s.name.as_str(), s)).collect();
    let masked: Vec<Sample> = judged
        .pictures
        .iter()
        .filter_map(|p| by_name.get(p.name.as_str()))
        .filter(|s| s.mask.is_some())
        .map(|s| (*s).clone())
        .collect();
    let n = masked.len();
    let taken: Vec<Sample> = (0..n.min(LOOKED_AT)).map(|i| masked[i * n / n.min(LOOKED_AT)].clone()).collect();
    if taken.is_empty() {
        return None;
    }
    gaze(predictor, &taken, Method::GradCam, |_| ()).ok().flatten()
}
