//! Rows of all tables as JSON lines, and back. The same lines come from every kind of database, so that a backup of one
//! fits into another.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::BackupError;
use crate::store::{
    StoreError,
    entity::{
        audit, audit_head, circle, course, identifier, image, model, patient, person, picture, prediction, review,
        second_factor, study,
    },
};

/// Rows that are read or written at once.
pub(super) const CHUNK: u64 = 500;

/// The tables of a backup with their keys, in the order in which they are filled.
pub(super) const TABLES: [(&str, &str); 14] = [
    ("circle", "id"),
    ("person", "id"),
    ("second_factor", "person_id"),
    ("patient", "id"),
    ("identifier", "id"),
    ("course", "id"),
    ("picture", "sha256"),
    ("study", "id"),
    ("image", "id"),
    ("model", "id"),
    ("prediction", "id"),
    ("review", "id"),
    ("audit", "seq"),
    ("audit_head", "id"),
];

/// A table in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its lines, in hexadecimal digits.
    pub sha256: String,
}

fn table_file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{name}.jsonl"))
}

/// Reads one table page by page in the order of its key, and writes a line a row.
macro_rules! dump {
    ($tx:expr, $folder:expr, $table:ident, $key:ident, $field:ident) => {{
        let mut lines = Lines::new($folder, stringify!($table))?;
        let mut last = None;
        loop {
            let mut query = $table::Entity::find();
            if let Some(last) = last.take() {
                query = query.filter($table::Column::$key.gt(last));
            }
            let rows =
                query.order_by_asc($table::Column::$key).limit(CHUNK).all($tx).await.map_err(StoreError::from)?;
            let Some(end) = rows.last() else { break };
            last = Some(end.$field.clone());
            for row in &rows {
                lines.add(row)?;
            }
        }
        lines.end()?
    }};
}

/// Writes every table into a file of its own. Sessions, one-time links and keys of programs are left out: nobody
/// is signed in after a restoration.
pub(super) async fn dump<C: ConnectionTrait>(tx: &C, folder: &Path) -> Result<Vec<Table>, BackupError> {
    let tables = vec![
        dump!(tx, folder, circle, Id, id),
        dump!(tx, folder, person, Id, id),
        dump!(tx, folder, second_factor, PersonId, person_id),
        dump!(tx, folder, patient, Id, id),
        dump!(tx, folder, identifier, Id, id),
        dump!(tx, folder, course, Id, id),
        dump!(tx, folder, picture, Sha256, sha256),
        dump!(tx, folder, study, Id, id),
        dump!(tx, folder, image, Id, id),
        dump!(tx, folder, model, Id, id),
        dump!(tx, folder, prediction, Id, id),
        dump!(tx, folder, review, Id, id),
        dump!(tx, folder, audit, Seq, seq),
        dump!(tx, folder, audit_head, Id, id),
    ];
    debug_assert!(tables.iter().map(|t| t.name.as_str()).eq(TABLES.map(|(name, _)| name)), "both lists are one");
    Ok(tables)
}

/// Reads one table's lines and inserts them.
macro_rules! load {
    ($tx:expr, $folder:expr, $table:ident) => {
        load!($tx, $folder, $table, |_: &mut $table::Model| ())
    };
    ($tx:expr, $folder:expr, $table:ident, $change:expr) => {{
        let mut rows = Rows::<$table::Model>::open($folder, stringify!($table))?;
        loop {
            let mut chunk = rows.next_chunk()?;
            if chunk.is_empty() {
                break;
            }
            #[expect(clippy::needless_for_each, reason = "the closure is the caller's")]
            chunk.iter_mut().for_each($change);
            let models = chunk.into_iter().map($table::ActiveModel::from);
            $table::Entity::insert_many(models).exec_without_returning($tx).await.map_err(StoreError::from)?;
        }
    }};
}

/// Fills empty tables with what [`dump`] wrote.
pub(super) async fn load<C: ConnectionTrait>(tx: &C, folder: &Path) -> Result<(), BackupError> {
    load!(tx, folder, circle);
    load!(tx, folder, person);
    // Backups of earlier versions have neither these nor courses.
    if table_file(folder, "second_factor").is_file() {
        load!(tx, folder, second_factor);
    }
    // A record may point to one that comes later: pointers are set when all are there.
    let mut merged = vec![];
    load!(tx, folder, patient, |row: &mut patient::Model| {
        merged.extend(row.merged_into.take().map(|into| (row.id, into)));
    });
    for (id, into) in merged {
        let mut row = patient::ActiveModel { id: Set(id), ..Default::default() };
        row.merged_into = Set(Some(into));
        row.update(tx).await.map_err(StoreError::from)?;
    }
    load!(tx, folder, identifier);
    if table_file(folder, "course").is_file() {
        load!(tx, folder, course);
    }
    load!(tx, folder, picture);
    load!(tx, folder, study);
    load!(tx, folder, image);
    load!(tx, folder, model);
    load!(tx, folder, prediction);
    load!(tx, folder, review);
    load!(tx, folder, audit);
    for head in Rows::<audit_head::Model>::open(folder, "audit_head")?.next_chunk()? {
        // The row is there from the beginning.
        let mut row = head.into_active_model();
        row.reset(audit_head::Column::Seq);
        row.reset(audit_head::Column::Hash);
        row.update(tx).await.map_err(StoreError::from)?;
    }
    Ok(())
}

/// A table's lines as they are written, with their hash.
pub(super) struct Lines {
    file: BufWriter<File>,
    path: std::path::PathBuf,
    hash: Sha256,
    table: Table,
}

impl Lines {
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self, BackupError> {
        let path = table_file(folder, name);
        let file = BufWriter::new(File::create(&path).map_err(|e| BackupError::file("write", &path, e))?);
        let table = Table { name: name.into(), rows: 0, sha256: String::new() };
        Ok(Self { file, path, hash: Sha256::new(), table })
    }

    fn add(&mut self, row: &impl Serialize) -> Result<(), BackupError> {
        let line = serde_json::to_string(row).map_err(|e| BackupError::file("write", &self.path, e.into()))?;
        self.add_text(&line)
    }

    /// A row that is JSON already.
    pub(super) fn add_text(&mut self, json: &str) -> Result<(), BackupError> {
        let line = format!("{json}\n");
        self.hash.update(&line);
        self.table.rows += 1;
        self.file.write_all(line.as_bytes()).map_err(|e| BackupError::file("write", &self.path, e))
    }

    pub(super) fn end(mut self) -> Result<Table, BackupError> {
        self.file.flush().map_err(|e| BackupError::file("write", &self.path, e))?;
        self.table.sha256 = semio_model::hex(&self.hash.finalize());
        Ok(self.table)
    }
}

struct Rows<T> {
    lines: std::io::Lines<BufReader<File>>,
    name: String,
    row: std::marker::PhantomData<T>,
}

impl<T: DeserializeOwned> Rows<T> {
    fn open(folder: &Path, name: &str) -> Result<Self, BackupError> {
        let path = table_file(folder, name);
        let file = File::open(&path).map_err(|e| BackupError::file("read", &path, e))?;
        Ok(Self { lines: BufReader::new(file).lines(), name: name.into(), row: std::marker::PhantomData })
    }

    fn next_chunk(&mut self) -> Result<Vec<T>, BackupError> {
        let mut rows = vec![];
        for line in self.lines.by_ref().take(CHUNK as usize) {
            let line = line.map_err(|_| BackupError::Table(self.name.clone()))?;
            // The parser's own words may quote a value.
            rows.push(serde_json::from_str(&line).map_err(|_| BackupError::Table(self.name.clone()))?);
        }
        Ok(rows)
    }
}
