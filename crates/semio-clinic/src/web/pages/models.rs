//! Models: what they are for, what they are worth, who activated them.

use std::fs;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::IntoResponse,
};
use semio_model::Manifest;
use uuid::Uuid;

use super::{
    html,
    images::blocking,
    result::{class_name, job_name},
};
use crate::{
    store::entity::model::Model as ModelRow,
    web::{Answer, App, Page, Problem, Visit},
    words::Language,
};

#[derive(Template)]
#[template(path = "models.html")]
struct List {
    page: Page,
    rows: Vec<Row>,
    unreadable: Vec<(String, String)>,
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
    classes: String,
    calibration: String,
    figures: Vec<(String, String, String)>,
    figures_of: String,
    has_report: bool,
    description: Option<String>,
}

pub(crate) async fn list(State(app): State<App>, visit: Visit) -> Answer {
    html(&page_of(&app, &visit, vec![]).await?)
}

async fn page_of(
    app: &App,
    visit: &Visit,
    unreadable: Vec<(String, String)>,
) -> Result<impl Template + use<>, Problem> {
    let mut rows = vec![];
    for model in app.store.models().await? {
        let (models, opening) = (app.models.clone(), model.clone());
        let opened = blocking(move || models.open(&opening)).await?;
        let figures = opened.map_or_else(
            |_| visit.language.t("model-unreadable"),
            |predictor| headline(visit.language, &predictor.manifest().metrics),
        );
        let job = job_name(visit.language, &model.job);
        rows.push(Row { job, state_key: format!("state-{}", model.state.name()), model, figures });
    }
    Ok(List { page: Page::new(app, visit), rows, unreadable })
}

/// The list after a search of the folder.
pub(super) async fn after_look(app: &App, visit: &Visit, unreadable: Vec<(String, String)>) -> Answer {
    html(&page_of(app, visit, unreadable).await?)
}

/// Accuracy and AUC with the part and number that they stand on.
fn headline(language: Language, metrics: &serde_json::Value) -> String {
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

fn part(language: Language, metrics: &serde_json::Value) -> String {
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
    let evaluation: serde_json::Value = fs::read(folder.join("evaluation.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    html(&Card {
        page: Page::new(&app, &visit),
        job: job_name(language, &model.job),
        state_key: format!("state-{}", model.state.name()),
        classes: classes.join(", "),
        calibration,
        activated,
        figures: figures(language, &metrics, &evaluation),
        figures_of: headline(language, &metrics),
        has_report: report_of(&folder).is_some(),
        description: fs::read_to_string(folder.join("card.md")).ok(),
        manifest,
        model,
    })
}

/// Figures with their intervals, where the evaluation gives them.
fn figures(
    language: Language,
    metrics: &serde_json::Value,
    evaluation: &serde_json::Value,
) -> Vec<(String, String, String)> {
    ["accuracy", "balanced_accuracy", "roc_auc", "log_loss"]
        .into_iter()
        .filter_map(|name| {
            let value = metrics[name].as_f64()?;
            let intervals = evaluation["intervals"]["figures"].as_array();
            let found = intervals.into_iter().flatten().find(|f| f["name"] == name || f["metric"] == name);
            let ends = found.and_then(|f| Some((f["low"].as_f64()?, f["high"].as_f64()?)));
            let interval = ends.map_or_else(
                || "–".to_owned(),
                |(low, high)| format!("{} – {}", language.number(low, 3), language.number(high, 3)),
            );
            Some((language.t(&format!("figure-{}", name.replace('_', "-"))), language.number(value, 3), interval))
        })
        .collect()
}

/// The report lies beside the bundle in a run's folder, or in it.
fn report_of(folder: &std::path::Path) -> Option<std::path::PathBuf> {
    let beside = folder.parent().map(|run| run.join("report.html"));
    [Some(folder.join("report.html")), beside].into_iter().flatten().find(|path| path.is_file())
}

/// The evaluation's report. It holds its own styles, which its own policy allows; scripts stay forbidden.
pub(crate) async fn report(State(app): State<App>, Path(id): Path<Uuid>) -> Answer {
    let model = app.store.model(id).await?;
    let path = report_of(&app.models.folder_of(&model)).ok_or(Problem::Missing)?;
    let page = tokio::fs::read(path).await.map_err(|_| Problem::Broken)?;
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}
