use std::{collections::HashMap, path::Path};

use super::{Draft, ImportError, ImportOptions, Kind, name_of, sheet::Sheet, stem_of, table::FILE};

/// Puts the columns of a further table beside the samples, by the picture's path, name or stem.
///
/// Rows are collapsed to one a picture before they are joined; rows that differ are trouble.
pub(super) fn join(draft: &mut Draft, root: &Path, table: &Path, options: &ImportOptions) -> Result<(), ImportError> {
    let folder = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    let path = if table.is_file() { table.to_owned() } else { folder.join(table) };
    let path = if path.is_file() { path } else { table.to_owned() };
    let sheet = Sheet::csv(&path)?;
    let no_key = || ImportError::NoKey { path: path.clone(), present: sheet.header.join(", ") };
    let named = options.columns.file.as_deref().and_then(|name| sheet.seek(&[name]));
    let usual = ["patientId", "image_index", "id"].into_iter().chain(FILE);
    let key = named.or_else(|| sheet.seek(&usual.collect::<Vec<_>>())).ok_or_else(no_key)?;

    let mut rows: HashMap<&str, &Vec<String>> = HashMap::with_capacity(sheet.rows.len());
    for row in &sheet.rows {
        if row[key].is_empty() {
            draft.findings.add(Kind::EmptyRow, "rows of the joined table name no picture and are dropped", "");
            continue;
        }
        match rows.insert(&row[key], row) {
            None => {}
            Some(earlier) if earlier == row => {
                draft.findings.add(
                    Kind::RepeatedRow,
                    "rows of the joined table repeat a picture, collapsed",
                    &row[key],
                );
            }
            Some(_) => {
                let text = "pictures have rows in the joined table that differ; the last one counts";
                draft.findings.add(Kind::Contradiction, text, &row[key]);
            }
        }
    }
    let label = sheet.seek(&["class", "label"]);
    let columns: Vec<usize> = (0..sheet.header.len()).filter(|&i| i != key && Some(i) != label).collect();
    for &column in &columns {
        let name = &sheet.header[column];
        let taken = draft.columns.contains(name);
        draft.columns.push(if taken { format!("{name}_joined") } else { name.clone() });
    }
    let mut joined = 0;
    for sample in &mut draft.samples {
        let keys = [sample.name.clone(), name_of(&sample.file), stem_of(&sample.file)];
        let row = keys.iter().find_map(|key| rows.remove(key.as_str()));
        joined += usize::from(row.is_some());
        let value = |column: usize| row.map(|row| row[column].clone()).unwrap_or_default();
        sample.extra.extend(columns.iter().map(|&column| value(column)));
        match row {
            None if sample.label.is_some() => {
                draft.findings.add(Kind::FileWithoutRow, "pictures stand in no row of the joined table", &sample.name);
            }
            Some(row) => {
                let told = label.map(|label| row[label].as_str()).filter(|told| !told.is_empty());
                if told.is_some() && sample.label.is_some() && told != sample.label.as_deref() {
                    let text = "pictures have another class in the joined table, which is not taken";
                    draft.findings.add(Kind::Contradiction, text, &sample.name);
                }
            }
            None => {}
        }
    }
    if joined == 0 && !draft.samples.is_empty() {
        return Err(no_key());
    }
    let mut left: Vec<&str> = rows.into_keys().collect();
    left.sort_unstable();
    for name in left {
        draft.findings.add(Kind::RowWithoutFile, "rows of the joined table belong to no picture", name);
    }
    Ok(())
}
