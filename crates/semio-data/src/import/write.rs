use std::path::{Component, Path, PathBuf};

use super::{Import, ImportError};
use crate::manifest::Split;

const COLUMNS: [&str; 6] = ["file", "frame", "label", "split", "group", "mask"];

impl Import {
    /// The manifest as CSV: `file, label`, and `frame`, `split`, `group` and `mask` where the data set knows them, then what
    /// else it tells; a further column that bears one of these names gets `_source` behind it.
    ///
    /// Paths are relative to `folder`, in which the manifest will lie, where they lead below it, and absolute elsewhere.
    ///
    /// # Errors
    /// [`ImportError::Csv`], which a table in memory has no reason for; [`ImportError::Open`] where the working
    /// directory is unknown.
    pub fn csv(&self, folder: &Path) -> Result<Vec<u8>, ImportError> {
        let folder = absolute(folder)?;
        let place = |path: &Path| -> Result<String, ImportError> {
            let path = absolute(path)?;
            let inside =
                path.strip_prefix(&folder).map(|p| p.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>());
            Ok(inside.map_or_else(|_| path.to_string_lossy().into_owned(), |parts| parts.join("/")))
        };
        let has = [
            true,
            self.samples.iter().any(|s| s.frame.is_some()),
            true,
            self.samples.iter().any(|s| s.split.is_some()),
            self.samples.iter().any(|s| s.group.is_some()),
            self.samples.iter().any(|s| s.mask.is_some()),
        ];
        let mut writer = csv::Writer::from_writer(vec![]);
        let own = COLUMNS.iter().zip(has).filter(|(_, has)| *has).map(|(name, _)| (*name).to_owned());
        let renamed = |name: &String| if COLUMNS.contains(&&**name) { format!("{name}_source") } else { name.clone() };
        writer.write_record(own.chain(self.extra_columns.iter().map(renamed)))?;
        for sample in &self.samples {
            let mask = sample.mask.as_deref().map(place).transpose()?;
            let values = [
                place(&sample.file)?,
                sample.frame.map_or_else(String::new, |frame| frame.to_string()),
                sample.label.clone().unwrap_or_default(),
                sample.split.map(Split::name).unwrap_or_default().to_owned(),
                sample.group.clone().unwrap_or_default(),
                mask.unwrap_or_default(),
            ];
            let own = values.into_iter().zip(has).filter(|(_, has)| *has).map(|(value, _)| value);
            writer.write_record(own.chain(sample.extra.iter().cloned()))?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
    }
}

/// The absolute path, with `..` taken back by name.
fn absolute(path: &Path) -> Result<PathBuf, ImportError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let path = std::path::absolute(path).map_err(|error| ImportError::open(path, error))?;
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    Ok(clean)
}
