//! Codes beside the password (RFC 6238): six digits of HMAC-SHA-1 over steps of 30 seconds, as authenticator apps make
//! them. The secret is made from a key outside of the database and a salt, so that whoever has the database alone has no
//! codes.

use std::collections::HashSet;

use hmac::{Hmac, KeyInit, Mac};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr,
};
use sha1::Sha1;
use uuid::Uuid;

use crate::{
    audit::Entry,
    clock,
    secret::{digest, random_text},
    store::{
        Change, Store, StoreError,
        entity::{person::Model as Person, second_factor},
    },
};

/// Seconds of a step.
const STEP: i64 = 30;
/// Steps before and after now whose codes are taken: clocks differ.
const SLACK: i64 = 1;
/// Codes for the day on which the telephone is lost.
const RECOVERY: usize = 10;
/// Bytes of a secret (RFC 4226 recommends 160 bits).
const SECRET: usize = 20;

/// The letters of base 32 (RFC 4648).
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of a step (RFC 4226, section 5.3).
fn code_at(secret: &[u8], step: i64) -> String {
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[hash.len() - 1] & 0xf);
    let number = u32::from_be_bytes([hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

/// The step of a code that is good now and was not used before.
fn step_of(secret: &[u8], typed: &str, now: i64, last: i64) -> Option<i64> {
    let step = now / 1000 / STEP;
    (step - SLACK..=step + SLACK).find(|step| *step > last && code_at(secret, *step) == typed)
}

fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let letter = |five: &[u8]| {
        let value = (0..5).fold(0, |all, bit| all << 1 | five.get(bit).copied().unwrap_or(0));
        char::from(LETTERS[usize::from(value)])
    };
    bits.chunks(5).map(letter).collect()
}

/// What somebody types, without spaces and dashes, in large letters.
fn plain(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// A second factor on its way: what the person's app has to learn.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    /// `otpauth://…`, for the QR code.
    pub(crate) address: String,
    /// The secret, for typing.
    pub(crate) secret: String,
}

impl Store {
    fn secret_of(&self, person: Uuid, salt: &str) -> Vec<u8> {
        self.secrets().code_secret(&format!("{person}|{salt}"))[..SECRET].to_vec()
    }

    /// A person's second factor, confirmed or not.
    pub(crate) async fn second_factor(&self, person: Uuid) -> Result<Option<second_factor::Model>, StoreError> {
        Ok(second_factor::Entity::find_by_id(person).one(self.db()).await?)
    }

    /// Whether signing in asks for a code.
    pub(crate) async fn asks_for_code(&self, person: Uuid) -> Result<bool, StoreError> {
        Ok(self.second_factor(person).await?.is_some_and(|factor| factor.confirmed_at.is_some()))
    }

    /// Who of these people is asked for a code.
    pub(crate) async fn with_second_factor(
        &self,
        people: impl IntoIterator<Item = Uuid>,
    ) -> Result<HashSet<Uuid>, StoreError> {
        let found = second_factor::Entity::find()
            .filter(second_factor::Column::PersonId.is_in(people))
            .filter(second_factor::Column::ConfirmedAt.is_not_null())
            .all(self.db())
            .await?;
        Ok(found.into_iter().map(|factor| factor.person_id).collect())
    }

    /// Begins a second factor, or goes on with one that was begun. `None` where there is one already.
    pub(crate) async fn begin_second_factor(&self, who: &Person) -> Result<Option<Enrolment>, StoreError> {
        let salt = match self.second_factor(who.id).await? {
            Some(factor) if factor.confirmed_at.is_some() => return Ok(None),
            Some(factor) => factor.salt,
            None => {
                let salt = random_text();
                let row = second_factor::ActiveModel {
                    person_id: Set(who.id),
                    salt: Set(salt.clone()),
                    confirmed_at: Set(None),
                    last_step: Set(0),
                    recovery: Set(String::new()),
                };
                second_factor::Entity::insert(row).exec_without_returning(self.db()).await?;
                salt
            }
        };
        let secret = base32(&self.secret_of(who.id, &salt));
        let label: String = form_urlencoded::byte_serialize(who.email.as_bytes()).collect();
        let address = format!("otpauth://totp/Semio:{label}?secret={secret}&issuer=Semio&digits=6&period={STEP}");
        Ok(Some(Enrolment { address, secret }))
    }

    /// Ends the beginning with a first code; gives the recovery codes, which are not shown again. `None` where the code
    /// is wrong.
    pub(crate) async fn confirm_second_factor(
        &self,
        who: &Person,
        typed: &str,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let Some(factor) = self.second_factor(who.id).await?.filter(|f| f.confirmed_at.is_none()) else {
            return Err(StoreError::Missing);
        };
        let secret = self.secret_of(who.id, &factor.salt);
        let Some(step) = step_of(&secret, &plain(typed), clock::now(), factor.last_step) else { return Ok(None) };
        let codes: Vec<String> = (0..RECOVERY).map(|_| recovery_code()).collect();
        let hashes: Vec<String> = codes.iter().map(|code| digest(&plain(code))).collect();
        let mut change = self.change().await?;
        let mut row = factor.into_active_model();
        row.confirmed_at = Set(Some(clock::now()));
        row.last_step = Set(step);
        row.recovery = Set(hashes.join(" "));
        row.update(change.tx()).await?;
        change.note(Entry::by(who.id, "person.second-factor").of(who.id));
        change.commit().await?;
        Ok(Some(codes))
    }

    /// Takes a second factor away: the person's own, or an administrator for somebody who lost everything.
    pub(crate) async fn remove_second_factor(&self, id: Uuid, by: Uuid) -> Result<(), StoreError> {
        let mut change = self.change().await?;
        let gone = second_factor::Entity::delete_by_id(id).exec(change.tx()).await?;
        if gone.rows_affected == 0 {
            return Err(StoreError::Missing);
        }
        change.note(Entry::by(by, "person.second-factor-remove").of(id));
        change.commit().await
    }

    /// Whether a code, or a recovery code, is good; it is used up by that.
    pub(super) async fn use_code(&self, change: &Change, person: Uuid, typed: &str) -> Result<bool, StoreError> {
        let Some(factor) = second_factor::Entity::find_by_id(person).one(change.tx()).await? else { return Ok(true) };
        let typed = plain(typed);
        let same = second_factor::Entity::update_many()
            .filter(second_factor::Column::PersonId.eq(person))
            .filter(second_factor::Column::LastStep.eq(factor.last_step))
            .filter(second_factor::Column::Recovery.eq(&factor.recovery));
        let secret = self.secret_of(person, &factor.salt);
        let used = if let Some(step) = step_of(&secret, &typed, clock::now(), factor.last_step) {
            same.col_expr(second_factor::Column::LastStep, Expr::value(step))
        } else {
            let hash = digest(&typed);
            let left: Vec<&str> = factor.recovery.split(' ').filter(|known| *known != hash).collect();
            if left.len() == factor.recovery.split(' ').count() {
                return Ok(false);
            }
            same.col_expr(second_factor::Column::Recovery, Expr::value(left.join(" ")))
        };
        // Of two at the same time one finds the code unused.
        Ok(used.exec(change.tx()).await?.rows_affected == 1)
    }
}

/// Eighty random bits, in four groups.
fn recovery_code() -> String {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    let text = base32(&bytes);
    let groups: Vec<&str> = (0..4).map(|group| &text[group * 4..group * 4 + 4]).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1: eight digits there, of which six are the last.
        let secret = b"12345678901234567890";
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(code_at(secret, seconds / STEP), code);
            assert_eq!(step_of(secret, code, seconds * 1000, 0), Some(seconds / STEP));
            assert_eq!(step_of(secret, code, seconds * 1000, seconds / STEP), None, "a code works once");
            assert_eq!(step_of(secret, code, (seconds + 90) * 1000, 0), None, "an old code");
        }
    }

    #[test]
    fn base_32_is_that_of_the_standard() {
        // RFC 4648, section 10, without padding.
        for (bytes, text) in [("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(plain(" abcd-2345 "), "ABCD2345");
        assert_eq!(recovery_code().len(), 19);
    }
}
