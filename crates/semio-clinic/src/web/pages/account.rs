//! The person's own account, and the language of the pages.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect},
};

use super::{
    again, html,
    sign_in::{own_page, register_key},
    to,
};
use crate::{
    account::{Faults, FormError},
    store::entity::person::Model as Person,
    web::{Answer, App, Page, Problem, Visit, form::Form, guard::set_language},
    words::Language,
};

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: Page,
    person: Person,
    role_key: String,
    register_key: String,
    team: Option<String>,
    wrong: bool,
    faults: Faults,
    asks_for_code: bool,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct LanguageForm {
    language: String,
    back: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Preferences {
    language: String,
    reads_first: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Passwords {
    old: String,
    password: String,
}

async fn page_of(app: &App, visit: &Visit, wrong: bool, faults: Faults) -> Result<Account, Problem> {
    let person = visit.person()?.clone();
    Ok(Account {
        page: Page::new(app, visit),
        role_key: format!("role-{}", person.role.name()),
        register_key: register_key(app),
        team: app.store.team_name(person.team_id).await?,
        asks_for_code: app.store.asks_for_code(person.id).await?,
        person,
        wrong,
        faults,
    })
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    html(&page_of(&app, &visit, false, Faults::default()).await?)
}

pub(crate) async fn save(State(app): State<App>, visit: Visit, Form(form): Form<Preferences>) -> Answer {
    let language = Language::from_code(&form.language).map(Language::code);
    app.store.set_preferences(visit.person()?.clone(), language, !form.reads_first.is_empty()).await?;
    Ok(to("/account", "saved"))
}

/// Whether the password that was typed is the person's: whoever sits at an unlocked screen must know it, and must not try
/// it for long.
pub(super) async fn knows_password(app: &App, visit: &Visit, typed: &str) -> Result<bool, Problem> {
    if !app.tries.allow(visit.address) {
        return Err(Problem::TooMany);
    }
    let right = app.store.is_password(visit.person()?, typed).await;
    if right {
        app.tries.was_right(visit.address);
    }
    Ok(right)
}

pub(crate) async fn password(State(app): State<App>, visit: Visit, Form(form): Form<Passwords>) -> Answer {
    let who = visit.signed_in.as_ref().ok_or(Problem::Forbidden)?;
    // Whoever sits at an unlocked screen must not try passwords either.
    if !app.tries.allow(visit.address) {
        return Err(Problem::TooMany);
    }
    let changed =
        app.store.change_password(who.person.clone(), &form.old, &form.password, app.config.strength, who.session);
    match changed.await {
        Ok(true) => {
            app.tries.was_right(visit.address);
            Ok(to("/account", "password"))
        }
        Ok(false) => again(&page_of(&app, &visit, true, Faults::default()).await?),
        Err(FormError::Fields(faults)) => again(&page_of(&app, &visit, false, faults).await?),
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn language(State(app): State<App>, visit: Visit, Form(form): Form<LanguageForm>) -> Answer {
    let language = Language::from_code(&form.language).ok_or(Problem::Bad)?;
    if let Some(signed_in) = &visit.signed_in {
        let person = signed_in.person.clone();
        let reads_first = person.reads_first;
        app.store.set_preferences(person, Some(language.code()), reads_first).await?;
    }
    let mut response = Redirect::to(own_page(&form.back)).into_response();
    let value = HeaderValue::from_str(&set_language(&app, language)).map_err(|_| Problem::Broken)?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(response)
}
