//! The RSNA pneumonia challenge (Kaggle, 2018): DICOM files named after their `patientId`, and two tables.
//!
//! `…detailed_class_info.csv` has `patientId, class`, `…train_labels.csv` has `patientId, x, y, width, height, Target`.
//! Both repeat a picture's row for each box around an opacity; rows are collapsed to one a picture before anything is
//! joined, or a picture with three boxes would count three (joined: nine) times. A `patientId` is one picture: who the
//! patient is, only a further table says.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{Draft, ImportError, Kind, entries, folders, name_of, sample, sheet::Sheet, stem_of};
use crate::manifest::{Sample, is_picture};

const OPACITY: &str = "Lung Opacity";

pub(super) fn lies_in(root: &Path) -> bool {
    table(root, "detailed_class_info.csv").is_some()
}

fn table(root: &Path, ending: &str) -> Option<PathBuf> {
    entries(root).into_iter().find(|path| path.is_file() && name_of(path).to_lowercase().ends_with(ending))
}

/// What the tables say about one picture.
#[derive(Default)]
struct Told {
    class: Option<String>,
    target: Option<String>,
    boxes: Vec<String>,
    contradicts: bool,
}

pub(super) fn read(root: &Path) -> Result<Draft, ImportError> {
    let mut draft = Draft { columns: vec!["target".into(), "boxes".into()], ..Draft::default() };
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    if let Some(path) = table(root, "detailed_class_info.csv") {
        classes(&path, &mut told, &mut draft)?;
    }
    let boxes = table(root, "train_labels.csv");
    match &boxes {
        Some(path) => targets(path, &mut told, &mut draft)?,
        None => draft.findings.add(Kind::PassedOver, "table is absent: stage_2_train_labels.csv", ""),
    }
    judge(&mut told, boxes.is_some(), &mut draft);
    let mut files = files(root, &mut draft);
    for (id, told) in told {
        let Some(file) = files.remove(&id) else {
            draft.findings.add(Kind::RowWithoutFile, "rows name a picture that is not there", id);
            continue;
        };
        if told.contradicts {
            continue;
        }
        let extra = vec![told.target.unwrap_or_default(), told.boxes.join("; ")];
        draft.samples.push(Sample { label: told.class, extra, ..sample(root, file) });
    }
    leftover(root, files, &mut draft);
    draft.samples.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(draft)
}

fn classes(path: &Path, told: &mut BTreeMap<String, Told>, draft: &mut Draft) -> Result<(), ImportError> {
    let sheet = Sheet::csv(path)?;
    let advice = "The table of classes has patientId and class";
    let (id, class) = (sheet.need(path, &["patientId"], advice)?, sheet.need(path, &["class"], advice)?);
    for row in &sheet.rows {
        if row[id].is_empty() || row[class].is_empty() {
            draft.findings.add(Kind::EmptyRow, "rows of the classes lack a value and are dropped", &row[id]);
            continue;
        }
        let entry = told.entry(row[id].clone()).or_default();
        match &entry.class {
            None => entry.class = Some(row[class].clone()),
            Some(earlier) if *earlier == row[class] => {
                draft.findings.add(
                    Kind::RepeatedRow,
                    "rows of the classes repeat a picture (one a box), collapsed",
                    "",
                );
            }
            Some(_) => entry.contradicts = true,
        }
    }
    Ok(())
}

fn targets(path: &Path, told: &mut BTreeMap<String, Told>, draft: &mut Draft) -> Result<(), ImportError> {
    let sheet = Sheet::csv(path)?;
    let advice = "The table of boxes has patientId, x, y, width, height and Target";
    let (id, target) = (sheet.need(path, &["patientId"], advice)?, sheet.need(path, &["Target"], advice)?);
    let sides = ["x", "y", "width", "height"].map(|name| sheet.seek(&[name]));
    for row in &sheet.rows {
        if row[id].is_empty() || row[target].is_empty() {
            draft.findings.add(Kind::EmptyRow, "rows of the boxes lack a value and are dropped", &row[id]);
            continue;
        }
        let values: Vec<&str> = sides.iter().flatten().map(|&side| row[side].as_str()).collect();
        let filled = values.iter().filter(|value| !value.is_empty()).count();
        if filled > 0 && (filled < 4 || values.iter().any(|v| v.parse::<f64>().map_or(true, |v| !v.is_finite()))) {
            draft.findings.add(Kind::EmptyRow, "boxes lack one of their four numbers and are dropped", &row[id]);
        }
        let entry = told.entry(row[id].clone()).or_default();
        match &entry.target {
            None => entry.target = Some(row[target].clone()),
            Some(earlier) if *earlier == row[target] => {
                draft.findings.add(
                    Kind::RepeatedRow,
                    "rows of the boxes are further boxes of a picture, collapsed",
                    "",
                );
            }
            Some(_) => entry.contradicts = true,
        }
        if filled == 4 && values.iter().all(|v| v.parse::<f64>().is_ok_and(f64::is_finite)) {
            entry.boxes.push(values.join(" "));
        }
    }
    Ok(())
}

/// Finds what the tables say against each other.
fn judge(told: &mut BTreeMap<String, Told>, with_targets: bool, draft: &mut Draft) {
    for (id, told) in &mut *told {
        if told.contradicts {
            draft.findings.add(Kind::Contradiction, "pictures have rows that contradict each other, left out", id);
            continue;
        }
        match (&told.class, &told.target) {
            (Some(class), Some(target)) if (class == OPACITY) != (target == "1") => {
                let text = "pictures have a class that their Target contradicts (1 is Lung Opacity), left out";
                draft.findings.add(Kind::Contradiction, text, id);
                told.contradicts = true;
            }
            (None, _) => {
                draft.findings.add(Kind::Contradiction, "pictures have boxes and no class, left out", id);
                told.contradicts = true;
            }
            (Some(_), None) if with_targets => {
                draft.findings.add(Kind::Contradiction, "pictures stand in the classes and not in the boxes, kept", id);
            }
            _ => {}
        }
    }
}

/// The pictures by their patientId. Those of the challenge's test part are left for [`leftover`].
fn files(root: &Path, draft: &mut Draft) -> HashMap<String, PathBuf> {
    let mut files = HashMap::new();
    for entry in WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter().flatten() {
        let path = entry.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if !entry.file_type().is_file() || name_of(path).starts_with('.') {
            continue;
        }
        if !is_picture(path) {
            if !matches!(ending.as_str(), "csv" | "md" | "txt" | "zip") {
                draft.findings.add(Kind::NotAPicture, "files are no pictures, left out", name_of(path));
            }
            continue;
        }
        if let Some(first) = files.insert(stem_of(path), path.to_owned()) {
            let text = "files bear the name of another one, and only one of them is taken";
            draft.findings.add(Kind::Contradiction, text, super::name_below(root, &first));
        }
    }
    files
}

/// Files that no row names: the challenge's own test part has no labels, others should have one.
fn leftover(root: &Path, files: HashMap<String, PathBuf>, draft: &mut Draft) {
    let tests: Vec<PathBuf> =
        folders(root).into_iter().filter(|folder| name_of(folder).to_lowercase().ends_with("test_images")).collect();
    let mut files: Vec<PathBuf> = files.into_values().collect();
    files.sort();
    for file in files {
        let sample = Sample { extra: vec![String::new(); 2], ..sample(root, file) };
        if tests.iter().any(|folder| sample.file.starts_with(folder)) {
            let text = "pictures of the test part have no label: they can be predicted, not learnt from";
            draft.findings.add(Kind::Unlabelled, text, &sample.name);
            draft.samples.push(sample);
        } else {
            draft.findings.add(Kind::FileWithoutRow, "pictures stand in no row, left out", sample.name);
        }
    }
}
