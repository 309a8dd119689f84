//! Fields of forms, and what can be wrong with them. Words stand in the texts of each language.

use std::collections::BTreeMap;

use crate::store::StoreError;

/// A field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Email,
    FamilyName,
    GivenName,
    RegisterNumber,
    Password,
    Sex,
    BirthDate,
    Identifier,
    Ins,
    Note,
    TokenName,
    Days,
}

impl Field {
    /// The name in forms and texts' keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FamilyName => "family_name",
            Self::GivenName => "given_name",
            Self::RegisterNumber => "register_number",
            Self::Password => "password",
            Self::Sex => "sex",
            Self::BirthDate => "birth_date",
            Self::Identifier => "identifier",
            Self::Ins => "ins",
            Self::Note => "note",
            Self::TokenName => "token_name",
            Self::Days => "days",
        }
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Empty,
    TooLong,
    Form,
    Taken,
    TooShort,
    TooEasy,
    CheckDigit,
    Future,
    TooOld,
}

impl Fault {
    /// The key of its words.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Empty => "fault-empty",
            Self::TooLong => "fault-too-long",
            Self::Form => "fault-form",
            Self::Taken => "fault-taken",
            Self::TooShort => "fault-too-short",
            Self::TooEasy => "fault-too-easy",
            Self::CheckDigit => "fault-check-digit",
            Self::Future => "fault-future",
            Self::TooOld => "fault-too-old",
        }
    }
}

/// What is wrong with a form, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(BTreeMap<Field, Fault>);

impl Faults {
    pub(crate) fn one(field: Field, fault: Fault) -> Self {
        Self(BTreeMap::from([(field, fault)]))
    }

    /// The value, or a note of what is wrong.
    pub(crate) fn take<T>(&mut self, field: Field, value: Result<T, Fault>) -> Option<T> {
        value.map_err(|fault| self.0.insert(field, fault)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fields with the keys of their words.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|(field, fault)| (field.name(), fault.key()))
    }

    /// The key of the words about a field, by the field's name.
    pub(crate) fn of(&self, name: &str) -> Option<&'static str> {
        self.0.iter().find(|(field, _)| field.name() == name).map(|(_, fault)| fault.key())
    }
}

/// Why a form was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormError {
    /// Fields are not as they should be.
    #[error("some fields are not as they should be")]
    Fields(Faults),
    /// The records cannot be changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sea_orm::DbErr> for FormError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// A text of one line: letters of any language, no control characters.
pub(crate) fn one_line(typed: &str, longest: usize) -> Result<String, Fault> {
    let text = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    match () {
        () if text.is_empty() => Err(Fault::Empty),
        () if text.chars().count() > longest => Err(Fault::TooLong),
        () if text.chars().any(char::is_control) => Err(Fault::Form),
        () => Ok(text),
    }
}

/// A text of several lines, as far as databases keep it: PostgreSQL holds no NUL.
pub(crate) fn lines(typed: &str) -> String {
    let kept = |c: &char| *c == '\n' || *c == '\t' || !c.is_control();
    typed.trim().chars().filter(kept).collect()
}

/// An address that mail can be sent to, as far as its form tells.
pub(crate) fn email_of(typed: &str) -> Result<String, Fault> {
    let email = typed.trim();
    if email.is_empty() {
        return Err(Fault::Empty);
    }
    if email.len() > 254 {
        return Err(Fault::TooLong);
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
    let parts = email.rsplit_once('@').filter(|(local, domain)| {
        let labels = || domain.split('.');
        !local.is_empty()
            && local.len() <= 64
            && !local.contains('@')
            && labels().count() >= 2
            && labels().all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
    });
    if parts.is_none() || email.chars().any(odd) {
        return Err(Fault::Form);
    }
    Ok(email.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_any_letters() {
        for name in ["Zoë", "Núñez-Álvarez", "O’Brien", "李", "Al-Ḥasan", "van  der\tBerg"] {
            assert!(one_line(name, 200).is_ok(), "{name}");
        }
        assert_eq!(one_line(" van  der\tBerg ", 200).as_deref(), Ok("van der Berg"));
        assert_eq!(one_line(" \t", 200), Err(Fault::Empty));
        assert_eq!(one_line("a\u{0}b", 200), Err(Fault::Form));
        assert_eq!(one_line(&"é".repeat(201), 200), Err(Fault::TooLong));
    }

    #[test]
    fn an_address_has_a_local_part_and_a_domain() {
        for good in ["a@b.fr", "Marie.Curie+x@hôpital.example", " a@b.fr "] {
            assert!(email_of(good).is_ok(), "{good}");
        }
        for bad in ["a", "a@b", "@b.fr", "a@.fr", "a@b..fr", "a b@c.fr", "a@b.fr\nbcc:x@y.z", "a@-b.fr", "a@b@c.fr"] {
            assert_eq!(email_of(bad), Err(Fault::Form), "{bad}");
        }
    }
}
