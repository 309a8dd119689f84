//! Patients: list, record, forms.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::header,
    response::IntoResponse,
};
use uuid::Uuid;

use super::{again, chart, html, result, to};
use crate::{
    account::{Faults, FormError},
    audit::Entry,
    record::{Order, PER_PAGE, PatientForm, Scope, Search, Shown},
    store::entity::patient::{Model as Patient, Sex},
    web::{Answer, App, Page, Visit, form::Form, guard::encode},
    words::Language,
};

/// The key of a sex's word.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates give references")]
pub(crate) fn sex_key(sex: &Sex) -> &'static str {
    match sex {
        Sex::Female => "sex-female",
        Sex::Male => "sex-male",
        Sex::Other => "sex-other",
    }
}

/// The key of a scope's words.
pub(crate) fn scope_key(scope: &str) -> &'static str {
    match scope {
        "team" => "scope-team",
        "deleted" => "scope-deleted",
        _ => "scope-mine",
    }
}

#[derive(Template)]
#[template(path = "patients.html")]
struct List {
    page: Page,
    search: Search,
    deleted: bool,
    /// How long deleted records stay, in words.
    kept: String,
    /// Only who made a record erases it.
    me: Uuid,
    empty_key: &'static str,
    rows: Vec<Patient>,
    total: u64,
    columns: [Column; 4],
    position: String,
    before: Option<String>,
    after: Option<String>,
}

struct Column {
    key: &'static str,
    link: Option<String>,
    sorted: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "patient_form.html")]
struct PatientPage {
    page: Page,
    title: &'static str,
    action: String,
    back: String,
    form: PatientForm,
    faults: Faults,
    team: Option<String>,
}

#[derive(Template)]
#[template(path = "patient.html")]
struct Record {
    page: Page,
    patient: Patient,
    identifier: Option<String>,
    ins: Option<String>,
    duplicates: Vec<Patient>,
    studies: Vec<StudyLine>,
    chart: Option<String>,
}

/// A study in a list.
pub(super) struct StudyLine {
    pub(super) shown: Shown,
    pub(super) title: String,
    pub(super) results: Vec<result::Small>,
}

impl StudyLine {
    pub(super) fn new(language: Language, shown: Shown, reads_first: Option<Uuid>) -> Self {
        let results = shown
            .predictions
            .iter()
            .map(|p| {
                let reviewed = |by: Uuid| shown.reviews.iter().any(|r| r.prediction_id == p.id && r.person_id == by);
                let folded = reads_first.is_some_and(|person| !reviewed(person));
                let mut small = result::small(language, p, folded);
                let said = result::words(language, &shown.reviews, p.id, &|_| String::new());
                small.word = (!said.is_empty()).then(|| {
                    let last = shown.reviews.iter().find(|r| r.prediction_id == p.id);
                    language.t(&format!("verdict-{}", last.map_or("impression", |r| r.verdict.name())))
                });
                small
            })
            .collect();
        Self { title: result::title(language, &shown.study), results, shown }
    }
}

pub(crate) async fn list(State(app): State<App>, visit: Visit, Query(search): Query<Search>) -> Answer {
    let person = visit.person()?;
    let (rows, total) = app.store.patients(person, &search).await?;
    app.store.note(Entry::by(person.id, "patient.list").detail(rows.len().to_string())).await?;
    let link = |order: Order, down: bool, page: u64| {
        format!(
            "/patients?q={}&scope={}&order={}&down={down}&page={page}",
            encode(&search.q),
            search.scope.name(),
            order.name()
        )
    };
    let column = |key, order: Order| {
        let here = search.order == order;
        Column {
            key,
            link: Some(link(order, here && !search.down, 0)),
            sorted: here.then_some(if search.down { "descending" } else { "ascending" }),
        }
    };
    let deleted = search.scope == Scope::Deleted;
    let last = if deleted { "col-action" } else { "col-changed" };
    let columns = [
        column("col-name", Order::Name),
        Column { key: "field-sex", link: None, sorted: None },
        column("field-birth-date", Order::Birth),
        if deleted { Column { key: last, link: None, sorted: None } } else { column(last, Order::Changed) },
    ];
    let pages = total.div_ceil(PER_PAGE).max(1);
    let at = search.page;
    let empty_key = match search.scope {
        Scope::Mine => "patients-empty",
        Scope::Team => "patients-empty-team",
        Scope::Deleted => "patients-empty-deleted",
    };
    html(&List {
        page: Page::new(&app, &visit),
        deleted,
        kept: kept_words(visit.language, app.config.erase_deleted_after_days),
        me: person.id,
        empty_key,
        position: visit.language.args("pages-position", [("page", (at + 1).into()), ("pages", pages.into())]),
        before: at.checked_sub(1).map(|page| link(search.order, search.down, page)),
        after: (at + 1 < pages).then(|| link(search.order, search.down, at + 1)),
        search,
        rows,
        total,
        columns,
    })
}

/// How long deleted records stay.
pub(super) fn kept_words(language: Language, days: Option<u32>) -> String {
    match days {
        Some(days) => language.x("deleted-kept-days", u64::from(days)),
        None => language.t("deleted-kept"),
    }
}

pub(crate) async fn show_new(State(app): State<App>, visit: Visit, Query(form): Query<PatientForm>) -> Answer {
    html(&blank(&app, &visit, form, Faults::default()).await?)
}

async fn blank(
    app: &App,
    visit: &Visit,
    form: PatientForm,
    faults: Faults,
) -> Result<PatientPage, crate::web::Problem> {
    Ok(PatientPage {
        page: Page::new(app, visit),
        title: "patient-new",
        action: "/patients/new".into(),
        back: "/patients".into(),
        form,
        faults,
        team: app.store.team_name(visit.person()?.team_id).await?,
    })
}

pub(crate) async fn add(State(app): State<App>, visit: Visit, Form(form): Form<PatientForm>) -> Answer {
    match app.store.add_patient(visit.person()?, &form).await {
        Ok(patient) => Ok(to(&format!("/patients/{}", patient.id), "saved")),
        Err(FormError::Fields(faults)) => again(&blank(&app, &visit, form, faults).await?),
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let person = visit.person()?;
    let patient = app.store.patient(person, id).await?;
    let numbers = app.store.numbers(id).await?;
    let own = numbers.own.iter().chain(&numbers.earlier).map(String::as_str).collect::<Vec<_>>().join(", ");
    let identifier = Some(own).filter(|own| !own.is_empty());
    let ins = numbers.ins;
    let duplicates = app.store.likely_duplicates(person, &patient).await?;
    let studies = app.store.studies(&patient).await?;
    app.store.note(Entry::by(person.id, "patient.read").of(id).patient(id)).await?;
    let reads_first = person.reads_first.then_some(person.id);
    let chart = if person.reads_first { None } else { chart::history(visit.language, &studies) };
    let studies = studies.into_iter().map(|shown| StudyLine::new(visit.language, shown, reads_first)).collect();
    html(&Record { page: Page::new(&app, &visit), patient, identifier, ins, duplicates, studies, chart })
}

pub(crate) async fn show_edit(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let person = visit.person()?;
    let patient = app.store.patient(person, id).await?;
    let form = PatientForm::of(&patient, app.store.numbers(id).await?, person);
    app.store.note(Entry::by(person.id, "patient.read").of(id).patient(id)).await?;
    html(&edited(&app, &visit, id, form, Faults::default()).await?)
}

async fn edited(
    app: &App,
    visit: &Visit,
    id: Uuid,
    form: PatientForm,
    faults: Faults,
) -> Result<PatientPage, crate::web::Problem> {
    let (title, action, back) = ("patient-edit", format!("/patients/{id}/edit"), format!("/patients/{id}"));
    Ok(PatientPage { title, action, back, ..blank(app, visit, form, faults).await? })
}

pub(crate) async fn edit(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<PatientForm>,
) -> Answer {
    match app.store.edit_patient(visit.person()?, id, &form).await {
        Ok(_) => Ok(to(&format!("/patients/{id}"), "saved")),
        Err(FormError::Fields(faults)) => again(&edited(&app, &visit, id, form, faults).await?),
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn delete(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    app.store.delete_patient(visit.person()?, id, true).await?;
    Ok(to("/patients", "deleted"))
}

pub(crate) async fn restore(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    app.store.delete_patient(visit.person()?, id, false).await?;
    Ok(to(&format!("/patients/{id}"), "restored"))
}

pub(crate) async fn erase(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    // Nobody files a picture between the look at who names it and its end.
    let turn = app.pictures.erasing().await;
    for file in app.store.erase_patient(visit.person()?, id).await? {
        app.pictures.remove(&file, &turn).await?;
    }
    Ok(to("/patients?scope=deleted", "erased"))
}

#[derive(serde::Deserialize)]
pub(crate) struct Merge {
    into: Uuid,
}

pub(crate) async fn merge(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<Merge>,
) -> Answer {
    app.store.merge_patients(visit.person()?, id, form.into).await?;
    Ok(to(&format!("/patients/{}", form.into), "merged"))
}

/// The whole record as JSON; pictures are named by their hash.
pub(crate) async fn export(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let person = visit.person()?;
    let patient = app.store.patient(person, id).await?;
    let studies = app.store.every_study(&patient).await?;
    let courses = app.store.courses(&patient).await?;
    let record = crate::record::export(&patient, &app.store.numbers(id).await?, &studies, &courses);
    app.store.note(Entry::by(person.id, "patient.export").of(id).patient(id)).await?;
    let name = format!("attachment; filename=\"patient-{id}.json\"");
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, record).into_response())
}
