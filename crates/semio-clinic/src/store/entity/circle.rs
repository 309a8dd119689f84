//! Who shares records: every physician alone, or a team.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A circle: patients belong to one, and its members see them.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "circle")]
pub struct Model {
    /// Identity. A physician's own circle has the physician's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// A team's name; empty for a physician's own circle.
    pub name: String,
    /// When it was made.
    pub created_at: i64,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
