use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use semio_data::{
    Frames, ImportOptions,
    explore::{Exploration, ExploreOptions, explore},
    import::import,
    manifest::Columns,
};

use crate::{
    Outcome,
    fault::Fault,
    progress::{bar, count},
};

/// The data set, what is known about it, and where the page goes.
#[derive(Args)]
pub(crate) struct Explore {
    /// Manifest, CSV file, or folder of a data set in any layout that `semio data import` knows
    #[arg(value_name = "DATA")]
    source: PathBuf,
    /// Page to write [default: exploration.html, none with --json]
    #[arg(short = 'o', long = "out", alias = "output", value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Further CSV file with one row a picture, in the working directory or in DATA
    #[arg(long, value_name = "FILE.csv")]
    join: Option<PathBuf>,
    /// Column with the file's path [default: file and the like]
    #[arg(long, value_name = "NAME")]
    file_column: Option<String>,
    /// Column with the number of a DICOM file's frame, from 1 on [default: frame, if a table has it]
    #[arg(long, value_name = "NAME")]
    frame_column: Option<String>,
    /// Column with the class [default: the layout's own, or label and the like]
    #[arg(long, value_name = "NAME")]
    label_column: Option<String>,
    /// Column with the part [default: the layout's own, or split and the like]
    #[arg(long, value_name = "NAME")]
    split_column: Option<String>,
    /// Column with the patient [default: the layout's own, or group, patient and the like]
    #[arg(long, value_name = "NAME")]
    group_column: Option<String>,
    /// Column with where pictures come from [default: source and the like, else the device's manufacturer]
    #[arg(long, value_name = "NAME")]
    source_column: Option<String>,
    /// Frame of DICOM files with several: its number, from 1 on, or all [default: the first]
    #[arg(long, value_name = "N|all")]
    frame: Option<Frames>,
    /// Prints what was found as JSON
    #[arg(long)]
    json: bool,
    /// Prints no progress
    #[arg(short, long)]
    quiet: bool,
}

impl Explore {
    /// Writes the page; ends with 1 where files cannot be read, duplicates contradict each other, or parts know each other.
    pub(super) fn run(self) -> Outcome {
        let columns = Columns {
            file: self.file_column,
            frame: self.frame_column,
            label: self.label_column,
            split: self.split_column,
            group: self.group_column,
            mask: None,
        };
        let frames = self.frame.unwrap_or_default();
        let data = import(&self.source, &ImportOptions { join: self.join, columns, masks: None, frames })?;
        if let Some(column) = self.source_column.as_ref().filter(|column| !data.extra_columns.contains(column)) {
            let present = data.extra_columns.join(", ");
            return Err(Fault::usage(format_args!("the data have no column '{column}'"))
                .help(format_args!("name one of these with --source-column: {present}")));
        }
        let options = ExploreOptions { source_column: self.source_column, ..ExploreOptions::default() };
        let bar = bar(data.samples.len(), "reading", self.quiet || self.json);
        let progress = |done: usize| bar.set_position(done as u64);
        let name = self.source.canonicalize().unwrap_or_else(|_| self.source.clone());
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = explore(&name, &data.samples, &data.extra_columns, &options, &progress);
        bar.finish_and_clear();
        let out = self.out.or_else(|| (!self.json).then(|| PathBuf::from("exploration.html")));
        if let Some(out) = &out {
            let page = found.page(&crate::commands::train::today())?;
            write(out, &page)?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&found).map_err(Fault::trouble)?);
        } else {
            print(&found);
            if let Some(out) = &out {
                println!("page      {}", out.display());
            }
        }
        Ok(if found.trouble { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

fn write(out: &Path, page: &str) -> Result<(), Fault> {
    let cannot = |error| Fault::file("write", out, error);
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    fs::write(out, page).map_err(cannot)
}

fn print(found: &Exploration) {
    let line = |key: &str, value: String| println!("{key:<9} {value}");
    line("pictures", count(found.pictures));
    let classes: Vec<String> =
        found.classes.iter().map(|c| format!("{} {} ({:.1} %)", c.name, count(c.count), 100.0 * c.share)).collect();
    line("classes", classes.join(", "));
    line("patients", found.patients.map_or("unknown".into(), count));
    let d = &found.duplicates;
    line("doubles", format!("{} exact, {} groups nearly the same", count(d.exact_surplus), count(d.near_groups)));
    for warning in &found.warnings {
        line("look at", warning.clone());
    }
}
