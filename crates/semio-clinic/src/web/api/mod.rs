//! The API for programs: the same records and rights as the pages, with a key in place of a cookie.
//!
//! A key acts in the name of the physician who made it (account page) and reads, or reads and writes. `openapi.json`
//! describes every route.

mod form;
mod handlers;
mod read;
mod told;

use std::convert::Infallible;

use axum::{
    Json, Router,
    extract::{FromRequestParts, MatchedPath, Request, State},
    handler::Handler,
    http::{Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, on},
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use self::told::{document, told};
use super::{
    App, Problem,
    error::{Told, broken},
};
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

/// What a route asks of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Any key of a physician.
    Reads,
    /// A key that may change records.
    Writes,
}

/// One route.
struct Way {
    method: Method,
    path: &'static str,
    scope: Scope,
    handler: MethodRouter<App>,
}

fn at<H, T>(method: Method, path: &'static str, scope: Scope, handler: H) -> Way
where
    H: Handler<T, App>,
    T: 'static,
{
    let filter = method.clone().try_into().expect("routes have usual methods");
    Way { method, path, scope, handler: on(filter, handler) }
}

/// Every route that asks for a key.
fn ways() -> Vec<Way> {
    use Scope::{Reads, Writes};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    vec![
        at(GET, "/api/v1/patients", Reads, handlers::patients),
        at(POST, "/api/v1/patients", Writes, handlers::add_patient),
        at(GET, "/api/v1/patients/{id}", Reads, handlers::patient),
        at(GET, "/api/v1/patients/{id}/studies", Reads, handlers::studies),
        at(POST, "/api/v1/patients/{id}/images", Writes, handlers::add_image),
        at(GET, "/api/v1/predictions/{id}", Reads, handlers::prediction),
        at(POST, "/api/v1/predictions/{id}/review", Writes, handlers::review),
        at(GET, "/api/v1/models", Reads, handlers::models),
    ]
}

/// Every route's method, address, and what its key must allow: `reads` or `writes`.
pub fn api_table() -> Vec<(Method, &'static str, &'static str)> {
    let name = |scope| if scope == Scope::Writes { "writes" } else { "reads" };
    ways().into_iter().map(|way| (way.method, way.path, name(way.scope))).collect()
}

/// Routes of the API.
pub(super) fn router(app: &App) -> Router<App> {
    let mut router = Router::new();
    for way in ways() {
        let guarded: MethodRouter<App, Infallible> = way
            .handler
            .layer(CatchPanicLayer::custom(broken))
            .layer(from_fn_with_state((app.clone(), way.scope), bearer));
        router = router.route(way.path, guarded);
    }
    router
        .route("/api/v1/openapi.json", get(description))
        .method_not_allowed_fallback(other_method)
        .route("/api", any(nowhere))
        .route("/api/{*path}", any(nowhere))
}

async fn nowhere() -> Response {
    told(&Problem::Missing)
}

/// Tells which methods there are (RFC 9110, 15.5.6).
async fn other_method(path: MatchedPath) -> Response {
    let methods: Vec<String> = api_table()
        .iter()
        .filter(|(_, known, _)| *known == path.as_str())
        .map(|(method, ..)| method.to_string())
        .collect();
    let allowed = if methods.is_empty() { "GET".to_owned() } else { methods.join(", ") };
    let text = document(StatusCode::METHOD_NOT_ALLOWED, "this address has no such method");
    ([(header::ALLOW, allowed)], text).into_response()
}

/// Lets through whose key has the right; tells what is wrong as a problem document (RFC 9457).
async fn bearer(State((app, scope)): State<(App, Scope)>, mut request: Request, next: Next) -> Response {
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
    if person.role != Role::Physician || (scope == Scope::Writes && !writes) {
        return told(&Problem::Forbidden);
    }
    request.extensions_mut().insert(Caller(person));
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Told>() {
        Some(Told(problem)) => told(&problem),
        None => response,
    }
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
    fn the_description_and_the_routes_are_the_same() {
        let text = serde_json::to_value(Description::openapi()).expect("is JSON");
        let paths = text["paths"].as_object().expect("has paths");
        let mut described: Vec<(String, String)> = paths
            .iter()
            .flat_map(|(path, ways)| {
                let methods = ways.as_object().into_iter().flatten().map(|(method, _)| method.to_ascii_uppercase());
                methods.map(|method| (path.clone(), method)).collect::<Vec<_>>()
            })
            .collect();
        let mut routes: Vec<_> =
            api_table().into_iter().map(|(method, path, _)| (path.to_owned(), method.to_string())).collect();
        described.sort();
        routes.sort();
        assert_eq!(described, routes);
    }
}
