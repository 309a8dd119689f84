//! What every page has around it.

use chrono::NaiveDate;

use super::{App, Visit};
use crate::{
    store::entity::{patient::Model as Patient, person::Role},
    words::Language,
};

/// What templates take for the frame of a page: language, who is signed in, proof of origin for forms.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) language: Language,
    pub(crate) person: Option<(String, Role)>,
    pub(crate) csrf: String,
    pub(crate) path: String,
    /// The key of a message about what was just done.
    pub(crate) done: Option<String>,
    /// Whether people can register themselves.
    pub(crate) registration: bool,
    /// `light` or `dark`, where the visitor chose.
    pub(crate) theme: Option<&'static str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, clippy::unused_self, reason = "templates call these, with references")]
impl Page {
    pub(crate) fn new(app: &App, visit: &Visit) -> Self {
        let done = visit
            .path
            .split_once("done=")
            .map(|(_, key)| key.split('&').next().unwrap_or_default())
            .filter(|key| !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
            .map(|key| format!("done-{key}"));
        Self {
            language: visit.language,
            person: visit.signed_in.as_ref().map(|s| (s.person.name(), s.person.role)),
            csrf: app.store.secrets().form_token(&visit.cookie),
            path: visit.path.clone(),
            done,
            registration: app.config.registration,
            theme: visit.theme,
        }
    }

    /// A text.
    pub(crate) fn t(&self, key: &str) -> String {
        self.language.t(key)
    }

    /// A text with a value.
    pub(crate) fn x(&self, key: &str, value: impl std::fmt::Display) -> String {
        self.language.x(key, value.to_string())
    }

    /// A text with a count, so that the language can choose its form.
    pub(crate) fn n(&self, key: &str, count: &u64) -> String {
        self.language.x(key, *count)
    }

    pub(crate) fn day(&self, day: &NaiveDate) -> String {
        self.language.day(*day)
    }

    pub(crate) fn time(&self, at: &i64) -> String {
        self.language.time(*at)
    }

    pub(crate) fn is(&self, role: &str) -> bool {
        self.person.as_ref().is_some_and(|(_, own)| own.name() == role)
    }

    /// Whether the page at this address is shown: for the navigation.
    pub(crate) fn here(&self, address: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        path == address || (address != "/" && path.starts_with(&format!("{address}/")))
    }

    /// The program's version, for addresses of scripts and styles.
    pub(crate) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// A patient's age, in words.
    pub(crate) fn age(&self, patient: &Patient) -> String {
        let years = crate::clock::years(patient.birth_date, crate::clock::today());
        self.language.x("age-years", u64::from(years))
    }

    pub(crate) fn today(&self) -> NaiveDate {
        crate::clock::today()
    }
}
