//! What each route of the API does.

use axum::{
    Json,
    extract::{FromRequest, Request, State},
    http::StatusCode,
    response::IntoResponse,
};
use bytes::Bytes;

use super::{
    Caller, document,
    form::{
        COMMENT, Filed, Filing, Find, Invalid, Mismatch, Model, NewPatient, NewReview, Patient, Patients, Prediction,
        Study,
    },
    read::{Body, Id, Query},
    told::{invalid, mismatch},
};
use crate::{
    account::FormError,
    audit::Entry,
    finding::Finding,
    record::{Scope, Search},
    store::entity::review::Verdict,
    web::{
        Answer, App, Problem,
        pages::{
            differences::differences,
            filing::{Arrived, Wish, file, in_time},
        },
    },
    words::Language,
};

/// Lists patients by name.
#[utoipa::path(get, path = "/api/v1/patients", params(Find), responses(
    (status = 200, description = "One page", body = Patients), (status = 400, description = "The query is not understood"),
    (status = 401, description = "No key"), (status = 403, description = "The key may not")))]
pub(super) async fn patients(State(app): State<App>, Caller(who): Caller, Query(find): Query<Find>) -> Answer {
    if find.page > 20_000 {
        return Err(Problem::Bad);
    }
    let scope = if find.team { Scope::Team } else { Scope::Mine };
    let search = Search { q: find.q, scope, page: find.page.into(), ..Search::default() };
    let (rows, total) = app.store.patients(&who, &search).await?;
    app.store.note(Entry::by(who.id, "patient.list").detail(rows.len().to_string())).await?;
    Ok(Json(Patients { total, patients: rows.iter().map(Patient::from).collect() }).into_response())
}

/// Makes a patient's record.
#[utoipa::path(post, path = "/api/v1/patients", request_body = NewPatient, responses(
    (status = 201, description = "Made", body = Patient), (status = 400, description = "The body is not JSON"),
    (status = 401, description = "No key"), (status = 403, description = "The key may not"),
    (status = 413, description = "Too large"), (status = 415, description = "The body is not JSON"),
    (status = 422, description = "Fields are not as they should be", body = Invalid, content_type = "application/problem+json")))]
pub(super) async fn add_patient(State(app): State<App>, Caller(who): Caller, Body(new): Body<NewPatient>) -> Answer {
    match app.store.add_patient(&who, &new.into()).await {
        Ok(row) => Ok((StatusCode::CREATED, Json(Patient::from(&row))).into_response()),
        Err(FormError::Fields(faults)) => {
            let fields = faults.iter().map(|(field, key)| (field.to_owned(), Language::English.t(key)));
            Ok(invalid("fields are not as they should be", fields))
        }
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

/// Shows a patient.
#[utoipa::path(get, path = "/api/v1/patients/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The patient", body = Patient), (status = 400, description = "No identity"),
    (status = 401, description = "No key"), (status = 403, description = "The key may not"),
    (status = 404, description = "Not there, or not yours")))]
pub(super) async fn patient(State(app): State<App>, Caller(who): Caller, Id(id): Id) -> Answer {
    let row = app.store.patient(&who, id).await?;
    app.store.note(Entry::by(who.id, "patient.read").of(id).patient(id)).await?;
    Ok(Json(Patient::from(&row)).into_response())
}

/// Shows a patient's studies with their results, the latest first.
#[utoipa::path(get, path = "/api/v1/patients/{id}/studies", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The studies", body = Vec<Study>), (status = 400, description = "No identity"),
    (status = 401, description = "No key"), (status = 403, description = "The key may not"),
    (status = 404, description = "Not there, or not yours")))]
pub(super) async fn studies(State(app): State<App>, Caller(who): Caller, Id(id): Id) -> Answer {
    let row = app.store.patient(&who, id).await?;
    let studies = app.store.studies(&row).await?;
    app.store.note(Entry::by(who.id, "patient.read").of(id).patient(id)).await?;
    Ok(Json(studies.iter().map(Study::from).collect::<Vec<_>>()).into_response())
}

/// Files a picture, and queues its reading.
#[utoipa::path(post, path = "/api/v1/patients/{id}/images", params(("id" = Uuid, Path), Filing),
    request_body(content = String, content_type = "application/octet-stream", description = "DICOM, PNG, JPEG, BMP or TIFF"),
    responses((status = 201, description = "Filed", body = Filed), (status = 400, description = "Not understood"),
    (status = 401, description = "No key"), (status = 403, description = "The key may not"),
    (status = 404, description = "Not there, or not yours, or no model for the job"),
    (status = 408, description = "The file did not come in time"),
    (status = 409, description = "The file speaks of somebody else", body = Mismatch, content_type = "application/problem+json"),
    (status = 410, description = "The record was deleted or merged meanwhile"),
    (status = 413, description = "Too large"), (status = 422, description = "No picture that can be read")))]
pub(super) async fn add_image(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
    Query(filing): Query<Filing>,
    request: Request,
) -> Answer {
    // Before its bytes are received: a record or a job that is not there takes none.
    let row = app.store.patient(&who, id).await?;
    if let Some(job) = &filing.job
        && app.store.active_model(job).await?.is_none()
    {
        return Err(Problem::Missing);
    }
    // Few at a time: bytes wait in memory until they are kept.
    let _turn = app.uploads.acquire().await.map_err(|_| Problem::Broken)?;
    let bytes = match in_time(&app, Bytes::from_request(request, &())).await? {
        Ok(bytes) => bytes,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => return Err(Problem::TooLarge),
        Err(_) => return Err(Problem::Bad),
    };
    let arrived = match Arrived::open(bytes).await? {
        Ok(arrived) => arrived,
        Err(error) => return Ok(document(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())),
    };
    let found = differences(&app, Language::English, &who, &row, &arrived).await?;
    if !found.is_empty() && !filing.accept_mismatch {
        let fields = found.iter().map(|d| d.key.trim_start_matches("field-").replace('-', "_")).collect();
        return Ok(mismatch(fields));
    }
    let wish = Wish { patient: Some(id), job: filing.job.unwrap_or_default(), taken_on: filing.taken_on };
    let differs = found.iter().map(|difference| difference.key).collect();
    let (filed, sha256) = file(&app, &who, &row, arrived, &wish, differs).await?;
    let filed = Filed { study: filed.study, sha256, prediction: filed.prediction };
    Ok((StatusCode::CREATED, Json(filed)).into_response())
}

/// Shows a result, or where it stands.
#[utoipa::path(get, path = "/api/v1/predictions/{id}", params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The result", body = Prediction), (status = 400, description = "No identity"),
    (status = 401, description = "No key"), (status = 403, description = "The key may not"),
    (status = 404, description = "Not there, or not yours")))]
pub(super) async fn prediction(State(app): State<App>, Caller(who): Caller, Id(id): Id) -> Answer {
    let (row, patient) = app.store.prediction(&who, id).await?;
    let (_, study, _) = app.store.image(&who, row.image_id).await?;
    let shown = app.store.study(&who, study.id).await?;
    app.store.note(Entry::by(who.id, "study.read").of(study.id).patient(patient.id)).await?;
    Ok(Json(Prediction::new(&row, &shown.reviews)).into_response())
}

/// Takes down a physician's word on a result.
#[utoipa::path(post, path = "/api/v1/predictions/{id}/review", params(("id" = Uuid, Path)), request_body = NewReview,
    responses((status = 204, description = "Noted"), (status = 400, description = "Not understood"),
    (status = 401, description = "No key"), (status = 403, description = "The key may not"),
    (status = 404, description = "Not there, not yours, or not read yet"), (status = 413, description = "Too large"),
    (status = 415, description = "The body is not JSON"),
    (status = 422, description = "The body has another form, or says neither what is seen nor anything else",
     body = Invalid, content_type = "application/problem+json")))]
pub(super) async fn review(
    State(app): State<App>,
    Caller(who): Caller,
    Id(id): Id,
    Body(new): Body<NewReview>,
) -> Answer {
    let (row, _) = app.store.prediction(&who, id).await?;
    let verdict = match new.verdict.as_str() {
        "approved" if row.outcome.as_deref() == Some("answered") => Verdict::Approved,
        "contested" => Verdict::Contested,
        "approved" => return Err(Problem::Bad),
        _ => {
            let fields = [("verdict".to_owned(), Language::English.t("fault-form"))];
            return Ok(invalid("fields are not as they should be", fields));
        }
    };
    let finding: Option<Finding> = row.finding.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let known = |label: &String| finding.iter().flat_map(|f| &f.probabilities).any(|(class, _)| class == label);
    if new.label.as_ref().is_some_and(|label| !known(label)) {
        return Err(Problem::Bad);
    }
    if verdict == Verdict::Contested && new.label.is_none() && new.comment.trim().is_empty() {
        let fields = ["label", "comment"].map(|field| (field.to_owned(), Language::English.t("review-nothing")));
        return Ok(invalid("a contested result needs a label or a comment", fields));
    }
    if new.comment.chars().count() > COMMENT {
        let fields = [("comment".to_owned(), Language::English.t("fault-too-long"))];
        return Ok(invalid("fields are not as they should be", fields));
    }
    app.store.review(&who, id, verdict, new.label, &new.comment).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Lists the models.
#[utoipa::path(get, path = "/api/v1/models", responses((status = 200, description = "The models", body = Vec<Model>),
    (status = 401, description = "No key"), (status = 403, description = "The key may not")))]
pub(super) async fn models(State(app): State<App>, Caller(_): Caller) -> Answer {
    let models = app.store.models().await?;
    Ok(Json(models.into_iter().map(Model::from).collect::<Vec<_>>()).into_response())
}
