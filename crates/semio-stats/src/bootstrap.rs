use semio_image::sample_seed;
use serde::{Deserialize, Serialize};

use crate::{Figures, Judge, Metric, Predictions};

/// The two ends of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A percentile bootstrap (Efron and Tibshirani 1993, chapter 13) over groups of pictures.
///
/// Whole groups (patients) are drawn with replacement, as many of each class as there are: the pictures of one patient
/// tell less than as many patients would, and an interval over single pictures would be too short.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Groups by the class of their first picture; a group is a list of pictures.
    strata: Vec<Vec<Vec<usize>>>,
    /// Samples drawn.
    pub resamples: usize,
    /// Decides what is drawn.
    pub seed: u64,
}

/// Samples drawn where nothing else is said.
pub const RESAMPLES: usize = 1000;

impl Bootstrap {
    /// Makes ready to draw groups; without groups every picture is its own.
    ///
    /// # Shapes
    /// `groups`: one name a picture.
    pub fn new(predictions: &Predictions, groups: Option<&[String]>) -> Self {
        let mut members: indexmap::IndexMap<String, Vec<usize>> = indexmap::IndexMap::new();
        for picture in 0..predictions.len() {
            let group = groups.and_then(|g| g.get(picture)).filter(|g| !g.is_empty());
            members.entry(group.cloned().unwrap_or_else(|| format!("\0{picture}"))).or_default().push(picture);
        }
        let mut strata = vec![vec![]; predictions.classes().len()];
        for pictures in members.into_values() {
            strata[predictions.truth()[pictures[0]]].push(pictures);
        }
        Self { strata, resamples: RESAMPLES, seed: 0 }
    }

    /// How often each picture counts in one sample.
    fn weights(&self, pictures: usize, resample: u64) -> Vec<u32> {
        let mut weights = vec![0; pictures];
        for (class, stratum) in self.strata.iter().enumerate() {
            for draw in 0..stratum.len() {
                let drawn = sample_seed(self.seed ^ ((class as u64) << 32), draw as u64, resample);
                for &picture in &stratum[(drawn % stratum.len() as u64) as usize] {
                    weights[picture] += 1;
                }
            }
        }
        weights
    }

    /// The interval in which the middle `level` of the samples' figures lie; none where fewer than nine tenths of the
    /// samples have a value.
    pub fn interval(
        &self,
        judge: &Judge<'_>,
        level: f64,
        figure: impl Fn(&Figures<Metric>) -> Metric,
    ) -> Option<Interval> {
        let pictures = judge.all().len();
        let mut values: Vec<f64> = (0..self.resamples)
            .filter_map(|r| figure(&judge.figures(&self.weights(pictures, r as u64))).ok())
            .collect();
        if values.len() * 10 < self.resamples * 9 || values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - level) / 2.0;
        Some(Interval { low: quantile(&values, tail), high: quantile(&values, 1.0 - tail) })
    }
}

/// The value below which a share of the sorted values lies, straight between neighbours (NumPy's default).
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many pictures of each of two classes, of which every fourth is wrong.
    fn predictions(each: usize) -> Predictions {
        let truth: Vec<usize> = (0..2 * each).map(|i| i % 2).collect();
        let decided: Vec<usize> = truth.iter().enumerate().map(|(i, t)| if i % 4 == 0 { 1 - t } else { *t }).collect();
        let p = decided.iter().flat_map(|&d| if d == 1 { [0.2, 0.8] } else { [0.8, 0.2] }).collect();
        let n = truth.len();
        Predictions::new(vec!["a".into(), "b".into()], truth, p, decided, vec![true; n]).expect("valid")
    }

    fn width(groups: Option<&[String]>, each: usize) -> f64 {
        let predictions = predictions(each);
        let judge = Judge::new(&predictions);
        let interval = Bootstrap::new(&predictions, groups).interval(&judge, 0.95, |f| f.accuracy).expect("is defined");
        assert!(interval.low < 0.75 && 0.75 < interval.high, "{interval:?}");
        interval.high - interval.low
    }

    #[test]
    fn the_interval_is_as_wide_as_theory_says() {
        // Class `a` is right in half of its pictures, `b` always: the deviation of the accuracy is √(0.25 / n) / 2.
        let n = 400.0f64;
        let theory = 2.0 * 1.96 * (0.25 / n).sqrt() / 2.0;
        assert!((width(None, 400) / theory - 1.0).abs() < 0.1, "{} {theory}", width(None, 400));
    }

    #[test]
    fn pictures_of_one_patient_count_as_one() {
        // Every patient eight times: eight pictures alike, so the interval is √8 times as wide.
        let groups: Vec<String> = (0..800).map(|i| format!("{}", i % 4 + 4 * (i / 32))).collect();
        let ratio = width(Some(&groups), 400) / width(None, 400);
        assert!((ratio / 8f64.sqrt() - 1.0).abs() < 0.15, "{ratio}");
    }

    #[test]
    fn quantiles_are_numpys() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, expected) in [(0.0, 1.0), (0.1, 1.4), (0.5, 4.0), (0.975, 15.2), (1.0, 16.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12, "{share}");
        }
    }
}
