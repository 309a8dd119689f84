//! How far the parts of a data set know each other: patients, duplicates and near duplicates on more than one side.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
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

impl Link {
    /// The word in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Exact => "exact",
            Self::Near => "near",
        }
    }
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
    /// Whether nearly the same pictures were sought; not so where there are more than [`MOST_COMPARED`].
    pub near_sought: bool,
}

/// Most pictures among which nearly the same ones are sought before a training; beyond, only the same picture is found, and
/// who asks is told ([`Alike::near_sought`]). A tree spares most comparisons, and fewer where pictures are much alike: larger
/// sets of radiographs were not timed. [`crate::explore`] seeks them in sets of any size.
pub const MOST_COMPARED: usize = 60_000;

/// Which pictures of a data set are the same, or nearly, by the samples' places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// Groups of the same picture.
    pub exact: Vec<Vec<usize>>,
    /// Groups of the same or nearly the same picture.
    pub groups: Vec<Vec<usize>>,
    /// Files that could not be read, and so could not be compared.
    pub unreadable: Vec<usize>,
    /// Whether nearly the same pictures were sought.
    pub near_sought: bool,
}

impl Alike {
    /// Reads the pictures and compares each with all others.
    ///
    /// `progress` hears how many are read.
    pub fn find(samples: &[Sample], limits: &ReadLimits, progress: &(dyn Fn(usize) + Sync)) -> Self {
        Self::among(samples, |_| true, limits, progress)
    }

    fn among(
        samples: &[Sample],
        wanted: impl Fn(&Sample) -> bool + Sync,
        limits: &ReadLimits,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Self {
        let done = AtomicUsize::new(0);
        let fingerprints: Vec<Option<Fingerprint>> = samples
            .par_iter()
            .map(|sample| {
                let fingerprint = if wanted(sample) { Fingerprint::read(sample, limits) } else { None };
                progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                fingerprint
            })
            .collect();
        let near_sought = samples.len() <= MOST_COMPARED;
        let exact = likeness::exact(&fingerprints);
        let near = if near_sought { likeness::near(samples, &fingerprints, limits) } else { vec![] };
        let groups = likeness::groups(samples.len(), &exact, &near);
        let unread = |i: &usize| wanted(&samples[*i]) && fingerprints[*i].is_none();
        let unreadable = (0..samples.len()).filter(unread).collect();
        Self { exact, groups, unreadable, near_sought }
    }

    /// What the samples' parts know of each other.
    pub fn leaks(&self, samples: &[Sample]) -> LeakReport {
        let mut report = compare(samples, &self.exact, &self.groups);
        report.unreadable.clone_from(&self.unreadable);
        report.near_sought = self.near_sought;
        report
    }

    /// The samples with groups that hold what is alike together besides what belongs to one patient: what a split is
    /// made by, so that neither is divided.
    pub fn kept_together(&self, samples: &[Sample]) -> Vec<Sample> {
        let mut joined: Vec<Vec<usize>> = self.groups.clone();
        let mut patients: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, sample) in samples.iter().enumerate() {
            if let Some(group) = &sample.group {
                patients.entry(group).or_default().push(i);
            }
        }
        joined.extend(patients.into_values().filter(|members| members.len() > 1));
        let mut kept = samples.to_vec();
        for members in likeness::groups(samples.len(), &joined, &[]) {
            // The same name whatever the rows' order; a patient alone keeps his own, and so the split that it had.
            let names: BTreeSet<&str> = members.iter().filter_map(|&i| samples[i].group.as_deref()).collect();
            let all = members.iter().all(|&i| samples[i].group.is_some());
            let first = members.iter().map(|&i| samples[i].name.as_str()).min().unwrap_or_default();
            let name = match names.first() {
                Some(&only) if names.len() == 1 && all => only.to_owned(),
                _ => format!("alike: {first}"),
            };
            for i in members {
                kept[i].group = Some(name.clone());
            }
        }
        kept
    }
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
    Alike::among(samples, |sample| sample.split.is_some(), limits, progress).leaks(samples)
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
        near_sought: true,
    }
}
