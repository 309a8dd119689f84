//! Patients.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// Sex as recorded (DICOM PS3.3, Patient's Sex).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(8))", rename_all = "kebab-case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
    /// Other, or not known.
    Other,
}

impl Sex {
    /// All, in the order of forms.
    pub const ALL: [Self; 3] = [Self::Female, Self::Male, Self::Other];

    /// The word in tables and texts' keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
        }
    }

    /// The sex of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sex| sex.name() == name)
    }
}

/// A patient's record.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "patient")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose members see the record.
    pub circle_id: Uuid,
    /// The physician who made it.
    pub owner_id: Uuid,
    /// Family name.
    pub family_name: String,
    /// Given name.
    pub given_name: String,
    /// `family given` without accents, in small letters: for order and search.
    pub family_key: String,
    /// `given family` likewise.
    pub given_key: String,
    /// Sex.
    pub sex: Sex,
    /// Day of birth.
    pub birth_date: Date,
    /// Free words about the patient.
    pub note: String,
    /// When the record was made.
    pub created_at: i64,
    /// When something in it last changed.
    pub changed_at: i64,
    /// When it was deleted; it can be restored until its owner erases it.
    pub deleted_at: Option<i64>,
    /// The record that this one was merged into.
    pub merged_into: Option<Uuid>,
}

/// Relations are named where they are used.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Given and family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}
