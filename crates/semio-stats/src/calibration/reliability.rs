use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::random::Draws;
use crate::table::{check_labels, check_length};
use crate::{InputError, Table, wilson_interval};

/// How probabilities are put together into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// So many stretches of equal width between 0 and 1; a value on a border belongs to the stretch below it.
    EqualWidth(usize),
    /// So many bins of about equal numbers of pictures; equal values stay together.
    EqualMass(usize),
}

/// One point of a reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Pictures in the bin; never 0.
    pub count: u64,
    /// The mean of the probabilities given.
    pub confidence: f64,
    /// The share of hits.
    pub accuracy: f64,
    /// Lower end of the share's Wilson interval (95 %).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// A reliability diagram: what was claimed beside what came true. Empty bins are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// How the bins were made.
    pub binning: Binning,
    /// In rising order of the probability.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: the mean of |accuracy − confidence| over the pictures (Naeini et al. 2015).
    pub ece: f64,
    /// Maximum calibration error: the largest of these gaps.
    pub mce: f64,
}

impl Reliability {
    /// Compares probabilities with what came true.
    ///
    /// # Shapes
    /// `confidences` and `hits`: one entry a picture; see [`top_label`].
    ///
    /// # Errors
    /// Where there is no picture, lengths differ, a value is no probability, or there is no bin.
    pub fn new(confidences: &[f64], hits: &[bool], binning: Binning) -> Result<Self, InputError> {
        check_length("hits", confidences.len(), hits.len())?;
        let bins = assign(confidences, binning)?;
        let sums = Sums::new(confidences, &bins);
        let hits = count_hits(&bins, sums.count.len(), |picture| hits[picture]);
        let (mut points, mut mce) = (vec![], 0f64);
        for ((&count, &total), &hits) in sums.count.iter().zip(&sums.confidence).zip(&hits) {
            // An empty bin has no interval.
            if let Some((low, high)) = wilson_interval(hits, count) {
                let (confidence, accuracy) = (total / count as f64, hits as f64 / count as f64);
                mce = mce.max((accuracy - confidence).abs());
                points.push(ReliabilityBin { count, confidence, accuracy, low, high });
            }
        }
        Ok(Self { binning, bins: points, ece: sums.ece(&hits), mce })
    }
}

/// The probability of each picture's likeliest class, and whether that class is the true one.
///
/// # Errors
/// Where a label names no class.
pub fn top_label(probabilities: &Table, labels: &[usize]) -> Result<(Vec<f64>, Vec<bool>), InputError> {
    check_labels(labels, probabilities.len(), probabilities.columns())?;
    Ok(probabilities
        .rows()
        .zip(labels)
        .map(|(p, &label)| {
            let top = likeliest(p);
            (p[top], top == label)
        })
        .unzip())
}

/// The first of the likeliest classes.
pub(crate) fn likeliest(p: &[f64]) -> usize {
    (0..p.len()).fold(0, |best, c| if p[c] > p[best] { c } else { best })
}

/// What calibration error a perfectly calibrated model would show, by chance alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EceUnderCalibration {
    /// The mean over the simulations.
    pub mean: f64,
    /// The 95th percentile: an ECE below it is no evidence of miscalibration.
    pub percentile_95: f64,
}

/// Simulates the ECE of a model with the same confidences that are all true: each picture is a hit with the
/// probability claimed for it ("consistency resampling", Bröcker and Smith 2007).
///
/// # Errors
/// As [`Reliability::new`]; also where there is no simulation.
pub fn ece_under_calibration(
    confidences: &[f64],
    binning: Binning,
    simulations: usize,
    seed: u64,
) -> Result<EceUnderCalibration, InputError> {
    if simulations == 0 {
        return Err(InputError::Setting { what: "simulations", value: 0.0, expected: "at least 1" });
    }
    let bins = assign(confidences, binning)?;
    let sums = Sums::new(confidences, &bins);
    let mut errors: Vec<f64> = (0..simulations as u64)
        .into_par_iter()
        .map(|simulation| {
            let mut draws = Draws::new(seed, simulation);
            sums.ece(&count_hits(&bins, sums.count.len(), |picture| draws.unit() < confidences[picture]))
        })
        .collect();
    let mean = errors.iter().sum::<f64>() / simulations as f64;
    errors.sort_by(f64::total_cmp);
    Ok(EceUnderCalibration { mean, percentile_95: crate::bootstrap::quantile(&errors, 0.95) })
}

/// The bin of each picture.
pub(super) fn assign(confidences: &[f64], binning: Binning) -> Result<Vec<usize>, InputError> {
    if confidences.is_empty() {
        return Err(InputError::Empty);
    }
    let (Binning::EqualWidth(count) | Binning::EqualMass(count)) = binning;
    if count == 0 {
        return Err(InputError::Setting { what: "bins", value: 0.0, expected: "at least 1" });
    }
    if let Some(row) = confidences.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(InputError::Setting { what: "confidence", value: confidences[row], expected: "0 to 1" });
    }
    if let Binning::EqualWidth(_) = binning {
        // A border that rounding would move (0.3 · 10 is above 3) is compared as the border itself.
        let border = |bin: usize| bin as f64 / count as f64;
        return Ok(confidences
            .iter()
            .map(|&p| {
                let bin = ((p * count as f64).ceil() as usize).clamp(1, count);
                if p <= border(bin - 1) && bin > 1 { bin - 2 } else { bin - 1 }
            })
            .collect());
    }
    let mut order: Vec<usize> = (0..confidences.len()).collect();
    order.sort_by(|&a, &b| confidences[a].total_cmp(&confidences[b]));
    let mut bins = vec![0; confidences.len()];
    for place in 0..order.len() {
        // Equal values go where the first of them goes.
        let tied = place > 0 && confidences[order[place]] <= confidences[order[place - 1]];
        bins[order[place]] = if tied { bins[order[place - 1]] } else { place * count / order.len() };
    }
    Ok(bins)
}

/// What of the bins does not depend on the truth.
struct Sums {
    count: Vec<u64>,
    confidence: Vec<f64>,
}

impl Sums {
    fn new(confidences: &[f64], bins: &[usize]) -> Self {
        let size = bins.iter().max().map_or(0, |b| b + 1);
        let (mut count, mut confidence) = (vec![0; size], vec![0.0; size]);
        for (&bin, &p) in bins.iter().zip(confidences) {
            count[bin] += 1;
            confidence[bin] += p;
        }
        Self { count, confidence }
    }

    fn ece(&self, hits: &[u64]) -> f64 {
        let total: u64 = self.count.iter().sum();
        self.confidence.iter().zip(hits).map(|(&c, &h)| (h as f64 - c).abs()).sum::<f64>() / total as f64
    }
}

fn count_hits(bins: &[usize], size: usize, mut hit: impl FnMut(usize) -> bool) -> Vec<u64> {
    let mut hits = vec![0; size];
    for (picture, &bin) in bins.iter().enumerate() {
        hits[bin] += u64::from(hit(picture));
    }
    hits
}
