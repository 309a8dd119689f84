use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::{
    ManifestError, ManifestOptions, Split,
    report::{LeftOut, LoadReport},
    select::{Row, Source},
    table::chosen,
};
use crate::raster::begins_like_a_picture;

/// Reads one folder a class, below train, val and test where there are such.
pub(super) fn read_classes(root: &Path, options: &ManifestOptions) -> Result<Source, ManifestError> {
    for (column, _) in &options.filter {
        if !matches!(column.as_str(), "label" | "split") {
            return Err(ManifestError::NoColumn {
                path: root.to_owned(),
                column: column.clone(),
                present: "label, split".into(),
                advice: "Folders have no others; use a CSV file for more".into(),
            });
        }
    }
    let mut source = read_tree(root)?;
    let first = |row: &Row| row.name.split('/').next().unwrap_or_default().to_owned();
    let with_splits = source.rows.iter().any(|row| Split::from_name(&first(row)).is_some());
    let level = usize::from(with_splits);
    let mut kept = Vec::with_capacity(source.rows.len());
    for mut row in source.rows {
        let parts: Vec<&str> = row.name.split('/').collect();
        if with_splits && Split::from_name(parts[0]).is_none() {
            let folder = if parts.len() > 1 { parts[0] } else { "." };
            source.report.leave_out(LeftOut::Folder(folder.to_owned()));
            continue;
        }
        if parts.len() < level + 2 {
            let reason = format!("'{}' lies outside of any class folder", row.name);
            return Err(ManifestError::Layout { path: root.to_owned(), reason });
        }
        row.split = with_splits.then(|| parts[0].to_owned());
        row.label = Some(parts[level].to_owned());
        let (split, label) = (row.split.clone().unwrap_or_default(), parts[level].to_owned());
        let filter: Vec<(bool, String)> = options.filter.iter().map(|(c, v)| (c == "label", v.clone())).collect();
        row.chosen = chosen(&filter, |is_label| if is_label { &label } else { &split });
        kept.push(row);
    }
    source.rows = kept;
    Ok(source)
}

/// Reads every picture below a folder, sorted by path; links are followed.
pub(super) fn read_tree(root: &Path) -> Result<Source, ManifestError> {
    let mut report = LoadReport { source: root.to_owned(), ..LoadReport::default() };
    let mut rows = Vec::new();
    let hidden = |entry: &DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    // macOS leaves such folders in archives.
    let leftover = |entry: &DirEntry| entry.file_type().is_dir() && entry.file_name() == "__MACOSX";
    let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry.map_err(|error| ManifestError::Open {
            path: error.path().unwrap_or(root).to_owned(),
            source: error.into(),
        })?;
        if entry.file_type().is_dir() {
            if hidden(&entry) || leftover(&entry) {
                walk.skip_current_dir();
            }
            continue;
        }
        report.seen += 1;
        if hidden(&entry) {
            report.leave_out(LeftOut::Hidden);
            continue;
        }
        if !is_picture(entry.path()) {
            report.leave_out(LeftOut::NotAPicture(ending(entry.path())));
            continue;
        }
        let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let name = inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        rows.push(Row { file: entry.into_path(), name, found: true, chosen: true, ..Row::default() });
    }
    Ok(Source { rows, extra_columns: Vec::new(), report })
}

/// Whether a file is a picture by its name, or else by how its content begins.
pub(crate) fn is_picture(file: &Path) -> bool {
    matches!(ending(file).as_str(), "png" | "jpg" | "jpeg" | "jpe" | "jfif" | "bmp" | "dib" | "tif" | "tiff" | "dcm")
        || begins_like_a_picture(file)
}

/// Whether no picture lies right in a folder.
pub(crate) fn no_pictures_in(folder: &Path) -> bool {
    let mut files = WalkDir::new(folder).max_depth(1).into_iter().flatten().filter(|e| e.file_type().is_file());
    !files.any(|file| is_picture(file.path()))
}

fn ending(file: &Path) -> String {
    file.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}
