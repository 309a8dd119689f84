//! Studies: what was done with a patient on one occasion.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A study.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "study")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub patient_id: Uuid,
    /// Study Instance UID, where the files named one.
    pub instance_uid: Option<String>,
    /// Accession number, where the files named one.
    pub accession: Option<String>,
    /// Modality (`CR`, `MR`), where known.
    pub modality: Option<String>,
    /// What it is, in words.
    pub description: String,
    /// The day on which the pictures were taken.
    pub taken_on: Date,
    /// Who filed it.
    pub filed_by: Uuid,
    /// When.
    pub created_at: i64,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
