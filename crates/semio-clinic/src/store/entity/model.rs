//! Bundles that were brought in.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// Whether a model reads pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "kebab-case")]
pub enum State {
    /// Known, but reads nothing.
    Waiting,
    /// Reads the pictures of its job.
    Active,
    /// Was replaced; its results stay.
    Retired,
}

impl State {
    /// The word in tables and texts' keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "model")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 over the bundle's files, in hexadecimal digits.
    pub bundle_sha256: String,
    /// The folder's name below the folder of models.
    pub folder: String,
    /// What people call it.
    pub name: String,
    /// The job: models of one job have the same classes in the same order.
    pub job: String,
    /// Its standing.
    pub state: State,
    /// When it was found.
    pub created_at: i64,
    /// When it last became active.
    pub activated_at: Option<i64>,
    /// By whom.
    pub activated_by: Option<Uuid>,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
