use std::{collections::HashSet, ops::ControlFlow};

use semio_data::Sample;
use semio_model::{Aims, Calibration, Decision, Evidence, Novelty, Predictor, Sight};
use semio_stats::{Aim, InputError, operating_point};

use crate::{
    inference::{Input, see_files},
    loader::Picture,
};

/// Most training pictures that tell what the model knows: more make the figures no better.
const KNOWN: usize = 1000;

/// Pictures that could be read, with their classes, as the network sees them.
pub(crate) struct Seen {
    pub(crate) sights: Vec<Sight>,
    pub(crate) labels: Vec<usize>,
}

pub(crate) fn see(predictor: &Predictor, pictures: &[&Picture], threads: usize, batch: usize) -> Seen {
    let inputs: Vec<Input> = pictures.iter().map(|p| Input::from(*p)).collect();
    let (mut sights, mut labels, mut at) = (vec![], vec![], 0);
    see_files(predictor, &predictor.manifest().pipeline, inputs.into_iter(), threads, batch, |_, result| {
        if let Ok(sight) = result {
            sights.push(sight);
            labels.push(pictures[at].label);
        }
        at += 1;
        ControlFlow::<()>::Continue(())
    });
    Seen { sights, labels }
}

/// Pictures that chose nothing while training.
pub(crate) struct CalibrationPart<'a> {
    pictures: &'a [Picture],
    /// Groups (patients) that they belong to, where groups are known.
    groups: Option<usize>,
}

impl<'a> CalibrationPart<'a> {
    pub(crate) fn new(pictures: &'a [Picture], samples: &[Sample]) -> Self {
        let names: HashSet<&str> = pictures.iter().map(|p| p.name.as_str()).collect();
        let own = samples.iter().filter(|s| names.contains(s.name.as_str()));
        let groups: HashSet<&str> = own.filter_map(|s| s.group.as_deref()).collect();
        Self { pictures, groups: Some(groups.len()).filter(|n| *n > 0) }
    }
}

/// What the calibration part is for besides probabilities.
pub(crate) struct Wishes {
    pub(crate) aims: Aims,
    /// Share of the model's own kind of pictures that may be refused.
    pub(crate) false_refusals: f64,
    /// With two classes, what the threshold is chosen for; none where the recipe names the threshold itself.
    pub(crate) threshold: Option<Aim>,
}

/// Fits what says how sure a result is, and the threshold between two classes, on pictures that chose nothing before.
pub(crate) fn calibrate(
    predictor: &mut Predictor,
    train: &[Picture],
    calibration: &CalibrationPart<'_>,
    wishes: &Wishes,
    threads: usize,
    batch: usize,
) -> Result<(), InputError> {
    let all: Vec<&Picture> = calibration.pictures.iter().collect();
    let kept = see(predictor, &all, threads, batch);
    if kept.sights.is_empty() {
        return Ok(());
    }
    let classes = predictor.manifest().classes.len();
    let step = train.len().div_ceil(KNOWN).max(1);
    let some: Vec<&Picture> = train.iter().step_by(step).collect();
    let known = see(predictor, &some, threads, batch);
    let novelty = Novelty::fit(&known.sights, &known.labels, classes, &kept.sights, wishes.false_refusals)?;
    let evidence = Evidence::new(&kept.sights, &kept.labels, calibration.groups);
    let calibration = Calibration::fit(evidence, wishes.aims, Some(novelty))?;
    if let Some(aim) = wishes.threshold {
        let second = |sight: &Sight| calibration.probabilities(&sight.logits)[1];
        let scores: Vec<f64> = kept.sights.iter().map(second).collect();
        let positive: Vec<bool> = kept.labels.iter().map(|label| *label == 1).collect();
        // Without pictures of both classes there is nothing to choose by.
        if let Ok(point) = operating_point(&scores, &positive, aim) {
            predictor.set_decision(Decision::Threshold { value: point.threshold.min(1.0) });
        }
    }
    predictor.set_calibration(Some(calibration));
    Ok(())
}
