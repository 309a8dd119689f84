//! The copy that is taken before a new version changes the tables: of SQLite the database, of others the rows as a backup
//! without pictures and models, which no change of tables touches. The rows are read as they stand, by whatever columns
//! there are: this program's own idea of the tables is already the next one.

use std::{collections::BTreeMap, path::PathBuf};

use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, IsolationLevel, Statement,
    TransactionTrait,
};
use sea_orm_migration::SchemaManager;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    BackupError, Contents, SCHEMA, archive, blocking,
    scratch::Scratch,
    tables::{CHUNK, Lines, TABLES, Table},
};
use crate::{
    clock,
    config::Config,
    private,
    store::{self, StoreError},
};

/// Copies a database whose tables opening would change, into the data folder; gives the copy.
pub(crate) async fn save_before_change(config: &Config) -> Result<Option<PathBuf>, BackupError> {
    let Some((db, version)) = store::to_be_changed(&config.database_url()).await? else { return Ok(None) };
    let name = format!("before-{}-{}", store::tables_version(), clock::now());
    let path = if db.get_database_backend() == DatabaseBackend::Sqlite {
        let path = config.data.join(format!("{name}.db"));
        let quoted = path.display().to_string().replace('\'', "''");
        // Into an empty file that is there already, so that others cannot look into it either.
        private::file(&path).map_err(|e| BackupError::file("write", &path, e))?;
        db.execute_unprepared(&format!("VACUUM INTO '{quoted}'")).await.map_err(StoreError::from)?;
        path
    } else {
        let path = config.data.join(format!("{name}.tar.gz"));
        rows(&db, config, version, path.clone()).await?;
        path
    };
    db.close().await.map_err(StoreError::from)?;
    Ok(Some(path))
}

async fn rows(
    db: &DatabaseConnection,
    config: &Config,
    tables_version: String,
    output: PathBuf,
) -> Result<(), BackupError> {
    let spool = Scratch::within(&config.data)?;
    let tx = db.begin_with_config(Some(IsolationLevel::RepeatableRead), None).await.map_err(StoreError::from)?;
    let mut tables = vec![];
    for (name, key) in TABLES {
        if SchemaManager::new(&tx).has_table(name).await.map_err(StoreError::from)? {
            tables.push(table(&tx, spool.path(), name, key).await?);
        }
    }
    tx.commit().await.map_err(StoreError::from)?;
    let contents = Contents {
        schema: SCHEMA,
        at: clock::now(),
        code_version: env!("CARGO_PKG_VERSION").into(),
        tables_version,
        tables,
        files: BTreeMap::new(),
    };
    let parts = archive::Parts {
        spool: spool.path().into(),
        heads: std::fs::read(config.audit_heads()).unwrap_or_default(),
        files: None,
        recipients: config.recipients(),
    };
    blocking(move || archive::pack(contents, &parts, &output)).await?;
    Ok(())
}

/// A column as the database knows it.
struct Column {
    name: String,
    kind: String,
}

async fn table(
    tx: &DatabaseTransaction,
    folder: &std::path::Path,
    name: &'static str,
    key: &'static str,
) -> Result<Table, BackupError> {
    let columns = columns(tx, name).await?;
    let is_mysql = tx.get_database_backend() == DatabaseBackend::MySql;
    let mut lines = Lines::new(folder, name)?;
    let mut last: Option<Value> = None;
    loop {
        let after =
            last.take().map_or_else(String::new, |value| format!(" WHERE {key} > {}", literal(&value, is_mysql)));
        let page = format!("SELECT * FROM {name}{after} ORDER BY {key} LIMIT {CHUNK}");
        let text = if is_mysql {
            let pairs: Vec<String> = columns.iter().map(Column::pair).collect();
            format!("SELECT JSON_OBJECT({}) FROM ({page}) AS page ORDER BY {key}", pairs.join(", "))
        } else {
            format!("SELECT CAST(row_to_json(page) AS TEXT) FROM ({page}) AS page ORDER BY {key}")
        };
        let found = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), text)).await;
        for row in found.map_err(StoreError::from)? {
            let json: String = row.try_get_by_index(0).map_err(StoreError::from)?;
            let mut row: Map<String, Value> =
                serde_json::from_str(&json).map_err(|_| BackupError::Table(name.to_owned()))?;
            for column in &columns {
                if let Some(value) = row.get_mut(&column.name) {
                    column.mend(value);
                }
            }
            last = row.get(key).cloned();
            lines.add_text(&line(&columns, &row))?;
        }
        if last.is_none() {
            return lines.end();
        }
    }
}

/// One row, its fields in the order of the table's columns.
fn line(columns: &[Column], row: &Map<String, Value>) -> String {
    let field = |column: &Column| {
        let value = row.get(&column.name).unwrap_or(&Value::Null);
        format!("{}:{value}", Value::from(column.name.as_str()))
    };
    format!("{{{}}}", columns.iter().map(field).collect::<Vec<_>>().join(","))
}

/// A key's value in a statement. Keys are identities, hashes and numbers: letters, digits and dashes.
fn literal(value: &Value, is_mysql: bool) -> String {
    match value {
        Value::String(text) if is_mysql && Uuid::parse_str(text).is_ok() => {
            format!("UNHEX('{}')", text.replace('-', ""))
        }
        Value::String(text) => {
            let plain: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            format!("'{plain}'")
        }
        other => other.to_string(),
    }
}

async fn columns(tx: &DatabaseTransaction, table: &str) -> Result<Vec<Column>, BackupError> {
    let backend = tx.get_database_backend();
    let (kind, schema) = if backend == DatabaseBackend::MySql {
        ("CAST(column_type AS CHAR)", "DATABASE()")
    } else {
        ("CAST(data_type AS TEXT)", "current_schema()")
    };
    let text = format!(
        "SELECT CAST(column_name AS CHAR(64)), {kind} FROM information_schema.columns \
         WHERE table_schema = {schema} AND table_name = '{table}' ORDER BY ordinal_position"
    );
    let found = tx.query_all_raw(Statement::from_string(backend, text)).await.map_err(StoreError::from)?;
    let column = |row: &sea_orm::QueryResult| -> Result<Column, sea_orm::DbErr> {
        let name: String = row.try_get_by_index(0)?;
        Ok(Column { name: name.trim().to_owned(), kind: row.try_get_by_index(1)? })
    };
    found.iter().map(|row| column(row).map_err(|e| StoreError::from(e).into())).collect()
}

impl Column {
    fn is_uuid(&self) -> bool {
        self.kind == "binary(16)"
    }

    /// Name and value for MariaDB's `JSON_OBJECT`, which knows neither bytes nor days.
    fn pair(&self) -> String {
        let name = &self.name;
        let value = match self.kind.as_str() {
            "binary(16)" => format!("HEX(`{name}`)"),
            "date" => format!("CAST(`{name}` AS CHAR)"),
            _ => format!("`{name}`"),
        };
        format!("'{name}', {value}")
    }

    /// Brings what the database wrote to the form of the entities' lines.
    fn mend(&self, value: &mut Value) {
        let mended = match &*value {
            Value::String(text) if self.is_uuid() => Uuid::parse_str(text).ok().map(|id| Value::from(id.to_string())),
            Value::Number(number) if self.kind == "tinyint(1)" => Some(Value::from(number.as_i64() != Some(0))),
            _ => None,
        };
        if let Some(mended) = mended {
            *value = mended;
        }
    }
}
