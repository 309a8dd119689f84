use serde::{Deserialize, Serialize};

use super::{
    SplitError, SplitReport,
    greedy::distribute,
    groups::{Grouped, grouped},
};
use crate::manifest::{Sample, Split};

/// How a data set is divided; only the proportions count, so that 80 : 20 : 0 may be said too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    /// Share for training.
    pub train: f64,
    /// Share for validation; zero for none.
    pub val: f64,
    /// Share for the test; zero for none.
    pub test: f64,
}

impl Default for Ratios {
    fn default() -> Self {
        Self { train: 0.7, val: 0.15, test: 0.15 }
    }
}

impl Ratios {
    /// The shares of train, val and test, which add up to one.
    ///
    /// # Errors
    /// [`SplitError::Ratios`] where one is negative or not a number, or train is zero.
    pub fn shares(self) -> Result<[f64; 3], SplitError> {
        let Self { train, val, test } = self;
        let sum = train + val + test;
        if !sum.is_finite() || train <= 0.0 || val < 0.0 || test < 0.0 {
            return Err(SplitError::Ratios { train, val, test });
        }
        Ok([train / sum, val / sum, test / sum])
    }
}

/// The part of every sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The parts, in the order of the samples.
    pub parts: Vec<Split>,
    /// The ratios reached.
    pub report: SplitReport,
}

impl Assignment {
    /// Writes the parts into the samples from which they were made.
    pub fn apply(&self, samples: &mut [Sample]) {
        for (sample, &part) in samples.iter_mut().zip(&self.parts) {
            sample.split = Some(part);
        }
    }
}

/// Divides the samples by `ratios`, whatever split they have.
///
/// # Errors
/// [`SplitError::Ratios`], or [`SplitError::TooFewGroups`] where there are fewer groups than parts.
pub fn split(samples: &[Sample], ratios: Ratios, seed: u64) -> Result<Assignment, SplitError> {
    let shares = ratios.shares()?;
    let grouped = grouped(samples, 0..samples.len(), seed);
    refuse_too_few(&grouped, shares.iter().filter(|&&share| share > 0.0).count())?;
    let part_of = distribute(&grouped, &shares);
    let mut parts = vec![Split::Train; samples.len()];
    for (group, &part) in grouped.groups.iter().zip(&part_of) {
        group.members.iter().for_each(|&member| parts[member] = Split::ALL[part]);
    }
    let names = Split::ALL.iter().zip(shares).map(|(part, share)| (part.name().to_owned(), Some(share))).collect();
    Ok(Assignment { parts, report: SplitReport::new(&grouped, &part_of, names) })
}

/// Takes the split that the source gives, and makes one by `ratios` where it gives none.
///
/// Where the source names train and perhaps test, but no val, a val part is cut from train: as much of it as `ratios`
/// gives to val of train and val together. Test stays untouched.
///
/// # Errors
/// [`SplitError::Mixed`] where only some samples have a split, [`SplitError::NoTrain`] where none is for training,
/// and those of [`split`].
pub fn assign(samples: &[Sample], ratios: Ratios, seed: u64) -> Result<Assignment, SplitError> {
    let parts: Vec<Split> = samples.iter().filter_map(|sample| sample.split).collect();
    if parts.is_empty() {
        return split(samples, ratios, seed);
    }
    if parts.len() < samples.len() {
        return Err(SplitError::Mixed { without: samples.len() - parts.len(), all: samples.len() });
    }
    if !parts.contains(&Split::Train) {
        return Err(SplitError::NoTrain);
    }
    let [train, val, _] = ratios.shares()?;
    if parts.contains(&Split::Val) || val == 0.0 {
        let report = report(samples, &parts, seed, [None; 3]);
        return Ok(Assignment { parts, report });
    }
    cut_val(samples, &parts, val / (train + val), seed)
}

/// Moves a share of the training part to val, by the rule of [`split`]; the other parts stay as they are.
///
/// A group that has samples outside of train, too, stays in train: it is divided already, see
/// [`divided_groups`](super::divided_groups).
///
/// # Errors
/// [`SplitError::Ratios`] where `share` is not between 0 and 1, [`SplitError::TooFewGroups`] where train has one group.
pub fn cut_val(samples: &[Sample], parts: &[Split], share: f64, seed: u64) -> Result<Assignment, SplitError> {
    let ratios = Ratios { train: 1.0 - share, val: share, test: 0.0 };
    let [train, val, _] = ratios.shares()?;
    let mut parts: Vec<Split> =
        parts.iter().copied().chain(std::iter::repeat(Split::Train)).take(samples.len()).collect();
    let elsewhere: std::collections::HashSet<&str> = samples
        .iter()
        .zip(&parts)
        .filter(|&(_, &part)| part != Split::Train)
        .filter_map(|(sample, _)| sample.group.as_deref())
        .collect();
    let free = |i: &usize| {
        parts[*i] == Split::Train && !samples[*i].group.as_deref().is_some_and(|group| elsewhere.contains(group))
    };
    let training = grouped(samples, (0..samples.len()).filter(free), seed);
    refuse_too_few(&training, 2)?;
    for (group, part) in training.groups.iter().zip(distribute(&training, &[train, val])) {
        group.members.iter().for_each(|&member| parts[member] = Split::ALL[part]);
    }
    let all = parts.len() as f64;
    let learning = parts.iter().filter(|&&part| part != Split::Test).count() as f64 / all;
    let report = report(samples, &parts, seed, [Some(train * learning), Some(val * learning), None]);
    Ok(Assignment { parts, report })
}

fn refuse_too_few(grouped: &Grouped, parts: usize) -> Result<(), SplitError> {
    let groups = grouped.groups.len();
    if groups < parts { Err(SplitError::TooFewGroups { groups, parts }) } else { Ok(()) }
}

/// Counts the parts that are given; a group on two sides counts on each.
fn report(samples: &[Sample], parts: &[Split], seed: u64, wanted: [Option<f64>; 3]) -> SplitReport {
    let mut all = grouped(samples, 0..samples.len(), seed);
    let mut part_of = Vec::new();
    let mut groups = Vec::new();
    for part in Split::ALL {
        let members = (0..samples.len()).filter(|&i| parts[i] == part);
        let here = grouped(samples, members, seed);
        for mut group in here.groups {
            for (class, _) in &mut group.counts {
                *class = all.classes.binary_search(&here.classes[*class]).unwrap_or_default();
            }
            groups.push(group);
            part_of.push(part as usize);
        }
    }
    all.groups = groups;
    let names = Split::ALL.iter().zip(wanted).map(|(part, share)| (part.name().to_owned(), share)).collect();
    SplitReport::new(&all, &part_of, names)
}
