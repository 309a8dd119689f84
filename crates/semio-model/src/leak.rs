use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the parts of the data know of each other, as the leak meter found it before training.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leak {
    /// Groups (patients) with pictures in more than one part; `None` where groups are unknown.
    pub groups: Option<usize>,
    /// Groups of the same picture that lie in more than one part.
    pub exact: usize,
    /// Groups of nearly the same picture that lie in more than one part; `None` where there were too many pictures to
    /// seek them.
    pub near: Option<usize>,
    /// What each part knows of the parts before it; of a cross-validation, what the folds know of each other.
    pub parts: BTreeMap<String, PartLeak>,
}

/// Pictures of one part that a part before it knows, counted by why; one picture may count for several reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartLeak {
    /// Pictures in the part.
    pub pictures: usize,
    /// Those that are known.
    pub touched: usize,
    /// A picture of the same group (patient) is there.
    pub by_group: usize,
    /// The same picture is there.
    pub exact: usize,
    /// Nearly the same picture is there.
    pub near: usize,
}

impl PartLeak {
    /// The share that is touched, 0 to 1; 0 for an empty part.
    pub fn share(&self) -> f64 {
        if self.pictures == 0 { 0.0 } else { self.touched as f64 / self.pictures as f64 }
    }
}

impl Leak {
    /// Whether no part knows another.
    pub fn is_clean(&self) -> bool {
        self.groups.unwrap_or(0) == 0 && self.parts.values().all(|part| part.touched == 0)
    }

    /// The parts with pictures that a part before them knows.
    pub fn touched(&self) -> impl Iterator<Item = (&str, &PartLeak)> {
        self.parts.iter().filter(|(_, part)| part.touched > 0).map(|(name, part)| (name.as_str(), part))
    }
}
