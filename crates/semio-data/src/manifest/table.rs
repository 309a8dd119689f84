use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    Columns, ManifestError, ManifestOptions, Purpose,
    report::LoadReport,
    select::{Row, Source},
};

/// Where the columns with a meaning stand.
struct Places {
    file: usize,
    frame: Option<usize>,
    label: Option<usize>,
    split: Option<usize>,
    group: Option<usize>,
    mask: Option<usize>,
    extra: Vec<usize>,
    filter: Vec<(usize, String)>,
}

/// Reads the rows of a CSV file.
pub(super) fn read(path: &Path, options: &ManifestOptions) -> Result<Source, ManifestError> {
    let bytes = fs::read(path).map_err(|source| ManifestError::Open { path: path.to_owned(), source })?;
    let wrong = |reason: String| ManifestError::Table { path: path.to_owned(), reason };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| wrong("it is not UTF-8 text; save it again as 'CSV UTF-8'".into()))?
        .trim_start_matches('\u{feff}');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter(text)).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().map_err(|e| wrong(e.to_string()))?.iter().map(Into::into).collect();
    let mut seen = HashSet::with_capacity(header.len());
    if let Some(name) = header.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(wrong(format!("two of its columns are named '{name}'; rename one")));
    }
    let places = places(path, &header, options)?;

    let folder = path.parent().unwrap_or(Path::new(""));
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| wrong(e.to_string()))?;
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let filled = |place: Option<usize>| place.map(cell).filter(|v| !v.is_empty()).map(String::from);
        let name = cell(places.file);
        if name.is_empty() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(wrong(format!("line {line} names no file in its column '{}'", header[places.file])));
        }
        let frame = match filled(places.frame).map(|frame| frame.parse()) {
            None => None,
            Some(Ok(frame)) => Some(frame),
            // What stands there instead may be anything, and is not repeated.
            Some(Err(_)) => {
                let line = record.position().map_or(0, csv::Position::line);
                let column = places.frame.map_or("frame", |place| header[place].as_str());
                return Err(wrong(format!(
                    "line {line} has no frame number in its column '{column}': DICOM counts frames from 1, and an empty \
                     cell is the first (`semio data import --frame all` lists each); if the column means something else, \
                     rename it"
                )));
            }
        };
        let (file, file_found) = find_file(folder, name);
        let (mask, mask_found) = match filled(places.mask).map(|mask| find_file(folder, &mask)) {
            Some((mask, found)) => (Some(mask), found),
            None => (None, true),
        };
        rows.push(Row {
            file,
            frame,
            name: name.into(),
            found: file_found && mask_found,
            label: filled(places.label),
            split: places.split.map(|p| cell(p).to_owned()),
            group: filled(places.group),
            mask,
            extra: places.extra.iter().map(|&p| cell(p).to_owned()).collect(),
            chosen: chosen(&places.filter, cell),
        });
    }
    let report = LoadReport { source: path.to_owned(), seen: rows.len(), ..LoadReport::default() };
    let extra_columns = places.extra.iter().map(|&p| header[p].clone()).collect();
    Ok(Source { rows, extra_columns, report })
}

/// Finds the sign between the columns: the most frequent one of comma, semicolon and tab among the column names.
pub(crate) fn delimiter(text: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in text.lines().next().unwrap_or_default().bytes() {
        quoted ^= byte == b'"';
        if let Some(entry) = counts.iter_mut().find(|(sign, _)| *sign == byte && !quoted) {
            entry.1 += 1;
        }
    }
    // The first of equals: the comma.
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map_or(b',', |(sign, _)| sign)
}

fn places(path: &Path, header: &[String], options: &ManifestOptions) -> Result<Places, ManifestError> {
    let seek = |name: &str| header.iter().position(|h| h == name);
    let absent = |column: &str, advice: String| ManifestError::NoColumn {
        path: path.to_owned(),
        column: column.to_owned(),
        present: header.join(", "),
        advice,
    };
    let named = |given: &Option<String>, usual: &str| match given {
        Some(name) => {
            seek(name).map(Some).ok_or_else(|| absent(name, format!("Name one of them with --{usual}-column")))
        }
        None => Ok(seek(usual)),
    };
    let Columns { file, frame, label, split, group, mask } = &options.columns;
    let needed = |usual: &str| absent(usual, format!("Name the right one with --{usual}-column"));
    let file = named(file, "file")?.ok_or_else(|| needed("file"))?;
    let label = named(label, "label")?;
    if label.is_none() && options.purpose == Purpose::Train {
        return Err(needed("label"));
    }
    let (split, group, mask) = (named(split, "split")?, named(group, "group")?, named(mask, "mask")?);
    let frame = named(frame, "frame")?;
    let filter = options
        .filter
        .iter()
        .map(|(column, value)| {
            let place =
                seek(column).ok_or_else(|| absent(column, "Name one of them in --where COLUMN=VALUE".into()))?;
            Ok((place, value.clone()))
        })
        .collect::<Result<_, ManifestError>>()?;
    let taken = [Some(file), frame, label, split, group, mask];
    let extra = (0..header.len()).filter(|&i| !taken.contains(&Some(i))).collect();
    Ok(Places { file, frame, label, split, group, mask, extra, filter })
}

/// Whether a row has one of the wanted values in every column that `--where` names.
pub(super) fn chosen<'a, K: Copy + PartialEq>(filter: &[(K, String)], cell: impl Fn(K) -> &'a str) -> bool {
    filter.iter().all(|&(column, _)| filter.iter().any(|(c, value)| *c == column && cell(column) == value))
}

/// Finds a file beside the CSV file or in its folder `images`, and says whether it is there.
pub(crate) fn find_file(folder: &Path, name: &str) -> (PathBuf, bool) {
    let beside = folder.join(name);
    if beside.is_file() {
        return (beside, true);
    }
    let in_images = folder.join("images").join(name);
    if in_images.is_file() {
        return (in_images, true);
    }
    // Tables made on Windows separate folders with a backslash.
    if name.contains('\\') {
        return match find_file(folder, &name.replace('\\', "/")) {
            (found, true) => (found, true),
            _ => (beside, false),
        };
    }
    (beside, false)
}
