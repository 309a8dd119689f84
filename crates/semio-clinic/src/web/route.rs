//! All routes, each with who may take it. A test walks over the table with every role.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    handler::Handler,
    http::{HeaderName, Method},
    middleware::{from_fn_with_state, map_request, map_response},
    response::Response,
    routing::{MethodRouter, get, on},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate},
    },
    csrf::CsrfLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::RequestBodyTimeoutLayer,
    trace::TraceLayer,
};

use super::{
    App, assets,
    error::broken,
    guard::{Right, guard, visit},
    headers::secure,
    pages::{
        about, account, admin, archive, compare, course, health, home, images, keys, model_upload, models, patients,
        second_factor, sign_in, studies, twin, upload,
    },
};

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) right: Right,
    handler: MethodRouter<App>,
}

fn at<H, T>(method: Method, path: &'static str, right: Right, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    let filter = method.clone().try_into().expect("routes have usual methods");
    Route { method, path, right, handler: on(filter, handler) }
}

/// Every page that knows its visitor.
pub(crate) fn routes() -> Vec<Route> {
    use Right::{Administrator, Anyone, Physician, SignedIn};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    vec![
        at(GET, "/", Anyone, home::show),
        at(GET, "/about", Anyone, about::show),
        at(POST, "/language", Anyone, account::language),
        at(GET, "/sign-in", Anyone, sign_in::show),
        at(POST, "/sign-in", Anyone, sign_in::sign_in),
        at(POST, "/sign-in/code", Anyone, sign_in::code),
        at(GET, "/register", Anyone, sign_in::show_register),
        at(POST, "/register", Anyone, sign_in::register),
        at(GET, "/reset/{secret}", Anyone, sign_in::show_reset),
        at(POST, "/reset/{secret}", Anyone, sign_in::reset),
        at(POST, "/sign-out", SignedIn, sign_in::sign_out),
        at(GET, "/account", SignedIn, account::show),
        at(POST, "/account", SignedIn, account::save),
        at(POST, "/account/password", SignedIn, account::password),
        at(GET, "/account/second-factor", SignedIn, second_factor::show),
        at(POST, "/account/second-factor", SignedIn, second_factor::confirm),
        at(POST, "/account/second-factor/remove", SignedIn, second_factor::remove),
        at(GET, "/account/keys", Physician, keys::show),
        at(POST, "/account/keys", Physician, keys::make),
        at(POST, "/account/keys/{id}/revoke", Physician, keys::revoke),
        at(GET, "/models", SignedIn, models::list),
        at(GET, "/models/{id}", SignedIn, models::show),
        at(GET, "/models/{id}/report", SignedIn, models::report),
        at(GET, "/models/{id}/data", SignedIn, models::data),
        at(GET, "/compare", SignedIn, compare::show),
        at(GET, "/twin", SignedIn, twin::show),
        at(GET, "/twin/neuron", SignedIn, twin::neuron),
        at(GET, "/twin/axon", SignedIn, twin::axon),
        at(GET, "/twin/velocity", SignedIn, twin::velocity),
        at(GET, "/twin/network", SignedIn, twin::network),
        at(GET, "/patients", Physician, patients::list),
        at(GET, "/patients/new", Physician, patients::show_new),
        at(POST, "/patients/new", Physician, patients::add),
        at(GET, "/patients/{id}", Physician, patients::show),
        at(GET, "/patients/{id}/edit", Physician, patients::show_edit),
        at(POST, "/patients/{id}/edit", Physician, patients::edit),
        at(POST, "/patients/{id}/delete", Physician, patients::delete),
        at(POST, "/patients/{id}/restore", Physician, patients::restore),
        at(POST, "/patients/{id}/erase", Physician, patients::erase),
        at(POST, "/patients/{id}/merge", Physician, patients::merge),
        at(GET, "/patients/{id}/export", Physician, patients::export),
        at(GET, "/patients/{id}/export.zip", Physician, archive::show),
        at(GET, "/patients/{id}/course", Physician, course::show),
        at(POST, "/patients/{id}/course", Physician, course::add),
        at(POST, "/courses/{id}/delete", Physician, course::remove),
        at(GET, "/upload", Physician, upload::show),
        at(POST, "/upload", Physician, upload::take),
        at(POST, "/upload/decide", Physician, upload::decide),
        at(GET, "/studies/{id}", Physician, studies::show),
        at(GET, "/studies/{id}/print", Physician, studies::print),
        at(POST, "/studies/{id}/move", Physician, studies::relocate),
        at(GET, "/images/{id}/view", Physician, images::view),
        at(GET, "/images/{id}/frames/{frame}", Physician, images::frame),
        at(GET, "/images/{id}/picture.png", Physician, images::picture),
        at(POST, "/images/{id}/read", Physician, images::read),
        at(GET, "/predictions/{id}/map", Physician, images::map),
        at(GET, "/predictions/{id}/panel", Physician, studies::panel),
        at(POST, "/predictions/{id}/review", Physician, studies::review),
        at(GET, "/admin", Administrator, admin::people),
        at(POST, "/admin/people", Administrator, admin::add),
        at(POST, "/admin/people/{id}/confirm", Administrator, admin::confirm),
        at(POST, "/admin/people/{id}/close", Administrator, admin::close),
        at(POST, "/admin/people/{id}/open", Administrator, admin::open),
        at(POST, "/admin/people/{id}/team", Administrator, admin::team),
        at(POST, "/admin/people/{id}/reset", Administrator, admin::reset),
        at(POST, "/admin/people/{id}/second-factor", Administrator, second_factor::remove_of),
        at(POST, "/admin/models", Administrator, admin::look),
        at(POST, "/admin/models/upload", Administrator, model_upload::take),
        at(POST, "/admin/models/{id}", Administrator, admin::set_model),
        at(GET, "/admin/audit", Administrator, admin::audit),
        at(POST, "/admin/audit", Administrator, admin::verify),
        at(GET, "/admin/system", Administrator, admin::system),
    ]
}

/// Every page's method, address, and who may take it: `anyone`, `signed-in`, `physician` or `administrator`.
pub fn route_table() -> Vec<(Method, &'static str, &'static str)> {
    routes().into_iter().map(|route| (route.method, route.path, route.right.name())).collect()
}

/// Routes with everything around them.
pub(super) fn router(app: &App) -> Router {
    let mut pages = Router::new();
    for route in routes() {
        let mut handler: MethodRouter<App, Infallible> = route.handler.layer(from_fn_with_state(route.right, guard));
        if route.path == "/admin/models/upload" {
            handler = handler.layer(DefaultBodyLimit::max((app.config.model_megabytes << 20) + (1 << 20)));
        }
        pages = pages.route(route.path, handler);
    }
    let upload = app.config.upload_megabytes << 20;
    let pages = with_visitors(app, pages).layer(DefaultBodyLimit::max(upload + (1 << 20)));
    let request_id = HeaderName::from_static("x-request-id");
    // Frames are random numbers to a compressor, and large; archives are compressed already.
    let small = DefaultPredicate::new()
        .and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("application/zip"));
    Router::new()
        .route("/healthz", get(health::healthy))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/static/{file}", get(assets::file))
        .merge(pages)
        .merge(super::api::router(app).layer(DefaultBodyLimit::max(upload)))
        .with_state(app.clone())
        .layer(CatchPanicLayer::custom(broken))
        .layer(from_fn_with_state(app.clone(), secure))
        .layer(map_response(without_details))
        .layer(CompressionLayer::new().compress_when(small))
        .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(30)))
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::new(request_id, MakeRequestUuid))
        .layer(map_request(without_odd_id))
}

/// Pages that know their visitor, whatever becomes of them: a handler that panics is told of in the visitor's language.
fn with_visitors(app: &App, pages: Router<App>) -> Router<App> {
    pages
        .fallback(|| async { super::Problem::Missing })
        .layer(CatchPanicLayer::custom(broken))
        .layer(from_fn_with_state(app.clone(), visit))
        .layer(CsrfLayer::new())
}

/// A proxy may name a request; what is no UUID would bring words of a visitor's own into the log.
async fn without_odd_id(mut request: Request) -> Request {
    let id =
        request.headers().get("x-request-id").map(|id| id.to_str().ok().and_then(|id| id.parse::<uuid::Uuid>().ok()));
    if id == Some(None) {
        request.headers_mut().remove("x-request-id");
    }
    request
}

/// What the log says of a request: the route and not the address, which names records and what was searched for.
fn span(request: &Request<impl Sized>) -> tracing::Span {
    let route = request.extensions().get::<axum::extract::MatchedPath>().map_or("-", |path| path.as_str());
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("-");
    tracing::info_span!("request", method = %request.method(), route, id)
}

/// A server's name and version are nobody's business.
async fn without_details(mut response: Response) -> Response {
    response.headers_mut().remove(axum::http::header::SERVER);
    response
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use axum::{body::to_bytes, http::header};
    use tower::ServiceExt;

    use super::*;
    use crate::{Config, server::open_app};

    async fn panics() -> Response {
        panic!("as a fault of the program does")
    }

    #[tokio::test]
    async fn a_page_that_panics_is_told_of_in_the_visitors_language() {
        let folder = tempfile::tempdir().unwrap();
        let config =
            Config { data: folder.path().join("data"), models: folder.path().join("models"), ..Config::default() };
        let app = open_app(config).await.unwrap();
        let pages = with_visitors(&app, Router::new().route("/panics", get(panics))).with_state(app.clone());
        let request = Request::builder().uri("/panics").header(header::ACCEPT_LANGUAGE, "fr");
        let answer = pages.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        let page = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&page).contains("Une erreur est survenue"));
        app.stop().await;
    }
}
