use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;
use semio_clinic::backup::{BackupError, Identity, restore};

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
    /// The identity that opens an encrypted backup, as `age-keygen` writes it
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

impl Restore {
    pub(crate) fn run(self) -> Outcome {
        let config = self.place.config()?;
        let identity = match &self.identity {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|e| Fault::file("read the identity", path, e))?;
                Some(text.parse::<Identity>().map_err(|e| Fault::usage(e).at(path.display()))?)
            }
            None => None,
        };
        let restoring = restore(&self.file, &config, &self.keys, identity.as_ref());
        let contents = runtime()?.block_on(restoring).map_err(|error| {
            let help = match &error {
                BackupError::Sealed(_) => "name it with --identity",
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
