//! What machines ask: is it alive, is it ready, how is it.

use std::{fmt::Write, net::SocketAddr};

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::web::App;

/// The program runs.
pub(crate) async fn healthy() -> &'static str {
    "ok\n"
}

/// The records answer.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    if app.store.answers().await {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
    }
}

/// Figures in Prometheus' text form, for this machine alone: no patient, no person, no class.
pub(crate) async fn metrics(
    State(app): State<App>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    // A proxy on this machine speaks for others.
    let is_forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
    if is_forwarded || !peer.is_some_and(|peer| peer.0.0.ip().is_loopback()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(counts) = app.store.counts().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response();
    };
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: u64| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    };
    gauge("semio_predictions_queued", "Readings that wait.", counts.queued);
    gauge("semio_predictions_running", "Readings under way.", app.readers.busy() as u64);
    gauge("semio_predictions_done", "Results.", counts.done);
    gauge("semio_predictions_failed", "Pictures that could not be read.", counts.failed);
    gauge("semio_predictions_refused", "Results that refuse the picture.", counts.refused);
    gauge("semio_predictions_unsure", "Results that ask for a human reader.", counts.unsure);
    gauge("semio_pictures", "Files kept.", counts.pictures);
    gauge("semio_sessions", "People signed in.", counts.sessions);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
