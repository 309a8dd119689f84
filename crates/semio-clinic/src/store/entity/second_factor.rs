//! Second factors of signing in (RFC 6238): one a person at most.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A second factor. What codes are made of is not kept: it comes from a key outside of the database and the salt.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "second_factor")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub person_id: Uuid,
    /// Random text.
    pub salt: String,
    /// When the first code was typed; before that it asks for nothing.
    pub confirmed_at: Option<i64>,
    /// The last code's step of 30 seconds: a code works once.
    pub last_step: i64,
    /// Hashes of the recovery codes that are left, parted by spaces.
    #[sea_orm(column_type = "Text")]
    pub recovery: String,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
