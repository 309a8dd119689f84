//! Files of pictures, each kept once under the hash of its bytes.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "picture")]
pub struct Model {
    /// SHA-256 of its bytes, in hexadecimal digits: its name in the store.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: String,
    /// Bytes.
    pub size: i64,
    /// `image/png`, `application/dicom` and so on.
    pub media_type: String,
    /// When it came.
    pub created_at: i64,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
