use super::{SplitError, SplitReport, greedy::distribute, groups::grouped};
use crate::manifest::{Sample, Split};

/// A division into folds, each of which is held out once.
#[derive(Clone, Debug, PartialEq)]
pub struct Folds {
    /// The fold in which each sample is held out, from 0.
    pub fold_of: Vec<usize>,
    /// The folds' names: their numbers from 1, or the group that is left out.
    pub names: Vec<String>,
    /// What each fold holds. It names folds by number, since a group may be a patient's number.
    pub report: SplitReport,
}

impl Folds {
    /// The number of folds.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none; never so for folds made by this module.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The part of every sample while one fold is held out: test for this fold, train for the others.
    pub fn parts(&self, fold: usize) -> Vec<Split> {
        self.fold_of.iter().map(|&f| if f == fold { Split::Test } else { Split::Train }).collect()
    }
}

/// Divides the samples into `k` folds of equal size, by the rule of [`split`](super::split()).
///
/// # Errors
/// [`SplitError::TooFewFolds`] below two, [`SplitError::TooFewGroups`] where there are fewer groups than folds.
pub fn folds(samples: &[Sample], k: usize, seed: u64) -> Result<Folds, SplitError> {
    if k < 2 {
        return Err(SplitError::TooFewFolds { folds: k });
    }
    let grouped = grouped(samples, 0..samples.len(), seed);
    if grouped.groups.len() < k {
        return Err(SplitError::TooFewGroups { groups: grouped.groups.len(), parts: k });
    }
    let share = 1.0 / k as f64;
    let part_of = distribute(&grouped, &vec![share; k]);
    let mut fold_of = vec![0; samples.len()];
    for (group, &fold) in grouped.groups.iter().zip(&part_of) {
        group.members.iter().for_each(|&member| fold_of[member] = fold);
    }
    let numbers: Vec<String> = (1..=k).map(|n| n.to_string()).collect();
    let rows = numbers.iter().map(|n| (format!("fold {n}"), Some(share))).collect();
    Ok(Folds { fold_of, names: numbers, report: SplitReport::new(&grouped, &part_of, rows) })
}

/// Makes each group a fold of its own, in the order of their names.
///
/// # Errors
/// [`SplitError::NoGroup`] where a sample has no group, [`SplitError::TooFewGroups`] where there is only one.
pub fn leave_one_group_out(samples: &[Sample]) -> Result<Folds, SplitError> {
    let count = samples.iter().filter(|sample| sample.group.is_none()).count();
    if count > 0 {
        return Err(SplitError::NoGroup { count });
    }
    let names: std::collections::BTreeSet<&String> = samples.iter().filter_map(|s| s.group.as_ref()).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    if names.len() < 2 {
        return Err(SplitError::TooFewGroups { groups: names.len(), parts: 2 });
    }
    let fold = |sample: &Sample| sample.group.as_ref().and_then(|g| names.binary_search(g).ok()).unwrap_or_default();
    let fold_of: Vec<usize> = samples.iter().map(fold).collect();
    let grouped = grouped(samples, 0..samples.len(), 0);
    let part_of: Vec<usize> = grouped.groups.iter().map(|group| fold_of[group.members[0]]).collect();
    let rows = (1..=names.len()).map(|n| (format!("fold {n}"), None)).collect();
    Ok(Folds { fold_of, names, report: SplitReport::new(&grouped, &part_of, rows) })
}
