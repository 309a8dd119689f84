use rayon::prelude::*;
use semio_image::sample_seed;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::groups::clusters;
use crate::random::Draws;
use crate::{Figures, Judge, Metric, Predictions};

/// The two ends of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How an interval is read off a bootstrap's samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// The middle of the samples (Efron and Tibshirani 1993, chapter 13).
    Percentile,
    /// The same, moved by what the samples show of bias and of a spread that changes with the value: "bias-corrected and
    /// accelerated" (Efron, "Better bootstrap confidence intervals", 1987).
    #[default]
    Bca,
}

/// A bootstrap over groups of pictures.
///
/// Whole groups (patients) are drawn with replacement, as many of each class as there are: the pictures of one patient
/// tell less than as many patients would, and an interval over single pictures would be too short. What is drawn hangs
/// on the seed alone, not on the number of threads.
///
/// A figure that is 0 or 1 in every sample gets an interval of no width; a proportion is then better served by
/// [`crate::wilson_interval`].
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
/// Parts of one class that are left out in turn for the acceleration; of more groups, several are left out together.
const JACKKNIFE: usize = 500;

impl Bootstrap {
    /// Makes ready to draw groups; without groups every picture is its own.
    ///
    /// # Shapes
    /// `groups`: one name a picture; an empty one makes the picture its own group.
    pub fn new(predictions: &Predictions, groups: Option<&[String]>) -> Self {
        let clusters = clusters(predictions.len(), groups);
        let mut members = vec![vec![]; clusters.iter().max().map_or(0, |c| c + 1)];
        for (picture, &cluster) in clusters.iter().enumerate() {
            members[cluster].push(picture);
        }
        let mut strata = vec![vec![]; predictions.classes().len()];
        for pictures in members {
            strata[predictions.truth()[pictures[0]]].push(pictures);
        }
        Self { strata, resamples: RESAMPLES, seed: 0 }
    }

    /// The groups that are drawn from; fewer than the pictures where some belong together.
    pub fn groups(&self) -> usize {
        self.strata.iter().map(Vec::len).sum()
    }

    /// The percentile interval of one figure; none where fewer than nine tenths of the samples have a value.
    pub fn interval(
        &self,
        judge: &Judge<'_>,
        level: f64,
        figure: impl Fn(&Figures<Metric>) -> Metric + Sync,
    ) -> Option<Interval> {
        self.middle(level, |weights| figure(&judge.figures(weights)).unwrap_or(f64::NAN))
    }

    /// The percentile interval of how much `a`'s figure is above `b`'s on the same pictures.
    ///
    /// # Shapes
    /// Both judge the pictures that the bootstrap was made for, in the same order.
    pub fn difference(
        &self,
        a: &Judge<'_>,
        b: &Judge<'_>,
        level: f64,
        figure: impl Fn(&Figures<Metric>) -> Metric + Sync,
    ) -> Option<Interval> {
        let value = |judge: &Judge<'_>, weights: &[u32]| figure(&judge.figures(weights)).unwrap_or(f64::NAN);
        self.middle(level, |weights| value(a, weights) - value(b, weights))
    }

    /// The interval of every figure at once; none where a figure, or more than a tenth of its samples, has no value.
    pub fn intervals(&self, judge: &Judge<'_>, level: f64, method: IntervalMethod) -> Figures<Option<Interval>> {
        let figures = judge.figures(&judge.all());
        let estimates = flat(&figures);
        let samples = columns(&self.samples(|weights| flat(&judge.figures(weights))), estimates.len());
        let left_out: Vec<Vec<Vec<f64>>> = match method {
            IntervalMethod::Percentile => vec![],
            IntervalMethod::Bca => self
                .jackknife(|weights| flat(&judge.figures(weights)))
                .into_iter()
                .map(|stratum| columns(&stratum, estimates.len()))
                .collect(),
        };
        let mut place = 0..estimates.len();
        figures.map(|_, _| {
            let i = place.next()?;
            let values = self.enough(samples[i].clone())?;
            match method {
                _ if estimates[i].is_nan() => None,
                IntervalMethod::Percentile => Some(percentile_interval(&values, level)),
                IntervalMethod::Bca => {
                    let left_out: Vec<&[f64]> = left_out.iter().map(|stratum| stratum[i].as_slice()).collect();
                    Some(bca_interval(&values, estimates[i], &left_out, level))
                }
            }
        })
    }

    fn middle(&self, level: f64, value: impl Fn(&[u32]) -> f64 + Sync) -> Option<Interval> {
        Some(percentile_interval(&self.enough(self.samples(value))?, level))
    }

    fn pictures(&self) -> usize {
        self.strata.iter().flatten().map(Vec::len).sum()
    }

    /// What `value` gives for every sample's weights, in the samples' order.
    fn samples<T: Send>(&self, value: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
        let pictures = self.pictures();
        (0..self.resamples).into_par_iter().map(|r| value(&self.weights(pictures, r as u64))).collect()
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

    /// What `value` gives without each part of each class, class by class.
    fn jackknife<T: Send>(&self, value: impl Fn(&[u32]) -> T + Sync) -> Vec<Vec<T>> {
        let pictures = self.pictures();
        let mut strata = vec![];
        for (class, stratum) in self.strata.iter().enumerate() {
            let mut order: Vec<usize> = (0..stratum.len()).collect();
            Draws::new(self.seed, class as u64).shuffle(&mut order);
            let parts = stratum.len().min(JACKKNIFE);
            let without = |part: usize| {
                let mut weights = vec![1; pictures];
                let left_out = order.iter().skip(part).step_by(parts).flat_map(|&group| &stratum[group]);
                for &picture in left_out {
                    weights[picture] = 0;
                }
                value(&weights)
            };
            strata.push((0..parts).into_par_iter().map(without).collect());
        }
        strata
    }

    /// The values in rising order, if nine tenths of the samples have one.
    fn enough(&self, mut values: Vec<f64>) -> Option<Vec<f64>> {
        values.retain(|v| !v.is_nan());
        values.sort_by(f64::total_cmp);
        (values.len() * 10 >= self.resamples * 9 && !values.is_empty()).then_some(values)
    }
}

fn flat(figures: &Figures<Metric>) -> Vec<f64> {
    let mut values = vec![];
    figures.map(|_, metric| values.push(metric.unwrap_or(f64::NAN)));
    values
}

fn columns(rows: &[Vec<f64>], count: usize) -> Vec<Vec<f64>> {
    (0..count).map(|i| rows.iter().map(|row| row[i]).collect()).collect()
}

/// The middle `level` of sorted samples.
fn percentile_interval(sorted: &[f64], level: f64) -> Interval {
    let tail = (1.0 - level) / 2.0;
    Interval { low: quantile(sorted, tail), high: quantile(sorted, 1.0 - tail) }
}

/// The BCa interval of an estimate.
///
/// # Shapes
/// `sorted`: the samples' values, rising and not empty. `left_out`: for every stratum the estimates without one part each;
/// values that are not numbers are passed over.
pub fn bca_interval(sorted: &[f64], estimate: f64, left_out: &[&[f64]], level: f64) -> Interval {
    let normal = Normal::standard();
    let below = sorted.partition_point(|&v| v < estimate);
    let up_to = sorted.partition_point(|&v| v <= estimate);
    // Ties count half. Were all samples on one side, the bias would be infinite: half a sample is taken for them.
    let share = ((below + up_to) as f64 / 2.0).clamp(0.5, sorted.len() as f64 - 0.5) / sorted.len() as f64;
    let bias = normal.inverse_cdf(share);
    let acceleration = acceleration(left_out);
    let place = |tail: f64| {
        let moved = bias + normal.inverse_cdf(tail);
        normal.cdf(bias + moved / (1.0 - acceleration * moved))
    };
    let tail = (1.0 - level) / 2.0;
    Interval { low: quantile(sorted, place(tail)), high: quantile(sorted, place(1.0 - tail)) }
}

/// How the spread changes with the value: a sixth of the influences' skewness, over all strata.
fn acceleration(left_out: &[&[f64]]) -> f64 {
    let (mut cubes, mut squares) = (0.0, 0.0);
    for stratum in left_out {
        let values: Vec<f64> = stratum.iter().copied().filter(|v| !v.is_nan()).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        for value in values {
            let influence = (n - 1.0) * (mean - value) / n;
            cubes += influence.powi(3);
            squares += influence.powi(2);
        }
    }
    // Influences that are rounding are none.
    if squares > 1e-24 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 }
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
