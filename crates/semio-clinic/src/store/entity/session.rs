//! Who is signed in where.

use sea_orm::entity::prelude::*;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of what the cookie holds, in hexadecimal digits: the table signs nobody in.
    pub token_hash: String,
    /// Who.
    pub person_id: Uuid,
    /// Since when.
    pub created_at: i64,
    /// Last used.
    pub seen_at: i64,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
