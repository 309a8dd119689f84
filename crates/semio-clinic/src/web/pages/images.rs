//! Pictures, for the viewer and for pages without it.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::header,
    response::IntoResponse,
};
use uuid::Uuid;

use super::to;
use crate::{
    finding::Finding,
    models::pipeline_hash,
    opened,
    web::{Answer, App, Problem, Visit, form::Form, openings},
};

/// The longest side of a picture that a page shows without the viewer.
const SHOWN: usize = 1024;

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct With {
    prediction: Option<Uuid>,
}

#[derive(serde::Deserialize)]
pub(crate) struct Job {
    job: String,
}

/// What the viewer needs to know before it asks for pixels.
pub(crate) async fn view(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Query(with): Query<With>,
) -> Answer {
    let person = visit.person()?;
    let (image, _, patient) = app.store.image(person, id).await?;
    openings::note(&app, person, &image, &patient).await?;
    let bytes = app.pictures.get(&image.picture_sha256).await?;
    let pixels = format!("/images/{id}/frames/{{frame}}");
    let facts = blocking(move || opened::view_facts(&bytes, pixels)).await?;
    let mut facts = facts.map_err(unreadable)?;
    if let Some(prediction) = with.prediction {
        let (prediction, _) = app.store.prediction(person, prediction).await?;
        let shown = prediction.image_id == id && !app.store.is_folded(person, prediction.id).await?;
        let finding = finding(prediction.finding.as_deref()).filter(|_| shown);
        facts.overlay = finding.filter(|f| f.map.is_some()).map(|f| {
            let classes: Vec<&String> = f.probabilities.iter().map(|(class, _)| class).collect();
            serde_json::json!({ "map": format!("/predictions/{}/map", prediction.id), "classes": classes })
        });
    }
    Ok(Json(facts).into_response())
}

/// A frame's stored samples, little endian.
pub(crate) async fn frame(State(app): State<App>, visit: Visit, Path((id, frame)): Path<(Uuid, u32)>) -> Answer {
    let (image, _, patient) = app.store.image(visit.person()?, id).await?;
    openings::note(&app, visit.person()?, &image, &patient).await?;
    if frame >= image.frames as u32 {
        return Err(Problem::Missing);
    }
    let bytes = app.pictures.get(&image.picture_sha256).await?;
    let raw = blocking(move || opened::frame(&bytes, frame).map(|image| opened::raw_samples(&image))).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], raw.map_err(unreadable)?).into_response())
}

/// The first frame as its file says that it is to be seen.
pub(crate) async fn picture(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let (image, _, patient) = app.store.image(visit.person()?, id).await?;
    openings::note(&app, visit.person()?, &image, &patient).await?;
    let bytes = app.pictures.get(&image.picture_sha256).await?;
    let png = blocking(move || preview(&bytes)).await??;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

/// The first frame of a file as it is to be seen, as PNG.
pub(super) fn preview(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let image = opened::frame(bytes, 0).map_err(unreadable)?;
    let shown = image.to_u8();
    let long = shown.width().max(shown.height());
    let side = |n: usize| if long > SHOWN { (n * SHOWN / long).max(1) } else { n };
    let resized = shown
        .resize(side(shown.width()), side(shown.height()), semio_image::Filter::Bilinear)
        .map_err(|_| Problem::Broken)?;
    semio_data::encode_png(&resized).map_err(|_| Problem::Broken)
}

/// Where the model looked.
pub(crate) async fn map(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let person = visit.person()?;
    let (prediction, _) = app.store.prediction(person, id).await?;
    if app.store.is_folded(person, id).await? {
        return Err(Problem::Missing);
    }
    let (image, _, patient) = app.store.image(person, prediction.image_id).await?;
    openings::note(&app, person, &image, &patient).await?;
    let map = finding(prediction.finding.as_deref()).and_then(|f| f.map).ok_or(Problem::Missing)?;
    Ok(Json(map).into_response())
}

/// Asks a model to read a picture again.
pub(crate) async fn read(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>, Form(form): Form<Job>) -> Answer {
    let person = visit.person()?;
    let (_, study, _) = app.store.image(person, id).await?;
    let model = app.store.active_model(&form.job).await?.ok_or(Problem::Missing)?;
    let (models, opening) = (app.models.clone(), model.clone());
    let predictor = blocking(move || models.open(&opening)).await??;
    let prediction = app.store.ask_again(person, id, &model, &pipeline_hash(predictor.manifest())).await?;
    app.readers.wake();
    Ok(to(&format!("/studies/{}?prediction={prediction}", study.id), "queued"))
}

fn finding(text: Option<&str>) -> Option<Finding> {
    serde_json::from_str(text?).ok()
}

fn unreadable(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a kept picture cannot be decoded");
    Problem::Broken
}

/// Decoding beside the threads that serve pages.
pub(in crate::web) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::Broken)
}
