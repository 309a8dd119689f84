//! Keys of programs that act in a physician's name.

use askama::Template;
use axum::extract::{Path, State};
use uuid::Uuid;

use super::{account::knows_password, again, html, to};
use crate::{
    account::{Faults, FormError},
    store::entity::token::Model as Token,
    web::{Answer, App, Page, Problem, Visit, form::Form},
};

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys {
    page: Page,
    tokens: Vec<Token>,
    /// The new key, shown once.
    secret: Option<String>,
    typed: String,
    days: String,
    /// Whether the password that was typed is not the person's.
    wrong: bool,
    faults: Faults,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct NewKey {
    token_name: String,
    days: String,
    writes: String,
    old: String,
}

async fn page_of(app: &App, visit: &Visit, secret: Option<String>) -> Result<Keys, Problem> {
    let tokens = app.store.tokens(visit.person()?).await?;
    let page = Page::new(app, visit);
    Ok(Keys { page, tokens, secret, typed: String::new(), days: "90".into(), wrong: false, faults: Faults::default() })
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    html(&page_of(&app, &visit, None).await?)
}

pub(crate) async fn make(State(app): State<App>, visit: Visit, Form(form): Form<NewKey>) -> Answer {
    // A key outlives the session in which it was made.
    if !knows_password(&app, &visit, &form.old).await? {
        let page = page_of(&app, &visit, None).await?;
        return again(&Keys { wrong: true, typed: form.token_name, days: form.days, ..page });
    }
    let days = form.days.trim().parse().unwrap_or(0);
    match app.store.make_token(visit.person()?, &form.token_name, !form.writes.is_empty(), days).await {
        Ok(secret) => html(&page_of(&app, &visit, Some(secret)).await?),
        Err(FormError::Fields(faults)) => {
            let page = page_of(&app, &visit, None).await?;
            again(&Keys { faults, typed: form.token_name, days: form.days, ..page })
        }
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn revoke(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    app.store.revoke_token(visit.person()?, id).await?;
    Ok(to("/account/keys", "saved"))
}
