//! Codes beside the password: set up, and taken away.

use askama::Template;
use axum::extract::{Path, State};
use qrcode::{QrCode, render::svg};
use uuid::Uuid;

use super::{account::knows_password, again, html, to};
use crate::{
    account::{Enrolment, Faults},
    web::{Answer, App, Page, Problem, Visit, form::Form},
};

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SetUp {
    page: Page,
    enrolment: Option<Enrolment>,
    picture: String,
    /// The key of what is wrong with what was typed.
    wrong: Option<&'static str>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct Recovery {
    page: Page,
    codes: Vec<String>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Code {
    code: String,
    old: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Password {
    old: String,
}

async fn page_of(app: &App, visit: &Visit, wrong: Option<&'static str>) -> Result<SetUp, Problem> {
    let enrolment = app.store.begin_second_factor(visit.person()?).await?;
    let picture = enrolment.as_ref().map(|e| qr(&e.address)).unwrap_or_default();
    Ok(SetUp { page: Page::new(app, visit), enrolment, picture, wrong, faults: Faults::default() })
}

/// The address as a QR code, without the line that only files have.
fn qr(address: &str) -> String {
    let Ok(code) = QrCode::new(address) else { return String::new() };
    let text = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    text.find("<svg").map_or_else(String::new, |at| text[at..].to_owned())
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    html(&page_of(&app, &visit, None).await?)
}

pub(crate) async fn confirm(State(app): State<App>, visit: Visit, Form(form): Form<Code>) -> Answer {
    // Whoever sits at an unlocked screen would lock its owner out.
    if !knows_password(&app, &visit, &form.old).await? {
        return again(&page_of(&app, &visit, Some("account-password-wrong")).await?);
    }
    match app.store.confirm_second_factor(visit.person()?, &form.code).await? {
        Some(codes) => html(&Recovery { page: Page::new(&app, &visit), codes }),
        None => again(&page_of(&app, &visit, Some("code-wrong")).await?),
    }
}

/// Whoever sits at an unlocked screen must know the password.
pub(crate) async fn remove(State(app): State<App>, visit: Visit, Form(form): Form<Password>) -> Answer {
    let person = visit.person()?;
    if !knows_password(&app, &visit, &form.old).await? {
        return again(&page_of(&app, &visit, Some("account-password-wrong")).await?);
    }
    app.store.remove_second_factor(person.id, person.id).await?;
    Ok(to("/account", "saved"))
}

/// An administrator helps somebody who lost telephone and recovery codes.
pub(crate) async fn remove_of(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    app.store.remove_second_factor(id, visit.person()?.id).await?;
    Ok(to("/admin", "saved"))
}
