//! Signing in and out, registering, new passwords.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{again, html, to};
use crate::{
    account::{Faults, FormError, Registration, SignIn},
    clock,
    web::{Answer, App, Page, Problem, Visit, form::Form, guard::set_cookie},
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    page: Page,
    message: Option<String>,
    email: String,
    next: String,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    page: Page,
    typed: Registration,
    faults: Faults,
    register_key: String,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    page: Page,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice {
    page: Page,
    title: &'static str,
    text: &'static str,
    link: &'static str,
    link_key: &'static str,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    next: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Credentials {
    email: String,
    password: String,
    next: String,
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage {
    page: Page,
    message: Option<String>,
    note: String,
    next: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct SecondStep {
    note: String,
    code: String,
    next: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Everywhere {
    everywhere: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct NewPassword {
    password: String,
}

/// Our own pages alone: `//evil.example` and `https:` are addresses elsewhere, and browsers drop tabs and line breaks
/// before they look.
pub(super) fn own_page(next: &str) -> &str {
    let odd = |c: char| c == '\\' || c.is_control();
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(odd);
    if own { next } else { "/" }
}

/// The key of the words for a register's numbers.
pub(super) fn register_key(app: &App) -> String {
    if app.config.register.name == "rpps" { "field-rpps".into() } else { "field-register-number".into() }
}

pub(crate) async fn show(
    State(app): State<App>,
    visit: Visit,
    axum::extract::Query(next): axum::extract::Query<Next>,
) -> Answer {
    if visit.signed_in.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let page = Page::new(&app, &visit);
    let next = own_page(&next.next).to_owned();
    html(&SignInPage { page, message: None, email: String::new(), next, faults: Faults::default() })
}

pub(crate) async fn sign_in(State(app): State<App>, visit: Visit, Form(typed): Form<Credentials>) -> Answer {
    if !app.tries.allow(visit.address) {
        return Err(Problem::TooMany);
    }
    let language = visit.language;
    let message = match app.store.sign_in(&typed.email, &typed.password, app.config.strength).await? {
        SignIn::Done { cookie } => {
            app.tries.was_right(visit.address);
            let mut response = Redirect::to(own_page(&typed.next)).into_response();
            give_cookie(&app, &mut response, &cookie)?;
            return Ok(response);
        }
        SignIn::Code { person } => {
            app.tries.was_right(visit.address);
            let (note, next) = (password_note(&app, &visit, person), own_page(&typed.next).to_owned());
            return html(&CodePage { page: Page::new(&app, &visit), message: None, note, next });
        }
        SignIn::Wrong => language.t("sign-in-wrong"),
        SignIn::Unconfirmed => language.t("sign-in-unconfirmed"),
        SignIn::Locked { minutes } => language.x("sign-in-locked", minutes),
    };
    let page = Page::new(&app, &visit);
    let next = own_page(&typed.next).to_owned();
    again(&SignInPage { page, message: Some(message), email: typed.email, next, faults: Faults::default() })
}

/// How long somebody whose password was right may look for the code.
const CODE_LIFE: i64 = 5 * clock::MINUTE;

/// A note for this visit alone: that person's password was right.
fn password_note(app: &App, visit: &Visit, person: Uuid) -> String {
    let facts = format!("{person}|{}", clock::now() + CODE_LIFE);
    format!("{}|{facts}", app.store.secrets().form_token(&format!("password|{}|{facts}", visit.cookie)))
}

fn noted(app: &App, visit: &Visit, note: &str) -> Option<Uuid> {
    let (proof, facts) = note.split_once('|')?;
    let (person, until) = facts.split_once('|')?;
    let is_ours = app.store.secrets().is_form_token(&format!("password|{}|{facts}", visit.cookie), proof);
    let is_fresh = until.parse::<i64>().is_ok_and(|until| until > clock::now());
    person.parse().ok().filter(|_| is_ours && is_fresh)
}

/// The second step of signing in.
pub(crate) async fn code(State(app): State<App>, visit: Visit, Form(typed): Form<SecondStep>) -> Answer {
    if !app.tries.allow(visit.address) {
        return Err(Problem::TooMany);
    }
    let (language, next) = (visit.language, own_page(&typed.next).to_owned());
    let page = Page::new(&app, &visit);
    let Some(person) = noted(&app, &visit, &typed.note) else {
        let message = Some(language.t("code-stale"));
        return again(&SignInPage { page, message, email: String::new(), next, faults: Faults::default() });
    };
    let message = match app.store.sign_in_with_code(person, &typed.code).await? {
        SignIn::Done { cookie } => {
            app.tries.was_right(visit.address);
            let mut response = Redirect::to(&next).into_response();
            give_cookie(&app, &mut response, &cookie)?;
            return Ok(response);
        }
        SignIn::Locked { minutes } => language.x("sign-in-locked", minutes),
        _ => language.t("code-wrong"),
    };
    again(&CodePage { page, message: Some(message), note: typed.note, next })
}

fn give_cookie(app: &App, response: &mut Response, cookie: &str) -> Result<(), Problem> {
    let value = HeaderValue::from_str(&set_cookie(app, cookie)).map_err(|_| Problem::Broken)?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

pub(crate) async fn sign_out(State(app): State<App>, visit: Visit, Form(form): Form<Everywhere>) -> Answer {
    let who = visit.signed_in.as_ref().ok_or(Problem::Forbidden)?;
    app.store.sign_out(who, !form.everywhere.is_empty()).await?;
    let mut response = to("/sign-in", "signed-out");
    // What the next person's forms prove must not be what this one's did.
    give_cookie(&app, &mut response, &crate::secret::random_text())?;
    Ok(response)
}

pub(crate) async fn show_register(State(app): State<App>, visit: Visit) -> Answer {
    if !app.config.registration {
        return Err(Problem::Missing);
    }
    let page = Page::new(&app, &visit);
    let register_key = register_key(&app);
    html(&RegisterPage { page, typed: Registration::default(), faults: Faults::default(), register_key })
}

pub(crate) async fn register(State(app): State<App>, visit: Visit, Form(typed): Form<Registration>) -> Answer {
    if !app.config.registration {
        return Err(Problem::Missing);
    }
    if !app.tries.allow(visit.address) {
        return Err(Problem::TooMany);
    }
    let page = Page::new(&app, &visit);
    match app.store.register(&typed, &app.config.register, app.config.strength).await {
        Ok(_) => html(&Notice {
            page,
            title: "registered-title",
            text: "registered-text",
            link: "/sign-in",
            link_key: "sign-in",
        }),
        Err(FormError::Fields(faults)) => {
            let register_key = register_key(&app);
            again(&RegisterPage { page, typed, faults, register_key })
        }
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn show_reset(State(app): State<App>, visit: Visit) -> Answer {
    html(&ResetPage { page: Page::new(&app, &visit), faults: Faults::default() })
}

pub(crate) async fn reset(
    State(app): State<App>,
    visit: Visit,
    Path(secret): Path<String>,
    Form(typed): Form<NewPassword>,
) -> Answer {
    if !app.tries.allow(visit.address) {
        return Err(Problem::TooMany);
    }
    let page = Page::new(&app, &visit);
    let notice = |page, text| Notice { page, title: "reset-title", text, link: "/sign-in", link_key: "sign-in" };
    match app.store.reset_password(&secret, &typed.password, app.config.strength).await {
        Ok(true) => {
            app.tries.was_right(visit.address);
            html(&notice(page, "reset-done"))
        }
        Ok(false) => again(&notice(page, "reset-stale")),
        Err(FormError::Fields(faults)) => again(&ResetPage { page, faults }),
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for (next, page) in [
            ("/patients?q=a", "/patients?q=a"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(own_page(next), page);
        }
    }
}
