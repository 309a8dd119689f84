use burn::tensor::{Device, Tensor, TensorData};
use semio_image::{Image, PipelineError};
use semio_nn::{Network, to_vec};
use serde::{Deserialize, Serialize};

use crate::{Bundle, BundleError, Manifest};

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
    },
}

impl Decision {
    /// The class that the rule gives.
    pub fn decide(self, probabilities: &[f64]) -> usize {
        match self {
            Self::Threshold { value } => usize::from(probabilities.get(1).is_some_and(|&p| p >= value)),
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
}

/// A picture's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Place of the class among the bundle's classes, by the bundle's rule.
    pub class: usize,
    /// One value a class, in the bundle's order; they add up to one.
    pub probabilities: Vec<f64>,
}

impl Prediction {
    /// The probability of the given class.
    pub fn confidence(&self) -> f64 {
        self.probabilities[self.class]
    }
}

/// A bundle, ready to read pictures.
pub struct Predictor {
    manifest: Manifest,
    network: Network,
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
        Self { manifest: bundle.manifest, network: bundle.network }
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
    /// # Shapes
    /// Any picture → `channels × height × width` values.
    ///
    /// # Errors
    /// [`PipelineError`] where the pipeline cannot read such a picture.
    pub fn prepare(&self, image: &Image) -> Result<Vec<f32>, PipelineError> {
        self.manifest.pipeline.apply(image)
    }

    /// Predicts prepared pictures as one batch.
    ///
    /// # Panics
    /// Where an input is not of the length that [`Self::prepare`] gives.
    pub fn predict(&self, inputs: &[Vec<f32>]) -> Vec<Prediction> {
        if inputs.is_empty() {
            return vec![];
        }
        let (channels, height, width) = self.manifest.pipeline.output();
        let shape = [inputs.len(), channels, height, width];
        let values = inputs.concat();
        assert_eq!(values.len(), shape.iter().product::<usize>(), "inputs come from `prepare`");
        let pictures = Tensor::<4>::from_data(TensorData::new(values, shape), self.network.device());
        let logits = to_vec(self.network.predict(pictures));
        logits.chunks(self.network.graph().outputs()).map(|l| self.judge(l)).collect()
    }

    fn judge(&self, logits: &[f32]) -> Prediction {
        let probabilities = self.manifest.output.probabilities(logits);
        Prediction { class: self.manifest.decision.decide(&probabilities), probabilities }
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
    fn rules_decide() {
        assert_eq!(Decision::MostProbable.decide(&[0.2, 0.5, 0.3]), 1);
        assert_eq!(Decision::MostProbable.decide(&[0.5, 0.5]), 0);
        assert_eq!(Decision::Threshold { value: 0.3 }.decide(&[0.7, 0.3]), 1);
        assert_eq!(Decision::Threshold { value: 0.31 }.decide(&[0.7, 0.3]), 0);
    }
}
