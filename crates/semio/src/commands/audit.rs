use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use semio_clinic::{
    audit::{Verified, read_heads},
    server::open_to_verify,
};

use super::serve::{Place, fault, runtime};
use crate::{Outcome, fault::Fault};

/// The trail of who saw and changed what.
#[derive(Subcommand)]
pub(crate) enum Audit {
    /// Check that no row was changed, taken out or cut off.
    Verify(Verify),
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    place: Place,
    /// Ends that were written down [default: audit-heads.jsonl in the data folder]
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Verify(verify) => verify.run(),
        }
    }
}

impl Verify {
    fn run(self) -> Outcome {
        let config = self.place.config()?;
        let file = self.heads.unwrap_or_else(|| config.audit_heads());
        let heads = read_heads(&file);
        let verified = runtime()?.block_on(async {
            let store = open_to_verify(&config).await.map_err(fault)?;
            store.verify_audit_with(&heads).await.map_err(Fault::trouble)
        })?;
        if self.json {
            println!("{}", serde_json::to_string(&verified)?);
        }
        let help = "compare with a backup from before; whoever changed it could write the database";
        let trouble = |what: String| Err(Fault::trouble(what).help(help));
        match verified {
            Verified::Whole { rows } => {
                if !self.json {
                    let ends = heads.map_or(0, |heads| heads.len());
                    println!("the trail is whole: {rows} rows, compared with {ends} ends written down");
                }
                Ok(ExitCode::SUCCESS)
            }
            _ if self.json => Ok(ExitCode::FAILURE),
            Verified::Changed { seq } => trouble(format!("row {seq} of the audit trail is not as it was written")),
            Verified::Missing { seq } => trouble(format!("row {seq} of the audit trail is missing")),
            Verified::Cut { seq } => trouble(format!("the audit trail is cut off at row {seq}")),
            Verified::NoHeads { rows } => Err(Fault::trouble(format_args!(
                "{rows} rows are as they were written, but no end of the trail is written down: a cut tail would not be seen"
            ))
            .at(file.display())
            .help("name the copy that is kept elsewhere with --heads; the server writes the file while it runs")),
            Verified::BadHeads { line } => Err(Fault::trouble(format_args!("line {line} is no end of the audit trail"))
                .at(file.display())
                .help("name the copy that is kept elsewhere with --heads")),
        }
    }
}
