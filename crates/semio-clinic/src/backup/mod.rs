//! Backups: everything that a server needs to begin anew, in one file, taken while it runs.
//!
//! A backup is a gzipped tar archive: `tables/NAME.jsonl` (all rows, read in one transaction), `pictures/`, `models/`,
//! `audit-heads.jsonl`, and `backup.json` last, which says how much there is and what each table's and file's SHA-256 is.
//! Keys are not in it: whoever finds a backup must not be able to write an audit trail that verifies. They are a folder
//! of two small files, kept apart and given back at a restoration. With a recipient the whole is sealed ([`Recipient`]).

mod age;
mod archive;
mod before;
mod schedule;
mod scratch;
mod tables;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use sea_orm::{DatabaseBackend, EntityTrait, IsolationLevel, TransactionTrait};
use serde::{Deserialize, Serialize};

pub use age::{AgeKeyError, Identity, Recipient};
pub(crate) use before::save_before_change;
pub(crate) use schedule::keep;
pub use schedule::{Proof, Schedule, last_proof};
use scratch::Scratch;
pub(crate) use scratch::sweep;
pub use tables::Table;

use crate::{
    audit::{Verified, read_heads},
    clock,
    config::Config,
    private,
    secret::{AUDIT, CODES},
    server::{ServeError, must_hold_records, open_store},
    store::{Store, StoreError, entity::picture},
};

/// What stands in `backup.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Contents {
    /// Version of this form.
    pub schema: u32,
    /// When it was taken, in milliseconds since 1970 UTC.
    pub at: i64,
    /// The program's version.
    pub code_version: String,
    /// The last step of the tables' migration.
    pub tables_version: String,
    /// The tables, in the order in which they are filled.
    pub tables: Vec<Table>,
    /// Other files with the SHA-256 of each.
    pub files: BTreeMap<String, String>,
}

impl Contents {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Files of pictures.
    pub fn pictures(&self) -> usize {
        self.files.keys().filter(|name| name.starts_with("pictures/")).count()
    }
}

/// The form that this program writes and reads.
const SCHEMA: u32 = 1;

/// Why a backup cannot be taken or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The records cannot be read or filled.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The new place cannot be opened.
    #[error(transparent)]
    Place(#[from] Box<ServeError>),
    /// Pictures went away again and again while the backup was taken.
    #[error("records were erased while the backup was taken, three times; take it again at a calmer time")]
    Restless,
    /// A picture that the records name is not there, or damaged.
    #[error("the file of picture {0} is missing or damaged; restore it from an earlier backup")]
    Picture(String),
    /// The file is no backup, or not whole.
    #[error("{path} is no whole backup: {problem}", path = .0.display(), problem = .1)]
    Form(PathBuf, String),
    /// The file is sealed, and no identity was given.
    #[error("{path} is encrypted; name the file of the identity that opens it", path = .0.display())]
    Sealed(PathBuf),
    /// A table's lines are not those of this program.
    #[error("table {0} of the backup is damaged, or was written by another version of semio")]
    Table(String),
    /// The place where it is to be restored holds something.
    #[error("{0} is not empty; a backup is only restored into an empty place")]
    NotEmpty(String),
    /// The keys are not there.
    #[error("{path} holds no {name}; name the folder of keys that was kept apart", path = .0.display(), name = .1)]
    Keys(PathBuf, &'static str),
    /// What was restored is not what was taken.
    #[error("what was restored differs from the backup: {0}")]
    Differs(String),
}

impl BackupError {
    /// The end of the key under which people read what kind of fault it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::File { .. } | Self::NotEmpty(_) => "file",
            Self::Store(_) | Self::Place(_) | Self::Table(_) => "records",
            Self::Restless => "restless",
            Self::Picture(_) => "picture",
            Self::Form(..) | Self::Sealed(_) => "form",
            Self::Keys(..) => "keys",
            Self::Differs(_) => "differs",
        }
    }

    fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }
}

/// How often a backup begins again because records were erased under it.
const TRIES: usize = 3;

/// Takes a backup into a file, which appears whole or not at all. The server may run. With recipients only they can open
/// it.
///
/// # Errors
/// [`BackupError`] names what cannot be read or written.
pub async fn take(config: &Config, output: &Path, recipients: &[Recipient]) -> Result<Contents, BackupError> {
    must_hold_records(config).map_err(Box::new)?;
    let store = open_store(config).await.map_err(Box::new)?;
    take_from(&store, config, output, recipients).await
}

async fn take_from(
    store: &Store,
    config: &Config,
    output: &Path,
    recipients: &[Recipient],
) -> Result<Contents, BackupError> {
    let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|e| BackupError::file("write", folder, e))?;
    for _ in 0..TRIES {
        // Heads first: the trail that is read after them holds them.
        let heads = fs::read(config.audit_heads()).unwrap_or_default();
        // Rows in the clear lie where they lie anyway, and not on the disk that an encrypted backup goes to.
        let spool = Scratch::within(&config.data)?;
        let tables = dump(store, spool.path()).await?;
        let contents = Contents {
            schema: SCHEMA,
            at: clock::now(),
            code_version: env!("CARGO_PKG_VERSION").into(),
            tables_version: crate::store::tables_version(),
            tables,
            files: BTreeMap::new(),
        };
        let parts = archive::Parts {
            spool: spool.path().into(),
            heads,
            files: Some((config.data.clone(), config.models.clone())),
            recipients: recipients.to_vec(),
        };
        let output = output.to_owned();
        let packed = blocking(move || archive::pack(contents, &parts, &output)).await;
        match packed {
            Err(BackupError::Picture(sha256)) => {
                // Erased after the rows were read, or missing indeed?
                let row =
                    picture::Entity::find_by_id(sha256.clone()).one(store.db()).await.map_err(StoreError::from)?;
                if row.is_some() {
                    return Err(BackupError::Picture(sha256));
                }
            }
            other => return other,
        }
    }
    Err(BackupError::Restless)
}

/// All rows as they stood at one moment.
async fn dump(store: &Store, folder: &Path) -> Result<Vec<Table>, BackupError> {
    // SQLite's transactions see one state by themselves, and know no levels.
    let level = (store.backend() != DatabaseBackend::Sqlite).then_some(IsolationLevel::RepeatableRead);
    let tx = store.db().begin_with_config(level, None).await.map_err(StoreError::from)?;
    let tables = tables::dump(&tx, folder).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(tables)
}

/// Restores a backup into an empty place: `config` names its data folder, its folder of models and its database. Then
/// compares counts and hashes, and verifies the audit trail with the keys that were kept apart. A sealed one is opened
/// with the identity.
///
/// # Errors
/// [`BackupError`]; nothing that was there is changed.
pub async fn restore(
    file: &Path,
    config: &Config,
    keys: &Path,
    identity: Option<&Identity>,
) -> Result<Contents, BackupError> {
    for folder in [&config.data, &config.models] {
        if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(BackupError::NotEmpty(folder.display().to_string()));
        }
    }
    // The embedded database lies in the data folder.
    private::folder(&config.data).map_err(|e| BackupError::file("write", &config.data, e))?;
    if !crate::store::is_empty(&config.database_url()).await? {
        return Err(BackupError::NotEmpty("the database".into()));
    }
    let spool = Scratch::within(&config.data)?;
    let contents = {
        let (file, spool, identity) = (file.to_owned(), spool.path().to_owned(), identity.cloned());
        blocking(move || archive::unpack(&file, &spool, identity.as_ref())).await?
    };
    copy_keys(keys, &config.data.join("keys"), &contents)?;
    for (from, to) in [("pictures", config.data.join("pictures")), ("models", config.models.clone())] {
        let from = spool.path().join(from);
        if from.is_dir() {
            archive::move_folder(&from, &to)?;
        }
    }
    fs::copy(spool.path().join("audit-heads.jsonl"), config.audit_heads())
        .map_err(|e| BackupError::file("write", &config.audit_heads(), e))?;
    let store = open_store(config).await.map_err(Box::new)?;
    let tx = store.db().begin().await.map_err(StoreError::from)?;
    tables::load(&tx, &spool.path().join("tables")).await?;
    tx.commit().await.map_err(StoreError::from)?;
    compare(&store, config, &contents).await?;
    Ok(contents)
}

/// Whether the place holds what the backup says.
async fn compare(store: &Store, config: &Config, contents: &Contents) -> Result<(), BackupError> {
    let spool = Scratch::within(&config.data)?;
    let found = dump(store, spool.path()).await?;
    for was in &contents.tables {
        let is = found.iter().find(|table| table.name == was.name);
        if is != Some(was) {
            let rows = is.map_or(0, |table| table.rows);
            return Err(BackupError::Differs(format!("table {} ({rows} rows of {})", was.name, was.rows)));
        }
    }
    let (data, models, files) = (config.data.clone(), config.models.clone(), contents.files.clone());
    blocking(move || {
        // Where they lie now: moving them to another disk copies them.
        let place = |name: &str| match name.strip_prefix("models/") {
            Some(below) => Some(models.join(below)),
            None => name.starts_with("pictures/").then(|| data.join(name)),
        };
        let is_damaged =
            |(name, sha256): &(&String, &String)| place(name).is_some_and(|place| !archive::is_file_of(&place, sha256));
        let damaged = files.iter().find(is_damaged);
        damaged.map_or(Ok(()), |(name, _)| Err(BackupError::Differs(format!("file {name}"))))
    })
    .await?;
    // A backup from before the first end was written down holds none.
    match store.verify_audit_with(&read_heads(&config.audit_heads())).await? {
        Verified::Whole { .. } | Verified::NoHeads { .. } => Ok(()),
        other => Err(BackupError::Differs(format!("the audit trail does not verify with these keys ({other:?})"))),
    }
}

/// Restores a backup to a scratch place and takes that away again: beside it, or in the data folder where the backup is
/// encrypted and nothing of it may lie open on its disk.
pub(crate) async fn prove(file: &Path, config: &Config, identity: &Identity) -> Result<Contents, BackupError> {
    let beside = file.parent().unwrap_or(Path::new("."));
    let scratch = Scratch::within(if config.recipients().is_empty() { beside } else { &config.data })?;
    let place = Config {
        database: None,
        data: scratch.path().join("data"),
        models: scratch.path().join("models"),
        ..config.clone()
    };
    restore(file, &place, &config.data.join("keys"), Some(identity)).await
}

fn copy_keys(from: &Path, to: &Path, contents: &Contents) -> Result<(), BackupError> {
    // Without the second nobody whose sign-in asks for a code could sign in.
    let has_codes = contents.tables.iter().any(|table| table.name == "second_factor" && table.rows > 0);
    for name in std::iter::once(AUDIT).chain(has_codes.then_some(CODES)) {
        if !from.join(name).is_file() {
            return Err(BackupError::Keys(from.into(), name));
        }
    }
    private::folder(to).map_err(|e| BackupError::file("write", to, e))?;
    for name in crate::secret::FILES {
        if from.join(name).is_file() {
            // Permissions are copied with the bytes.
            fs::copy(from.join(name), to.join(name)).map_err(|e| BackupError::file("write", &to.join(name), e))?;
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let broken = |_| BackupError::Differs("the work was broken off".into());
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}
