use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use semio_data::{
    ReadLimits,
    deidentify::{BurnedIn, DeidentifyError, FolderReport, Key, Options, deidentify_folder},
};
use serde_json::Value;

use crate::{
    Outcome,
    fault::Fault,
    progress::{bar, count},
};

/// What to de-identify and how.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of PS3.15, annex E.3")]
pub(crate) struct Deidentify {
    /// DICOM file, or folder of them
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// New folder for the new files: <patient>/<instance>.dcm, both under new names
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// File with the secret (16 bytes at least) from which new ids are derived; the same secret gives the same ids
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Moves a patient's dates back by one secret number of days instead of removing them
    #[arg(long)]
    shift_dates: bool,
    /// Keeps age, sex, size, weight and the like
    #[arg(long)]
    keep_characteristics: bool,
    /// Keeps UIDs
    #[arg(long)]
    keep_uids: bool,
    /// Keeps serial numbers and names of devices, but not their names in the network
    #[arg(long)]
    keep_device: bool,
    /// Keeps words of radiology in descriptions instead of removing these
    #[arg(long)]
    clean_descriptors: bool,
    /// Keeps numbers and terms in the private attributes that the standard lists as safe
    #[arg(long)]
    keep_safe_private: bool,
    /// Blacks out what looks like text in the pixels, which are then stored uncompressed
    #[arg(long)]
    black_out: bool,
    /// Table of old and new files to write; it leads back to the patients: keep it as safe as the key
    #[arg(long, value_name = "FILE.csv")]
    mapping: Option<PathBuf>,
    /// Report to write [default: OUT/deidentification.json]
    #[arg(long, value_name = "FILE.json")]
    report: Option<PathBuf>,
    /// Prints the report as JSON
    #[arg(long)]
    json: bool,
    /// Prints no progress
    #[arg(short, long)]
    quiet: bool,
}

impl Deidentify {
    /// Writes the new files; ends with 1 where one failed, or somebody must look at its pixels.
    pub(super) fn run(self) -> Outcome {
        let secret = fs::read(&self.key).map_err(|error| {
            Fault::file("read the key", &self.key, error)
                .help("make one with: openssl rand -hex 32 > FILE, and keep it where the pictures do not go")
        })?;
        let key = Key::new(&secret).ok_or_else(|| {
            Fault::usage("the key is shorter than 16 bytes")
                .at(self.key.display())
                .help("make one with: openssl rand -hex 32 > FILE")
        })?;
        let options = Options {
            shift_dates: self.shift_dates,
            keep_characteristics: self.keep_characteristics,
            keep_uids: self.keep_uids,
            keep_device: self.keep_device,
            clean_descriptors: self.clean_descriptors,
            keep_safe_private: self.keep_safe_private,
            black_out: self.black_out,
        };
        let bar = bar(0, "cleaning", self.quiet || self.json);
        let progress = |done: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        };
        let made = deidentify_folder(&self.from, &self.to, options, &key, &ReadLimits::default(), &progress);
        bar.finish_and_clear();
        let found = made.map_err(|error| match error {
            DeidentifyError::Output { .. } => Fault::usage(error),
            other => Fault::trouble(other),
        })?;
        if found.files == 0 {
            return Err(Fault::trouble("there are no DICOM files").at(self.from.display()));
        }
        if let Some(mapping) = &self.mapping {
            write_mapping(mapping, &found)?;
        }
        let report = self.report.unwrap_or_else(|| self.to.join("deidentification.json"));
        let json = serde_json::to_value(&found).map_err(Fault::trouble)?;
        let text = serde_json::to_string_pretty(&json).map_err(Fault::trouble)?;
        fs::write(&report, &text).map_err(|error| Fault::file("write", &report, error))?;
        if self.json {
            println!("{}", with_sources(json, &found));
        } else {
            print(&found, &report);
        }
        Ok(if found.has_trouble() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

/// What is printed names the old files of failures: whoever ran the command must find them.
fn with_sources(mut json: Value, found: &FolderReport) -> String {
    if let Some(each) = json.get_mut("each").and_then(Value::as_array_mut) {
        for (value, file) in each.iter_mut().zip(&found.each) {
            if let (Some(object), Some(_)) = (value.as_object_mut(), &file.error) {
                object.insert("source".into(), file.source.display().to_string().into());
            }
        }
    }
    json.to_string()
}

fn write_mapping(path: &Path, found: &FolderReport) -> Result<(), Fault> {
    let cannot = |error: csv::Error| Fault::file("write", path, error);
    let mut table = csv::Writer::from_path(path).map_err(cannot)?;
    table.write_record(["source", "file", "error"]).map_err(cannot)?;
    for file in &found.each {
        let (source, new) = (file.source.to_string_lossy(), file.file.as_deref().unwrap_or_default());
        table.write_record([&*source, new, file.error.as_deref().unwrap_or_default()]).map_err(cannot)?;
    }
    table.flush().map_err(|error| Fault::file("write", path, error))
}

fn print(found: &FolderReport, report: &Path) {
    let line = |key: &str, value: String| println!("{key:<9} {value}");
    line("written", format!("{} files of {} patients", count(found.written), count(found.patients)));
    let sum = |counts: &std::collections::BTreeMap<String, usize>| count(counts.values().sum());
    let done = &found.done;
    line(
        "changed",
        format!(
            "{} attributes removed, {} emptied, {} replaced, {} private ones removed, {} UIDs, {} dates, {} descriptions",
            sum(&done.removed),
            sum(&done.emptied),
            sum(&done.replaced),
            count(done.private),
            count(done.uids),
            count(done.dates),
            count(done.cleaned)
        ),
    );
    if !done.residue.is_empty() {
        let tags: Vec<&str> = done.residue.keys().map(String::as_str).collect();
        line("found", format!("the patient's name or numbers outside of the table, emptied: {}", tags.join(", ")));
    }
    if found.skipped > 0 {
        line("skipped", format!("{} files that are no DICOM files", count(found.skipped)));
    }
    for file in found.each.iter().filter(|file| file.error.is_some()) {
        line("failed", format!("{}: {}", file.source.display(), file.error.as_deref().unwrap_or_default()));
    }
    for file in found.each.iter().filter(|file| file.report.needs_a_look()) {
        let why: Vec<&str> = file.report.burned_in.iter().copied().map(reason).collect();
        line("look at", format!("{}: {}", file.file.as_deref().unwrap_or_default(), why.join("; ")));
    }
    if found.faces > 0 {
        line("look at", format!("{} head scans, from which a face could be computed", count(found.faces)));
    }
    line("report", report.display().to_string());
}

/// Why text may stand in the pixels.
fn reason(why: BurnedIn) -> &'static str {
    match why {
        BurnedIn::Tag => "the file says that text stands in its pixels",
        BurnedIn::Kind => "pictures of this kind usually have text in their pixels",
        BurnedIn::Pixels => "something in its pixels looks like text",
        BurnedIn::Unsearched => "not all of its pixels could be looked through",
    }
}
