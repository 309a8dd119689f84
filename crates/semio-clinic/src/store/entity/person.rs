//! People who sign in.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "kebab-case")]
pub enum Role {
    /// Keeps patients' records and reads results.
    Physician,
    /// Keeps people, models, backups and the audit trail; sees no patient.
    Administrator,
    /// Compares models; sees no patient.
    Researcher,
}

impl Role {
    /// The word in tables and texts' keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Physician => "physician",
            Self::Administrator => "administrator",
            Self::Researcher => "researcher",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Physician, Self::Administrator, Self::Researcher].into_iter().find(|role| role.name() == name)
    }
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[sea_orm(table_name = "person")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What the person may do.
    pub role: Role,
    /// As typed.
    pub email: String,
    /// In small letters: unique.
    pub email_key: String,
    /// Family name.
    pub family_name: String,
    /// Given name.
    pub given_name: String,
    /// The register that the official number is of (`rpps`); `None` for people without one.
    pub register: Option<String>,
    /// The official number: unique within its register.
    pub register_number: Option<String>,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// `en` or `fr`; `None` follows the browser.
    pub language: Option<String>,
    /// The team, where there is one.
    pub team_id: Option<Uuid>,
    /// Whether results are shown only after an own impression was noted.
    pub reads_first: bool,
    /// When the address or an administrator confirmed the account; nobody signs in before.
    pub confirmed_at: Option<i64>,
    /// When an administrator closed the account.
    pub closed_at: Option<i64>,
    /// Failed sign-ins since the last good one.
    pub failures: i32,
    /// No sign-in before this time.
    pub locked_until: Option<i64>,
    /// When the account was made.
    pub created_at: i64,
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

    /// The circles whose patients the person sees.
    pub fn circles(&self) -> Vec<Uuid> {
        std::iter::once(self.id).chain(self.team_id).collect()
    }

    /// Whether the person sees a record: as a member of its circle, or as its owner, whatever team the owner is in now.
    pub fn sees(&self, patient: &super::patient::Model) -> bool {
        patient.owner_id == self.id || self.circles().contains(&patient.circle_id)
    }
}
