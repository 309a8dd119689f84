//! A study: its pictures, its results, what physicians say about them.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use uuid::Uuid;

use super::{again, html, patients::StudyLine, result, result::Full, to};
use crate::{
    audit::Entry,
    record::Shown,
    store::entity::{
        image::Model as Image,
        model::Model as ModelRow,
        patient::Model as Patient,
        person::Model as Person,
        prediction::{Model as Prediction, State as Standing},
        review::Verdict,
    },
    web::{Answer, App, Page, Problem, Visit, form::Form},
    words::Language,
};

#[derive(Template)]
#[template(path = "study.html")]
struct StudyPage {
    page: Page,
    title: String,
    patient: Patient,
    shown: Shown,
    image: Option<Image>,
    images: Vec<Image>,
    prior_image: Option<Uuid>,
    viewer_words: String,
    view: Option<String>,
    panel: Panel,
    jobs: Vec<(String, String)>,
    others: Vec<StudyLine>,
    move_fault: Option<&'static str>,
    move_to: String,
}

/// Where a result stands beside its picture.
#[derive(Default)]
struct Panel {
    id: Option<Uuid>,
    waiting: bool,
    failed: Option<String>,
    /// Not shown until the physician has noted an own impression.
    folded: bool,
    result: Option<Full>,
    classes: Vec<(String, String)>,
    words: Vec<result::Word>,
    impression: Option<String>,
    /// What is wrong with a word that came back, and what was typed.
    fault: Option<&'static str>,
    comment: String,
}

#[derive(Template)]
#[template(path = "panel.html")]
struct PanelPart {
    page: Page,
    panel: Panel,
}

#[derive(Template)]
#[template(path = "print.html")]
struct Print {
    page: Page,
    title: String,
    patient: Patient,
    shown: Shown,
    sheets: Vec<Sheet>,
    now: i64,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Report<'a> {
    page: Page,
    title: String,
    patient: &'a Patient,
    shown: &'a Shown,
    sheets: Vec<Sheet>,
    now: i64,
}

struct Sheet {
    image: Uuid,
    results: Vec<Full>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Chosen {
    image: Option<Uuid>,
    prediction: Option<Uuid>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct ReviewForm {
    verdict: String,
    label: String,
    comment: String,
}

#[derive(serde::Deserialize)]
pub(crate) struct Move {
    to: String,
}

/// A form of the page that came back, with the key of what is wrong and what was typed.
#[derive(Default)]
struct Back {
    /// At the word on a result.
    review: Option<&'static str>,
    comment: String,
    /// At the move to another patient.
    relocate: Option<&'static str>,
    to: String,
}

pub(crate) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Query(chosen): Query<Chosen>,
) -> Answer {
    html(&page_of(&app, &visit, id, chosen, Back::default()).await?)
}

async fn page_of(app: &App, visit: &Visit, id: Uuid, chosen: Chosen, back: Back) -> Result<StudyPage, Problem> {
    let (person, language) = (visit.person()?, visit.language);
    let shown = app.store.study(person, id).await?;
    let patient = shown.patient.clone();
    let of_prediction = |id: Uuid| shown.predictions.iter().find(|p| p.id == id).map(|p| p.image_id);
    let wanted = chosen.image.or_else(|| chosen.prediction.and_then(of_prediction));
    let image = shown.images.iter().find(|i| Some(i.id) == wanted).or(shown.images.first()).cloned();
    let prediction = chosen
        .prediction
        .and_then(|id| shown.predictions.iter().find(|p| p.id == id))
        .or_else(|| image.as_ref().and_then(|image| shown.predictions.iter().find(|p| p.image_id == image.id)));
    let names = names(app, &shown).await?;
    let models = models_of(app, &shown).await?;
    let mut panel = prediction.map(|p| panel_of(language, person, &shown, p, &models, &names)).unwrap_or_default();
    (panel.fault, panel.comment) = (back.review, back.comment);
    let mut others = app.store.studies(&patient).await?;
    others.retain(|other| other.study.id != id);
    // The prior study that can best be compared: the latest earlier one of the same modality.
    let prior_image = others
        .iter()
        .filter(|o| (o.study.taken_on, o.study.created_at) < (shown.study.taken_on, shown.study.created_at))
        .max_by_key(|o| (o.study.modality == shown.study.modality, o.study.taken_on, o.study.created_at))
        .and_then(|o| o.images.first())
        .map(|i| i.id);
    let reads_first = person.reads_first.then_some(person.id);
    let others = others.into_iter().map(|other| StudyLine::new(language, other, reads_first)).collect();
    let jobs = jobs(app, language).await?;
    app.store.note(Entry::by(person.id, "study.read").of(id).patient(patient.id)).await?;
    Ok(StudyPage {
        title: result::title(language, &shown.study),
        page: Page::new(app, visit),
        move_fault: back.relocate,
        move_to: back.to,
        view: image.as_ref().and_then(|i| i.view.clone()),
        images: shown.images.clone(),
        viewer_words: viewer_words(language),
        patient,
        shown,
        image,
        prior_image,
        panel,
        jobs,
        others,
    })
}

/// The jobs that a model reads for, with their names.
pub(super) async fn jobs(app: &App, language: Language) -> Result<Vec<(String, String)>, Problem> {
    let models = app.store.active_models().await?;
    Ok(models.into_iter().map(|m| (m.job.clone(), result::job_name(language, &m.job))).collect())
}

async fn names(app: &App, shown: &Shown) -> Result<HashMap<Uuid, String>, Problem> {
    let mut names = HashMap::new();
    for review in &shown.reviews {
        if let std::collections::hash_map::Entry::Vacant(entry) = names.entry(review.person_id) {
            entry.insert(app.store.person(review.person_id).await?.name());
        }
    }
    Ok(names)
}

async fn models_of(app: &App, shown: &Shown) -> Result<Vec<ModelRow>, Problem> {
    let mut models = app.store.models().await?;
    models.retain(|m| shown.predictions.iter().any(|p| p.model_id == m.id));
    Ok(models)
}

fn panel_of(
    language: Language,
    person: &Person,
    shown: &Shown,
    prediction: &Prediction,
    models: &[ModelRow],
    names: &HashMap<Uuid, String>,
) -> Panel {
    let reviewed = shown.reviews.iter().any(|r| r.prediction_id == prediction.id && r.person_id == person.id);
    let done = prediction.state == Standing::Done;
    let folded = done && person.reads_first && !reviewed;
    let name = |id: Uuid| names.get(&id).cloned().unwrap_or_default();
    let finding: Option<crate::finding::Finding> =
        prediction.finding.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let classes =
        finding.iter().flat_map(|f| &f.probabilities).map(|(c, _)| (c.clone(), result::class_name(language, c)));
    let model = models.iter().find(|m| m.id == prediction.model_id);
    Panel {
        id: Some(prediction.id),
        waiting: matches!(prediction.state, Standing::Queued | Standing::Running),
        failed: (prediction.state == Standing::Failed)
            .then(|| prediction.failure.clone().unwrap_or_else(|| "failure-reader".into())),
        folded,
        classes: classes.collect(),
        result: if done && !folded { result::full(language, prediction, model, vec![]) } else { None },
        words: if folded { vec![] } else { result::words(language, &shown.reviews, prediction.id, &name) },
        impression: result::impression(language, &shown.reviews, prediction.id, person.id),
        fault: None,
        comment: String::new(),
    }
}

/// A result alone: what the page asks for until it is there.
pub(crate) async fn panel(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let person = visit.person()?;
    let (prediction, _) = app.store.prediction(person, id).await?;
    let (_, study, _) = app.store.image(person, prediction.image_id).await?;
    let shown = app.store.study(person, study.id).await?;
    let (names, models) = (names(&app, &shown).await?, models_of(&app, &shown).await?);
    let panel = panel_of(visit.language, person, &shown, &prediction, &models, &names);
    // A page asks again and again until there is something to see.
    if !panel.waiting {
        app.store.note(Entry::by(person.id, "prediction.read").of(id).patient(shown.patient.id)).await?;
    }
    html(&PanelPart { page: Page::new(&app, &visit), panel })
}

pub(crate) async fn review(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<ReviewForm>,
) -> Answer {
    let person = visit.person()?;
    let (prediction, _) = app.store.prediction(person, id).await?;
    let (_, study, _) = app.store.image(person, prediction.image_id).await?;
    let verdict = match form.verdict.as_str() {
        "approved" if prediction.outcome.as_deref() == Some("answered") => Verdict::Approved,
        "contested" => Verdict::Contested,
        "impression" => Verdict::Impression,
        _ => return Err(Problem::Bad),
    };
    // Labels train later models: nothing but the model's classes, or "none of them".
    let known = |label: &str| {
        let finding =
            prediction.finding.as_deref().and_then(|f| serde_json::from_str::<crate::finding::Finding>(f).ok());
        label == "-" || finding.is_some_and(|f| f.probabilities.iter().any(|(class, _)| class == label))
    };
    let label = Some(form.label).filter(|label| !label.is_empty());
    if label.as_deref().is_some_and(|label| !known(label)) {
        return Err(Problem::Bad);
    }
    // Nobody learns from a "no" alone.
    let fault = match verdict {
        Verdict::Contested if label.is_none() && form.comment.trim().is_empty() => Some("review-nothing"),
        Verdict::Impression if label.is_none() => Some("impression-missing"),
        _ => None,
    };
    if fault.is_some() {
        let chosen = Chosen { image: None, prediction: Some(id) };
        let back = Back { review: fault, comment: form.comment, ..Back::default() };
        return again(&page_of(&app, &visit, study.id, chosen, back).await?);
    }
    app.store.review(person, id, verdict, label, &form.comment).await?;
    Ok(to(&format!("/studies/{}?prediction={id}", study.id), verdict.name()))
}

/// The pictures of a study, each with the results that this person may see.
async fn sheets(app: &App, person: &Person, language: Language, shown: &Shown) -> Result<Vec<Sheet>, Problem> {
    let (names, models) = (names(app, shown).await?, models_of(app, shown).await?);
    let name = |id: Uuid| names.get(&id).cloned().unwrap_or_default();
    let visible = |p: &&Prediction| {
        let reviewed = shown.reviews.iter().any(|r| r.prediction_id == p.id && r.person_id == person.id);
        p.state == Standing::Done && (!person.reads_first || reviewed)
    };
    let sheet = |image: &Image| {
        let of_image = shown.predictions.iter().filter(|p| p.image_id == image.id).filter(visible);
        let results = of_image.filter_map(|p| {
            let words = result::words(language, &shown.reviews, p.id, &name);
            result::full(language, p, models.iter().find(|m| m.id == p.model_id), words)
        });
        Sheet { image: image.id, results: results.collect() }
    };
    Ok(shown.images.iter().map(sheet).collect())
}

pub(crate) async fn print(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let (person, language) = (visit.person()?, visit.language);
    let shown = app.store.study(person, id).await?;
    let sheets = sheets(&app, person, language, &shown).await?;
    app.store.note(Entry::by(person.id, "study.print").of(id).patient(shown.patient.id)).await?;
    html(&Print {
        page: Page::new(&app, &visit),
        title: result::title(language, &shown.study),
        patient: shown.patient.clone(),
        shown,
        sheets,
        now: crate::clock::now(),
    })
}

/// The report of a study as a file of its own, beside the files of its pictures (`../previews/ID.png`).
pub(super) async fn report(app: &App, visit: &Visit, shown: &Shown) -> Result<String, Problem> {
    let (person, language) = (visit.person()?, visit.language);
    let report = Report {
        page: Page::new(app, visit),
        title: result::title(language, &shown.study),
        patient: &shown.patient,
        sheets: sheets(app, person, language, shown).await?,
        shown,
        now: crate::clock::now(),
    };
    Ok(report.render()?)
}

/// Moves a study to another patient, named by the address of the record or its identity.
pub(crate) async fn relocate(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<Move>,
) -> Answer {
    let person = visit.person()?;
    let last = form.to.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let patient = last.split(['?', '#']).next().unwrap_or_default().parse::<Uuid>();
    // A study that is not the person's is not there, whatever was typed.
    let here = app.store.study(person, id).await?.patient.id;
    let fault = match patient {
        Err(_) => Some("study-move-wrong"),
        Ok(patient) if patient == here => Some("study-move-same"),
        Ok(patient) => app
            .store
            .patient(person, patient)
            .await
            .err()
            .map(|error| match error {
                crate::store::StoreError::Missing => Ok("study-move-wrong"),
                other => Err(Problem::from(other)),
            })
            .transpose()?,
    };
    if fault.is_some() {
        let back = Back { relocate: fault, to: form.to, ..Back::default() };
        return again(&page_of(&app, &visit, id, Chosen::default(), back).await?);
    }
    if let Ok(patient) = patient {
        app.store.move_study(person, id, patient).await?;
    }
    Ok(to(&format!("/studies/{id}"), "moved"))
}

/// The viewer's texts, so that scripts hold no language.
fn viewer_words(language: Language) -> String {
    const KEYS: [&str; 40] = [
        "tools",
        "picture",
        "presets",
        "window",
        "zoom",
        "pan",
        "frames",
        "frame",
        "fit",
        "larger",
        "smaller",
        "invert",
        "reset",
        "overlay",
        "opacity",
        "prior",
        "marks",
        "bindings",
        "left",
        "right",
        "middle",
        "close",
        "wheel",
        "doubleClick",
        "spaceDrag",
        "arrows",
        "shiftArrows",
        "lossy",
        "failed",
        "mapNote",
        "full",
        "auto",
        "lung",
        "mediastinum",
        "abdomen",
        "liver",
        "brain",
        "bone",
        "help",
        "label",
    ];
    let words: serde_json::Map<String, serde_json::Value> =
        KEYS.iter().map(|key| ((*key).to_owned(), language.t(&format!("viewer-{key}")).into())).collect();
    serde_json::Value::Object(words).to_string()
}
