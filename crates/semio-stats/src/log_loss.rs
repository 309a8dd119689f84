use crate::{Metric, Undefined};

/// The loss of one picture in nats: −ln of its true class's probability.
///
/// The probability is kept from 0 by the machine epsilon, as scikit-learn does, so that a single saturated softmax
/// cannot make the mean infinite.
pub fn picture_log_loss(probability_of_truth: f64) -> f64 {
    -probability_of_truth.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// The mean of the pictures' losses, each counted as often as its weight says.
///
/// # Errors
/// Undefined where nothing is counted.
pub fn log_loss(losses: &[f64], weights: &[u32]) -> Metric {
    let (mut sum, mut n) = (0.0, 0u64);
    for (&loss, &weight) in losses.iter().zip(weights) {
        sum += loss * f64::from(weight);
        n += u64::from(weight);
    }
    if n == 0 { Err(Undefined::NoPredictions) } else { Ok(sum / n as f64) }
}
