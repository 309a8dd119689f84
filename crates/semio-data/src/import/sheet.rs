use std::{
    fs,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use calamine::{Data, Reader, Xlsx};

use super::ImportError;
use crate::manifest::delimiter;

/// The longest spreadsheet that is opened; that of 12,000 pictures has 500 kB.
const MAX_SHEET_BYTES: u64 = 64 << 20;

/// A table with named columns; every row has as many cells as there are names.
pub(super) struct Sheet {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Reads a CSV file.
    pub(super) fn csv(path: &Path) -> Result<Self, ImportError> {
        let bytes = fs::read(path).map_err(|error| ImportError::open(path, error))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| ImportError::table(path, "it is not UTF-8 text; save it again as 'CSV UTF-8'"))?
            .trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter(text))
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let wrong = |error: csv::Error| ImportError::table(path, error);
        let header: Vec<String> = reader.headers().map_err(wrong)?.iter().map(Into::into).collect();
        let rows: Result<Vec<Vec<String>>, _> =
            reader.records().map(|record| record.map(|r| r.iter().map(String::from).collect())).collect();
        Self::new(path, header, rows.map_err(wrong)?)
    }

    /// Reads the first sheet of an Excel file.
    pub(super) fn xlsx(path: &Path) -> Result<Self, ImportError> {
        let length = path.metadata().map_err(|error| ImportError::open(path, error))?.len();
        if length > MAX_SHEET_BYTES {
            return Err(ImportError::table(path, format_args!("it is longer than {MAX_SHEET_BYTES} bytes")));
        }
        let bytes = fs::read(path).map_err(|error| ImportError::open(path, error))?;
        // The reader is written not to panic; a hostile file must not end the program if it finds a way.
        let read = || -> Result<Vec<Vec<String>>, calamine::XlsxError> {
            let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
            let Some(range) = book.worksheet_range_at(0).transpose()? else { return Ok(vec![]) };
            Ok(range.rows().map(|row| row.iter().map(cell).collect()).collect())
        };
        let rows = catch_unwind(AssertUnwindSafe(read))
            .map_err(|_| ImportError::table(path, "it is broken; save it again"))?
            .map_err(|error| ImportError::table(path, error))?;
        let mut rows = rows.into_iter();
        let header = rows.next().unwrap_or_default();
        Self::new(path, header, rows.collect())
    }

    fn new(path: &Path, header: Vec<String>, mut rows: Vec<Vec<String>>) -> Result<Self, ImportError> {
        if let Some((_, name)) = header.iter().enumerate().find(|(i, name)| header[..*i].contains(name)) {
            return Err(ImportError::table(path, format_args!("two of its columns are named '{name}'; rename one")));
        }
        rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        for row in &mut rows {
            row.resize(header.len(), String::new());
        }
        Ok(Self { header, rows })
    }

    /// The place of the first of these columns, in any case and with any sign between words.
    pub(super) fn seek(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|h| plain(h) == plain(name)))
    }

    /// The place of a column that must be there.
    pub(super) fn need(&self, path: &Path, names: &[&str], advice: &'static str) -> Result<usize, ImportError> {
        self.seek(names).ok_or_else(|| ImportError::NoColumn {
            path: path.to_owned(),
            column: names.first().copied().unwrap_or_default().to_owned(),
            present: self.header.join(", "),
            advice,
        })
    }
}

fn cell(data: &Data) -> String {
    match data {
        Data::Empty | Data::Error(_) => String::new(),
        other => other.to_string().trim().to_owned(),
    }
}

/// A name without case and without what parts words: `FILE NAME` and `file_name` are one.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
