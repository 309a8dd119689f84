//! The leak meter before a training: what the parts know of each other.

use std::collections::{BTreeMap, BTreeSet};

use semio_data::{
    Sample,
    leak::{Alike, LeakReport, Link},
    split::divided_groups,
};
use semio_model::{Leak, PartLeak};

/// The column of a run's list that says why a picture is known to an earlier part.
pub(crate) const COLUMN: &str = "leak";
/// What stands for the parts of a cross-validation.
pub(crate) const FOLDS: &str = "all folds";

/// What was measured.
pub(crate) struct Measured {
    pub(crate) leak: Leak,
    /// By the samples' places: why each known picture is known.
    pub(crate) touched: BTreeMap<usize, BTreeSet<Link>>,
    /// One example in words, for an error.
    pub(crate) first: Option<String>,
}

impl Measured {
    /// Measures samples that have their parts.
    pub(crate) fn of(samples: &[Sample], alike: &Alike) -> Self {
        let report = alike.leaks(samples);
        let part = |(split, part): (&semio_data::Split, &semio_data::leak::PartLeak)| {
            let by = |link| part.by(link);
            let counted = PartLeak {
                pictures: part.pictures,
                touched: part.touched.len(),
                by_group: by(Link::Patient),
                exact: by(Link::Exact),
                near: by(Link::Near),
            };
            (split.name().to_owned(), counted)
        };
        Self {
            leak: Leak {
                groups: report.patients,
                exact: report.exact.len(),
                near: report.near_sought.then_some(report.near.len()),
                parts: report.parts.iter().map(part).collect(),
            },
            first: example(samples, &report),
            touched: report.parts.into_values().flat_map(|p| p.touched).map(|t| (t.sample, t.links)).collect(),
        }
    }

    /// Measures samples of which each group, or each that is alike, is held out together: what is alike in two groups
    /// stands on both sides of a fold.
    pub(crate) fn of_folds(samples: &[Sample], alike: &Alike, by_group: bool) -> Self {
        let mut touched: BTreeMap<usize, BTreeSet<Link>> = BTreeMap::new();
        let spans =
            |members: &&Vec<usize>| by_group && members.iter().any(|&i| samples[i].group != samples[members[0]].group);
        let exact: Vec<&Vec<usize>> = alike.exact.iter().filter(spans).collect();
        let near: Vec<&Vec<usize>> = alike.groups.iter().filter(|g| spans(g) && !alike.exact.contains(g)).collect();
        for (groups, link) in [(&exact, Link::Exact), (&near, Link::Near)] {
            for &i in groups.iter().copied().flatten() {
                touched.entry(i).or_default().insert(link);
            }
        }
        let by = |link| touched.values().filter(|links| links.contains(&link)).count();
        let part = PartLeak {
            pictures: samples.len(),
            touched: touched.len(),
            by_group: 0,
            exact: by(Link::Exact),
            near: by(Link::Near),
        };
        let first = exact.first().or(near.first()).map(|members| {
            let other = members.iter().find(|&&i| samples[i].group != samples[members[0]].group);
            let name = |i: usize| samples[i].name.as_str();
            format!("{} and {} of two groups", name(members[0]), other.map_or("", |&i| name(i)))
        });
        Self {
            leak: Leak {
                groups: samples.iter().any(|s| s.group.is_some()).then_some(0),
                exact: exact.len(),
                near: alike.near_sought.then_some(near.len()),
                parts: BTreeMap::from([(FOLDS.to_owned(), part)]),
            },
            touched,
            first,
        }
    }

    /// Why a picture is known, as it stands in a list; empty where it is not.
    pub(crate) fn cell(&self, sample: usize) -> String {
        let links = self.touched.get(&sample);
        links.map_or_else(String::new, |l| l.iter().map(|link| link.name()).collect::<Vec<_>>().join("|"))
    }
}

/// The counts in words: `1 of 7 groups (patients) has pictures in more than one part; …`.
pub(crate) fn counts(leak: &Leak, all_groups: Option<usize>) -> String {
    let mut said = vec![];
    if let Some(divided) = leak.groups.filter(|n| *n > 0) {
        let of = all_groups.map_or_else(String::new, |all| format!(" of {all}"));
        said.push(format!("{divided}{of} groups (patients) have pictures in more than one part"));
    }
    let groups = |n: usize, what: &str| {
        let (pictures, stand) = if n == 1 { ("picture", "stands") } else { ("pictures", "stand") };
        format!("{n} {pictures} {stand} {what} in more than one part")
    };
    if leak.exact > 0 {
        said.push(groups(leak.exact, "unchanged"));
    }
    if let Some(near) = leak.near.filter(|n| *n > 0) {
        said.push(groups(near, "nearly unchanged"));
    }
    let share = |(name, part): (&str, &PartLeak)| {
        let percent = 100.0 * part.share();
        format!("{} of {} {name} pictures ({percent:.1} %)", part.touched, part.pictures)
    };
    let touched: Vec<String> = leak.touched().map(share).collect();
    if !touched.is_empty() {
        said.push(format!("touched are {}", touched.join(" and ")));
    }
    said.join("; ")
}

fn example(samples: &[Sample], report: &LeakReport) -> Option<String> {
    if let Some(group) = divided_groups(samples).first() {
        return Some(group.to_string());
    }
    let (group, how) = match (report.exact.first(), report.near.first()) {
        (Some(group), _) => (group, "the same picture"),
        (None, Some(group)) => (group, "nearly the same picture"),
        (None, None) => return None,
    };
    let first = &samples[group[0]];
    let other = group.iter().map(|&i| &samples[i]).find(|s| s.split != first.split)?;
    let place = |s: &Sample| format!("{} ({})", s.name, s.split.map_or("", semio_data::Split::name));
    Some(format!("{} is {how} as {}", place(first), place(other)))
}
