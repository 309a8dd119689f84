use std::sync::OnceLock;

use burn::tensor::Device;
use semio_image::{Image, Mask, PipelineError};
use semio_nn::Network;
use semio_stats::{Aim, Classical, InputError, OperatingPoint, PrevalenceShift, ReliabilityBin};
use serde::{Deserialize, Serialize};

use crate::{Bundle, BundleError, Calibration, Manifest, Prepared, Sight, Strangeness, sight::Eyes};

/// How logits become probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// One logit a class.
    Softmax,
    /// One logit, for the second of two classes.
    Sigmoid,
}

impl OutputKind {
    /// Logits of one picture that `classes` classes need.
    pub fn outputs(self, classes: usize) -> usize {
        match self {
            Self::Softmax => classes,
            Self::Sigmoid => 1,
        }
    }

    /// Turns one picture's logits into one probability a class.
    pub fn probabilities(self, logits: &[f32]) -> Vec<f64> {
        match self {
            Self::Sigmoid => {
                let p = 1.0 / (1.0 + (-f64::from(logits[0])).exp());
                vec![1.0 - p, p]
            }
            Self::Softmax => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f64> = logits.iter().map(|&l| f64::from(l - largest).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.iter().map(|p| p / sum).collect()
            }
        }
    }
}

/// How probabilities become a class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decision {
    /// The most probable class; of equals the first.
    MostProbable,
    /// With two classes: the second one from this probability on.
    Threshold {
        /// Smallest probability of the second class that gives the second class.
        value: f64,
        /// What it was chosen for and what it reached there; `None` where it was named as a number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chosen: Option<Chosen>,
    },
}

/// What a threshold was chosen for, on the calibration pictures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// What for.
    pub aim: Aim,
    /// The share of pictures of the second class that it found there.
    pub sensitivity: f64,
    /// The share of pictures of the first class that it left alone there.
    pub specificity: f64,
}

impl From<OperatingPoint> for Decision {
    fn from(point: OperatingPoint) -> Self {
        let OperatingPoint { aim, threshold, sensitivity, specificity } = point;
        Self::Threshold { value: threshold.min(1.0), chosen: Some(Chosen { aim, sensitivity, specificity }) }
    }
}

impl Decision {
    /// The class that the rule gives.
    pub fn decide(self, probabilities: &[f64]) -> usize {
        match self {
            Self::Threshold { value, .. } => usize::from(probabilities.get(1).is_some_and(|&p| p >= value)),
            Self::MostProbable => {
                let mut best = 0;
                for (i, p) in probabilities.iter().enumerate() {
                    if *p > probabilities[best] {
                        best = i;
                    }
                }
                best
            }
        }
    }

    /// Whether the rule keeps its meaning where the classes have other frequencies only if it is held against probabilities
    /// as they were calibrated: sensitivity and specificity do not depend on how frequent the classes are.
    fn is_free_of_prevalence(self) -> bool {
        matches!(
            self,
            Self::Threshold {
                chosen: Some(Chosen { aim: Aim::Sensitivity(_) | Aim::Specificity(_) | Aim::Youden, .. }),
                ..
            }
        )
    }
}

/// A picture's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Place of the class among the bundle's classes, by the bundle's rule. What it is worth says the outcome.
    pub class: usize,
    /// One value a class, in the bundle's order; they add up to one. Calibrated where the bundle holds a calibration.
    pub probabilities: Vec<f64>,
    /// Whether the class may be shown as the model's answer.
    pub outcome: Outcome,
    /// The classes that the picture may be of, at the bundle's coverage; `None` where the bundle is not calibrated.
    pub set: Option<Vec<usize>>,
    /// How strange the picture is to the model: from 1 on it is refused. `None` where the bundle cannot tell.
    pub novelty: Option<f64>,
}

/// What a picture's result is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The class stands alone.
    Answered,
    /// A person should look.
    Unsure(Doubt),
    /// This is not a picture that the model knows.
    Refused(Strangeness),
}

/// Why the class does not stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The picture may be of several classes.
    Several,
    /// The picture is like none of the classes.
    None,
    /// The rule gives another class than the one in the set.
    Contradiction,
}

impl Outcome {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unsure(_) => "unsure",
            Self::Refused(_) => "refused",
        }
    }

    /// Why, in words; empty for an answer.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Answered => "",
            Self::Unsure(Doubt::Several) => "the picture may be of more than one class; please read it yourself",
            Self::Unsure(Doubt::None) => "the picture is like none of the classes; please read it yourself",
            Self::Unsure(Doubt::Contradiction) => "the rule and the set of classes disagree; please read it yourself",
            Self::Refused(strangeness) => strangeness.words(),
        }
    }
}

impl Prediction {
    /// The probability of the given class.
    pub fn confidence(&self) -> f64 {
        self.probabilities[self.class]
    }

    /// Whether the class may be shown as the model's answer.
    pub fn answered(&self) -> bool {
        self.outcome == Outcome::Answered
    }
}

/// A bundle, ready to read pictures.
pub struct Predictor {
    manifest: Manifest,
    network: Network,
    eyes: Eyes,
    site: Option<PrevalenceShift>,
    /// For each class: of the calibration pictures to which the rule gives it, how often it was the true one.
    experience: OnceLock<Vec<Vec<ReliabilityBin>>>,
}

impl Predictor {
    /// Opens a bundle.
    ///
    /// # Errors
    /// [`BundleError`] where the bundle is not whole.
    pub fn open(path: &std::path::Path, device: &Device) -> Result<Self, BundleError> {
        Ok(Self::new(Bundle::read(path, device)?))
    }

    /// Takes a bundle that is in memory.
    pub fn new(bundle: Bundle) -> Self {
        let Bundle { manifest, network } = bundle;
        Self { manifest, network, eyes: Eyes::new(), site: None, experience: OnceLock::new() }
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Changes the rule that makes a class of probabilities.
    pub fn set_decision(&mut self, decision: Decision) {
        self.manifest.decision = decision;
        self.experience = OnceLock::new();
    }

    /// Writes down the figures that were reached.
    pub fn set_metrics(&mut self, metrics: serde_json::Value) {
        self.manifest.metrics = metrics;
    }

    /// Gives the bundle back.
    pub fn into_bundle(self) -> Bundle {
        Bundle { manifest: self.manifest, network: self.network }
    }

    /// Turns a picture into the network's input by the bundle's own pipeline. Many threads may do so at once.
    ///
    /// # Errors
    /// [`PipelineError`] where the pipeline cannot read such a picture, or the model sees parts of pictures by a mask.
    pub fn prepare(&self, image: &Image) -> Result<Prepared, PipelineError> {
        self.prepare_with_mask(image, None)
    }

    /// The same of a picture with its mask, which is used where the model sees what lies inside or outside of one.
    ///
    /// # Errors
    /// Those of [`Self::prepare`]; [`PipelineError::MaskShape`] where the mask is not of this picture.
    pub fn prepare_with_mask(&self, image: &Image, mask: Option<&Mask>) -> Result<Prepared, PipelineError> {
        Prepared::new(&self.manifest.pipeline, image, mask)
    }

    /// What the network makes of prepared pictures, before anything is decided.
    ///
    /// # Panics
    /// Where another pipeline prepared them.
    pub fn see(&self, inputs: &[Prepared]) -> Vec<Sight> {
        if inputs.is_empty() {
            return vec![];
        }
        let mut sights = self.eyes.see(&self.network, &self.manifest.pipeline, inputs);
        if let Some(classifier) = &self.manifest.classifier {
            for sight in &mut sights {
                sight.classify(classifier);
            }
        }
        sights
    }

    /// Predicts prepared pictures as one batch.
    ///
    /// # Panics
    /// Where another pipeline prepared them.
    pub fn predict(&self, inputs: &[Prepared]) -> Vec<Prediction> {
        self.see(inputs).iter().map(|sight| self.judge(sight)).collect()
    }

    /// Decides about one picture.
    pub fn judge(&self, sight: &Sight) -> Prediction {
        let Some(calibration) = &self.manifest.calibration else {
            let logits: Vec<f32> = sight.logits.iter().map(|l| *l as f32).collect();
            let probabilities = self.manifest.output.probabilities(&logits);
            let class = self.manifest.decision.decide(&probabilities);
            return Prediction { class, probabilities, outcome: Outcome::Answered, set: None, novelty: None };
        };
        let calibrated = calibration.probabilities(&sight.logits);
        let set = calibration.set(&sight.logits, &calibrated);
        let (class, probabilities) = self.decide(&calibrated);
        let novelty = calibration.novelty.as_ref().map(|novelty| novelty.assess(sight));
        let outcome = match (novelty, set.as_slice()) {
            (Some((score, strangeness)), _) if score >= 1.0 => Outcome::Refused(strangeness),
            (_, [one]) if *one == class => Outcome::Answered,
            (_, [_]) => Outcome::Unsure(Doubt::Contradiction),
            (_, []) => Outcome::Unsure(Doubt::None),
            _ => Outcome::Unsure(Doubt::Several),
        };
        Prediction { class, probabilities, outcome, set: Some(set), novelty: novelty.map(|(score, _)| score) }
    }

    /// The class that the rule gives to a picture with these calibrated probabilities, and the probabilities at the site.
    pub fn decide(&self, calibrated: &[f64]) -> (usize, Vec<f64>) {
        let decision = self.manifest.decision;
        let probabilities = self.site.as_ref().map_or_else(|| calibrated.to_vec(), |site| site.apply(calibrated));
        let class = decision.decide(if decision.is_free_of_prevalence() { calibrated } else { &probabilities });
        (class, probabilities)
    }

    /// What pictures of one thing say together, such as the frames of one file: the mean of their probabilities, and the
    /// class that the rule gives to it; `None` of no picture.
    ///
    /// A set of classes, novelty and experience hold for single pictures, and there are none for the mean.
    pub fn together(&self, pictures: &[Prediction]) -> Option<(usize, Vec<f64>)> {
        let first = pictures.first()?;
        // The rule may ask for probabilities as they were before they were adapted to a place.
        let back = self.site.as_ref().and_then(|s| PrevalenceShift::new(s.site().to_vec(), s.fitted().to_vec()).ok());
        let mean = |of: &dyn Fn(&Prediction) -> Vec<f64>| {
            let mut sum = vec![0.0; first.probabilities.len()];
            for picture in pictures {
                sum.iter_mut().zip(of(picture)).for_each(|(sum, p)| *sum += p);
            }
            sum.into_iter().map(|sum| sum / pictures.len() as f64).collect::<Vec<f64>>()
        };
        let shown = mean(&|p| p.probabilities.clone());
        let decision = self.manifest.decision;
        let class = match back.filter(|_| decision.is_free_of_prevalence()) {
            Some(back) => decision.decide(&mean(&|p| back.apply(&p.probabilities))),
            None => decision.decide(&shown),
        };
        Some((class, shown))
    }

    /// Of the calibration pictures to which the rule gave this class with such a probability: how many there were, and what
    /// share was of it. `None` where there was none, the bundle is not calibrated, or probabilities are those of a site
    /// with other class frequencies, where such shares say nothing.
    pub fn experience(&self, prediction: &Prediction) -> Option<&ReliabilityBin> {
        let calibration = self.manifest.calibration.as_ref().filter(|_| self.site.is_none())?;
        let classes = self.manifest.classes.len();
        let experience = self.experience.get_or_init(|| calibration.experience(self.manifest.decision, classes));
        let gap = |bin: &&ReliabilityBin| (bin.confidence - prediction.confidence()).abs();
        experience.get(prediction.class)?.iter().min_by(|a, b| gap(a).total_cmp(&gap(b)))
    }

    /// The class frequencies of the site, where some were set.
    pub fn prevalence(&self) -> Option<&[f64]> {
        self.site.as_ref().map(PrevalenceShift::site)
    }

    /// Lets something else than the network's output layer decide on its features.
    pub fn set_classifier(&mut self, classifier: Classical) {
        self.manifest.output = OutputKind::Softmax;
        self.manifest.classifier = Some(classifier);
    }

    /// Puts a calibration into the bundle.
    pub fn set_calibration(&mut self, calibration: Option<Calibration>) {
        self.manifest.calibration = calibration;
        self.experience = OnceLock::new();
    }

    /// Asks for another rate at which the sets hold the true class.
    ///
    /// # Errors
    /// [`InputError`] where the rate is not between 0 and 1. A bundle without calibration stays as it is.
    pub fn set_coverage(&mut self, coverage: f64) -> Result<(), InputError> {
        let calibration = self.manifest.calibration.take();
        self.set_calibration(calibration.map(|c| c.with_coverage(coverage)).transpose()?);
        Ok(())
    }

    /// Gives probabilities for a site where the classes have other frequencies than among the calibration pictures.
    ///
    /// # Errors
    /// [`InputError`] where the shares do not fit the classes, or the bundle is not calibrated.
    pub fn set_prevalence(&mut self, shares: Vec<f64>) -> Result<(), InputError> {
        let calibration = self.manifest.calibration.as_ref().ok_or(InputError::Empty)?;
        self.site = Some(calibration.shift_to(shares)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_survive_large_logits_and_add_up() {
        let p = OutputKind::Softmax.probabilities(&[1000.0, 999.0, -1000.0]);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && (p[0] - 0.731_058_578_630_004_9).abs() < 1e-12);
        assert_eq!(OutputKind::Sigmoid.probabilities(&[0.0]), [0.5, 0.5]);
        assert_eq!(OutputKind::Sigmoid.probabilities(&[-1000.0]), [1.0, 0.0]);
    }

    #[test]
    fn a_threshold_of_an_older_bundle_is_read() {
        let read: Decision = serde_json::from_str(r#"{"rule":"threshold","value":0.25}"#).expect("is read");
        assert_eq!(read, Decision::Threshold { value: 0.25, chosen: None });
        assert_eq!(serde_json::to_string(&read).expect("is written"), r#"{"rule":"threshold","value":0.25}"#);
    }

    #[test]
    fn rules_decide() {
        assert_eq!(Decision::MostProbable.decide(&[0.2, 0.5, 0.3]), 1);
        assert_eq!(Decision::MostProbable.decide(&[0.5, 0.5]), 0);
        let threshold = |value| Decision::Threshold { value, chosen: None };
        assert_eq!(threshold(0.3).decide(&[0.7, 0.3]), 1);
        assert_eq!(threshold(0.31).decide(&[0.7, 0.3]), 0);
    }
}
