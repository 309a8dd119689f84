use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::manifest::Sample;

/// Samples that must stay together.
pub(super) struct Group {
    /// Their positions among the samples.
    pub(super) members: Vec<usize>,
    /// How many there are of each class that is present: (class, count), by class.
    pub(super) counts: Vec<(usize, usize)>,
}

/// The samples of a data set as groups, in the order in which they are given away.
pub(super) struct Grouped {
    /// The classes, sorted; samples without a label are the class "".
    pub(super) classes: Vec<String>,
    /// The groups, the largest first, equal ones by hash.
    pub(super) groups: Vec<Group>,
    /// How many samples have no group.
    pub(super) ungrouped: usize,
}

/// What names a group: the value of the group column, or else the sample's own name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Group(&'a str),
    Name(&'a str),
}

impl Key<'_> {
    fn hash(self, seed: u64) -> [u8; 32] {
        let (kind, text) = match self {
            Self::Group(text) => (0_u8, text),
            Self::Name(text) => (1, text),
        };
        Sha256::new().chain_update(seed.to_le_bytes()).chain_update([kind]).chain_update(text).finalize().into()
    }
}

/// Collects the samples at `members` into groups.
pub(super) fn grouped(samples: &[Sample], members: impl Iterator<Item = usize>, seed: u64) -> Grouped {
    let mut by_key: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
    let mut ungrouped = 0;
    for index in members {
        let sample = &samples[index];
        ungrouped += usize::from(sample.group.is_none());
        let key = sample.group.as_deref().map_or(Key::Name(&sample.name), Key::Group);
        by_key.entry(key).or_default().push(index);
    }
    let classes: BTreeSet<&str> = by_key.values().flatten().map(|&i| label(&samples[i])).collect();
    let classes: Vec<String> = classes.into_iter().map(Into::into).collect();
    let mut groups: Vec<([u8; 32], Group)> = by_key
        .into_iter()
        .map(|(key, members)| {
            let mut counts = BTreeMap::new();
            for &member in &members {
                let class = classes.binary_search_by(|c| c.as_str().cmp(label(&samples[member]))).unwrap_or_default();
                *counts.entry(class).or_default() += 1;
            }
            (key.hash(seed), Group { members, counts: counts.into_iter().collect() })
        })
        .collect();
    // Stable: the keys decide where two hashes are equal, which they never are.
    groups.sort_by(|(a_hash, a), (b_hash, b)| b.members.len().cmp(&a.members.len()).then(a_hash.cmp(b_hash)));
    Grouped { classes, groups: groups.into_iter().map(|(_, group)| group).collect(), ungrouped }
}

fn label(sample: &Sample) -> &str {
    sample.label.as_deref().unwrap_or_default()
}
