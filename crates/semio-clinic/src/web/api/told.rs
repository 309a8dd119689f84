//! Problem documents (RFC 9457): how programs are told what went wrong.

use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::form::{FieldFault, Invalid, Mismatch};
use crate::web::Problem;

const PROBLEM: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/problem+json")];

pub(super) fn told(problem: &Problem) -> Response {
    document(problem.status(), problem.words())
}

/// A problem document.
pub(super) fn document(status: StatusCode, title: &str) -> Response {
    let body = serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16() });
    (status, PROBLEM, body.to_string()).into_response()
}

/// One that names fields, with what is wrong with each.
pub(super) fn invalid(title: &'static str, fields: impl IntoIterator<Item = (String, String)>) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let fields = fields.into_iter().map(|(field, reason)| FieldFault { field, reason }).collect();
    (status, PROBLEM, Json(Invalid { title, status: status.as_u16(), fields })).into_response()
}

/// One that names the fields in which file and record contradict each other.
pub(super) fn mismatch(fields: Vec<String>) -> Response {
    let status = StatusCode::CONFLICT;
    let title = "the file speaks of somebody else than the record";
    (status, PROBLEM, Json(Mismatch { title, status: status.as_u16(), fields })).into_response()
}
