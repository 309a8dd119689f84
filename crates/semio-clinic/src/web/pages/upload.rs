//! Pictures come in: opened, compared with the record, filed, queued for reading.

use askama::Template;
use axum::{
    extract::{Multipart, Query, State},
    http::HeaderMap,
    response::{Html, IntoResponse},
};
use bytes::Bytes;
use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    hold::{held, hold},
    html,
    images::blocking,
    studies::jobs,
    unreadable,
};
use crate::{
    account::FormError,
    clock,
    models::pipeline_hash,
    opened::{Claims, Opened},
    record::{NewImage, PatientForm, StudyFacts, fold},
    store::entity::{patient::Model as Patient, person::Model as Person},
    web::{Answer, App, Page, Problem, Visit, form::Form},
    words::Language,
};

#[derive(Template)]
#[template(path = "upload.html")]
struct UploadPage {
    page: Page,
    patient: Option<Patient>,
    jobs: Vec<(String, String)>,
    rows: String,
}

#[derive(Template)]
#[template(path = "upload_row.html")]
struct RowPart<'a> {
    page: &'a Page,
    row: Row,
}

/// What came of one file.
enum Row {
    Filed {
        study: Uuid,
        patient: String,
    },
    Refused {
        reason: String,
        /// The decoder's own words, in English.
        detail: Option<String>,
    },
    /// The file speaks of somebody else: a physician decides.
    Differs {
        patient: Patient,
        differences: Vec<Difference>,
        held: String,
    },
    /// No record was chosen.
    Whose {
        candidates: Vec<Patient>,
        claims: String,
        held: String,
        /// The form for a new record, filled as far as the tags go, where they do not go far enough.
        form: Option<String>,
    },
    Discarded,
}

/// What file and record say differently.
pub(in crate::web) struct Difference {
    pub(in crate::web) key: &'static str,
    file: String,
    record: String,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct For {
    patient: Option<Uuid>,
}

#[derive(serde::Deserialize)]
pub(crate) struct Decision {
    held: String,
    patient: String,
}

/// What the form says beside its files.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Wish {
    pub(in crate::web) patient: Option<Uuid>,
    pub(in crate::web) job: String,
    pub(in crate::web) taken_on: Option<NaiveDate>,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Query(of): Query<For>) -> Answer {
    let patient = match of.patient {
        Some(id) => Some(app.store.patient(visit.person()?, id).await?),
        None => None,
    };
    let jobs = jobs(&app, visit.language).await?;
    html(&UploadPage { page: Page::new(&app, &visit), patient, jobs, rows: String::new() })
}

pub(crate) async fn take(State(app): State<App>, visit: Visit, headers: HeaderMap, mut parts: Multipart) -> Answer {
    // A script sends its proof as a header, which the guard has checked; a plain form sends it as the first field.
    let by_script = headers.contains_key("x-csrf");
    let mut proven = by_script;
    let page = Page::new(&app, &visit);
    let (mut wish, mut rows) = (Wish::default(), String::new());
    while let Some(part) = parts.next_field().await.map_err(|e| too_large(&e))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "csrf" {
            let token = part.text().await.map_err(|e| too_large(&e))?;
            proven |= app.store.secrets().is_form_token(&visit.cookie, &token);
            continue;
        }
        if !proven {
            return Err(Problem::Stale);
        }
        if name == "file" {
            // Few at a time: bytes wait in memory until they are kept.
            let _turn = app.uploads.acquire().await.map_err(|_| Problem::Broken)?;
            let bytes = part.bytes().await.map_err(|e| too_large(&e))?;
            if !bytes.is_empty() {
                let row = take_file(&app, &visit, &wish, bytes).await?;
                rows.push_str(&RowPart { page: &page, row }.render()?);
            }
            continue;
        }
        let text = part.text().await.map_err(|e| too_large(&e))?;
        match name.as_str() {
            "patient" => wish.patient = text.parse().ok(),
            "job" => wish.job = text,
            "taken_on" => wish.taken_on = text.parse().ok(),
            _ => {}
        }
    }
    if !proven {
        return Err(Problem::Stale);
    }
    if by_script {
        return Ok(Html(rows).into_response());
    }
    let patient = match wish.patient {
        Some(id) => Some(app.store.patient(visit.person()?, id).await?),
        None => None,
    };
    let jobs = jobs(&app, visit.language).await?;
    html(&UploadPage { page, patient, jobs, rows })
}

pub(super) fn too_large(error: &axum::extract::multipart::MultipartError) -> Problem {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE { Problem::TooLarge } else { Problem::Bad }
}

async fn take_file(app: &App, visit: &Visit, wish: &Wish, bytes: Bytes) -> Result<Row, Problem> {
    let person = visit.person()?;
    let patient = match wish.patient {
        Some(id) => Some(app.store.patient(person, id).await?),
        None => None,
    };
    let content = bytes.clone();
    let opened = match blocking(move || Opened::new(&content)).await? {
        Ok(opened) => opened,
        // The decoder's words name tags and syntaxes, never values.
        Err(error) => {
            let reason = unreadable::words(visit.language, &error);
            return Ok(Row::Refused { reason, detail: Some(error.to_string()) });
        }
    };
    let claims = opened.attributes.as_ref().map(Claims::of).unwrap_or_default();
    if let Some(patient) = patient {
        let identifier = app.store.identifier(patient.id).await?;
        let differences = differences(visit.language, &claims, &patient, identifier.as_deref());
        if !differences.is_empty() {
            let held = hold(app, visit, &app.pictures.hold(bytes).await?, wish);
            return Ok(Row::Differs { patient, differences, held });
        }
        let sha256 = app.pictures.put(bytes).await?;
        let study = file(app, person, &patient, &opened, &claims, sha256, wish).await?;
        return Ok(Row::Filed { study, patient: patient.name() });
    }
    let candidates = candidates(app, visit, &claims).await?;
    if candidates.is_empty() && claims.family_name.is_none() {
        return Ok(Row::Refused { reason: visit.language.t("upload-choose-patient"), detail: None });
    }
    let held = hold(app, visit, &app.pictures.hold(bytes).await?, wish);
    Ok(whose(visit.language, candidates, &claims, held))
}

/// The question whose a file is.
fn whose(language: Language, candidates: Vec<Patient>, claims: &Claims, held: String) -> Row {
    let form = form_of(claims);
    let form = (!form.is_enough()).then(|| {
        let fields = [
            ("family_name", &form.family_name),
            ("given_name", &form.given_name),
            ("sex", &form.sex),
            ("birth_date", &form.birth_date),
            ("identifier", &form.identifier),
        ];
        let mut query = form_urlencoded::Serializer::new(String::from("/patients/new?"));
        query.extend_pairs(fields.into_iter().filter(|(_, value)| !value.is_empty()));
        query.finish()
    });
    Row::Whose { candidates, claims: claims_in_words(language, claims), held, form }
}

/// Files a kept picture and queues its reading.
pub(in crate::web) async fn file(
    app: &App,
    person: &Person,
    patient: &Patient,
    opened: &Opened,
    claims: &Claims,
    sha256: String,
    wish: &Wish,
) -> Result<Uuid, Problem> {
    let attributes = opened.attributes.as_ref();
    let text = |value: Option<&String>, longest: usize| {
        value.map(|v| v.chars().filter(|c| !c.is_control()).take(longest).collect::<String>()).filter(|v| !v.is_empty())
    };
    let facts = StudyFacts {
        instance_uid: text(attributes.and_then(|a| a.study_uid.as_ref()), 64),
        accession: text(attributes.and_then(|a| a.accession.as_ref()), 64),
        modality: text(attributes.and_then(|a| a.modality.as_ref()), 16),
        description: text(attributes.and_then(|a| a.study_description.as_ref()), 200).unwrap_or_default(),
        taken_on: wish.taken_on.or(claims.taken_on).unwrap_or_else(clock::today),
    };
    let model = if wish.job.is_empty() { None } else { app.store.active_model(&wish.job).await? };
    let pipeline = match &model {
        Some(model) => {
            let (models, opening) = (app.models.clone(), model.clone());
            // A bundle that cannot be opened does not stop the filing: its reading fails, and says so.
            let opened = blocking(move || models.open(&opening)).await?;
            Some(match opened {
                Ok(predictor) => pipeline_hash(predictor.manifest()),
                Err(error) => {
                    tracing::error!(%error, "a model cannot be opened");
                    "0".repeat(64)
                }
            })
        }
        None => None,
    };
    let new = NewImage {
        size: opened.size,
        sha256,
        media_type: opened.media_type,
        instance_uid: text(attributes.and_then(|a| a.instance_uid.as_ref()), 64),
        frames: opened.frames,
        width: opened.width,
        height: opened.height,
        view: text(attributes.and_then(|a| a.view.as_ref()), 16),
    };
    let reader = model.as_ref().zip(pipeline.as_deref());
    let study = app.store.file_image(person, patient, facts, new, reader).await?;
    app.readers.wake();
    Ok(study)
}

/// A physician decided whose a picture is.
pub(crate) async fn decide(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Form(decision): Form<Decision>,
) -> Answer {
    let person = visit.person()?;
    let (sha256, wish) = held(&app, &visit, &decision.held).ok_or(Problem::Stale)?;
    let row = if decision.patient.is_empty() {
        app.pictures.forget_held(&sha256).await?;
        Row::Discarded
    } else {
        let bytes = match app.pictures.held(&sha256).await {
            // Decided otherwise meanwhile, in another window, or a day ago.
            Err(error) if error.is_missing() => return Err(Problem::Stale),
            other => other?,
        };
        let content = bytes.clone();
        let opened = blocking(move || Opened::new(&content)).await?.map_err(|_| Problem::Broken)?;
        let claims = opened.attributes.as_ref().map(Claims::of).unwrap_or_default();
        let patient = match decision.patient.as_str() {
            "again" => None,
            "new" => match app.store.add_patient(person, &form_of(&claims)).await {
                Ok(patient) => Some(patient),
                Err(FormError::Fields(_)) => None,
                Err(FormError::Store(error)) => return Err(error.into()),
            },
            id => Some(app.store.patient(person, id.parse().map_err(|_| Problem::Bad)?).await?),
        };
        if let Some(patient) = patient {
            let kept = app.pictures.put(bytes).await?;
            let study = file(&app, person, &patient, &opened, &claims, kept, &wish).await?;
            app.pictures.forget_held(&sha256).await?;
            Row::Filed { study, patient: patient.name() }
        } else {
            let candidates = candidates(&app, &visit, &claims).await?;
            whose(visit.language, candidates, &claims, decision.held)
        }
    };
    let page = Page::new(&app, &visit);
    let rows = RowPart { page: &page, row }.render()?;
    if headers.contains_key("hx-request") {
        return Ok(Html(rows).into_response());
    }
    let jobs = jobs(&app, visit.language).await?;
    html(&UploadPage { page, patient: None, jobs, rows })
}

fn form_of(claims: &Claims) -> PatientForm {
    PatientForm {
        family_name: claims.family_name.clone().unwrap_or_default(),
        given_name: claims.given_name.clone().unwrap_or_default(),
        sex: claims.sex.map(|s| s.name().to_owned()).unwrap_or_default(),
        birth_date: claims.birth_date.map(|d| d.to_string()).unwrap_or_default(),
        identifier: claims.id.clone().unwrap_or_default(),
        ..PatientForm::default()
    }
}

/// Where file and record contradict each other. What one of them does not say is no contradiction.
pub(in crate::web) fn differences(
    language: Language,
    claims: &Claims,
    patient: &Patient,
    identifier: Option<&str>,
) -> Vec<Difference> {
    let mut found = vec![];
    let mut compare = |key, file: Option<String>, record: String, same: bool| {
        if let Some(file) = file.filter(|_| !same) {
            found.push(Difference { key, file, record });
        }
    };
    let same_name = |file: &Option<String>, record: &str| file.as_ref().is_none_or(|f| fold(f) == fold(record));
    let (family, given) = (&claims.family_name, &claims.given_name);
    compare("field-family-name", family.clone(), patient.family_name.clone(), same_name(family, &patient.family_name));
    compare("field-given-name", given.clone(), patient.given_name.clone(), same_name(given, &patient.given_name));
    compare(
        "field-birth-date",
        claims.birth_date.map(|d| language.day(d)),
        language.day(patient.birth_date),
        claims.birth_date.is_none_or(|d| d == patient.birth_date),
    );
    let sex = |sex| language.t(super::patients::sex_key(&sex));
    compare("field-sex", claims.sex.map(sex), sex(patient.sex), claims.sex.is_none_or(|s| s == patient.sex));
    if let Some(identifier) = identifier {
        let same = claims.id.as_ref().is_none_or(|id| id.trim() == identifier);
        compare("field-identifier", claims.id.clone(), identifier.to_owned(), same);
    }
    found
}

/// Records that the file may mean: by identifier, or by name and day of birth.
async fn candidates(app: &App, visit: &Visit, claims: &Claims) -> Result<Vec<Patient>, Problem> {
    let person = visit.person()?;
    let mut found: Vec<Patient> = vec![];
    for text in [claims.id.as_deref(), claims.family_name.as_deref()].into_iter().flatten() {
        for scope in [crate::record::Scope::Mine, crate::record::Scope::Team] {
            let search = crate::record::Search { q: text.to_owned(), scope, ..Default::default() };
            let (rows, _) = app.store.patients(person, &search).await?;
            found.extend(rows);
        }
    }
    let fits = |p: &Patient| {
        claims.birth_date.is_none_or(|d| d == p.birth_date)
            && claims.family_name.as_ref().is_none_or(|f| fold(f) == fold(&p.family_name))
    };
    found.retain(fits);
    found.sort_by_key(|p| p.id);
    found.dedup_by_key(|p| p.id);
    found.truncate(5);
    Ok(found)
}

fn claims_in_words(language: Language, claims: &Claims) -> String {
    let name = [claims.given_name.as_deref(), claims.family_name.as_deref()].into_iter().flatten();
    let mut words = vec![name.collect::<Vec<_>>().join(" ")];
    words.extend(claims.birth_date.map(|d| language.day(d)));
    words.extend(claims.sex.map(|s| language.t(super::patients::sex_key(&s))));
    words.retain(|w| !w.is_empty());
    words.join(", ")
}
