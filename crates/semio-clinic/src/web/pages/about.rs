//! What the system is, and what not.

use askama::Template;
use axum::extract::State;

use super::html;
use crate::web::{Answer, App, Page, Visit};

#[derive(Template)]
#[template(path = "about.html")]
struct About {
    page: Page,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    html(&About { page: Page::new(&app, &visit) })
}
