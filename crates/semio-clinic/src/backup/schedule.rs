//! Backups at intervals, each proven by restoring it, and how many are kept.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{BackupError, Identity, prove, take_from};
use crate::{clock, config::Config, web::App};

/// When backups are taken, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Schedule {
    /// Hours from one to the next.
    pub every_hours: u32,
    /// The folder; another disk is better.
    pub folder: PathBuf,
    /// How many are kept; the oldest go first.
    pub keep: usize,
    /// Whom they are encrypted for (`age1…`); not encrypted where it is not set.
    #[serde(default)]
    pub recipient: Option<String>,
}

/// What came of the last backup and of restoring it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When, in milliseconds since 1970 UTC.
    pub at: i64,
    /// The file.
    pub file: PathBuf,
    /// Rows that were restored and compared.
    pub rows: u64,
    /// Pictures that were restored and compared.
    pub pictures: usize,
    /// What was wrong; `None` where the backup is proven.
    pub fault: Option<String>,
    /// What kind of fault it was ([`BackupError::kind`]).
    #[serde(default)]
    pub kind: Option<String>,
}

const BEGIN: &str = "semio-";
const ENDS: [&str; 2] = [".tar.gz", ".tar.gz.age"];
/// What a backup is called that could not be proven.
const FAILED: &str = "failed";
const PROOF: &str = "last-backup.json";
/// After a failure it is tried again this soon.
const AGAIN: i64 = 60 * clock::MINUTE;

/// The last scheduled backup, if there was one.
pub fn last_proof(config: &Config) -> Option<Proof> {
    serde_json::from_slice(&fs::read(config.data.join(PROOF)).ok()?).ok()
}

/// Takes backups as long as the server runs.
pub(crate) async fn keep(app: App, schedule: Schedule) {
    let every = i64::from(schedule.every_hours) * 60 * clock::MINUTE;
    loop {
        // Counted from the last one, so that a server that often starts anew does not take one each time.
        let rest = |last: &Proof| if last.fault.is_some() { every.min(AGAIN) } else { every };
        let due = last_proof(&app.config).map_or(0, |last| last.at + rest(&last));
        let wait = (due - clock::now()).clamp(0, every) as u64;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let proof = once(&app, &schedule).await;
        match &proof.fault {
            None => tracing::info!(rows = proof.rows, pictures = proof.pictures, "a backup was taken and proven"),
            Some(fault) => tracing::error!(fault, "a backup failed"),
        }
    }
}

async fn once(app: &App, schedule: &Schedule) -> Proof {
    let at = clock::now();
    let mut recipients = app.config.recipients();
    let end = if recipients.is_empty() { ENDS[0] } else { ENDS[1] };
    let file = schedule.folder.join(format!("{BEGIN}{}{end}", clock::time(at).format("%Y%m%d-%H%M%S")));
    // The server cannot open what is encrypted for others. A second key, which is forgotten once the proof is made, opens
    // this one file.
    let once = Identity::generate();
    if !recipients.is_empty() {
        recipients.push(once.recipient());
    }
    let done: Result<_, BackupError> = async {
        let taken = take_from(&app.store, &app.config, &file, &recipients).await?;
        prove(&file, &app.config, &once).await?;
        forget_old(schedule)?;
        Ok(taken)
    }
    .await;
    if done.is_err() {
        set_aside(schedule, &file);
    }
    let (rows, pictures) = done.as_ref().map_or((0, 0), |contents| (contents.rows(), contents.pictures()));
    let error = done.err();
    let kind = error.as_ref().map(|error| error.kind().to_owned());
    let proof = Proof { at, file, rows, pictures, fault: error.map(|error| error.to_string()), kind };
    let path = app.config.data.join(PROOF);
    let noted = serde_json::to_vec(&proof).map_err(std::io::Error::from).and_then(|json| fs::write(&path, json));
    if let Err(error) = noted {
        tracing::error!(%error, "what came of the backup cannot be written down");
    }
    proof
}

/// Takes the oldest away. Names sort by time.
fn forget_old(schedule: &Schedule) -> Result<(), BackupError> {
    let failed = |path: &Path, e| BackupError::file("remove", path, e);
    let entries = fs::read_dir(&schedule.folder).map_err(|e| BackupError::file("read", &schedule.folder, e))?;
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        name.starts_with(BEGIN) && ENDS.iter().any(|end| name.ends_with(end))
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(is_ours).collect();
    found.sort();
    for path in found.iter().take(found.len().saturating_sub(schedule.keep)) {
        fs::remove_file(path).map_err(|e| failed(path, e))?;
    }
    Ok(())
}

/// Keeps what could not be proven under another name, so that it counts for nothing and pushes no good one out. Only the
/// last one stays.
fn set_aside(schedule: &Schedule, file: &Path) {
    let entries = fs::read_dir(&schedule.folder).into_iter().flatten().flatten();
    for path in entries.map(|e| e.path()).filter(|path| path.extension().is_some_and(|e| e == FAILED)) {
        let _ = fs::remove_file(path);
    }
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{FAILED}"));
    if file.is_file() && fs::rename(file, PathBuf::from(name)).is_err() {
        tracing::error!(file = %file.display(), "a backup that is not proven cannot be set aside");
    }
}
