//! Pictures of a study.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A picture of a study.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "image")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The study that it is of.
    pub study_id: Uuid,
    /// Its file.
    pub picture_sha256: String,
    /// SOP Instance UID, where the file named one.
    pub instance_uid: Option<String>,
    /// Frames in the file.
    pub frames: i32,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// View position (`PA`), where known.
    pub view: Option<String>,
    /// When it was filed.
    pub created_at: i64,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
