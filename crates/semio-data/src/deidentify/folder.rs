use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use rayon::prelude::*;
use serde::Serialize;
use walkdir::WalkDir;

use super::{DeidentifyError, Key, Options, Report, deidentify};
use crate::{
    dicom::looks_like_dicom,
    raster::{ReadLimits, read_bytes},
};

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Where it lay. Names of files may say who the patient is: this is for the person at the keyboard, and is part of no
    /// file that is written beside the result.
    #[serde(skip)]
    pub source: PathBuf,
    /// Where the new file lies, below the folder; `None` where none was written.
    pub file: Option<String>,
    /// Why none was written.
    pub error: Option<String>,
    /// What was done.
    pub report: Report,
}

/// What became of a folder.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FolderReport {
    /// DICOM files found.
    pub files: usize,
    /// Files written.
    pub written: usize,
    /// DICOM files that could not be de-identified, of which nothing was written.
    pub failed: usize,
    /// Files of other kinds, passed over.
    pub skipped: usize,
    /// Patients, by their new ids.
    pub patients: usize,
    /// Files with text in their pixels that somebody must look at.
    pub burned_in: usize,
    /// Head scans from which a face could be computed.
    pub faces: usize,
    /// What was done, in all files together.
    pub done: Report,
    /// Each DICOM file.
    pub each: Vec<FileReport>,
}

impl FolderReport {
    /// Whether a file failed or must be looked at.
    pub fn has_trouble(&self) -> bool {
        self.failed > 0 || self.burned_in > 0
    }
}

/// De-identifies the DICOM files of a folder, or one file, into a new folder: `<patient>/<instance>.dcm`, both new names.
///
/// `progress` hears how many files are done, of how many.
///
/// # Errors
/// [`DeidentifyError::Output`] where the new folder is not empty or lies in the old one, [`DeidentifyError::Io`] where the
/// old one cannot be read or the new one not be made. What is wrong with single files and folders within is part of the
/// report.
pub fn deidentify_folder(
    from: &Path,
    to: &Path,
    options: Options,
    key: &Key,
    limits: &ReadLimits,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<FolderReport, DeidentifyError> {
    let io = |action, path: &Path, source| DeidentifyError::Io { action, path: path.to_owned(), source };
    from.metadata().map_err(|error| io("read", from, error))?;
    check_output(from, to)?;
    let (mut files, mut unread) = (vec![], vec![]);
    for entry in WalkDir::new(from).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() => files.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                // Names of folders may say who the patient is, too.
                let reason = error.io_error().map_or("a link leads back to itself".into(), ToString::to_string);
                let source = error.path().unwrap_or(from).to_owned();
                unread.push(FileReport::failed(source, format!("it cannot be read: {reason}")));
            }
        }
    }
    fs::create_dir_all(to).map_err(|error| io("create", to, error))?;
    let done = AtomicUsize::new(0);
    let one = |source: &PathBuf| -> Option<(FileReport, String)> {
        let made = file(source, to, options, key, limits);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
        made
    };
    let made: Vec<Option<(FileReport, String)>> = files.par_iter().map(one).collect();
    let mut report = FolderReport::default();
    let mut patients = BTreeSet::new();
    for made in made.into_iter().chain(unread.into_iter().map(|failed| Some((failed, String::new())))) {
        let Some((file, patient)) = made else {
            report.skipped += 1;
            continue;
        };
        report.files += 1;
        report.written += usize::from(file.file.is_some());
        report.failed += usize::from(file.error.is_some());
        report.burned_in += usize::from(file.report.needs_a_look());
        report.faces += usize::from(file.report.face);
        report.done.add(&file.report);
        if file.file.is_some() {
            patients.insert(patient);
        }
        report.each.push(file);
    }
    report.patients = patients.len();
    Ok(report)
}

impl FileReport {
    fn failed(source: PathBuf, error: String) -> Self {
        Self { source, file: None, error: Some(error), report: Report::default() }
    }
}

/// What became of one file, and of which patient it is; nothing for files of other kinds.
fn file(source: &Path, to: &Path, options: Options, key: &Key, limits: &ReadLimits) -> Option<(FileReport, String)> {
    let failed = |error: String| Some((FileReport::failed(source.to_owned(), error), String::new()));
    let bytes = match read_bytes(source, limits) {
        Ok(bytes) => bytes,
        Err(error) => return failed(error.to_string()),
    };
    if !looks_like_dicom(&bytes) {
        return None;
    }
    let made = match deidentify(&bytes, options, key, limits) {
        Ok(made) => made,
        Err(error) => return failed(error.to_string()),
    };
    // Two files may claim to be one object, or have no number at all; neither is to be lost.
    let stem = if made.instance.is_empty() { key.code(&source.to_string_lossy(), 16) } else { made.instance };
    let file = match write(&to.join(&made.pseudonym), &stem, &made.bytes) {
        Ok(name) => format!("{}/{name}", made.pseudonym),
        Err(error) => return failed(error.to_string()),
    };
    let report = FileReport { source: source.to_owned(), file: Some(file), error: None, report: made.report };
    Some((report, made.pseudonym))
}

/// Writes a file under a name that is not taken, and gives the name. What cannot be written whole is taken away again.
fn write(folder: &Path, stem: &str, bytes: &[u8]) -> Result<String, DeidentifyError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| DeidentifyError::Io { action: "write", path, source }
    };
    fs::create_dir_all(folder).map_err(io(folder))?;
    let mut name = format!("{stem}.dcm");
    let mut copy = 1;
    loop {
        let path = folder.join(&name);
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                return match std::io::Write::write_all(&mut file, bytes) {
                    Ok(()) => Ok(name),
                    Err(error) => {
                        // Whether or not it goes, the first fault is the one to tell.
                        let _ = fs::remove_file(&path);
                        Err(io(&path)(error))
                    }
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                copy += 1;
                name = format!("{stem}-{copy}.dcm");
            }
            Err(error) => return Err(io(&path)(error)),
        }
    }
}

fn check_output(from: &Path, to: &Path) -> Result<(), DeidentifyError> {
    let fault = |reason| DeidentifyError::Output { path: to.to_owned(), reason };
    let (from, absolute) = (std::path::absolute(from), std::path::absolute(to));
    if let (Ok(from), Ok(to)) = (from, absolute)
        && to.starts_with(&from)
    {
        return Err(fault("lies in the folder that is read"));
    }
    match fs::read_dir(to).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(fault("is not empty")),
        _ => Ok(()),
    }
}
