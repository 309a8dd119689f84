//! The models of one job side by side. Who is better is only said where they were judged on the same pictures and their
//! intervals lie apart.

use askama::Template;
use axum::extract::{Query, State};
use semio_model::Manifest;
use serde_json::Value;

use super::{
    html,
    images::blocking,
    models::{evaluation_in, part},
    result::job_name,
};
use crate::{
    store::entity::model::{Model as ModelRow, State as Standing},
    web::{Answer, App, Page, Problem, Visit},
    words::Language,
};

/// The figures that are compared; of each, more is better.
const FIGURES: [&str; 3] = ["balanced_accuracy", "roc_auc", "accuracy"];

#[derive(Template)]
#[template(path = "compare.html")]
struct Compare {
    page: Page,
    job: String,
    figures: Vec<String>,
    groups: Vec<Group>,
}

/// Models that were judged on the same pictures.
struct Group {
    /// How many, and of which part.
    judged: String,
    models: Vec<Judged>,
    /// What the figures say; empty where there is nothing to compare.
    verdicts: Vec<String>,
}

struct Judged {
    model: ModelRow,
    state_key: String,
    architecture: String,
    figures: Vec<Cell>,
}

/// The data's hash, the part, and how many pictures.
type JudgedOn = (String, String, u64);

/// A model's row with the figures in it, one of each of [`FIGURES`].
type Member = (Judged, Vec<Option<Figure>>);

/// A figure, in words and drawn.
struct Cell {
    text: String,
    interval: String,
    dots: String,
}

#[derive(Clone, Copy)]
struct Figure {
    value: f64,
    ends: Option<(f64, f64)>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Job {
    job: String,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Query(of): Query<Job>) -> Answer {
    let language = visit.language;
    let mut models = app.store.models().await?;
    models.retain(|model| model.job == of.job);
    if models.is_empty() {
        return Err(Problem::Missing);
    }
    let reading = app.models.clone();
    let read = move || {
        let with_files = |model: ModelRow| {
            let manifest = reading.manifest(&model).ok()?;
            let evaluation = evaluation_in(&reading.folder_of(&model));
            Some((model, manifest, evaluation))
        };
        models.into_iter().filter_map(with_files).collect::<Vec<_>>()
    };
    html(&Compare {
        page: Page::new(&app, &visit),
        job: job_name(language, &of.job),
        figures: FIGURES.iter().map(|name| figure_name(language, name)).collect(),
        groups: groups(language, blocking(read).await?),
    })
}

fn figure_name(language: Language, name: &str) -> String {
    language.t(&format!("figure-{}", name.replace('_', "-")))
}

fn figure(metrics: &Value, evaluation: &Value, name: &str) -> Option<Figure> {
    let value = metrics[name].as_f64()?;
    // An evaluation of other pictures says nothing about this figure.
    let same = evaluation[name].as_f64().is_some_and(|other| (other - value).abs() < 1e-6);
    let interval = &evaluation["intervals"][name];
    let ends = interval["low"].as_f64().zip(interval["high"].as_f64()).filter(|_| same);
    Some(Figure { value, ends })
}

/// Groups by what the models were judged on: data, part and number of pictures.
fn groups(language: Language, models: Vec<(ModelRow, Manifest, Value)>) -> Vec<Group> {
    let mut found: Vec<(JudgedOn, Vec<Member>)> = vec![];
    for (model, manifest, evaluation) in models {
        let metrics = &manifest.metrics;
        let judged_on = (
            manifest.data.sha256.clone(),
            metrics["part"].as_str().unwrap_or_default().to_owned(),
            metrics["n"].as_u64().unwrap_or_default(),
        );
        let figures: Vec<Option<Figure>> = FIGURES.iter().map(|name| figure(metrics, &evaluation, name)).collect();
        let judged = Judged {
            state_key: format!("state-{}", model.state.name()),
            architecture: manifest.architecture.clone(),
            figures: figures.iter().map(|figure| cell(language, *figure)).collect(),
            model,
        };
        match found.iter_mut().find(|(key, _)| *key == judged_on) {
            Some((_, group)) => group.push((judged, figures)),
            None => found.push((judged_on, vec![(judged, figures)])),
        }
    }
    // The group of the active model first.
    let is_idle = |group: &[Member]| !group.iter().any(|(j, _)| j.model.state == Standing::Active);
    found.sort_by_key(|(_, group)| is_idle(group));
    let group = |((_, judged_part, n), members): (JudgedOn, Vec<Member>)| {
        let part = part(language, &serde_json::json!({ "part": judged_part }));
        let judged = if n == 0 {
            language.t("compare-unjudged")
        } else {
            language.args("compare-judged", [("n", n.into()), ("part", part.into())])
        };
        let verdicts = if n == 0 || members.len() < 2 { vec![] } else { verdicts(language, &members) };
        Group { judged, verdicts, models: members.into_iter().map(|(judged, _)| judged).collect() }
    };
    found.into_iter().map(group).collect()
}

/// One sentence a figure: whose interval lies above all others', or that none does.
fn verdicts(language: Language, members: &[Member]) -> Vec<String> {
    let sentence = |(at, name): (usize, &&str)| {
        let ends: Option<Vec<(f64, f64)>> = members.iter().map(|(_, figures)| figures[at]?.ends).collect();
        let name = figure_name(language, name);
        let Some(ends) = ends else { return language.x("compare-no-intervals", name) };
        let above =
            |best: usize| ends.iter().enumerate().all(|(other, (_, high))| other == best || ends[best].0 > *high);
        match (0..ends.len()).find(|best| above(*best)) {
            Some(best) => {
                let model = members[best].0.model.name.clone();
                language.args("compare-better", [("figure", name.into()), ("model", model.into())])
            }
            None => language.x("compare-no-difference", name),
        }
    };
    FIGURES.iter().enumerate().map(sentence).collect()
}

fn cell(language: Language, figure: Option<Figure>) -> Cell {
    let Some(Figure { value, ends }) = figure else {
        return Cell { text: "–".into(), interval: String::new(), dots: String::new() };
    };
    let number = |value| language.number(value, 3);
    let interval = ends.map_or_else(String::new, |(low, high)| format!("{} – {}", number(low), number(high)));
    Cell { text: number(value), interval, dots: dots(value, ends) }
}

/// A dot with its interval, from 0 to 1.
fn dots(value: f64, ends: Option<(f64, f64)>) -> String {
    let x = |v: f64| 4.0 + v.clamp(0.0, 1.0) * 192.0;
    let line = ends.map_or_else(String::new, |(low, high)| {
        let (low, width) = (x(low), (x(high) - x(low)).max(1.0));
        format!("<rect class=\"interval\" x=\"{low:.1}\" y=\"4\" width=\"{width:.1}\" height=\"6\" rx=\"2\"/>")
    });
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 200 14\" aria-hidden=\"true\" preserveAspectRatio=\"none\">\
         <rect class=\"track\" x=\"4\" y=\"6\" width=\"192\" height=\"2\"/>{line}\
         <rect class=\"share\" x=\"{:.1}\" y=\"1\" width=\"2\" height=\"12\"/></svg>",
        x(value) - 1.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, ends: Option<(f64, f64)>) -> Member {
        let model = ModelRow {
            id: uuid::Uuid::nil(),
            bundle_sha256: String::new(),
            folder: String::new(),
            name: name.into(),
            job: "a".into(),
            state: Standing::Waiting,
            created_at: 0,
            activated_at: None,
            activated_by: None,
        };
        let figure = Some(Figure { value: 0.5, ends });
        let judged = Judged { model, state_key: String::new(), architecture: String::new(), figures: vec![] };
        (judged, vec![figure; FIGURES.len()])
    }

    #[test]
    fn better_is_said_where_intervals_lie_apart_alone() {
        let of = |members: &[Member]| verdicts(Language::English, members)[0].clone();
        let apart = of(&[judged("old", Some((0.70, 0.80))), judged("new", Some((0.81, 0.90)))]);
        assert!(apart.contains("new is better"), "{apart}");
        let together = of(&[judged("old", Some((0.70, 0.82))), judged("new", Some((0.81, 0.90)))]);
        assert!(together.contains("no difference shown"), "{together}");
        let unknown = of(&[judged("old", None), judged("new", Some((0.81, 0.90)))]);
        assert!(unknown.contains("no verdict"), "{unknown}");
    }

    #[test]
    fn an_interval_of_other_pictures_is_none() {
        let metrics = serde_json::json!({ "accuracy": 0.8 });
        let evaluation = |value: f64| serde_json::json!({ "accuracy": value, "intervals": { "accuracy": { "low": 0.7, "high": 0.9 } } });
        let ends = |value| figure(&metrics, &evaluation(value), "accuracy").and_then(|figure| figure.ends);
        assert_eq!((ends(0.8), ends(0.9)), (Some((0.7, 0.9)), None));
    }
}
