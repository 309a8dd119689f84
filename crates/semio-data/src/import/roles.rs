//! Which column is the class, the part, the patient and the mask.

use std::path::Path;

use super::{
    Draft, ImportError, ImportOptions, Kind, Layout, divided_groups,
    sheet::plain,
    sizes::{MaskCheck, Sizes},
};
use crate::{
    manifest::{Split, find_file},
    raster::frame_name,
};

const LABEL: [&str; 7] = ["label", "class", "finding", "diagnosis", "category", "target", "dx"];
const SPLIT: [&str; 3] = ["split", "subset", "partition"];
const GROUP: [&str; 7] = ["group", "patient", "patient_id", "subject", "subject_id", "case_id", "patientid"];
const MASK: [&str; 3] = ["mask", "mask_path", "mask_file"];

/// Moves the columns with a meaning out of the further ones.
pub(super) fn assign(
    draft: &mut Draft,
    root: &Path,
    layout: Layout,
    options: &ImportOptions,
) -> Result<(), ImportError> {
    let folder = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    let named = &options.columns;
    let is_table = layout == Layout::Table;
    let place = |draft: &Draft, named: &Option<String>, usual: &[&str], advice| match named {
        Some(name) => match draft.columns.iter().position(|c| c == name) {
            Some(place) => Ok(Some(place)),
            None => Err(ImportError::NoColumn {
                path: root.to_owned(),
                column: name.clone(),
                present: draft.columns.join(", "),
                advice,
            }),
        },
        None => Ok(usual.iter().find_map(|name| draft.columns.iter().position(|c| plain(c) == plain(name)))),
    };

    let usual: &[&str] = if is_table { &["frame"] } else { &[] };
    if let Some(place) = place(draft, &named.frame, usual, "Name one of them with --frame-column")? {
        let mut odd = vec![];
        for (sample, value) in take(draft, "frame", place) {
            match value.map(|value| value.parse()) {
                None => {}
                Some(Ok(frame)) => {
                    sample.frame = Some(frame);
                    sample.name = frame_name(&sample.name, frame);
                }
                Some(Err(_)) => odd.push(sample.name.clone()),
            }
        }
        for name in odd {
            let text = "rows have a frame that is no number from 1 on, and the first is read";
            draft.findings.add(Kind::NoFrame, text, name);
        }
    }
    let usual: &[&str] = if is_table { &LABEL } else { &[] };
    match place(draft, &named.label, usual, "Name one of them with --label-column")? {
        Some(place) => {
            for (sample, value) in take(draft, "label", place) {
                sample.label = value;
            }
        }
        None if is_table => {
            return Err(ImportError::NoColumn {
                path: root.to_owned(),
                column: "label".into(),
                present: draft.columns.join(", "),
                advice: "Name the right one with --label-column",
            });
        }
        None => {}
    }
    if let Some(place) = place(draft, &named.split, &SPLIT, "Name one of them with --split-column")? {
        let mut spelled = vec![];
        for (sample, value) in take(draft, "split", place) {
            sample.split = value.as_deref().and_then(Split::from_name);
            if let (Some(value), None) = (value, sample.split) {
                spelled.push((
                    format!("pictures have the part '{value}', none of train, val and test"),
                    sample.name.clone(),
                ));
            }
        }
        for (text, name) in spelled {
            draft.findings.add(Kind::WithoutSplit, &text, name);
        }
    }
    let usual: &[&str] = if layout == Layout::Rsna || is_table { &GROUP } else { &[] };
    if let Some(place) = place(draft, &named.group, usual, "Name one of them with --group-column; --join brings more")?
    {
        for (sample, value) in take(draft, "group", place) {
            sample.group = value;
        }
    }
    let usual: &[&str] = if is_table && options.masks.is_none() { &MASK } else { &[] };
    if let Some(place) = place(draft, &named.mask, usual, "Name one of them with --mask-column")? {
        let mut faults = vec![];
        for (sample, value) in take(draft, "mask", place) {
            sample.mask = value.map(|mask| find_file(folder, &mask)).filter(|(_, found)| *found).map(|(mask, _)| mask);
            faults.push((sample.name.clone(), sample.file.clone(), sample.mask.clone()));
        }
        for (name, file, mask) in faults {
            match mask {
                Some(mask) => {
                    Sizes::of(&file).check_mask(&MaskCheck { name: &name, mask: &mask }, &mut draft.findings);
                }
                None => draft.findings.add(Kind::PictureWithoutMask, "pictures have no mask", name),
            }
        }
    }
    Ok(())
}

/// Takes one column out of the further ones: every sample with its value.
fn take<'d>(
    draft: &'d mut Draft,
    purpose: &'static str,
    place: usize,
) -> impl Iterator<Item = (&'d mut crate::Sample, Option<String>)> + use<'d> {
    let column = draft.columns.remove(place);
    if column != purpose {
        draft.taken.push((purpose, column));
    }
    draft.samples.iter_mut().map(move |sample| {
        let value = Some(sample.extra.remove(place)).filter(|value| !value.is_empty());
        (sample, value)
    })
}

/// Checks that hold for every layout.
pub(super) fn check(draft: &mut Draft, layout: Layout) {
    let Draft { samples, findings, .. } = draft;
    if layout == Layout::Table {
        samples.retain(|sample| {
            if sample.label.is_none() {
                findings.add(
                    Kind::Unlabelled,
                    "rows have no class: they can be predicted, not learnt from",
                    &sample.name,
                );
            }
            true
        });
    }
    let labelled = || samples.iter().filter(|sample| sample.label.is_some());
    let (groups, splits) = (labelled().any(|s| s.group.is_some()), labelled().any(|s| s.split.is_some()));
    if !groups {
        let text = "pictures are of unknown patients: a split may put one patient on both sides, and figures may be too \
                    good; name their column with --group-column, in a further table with --join";
        labelled().for_each(|_| findings.add(Kind::PatientsUnknown, text, ""));
    }
    for sample in labelled() {
        if groups && sample.group.is_none() {
            findings.add(Kind::WithoutGroup, "pictures have no patient while others have one", &sample.name);
        }
        if splits && sample.split.is_none() {
            findings.add(Kind::WithoutSplit, "pictures have no part while others have one", &sample.name);
        }
    }
    for divided in divided_groups(samples) {
        findings.add(Kind::DividedGroup, "patients have pictures in more than one part", divided.to_string());
    }
    // One file, several rows: the manifest's reader keeps the first of equal ones and refuses the others.
    let mut seen = std::collections::HashMap::new();
    for sample in samples.iter() {
        match seen.insert(sample.place(), (&sample.label, sample.split, &sample.group)) {
            None => {}
            Some(earlier) if earlier == (&sample.label, sample.split, &sample.group) => {
                findings.add(Kind::RepeatedRow, "rows repeat a picture", &sample.name);
            }
            Some(_) => {
                findings.add(Kind::Contradiction, "rows give one picture another class, part or patient", &sample.name);
            }
        }
    }
}
