use std::{
    collections::HashSet,
    fs,
    io::{self, Cursor, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use calamine::{Data, Reader, Xlsx, XlsxError};
use zip::ZipArchive;

use super::ImportError;
use crate::manifest::delimiter;

/// The longest spreadsheet that is opened; that of 12,000 pictures has 500 kB.
const MAX_SHEET_BYTES: u64 = 64 << 20;

/// How far its parts may grow whatever their size, and by which factor beyond; text shrinks to a tenth, seldom to less.
const UNPACKED_BYTES: u64 = 32 << 20;
const UNPACKED_TIMES: u64 = 64;

/// The most columns (those that Excel grants), and the most cells: 160,000 rows of 100.
const MAX_COLUMNS: usize = 16_384;
const MAX_CELLS: usize = 16_000_000;

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
        check_size(&bytes).map_err(|reason| ImportError::table(path, reason))?;
        // The reader is written not to panic; a hostile file must not end the program if it finds a way.
        let read = || first_sheet(bytes);
        let rows = catch_unwind(AssertUnwindSafe(read))
            .map_err(|_| ImportError::table(path, "it is broken; save it again"))?
            .map_err(|error| ImportError::table(path, error))?
            .ok_or_else(|| ImportError::table(path, too_many()))?;
        let mut rows = rows.into_iter();
        let header = rows.next().unwrap_or_default();
        Self::new(path, header, rows.collect())
    }

    fn new(path: &Path, header: Vec<String>, mut rows: Vec<Vec<String>>) -> Result<Self, ImportError> {
        let mut seen = HashSet::with_capacity(header.len());
        if let Some(name) = header.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(ImportError::table(path, format_args!("two of its columns are named '{name}'; rename one")));
        }
        rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        if header.len() > MAX_COLUMNS || header.len().saturating_mul(rows.len()) > MAX_CELLS {
            return Err(ImportError::table(path, too_many()));
        }
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

fn too_many() -> String {
    format!("it has more than {MAX_COLUMNS} columns or {MAX_CELLS} cells; leave out what no picture needs")
}

/// Refuses a file whose parts grow too much when they are unpacked, or announce more texts than they can hold: the
/// reader would take memory for what is announced.
fn check_size(bytes: &[u8]) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| format!("it cannot be unpacked ({error}); save it again");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| words(&error))?;
    let limit = UNPACKED_BYTES.max(UNPACKED_TIMES * bytes.len() as u64);
    let mut left = limit;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| words(&error))?;
        let texts = part.name().map_err(|error| words(&error))?.to_lowercase().ends_with("sharedstrings.xml");
        let mut part = part.take(left + 1);
        let length = if texts {
            let mut content = vec![];
            part.read_to_end(&mut content).map_err(|error| words(&error))?;
            check_announced(&content)?;
            content.len() as u64
        } else {
            io::copy(&mut part, &mut io::sink()).map_err(|error| words(&error))?
        };
        left = left.checked_sub(length).ok_or_else(|| format!("it grows beyond {limit} bytes when it is unpacked"))?;
    }
    Ok(())
}

/// Compares the number of texts that a part announces with its length.
fn check_announced(content: &[u8]) -> Result<(), String> {
    const NAME: &[u8] = b"uniqueCount";
    let found = content.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME);
    for (at, _) in found {
        let rest =
            content[at + NAME.len()..].iter().skip_while(|b| !b.is_ascii_digit()).take_while(|b| b.is_ascii_digit());
        let announced = rest.fold(0usize, |n, digit| n.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
        if announced > content.len() {
            return Err(format!("it announces {announced} texts in {} bytes", content.len()));
        }
    }
    Ok(())
}

/// The rows of the first sheet; `None` where they are too many. Cells are taken one by one: a single one far out would
/// make the reader's own table as large as all sheets of the world.
fn first_sheet(bytes: Vec<u8>) -> Result<Option<Vec<Vec<String>>>, XlsxError> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let Some(name) = book.sheet_names().first().cloned() else { return Ok(Some(vec![])) };
    let mut cells = book.worksheet_cells_reader(&name)?;
    let mut rows: Vec<Vec<String>> = vec![];
    let mut held = 0;
    while let Some(found) = cells.next_cell()? {
        let (row, column) = found.get_position();
        let (row, column) = (row as usize, column as usize);
        let value = cell(&Data::from(found.get_value().clone()));
        if value.is_empty() {
            continue;
        }
        if row >= MAX_CELLS || column >= MAX_COLUMNS || held > MAX_CELLS {
            return Ok(None);
        }
        if rows.len() <= row {
            held += row + 1 - rows.len();
            rows.resize(row + 1, vec![]);
        }
        let line = &mut rows[row];
        if line.len() <= column {
            held += column + 1 - line.len();
            line.resize(column + 1, String::new());
        }
        line[column] = value;
    }
    // A table may begin anywhere in its sheet.
    let first = rows.iter().position(|row| !row.is_empty()).unwrap_or(rows.len());
    let left = rows.iter().filter_map(|row| row.iter().position(|cell| !cell.is_empty())).min().unwrap_or(0);
    let mut rows = rows.split_off(first);
    rows.iter_mut().filter(|row| !row.is_empty()).for_each(|row| drop(row.drain(..left)));
    Ok(Some(rows))
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
