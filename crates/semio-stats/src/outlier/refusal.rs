use serde::{Deserialize, Serialize};

use crate::calibration::log_sum_exp;
use crate::table::check_share;
use crate::{InputError, finite_sample_quantile};

/// From where on a score of strangeness refuses a picture.
///
/// The threshold is a conformal quantile: a picture of the model's kind is refused with at most the stated probability.
/// Where a picture passes several checks, their rates add up, so each gets its part of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// The share of pictures of the kind that may be refused.
    pub false_refusal_rate: f64,
    /// Scores above it are refused; none where the pictures were too few for the rate, so that nothing is.
    pub threshold: Option<f64>,
    /// Calibration pictures that it was fitted on.
    pub pictures: usize,
}

impl Refusal {
    /// Fits on the scores of calibration pictures, which the score itself was not fitted on.
    ///
    /// # Errors
    /// Where the rate is not between 0 and 1, or a score is not finite.
    pub fn fit(scores: &[f64], false_refusal_rate: f64) -> Result<Self, InputError> {
        check_share("false refusal rate", false_refusal_rate)?;
        if let Some(row) = scores.iter().position(|s| !s.is_finite()) {
            return Err(InputError::NotFinite { row, column: 0 });
        }
        let threshold = finite_sample_quantile(scores, 1.0 - false_refusal_rate);
        Ok(Self { false_refusal_rate, threshold, pictures: scores.len() })
    }

    /// Whether a picture with this score is refused. A score that is not finite always is.
    pub fn refuses(&self, score: f64) -> bool {
        !score.is_finite() || self.threshold.is_some_and(|t| score > t)
    }
}

/// The free energy −ln Σ exp(logit): high where no class speaks up (Liu et al., "Energy-based out-of-distribution
/// detection", 2020).
///
/// It takes the logits as they come from the network. For the single logit of a sigmoid, which says nothing of the kind
/// but how clear the decision is, it is −|logit| to within 2 ln 2.
pub fn energy(logits: &[f64]) -> f64 {
    match logits {
        // The two classes' logits are ± half of it; twice that sum has the one logit's scale.
        [z] => -2.0 * log_sum_exp([z / 2.0, -z / 2.0].into_iter()),
        _ => -log_sum_exp(logits.iter().copied()),
    }
}
