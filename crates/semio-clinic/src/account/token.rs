//! Keys of programs that use the API in a person's name.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use uuid::Uuid;

use super::{Fault, Faults, Field, FormError, one_line};
use crate::{
    audit::Entry,
    clock,
    secret::{digest, random_text},
    store::{
        Store, StoreError,
        entity::{
            person::Model as Person,
            token::{self, Model as Token},
        },
    },
};

/// How long a key may live at most, in days.
const LONGEST: i64 = 366;
/// How often the time of last use is written down.
const TOUCH: i64 = clock::MINUTE;

impl Store {
    /// Makes a key and gives it; only its hash is kept.
    pub(crate) async fn make_token(
        &self,
        who: &Person,
        name: &str,
        writes: bool,
        days: i64,
    ) -> Result<String, FormError> {
        let mut faults = Faults::default();
        let name = faults.take(Field::TokenName, one_line(name, 100));
        let days = faults.take(Field::Days, if (1..=LONGEST).contains(&days) { Ok(days) } else { Err(Fault::Form) });
        let (Some(name), Some(days)) = (name, days) else { return Err(FormError::Fields(faults)) };
        let (secret, now, id) = (format!("semio_{}", random_text()), clock::now(), Uuid::now_v7());
        let mut change = self.change().await?;
        token::ActiveModel {
            id: Set(id),
            person_id: Set(who.id),
            name: Set(name),
            token_hash: Set(digest(&secret)),
            writes: Set(writes),
            created_at: Set(now),
            expires_at: Set(now + days * 24 * 60 * clock::MINUTE),
            used_at: NotSet,
        }
        .insert(change.tx())
        .await?;
        change.note(Entry::by(who.id, "token.make").of(id));
        change.commit().await?;
        Ok(secret)
    }

    /// A person's keys, the latest first.
    pub(crate) async fn tokens(&self, who: &Person) -> Result<Vec<Token>, StoreError> {
        let own = token::Entity::find().filter(token::Column::PersonId.eq(who.id));
        Ok(own.order_by_desc(token::Column::CreatedAt).all(self.db()).await?)
    }

    /// Takes a key back.
    pub(crate) async fn revoke_token(&self, who: &Person, id: Uuid) -> Result<(), StoreError> {
        let mut change = self.change().await?;
        let gone = token::Entity::delete_many()
            .filter(token::Column::Id.eq(id))
            .filter(token::Column::PersonId.eq(who.id))
            .exec(change.tx())
            .await?;
        if gone.rows_affected == 0 {
            return Err(StoreError::Missing);
        }
        change.note(Entry::by(who.id, "token.revoke").of(id));
        change.commit().await
    }

    /// In whose name a key acts, and whether it may change records.
    pub(crate) async fn bearer(&self, secret: &str) -> Result<Option<(Person, bool)>, StoreError> {
        let found = token::Entity::find().filter(token::Column::TokenHash.eq(digest(secret))).one(self.db()).await?;
        let now = clock::now();
        let Some(found) = found.filter(|token| token.expires_at > now) else { return Ok(None) };
        let person = self.person(found.person_id).await?;
        if person.closed_at.is_some() || person.confirmed_at.is_none() {
            return Ok(None);
        }
        let writes = found.writes;
        if found.used_at.is_none_or(|at| now - at > TOUCH) {
            let mut row = found.into_active_model();
            row.used_at = Set(Some(now));
            row.update(self.db()).await?;
        }
        Ok(Some((person, writes)))
    }
}
