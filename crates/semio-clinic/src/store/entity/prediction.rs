//! Results, and the queue of those that are awaited.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// Where a result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "kebab-case")]
pub enum State {
    /// Waits for a reader.
    Queued,
    /// Being read.
    Running,
    /// Read.
    Done,
    /// Could not be read; the reason stands beside.
    Failed,
}

impl State {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A result.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "prediction")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The picture read.
    pub image_id: Uuid,
    /// The frame read, from 0.
    pub frame: i32,
    /// The model that reads.
    pub model_id: Uuid,
    /// The bundle's hash when it was read: what the result is pinned to.
    pub bundle_sha256: String,
    /// Hash of the bundle's pipeline.
    pub pipeline_sha256: String,
    /// Hash of the file read.
    pub picture_sha256: String,
    /// Where it stands.
    pub state: State,
    /// `answered`, `unsure` or `refused`, once done.
    pub outcome: Option<String>,
    /// Class by the bundle's rule, once done.
    pub class: Option<String>,
    /// Its calibrated probability.
    pub confidence: Option<f64>,
    /// Everything else that the model said, as JSON (`Finding`).
    #[sea_orm(column_type = "Text", nullable)]
    pub finding: Option<String>,
    /// Why it failed, as a text's key.
    pub failure: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// Who asked.
    pub asked_by: Uuid,
    /// When.
    pub created_at: i64,
    /// When it was done.
    pub done_at: Option<i64>,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
