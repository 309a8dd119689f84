//! What a model was made from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Leak, hex};

/// The data behind a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataUsed {
    /// Where it lay, as the user spelled it.
    pub source: String,
    /// SHA-256 over names, labels, parts, groups and contents.
    pub sha256: String,
    /// Pictures a part and class: part → class → count.
    pub counts: BTreeMap<String, BTreeMap<String, usize>>,
    /// What a group is.
    #[serde(default, skip_serializing_if = "GroupKind::is_unsaid")]
    pub group_kind: GroupKind,
    /// Whether pictures of one patient (or other group) were kept on one side; `None` where groups are unknown.
    pub groups_kept_together: Option<bool>,
    /// What the parts know of each other; `None` in bundles that were written before this was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<Leak>,
}

/// What holds the pictures of a group together. Figures by patient say more than figures by look-alikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKind {
    /// A group is a patient.
    Patients,
    /// A group is a cluster of pictures that look alike; which are of one patient is not known.
    LookAlikes,
    /// It was not said.
    #[default]
    Unsaid,
}

impl GroupKind {
    /// What the name of a list's column tells: `patient`, `subject_id` and the like are patients, `appearance_cluster` and
    /// the like are look-alikes.
    pub fn of_column(name: &str) -> Self {
        let name = name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["patient", "subject"]) {
            Self::Patients
        } else if has(&["cluster", "duplicate", "alike"]) {
            Self::LookAlikes
        } else {
            Self::Unsaid
        }
    }

    /// Whether nothing was said.
    pub fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }

    /// What groups are called, in English.
    pub fn words(self) -> &'static str {
        match self {
            Self::Patients => "patients",
            Self::LookAlikes => "groups of look-alikes",
            Self::Unsaid => "patients (or groups)",
        }
    }
}

/// The pictures that a model was made from, by the content of their files: `pictures.json`.
///
/// A judgement on other data looks here whether it judges what the model has learned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pictures {
    /// The first 16 hexadecimal digits of each file's SHA-256, for each part.
    parts: BTreeMap<String, BTreeSet<String>>,
}

impl Pictures {
    /// Takes note of one picture by the SHA-256 of its file.
    pub fn insert(&mut self, part: &str, sha256: &[u8; 32]) {
        self.parts.entry(part.to_owned()).or_default().insert(digits(sha256));
    }

    /// Looks up pictures by the SHA-256 of their files.
    pub fn seen<'a>(&self, pictures: impl Iterator<Item = &'a [u8; 32]>) -> Seen {
        let mut seen = Seen::default();
        for sha256 in pictures {
            let digits = digits(sha256);
            let in_part = |part: &str| self.parts.get(part).is_some_and(|known| known.contains(&digits));
            // A picture that stands in several parts counts for what it did most.
            let place = match () {
                () if in_part("train") => &mut seen.learned_from,
                () if in_part("val") => &mut seen.chose,
                () if in_part("test") => &mut seen.set_aside,
                () => &mut seen.new,
            };
            *place += 1;
        }
        seen
    }
}

fn digits(sha256: &[u8; 32]) -> String {
    hex(&sha256[..8])
}

/// What the judged pictures are to the model, told by the content of their files. The same picture in another format
/// counts as new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// It learned from them.
    pub learned_from: usize,
    /// They were its validation part: they chose an epoch, or say how sure it is.
    pub chose: usize,
    /// They were set aside when it was made.
    pub set_aside: usize,
    /// They are none of its data.
    pub new: usize,
}

impl Seen {
    /// Whether all pictures come from the data that the model was made from.
    pub fn is_own(self) -> bool {
        self.new == 0 && self.learned_from + self.chose + self.set_aside > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_content() {
        let [train, val, test, other] = [1, 2, 3, 4].map(|byte| [byte; 32]);
        let mut pictures = Pictures::default();
        pictures.insert("train", &train);
        pictures.insert("val", &val);
        pictures.insert("test", &test);
        // The same file in two parts was learned from, whatever else it did.
        pictures.insert("test", &train);
        let seen = pictures.seen([&train, &val, &test, &other].into_iter());
        assert_eq!(seen, Seen { learned_from: 1, chose: 1, set_aside: 1, new: 1 });
        assert!(!seen.is_own());
        assert!(pictures.seen([&val, &test].into_iter()).is_own());
        assert!(!pictures.seen(std::iter::empty()).is_own());
    }

    #[test]
    fn columns_tell_what_groups_are() {
        assert_eq!(GroupKind::of_column("nih_patient"), GroupKind::Patients);
        assert_eq!(GroupKind::of_column("Subject_ID"), GroupKind::Patients);
        assert_eq!(GroupKind::of_column("appearance_cluster"), GroupKind::LookAlikes);
        assert_eq!(GroupKind::of_column("group"), GroupKind::Unsaid);
    }
}
