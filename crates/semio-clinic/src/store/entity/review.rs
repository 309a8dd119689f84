//! What physicians said about results. Nothing is overwritten: the last word counts.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A physician's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "kebab-case")]
pub enum Verdict {
    /// An own impression, noted before the result was shown.
    Impression,
    /// The result is right.
    Approved,
    /// The result is wrong.
    Contested,
}

impl Verdict {
    /// The word in tables and texts' keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Impression => "impression",
            Self::Approved => "approved",
            Self::Contested => "contested",
        }
    }
}

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "review")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Of which result.
    pub prediction_id: Uuid,
    /// By whom.
    pub person_id: Uuid,
    /// The word.
    pub verdict: Verdict,
    /// The class that the physician sees: the result's own when approved.
    pub label: Option<String>,
    /// Free words.
    #[sea_orm(column_type = "Text")]
    pub comment: String,
    /// When.
    pub created_at: i64,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
