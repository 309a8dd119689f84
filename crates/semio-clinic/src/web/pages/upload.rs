//! Pictures come in: opened, compared with the record, filed, queued for reading.

use askama::Template;
use axum::{
    extract::{Multipart, Query, State},
    http::HeaderMap,
    response::{Html, IntoResponse},
};
use bytes::Bytes;
use uuid::Uuid;

use super::{
    differences::{Difference, differences},
    filing::{Arrived, Wish, file, in_time},
    hold::{held, hold},
    html,
    studies::jobs,
    unreadable,
};
use crate::{
    account::FormError,
    audit::Entry,
    opened::Claims,
    record::{Filed, PatientForm, fold},
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

pub(crate) async fn show(State(app): State<App>, visit: Visit, Query(of): Query<For>) -> Answer {
    let patient = match of.patient {
        Some(id) => {
            let person = visit.person()?;
            let patient = app.store.patient(person, id).await?;
            app.store.note(Entry::by(person.id, "patient.read").of(id).patient(id)).await?;
            Some(patient)
        }
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
            // Before its bytes are received: a record that is not there takes no file.
            if let Some(id) = wish.patient {
                app.store.patient(visit.person()?, id).await?;
            }
            // Few at a time: bytes wait in memory until they are kept.
            let _turn = app.uploads.acquire().await.map_err(|_| Problem::Broken)?;
            let bytes = in_time(&app, part.bytes()).await?.map_err(|e| too_large(&e))?;
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
    let arrived = match Arrived::open(bytes).await? {
        Ok(arrived) => arrived,
        // The decoder's words name tags and syntaxes, never values.
        Err(error) => {
            let reason = unreadable::words(visit.language, &error);
            return Ok(Row::Refused { reason, detail: Some(error.to_string()) });
        }
    };
    if let Some(patient) = patient {
        let differences = differences(app, visit.language, person, &patient, &arrived).await?;
        if !differences.is_empty() {
            let held = hold(app, visit, &app.pictures.hold(arrived.bytes).await?, wish);
            return Ok(Row::Differs { patient, differences, held });
        }
        return row_of(visit.language, &patient, file(app, person, &patient, arrived, wish, vec![]).await);
    }
    let candidates = candidates(app, visit, &arrived.claims).await?;
    if candidates.is_empty() && arrived.claims.family_name.is_none() {
        return Ok(Row::Refused { reason: visit.language.t("upload-choose-patient"), detail: None });
    }
    let held = hold(app, visit, &app.pictures.hold(arrived.bytes).await?, wish);
    Ok(whose(visit.language, candidates, &arrived.claims, held))
}

/// What came of filing. A record that went meanwhile concerns this file alone, and not those beside it.
fn row_of(language: Language, patient: &Patient, filed: Result<(Filed, String), Problem>) -> Result<Row, Problem> {
    match filed {
        Ok((filed, _)) => Ok(Row::Filed { study: filed.study, patient: patient.name() }),
        Err(problem @ Problem::Gone) => Ok(Row::Refused { reason: language.t(problem.key()), detail: None }),
        Err(other) => Err(other),
    }
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

/// A physician decided whose a picture is.
pub(crate) async fn decide(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Form(decision): Form<Decision>,
) -> Answer {
    let person = visit.person()?;
    let (sha256, wish) = held(&app, &visit, &decision.held).ok_or(Problem::Stale)?;
    // A second click must not make a second record: it waits, and then finds the file decided about.
    let _turn = app.decisions.lock().await;
    let row = if decision.patient.is_empty() {
        app.pictures.forget_held(&sha256).await?;
        Row::Discarded
    } else {
        match app.pictures.held(&sha256).await {
            Err(error) if error.is_missing() => decided(&app, person, &sha256, &decision.patient).await?,
            bytes => filed_as_decided(&app, &visit, decision, &sha256, bytes?, &wish).await?,
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

/// The answer to a decision that was sent twice. Otherwise it was decided in another window, or a day ago.
async fn decided(app: &App, person: &Person, sha256: &str, patient: &str) -> Result<Row, Problem> {
    let (study, found) = app.store.filed_lately(person, sha256).await?.ok_or(Problem::Stale)?;
    let same = patient == "new" || patient.parse() == Ok(found.id);
    if same { Ok(Row::Filed { study, patient: found.name() }) } else { Err(Problem::Stale) }
}

async fn filed_as_decided(
    app: &App,
    visit: &Visit,
    decision: Decision,
    sha256: &str,
    bytes: Bytes,
    wish: &Wish,
) -> Result<Row, Problem> {
    let person = visit.person()?;
    let arrived = Arrived::open(bytes).await?.map_err(|_| Problem::Broken)?;
    let patient = match decision.patient.as_str() {
        "again" => None,
        "new" => match app.store.add_patient(person, &form_of(&arrived.claims)).await {
            Ok(patient) => Some(patient),
            Err(FormError::Fields(_)) => None,
            Err(FormError::Store(error)) => return Err(error.into()),
        },
        id => Some(app.store.patient(person, id.parse().map_err(|_| Problem::Bad)?).await?),
    };
    let Some(patient) = patient else {
        let candidates = candidates(app, visit, &arrived.claims).await?;
        return Ok(whose(visit.language, candidates, &arrived.claims, decision.held));
    };
    let differs = differences(app, visit.language, person, &patient, &arrived).await?;
    let differs = differs.iter().map(|difference| difference.key).collect();
    let row = row_of(visit.language, &patient, file(app, person, &patient, arrived, wish, differs).await)?;
    if matches!(row, Row::Filed { .. }) {
        app.pictures.forget_held(sha256).await?;
    }
    Ok(row)
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
    let mut change = app.store.change().await?;
    for patient in &found {
        change.note(Entry::by(person.id, "patient.candidate").of(patient.id).patient(patient.id));
    }
    change.commit().await?;
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
