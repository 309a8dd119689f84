use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use semio_clinic::backup::{BackupError, restore};

use super::serve::{Place, runtime};
use crate::{Outcome, fault::Fault};

/// Brings a backup back into an empty place, and compares it with what was taken.
#[derive(Args)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "FILE.tar.gz")]
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The folder of keys that was kept apart
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
}

impl Restore {
    pub(crate) fn run(self) -> Outcome {
        let config = self.place.config()?;
        let contents = runtime()?.block_on(restore(&self.file, &config, &self.keys)).map_err(|error| {
            let help = match &error {
                BackupError::NotEmpty(_) => "name a new folder with --data and --models, and a new database",
                BackupError::Differs(_) => "take the new place away, and try an earlier backup or the right keys",
                _ => "nothing that was there was changed; take the new place away before the next try",
            };
            Fault::trouble(error).help(help)
        })?;
        println!(
            "restored and compared: {} rows, {} pictures; the audit trail is whole",
            contents.rows(),
            contents.pictures()
        );
        Ok(ExitCode::SUCCESS)
    }
}
