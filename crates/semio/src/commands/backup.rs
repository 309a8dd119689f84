use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use semio_clinic::backup::{Recipient, take};

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
    /// Encrypts for whoever holds the identity (`age-keygen` makes one) [default: backup.recipient of the settings]
    #[arg(long, value_name = "age1…")]
    recipient: Vec<Recipient>,
}

impl Backup {
    pub(crate) fn run(self) -> Outcome {
        let config = self.place.config()?;
        if self.output.exists() {
            return Err(Fault::usage(format_args!("{} is there already", self.output.display())));
        }
        let recipients = if self.recipient.is_empty() { config.recipients() } else { self.recipient };
        let contents = runtime()?.block_on(take(&config, &self.output, &recipients)).map_err(Fault::trouble)?;
        println!(
            "{}: {} rows, {} pictures, {}; keep the keys in {} apart from it",
            self.output.display(),
            contents.rows(),
            contents.pictures(),
            if recipients.is_empty() { "not encrypted" } else { "encrypted" },
            config.data.join("keys").display()
        );
        Ok(ExitCode::SUCCESS)
    }
}
