use serde::{Deserialize, Serialize};

use super::Binning;
use super::reliability::assign;
use crate::table::check_labels;
use crate::{InputError, Table};

/// The Brier score and what it is made of.
///
/// `score = reliability − resolution + uncertainty + within_bin_variance − within_bin_covariance`, exactly. The last two
/// stand for what differs inside the bins (Stephenson, Coelho and Jolliffe 2008); without them Murphy's decomposition
/// (1973) holds only for probabilities that are alike in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Brier {
    /// Mean of Σ (p − y)² over the classes, 0 to 2; with two classes half of it, 0 to 1.
    pub score: f64,
    /// How far claimed probabilities are from shares that came true; less is better.
    pub reliability: f64,
    /// How far these shares are from the overall one; more is better.
    pub resolution: f64,
    /// What the classes' frequencies alone bring.
    pub uncertainty: f64,
    /// Variance of the probabilities inside the bins.
    pub within_bin_variance: f64,
    /// Twice the covariance of probability and truth inside the bins.
    pub within_bin_covariance: f64,
}

/// The Brier score, decomposed over bins of each class's probability.
///
/// # Shapes
/// `probabilities`: pictures × classes. `labels`: one a picture.
///
/// # Errors
/// Where a label names no class, a value is no probability, or there is no bin.
pub fn brier(probabilities: &Table, labels: &[usize], binning: Binning) -> Result<Brier, InputError> {
    let classes = probabilities.columns();
    check_labels(labels, probabilities.len(), classes)?;
    let half = if classes == 2 { 0.5 } else { 1.0 };
    let mut sum = Brier::default();
    for class in 0..classes {
        let p: Vec<f64> = probabilities.rows().map(|row| row[class]).collect();
        let y: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label == class))).collect();
        let part = one_class(&p, &y, &assign(&p, binning)?);
        sum.score += half * part.score;
        sum.reliability += half * part.reliability;
        sum.resolution += half * part.resolution;
        sum.uncertainty += half * part.uncertainty;
        sum.within_bin_variance += half * part.within_bin_variance;
        sum.within_bin_covariance += half * part.within_bin_covariance;
    }
    Ok(sum)
}

fn one_class(p: &[f64], y: &[f64], bins: &[usize]) -> Brier {
    let n = p.len() as f64;
    let overall = y.iter().sum::<f64>() / n;
    let mut means = vec![(0.0, 0.0, 0.0); bins.iter().max().map_or(0, |b| b + 1)];
    for ((&bin, p), y) in bins.iter().zip(p).zip(y) {
        let (count, claimed, came_true) = &mut means[bin];
        *count += 1.0;
        *claimed += p;
        *came_true += y;
    }
    for (count, claimed, came_true) in means.iter_mut().filter(|m| m.0 > 0.0) {
        *claimed /= *count;
        *came_true /= *count;
    }
    let mut brier = Brier { uncertainty: overall * (1.0 - overall), ..Brier::default() };
    for ((&bin, p), y) in bins.iter().zip(p).zip(y) {
        let (_, claimed, came_true) = means[bin];
        brier.score += (p - y).powi(2) / n;
        brier.reliability += (claimed - came_true).powi(2) / n;
        brier.resolution += (came_true - overall).powi(2) / n;
        brier.within_bin_variance += (p - claimed).powi(2) / n;
        brier.within_bin_covariance += 2.0 * (p - claimed) * (y - came_true) / n;
    }
    brier
}
