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

/// Why the ends that were written down cannot be compared with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadsFault {
    /// There is no such file.
    #[error("no end of the audit trail was written down")]
    Missing,
    /// The system does not give the file.
    #[error("the ends of the audit trail cannot be read: {0}")]
    Unreadable(String),
    /// A line is no end.
    #[error("line {0} of the ends of the audit trail is not as it was written")]
    Line(usize),
}

/// The ends in such a file.
///
/// # Errors
/// [`HeadsFault`]: a file that is away or damaged shows no cut, and that must be seen.
pub fn read_heads(path: &std::path::Path) -> Result<Vec<Head>, HeadsFault> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => HeadsFault::Missing,
        _ => HeadsFault::Unreadable(error.to_string()),
    })?;
    let head = |(number, line)| serde_json::from_str(line).map_err(|_| HeadsFault::Line(number + 1));
    text.lines().enumerate().map(head).collect()
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
    /// Every row is as it was written, but no end was written down: a tail that was cut off together with the table's
    /// own end would not be seen.
    NoHeads {
        /// Rows.
        rows: i64,
    },
    /// Every row is as it was written, but a line of the ends is not.
    BadHeads {
        /// Its number.
        line: usize,
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

    /// Whether the trail holds an end that was written down. The end of an empty trail is every trail's, and says nothing.
    pub(crate) async fn holds_head(&self, head: &Head) -> Result<bool, StoreError> {
        let row = audit::Entity::find_by_id(head.seq).one(self.db()).await?;
        Ok(row.is_some_and(|row| row.hash == head.hash))
    }

    /// Walks over the whole trail, and compares it with what was read of the ends that were written down. What cannot be
    /// read of them is a finding too, where the trail holds anything.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub async fn verify_audit_with(&self, heads: &Result<Vec<Head>, HeadsFault>) -> Result<Verified, StoreError> {
        let known = heads.as_ref().map_or(&[][..], Vec::as_slice);
        Ok(match (self.verify_audit(known).await?, heads) {
            (Verified::Whole { .. }, Err(HeadsFault::Line(line))) => Verified::BadHeads { line: *line },
            (Verified::Whole { rows }, _) if known.is_empty() && rows > 0 => Verified::NoHeads { rows },
            (other, _) => other,
        })
    }

    /// Walks over the whole trail. `heads` are ends that were written down earlier.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer. What is wrong with the trail is no error but the result.
    pub async fn verify_audit(&self, heads: &[Head]) -> Result<Verified, StoreError> {
        // The end is read first: what others write while the rows are read comes after it, and is no cut.
        let end = audit_head::Entity::find_by_id(1).one(self.db()).await?;
        let (mut seq, mut hash) = (0, "0".repeat(64));
        let mut is_end = end.as_ref().is_some_and(|end| end.seq == seq && end.hash == hash);
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
                is_end |= end.as_ref().is_some_and(|end| end.seq == seq && end.hash == hash);
            }
        }
        // Rows and end are written together: an end that is read after the rows is never before the last of them.
        let now = audit_head::Entity::find_by_id(1).one(self.db()).await?;
        if !is_end || now.is_none_or(|now| now.seq < seq) {
            return Ok(Verified::Cut { seq: seq + 1 });
        }
        match heads.iter().map(|head| head.seq).max() {
            Some(last) if last > seq => Ok(Verified::Cut { seq: last }),
            _ => Ok(Verified::Whole { rows: seq }),
        }
    }
}
