//! What a model said about a picture, in the form in which it is kept.

use semio_image::Image;
use semio_model::{
    Doubt, Outcome, Predictor, Strangeness,
    explain::{Ask, Method},
};
use serde::{Deserialize, Serialize};

/// A result, whole: pages and reports are made of this alone, whatever happens to the model later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// Class by the bundle's rule.
    pub(crate) class: String,
    /// `answered`, `unsure` or `refused`.
    pub(crate) outcome: String,
    /// The key of the reason's words; none for an answer.
    pub(crate) reason: Option<String>,
    /// Every class with its calibrated probability, in the bundle's order.
    pub(crate) probabilities: Vec<(String, f64)>,
    /// The classes that the picture may be of.
    pub(crate) set: Option<Vec<String>>,
    /// How strange the picture is: from 1 on it is refused.
    pub(crate) novelty: Option<f64>,
    /// What such a score was worth among the pictures that the model was checked on.
    pub(crate) experience: Option<Experience>,
    /// Where the model looked.
    pub(crate) map: Option<MapFacts>,
}

/// Of the pictures to which the model gave the same class with such a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Experience {
    /// How many there were.
    pub(crate) count: u64,
    /// What share was of the class given.
    pub(crate) share: f64,
    /// Its Wilson interval (95 %).
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Pictures that the model was checked on in all.
    pub(crate) checked: usize,
    /// What share of these were of the class given.
    pub(crate) prevalence: f64,
}

/// A map over the picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MapFacts {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// 0 to 1, row by row.
    pub(crate) values: Vec<f32>,
    /// Left, top, width and height in the picture's pixels: what the network read.
    pub(crate) region: [f64; 4],
    pub(crate) class: String,
    pub(crate) method: String,
}

/// Why a picture could not be read, as a text's key.
pub(crate) type Failure = &'static str;

/// Reads one picture.
pub(crate) fn read(predictor: &Predictor, image: &Image) -> Result<Finding, Failure> {
    let manifest = predictor.manifest();
    let prepared = predictor.prepare(image).map_err(|_| "failure-form")?;
    let prediction = predictor.predict(std::slice::from_ref(&prepared)).pop().ok_or("failure-reader")?;
    let name = |class: usize| manifest.classes[class].clone();
    let experience = manifest.calibration.as_ref().and_then(|calibration| {
        let bin = predictor.experience(&prediction)?;
        let prevalence = calibration.prevalence(manifest.classes.len())[prediction.class];
        let checked = calibration.evidence.labels.len();
        Some(Experience { count: bin.count, share: bin.accuracy, low: bin.low, high: bin.high, checked, prevalence })
    });
    let refused = matches!(prediction.outcome, Outcome::Refused(_));
    // A map of what the model does not know would only lend it weight.
    let map = (!refused && predictor.can_explain(Method::GradCam))
        .then(|| predictor.explain(&prepared, &Ask { class: Some(prediction.class), ..Ask::new(Method::GradCam) }).ok())
        .flatten()
        .map(|explanation| {
            let map = explanation.map.scaled();
            let (_, height, width) = manifest.pipeline.output();
            let pixel = manifest.pipeline.pixel_size(image.width(), image.height());
            let size = [width as f64 * pixel[0], height as f64 * pixel[1]];
            let corner = [(image.width() as f64 - size[0]) / 2.0, (image.height() as f64 - size[1]) / 2.0];
            MapFacts {
                rows: map.height,
                columns: map.width,
                // Three digits are more than a screen shows.
                values: map.values.iter().map(|v| (v * 1000.0).round() / 1000.0).collect(),
                region: [corner[0], corner[1], size[0], size[1]],
                class: name(prediction.class),
                method: Method::GradCam.name().into(),
            }
        });
    Ok(Finding {
        class: name(prediction.class),
        outcome: prediction.outcome.name().into(),
        reason: reason(prediction.outcome).map(str::to_owned),
        probabilities: prediction.probabilities.iter().enumerate().map(|(class, p)| (name(class), *p)).collect(),
        set: prediction.set.as_ref().map(|set| set.iter().map(|class| name(*class)).collect()),
        novelty: prediction.novelty,
        experience: if refused { None } else { experience },
        map,
    })
}

fn reason(outcome: Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Answered => return None,
        Outcome::Unsure(Doubt::Several) => "reason-several",
        Outcome::Unsure(Doubt::None) => "reason-none",
        Outcome::Unsure(Doubt::Contradiction) => "reason-contradiction",
        Outcome::Refused(Strangeness::Empty) => "reason-empty",
        Outcome::Refused(Strangeness::Appearance) => "reason-appearance",
        Outcome::Refused(Strangeness::Features) => "reason-features",
        Outcome::Refused(Strangeness::Energy) => "reason-energy",
    })
}
