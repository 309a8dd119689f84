//! Numbers that others know a patient by.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// An identifier.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "identifier")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose.
    pub patient_id: Uuid,
    /// Who gave it: `ins`, `local`, or an issuer's name.
    pub scheme: String,
    /// The identifier.
    pub value: String,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
