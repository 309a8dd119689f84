//! The database: SQLite, PostgreSQL or MariaDB through one query language.

mod counts;
mod draft;
#[expect(unreachable_pub, reason = "what sea-orm derives is public")]
#[expect(clippy::struct_field_names, reason = "columns are named after what they refer to")]
pub(crate) mod entity;
mod migration;
mod slow;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use crate::{
    audit, private,
    secret::{self, Secrets},
};

/// The records.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
    secrets: Arc<Secrets>,
}

/// What is changed together, with its entries in the audit trail.
pub(crate) struct Change {
    tx: DatabaseTransaction,
    secrets: Arc<Secrets>,
    entries: Vec<audit::Entry>,
}

/// Why the records cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address names no database that is understood.
    #[error("the database address begins with none of sqlite:, postgres:, mysql:")]
    Address,
    /// Nothing answers.
    #[error("cannot reach the database ({address}): {reason}")]
    Unreachable {
        /// The address, without name and password.
        address: String,
        /// What the driver said.
        reason: String,
    },
    /// There are no tables.
    #[error("the database holds no records")]
    Empty,
    /// A statement failed. The text holds no values of records.
    #[error("the database refused a statement: {0}")]
    Statement(String),
    /// A value that must be unique is there already.
    #[error("such a record is there already")]
    Taken,
    /// What was asked for is not there, or not for this person.
    #[error("no such record")]
    Missing,
    /// The record was there when the person looked, and is not any more.
    #[error("the record was deleted or merged into another meanwhile")]
    Gone,
    /// A colleague shares the record, and decides who sees it.
    #[error("only who made a shared record decides who sees it")]
    Shared,
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if let Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) = error.sql_err() {
            return Self::Taken;
        }
        match &error {
            DbErr::RecordNotFound(_) | DbErr::RecordNotUpdated => Self::Missing,
            // The driver's own text may quote a value (`Key (email)=(…) exists`): its code does not.
            DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => {
                let code = e.as_database_error().and_then(|e| e.code().map(std::borrow::Cow::into_owned));
                Self::Statement(code.map_or_else(|| kind(&error).to_owned(), |c| format!("code {c}")))
            }
            _ => Self::Statement(kind(&error).to_owned()),
        }
    }
}

fn kind(error: &DbErr) -> &'static str {
    match error {
        DbErr::ConnectionAcquire(_) => "no connection is free",
        DbErr::Conn(_) => "the connection is lost",
        DbErr::Exec(_) | DbErr::Query(_) => "a statement cannot be run",
        DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => "a stored value has an unexpected form",
        DbErr::Migration(_) => "the tables are of another version",
        _ => "an unexpected fault",
    }
}

/// Connects, whatever tables there are. An embedded database that is not there is made, where that is wished.
async fn connect(url: &str, make: bool) -> Result<DatabaseConnection, StoreError> {
    if !["sqlite:", "postgres:", "postgresql:", "mysql:", "mariadb:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(StoreError::Address);
    }
    if let Some(file) = embedded(url) {
        close_to_others(&file, make);
    }
    // The driver knows MariaDB by MySQL's name.
    let address = url.strip_prefix("mariadb:").map_or_else(|| url.to_owned(), |rest| format!("mysql:{rest}"));
    let mut options = ConnectOptions::new(address);
    options
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        .connect_timeout(Duration::from_secs(10))
        // Statements are logged with their placeholders, never with values; slow ones by `slow`, with their plan.
        .sqlx_slow_statements_logging_settings(log::LevelFilter::Trace, Duration::from_secs(1))
        .sqlx_logging_level(log::LevelFilter::Trace);
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options
            .create_if_missing(make)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("synchronous", "FULL")
            .pragma("cache_size", "-65536");
        // The kind of journal is written into the file: whoever only looks changes nothing.
        if make { options.pragma("journal_mode", "WAL") } else { options }
    });
    let unreachable =
        |error: DbErr| StoreError::Unreachable { address: without_secret(url), reason: error.to_string() };
    sea_orm::Database::connect(options).await.map_err(unreachable)
}

/// The file of an embedded database.
fn embedded(url: &str) -> Option<PathBuf> {
    let place = url.strip_prefix("sqlite:")?.split('?').next()?;
    let place = place.strip_prefix("//").unwrap_or(place);
    (!place.is_empty() && !place.contains([':', '%'])).then(|| place.into())
}

/// Others must not read the records beside the program. What SQLite writes next to the file takes its permissions. A
/// folder that is not there is the driver's to tell.
fn close_to_others(file: &Path, make: bool) {
    if make && !file.exists() {
        let _ = private::file(file);
    }
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        private::close_file(Path::new(&name));
    }
}

/// The keys' files without which something that the database holds is lost.
pub(crate) async fn keys_in_use(url: &str) -> Result<Vec<&'static str>, StoreError> {
    let db = connect(url, true).await?;
    let mut found = vec![];
    for (table, rows, file) in [
        ("audit_head", "SELECT COUNT(*) FROM audit_head WHERE seq > 0", secret::AUDIT),
        ("second_factor", "SELECT COUNT(*) FROM second_factor", secret::CODES),
    ] {
        if SchemaManager::new(&db).has_table(table).await? {
            let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), rows)).await?;
            let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
            found.extend((count > 0).then_some(file));
        }
    }
    db.close().await?;
    Ok(found)
}

/// The last step of the tables' migration.
pub(crate) fn tables_version() -> String {
    migration::Migrator::migrations().last().map(|step| step.name().to_owned()).unwrap_or_default()
}

/// Whether tables of that version fit into this program's: they are those of one of its steps.
pub(crate) fn knows_tables(version: &str) -> bool {
    migration::Migrator::migrations().iter().any(|step| step.name() == version)
}

/// A database whose tables opening would change, with the version that they have; `None` where nothing is to be changed,
/// or nothing is there.
pub(crate) async fn to_be_changed(url: &str) -> Result<Option<(DatabaseConnection, String)>, StoreError> {
    let db = connect(url, true).await?;
    if SchemaManager::new(&db).has_table("person").await?
        && !migration::Migrator::get_pending_migrations(&db).await?.is_empty()
    {
        let applied = migration::Migrator::get_applied_migrations(&db).await?;
        let version = applied.last().map(|step| step.name().to_owned()).unwrap_or_default();
        return Ok(Some((db, version)));
    }
    db.close().await?;
    Ok(None)
}

/// Whether a database holds no tables of ours.
pub(crate) async fn is_empty(url: &str) -> Result<bool, StoreError> {
    let db = connect(url, true).await?;
    let is_empty = !SchemaManager::new(&db).has_table("person").await?;
    db.close().await?;
    Ok(is_empty)
}

impl Store {
    /// Connects, and brings the tables to this program's version. Statements that take longer than `slow` are logged.
    ///
    /// # Errors
    /// [`StoreError`] where the address is not understood, nothing answers, or the tables are of a later version.
    pub async fn open(url: &str, secrets: Arc<Secrets>, slow: Duration) -> Result<Self, StoreError> {
        let mut db = connect(url, true).await?;
        migration::Migrator::up(&db, None).await?;
        slow::listen(&mut db, slow);
        Ok(Self { db, secrets })
    }

    /// Connects to tables as they are.
    ///
    /// # Errors
    /// [`StoreError`] where nothing answers, or there are none.
    pub(crate) async fn look(url: &str, secrets: Arc<Secrets>) -> Result<Self, StoreError> {
        let db = connect(url, false).await?;
        if !SchemaManager::new(&db).has_table("audit_head").await? {
            return Err(StoreError::Empty);
        }
        Ok(Self { db, secrets })
    }

    /// Which kind of database it is.
    pub(crate) fn backend(&self) -> DatabaseBackend {
        self.db.get_database_backend()
    }

    /// What reads without a transaction.
    pub(crate) fn db(&self) -> &DatabaseConnection {
        &self.db
    }

    /// The keys that lie outside of the database.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Begins a change.
    pub(crate) async fn change(&self) -> Result<Change, StoreError> {
        let options = TransactionOptions {
            // A transaction that reads first and writes later would find that another has written meanwhile.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = self.db.begin_with_options(options).await?;
        Ok(Change { tx, secrets: Arc::clone(&self.secrets), entries: vec![] })
    }

    /// Writes one entry of the audit trail, for what was only looked at.
    pub(crate) async fn note(&self, entry: audit::Entry) -> Result<(), StoreError> {
        let mut change = self.change().await?;
        change.note(entry);
        change.commit().await
    }

    /// Whether the database answers.
    pub async fn answers(&self) -> bool {
        self.db.ping().await.is_ok()
    }
}

impl Change {
    /// What statements run on.
    pub(crate) fn tx(&self) -> &DatabaseTransaction {
        &self.tx
    }

    /// Adds an entry to the audit trail, which is written with the change or not at all.
    pub(crate) fn note(&mut self, entry: audit::Entry) {
        self.entries.push(entry);
    }

    /// Makes it all last.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        // Last, because from here on other writers wait for the trail's end.
        audit::append(&self.tx, &self.secrets, self.entries).await?;
        Ok(self.tx.commit().await?)
    }
}

/// The address without name and password.
fn without_secret(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_told_without_its_password() {
        let told = super::without_secret("postgres://clinic:p@ss@db.local:5432/semio");
        assert_eq!(told, "postgres://…@db.local:5432/semio");
        assert_eq!(super::without_secret("sqlite://semio.db"), "sqlite://semio.db");
    }
}
