//! The C-NMC challenge (SBILab, ISBI 2019): cells cut out of blood smears, healthy (`hem`) or leukaemic (`all`).
//!
//! `training_data/fold_<n>/{all,hem}/UID_<subject>_<image>_<cell>_<class>.bmp`; healthy subjects are numbered from H1.
//! `validation_data/…` holds numbered files and a table `Patient_ID, new_names, labels`, in which `Patient_ID` is a name
//! of the form above and `labels` is 1 for `all`. `testing_data/…` has no labels.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{Draft, ImportError, Kind, entries, folders, name_below, name_of, sample, sheet::Sheet};
use crate::manifest::{Sample, Split, is_picture};

const CLASSES: [&str; 2] = ["all", "hem"];

pub(super) fn lies_in(root: &Path) -> bool {
    let parts = folders(root).into_iter().filter(|folder| part(folder) == Some(Split::Train));
    parts.flat_map(|folder| below(&folder)).any(|folder| is_fold(&folder) && !classes_of(&folder).is_empty())
}

pub(super) fn read(root: &Path) -> Result<Draft, ImportError> {
    let mut draft = Draft { columns: vec!["fold".into()], ..Draft::default() };
    let mut folds: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    for folder in folders(root) {
        match part(&folder) {
            Some(Split::Train) => training(root, &folder, &mut draft, &mut folds),
            Some(Split::Val) => validation(root, &folder, &mut draft)?,
            Some(Split::Test) => testing(root, &folder, &mut draft),
            None => draft.findings.add(Kind::PassedOver, "folders passed over", name_of(&folder)),
        }
    }
    for (_, among) in folds.iter().filter(|(_, among)| among.len() > 1) {
        let mut among: Vec<&str> = among.iter().map(String::as_str).collect();
        among.sort_unstable();
        draft.findings.add(Kind::DividedGroup, "subjects have cells in more than one fold", among.join(" and "));
    }
    Ok(draft)
}

fn part(folder: &Path) -> Option<Split> {
    let name = name_of(folder).to_lowercase();
    let parts = [("train", Split::Train), ("valid", Split::Val), ("test", Split::Test)];
    parts.into_iter().find(|(prefix, _)| name.strip_prefix("c-nmc_").unwrap_or(&name).starts_with(prefix)).map(|p| p.1)
}

/// The folders in a folder and in those.
fn below(folder: &Path) -> Vec<PathBuf> {
    let first = folders(folder);
    let second: Vec<PathBuf> = first.iter().flat_map(|folder| folders(folder)).collect();
    first.into_iter().chain(second).collect()
}

fn is_fold(folder: &Path) -> bool {
    name_of(folder).to_lowercase().strip_prefix("fold_").is_some_and(|n| n.parse::<u32>().is_ok())
}

fn classes_of(fold: &Path) -> Vec<PathBuf> {
    folders(fold).into_iter().filter(|f| CLASSES.contains(&name_of(f).to_lowercase().as_str())).collect()
}

fn training(root: &Path, folder: &Path, draft: &mut Draft, folds: &mut BTreeMap<String, HashSet<String>>) {
    for fold in below(folder).into_iter().filter(|folder| is_fold(folder)) {
        let number = name_of(&fold).to_lowercase();
        let classes = classes_of(&fold);
        for missing in CLASSES.iter().filter(|c| !classes.iter().any(|f| name_of(f).to_lowercase() == **c)) {
            draft.findings.add(Kind::EmptyClass, "folds lack a class", format!("{number}/{missing}"));
        }
        for class in classes {
            let label = name_of(&class).to_lowercase();
            for file in pictures(&class, draft) {
                let mut sample = labelled(root, file, &label, Split::Train, &number);
                match Cell::of(&name_of(&sample.file)) {
                    Some(cell) => {
                        if cell.class != label {
                            let text = "files lie in the folder of the other class than their name says, left out";
                            draft.findings.add(Kind::Contradiction, text, sample.name);
                            continue;
                        }
                        folds.entry(cell.subject.clone()).or_default().insert(number.clone());
                        sample.group = Some(cell.subject);
                    }
                    None => odd_name(draft, &sample.name),
                }
                draft.samples.push(sample);
            }
        }
    }
}

fn validation(root: &Path, folder: &Path, draft: &mut Draft) -> Result<(), ImportError> {
    let all: Vec<PathBuf> = [folder.to_owned()].into_iter().chain(below(folder)).collect();
    let files: Vec<PathBuf> = all.iter().flat_map(|folder| pictures(folder, draft)).collect();
    let is_table = |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let tables: Vec<PathBuf> = all.iter().flat_map(|folder| entries(folder)).filter(is_table).collect();
    let mut rows: HashMap<String, Option<(String, Option<String>)>> = HashMap::new();
    for table in &tables {
        read_labels(table, draft, &mut rows)?;
    }
    for file in files {
        let name = name_below(root, &file);
        let Some(row) = rows.remove(&name_of(&file).to_lowercase()) else {
            draft.findings.add(Kind::FileWithoutRow, "validation files stand in no row of the labels, left out", name);
            continue;
        };
        let Some((label, subject)) = row else { continue };
        let mut sample = labelled(root, file, &label, Split::Val, "");
        if subject.is_none() {
            odd_name(draft, &sample.name);
        }
        sample.group = subject;
        draft.samples.push(sample);
    }
    let mut left: Vec<&String> = rows.keys().collect();
    left.sort();
    for name in left {
        draft.findings.add(Kind::RowWithoutFile, "rows of the labels name a file that is not there", name);
    }
    Ok(())
}

/// Reads the table of labels: file → class and subject; a file whose rows contradict each other or themselves has none.
fn read_labels(
    path: &Path,
    draft: &mut Draft,
    rows: &mut HashMap<String, Option<(String, Option<String>)>>,
) -> Result<(), ImportError> {
    let sheet = Sheet::csv(path)?;
    let advice = "The C-NMC table has Patient_ID, new_names and labels";
    let [id, name, label] = [["Patient_ID"], ["new_names"], ["labels"]].map(|names| sheet.need(path, &names, advice));
    let (id, name, label) = (id?, name?, label?);
    for row in &sheet.rows {
        let class = match row[label].to_lowercase().as_str() {
            "1" | "all" => "all",
            "0" | "hem" => "hem",
            _ => {
                draft.findings.add(Kind::EmptyRow, "rows of the labels have no class and are dropped", &row[name]);
                continue;
            }
        };
        if row[name].is_empty() {
            draft.findings.add(Kind::EmptyRow, "rows of the labels name no file and are dropped", "");
            continue;
        }
        let cell = Cell::of(&row[id]);
        let mut entry = Some((class.to_owned(), cell.as_ref().map(|cell| cell.subject.clone())));
        if cell.is_some_and(|cell| cell.class != class) {
            let text = "rows of the labels give another class than their Patient_ID, left out";
            draft.findings.add(Kind::Contradiction, text, &row[name]);
            entry = None;
        }
        let key = row[name].to_lowercase();
        match rows.get(&key) {
            None => drop(rows.insert(key, entry)),
            Some(earlier) if *earlier == entry => {
                draft.findings.add(Kind::RepeatedRow, "rows of the labels repeat an earlier one", &row[name]);
            }
            Some(_) => {
                let text = "files stand in several rows of the labels that contradict each other, left out";
                draft.findings.add(Kind::Contradiction, text, &row[name]);
                rows.insert(key, None);
            }
        }
    }
    Ok(())
}

fn testing(root: &Path, folder: &Path, draft: &mut Draft) {
    let all: Vec<PathBuf> = [folder.to_owned()].into_iter().chain(below(folder)).collect();
    for file in all.iter().flat_map(|folder| pictures(folder, draft)).collect::<Vec<_>>() {
        let sample = Sample { split: Some(Split::Test), extra: vec![String::new()], ..sample(root, file) };
        let text = "pictures of the test part have no label: they can be predicted, not learnt from";
        draft.findings.add(Kind::Unlabelled, text, &sample.name);
        draft.samples.push(sample);
    }
}

fn labelled(root: &Path, file: PathBuf, label: &str, split: Split, fold: &str) -> Sample {
    let extra = vec![fold.trim_start_matches("fold_").to_owned()];
    Sample { label: Some(label.to_owned()), split: Some(split), extra, ..sample(root, file) }
}

fn odd_name(draft: &mut Draft, name: &str) {
    let text = "names are not of the form UID_<subject>_<image>_<cell>_<class>: their subject is unknown";
    draft.findings.add(Kind::OddName, text, name);
}

/// The pictures right in a folder and, where a class has folders of its own, below.
fn pictures(folder: &Path, draft: &mut Draft) -> Vec<PathBuf> {
    let mut found = vec![];
    for file in WalkDir::new(folder).max_depth(1).sort_by_file_name().into_iter().flatten() {
        if !file.file_type().is_file() || name_of(file.path()).starts_with('.') {
            continue;
        }
        let ending = file.path().extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if is_picture(file.path()) {
            found.push(file.into_path());
        } else if !matches!(ending.as_str(), "csv" | "txt" | "md" | "db") {
            draft.findings.add(Kind::NotAPicture, "files are no pictures, left out", name_of(file.path()));
        }
    }
    found
}

/// What a file's name says.
struct Cell {
    subject: String,
    class: String,
}

impl Cell {
    fn of(name: &str) -> Option<Self> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let parts: Vec<&str> = stem.split('_').collect();
        let [uid, subject, image, cell, class] = parts[..] else { return None };
        let class = class.to_lowercase();
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let subject = subject.to_uppercase();
        let is_right = uid.eq_ignore_ascii_case("uid")
            && number(subject.strip_prefix('H').unwrap_or(&subject))
            && number(image)
            && number(cell)
            && CLASSES.contains(&class.as_str());
        is_right.then_some(Self { subject, class })
    }
}
