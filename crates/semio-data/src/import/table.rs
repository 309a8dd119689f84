//! A CSV file that names pictures.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    Draft, ImportError, ImportOptions, Kind, entries, folders, name_of,
    sheet::{Sheet, plain},
    sizes::{MaskCheck, Sizes},
    stem_of,
};
use crate::manifest::{Sample, find_file, is_picture};

/// Usual names of the column with the picture's path.
pub(super) const FILE: [&str; 6] = ["file", "filename", "path", "image", "image_path", "image_id"];

/// Reads all rows; what their columns mean is decided later.
pub(super) fn read(path: &Path, options: &ImportOptions) -> Result<Draft, ImportError> {
    let sheet = Sheet::csv(path)?;
    let named = options.columns.file.as_deref();
    let names = named.map_or(FILE.to_vec(), |name| vec![name]);
    let file = sheet.need(path, &names, "Name the right one with --file-column")?;
    let root = path.parent().unwrap_or(Path::new(""));
    let mut draft = Draft { columns: sheet.header.clone(), ..Draft::default() };
    draft.columns.remove(file);
    if plain(&sheet.header[file]) != "file" {
        draft.taken.push(("file", sheet.header[file].clone()));
    }
    for mut row in sheet.rows {
        let name = row.remove(file);
        if name.is_empty() {
            draft.findings.add(Kind::EmptyRow, "rows name no file and are dropped", "");
            continue;
        }
        let (file, found) = find_file(root, &name);
        if !found {
            draft.findings.add(Kind::RowWithoutFile, "rows name a file that is not there, left out", name);
            continue;
        }
        let own = Sample { file, frame: None, name, label: None, split: None, group: None, mask: None, extra: row };
        draft.samples.push(own);
    }
    unnamed(root, &mut draft);
    masks(root, options, &mut draft)?;
    Ok(draft)
}

/// Pictures that lie beside those of the table and that no row names.
fn unnamed(root: &Path, draft: &mut Draft) {
    let mut beside: Vec<PathBuf> = draft.samples.iter().filter_map(|s| Some(s.file.parent()?.to_owned())).collect();
    beside.sort();
    beside.dedup();
    let named: std::collections::HashSet<PathBuf> = draft.samples.iter().map(|s| s.file.clone()).collect();
    for file in beside.iter().flat_map(|folder| entries(folder)).filter(|file| file.is_file() && !named.contains(file))
    {
        if is_picture(&file) {
            let name = super::name_below(root, &file);
            draft.findings.add(Kind::FileWithoutRow, "pictures beside the named ones stand in no row, left out", name);
        }
    }
}

/// Finds a folder with masks of the pictures' names, where no column names masks.
fn masks(root: &Path, options: &ImportOptions, draft: &mut Draft) -> Result<(), ImportError> {
    let folder = match &options.masks {
        Some(folder) if root.join(folder).is_dir() => root.join(folder),
        Some(folder) => return Err(ImportError::NoMasks { path: root.join(folder) }),
        None if options.columns.mask.is_some() || draft.columns.iter().any(|c| plain(c) == "mask") => return Ok(()),
        None => {
            let rank = |folder: &PathBuf| match &*name_of(folder).to_lowercase() {
                "masks" => Some(0),
                name if name.contains("mask") && name.contains("lung") => Some(1),
                name if name.contains("mask") => Some(2),
                _ => None,
            };
            let mut found: Vec<PathBuf> = folders(root).into_iter().filter(|folder| rank(folder).is_some()).collect();
            found.sort_by_key(rank);
            let mut found = found.into_iter();
            let Some(first) = found.next() else { return Ok(()) };
            for other in found {
                let text = "folders of masks are not taken; choose one with --masks";
                draft.findings.add(Kind::PassedOver, text, name_of(&other));
            }
            first
        }
    };
    draft.taken.push(("masks", super::name_below(root, &folder)));
    let files = entries(&folder).into_iter().filter(|file| file.is_file() && is_picture(file));
    let mut masks: HashMap<String, PathBuf> = files.map(|file| (stem_of(&file), file)).collect();
    for sample in &mut draft.samples {
        sample.mask = masks.remove(&stem_of(&sample.file));
        match &sample.mask {
            Some(mask) => {
                let check = MaskCheck { name: &sample.name, mask };
                Sizes::of(&sample.file).check_mask(&check, &mut draft.findings);
            }
            None => draft.findings.add(Kind::PictureWithoutMask, "pictures have no mask", &sample.name),
        }
    }
    let mut left: Vec<PathBuf> = masks.into_values().collect();
    left.sort();
    for mask in left {
        draft.findings.add(Kind::MaskWithoutPicture, "masks belong to no picture", name_of(&mask));
    }
    Ok(())
}
