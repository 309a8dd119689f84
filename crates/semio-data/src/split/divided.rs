use std::{collections::BTreeMap, fmt};

use crate::manifest::{Sample, Split};

/// A group with samples in more than one part.
///
/// Its text names files and not the group, which may be a patient's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DividedGroup {
    /// The group.
    pub group: String,
    /// How many samples it has in each part, and the first one's name.
    pub parts: BTreeMap<Split, (usize, String)>,
}

impl fmt::Display for DividedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one group has")?;
        for (i, (part, (count, name))) in self.parts.iter().enumerate() {
            let sign = if i == 0 { "" } else { " and" };
            write!(f, "{sign} {count} in {part} (such as {name})")?;
        }
        Ok(())
    }
}

/// Finds the groups that the samples' own split divides, sorted by name; none where all is well.
pub fn divided_groups(samples: &[Sample]) -> Vec<DividedGroup> {
    let mut groups: BTreeMap<&String, BTreeMap<Split, (usize, String)>> = BTreeMap::new();
    for sample in samples {
        if let (Some(group), Some(split)) = (&sample.group, sample.split) {
            groups.entry(group).or_default().entry(split).or_insert_with(|| (0, sample.name.clone())).0 += 1;
        }
    }
    let divided = groups.into_iter().filter(|(_, parts)| parts.len() > 1);
    divided.map(|(group, parts)| DividedGroup { group: group.clone(), parts }).collect()
}
