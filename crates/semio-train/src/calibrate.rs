use std::{collections::HashSet, ops::ControlFlow};

use semio_data::Sample;
use semio_model::{Aims, Calibration, Evidence, Novelty, Predictor, Sight};
use semio_stats::{Aim, InputError, ScalingMethod, operating_point};

use crate::{
    inference::{Input, see_files},
    language::{Language, say},
    loader::{Picture, shuffled},
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
    see_files(predictor, &predictor.manifest().pipeline, inputs.into_iter(), threads, batch, |_, _, result| {
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

    /// Whether the scaling can be fitted, which is better known before hours of training than after them.
    ///
    /// # Errors
    /// [`InputError::MissingClass`] where it needs pictures of every class and one has none.
    pub(crate) fn check(&self, scaling: ScalingMethod, classes: usize) -> Result<(), InputError> {
        if self.pictures.is_empty() || !matches!(scaling, ScalingMethod::Vector | ScalingMethod::Isotonic) {
            return Ok(());
        }
        let lacks = |class: &usize| self.pictures.iter().all(|p| p.label != *class);
        (0..classes).find(lacks).map_or(Ok(()), |class| Err(InputError::MissingClass(class)))
    }
}

/// What the calibration part was too small for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Remark {
    /// It has no picture.
    NotCalibrated,
    /// It has pictures of one class only, so that no threshold could be chosen.
    NoThreshold,
    /// At the coverage asked for, each set holds each class.
    HoldsEverything {
        /// Pictures that there are.
        pictures: usize,
        /// The coverage asked for.
        coverage: f64,
    },
}

impl Remark {
    /// The remark as a sentence.
    pub fn words(self, language: Language) -> String {
        match self {
            Self::NotCalibrated => say!(
                language,
                "Nothing was left of the validation part for calibration (it takes at least two patients or groups): the model \
                 gives no set of classes, is never unsure, and refuses no picture.",
                "Il n’est rien resté de la partie de validation pour la calibration (il y faut au moins deux patients ou \
                 groupes) : le modèle ne donne pas d’ensemble de classes, n’est jamais incertain et ne refuse aucune image."
            ),
            Self::NoThreshold => say!(
                language,
                "The calibration pictures are of one class, so that the threshold asked for could not be chosen: it stays at \
                 0.5.",
                "Les images de calibration sont d’une seule classe : le seuil demandé n’a pas pu être choisi et reste à 0,5."
            ),
            Self::HoldsEverything { pictures, coverage } => {
                let (n, coverage) = (language.count(pictures as u64), language.percent(coverage));
                say!(
                    language,
                    "With {n} calibration pictures no set can be promised to hold the true class for {coverage}: every set \
                     holds every class, and every result is “not sure”.",
                    "Avec {n} images de calibration, aucun ensemble ne peut contenir à coup sûr la vraie classe dans \
                     {coverage} des cas : chacun contient toutes les classes, et tout résultat est « incertain »."
                )
            }
        }
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
) -> Result<Vec<Remark>, InputError> {
    let all: Vec<&Picture> = calibration.pictures.iter().collect();
    let kept = see(predictor, &all, threads, batch);
    if kept.sights.is_empty() {
        return Ok(vec![Remark::NotCalibrated]);
    }
    let mut remarks = vec![];
    let classes = predictor.manifest().classes.len();
    // Drawn, not every n-th: a list may name its classes in turn.
    let some: Vec<&Picture> = shuffled(train.len(), 0, 0).into_iter().take(KNOWN).map(|i| &train[i]).collect();
    let known = see(predictor, &some, threads, batch);
    let novelty = Novelty::fit(&known.sights, &known.labels, classes, &kept.sights, wishes.false_refusals)?;
    let evidence = Evidence::new(&kept.sights, &kept.labels, calibration.groups);
    let calibration = Calibration::fit(evidence, wishes.aims, Some(novelty))?;
    if let Some(aim) = wishes.threshold {
        let second = |sight: &Sight| calibration.probabilities(&sight.logits)[1];
        let scores: Vec<f64> = kept.sights.iter().map(second).collect();
        let positive: Vec<bool> = kept.labels.iter().map(|label| *label == 1).collect();
        // Without pictures of both classes there is nothing to choose by.
        match operating_point(&scores, &positive, aim) {
            Ok(point) => predictor.set_decision(point.into()),
            Err(_) => remarks.push(Remark::NoThreshold),
        }
    }
    if calibration.conformal.holds_everything() {
        let (pictures, coverage) = (kept.labels.len(), calibration.conformal.coverage);
        remarks.push(Remark::HoldsEverything { pictures, coverage });
    }
    predictor.set_calibration(Some(calibration));
    Ok(remarks)
}
