use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use clap::Args;
use semio_clinic::{
    labels,
    server::{ServeError, open_records},
    store::StoreError,
};

use super::serve::{Place, fault, runtime};
use crate::{Outcome, fault::Fault};

/// Labels that physicians gave in the web app, as a list for `semio train`.
#[derive(Args)]
pub(crate) struct Labels {
    /// The job whose results they approved or contested
    #[arg(long, value_name = "JOB")]
    job: String,
    /// List to write: file, label and group (the patient). It names files of the data folder and copies none
    #[arg(short, long, value_name = "FILE.csv")]
    out: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl Labels {
    pub(crate) fn run(self) -> Outcome {
        let mut config = self.place.config()?;
        let data = std::path::absolute(&config.data);
        config.data = data.map_err(|e| Fault::file("find the data folder", &config.data, e))?;
        let found = runtime()?.block_on(async {
            let store = open_records(&config).await.map_err(fault)?;
            match labels(&store, &config, &self.job).await {
                Err(StoreError::Missing) => {
                    Err(Fault::usage(format_args!("no model of the job {} was ever there", self.job))
                        .help("the models' page of the web app names the jobs"))
                }
                other => other.map_err(|error| fault(ServeError::Store(error))),
            }
        })?;
        if found.is_empty() {
            return Err(Fault::trouble(format_args!("no physician has named a class of {} yet", self.job))
                .help("approve or contest results in the web app; a word without a class is no label"));
        }
        let written = |e: csv::Error| Fault::trouble(e).at(self.out.display());
        let mut list = csv::Writer::from_path(&self.out).map_err(written)?;
        list.write_record(["file", "label", "group"]).map_err(written)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for labelled in &found {
            let file = labelled.file.to_string_lossy();
            list.write_record([&file, labelled.label.as_str(), &labelled.group.to_string()]).map_err(written)?;
            *counts.entry(&labelled.label).or_default() += 1;
        }
        list.flush().map_err(|e| Fault::file("write the list", &self.out, e))?;
        let counts: Vec<String> = counts.iter().map(|(label, count)| format!("{label} {count}")).collect();
        println!("{}: {} pictures ({})", self.out.display(), found.len(), counts.join(", "));
        Ok(ExitCode::SUCCESS)
    }
}
