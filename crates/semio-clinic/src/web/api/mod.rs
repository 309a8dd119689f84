//! The API for programs: the same records and rights as the pages, with a key in place of a cookie.
//!
//! A key acts in the name of the physician who made it (account page) and reads, or reads and writes. `openapi.json`
//! describes every route.

mod form;
mod handlers;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{App, Problem, error::Told};
use crate::store::entity::person::{Model as Person, Role};

/// What the program's key stands for.
#[derive(Clone)]
pub(super) struct Caller(pub(super) Person);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::Forbidden)
    }
}

/// Routes of the API.
pub(super) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/api/v1/patients", get(handlers::patients).post(handlers::add_patient))
        .route("/api/v1/patients/{id}", get(handlers::patient))
        .route("/api/v1/patients/{id}/studies", get(handlers::studies))
        .route("/api/v1/patients/{id}/images", post(handlers::add_image))
        .route("/api/v1/predictions/{id}", get(handlers::prediction))
        .route("/api/v1/predictions/{id}/review", post(handlers::review))
        .route("/api/v1/models", get(handlers::models))
        .layer(from_fn_with_state(app.clone(), bearer))
        .route("/api/v1/openapi.json", get(description))
}

/// Lets through whose key has the right; tells what is wrong as a problem document (RFC 9457).
async fn bearer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let key = request.headers().get(header::AUTHORIZATION).and_then(|h| h.to_str().ok());
    let key = key.and_then(|h| h.strip_prefix("Bearer ")).map(|key| key.trim().to_owned());
    let found = match key {
        Some(key) => match app.store.bearer(&key).await {
            Ok(found) => found,
            Err(error) => return told(&Problem::from(error)),
        },
        None => None,
    };
    let Some((person, writes)) = found else {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"semio\"")];
        let text = document(StatusCode::UNAUTHORIZED, "a key is missing, wrong, taken back or too old");
        return (challenge, text).into_response();
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if person.role != Role::Physician || (changes && !writes) {
        return told(&Problem::Forbidden);
    }
    request.extensions_mut().insert(Caller(person));
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Told>() {
        Some(Told(problem)) => told(&problem),
        None => response,
    }
}

fn told(problem: &Problem) -> Response {
    document(problem.status(), problem.words())
}

/// A problem document.
fn document(status: StatusCode, title: &str) -> Response {
    let body = serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16() });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Semio",
        description = "Records, pictures and results. Research software; not a medical device.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        handlers::patients,
        handlers::add_patient,
        handlers::patient,
        handlers::studies,
        handlers::add_image,
        handlers::prediction,
        handlers::review,
        handlers::models
    ),
    modifiers(&Keys),
    security(("key" = []))
)]
struct Description;

struct Keys;

impl Modify for Keys {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A key from the account page."));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme.build()));
    }
}

async fn description() -> Response {
    Json(Description::openapi()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described() {
        let text = serde_json::to_value(Description::openapi()).expect("is JSON");
        let paths: Vec<&String> = text["paths"].as_object().expect("has paths").keys().collect();
        assert_eq!(paths.len(), 7, "{paths:?}");
    }
}
