use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use semio_data::{Frames, ImportOptions, import::import, manifest::Columns};
use serde_json::{Map, Value, json};

use crate::{Outcome, fault::Fault, progress::count};

/// The data set and what is known about it.
#[derive(Args)]
pub(crate) struct Import {
    /// Folder of the data set, or CSV file that names pictures
    #[arg(value_name = "DIR")]
    source: PathBuf,
    /// Manifest to write
    #[arg(short = 'o', long = "out", alias = "output", value_name = "FILE.csv", default_value = "manifest.csv")]
    out: PathBuf,
    /// Further CSV file with one row a picture, in the working directory or in DIR
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
    /// Column with the mask's path [default: mask and the like]
    #[arg(long, value_name = "NAME")]
    mask_column: Option<String>,
    /// Folder in DIR with a mask of the same name for each picture of a table [default: a folder named masks or the like]
    #[arg(long, value_name = "FOLDER")]
    masks: Option<PathBuf>,
    /// Frame of DICOM files with several: its number, from 1 on, or all [default: the first]
    #[arg(long, value_name = "N|all")]
    frame: Option<Frames>,
    /// Prints what was understood as JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    /// Writes the manifest; ends with 1 where the data set has faults that lose pictures or spoil figures.
    pub(super) fn run(self) -> Outcome {
        let columns = Columns {
            file: self.file_column,
            frame: self.frame_column,
            label: self.label_column,
            split: self.split_column,
            group: self.group_column,
            mask: self.mask_column,
        };
        let frames = self.frame.unwrap_or_default();
        let options = ImportOptions { join: self.join, columns, masks: self.masks, frames };
        let found = import(&self.source, &options)?;
        let folder = self.out.parent().unwrap_or(Path::new(""));
        let table = found.csv(folder)?;
        let cannot = |error| Fault::file("write", &self.out, error);
        if !folder.as_os_str().is_empty() {
            fs::create_dir_all(folder).map_err(cannot)?;
        }
        fs::write(&self.out, table).map_err(cannot)?;
        if self.json {
            println!("{}", summary(&found, &self.out));
        } else {
            print(&found, &self.out);
        }
        Ok(if found.has_trouble() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

fn summary(found: &semio_data::Import, out: &Path) -> Value {
    let classes: Map<String, Value> = found.classes().iter().map(|(c, n)| ((*c).into(), (*n).into())).collect();
    let splits: Map<String, Value> = found.splits().iter().map(|(s, n)| (s.name().into(), (*n).into())).collect();
    let taken: Map<String, Value> = found.taken.iter().map(|(p, c)| ((*p).into(), c.clone().into())).collect();
    let findings: Vec<Value> = found
        .findings
        .iter()
        .map(|f| {
            let Ok(Value::Object(mut finding)) = serde_json::to_value(f) else { return Value::Null };
            finding.insert("trouble".into(), f.kind.is_trouble().into());
            Value::Object(finding)
        })
        .collect();
    json!({
        "layout": found.layout.name(),
        "source": found.source,
        "manifest": out,
        "pictures": found.samples.len(),
        "labelled": found.samples.iter().filter(|s| s.label.is_some()).count(),
        "classes": classes,
        "splits": splits,
        "groups": found.groups(),
        "masks": found.samples.iter().filter(|s| s.mask.is_some()).count(),
        "columns": found.extra_columns,
        "taken": taken,
        "ok": !found.has_trouble(),
        "findings": findings,
    })
}

fn print(found: &semio_data::Import, out: &Path) {
    let line = |key: &str, value: String| println!("{key:<8} {value}");
    line("layout", found.layout.to_string());
    let unlabelled = found.samples.iter().filter(|s| s.label.is_none()).count();
    let without = if unlabelled > 0 { format!(", {} without a class", count(unlabelled)) } else { String::new() };
    line("pictures", count(found.samples.len()) + &without);
    let classes: Vec<String> = found.classes().iter().map(|(class, n)| format!("{class} {}", count(*n))).collect();
    line("classes", classes.join(", "));
    let splits: Vec<String> = found.splits().iter().map(|(split, n)| format!("{split} {}", count(*n))).collect();
    line("split", if splits.is_empty() { "none: `semio data split` makes one".into() } else { splits.join(", ") });
    line("patients", found.groups().map_or("unknown".into(), count));
    let masks = found.samples.iter().filter(|s| s.mask.is_some()).count();
    if masks > 0 {
        line("masks", count(masks));
    }
    for (purpose, column) in &found.taken {
        line("taken", format!("{purpose} from '{column}'"));
    }
    for finding in &found.findings {
        line(if finding.kind.is_trouble() { "trouble" } else { "note" }, finding.to_string());
    }
    line("manifest", out.display().to_string());
    line("next", format!("semio data explore {0}, or semio train --data {0}", out.display()));
}
