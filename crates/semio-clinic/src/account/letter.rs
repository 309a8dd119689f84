//! One-time links, with which somebody sets a new password.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter,
};
use uuid::Uuid;

use super::{FormError, Strength, set_password};
use crate::{
    audit::Entry,
    clock,
    secret::{digest, random_text},
    store::{
        Store, StoreError,
        entity::letter::{self, Purpose},
    },
};

/// How long a link works.
const LINK_LIFE: i64 = 24 * 60 * clock::MINUTE;

impl Store {
    /// Makes a one-time link's secret. Earlier ones of the same purpose no longer work.
    pub(crate) async fn write_letter(
        &self,
        id: Uuid,
        purpose: Purpose,
        by: Option<Uuid>,
    ) -> Result<String, StoreError> {
        let secret = random_text();
        let now = clock::now();
        let mut change = self.change().await?;
        letter::Entity::update_many()
            .col_expr(letter::Column::UsedAt, now.into())
            .filter(letter::Column::PersonId.eq(id))
            .filter(letter::Column::UsedAt.is_null())
            .exec(change.tx())
            .await?;
        letter::ActiveModel {
            id: Set(Uuid::now_v7()),
            person_id: Set(id),
            purpose: Set(purpose),
            token_hash: Set(digest(&secret)),
            expires_at: Set(now + LINK_LIFE),
            used_at: NotSet,
        }
        .insert(change.tx())
        .await?;
        change.note(Entry { person: by, ..Entry::by_nobody("person.link") }.of(id));
        change.commit().await?;
        Ok(secret)
    }

    /// Sets a new password with a one-time link, ends all sessions and takes back all keys. `false` where the link does not work.
    pub(crate) async fn reset_password(&self, secret: &str, new: &str, strength: Strength) -> Result<bool, FormError> {
        let found = letter::Entity::find()
            .filter(letter::Column::TokenHash.eq(digest(secret)))
            .one(self.db())
            .await
            .map_err(StoreError::from)?;
        let usable =
            |l: &letter::Model| l.used_at.is_none() && l.expires_at > clock::now() && l.purpose == Purpose::Reset;
        let Some(link) = found.filter(usable) else { return Ok(false) };
        let person = self.person(link.person_id).await?;
        let mut change = self.change().await?;
        // Of two at the same time one finds the link unused.
        let used = letter::Entity::update_many()
            .col_expr(letter::Column::UsedAt, clock::now().into())
            .filter(letter::Column::Id.eq(link.id))
            .filter(letter::Column::UsedAt.is_null())
            .exec(change.tx())
            .await
            .map_err(StoreError::from)?;
        if used.rows_affected == 0 {
            return Ok(false);
        }
        let id = person.id;
        set_password(&change, person, new, strength, None).await?;
        change.note(Entry::by(id, "person.password-reset").of(id));
        change.commit().await?;
        Ok(true)
    }
}
