//! Models: what they are for, what they are worth, who activated them.

use std::{
    fs,
    path::{Path as FilePath, PathBuf},
};

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::IntoResponse,
};
use semio_model::Manifest;
use uuid::Uuid;

use super::{
    again, html,
    images::blocking,
    result::{class_name, job_name},
};
use crate::{
    store::entity::model::Model as ModelRow,
    web::{Answer, App, Page, Problem, Visit, guard::encode},
    words::Language,
};

#[derive(Template)]
#[template(path = "models.html")]
struct List {
    page: Page,
    rows: Vec<Row>,
    /// Jobs with more than one model: their name in addresses, and for readers.
    compared: Vec<(String, String)>,
    jobs: Vec<String>,
    unreadable: Vec<(String, String)>,
    sent: Sent,
}

/// What an administrator typed beside an archive, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) job: String,
    pub(super) name: String,
    pub(super) faults: Vec<(&'static str, String)>,
}

impl Sent {
    fn of(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }
}

struct Row {
    model: ModelRow,
    job: String,
    state_key: String,
    figures: String,
}

#[derive(Template)]
#[template(path = "model.html")]
struct Card {
    page: Page,
    model: ModelRow,
    job: String,
    state_key: String,
    activated: Option<String>,
    manifest: Option<Manifest>,
    manifest_ok: bool,
    classes: String,
    calibration: String,
    figures: Vec<(String, String, String)>,
    figures_of: String,
    has_report: bool,
    has_data: bool,
    description: Option<String>,
}

pub(crate) async fn list(State(app): State<App>, visit: Visit) -> Answer {
    html(&page_of(&app, &visit, vec![], Sent::default()).await?)
}

async fn page_of(
    app: &App,
    visit: &Visit,
    unreadable: Vec<(String, String)>,
    sent: Sent,
) -> Result<impl Template + use<>, Problem> {
    let language = visit.language;
    let models = app.store.models().await?;
    let (reading, known) = (app.models.clone(), models.clone());
    let manifests = blocking(move || known.iter().map(|model| reading.manifest(model)).collect::<Vec<_>>()).await?;
    let mut jobs: Vec<String> = models.iter().map(|model| model.job.clone()).collect();
    jobs.dedup();
    let several = |job: &&String| models.iter().filter(|model| model.job == **job).count() > 1;
    let compared = jobs.iter().filter(several).map(|job| (encode(job), job_name(language, job))).collect();
    let row = |(model, manifest): (ModelRow, Result<Manifest, _>)| Row {
        job: job_name(language, &model.job),
        state_key: format!("state-{}", model.state.name()),
        figures: manifest.map_or_else(|_| language.t("model-unreadable"), |m| headline(language, &m.metrics)),
        model,
    };
    let rows = models.into_iter().zip(manifests).map(row).collect();
    Ok(List { page: Page::new(app, visit), rows, compared, jobs, unreadable, sent })
}

/// The list after a search of the folder.
pub(super) async fn after_look(app: &App, visit: &Visit, unreadable: Vec<(String, String)>) -> Answer {
    html(&page_of(app, visit, unreadable, Sent::default()).await?)
}

/// The list with a form that came back.
pub(super) async fn after_sending(app: &App, visit: &Visit, sent: Sent) -> Answer {
    again(&page_of(app, visit, vec![], sent).await?)
}

/// Accuracy and AUC with the part and number that they stand on.
pub(super) fn headline(language: Language, metrics: &serde_json::Value) -> String {
    let Some(n) = metrics["n"].as_u64() else { return language.t("model-no-figures") };
    let figure = |name: &str| metrics[name].as_f64().map_or_else(|| "–".to_owned(), |v| language.number(v, 3));
    language.args(
        "model-headline",
        [
            ("accuracy", figure("accuracy").into()),
            ("auc", figure("roc_auc").into()),
            ("n", n.into()),
            ("part", part(language, metrics).into()),
        ],
    )
}

pub(super) fn part(language: Language, metrics: &serde_json::Value) -> String {
    let part = metrics["part"].as_str().unwrap_or_default();
    let known = language.t(&format!("part-{part}"));
    if known.starts_with("part-") { part.to_owned() } else { known }
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let language = visit.language;
    let model = app.store.model(id).await?;
    let (models, opening) = (app.models.clone(), model.clone());
    let predictor = blocking(move || models.open(&opening)).await?.ok();
    let manifest = predictor.as_ref().map(|p| p.manifest().clone());
    let folder = app.models.folder_of(&model);
    let classes = manifest.iter().flat_map(|m| &m.classes).map(|c| class_name(language, c)).collect::<Vec<_>>();
    let calibration = match manifest.as_ref().and_then(|m| m.calibration.as_ref()) {
        Some(calibration) => language.args(
            "model-calibrated",
            [
                ("n", (calibration.evidence.labels.len() as u64).into()),
                ("coverage", language.percent(calibration.conformal.coverage).into()),
            ],
        ),
        None => language.t("model-uncalibrated"),
    };
    let activated = match (model.activated_at, model.activated_by) {
        (Some(at), Some(by)) => {
            let who = app.store.person(by).await?.name();
            Some(language.args("model-activated-by", [("who", who.into()), ("when", language.time(at).into())]))
        }
        (Some(at), None) => Some(language.args("model-activated", [("when", language.time(at).into())])),
        _ => None,
    };
    let metrics = manifest.as_ref().map(|m| m.metrics.clone()).unwrap_or_default();
    let evaluation = evaluation_in(&folder);
    html(&Card {
        page: Page::new(&app, &visit),
        job: job_name(language, &model.job),
        state_key: format!("state-{}", model.state.name()),
        classes: classes.join(", "),
        calibration,
        activated,
        figures: figures(language, &metrics, &evaluation),
        figures_of: headline(language, &metrics),
        has_report: beside(&folder, REPORT).is_some(),
        has_data: beside(&folder, DATA).is_some(),
        description: fs::read_to_string(folder.join("card.md")).ok(),
        manifest_ok: manifest.is_some(),
        manifest,
        model,
    })
}

/// Figures with their intervals, where the evaluation gives them.
pub(super) fn figures(
    language: Language,
    metrics: &serde_json::Value,
    evaluation: &serde_json::Value,
) -> Vec<(String, String, String)> {
    ["accuracy", "balanced_accuracy", "roc_auc", "log_loss"]
        .into_iter()
        .filter_map(|name| {
            let value = metrics[name].as_f64()?;
            let ends = {
                let interval = &evaluation["intervals"][name];
                interval["low"].as_f64().zip(interval["high"].as_f64())
            };
            let interval = ends.map_or_else(
                || "–".to_owned(),
                |(low, high)| format!("{} – {}", language.number(low, 3), language.number(high, 3)),
            );
            Some((language.t(&format!("figure-{}", name.replace('_', "-"))), language.number(value, 3), interval))
        })
        .collect()
}

/// The evaluation in a bundle's folder; null where there is none.
pub(super) fn evaluation_in(folder: &FilePath) -> serde_json::Value {
    let json = fs::read(folder.join("evaluation.json")).ok();
    json.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// The pages of `semio evaluate` and `semio data explore`.
const REPORT: &str = "report.html";
const DATA: &str = "exploration.html";

/// A page in the bundle, or beside it in its run's folder.
fn beside(folder: &FilePath, name: &str) -> Option<PathBuf> {
    let beside = folder.parent().map(|run| run.join(name));
    [Some(folder.join(name)), beside].into_iter().flatten().find(|path| path.is_file())
}

/// A page that came with a model. It holds its own styles, which its own policy allows; scripts, forms and addresses
/// elsewhere stay forbidden, and it has an origin of its own.
async fn brought(app: &App, id: Uuid, name: &str) -> Answer {
    let model = app.store.model(id).await?;
    let path = beside(&app.models.folder_of(&model), name).ok_or(Problem::Missing)?;
    let page = tokio::fs::read(path).await.map_err(|_| Problem::Broken)?;
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                  frame-ancestors 'none'; sandbox";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}

/// How well the model did.
pub(crate) async fn report(State(app): State<App>, Path(id): Path<Uuid>) -> Answer {
    brought(&app, id, REPORT).await
}

/// What it learned from.
pub(crate) async fn data(State(app): State<App>, Path(id): Path<Uuid>) -> Answer {
    brought(&app, id, DATA).await
}
