use serde::{Deserialize, Serialize};

use super::isotonic::IsotonicSteps;
use super::{isotonic, temperature, vector};
use crate::table::{check_labels, check_present};
use crate::{InputError, Table};

/// A way to make a network's probabilities mean what they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScalingMethod {
    /// Probabilities stay as they are.
    None,
    /// One number for all classes; it never changes which class is the likeliest.
    #[default]
    Temperature,
    /// A weight and a bias for each class. For one logit, or two, this is Platt's scaling.
    Vector,
    /// A rising function for each class against the rest; needs many pictures (some thousand).
    Isotonic,
}

/// A fitted way from logits to calibrated probabilities, as a bundle keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Scaling {
    /// Probabilities stay as they are.
    #[default]
    None,
    /// Logits are divided by the temperature (Guo et al., "On calibration of modern neural networks", 2017).
    Temperature {
        /// Above 1 it makes the network less sure.
        temperature: f64,
    },
    /// Each class's logit, taken from the mean of its row's logits, gets a weight and a bias (Guo et al. 2017).
    Vector {
        /// One for each class.
        weights: Vec<f64>,
        /// One for each class.
        biases: Vec<f64>,
    },
    /// Each class's probability goes through a rising function; the results are divided by their sum
    /// (Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", 2002).
    Isotonic {
        /// One for each class; of two classes only the second has one, and the first gets the rest.
        classes: Vec<IsotonicSteps>,
    },
}

impl Scaling {
    /// Fits on pictures that were used neither for training nor for stopping or tuning.
    ///
    /// # Shapes
    /// `logits`: pictures × outputs; one output means a sigmoid between two classes, more mean a softmax.
    /// `labels`: the true class of each picture.
    ///
    /// # Errors
    /// Where a label names no class; for vector and isotonic scaling also where a class has no picture.
    pub fn fit(method: ScalingMethod, logits: &Table, labels: &[usize]) -> Result<Self, InputError> {
        let classes = logits.columns().max(2);
        check_labels(labels, logits.len(), classes)?;
        let scores: Vec<Vec<f64>> = logits.rows().map(centred).collect();
        match method {
            ScalingMethod::None => Ok(Self::None),
            ScalingMethod::Temperature => Ok(Self::Temperature { temperature: temperature::fit(&scores, labels) }),
            ScalingMethod::Vector => {
                check_present(labels, classes)?;
                let (weights, biases) = vector::fit(&scores, labels);
                Ok(Self::Vector { weights, biases })
            }
            ScalingMethod::Isotonic => {
                check_present(labels, classes)?;
                let probabilities: Vec<Vec<f64>> = scores.iter().map(|row| softmax(row)).collect();
                Ok(Self::Isotonic { classes: isotonic::fit(&probabilities, labels) })
            }
        }
    }

    /// Calibrated probabilities of one picture, one for each class.
    ///
    /// # Shapes
    /// `logits`: as many as the network has outputs; one gives two classes.
    pub fn probabilities(&self, logits: &[f64]) -> Vec<f64> {
        let mut scores = centred(logits);
        match self {
            Self::None => softmax(&scores),
            Self::Temperature { temperature } => {
                for score in &mut scores {
                    *score /= temperature;
                }
                softmax(&scores)
            }
            Self::Vector { weights, biases } => {
                for ((score, weight), bias) in scores.iter_mut().zip(weights).zip(biases) {
                    *score = *score * weight + bias;
                }
                softmax(&scores)
            }
            Self::Isotonic { classes } => isotonic::apply(classes, &softmax(&scores)),
        }
    }

    /// Calibrated probabilities from those that the network gave, for instance a mean over several views.
    ///
    /// The same as [`Scaling::probabilities`] of the logits where the probabilities are those of one pass.
    pub fn rescale(&self, probabilities: &[f64]) -> Vec<f64> {
        let logits: Vec<f64> = probabilities.iter().map(|p| p.max(f64::MIN_POSITIVE).ln()).collect();
        self.probabilities(&logits)
    }
}

/// Calibrated probabilities of every picture.
///
/// # Shapes
/// Pictures × outputs to pictures × classes.
///
/// # Errors
/// Where a scaling that was fitted elsewhere makes values that are not finite.
pub fn scaled_probabilities(scaling: &Scaling, logits: &Table) -> Result<Table, InputError> {
    let values = logits.rows().flat_map(|row| scaling.probabilities(row)).collect();
    Table::new(values, logits.columns().max(2))
}

/// The logits of every class, without their mean: what a softmax does not see must not reach a scaling either.
/// One logit stands for a second class beside a first of logit 0.
fn centred(logits: &[f64]) -> Vec<f64> {
    let logits = if let [second] = logits { vec![0.0, *second] } else { logits.to_vec() };
    let mean = logits.iter().sum::<f64>() / logits.len().max(1) as f64;
    logits.into_iter().map(|l| l - mean).collect()
}

/// Probabilities that sum to 1, without overflow.
pub(crate) fn softmax(scores: &[f64]) -> Vec<f64> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut p: Vec<f64> = scores.iter().map(|s| (s - highest).exp()).collect();
    let sum: f64 = p.iter().sum();
    for share in &mut p {
        *share /= sum;
    }
    p
}

/// ln Σ exp, without overflow.
pub(crate) fn log_sum_exp(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let highest = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    highest + scores.map(|s| (s - highest).exp()).sum::<f64>().ln()
}
