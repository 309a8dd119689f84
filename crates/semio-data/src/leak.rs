//! How far the parts of a data set know each other: patients, duplicates and near duplicates on more than one side.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    likeness::{self, Fingerprint},
    manifest::{Sample, Split},
    raster::ReadLimits,
};

/// Why a picture is not independent of another part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// A picture of the same patient is there.
    Patient,
    /// The same picture is there.
    Exact,
    /// Nearly the same picture is there.
    Near,
}

/// A picture that another part knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// Its place among the samples.
    pub sample: usize,
    /// Why.
    pub links: BTreeSet<Link>,
}

/// How much of one part is known to the parts before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartLeak {
    /// Pictures in the part.
    pub pictures: usize,
    /// Those with a patient, a duplicate or a near duplicate in a part before.
    pub touched: Vec<Touched>,
}

impl PartLeak {
    /// The share that is touched, 0 to 1; 0 for an empty part.
    pub fn share(&self) -> f64 {
        if self.pictures == 0 { 0.0 } else { self.touched.len() as f64 / self.pictures as f64 }
    }

    /// How many are touched by one kind of link.
    pub fn by(&self, link: Link) -> usize {
        self.touched.iter().filter(|touched| touched.links.contains(&link)).count()
    }
}

/// What the parts of a data set know of each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LeakReport {
    /// Patients with pictures in more than one part; `None` where patients are unknown.
    pub patients: Option<usize>,
    /// Groups of the same picture that lie in more than one part, by the samples' places.
    pub exact: Vec<Vec<usize>>,
    /// Groups of nearly the same picture that lie in more than one part.
    pub near: Vec<Vec<usize>>,
    /// The validation part as the training part knows it, and the test part as both know it.
    pub parts: BTreeMap<Split, PartLeak>,
    /// Files that could not be read, and so could not be compared, by the samples' places.
    pub unreadable: Vec<usize>,
}

impl LeakReport {
    /// Whether any part knows another.
    pub fn is_clean(&self) -> bool {
        self.patients.unwrap_or(0) == 0 && self.parts.values().all(|part| part.touched.is_empty())
    }
}

/// Reads all pictures with a part and compares the parts.
///
/// `progress` hears how many are read.
pub fn leaks(samples: &[Sample], limits: &ReadLimits, progress: &(dyn Fn(usize) + Sync)) -> LeakReport {
    let done = AtomicUsize::new(0);
    let fingerprints: Vec<Option<Fingerprint>> = samples
        .par_iter()
        .map(|sample| {
            let fingerprint = sample.split.and_then(|_| Fingerprint::read(&sample.file, limits));
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            fingerprint
        })
        .collect();
    let files: Vec<&Path> = samples.iter().map(|sample| sample.file.as_path()).collect();
    let exact = likeness::exact(&fingerprints);
    let near = likeness::near(&files, &fingerprints, limits);
    let mut report = compare(samples, &exact, &likeness::groups(samples.len(), &exact, &near));
    let unread = |i: &usize| samples[*i].split.is_some() && fingerprints[*i].is_none();
    report.unreadable = (0..samples.len()).filter(unread).collect();
    report
}

/// Compares the parts by groups of the same (`exact`) and of the same or nearly the same pictures (`alike`).
pub(crate) fn compare(samples: &[Sample], exact: &[Vec<usize>], alike: &[Vec<usize>]) -> LeakReport {
    let mut links: HashMap<usize, BTreeSet<Link>> = HashMap::new();
    let mut mark = |group: &[usize], link: Link| {
        let first = group.iter().filter_map(|&i| samples[i].split).min();
        for &i in group.iter().filter(|&&i| samples[i].split.is_some_and(|split| Some(split) > first)) {
            links.entry(i).or_default().insert(link);
        }
    };
    let mut patients: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, sample) in samples.iter().enumerate() {
        if let Some(group) = &sample.group {
            patients.entry(group).or_default().push(i);
        }
    }
    for group in patients.values() {
        mark(group, Link::Patient);
    }
    for group in exact {
        mark(group, Link::Exact);
    }
    // What is the same is not nearly the same, too.
    let same: HashMap<usize, usize> =
        exact.iter().enumerate().flat_map(|(n, group)| group.iter().map(move |&i| (i, n))).collect();
    let is_near = |group: &&Vec<usize>| {
        let first = same.get(&group[0]);
        first.is_none() || group.iter().any(|i| same.get(i) != first)
    };
    for group in alike.iter().filter(is_near) {
        mark(group, Link::Near);
    }
    let across = |group: &&Vec<usize>| {
        let parts: BTreeSet<Split> = group.iter().filter_map(|&i| samples[i].split).collect();
        parts.len() > 1
    };
    let mut parts = BTreeMap::new();
    for split in samples.iter().filter_map(|sample| sample.split).filter(|&split| split != Split::Train) {
        parts.entry(split).or_insert_with(PartLeak::default).pictures += 1;
    }
    let mut touched: Vec<Touched> = links.into_iter().map(|(sample, links)| Touched { sample, links }).collect();
    touched.sort_by_key(|touched| touched.sample);
    for touched in touched {
        if let Some(part) = samples[touched.sample].split.and_then(|split| parts.get_mut(&split)) {
            part.touched.push(touched);
        }
    }
    LeakReport {
        patients: (!patients.is_empty()).then(|| patients.values().filter(across).count()),
        exact: exact.iter().filter(across).cloned().collect(),
        near: alike.iter().filter(is_near).filter(across).cloned().collect(),
        parts,
        unreadable: vec![],
    }
}
