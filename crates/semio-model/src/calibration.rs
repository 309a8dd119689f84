use semio_stats::{
    Binning, Conformal, ConformalScore, InputError, PrevalenceShift, Reliability, ReliabilityBin, Scaling,
    ScalingMethod, Table, picture_uniform, scaled_probabilities,
};
use serde::{Deserialize, Serialize};

use crate::{Decision, Novelty, Sight};

/// What is measured on pictures that chose nothing in training, so that a result can say how sure it is.
///
/// The pictures' own logits stay in the bundle: with them another coverage can be asked for later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The pictures that it was fitted on.
    pub evidence: Evidence,
    /// How logits become probabilities that mean what they say.
    pub scaling: Scaling,
    /// How a set of classes is made that holds the true one at a chosen rate.
    pub conformal: Conformal,
    /// What tells a picture that the model does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<Novelty>,
}

/// The calibration pictures, as the network saw them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The true class of each.
    pub labels: Vec<usize>,
    /// One row of logits a picture.
    pub logits: Vec<Vec<f32>>,
    /// Groups (patients) that they belong to; `None` where groups are unknown.
    pub groups: Option<usize>,
}

/// What a calibration is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aims {
    /// How probabilities are scaled.
    pub scaling: ScalingMethod,
    /// How classes are scored for the sets.
    pub score: ConformalScore,
    /// Whether the rate shall hold in every class.
    pub class_conditional: bool,
    /// The rate at which the sets hold the true class.
    pub coverage: f64,
}

impl Default for Aims {
    fn default() -> Self {
        Self {
            scaling: ScalingMethod::Temperature,
            score: ConformalScore::Lac,
            class_conditional: false,
            coverage: 0.9,
        }
    }
}

/// Bins of the certainty that is told with a result.
const BINS: usize = 5;

impl Calibration {
    /// Fits on the calibration part. What tells unknown pictures is fitted apart.
    ///
    /// # Errors
    /// [`InputError`] where there is no picture, or the method needs a class that has none.
    pub fn fit(evidence: Evidence, aims: Aims, novelty: Option<Novelty>) -> Result<Self, InputError> {
        let logits = evidence.table()?;
        let scaling = Scaling::fit(aims.scaling, &logits, &evidence.labels)?;
        let probabilities = scaled_probabilities(&scaling, &logits)?;
        let uniforms: Vec<f64> = evidence.logits.iter().map(|row| uniform(row)).collect();
        let conformal = Conformal::fit(
            aims.score,
            aims.class_conditional,
            aims.coverage,
            &probabilities,
            &evidence.labels,
            &uniforms,
        )?;
        Ok(Self { evidence, scaling, conformal, novelty })
    }

    /// The same with another coverage.
    ///
    /// # Errors
    /// [`InputError`] where the coverage is not between 0 and 1.
    pub fn with_coverage(self, coverage: f64) -> Result<Self, InputError> {
        let scaling = self.method();
        let class_conditional = self.conformal.thresholds.len() > 1;
        let aims = Aims { scaling, score: self.conformal.score, class_conditional, coverage };
        Self::fit(self.evidence, aims, self.novelty)
    }

    /// How probabilities are scaled.
    pub fn method(&self) -> ScalingMethod {
        match &self.scaling {
            Scaling::None => ScalingMethod::None,
            Scaling::Temperature { .. } => ScalingMethod::Temperature,
            Scaling::Vector { .. } => ScalingMethod::Vector,
            Scaling::Isotonic { .. } => ScalingMethod::Isotonic,
        }
    }

    /// Calibrated probabilities of one picture.
    pub fn probabilities(&self, logits: &[f64]) -> Vec<f64> {
        self.scaling.probabilities(logits)
    }

    /// The classes that the picture may be of.
    pub fn set(&self, logits: &[f64], probabilities: &[f64]) -> Vec<usize> {
        let row: Vec<f32> = logits.iter().map(|l| *l as f32).collect();
        self.conformal.set(probabilities, uniform(&row))
    }

    /// For each class: of the calibration pictures to which a rule gives it, how often it was the true one, by its
    /// probability.
    pub(crate) fn experience(&self, decision: Decision, classes: usize) -> Vec<Vec<ReliabilityBin>> {
        let mut given = vec![(vec![], vec![]); classes];
        for (row, &label) in self.evidence.logits.iter().zip(&self.evidence.labels) {
            let logits: Vec<f64> = row.iter().map(|l| f64::from(*l)).collect();
            let probabilities = self.probabilities(&logits);
            let class = decision.decide(&probabilities);
            // Rounding may put the sum of a row a little above 1.
            given[class].0.push(probabilities[class].clamp(0.0, 1.0));
            given[class].1.push(class == label);
        }
        let bins = |confidences: &[f64], hits: &[bool]| {
            let bins = BINS.min(confidences.len().div_ceil(20));
            Reliability::new(confidences, hits, Binning::EqualMass(bins)).map_or_else(|_| vec![], |r| r.bins)
        };
        given.iter().map(|(confidences, hits)| bins(confidences, hits)).collect()
    }

    /// The classes' shares among the calibration pictures.
    pub fn prevalence(&self, classes: usize) -> Vec<f64> {
        let n = self.evidence.labels.len() as f64;
        (0..classes).map(|c| self.evidence.labels.iter().filter(|l| **l == c).count() as f64 / n).collect()
    }

    /// From the calibration pictures' class frequencies to those of a site.
    ///
    /// # Errors
    /// [`InputError`] where the shares are none, do not sum to 1, or a class has no calibration picture.
    pub fn shift_to(&self, site: Vec<f64>) -> Result<PrevalenceShift, InputError> {
        PrevalenceShift::new(self.prevalence(site.len()), site)
    }

    pub(crate) fn check(&self, classes: usize) -> Result<(), String> {
        let fits = |row: &Vec<f32>| row.len().max(2) == classes && row.iter().all(|l| l.is_finite());
        let labels = &self.evidence.labels;
        if labels.is_empty() || labels.len() != self.evidence.logits.len() || !self.evidence.logits.iter().all(fits) {
            return Err("the calibration's pictures do not fit the classes".into());
        }
        if labels.iter().any(|l| *l >= classes) || ![1, classes].contains(&self.conformal.thresholds.len()) {
            return Err("the calibration names classes that the model does not know".into());
        }
        Ok(())
    }
}

impl Evidence {
    /// Keeps what the network made of labelled pictures.
    pub fn new(sights: &[Sight], labels: &[usize], groups: Option<usize>) -> Self {
        let row = |sight: &Sight| sight.logits.iter().map(|l| *l as f32).collect();
        Self { labels: labels.to_vec(), logits: sights.iter().map(row).collect(), groups }
    }

    fn table(&self) -> Result<Table, InputError> {
        let outputs = self.logits.first().map_or(0, Vec::len);
        Table::from_f32(&self.logits.concat(), outputs)
    }
}

/// A number from 0 to 1 that belongs to a picture: the bits of its logits decide, so that the same picture always gets
/// the same set.
fn uniform(logits: &[f32]) -> f64 {
    let mixed = logits.iter().fold(0u64, |h, l| h.rotate_left(17) ^ u64::from(l.to_bits()));
    picture_uniform(0, mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of two classes of which a low threshold gives the second to many that are of the first.
    fn calibration() -> Calibration {
        let logit = |i: usize| (i % 40) as f32 / 10.0 - 2.0;
        let labels: Vec<usize> = (0..400).map(|i| usize::from(i % 10 < 3 && i % 40 > 8)).collect();
        let logits = (0..400).map(|i| vec![0.0, logit(i)]).collect();
        let evidence = Evidence { labels, logits, groups: None };
        let aims = Aims { scaling: ScalingMethod::None, ..Aims::default() };
        Calibration::fit(evidence, aims, None).expect("both classes are there")
    }

    #[test]
    fn experience_is_that_of_the_class_given_and_not_of_the_likeliest() {
        let calibration = calibration();
        let rule = Decision::Threshold { value: 0.2, chosen: None };
        let experience = calibration.experience(rule, 2);
        for (class, bins) in experience.iter().enumerate() {
            let mut given: Vec<(f64, bool)> = calibration
                .evidence
                .logits
                .iter()
                .zip(&calibration.evidence.labels)
                .map(|(row, label)| {
                    (calibration.probabilities(&row.iter().map(|l| f64::from(*l)).collect::<Vec<_>>()), label)
                })
                .filter(|(p, _)| rule.decide(p) == class)
                .map(|(p, label)| (p[class], *label == class))
                .collect();
            given.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!(bins.iter().map(|b| b.count).sum::<u64>() as usize, given.len());
            let hits: f64 = bins.iter().map(|b| b.accuracy * b.count as f64).sum();
            assert_eq!(hits.round() as usize, given.iter().filter(|g| g.1).count());
        }
        // What the low threshold lets in is rarely of the class, whatever the likelier class would have been worth.
        assert!(experience[1][0].confidence < 0.5 && experience[1][0].accuracy < 0.5, "{:?}", experience[1]);
    }
}
