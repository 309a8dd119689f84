//! Who saw and changed what. Rows are only ever added; each is chained to the one before.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Place in the chain, from 1, without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// When.
    pub at: i64,
    /// Who; `None` for the program itself and for people who are not signed in.
    pub person_id: Option<Uuid>,
    /// What was done (`patient.read`).
    pub action: String,
    /// To what.
    pub subject_id: Option<Uuid>,
    /// The patient whose record it concerns.
    pub patient_id: Option<Uuid>,
    /// Further facts, never a name: JSON or empty.
    #[sea_orm(column_type = "Text")]
    pub detail: String,
    /// HMAC-SHA-256 over this row and the hash of the row before, in hexadecimal digits.
    pub hash: String,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
