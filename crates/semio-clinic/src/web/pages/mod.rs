//! One file a page.

pub(super) mod about;
pub(super) mod account;
pub(super) mod admin;
pub(crate) mod archive;
mod chart;
pub(super) mod compare;
pub(super) mod course;
pub(super) mod differences;
pub(super) mod filing;
pub(super) mod health;
mod hold;
pub(super) mod home;
pub(super) mod images;
pub(super) mod keys;
pub(super) mod model_upload;
pub(super) mod models;
pub(crate) mod patients;
mod result;
pub(super) mod second_factor;
pub(super) mod sign_in;
pub(super) mod studies;
pub(super) mod twin;
mod unreadable;
pub(super) mod upload;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};

use super::Answer;

/// A page.
fn html(template: &impl Template) -> Answer {
    Ok(Html(template.render()?).into_response())
}

/// A form that came back with faults.
fn again(template: &impl Template) -> Answer {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(template.render()?)).into_response())
}

/// To another page, which tells what was done.
fn to(address: &str, done: &str) -> Response {
    let mark = if address.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{address}{mark}done={done}")).into_response()
}
