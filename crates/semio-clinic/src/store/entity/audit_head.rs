//! The end of the audit trail: one row, which makes writers take turns.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "audit_head")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The last row's place.
    pub seq: i64,
    /// The last row's hash.
    pub hash: String,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
