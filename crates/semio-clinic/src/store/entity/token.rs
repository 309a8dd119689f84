//! Keys of programs that use the API.

use sea_orm::entity::prelude::*;

/// A program's key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In whose name it acts.
    pub person_id: Uuid,
    /// What the person calls it.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal digits.
    pub token_hash: String,
    /// Whether it may change records, or only read.
    pub writes: bool,
    /// Since when.
    pub created_at: i64,
    /// Until when.
    pub expires_at: i64,
    /// Last used.
    pub used_at: Option<i64>,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
