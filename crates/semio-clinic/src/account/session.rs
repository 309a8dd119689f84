//! Signing in and out.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{Strength, end_sessions, password};
use crate::{
    audit::Entry,
    clock,
    secret::{digest, random_text},
    store::{
        Change, Store, StoreError,
        entity::{person, person::Model as Person, session},
    },
};

/// A session that is not used ends after this time.
const IDLE: i64 = 30 * clock::MINUTE;
/// Any session ends after this time: a working day.
const LIFE: i64 = 12 * 60 * clock::MINUTE;
/// How often the time of last use is written down.
const TOUCH: i64 = clock::MINUTE;
/// Failed sign-ins in a row before an account is locked.
const FAILURES: i32 = 5;
/// For how long.
const LOCK: i64 = 15 * clock::MINUTE;

/// What came of a try to sign in.
#[derive(Debug)]
pub(crate) enum SignIn {
    /// The cookie's new content.
    Done { cookie: String },
    /// The password is right; a code is asked for.
    Code { person: Uuid },
    /// Address or password are wrong, or the account is closed: not told which.
    Wrong,
    /// The password is right, but nobody has confirmed the account.
    Unconfirmed,
    /// Too many failures; so many minutes are left.
    Locked { minutes: i64 },
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) person: Person,
    pub(crate) session: Uuid,
}

impl Store {
    /// Tries to sign in.
    pub(crate) async fn sign_in(&self, email: &str, typed: &str, strength: Strength) -> Result<SignIn, StoreError> {
        let Some(person) = self.person_by_email(email).await? else {
            // As much work as for an account that exists, so that the time does not tell.
            password::hash(typed.to_owned(), strength).await;
            self.note(Entry::by_nobody("person.sign-in-failed")).await?;
            return Ok(SignIn::Wrong);
        };
        let now = clock::now();
        if let Some(until) = person.locked_until.filter(|until| *until > now) {
            return Ok(SignIn::Locked { minutes: (until - now) / clock::MINUTE + 1 });
        }
        let right = password::verify(typed.to_owned(), person.password_hash.clone()).await;
        if !right || person.closed_at.is_some() {
            self.count_failure(person.id, now).await?;
            return Ok(SignIn::Wrong);
        }
        if person.confirmed_at.is_none() {
            return Ok(SignIn::Unconfirmed);
        }
        if self.asks_for_code(person.id).await? {
            return Ok(SignIn::Code { person: person.id });
        }
        let change = self.change().await?;
        open_session(change, person.id, now).await
    }

    /// The second step, for somebody whose password was right. Wrong codes count as wrong passwords do.
    pub(crate) async fn sign_in_with_code(&self, id: Uuid, typed: &str) -> Result<SignIn, StoreError> {
        let person = self.person(id).await?;
        let now = clock::now();
        if let Some(until) = person.locked_until.filter(|until| *until > now) {
            return Ok(SignIn::Locked { minutes: (until - now) / clock::MINUTE + 1 });
        }
        let change = self.change().await?;
        if person.closed_at.is_some() || !self.use_code(&change, id, typed).await? {
            drop(change);
            self.count_failure(id, now).await?;
            return Ok(SignIn::Wrong);
        }
        open_session(change, id, now).await
    }

    /// Counts where the count stands: guesses at the same time are as many.
    async fn count_failure(&self, id: Uuid, now: i64) -> Result<(), StoreError> {
        let mut change = self.change().await?;
        let of_person = || person::Entity::update_many().filter(person::Column::Id.eq(id));
        of_person()
            .col_expr(person::Column::Failures, Expr::col(person::Column::Failures).add(1))
            .exec(change.tx())
            .await?;
        of_person()
            .col_expr(person::Column::Failures, 0_i32.into())
            .col_expr(person::Column::LockedUntil, (now + LOCK).into())
            .filter(person::Column::Failures.gte(FAILURES))
            .exec(change.tx())
            .await?;
        change.note(Entry::by_nobody("person.sign-in-failed").of(id));
        change.commit().await
    }

    /// Who holds this cookie, if the session still lives.
    pub(crate) async fn signed_in(&self, cookie: &str) -> Result<Option<SignedIn>, StoreError> {
        let found =
            session::Entity::find().filter(session::Column::TokenHash.eq(digest(cookie))).one(self.db()).await?;
        let Some(found) = found else { return Ok(None) };
        let now = clock::now();
        if now - found.seen_at > IDLE || now - found.created_at > LIFE {
            session::Entity::delete_by_id(found.id).exec(self.db()).await?;
            return Ok(None);
        }
        let person = self.person(found.person_id).await?;
        if person.closed_at.is_some() {
            return Ok(None);
        }
        let session = found.id;
        if now - found.seen_at > TOUCH {
            let mut row = found.into_active_model();
            row.seen_at = Set(now);
            row.update(self.db()).await?;
        }
        Ok(Some(SignedIn { person, session }))
    }

    /// Ends one session, or all of the person's with all keys.
    pub(crate) async fn sign_out(&self, who: &SignedIn, everywhere: bool) -> Result<(), StoreError> {
        let mut change = self.change().await?;
        if everywhere {
            end_sessions(&change, who.person.id, None).await?;
        } else {
            session::Entity::delete_by_id(who.session).exec(change.tx()).await?;
        }
        change.note(Entry::by(who.person.id, "person.sign-out").of(who.person.id));
        change.commit().await
    }

    /// Forgets sessions that have ended by themselves.
    pub(crate) async fn forget_sessions(&self) -> Result<u64, StoreError> {
        let old = session::Entity::delete_many().filter(session::Column::SeenAt.lt(clock::now() - IDLE));
        Ok(old.exec(self.db()).await?.rows_affected)
    }
}

async fn open_session(mut change: Change, id: Uuid, now: i64) -> Result<SignIn, StoreError> {
    // Other guesses may have locked the account while this one was looked at.
    let person = person::Entity::find_by_id(id).one(change.tx()).await?.ok_or(StoreError::Missing)?;
    if let Some(until) = person.locked_until.filter(|until| *until > now) {
        return Ok(SignIn::Locked { minutes: (until - now) / clock::MINUTE + 1 });
    }
    let cookie = random_text();
    let mut row = person.into_active_model();
    row.failures = Set(0);
    row.locked_until = Set(None);
    row.update(change.tx()).await?;
    session::ActiveModel {
        id: Set(Uuid::now_v7()),
        token_hash: Set(digest(&cookie)),
        person_id: Set(id),
        created_at: Set(now),
        seen_at: Set(now),
    }
    .insert(change.tx())
    .await?;
    change.note(Entry::by(id, "person.sign-in").of(id));
    change.commit().await?;
    Ok(SignIn::Done { cookie })
}
