//! Courses that the twin follows for a patient. One is never changed: another is added.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A course.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "course")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub patient_id: Uuid,
    /// By whom.
    pub person_id: Uuid,
    /// The day that the scenario counts from.
    pub begins_on: Date,
    /// The scenario, as JSON.
    #[sea_orm(column_type = "Text")]
    pub scenario: String,
    /// When.
    pub created_at: i64,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
