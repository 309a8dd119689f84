//! The COVID-19 Radiography Database (Kaggle, tawsifurrahman): `<class>/images`, `<class>/masks` of the same names, and
//! `<class>.metadata.xlsx` with `FILE NAME, FORMAT, SIZE, URL`.
//!
//! The published tables do not fit the published files everywhere: they state 256 × 256 for pictures of 299 × 299, and
//! spell `NORMAL-1` for `Normal-1.png`. Such differences are noted; rows without a file and files without a row count as
//! trouble. The address of the picture's origin becomes the column `source`: a class that comes from one hospital alone
//! is learnt by the hospital's look.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{
    Draft, ImportError, Kind, entries, folders, name_below, name_of, sample,
    sheet::{Sheet, plain},
    sizes::{MaskCheck, Sizes},
    stem_of,
};
use crate::manifest::{Sample, is_picture};

pub(super) fn lies_in(root: &Path) -> bool {
    classes(root).iter().any(|class| class.join("masks").is_dir() || metadata(root, &name_of(class)).is_some())
}

fn classes(root: &Path) -> Vec<PathBuf> {
    folders(root).into_iter().filter(|folder| folder.join("images").is_dir()).collect()
}

/// The table of a class, in the root or beside the class's pictures.
fn metadata(root: &Path, class: &str) -> Option<PathBuf> {
    let wanted = plain(class);
    let fits = |path: &PathBuf| {
        let name = name_of(path).to_lowercase();
        name.strip_suffix(".metadata.xlsx").is_some_and(|stem| plain(stem) == wanted)
    };
    entries(root).into_iter().chain(entries(&root.join(class))).find(fits)
}

pub(super) fn read(root: &Path) -> Result<Draft, ImportError> {
    let mut draft = Draft { columns: vec!["source".into()], ..Draft::default() };
    for folder in classes(root) {
        class(root, &folder, &mut draft)?;
    }
    for other in folders(root).into_iter().filter(|folder| !folder.join("images").is_dir()) {
        draft.findings.add(Kind::PassedOver, "folders passed over", name_of(&other));
    }
    if draft.samples.iter().all(|sample| sample.extra == [""]) {
        draft.columns.clear();
        draft.samples.iter_mut().for_each(|sample| sample.extra.clear());
    }
    Ok(draft)
}

fn class(root: &Path, folder: &Path, draft: &mut Draft) -> Result<(), ImportError> {
    let label = name_of(folder);
    let files = pictures(&folder.join("images"), draft);
    if files.is_empty() {
        draft.findings.add(Kind::EmptyClass, "classes hold no picture", &label);
    }
    let mut masks: BTreeMap<String, PathBuf> =
        pictures(&folder.join("masks"), draft).into_iter().map(|file| (plain(&stem_of(&file)), file)).collect();
    let table = metadata(root, &label);
    let mut rows = if let Some(path) = &table {
        rows(path, draft)?
    } else {
        draft.findings.add(Kind::PassedOver, "classes have no table of metadata", &label);
        HashMap::new()
    };
    for file in files {
        let key = plain(&stem_of(&file));
        let mut sample = Sample { label: Some(label.clone()), ..sample(root, file) };
        sample.mask = masks.remove(&key);
        let size = Sizes::of(&sample.file);
        match &sample.mask {
            Some(mask) => size.check_mask(&MaskCheck { name: &sample.name, mask }, &mut draft.findings),
            None => draft.findings.add(Kind::PictureWithoutMask, "pictures have no mask", &sample.name),
        }
        let row = rows.remove(&key);
        if let Some(row) = &row {
            compare(&sample, &size, row, draft);
        } else if table.is_some() {
            draft.findings.add(Kind::FileWithoutRow, "pictures stand in no row of their class's table", &sample.name);
        }
        sample.extra = vec![row.map(|row| row.source).unwrap_or_default()];
        draft.samples.push(sample);
    }
    for mask in masks.into_values() {
        draft.findings.add(Kind::MaskWithoutPicture, "masks belong to no picture", name_below(root, &mask));
    }
    let mut left: Vec<Row> = rows.into_values().collect();
    left.sort_by(|a, b| a.name.cmp(&b.name));
    for row in left {
        draft.findings.add(Kind::RowWithoutFile, "rows of the tables name a picture that is not there", row.name);
    }
    Ok(())
}

/// One row of a class's table.
struct Row {
    name: String,
    format: String,
    size: String,
    source: String,
}

fn rows(path: &Path, draft: &mut Draft) -> Result<HashMap<String, Row>, ImportError> {
    let sheet = Sheet::xlsx(path)?;
    let name = sheet.need(path, &["FILE NAME", "NAME", "FILE"], "The table has FILE NAME, FORMAT, SIZE and URL")?;
    let place = [["FORMAT"], ["SIZE"], ["URL"]].map(|names| sheet.seek(&names));
    let mut rows = HashMap::with_capacity(sheet.rows.len());
    for row in sheet.rows {
        if row[name].is_empty() {
            draft.findings.add(Kind::EmptyRow, "rows of the tables name no file and are dropped", name_of(path));
            continue;
        }
        let [format, size, source] = place.map(|p| p.map(|p| row[p].clone()).unwrap_or_default());
        // Some rows spell the ending, too.
        let stem = row[name].rsplit_once('.').filter(|(_, end)| end.len() <= 4).map_or(&*row[name], |(stem, _)| stem);
        let row = Row { name: row[name].clone(), format, size, source };
        if let Some(earlier) = rows.insert(plain(stem), row) {
            draft.findings.add(
                Kind::RepeatedRow,
                "rows of the tables repeat a picture; the last one counts",
                earlier.name,
            );
        }
    }
    Ok(rows)
}

/// Holds a row against its file.
fn compare(sample: &Sample, size: &Sizes, row: &Row, draft: &mut Draft) {
    let findings = &mut draft.findings;
    let stem = stem_of(&sample.file);
    if row.name != stem && row.name != name_of(&sample.file) {
        findings.add(Kind::Spelling, "names are spelled otherwise in the tables", format!("{} for {stem}", row.name));
    }
    if let (Some(stated), Some(found)) = (stated_size(&row.size), size.pixels)
        && stated != found
    {
        let text = format!("pictures are of {} × {} pixels, and their table says {}", found.0, found.1, row.size);
        findings.add(Kind::StatedSize, &text, &sample.name);
    }
    if let Some(found) = size.format
        && !row.format.is_empty()
        && !row.format.eq_ignore_ascii_case(found)
        && !(row.format.eq_ignore_ascii_case("jpg") && found == "JPEG")
    {
        let text = format!("pictures are {found}, and their table says {}", row.format);
        findings.add(Kind::StatedFormat, &text, &sample.name);
    }
    if row.source.is_empty() {
        findings.add(Kind::NoSource, "rows of the tables name no source", &row.name);
    }
}

/// `256*256`, `256x256` or `256 × 256` as columns and rows.
fn stated_size(text: &str) -> Option<(usize, usize)> {
    let (width, height) = text.split_once(['*', 'x', 'X', '×'])?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

fn pictures(folder: &Path, draft: &mut Draft) -> Vec<PathBuf> {
    let mut found = vec![];
    for path in entries(folder).into_iter().filter(|path| path.is_file()) {
        if is_picture(&path) {
            found.push(path);
        } else {
            draft.findings.add(Kind::NotAPicture, "files are no pictures, left out", name_of(&path));
        }
    }
    found
}
