mod deidentify;
mod explore;
mod import;
mod inspect;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use semio_data::synth::{Format, Job, SynthError, SynthOptions, write_dataset_as};
use semio_train::{Dataset, DatasetError, Recipe};

use crate::{
    Outcome,
    fault::Fault,
    flags::{DataFlags, SplitFlags, dividing},
    progress::{bar, count},
};

#[derive(Subcommand)]
pub(crate) enum Data {
    /// Make synthetic pictures with known truth, to try things out without patients.
    Synth {
        /// brain-tumor, ms, pneumonia, covid or leukemia
        #[arg(long, value_name = "NAME")]
        job: String,
        /// Number of pictures
        #[arg(long, value_name = "N", default_value_t = 1000)]
        count: usize,
        /// Decides everything about the pictures
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        /// Side of the pictures, in pixels
        #[arg(long, value_name = "PIXELS", default_value_t = 128)]
        size: usize,
        /// png, dicom, dicom-rle or dicom-jpeg; masks are PNG always
        #[arg(long, value_name = "FORMAT", default_value = "png")]
        format: String,
        /// Folder to fill: pictures, masks and labels.csv
        #[arg(short = 'o', long = "output", value_name = "DIR")]
        output: PathBuf,
        /// Prints the result as JSON
        #[arg(long)]
        json: bool,
        /// Prints no progress
        #[arg(short, long)]
        quiet: bool,
    },
    /// Find out how a published data set lies, check its tables against its files, and write one manifest.
    Import(Box<import::Import>),
    /// Read every picture and write a page: classes, sizes, brightness, metadata, duplicates, leaks, odd ones.
    Explore(Box<explore::Explore>),
    /// Remove what says who the patient is from DICOM files (PS3.15), under a secret key.
    Deidentify(Box<deidentify::Deidentify>),
    /// Show what picture files hold: how pixels are coded and are to be seen, exposure and device; not who the patient is.
    Inspect {
        /// Picture files, DICOM or others, or folders of them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Prints one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Divide pictures into train, val and test without dividing a patient, and write the list.
    Split {
        #[command(flatten)]
        data: Box<DataFlags>,
        #[command(flatten)]
        split: SplitFlags,
        /// List to write: file, label, split, group, and the data's further columns
        #[arg(short = 'o', long = "output", value_name = "FILE.csv")]
        output: PathBuf,
        /// Prints the reached ratios as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Data {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Synth { job, count, seed, size, format, output, json, quiet } => {
                let job: Job = job.parse().map_err(Fault::usage)?;
                let format: Format = format.parse().map_err(Fault::usage)?;
                synth(&SynthOptions { job, count, seed, size }, format, &output, json, quiet)
            }
            Self::Import(command) => command.run(),
            Self::Explore(command) => command.run(),
            Self::Deidentify(command) => command.run(),
            Self::Inspect { files, json } => inspect::inspect(&files, json),
            Self::Split { data, split, output, json } => divide(&dividing(&data, &split)?, &output, json),
        }
    }
}

fn synth(options: &SynthOptions, format: Format, output: &std::path::Path, json: bool, quiet: bool) -> Outcome {
    let bar = bar(options.count, "drawing", quiet || json);
    let summary = write_dataset_as(options, format, output, &|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let summary = summary.map_err(|error| match error {
        SynthError::TooDeep { .. } => Fault::usage(error),
        other => Fault::trouble(other),
    })?;
    let table = output.join("labels.csv");
    if json {
        let classes: serde_json::Map<String, serde_json::Value> =
            summary.classes.iter().map(|(c, n)| ((*c).to_owned(), (*n).into())).collect();
        let splits: serde_json::Map<String, serde_json::Value> =
            summary.splits.iter().map(|(s, n)| ((*s).to_owned(), (*n).into())).collect();
        println!(
            "{}",
            serde_json::json!({
                "pictures": summary.pictures, "groups": summary.groups, "classes": classes, "splits": splits,
                "labels": table,
            })
        );
        return Ok(ExitCode::SUCCESS);
    }
    let list = |items: &[(&'static str, usize)]| {
        items.iter().map(|(name, n)| format!("{name} {}", count(*n))).collect::<Vec<_>>().join(", ")
    };
    println!("drew     {} pictures of {} synthetic patients", count(summary.pictures), count(summary.groups));
    println!("classes  {}", list(&summary.classes));
    println!("split    {}", list(&summary.splits));
    println!("labels   {}", table.display());
    println!("next     semio train --data {} -o runs/{}", table.display(), options.job);
    Ok(ExitCode::SUCCESS)
}

fn divide(recipe: &Recipe, output: &std::path::Path, json: bool) -> Outcome {
    let bar = bar(0, "checking", json);
    let dataset = Dataset::open(recipe, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let dataset = dataset.map_err(|error| match error {
        DatasetError::Leak { what, first } => super::train::leak(&what, &first),
        other => Fault::from(other),
    })?;
    std::fs::write(output, dataset.csv(recipe.calibration_ratio)?).map_err(|e| Fault::file("write", output, e))?;
    if json {
        println!("{}", serde_json::json!({ "counts": dataset.counts(), "sha256": dataset.sha256, "list": output }));
    } else {
        println!("{}", dataset.report);
        println!("{}", dataset.split);
        println!("list     {}", output.display());
    }
    Ok(ExitCode::SUCCESS)
}
