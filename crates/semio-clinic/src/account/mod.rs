//! People: registration, confirmation, passwords, signing in.

mod field;
mod letter;
mod password;
mod register;
mod second_factor;
mod session;
mod team;
mod token;

pub(crate) use field::{Fault, Faults, Field, FormError, email_of, lines, one_line};
pub use password::Strength;
pub use register::Register;
pub(crate) use second_factor::Enrolment;
pub(crate) use session::{SignIn, SignedIn};

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LikeExpr,
};
use uuid::Uuid;

use crate::{
    audit::Entry,
    clock,
    store::{
        Change, Store, StoreError,
        entity::{
            circle, person,
            person::{Model as Person, Role},
            session as session_table, token as token_table,
        },
    },
};

/// What somebody types to register.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Registration {
    pub(crate) email: String,
    pub(crate) family_name: String,
    pub(crate) given_name: String,
    pub(crate) register_number: String,
    pub(crate) password: String,
    pub(crate) role: String,
}

/// The same, checked.
struct Checked {
    email: String,
    family_name: String,
    given_name: String,
    register: Option<(String, String)>,
    password_hash: String,
}

/// An account that the command line makes, confirmed at once.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// `physician`, `administrator` or `researcher`.
    pub role: String,
    /// Where mail reaches the person: also the name to sign in with.
    pub email: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// The official number; physicians need one.
    pub register_number: String,
    /// The first password.
    pub password: String,
}

/// Why the command line's account was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NewAccountError {
    /// There is no such role.
    #[error("{0} is no role; there are physician, administrator and researcher")]
    Role(String),
    /// Values are not as they should be.
    #[error("{0}")]
    Values(String),
    /// The records cannot be changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Registration {
    async fn check(&self, role: Role, register: &Register, strength: Strength) -> Result<Checked, Faults> {
        let mut faults = Faults::default();
        let email = faults.take(Field::Email, email_of(&self.email));
        let family_name = faults.take(Field::FamilyName, one_line(&self.family_name, 200));
        let given_name = faults.take(Field::GivenName, one_line(&self.given_name, 200));
        let number = match (role, self.register_number.trim()) {
            (Role::Physician, number) => faults.take(Field::RegisterNumber, register.check(number)).map(Some),
            (_, "") => Some(None),
            (_, number) => faults.take(Field::RegisterNumber, register.check(number)).map(Some),
        };
        let inputs = [self.email.as_str(), &self.family_name, &self.given_name];
        let strong = faults.take(Field::Password, password::check(&self.password, &inputs));
        let (Some(email), Some(family_name), Some(given_name), Some(number), Some(())) =
            (email, family_name, given_name, number, strong)
        else {
            return Err(faults);
        };
        let password_hash = password::hash(self.password.clone(), strength).await;
        let register = number.map(|number| (register.name.clone(), number));
        Ok(Checked { email, family_name, given_name, register, password_hash })
    }
}

impl Store {
    /// Makes a physician's account that waits for confirmation.
    pub(crate) async fn register(
        &self,
        typed: &Registration,
        register: &Register,
        strength: Strength,
    ) -> Result<Person, FormError> {
        self.add_person(typed, Role::Physician, register, strength, None).await
    }

    /// Makes an account from the command line: whoever can run it has the machine.
    ///
    /// # Errors
    /// [`NewAccountError`] says which values are not as they should be.
    pub async fn add_account(
        &self,
        account: NewAccount,
        register: &Register,
        strength: Strength,
    ) -> Result<Uuid, NewAccountError> {
        let role = Role::from_name(&account.role).ok_or(NewAccountError::Role(account.role))?;
        let typed = Registration {
            email: account.email,
            family_name: account.family_name,
            given_name: account.given_name,
            register_number: account.register_number,
            password: account.password,
            ..Registration::default()
        };
        match self.add_person(&typed, role, register, strength, None).await {
            Ok(person) => {
                let id = person.id;
                let mut change = self.change().await?;
                let mut row = person.into_active_model();
                row.confirmed_at = Set(Some(clock::now()));
                row.update(change.tx()).await.map_err(StoreError::from)?;
                change.note(Entry::by_nobody("person.confirm").of(id));
                change.commit().await?;
                Ok(id)
            }
            Err(FormError::Fields(faults)) => {
                let words = |(field, key): (&str, &str)| {
                    format!("{}: {}", field.replace('_', "-"), crate::words::Language::English.t(key))
                };
                Err(NewAccountError::Values(faults.iter().map(words).collect::<Vec<_>>().join(" ")))
            }
            Err(FormError::Store(error)) => Err(error.into()),
        }
    }

    /// Makes an account. One that an administrator makes (`confirmed_by`) is confirmed at once.
    pub(crate) async fn add_person(
        &self,
        typed: &Registration,
        role: Role,
        register: &Register,
        strength: Strength,
        confirmed_by: Option<Uuid>,
    ) -> Result<Person, FormError> {
        let checked = typed.check(role, register, strength).await.map_err(FormError::Fields)?;
        let (id, now) = (Uuid::now_v7(), clock::now());
        let (register, register_number) = checked.register.unzip();
        // The constraints decide; asking first tells which field it is.
        if self.person_by_email(&checked.email).await?.is_some() {
            return Err(FormError::Fields(Faults::one(Field::Email, Fault::Taken)));
        }
        if let (Some(register), Some(number)) = (&register, &register_number) {
            let taken = person::Entity::find()
                .filter(person::Column::Register.eq(register))
                .filter(person::Column::RegisterNumber.eq(number));
            if taken.one(self.db()).await?.is_some() {
                return Err(FormError::Fields(Faults::one(Field::RegisterNumber, Fault::Taken)));
            }
        }
        let mut change = self.change().await?;
        circle::ActiveModel { id: Set(id), name: Set(String::new()), created_at: Set(now) }
            .insert(change.tx())
            .await
            .map_err(StoreError::from)?;
        let person = person::ActiveModel {
            id: Set(id),
            role: Set(role),
            email_key: Set(checked.email.to_lowercase()),
            email: Set(checked.email),
            family_name: Set(checked.family_name),
            given_name: Set(checked.given_name),
            register: Set(register),
            register_number: Set(register_number),
            password_hash: Set(checked.password_hash),
            language: Set(None),
            team_id: NotSet,
            reads_first: Set(false),
            confirmed_at: Set(confirmed_by.map(|_| now)),
            closed_at: NotSet,
            failures: Set(0),
            locked_until: NotSet,
            created_at: Set(now),
        };
        let person = person.insert(change.tx()).await.map_err(|error| match StoreError::from(error) {
            StoreError::Taken => FormError::Fields(Faults::one(Field::Email, Fault::Taken)),
            other => other.into(),
        })?;
        change.note(Entry { person: confirmed_by, ..Entry::by_nobody("person.add") }.of(id).detail(role.name()));
        change.commit().await?;
        Ok(person)
    }

    /// Finds somebody.
    pub(crate) async fn person(&self, id: Uuid) -> Result<Person, StoreError> {
        person::Entity::find_by_id(id).one(self.db()).await?.ok_or(StoreError::Missing)
    }

    /// Finds somebody by e-mail, whatever the size of its letters.
    pub(crate) async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreError> {
        let key = email.trim().to_lowercase();
        if key.contains(char::is_control) {
            return Ok(None);
        }
        Ok(person::Entity::find().filter(person::Column::EmailKey.eq(key)).one(self.db()).await?)
    }

    /// People whose e-mail address begins so, the latest first: `most` of them behind the first `skipped`.
    pub(crate) async fn people(&self, begin: &str, skipped: u64, most: u64) -> Result<Vec<Person>, StoreError> {
        // An end in any case, so that the database begins to read there.
        let mut query = person::Entity::find().filter(person::Column::CreatedAt.lt(i64::MAX));
        let begin: String = begin.trim().to_lowercase().chars().filter(|c| !c.is_control()).take(254).collect();
        if !begin.is_empty() {
            // The bounds find it by the index, and the pattern leaves out what a database orders between them otherwise.
            let pattern = begin.replace('!', "!!").replace('%', "!%").replace('_', "!_");
            query = query
                .filter(person::Column::EmailKey.gte(&begin))
                .filter(person::Column::EmailKey.lt(format!("{begin}\u{10ffff}")))
                .filter(person::Column::EmailKey.like(LikeExpr::new(format!("{pattern}%")).escape('!')));
        }
        Ok(query.order_by_desc(person::Column::CreatedAt).offset(skipped).limit(most).all(self.db()).await?)
    }

    /// Whether anybody has an account.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not answer.
    pub async fn has_people(&self) -> Result<bool, StoreError> {
        Ok(!self.people("", 0, 1).await?.is_empty())
    }

    /// Confirms an account, so that its owner can sign in.
    pub(crate) async fn confirm_person(&self, id: Uuid, by: Uuid) -> Result<(), StoreError> {
        let person = self.person(id).await?;
        let mut change = self.change().await?;
        let mut row = person.into_active_model();
        row.confirmed_at = Set(Some(clock::now()));
        row.update(change.tx()).await?;
        change.note(Entry::by(by, "person.confirm").of(id));
        change.commit().await
    }

    /// Closes an account, or opens it again. Closing ends its sessions and takes back its keys.
    pub(crate) async fn close_person(&self, id: Uuid, closed: bool, by: Uuid) -> Result<(), StoreError> {
        let person = self.person(id).await?;
        let mut change = self.change().await?;
        let mut row = person.into_active_model();
        row.closed_at = Set(closed.then(clock::now));
        row.failures = Set(0);
        row.locked_until = Set(None);
        row.update(change.tx()).await?;
        if closed {
            end_sessions(&change, id, None).await?;
        }
        change.note(Entry::by(by, if closed { "person.close" } else { "person.open" }).of(id));
        change.commit().await
    }

    /// Changes what a person chose for the pages.
    pub(crate) async fn set_preferences(
        &self,
        person: Person,
        language: Option<&str>,
        reads_first: bool,
    ) -> Result<(), StoreError> {
        let mut row = person.into_active_model();
        row.language = Set(language.map(str::to_owned));
        row.reads_first = Set(reads_first);
        row.update(self.db()).await?;
        Ok(())
    }

    /// Whether this is the person's password.
    pub(crate) async fn is_password(&self, person: &Person, typed: &str) -> bool {
        password::verify(typed.to_owned(), person.password_hash.clone()).await
    }

    /// Changes the password of somebody who is signed in; other sessions end. `false` where the old one is wrong.
    pub(crate) async fn change_password(
        &self,
        person: Person,
        old: &str,
        new: &str,
        strength: Strength,
        session: Uuid,
    ) -> Result<bool, FormError> {
        if !self.is_password(&person, old).await {
            return Ok(false);
        }
        let id = person.id;
        let mut change = self.change().await?;
        set_password(&change, person, new, strength, Some(session)).await?;
        change.note(Entry::by(id, "person.password").of(id));
        change.commit().await?;
        Ok(true)
    }
}

async fn set_password(
    change: &Change,
    person: Person,
    new: &str,
    strength: Strength,
    keep: Option<Uuid>,
) -> Result<(), FormError> {
    let inputs = [person.email.as_str(), &person.family_name, &person.given_name];
    password::check(new, &inputs).map_err(|fault| FormError::Fields(Faults::one(Field::Password, fault)))?;
    let id = person.id;
    let mut row = person.into_active_model();
    row.password_hash = Set(password::hash(new.to_owned(), strength).await);
    row.failures = Set(0);
    row.locked_until = Set(None);
    row.update(change.tx()).await.map_err(StoreError::from)?;
    end_sessions(change, id, keep).await?;
    Ok(())
}

/// Ends a person's sessions, all but the one that is kept. Where none is kept, whoever may hold something is to be locked
/// out: keys of programs are taken back too.
async fn end_sessions(change: &Change, person: Uuid, keep: Option<Uuid>) -> Result<(), StoreError> {
    let mut delete = session_table::Entity::delete_many().filter(session_table::Column::PersonId.eq(person));
    if let Some(keep) = keep {
        delete = delete.filter(session_table::Column::Id.ne(keep));
    } else {
        token_table::Entity::delete_many().filter(token_table::Column::PersonId.eq(person)).exec(change.tx()).await?;
    }
    delete.exec(change.tx()).await?;
    Ok(())
}
