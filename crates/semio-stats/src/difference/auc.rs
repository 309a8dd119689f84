use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::groups::clusters;
use crate::table::{check_length, check_share};
use crate::undefined::number_or_reason;
use crate::{InputError, Interval, Metric, Undefined};

/// Whose variance of an area under the ROC curve was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AucMethod {
    /// Every picture for itself (DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated
    /// receiver operating characteristic curves", 1988).
    DeLong,
    /// Pictures of one group belong together (Obuchowski, "Nonparametric analysis of clustered ROC curve data", 1997).
    Obuchowski,
    /// Over more than two classes: the infinitesimal jackknife, every picture for itself.
    Jackknife,
    /// The same with whole groups.
    GroupJackknife,
}

/// An area under the ROC curve with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AucEstimate {
    /// The area.
    pub auc: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Normal interval, cut at 0 and 1.
    pub interval: Interval,
    /// Obuchowski's where a group has more than one picture.
    pub method: AucMethod,
    /// Groups, each picture without one counted as its own.
    pub groups: usize,
}

/// Two areas on the same pictures, and whether they differ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AucComparison {
    /// The first model's area.
    pub first: f64,
    /// The second's.
    pub second: f64,
    /// First minus second.
    pub difference: f64,
    /// The difference's standard error.
    pub standard_error: f64,
    /// Normal interval of the difference.
    pub interval: Interval,
    /// Two-sided.
    #[serde(with = "number_or_reason")]
    pub p_value: Metric,
    /// Obuchowski's where a group has more than one picture.
    pub method: AucMethod,
    /// Groups, each picture without one counted as its own.
    pub groups: usize,
}

/// The area under the ROC curve with its interval.
///
/// # Shapes
/// `scores`, `positive`, `groups`: one entry a picture; an empty group name makes the picture its own group.
///
/// # Errors
/// Where lengths differ, a score is not finite, `level` is no share, or there are fewer than two groups with positives
/// (class 1) or with negatives (class 0).
pub fn auc_interval(
    scores: &[f64],
    positive: &[bool],
    groups: Option<&[String]>,
    level: f64,
) -> Result<AucEstimate, InputError> {
    let sample = Sample::new(positive, groups, level)?;
    let placements = sample.placements(scores)?;
    let standard_error = sample.covariance(&placements, &placements).max(0.0).sqrt();
    let half = normal_quantile(level) * standard_error;
    let auc = placements.auc;
    let interval = Interval { low: (auc - half).max(0.0), high: (auc + half).min(1.0) };
    Ok(AucEstimate { auc, standard_error, interval, method: sample.method, groups: sample.groups })
}

/// Tests whether two models' areas under the ROC curve differ.
///
/// # Shapes
/// As [`auc_interval`]; both models scored the same pictures.
///
/// # Errors
/// As [`auc_interval`].
pub fn compare_aucs(
    first: &[f64],
    second: &[f64],
    positive: &[bool],
    groups: Option<&[String]>,
    level: f64,
) -> Result<AucComparison, InputError> {
    let sample = Sample::new(positive, groups, level)?;
    let (a, b) = (sample.placements(first)?, sample.placements(second)?);
    let variance = sample.covariance(&a, &a) + sample.covariance(&b, &b) - 2.0 * sample.covariance(&a, &b);
    let difference = a.auc - b.auc;
    let standard_error = variance.max(0.0).sqrt();
    let half = normal_quantile(level) * standard_error;
    // A variance that is only rounding is none.
    let p_value = if standard_error > 1e-9 {
        Ok(2.0 * Normal::standard().sf((difference / standard_error).abs()))
    } else {
        Err(Undefined::NoVariation)
    };
    Ok(AucComparison {
        first: a.auc,
        second: b.auc,
        difference,
        standard_error,
        interval: Interval { low: difference - half, high: difference + half },
        p_value,
        method: sample.method,
        groups: sample.groups,
    })
}

pub(super) fn normal_quantile(level: f64) -> f64 {
    Normal::standard().inverse_cdf(f64::midpoint(1.0, level))
}

pub(super) struct Sample<'a> {
    positive: &'a [bool],
    cluster: Vec<usize>,
    pub(super) groups: usize,
    pub(super) method: AucMethod,
    /// By cluster.
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

/// For every cluster the sums of its pictures' placement values: the shares of the other side that they beat.
struct Placements {
    auc: f64,
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl<'a> Sample<'a> {
    pub(super) fn new(positive: &'a [bool], groups: Option<&[String]>, level: f64) -> Result<Self, InputError> {
        check_share("level", level)?;
        if let Some(groups) = groups {
            check_length("groups", positive.len(), groups.len())?;
        }
        let cluster = clusters(positive.len(), groups);
        let count = cluster.iter().max().map_or(0, |c| c + 1);
        let (mut positives, mut negatives) = (vec![0.0; count], vec![0.0; count]);
        for (&c, &p) in cluster.iter().zip(positive) {
            *(if p { &mut positives[c] } else { &mut negatives[c] }) += 1.0;
        }
        for (what, side) in [("groups with negatives", &negatives), ("groups with positives", &positives)] {
            let got = side.iter().filter(|&&n| n > 0.0).count();
            if got < 2 {
                return Err(InputError::TooFew { what, needed: 2, got });
            }
        }
        let method = if count < positive.len() { AucMethod::Obuchowski } else { AucMethod::DeLong };
        Ok(Self { positive, cluster, groups: count, method, positives, negatives })
    }

    fn placements(&self, scores: &[f64]) -> Result<Placements, InputError> {
        check_length("scores", self.positive.len(), scores.len())?;
        if let Some(row) = scores.iter().position(|s| !s.is_finite()) {
            return Err(InputError::NotFinite { row, column: 0 });
        }
        let side = |wanted: bool| {
            let mut side: Vec<f64> =
                scores.iter().zip(self.positive).filter(|p| *p.1 == wanted).map(|p| *p.0).collect();
            side.sort_by(f64::total_cmp);
            side
        };
        let (above, below) = (side(true), side(false));
        let (m, n) = (above.len() as f64, below.len() as f64);
        let mut placements =
            Placements { auc: 0.0, positives: vec![0.0; self.groups], negatives: vec![0.0; self.groups] };
        for ((&score, &positive), &cluster) in scores.iter().zip(self.positive).zip(&self.cluster) {
            let other = if positive { &below } else { &above };
            let less = other.partition_point(|&s| s < score) as f64;
            let half_tied = (other.partition_point(|&s| s <= score) as f64 - less) / 2.0;
            if positive {
                placements.positives[cluster] += (less + half_tied) / n;
                placements.auc += (less + half_tied) / (m * n);
            } else {
                placements.negatives[cluster] += 1.0 - (less + half_tied) / m;
            }
        }
        Ok(placements)
    }

    /// The area, and how much each cluster moves it.
    pub(super) fn influences(&self, scores: &[f64]) -> Result<(f64, Vec<f64>), InputError> {
        let own = self.placements(scores)?;
        let (m, n): (f64, f64) = (self.positives.iter().sum(), self.negatives.iter().sum());
        let of = |c: usize| {
            (own.positives[c] - self.positives[c] * own.auc) / m + (own.negatives[c] - self.negatives[c] * own.auc) / n
        };
        Ok((own.auc, (0..self.groups).map(of).collect()))
    }

    /// The covariance of two areas; of one with itself, its variance. With groups of one picture it is DeLong's.
    fn covariance(&self, a: &Placements, b: &Placements) -> f64 {
        let sum = |v: &[f64]| v.iter().sum::<f64>();
        let (m, n) = (sum(&self.positives), sum(&self.negatives));
        let with = |side: &[f64]| side.iter().filter(|&&c| c > 0.0).count() as f64;
        let (with_positives, with_negatives, all) = (with(&self.positives), with(&self.negatives), self.groups as f64);
        let (mut s10, mut s01, mut s11) = (0.0, 0.0, 0.0);
        for c in 0..self.groups {
            let gaps = |p: &Placements| {
                (p.positives[c] - self.positives[c] * p.auc, p.negatives[c] - self.negatives[c] * p.auc)
            };
            let ((a_positive, a_negative), (b_positive, b_negative)) = (gaps(a), gaps(b));
            s10 += a_positive * b_positive;
            s01 += a_negative * b_negative;
            s11 += a_positive * b_negative + a_negative * b_positive;
        }
        s10 * with_positives / ((with_positives - 1.0) * m * m)
            + s01 * with_negatives / ((with_negatives - 1.0) * n * n)
            + s11 * all / ((all - 1.0) * m * n)
    }
}
