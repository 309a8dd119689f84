//! One folder a class, perhaps below train, val and test.

use std::path::Path;

use super::{Draft, ImportError, Kind, folders, name_of};
use crate::manifest::{LeftOut, Manifest, ManifestOptions, Split};

pub(super) fn read(root: &Path) -> Result<Draft, ImportError> {
    let manifest = Manifest::load(root, &ManifestOptions::default())?;
    let mut draft = Draft { samples: manifest.samples, ..Draft::default() };
    for (reason, count) in &manifest.report.left_out {
        // A README is no news.
        if !matches!(reason, LeftOut::Hidden) {
            (0..*count).for_each(|_| draft.findings.add(Kind::PassedOver, &format!("passed over: {reason}"), ""));
        }
    }
    for folder in folders(root) {
        let parts = Split::from_name(&name_of(&folder)).map_or_else(|| vec![folder.clone()], |_| folders(&folder));
        for class in parts.iter().filter(|class| !draft.samples.iter().any(|s| s.file.starts_with(class))) {
            draft.findings.add(Kind::EmptyClass, "class folders hold no picture", super::name_below(root, class));
        }
    }
    Ok(draft)
}
