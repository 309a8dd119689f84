use serde::{Deserialize, Serialize};

use crate::undefined::number_or_reason;
use crate::{InputError, Metric, Undefined};

/// From the class frequencies that probabilities were fitted under to those of a site.
///
/// Only the frequencies may differ, not how a class looks ("prior shift"; Saerens, Latinne and Decaestecker 2002):
/// p′ ∝ p · site / fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PrevalenceFile")]
pub struct PrevalenceShift {
    fitted: Vec<f64>,
    site: Vec<f64>,
}

#[derive(Deserialize)]
struct PrevalenceFile {
    fitted: Vec<f64>,
    site: Vec<f64>,
}

impl TryFrom<PrevalenceFile> for PrevalenceShift {
    type Error = InputError;

    fn try_from(file: PrevalenceFile) -> Result<Self, InputError> {
        Self::new(file.fitted, file.site)
    }
}

impl PrevalenceShift {
    /// Keeps both frequencies.
    ///
    /// # Errors
    /// Where they differ in length, one of the fitted is not above 0, one is not finite, or they do not sum to 1.
    pub fn new(fitted: Vec<f64>, site: Vec<f64>) -> Result<Self, InputError> {
        crate::table::check_length("prevalence", fitted.len(), site.len())?;
        check_distribution("prevalence", &site)?;
        check_distribution("fitted prevalence", &fitted)?;
        if let Some(class) = fitted.iter().position(|&p| p <= 0.0) {
            return Err(InputError::MissingClass(class));
        }
        Ok(Self { fitted, site })
    }

    /// The frequencies that the probabilities were fitted under.
    pub fn fitted(&self) -> &[f64] {
        &self.fitted
    }

    /// The site's frequencies.
    pub fn site(&self) -> &[f64] {
        &self.site
    }

    /// The probabilities of one picture at the site.
    ///
    /// Where the site excludes every class that the picture could be of, they stay as they are.
    pub fn apply(&self, probabilities: &[f64]) -> Vec<f64> {
        let shifted: Vec<f64> =
            probabilities.iter().zip(&self.fitted).zip(&self.site).map(|((p, from), to)| p * to / from).collect();
        let sum: f64 = shifted.iter().sum();
        if sum > 0.0 { shifted.iter().map(|p| p / sum).collect() } else { probabilities.to_vec() }
    }
}

fn check_distribution(what: &'static str, shares: &[f64]) -> Result<(), InputError> {
    let sum: f64 = shares.iter().sum();
    if shares.iter().any(|s| !(0.0..=1.0).contains(s)) || (sum - 1.0).abs() > 1e-6 {
        return Err(InputError::Setting { what, value: sum, expected: "shares from 0 to 1 that sum to 1" });
    }
    Ok(())
}

/// What an answer for a class, or against it, is worth at a stated prevalence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictiveValues {
    /// The share of the class among pictures to which it is given.
    #[serde(with = "number_or_reason")]
    pub positive: Metric,
    /// The share of other classes among pictures to which it is not given.
    #[serde(with = "number_or_reason")]
    pub negative: Metric,
}

/// Predictive values of a two-sided answer (Bayes' rule).
pub fn predictive_values_of(sensitivity: f64, specificity: f64, prevalence: f64) -> PredictiveValues {
    let healthy = 1.0 - prevalence;
    PredictiveValues {
        positive: share(sensitivity * prevalence, (1.0 - specificity) * healthy, Undefined::NeverGiven),
        negative: share(specificity * healthy, (1.0 - sensitivity) * prevalence, Undefined::AlwaysGiven),
    }
}

/// Predictive values of every class where the classes have the stated frequencies.
///
/// # Shapes
/// `matrix`: `[true][given]` counts. `prevalence`: one share a class.
///
/// # Errors
/// Where the lengths differ, the shares do not sum to 1, or a class that the site has was never seen.
pub fn predictive_values(matrix: &[Vec<u64>], prevalence: &[f64]) -> Result<Vec<PredictiveValues>, InputError> {
    crate::table::check_length("prevalence", matrix.len(), prevalence.len())?;
    check_distribution("prevalence", prevalence)?;
    let supports: Vec<u64> = matrix.iter().map(|row| row.iter().sum()).collect();
    if let Some(class) = (0..matrix.len()).find(|&c| supports[c] == 0 && prevalence[c] > 0.0) {
        return Err(InputError::MissingClass(class));
    }
    // How often a picture of the site is of one class and gets another.
    let rate = |truth: usize, given: usize| match supports[truth] {
        0 => 0.0,
        support => prevalence[truth] * matrix[truth].get(given).copied().unwrap_or(0) as f64 / support as f64,
    };
    Ok((0..matrix.len())
        .map(|class| {
            let others = || (0..matrix.len()).filter(move |&c| c != class);
            let hit = rate(class, class);
            let false_alarm: f64 = others().map(|c| rate(c, class)).sum();
            let miss = others().map(|c| rate(class, c)).sum();
            let rest: f64 = others().flat_map(|t| others().map(move |g| rate(t, g))).sum();
            PredictiveValues {
                positive: share(hit, false_alarm, Undefined::NeverGiven),
                negative: share(rest, miss, Undefined::AlwaysGiven),
            }
        })
        .collect())
}

fn share(right: f64, wrong: f64, otherwise: Undefined) -> Metric {
    if right + wrong > 0.0 { Ok(right / (right + wrong)) } else { Err(otherwise) }
}
