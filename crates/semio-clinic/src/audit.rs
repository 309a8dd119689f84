//! The audit trail: who saw and changed what, in rows of which each is chained to the one before.
//!
//! A row's hash is HMAC-SHA-256 over its values and the hash of the row before, with a key that does not lie in the
//! database. Whoever can write the database but has not the key cannot change, drop or add a row unseen. The end of the
//! chain is written to a file from time to time ([`Head`]); with it a cut tail is seen too.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock,
    secret::Secrets,
    store::{
        Store, StoreError,
        entity::{audit, audit_head},
    },
};

/// What is noted.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Who; nobody for the program itself and for people who are not signed in.
    pub(crate) person: Option<Uuid>,
    /// What was done, `subject.verb`.
    pub(crate) action: &'static str,
    /// To what.
    pub(crate) subject: Option<Uuid>,
    /// The patient whose record it concerns.
    pub(crate) patient: Option<Uuid>,
    /// Further facts, never a name.
    pub(crate) detail: String,
}

impl Entry {
    /// Something that a person did.
    pub(crate) fn by(person: Uuid, action: &'static str) -> Self {
        Self { person: Some(person), action, subject: None, patient: None, detail: String::new() }
    }

    /// Something that the program did, or a person who is not signed in.
    pub(crate) fn by_nobody(action: &'static str) -> Self {
        Self { person: None, action, subject: None, patient: None, detail: String::new() }
    }

    pub(crate) fn of(mut self, subject: Uuid) -> Self {
        self.subject = Some(subject);
        self
    }

    pub(crate) fn patient(mut self, patient: Uuid) -> Self {
        self.patient = Some(patient);
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// Adds rows at the end of the chain. Other writers wait until the transaction ends.
pub(crate) async fn append<C: ConnectionTrait>(
    tx: &C,
    secrets: &Secrets,
    entries: Vec<Entry>,
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let count = entries.len() as i64;
    // Writing first takes the row's lock on every database; reading first would let two writers see the same end.
    audit_head::Entity::update_many()
        .col_expr(audit_head::Column::Seq, Expr::col(audit_head::Column::Seq).add(count))
        .filter(audit_head::Column::Id.eq(1))
        .exec(tx)
        .await?;
    let head = audit_head::Entity::find_by_id(1).one(tx).await?.ok_or(StoreError::Missing)?;
    let (mut seq, mut hash, at) = (head.seq - count, head.hash, clock::now());
    let mut rows = vec![];
    for entry in entries {
        seq += 1;
        let mut row = audit::Model {
            seq,
            at,
            person_id: entry.person,
            action: entry.action.to_owned(),
            subject_id: entry.subject,
            patient_id: entry.patient,
            detail: entry.detail,
            hash: String::new(),
        };
        row.hash = hash_of(&row, &hash, secrets);
        hash.clone_from(&row.hash);
        rows.push(audit::ActiveModel::from(row));
    }
    audit::Entity::insert_many(rows).exec_without_returning(tx).await?;
    audit_head::ActiveModel { id: Set(1), hash: Set(hash), ..Default::default() }.update(tx).await?;
    Ok(())
}

fn hash_of(row: &audit::Model, before: &str, secrets: &Secrets) -> String {
    // JSON keeps the fields apart, whatever stands in them.
    let fields = serde_json::json!([
        before,
        row.seq,
        row.at,
        row.person_id,
        row.action,
        row.subject_id,
        row.patient_id,
        row.detail
    ]);
    secrets.sign_audit(fields.to_string().as_bytes())
}

/// The end of the chain at some time: kept outside of the database, it shows whether the tail was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// When, in milliseconds since 1970 UTC.
    pub at: i64,
    /// Place of the last row.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// Adds an end of the chain to a file, one JSON object a line.
///
/// # Errors
/// What the system says of the file.
pub fn write_head(path: &std::path::Path, head: &Head) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(file, "{}", serde_json::to_string(head)?)?;
    file.sync_all()
}

/// The ends in such a file; none where there is no file.
pub fn read_heads(path: &std::path::Path) -> Vec<Head> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What a check of the trail found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Verified {
    /// Every row is as it was written.
    Whole {
        /// Rows.
        rows: i64,
    },
    /// A row's values or its predecessor are not those that it was written with.
    Changed {
        /// Its place.
        seq: i64,
    },
    /// A row is not there.
    Missing {
        /// Its place.
        seq: i64,
    },
    /// The trail ends before a head that was written down, or does not hold it.
    Cut {
        /// The head's place.
        seq: i64,
    },
}

/// Rows that are read at once.
const PAGE: u64 = 1000;

impl Store {
    /// The end of the chain now.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        let head = audit_head::Entity::find_by_id(1).one(self.db()).await?.ok_or(StoreError::Missing)?;
        Ok(Head { at: clock::now(), seq: head.seq, hash: head.hash })
    }

    /// Walks over the whole trail. `heads` are ends that were written down earlier.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer. What is wrong with the trail is no error but the result.
    pub async fn verify_audit(&self, heads: &[Head]) -> Result<Verified, StoreError> {
        let (mut seq, mut hash) = (0, "0".repeat(64));
        loop {
            let rows = audit::Entity::find()
                .filter(audit::Column::Seq.gt(seq))
                .order_by_asc(audit::Column::Seq)
                .limit(PAGE)
                .all(self.db())
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if row.seq != seq + 1 {
                    return Ok(Verified::Missing { seq: seq + 1 });
                }
                let expected = hash_of(&row, &hash, self.secrets());
                if row.hash != expected || heads.iter().any(|head| head.seq == row.seq && head.hash != expected) {
                    return Ok(Verified::Changed { seq: row.seq });
                }
                (seq, hash) = (row.seq, row.hash);
            }
        }
        let head = audit_head::Entity::find_by_id(1).one(self.db()).await?;
        if head.is_none_or(|head| head.seq != seq || head.hash != hash) {
            return Ok(Verified::Cut { seq: seq + 1 });
        }
        match heads.iter().map(|head| head.seq).max() {
            Some(last) if last > seq => Ok(Verified::Cut { seq: last }),
            _ => Ok(Verified::Whole { rows: seq }),
        }
    }
}
