//! Pictures unlike the rest of their class: simple measures far out, or another look as a whole.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    measure::{LOOK, Measured},
    statistics::quantile,
};
use crate::manifest::Sample;

/// How many are listed at most.
const SHOWN: usize = 24;

/// How far from the median a value lies that is listed, in standard deviations as the median absolute deviation gives
/// them; of a normal distribution one in 1.7 million lies so far.
const FAR: f64 = 5.0;

/// A class with fewer pictures has no rest to be unlike.
const FEWEST: usize = 8;

/// A picture unlike the rest of its class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outlier {
    /// How the manifest spells it.
    pub file: String,
    /// Its class.
    pub label: Option<String>,
    /// What is unlike, in words.
    pub reason: String,
    /// How far out it lies, in robust standard deviations.
    pub score: f64,
    /// Its place among the samples.
    #[serde(skip)]
    pub(super) place: usize,
}

pub(super) fn find(samples: &[Sample], measured: &[Result<Measured, String>]) -> Vec<Outlier> {
    let mut classes: BTreeMap<Option<&str>, Vec<(usize, &Measured)>> = BTreeMap::new();
    for (i, (sample, measured)) in samples.iter().zip(measured).enumerate() {
        if let Ok(measured) = measured {
            classes.entry(sample.label.as_deref()).or_default().push((i, measured));
        }
    }
    let mut found: BTreeMap<usize, (f64, String)> = BTreeMap::new();
    for members in classes.values().filter(|members| members.len() >= FEWEST) {
        let centre = centre(members);
        // Fisher's transformation makes the skewed correlations comparable with normal values.
        let fisher = |r: f64| r.clamp(-0.9999, 0.9999).atanh();
        let looks: Vec<f64> = members.iter().map(|(_, m)| fisher(correlation(&m.look, &centre))).collect();
        let measure = |of: fn(&Measured) -> f64| members.iter().map(|(_, m)| of(m)).collect::<Vec<f64>>();
        let ratio = |m: &Measured| (f64::from(m.width) / f64::from(m.height)).ln();
        for (values, low, high) in [
            (measure(|m| f64::from(m.brightness)), "much darker than the rest", "much brighter than the rest"),
            (measure(|m| f64::from(m.contrast)), "much flatter than the rest", "much more contrast than the rest"),
            (measure(ratio), "much narrower than the rest", "much wider than the rest"),
            (looks, "looks unlike the rest", ""),
        ] {
            for (&(place, _), score) in members.iter().zip(scores(&values)) {
                let reason = if score < 0.0 { low } else { high };
                let better = found.get(&place).is_none_or(|(so_far, _)| score.abs() > *so_far);
                if score.abs() >= FAR && !reason.is_empty() && better {
                    found.insert(place, (score.abs(), reason.to_owned()));
                }
            }
        }
    }
    let mut outliers: Vec<Outlier> = found
        .into_iter()
        .map(|(place, (score, reason))| {
            let sample = &samples[place];
            let score = (score * 10.0).round() / 10.0;
            Outlier { file: sample.name.clone(), label: sample.label.clone(), reason, score, place }
        })
        .collect();
    outliers.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.place.cmp(&b.place)));
    outliers.truncate(SHOWN);
    outliers
}

/// How far each value lies from the median, in robust standard deviations; all 0 where more than half are equal.
fn scores(values: &[f64]) -> Vec<f64> {
    let median = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        quantile(&values, 0.5)
    };
    let middle = median(values.to_vec());
    // 1.4826: the normal distribution's standard deviation over its median absolute deviation.
    let deviation = 1.4826 * median(values.iter().map(|v| (v - middle).abs()).collect());
    values.iter().map(|v| if deviation > 1e-9 { (v - middle) / deviation } else { 0.0 }).collect()
}

/// The class's usual look: the mean of its pictures', each with the same weight.
fn centre(members: &[(usize, &Measured)]) -> [f64; LOOK * LOOK] {
    let mut sum = [0.0; LOOK * LOOK];
    for (_, m) in members {
        let length = m.look.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt().max(1.0);
        for (sum, &v) in sum.iter_mut().zip(&m.look) {
            *sum += f64::from(v) / length;
        }
    }
    sum
}

fn correlation(look: &[i8; LOOK * LOOK], centre: &[f64; LOOK * LOOK]) -> f64 {
    let dot: f64 = look.iter().zip(centre).map(|(&a, b)| f64::from(a) * b).sum();
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let (a, b) = (length(&mut look.iter().map(|&v| f64::from(v))), length(&mut centre.iter().copied()));
    if a * b > 0.0 { dot / (a * b) } else { 0.0 }
}
