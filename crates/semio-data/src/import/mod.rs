//! Data sets as they are published → one manifest.
//!
//! [`import`] finds out in which layout a folder lies, reads its tables, checks them against the files, and gives the
//! samples together with what it found unusual. [`Import::csv`] is the manifest that every command reads.
//!
//! | layout | how it is known | patient | part | mask |
//! |---|---|---|---|---|
//! | C-NMC | `fold_<n>/{all,hem}` below `training_data` | in the file's name | by the folder | – |
//! | RSNA | `…detailed_class_info.csv` | by [`ImportOptions::join`] | likewise | – |
//! | Radiography | `<class>/images` beside `<class>/masks` or `<class>.metadata.xlsx` | – | – | `<class>/masks` |
//! | table | `labels.csv`, or a CSV file | a column | a column | a column, or a folder of masks |
//! | class folders | anything else | – | by the folder | – |

mod classes;
mod cnmc;
mod error;
mod finding;
mod frames;
mod join;
mod radiography;
mod roles;
mod rsna;
mod sheet;
mod sizes;
mod table;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    manifest::{Columns, Sample, Split, no_pictures_in},
    raster::Frames,
    split::divided_groups,
};

pub use error::ImportError;
use finding::Findings;
pub use finding::{Finding, Kind};

/// How a data set's files and tables lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One folder a class, perhaps below train, val and test.
    ClassFolders,
    /// The C-NMC leukaemia challenge: folds of `all` and `hem`, a labelled validation part, an unlabelled test part.
    Cnmc,
    /// The RSNA pneumonia challenge: DICOM files and two tables.
    Rsna,
    /// The COVID-19 Radiography Database: pictures and masks of each class, metadata in spreadsheets.
    Radiography,
    /// A CSV file that names pictures and classes.
    Table,
}

impl Layout {
    /// The layout's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClassFolders => "class-folders",
            Self::Cnmc => "cnmc",
            Self::Rsna => "rsna",
            Self::Radiography => "radiography",
            Self::Table => "table",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ClassFolders => "one folder a class",
            Self::Cnmc => "C-NMC leukaemia challenge",
            Self::Rsna => "RSNA pneumonia challenge",
            Self::Radiography => "COVID-19 Radiography Database",
            Self::Table => "table of pictures",
        })
    }
}

/// What the reader of a layout is to know beyond the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// A further CSV file with one row a picture, sought where it is named and then in the folder.
    pub join: Option<PathBuf>,
    /// The columns with a meaning, among those of the layout and of `join`; where none is named, usual names are taken.
    pub columns: Columns,
    /// The folder with a mask for each picture of a table, inside the data set; usually found.
    pub masks: Option<PathBuf>,
    /// Which frames of DICOM files become pictures; rows of a table that name one keep it.
    pub frames: Frames,
}

/// A data set as it was understood.
#[derive(Clone, Debug)]
pub struct Import {
    /// The folder or CSV file.
    pub source: PathBuf,
    /// How it lies.
    pub layout: Layout,
    /// The pictures; those of an unlabelled part have no class.
    pub samples: Vec<Sample>,
    /// The names of further columns.
    pub extra_columns: Vec<String>,
    /// Which column of the source was taken for which purpose, where there was a choice: (purpose, column).
    pub taken: Vec<(&'static str, String)>,
    /// What is unusual; trouble first.
    pub findings: Vec<Finding>,
}

/// Finds out the layout of a data set, reads it and checks it.
///
/// # Errors
/// [`ImportError`] where a table cannot be read, a column is not there, or nothing is found. What can be lived with is a
/// [`Finding`] instead.
pub fn import(source: &Path, options: &ImportOptions) -> Result<Import, ImportError> {
    let (layout, root) = detect(source)?;
    let mut draft = match layout {
        Layout::Cnmc => cnmc::read(&root)?,
        Layout::Rsna => rsna::read(&root)?,
        Layout::Radiography => radiography::read(&root)?,
        Layout::Table => table::read(&root, options)?,
        Layout::ClassFolders => classes::read(&root)?,
    };
    if let Some(table) = &options.join {
        join::join(&mut draft, &root, table, options)?;
    }
    roles::assign(&mut draft, &root, layout, options)?;
    frames::choose(&mut draft, options.frames);
    if draft.samples.is_empty() {
        return Err(ImportError::Empty { path: source.to_owned(), layout });
    }
    roles::check(&mut draft, layout);
    let Draft { samples, columns, taken, findings } = draft;
    Ok(Import {
        source: source.to_owned(),
        layout,
        samples,
        extra_columns: columns,
        taken,
        findings: findings.into_sorted(),
    })
}

/// A data set while it is put together.
#[derive(Default)]
struct Draft {
    samples: Vec<Sample>,
    /// The names of the samples' further values.
    columns: Vec<String>,
    taken: Vec<(&'static str, String)>,
    findings: Findings,
}

impl Import {
    /// Whether something was found that keeps pictures out or makes figures wrong.
    pub fn has_trouble(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind.is_trouble())
    }

    /// Pictures a class.
    pub fn classes(&self) -> BTreeMap<&str, usize> {
        let mut classes = BTreeMap::new();
        for label in self.samples.iter().filter_map(|s| s.label.as_deref()) {
            *classes.entry(label).or_default() += 1;
        }
        classes
    }

    /// Pictures with a class in each part; empty where the data set has no parts.
    pub fn splits(&self) -> BTreeMap<Split, usize> {
        let mut splits = BTreeMap::new();
        for split in self.samples.iter().filter(|s| s.label.is_some()).filter_map(|s| s.split) {
            *splits.entry(split).or_default() += 1;
        }
        splits
    }

    /// The number of patients; `None` where they are unknown.
    pub fn groups(&self) -> Option<usize> {
        let groups: BTreeSet<&str> = self.samples.iter().filter_map(|s| s.group.as_deref()).collect();
        (!groups.is_empty()).then_some(groups.len())
    }
}

/// How many folders are looked into for where a layout begins.
const MAX_LOOKED_INTO: usize = 50;

/// Tells the layout, and the folder or table at which it begins.
fn detect(source: &Path) -> Result<(Layout, PathBuf), ImportError> {
    let metadata = source.metadata().map_err(|error| ImportError::open(source, error))?;
    if !metadata.is_dir() {
        return Ok((Layout::Table, source.to_owned()));
    }
    // Archives unpack into folders of their own, beside which other things may lie.
    let children = folders(source);
    let grandchildren = children.iter().flat_map(|child| folders(child)).take(MAX_LOOKED_INTO);
    for root in
        [source.to_owned()].into_iter().chain(children.iter().take(MAX_LOOKED_INTO).cloned()).chain(grandchildren)
    {
        if let Some(layout) = special(&root) {
            return Ok((layout, root));
        }
    }
    // One folder alone is no class: classification needs two.
    let mut root = source.to_owned();
    for _ in 0..3 {
        if root.join("labels.csv").is_file() {
            return Ok((Layout::Table, root.join("labels.csv")));
        }
        match &folders(&root)[..] {
            [only] if Split::from_name(&name_of(only)).is_none() && no_pictures_in(&root) => root.clone_from(only),
            _ => break,
        }
    }
    Ok((Layout::ClassFolders, root))
}

/// The published layout that begins at a folder.
fn special(root: &Path) -> Option<Layout> {
    if cnmc::lies_in(root) {
        return Some(Layout::Cnmc);
    }
    if rsna::lies_in(root) {
        return Some(Layout::Rsna);
    }
    radiography::lies_in(root).then_some(Layout::Radiography)
}

/// The folders in a folder, sorted; hidden ones and what macOS leaves in archives are passed over.
fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = entries(root).into_iter().filter(|path| path.is_dir()).collect();
    folders.retain(|path| name_of(path) != "__MACOSX");
    folders
}

/// What lies in a folder, sorted, without hidden entries; nothing where it cannot be read.
fn entries(root: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(root).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.retain(|path| !name_of(path).starts_with('.'));
    entries.sort();
    entries
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn stem_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// How a file is called below a folder, with `/` between folders.
fn name_below(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap_or(file);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn sample(root: &Path, file: PathBuf) -> Sample {
    let name = name_below(root, &file);
    Sample { file, frame: None, name, label: None, split: None, group: None, mask: None, extra: vec![] }
}
