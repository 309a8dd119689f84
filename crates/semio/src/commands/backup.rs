use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use semio_clinic::backup::take;

use super::serve::{Place, runtime};
use crate::{Outcome, fault::Fault};

/// Writes records, pictures and models of the web app into one file, while it runs.
///
/// The keys (`keys` in the data folder) are not in it: keep them apart, and give them to `semio restore`.
#[derive(Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    place: Place,
    /// The file
    #[arg(short, long, value_name = "FILE.tar.gz")]
    output: PathBuf,
}

impl Backup {
    pub(crate) fn run(self) -> Outcome {
        let config = self.place.config()?;
        if self.output.exists() {
            return Err(Fault::usage(format_args!("{} is there already", self.output.display())));
        }
        let contents = runtime()?.block_on(take(&config, &self.output)).map_err(Fault::trouble)?;
        println!(
            "{}: {} rows, {} pictures; keep the keys in {} apart from it",
            self.output.display(),
            contents.rows(),
            contents.pictures(),
            config.data.join("keys").display()
        );
        Ok(ExitCode::SUCCESS)
    }
}
