use std::{
    collections::{BTreeSet, HashMap, HashSet},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use super::{
    Manifest, ManifestError, ManifestOptions, Purpose, Sample, Split,
    error::first_names,
    report::{LeftOut, LoadReport},
};
use crate::raster::frame_name;

/// One row as the source has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) file: PathBuf,
    pub(super) frame: Option<NonZeroU32>,
    /// How the source spells the file.
    pub(super) name: String,
    /// Whether the file, and the mask where one is named, is there.
    pub(super) found: bool,
    pub(super) label: Option<String>,
    /// The split as spelled; `None` where the source has no splits.
    pub(super) split: Option<String>,
    pub(super) group: Option<String>,
    pub(super) mask: Option<PathBuf>,
    pub(super) extra: Vec<String>,
    /// Whether `--where` chooses it.
    pub(super) chosen: bool,
}

/// What a source holds.
pub(super) struct Source {
    pub(super) rows: Vec<Row>,
    pub(super) extra_columns: Vec<String>,
    pub(super) report: LoadReport,
}

/// Chooses and renames rows, and makes the manifest of them.
pub(super) fn select(source: Source, options: &ManifestOptions) -> Result<Manifest, ManifestError> {
    let Source { rows, extra_columns, mut report } = source;
    let training = options.purpose == Purpose::Train;
    check_names(&rows, options)?;

    let mut samples = Vec::with_capacity(rows.len());
    let mut missing = Vec::new();
    for row in rows {
        let label = row.label.map(|label| renamed(label, &options.map));
        let split = row.split.as_deref().map(|s| Split::from_name(s).ok_or(s));
        let reason = match (&label, split) {
            _ if !row.chosen => Some(LeftOut::Filter),
            _ if !training => None,
            (_, Some(Err(spelled))) => Some(LeftOut::Split(spelled.to_owned())),
            (None, _) => Some(LeftOut::NoLabel),
            (Some(label), _) if !options.classes.is_empty() && !options.classes.contains(label) => {
                Some(LeftOut::Class(label.clone()))
            }
            _ if !row.found => {
                missing.push(row.name.clone());
                Some(LeftOut::Missing)
            }
            _ => None,
        };
        if let Some(reason) = reason {
            report.leave_out(reason);
            continue;
        }
        let split = split.and_then(Result::ok);
        let Row { file, frame, mut name, mut group, mask, extra, .. } = row;
        if let Some(frame) = frame {
            // All frames of a file are of one patient, whom nobody may have named.
            group = group.or_else(|| Some(name.clone()));
            name = frame_name(&name, frame);
        }
        samples.push(Sample { file, frame, name, label, split, group, mask, extra });
    }
    if !missing.is_empty() && !options.skip_bad {
        return Err(ManifestError::Missing { count: missing.len(), names: first_names(&missing) });
    }
    report.bad.extend(missing);
    if training {
        samples = one_row_a_file(samples, &mut report, options.skip_bad)?;
    }
    if samples.is_empty() {
        let reasons: Vec<_> = report.left_out.iter().map(|(reason, count)| format!("{count}: {reason}")).collect();
        let left_out = if reasons.is_empty() { String::new() } else { format!(" (left out: {})", reasons.join("; ")) };
        return Err(ManifestError::Empty { path: report.source, left_out });
    }
    report.kept = samples.len();
    let classes = if options.classes.is_empty() {
        samples.iter().filter_map(|s| s.label.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    } else {
        options.classes.clone()
    };
    Ok(Manifest { classes, samples, extra_columns, report })
}

fn renamed(label: String, map: &[(String, String)]) -> String {
    map.iter().find(|(old, _)| *old == label).map_or(label, |(_, new)| new.clone())
}

/// Refuses class names in the options that the source does not have: they are misspelled.
fn check_names(rows: &[Row], options: &ManifestOptions) -> Result<(), ManifestError> {
    let labels: BTreeSet<&str> = rows.iter().filter_map(|row| row.label.as_deref()).collect();
    let olds: Vec<&str> = options.map.iter().map(|(old, _)| old.as_str()).collect();
    let wanted: Vec<&str> = options.classes.iter().map(String::as_str).collect();
    let after: BTreeSet<String> = labels.iter().map(|&l| renamed(l.to_owned(), &options.map)).collect();
    let after: BTreeSet<&str> = after.iter().map(String::as_str).collect();
    for (flag, names, present) in [("--map", &olds, &labels), ("--classes", &wanted, &after)] {
        for (i, &class) in names.iter().enumerate() {
            if names[..i].contains(&class) {
                return Err(ManifestError::RepeatedClass { class: class.to_owned(), flag });
            }
            // A manifest for prediction may have no labels at all.
            if !present.contains(class) && options.purpose == Purpose::Train {
                let present: Vec<&str> = present.iter().copied().collect();
                return Err(ManifestError::NoClass { class: class.to_owned(), flag, present: first_names(&present) });
            }
        }
    }
    Ok(())
}

/// Keeps the first of equal rows of one file or frame; rows that contradict each other stop, or are all left out. Frames of
/// one file may differ in their label, and not in their group.
fn one_row_a_file(samples: Vec<Sample>, report: &mut LoadReport, skip_bad: bool) -> Result<Vec<Sample>, ManifestError> {
    let mut first: HashMap<(&Path, u32), &Sample> = HashMap::with_capacity(samples.len());
    let mut of_file: HashMap<&Path, &Option<String>> = HashMap::new();
    let (mut repeated, mut contradictory, mut names) = (vec![false; samples.len()], HashSet::new(), Vec::new());
    for (i, sample) in samples.iter().enumerate() {
        let earlier = *first.entry(sample.place()).or_insert(sample);
        repeated[i] = !std::ptr::eq(earlier, sample);
        let mut same = (&earlier.label, earlier.split, &earlier.group) == (&sample.label, sample.split, &sample.group);
        if sample.frame.is_some() {
            same &= *of_file.entry(&sample.file).or_insert(&sample.group) == &sample.group;
        }
        if !same && contradictory.insert(sample.file.clone()) {
            names.push(sample.name.clone());
        }
    }
    if !names.is_empty() && !skip_bad {
        return Err(ManifestError::Contradiction { count: names.len(), names: first_names(&names) });
    }
    report.bad.extend(names);
    let mut kept = Vec::with_capacity(samples.len());
    for (sample, repeated) in samples.into_iter().zip(repeated) {
        if contradictory.contains(&sample.file) {
            report.leave_out(LeftOut::Contradictory);
        } else if repeated {
            report.leave_out(LeftOut::Repeated);
        } else {
            kept.push(sample);
        }
    }
    Ok(kept)
}
