//! The twin of demyelinated nerves, with sliders. The server computes; a figure takes some tens of milliseconds.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use semio_twin::{
    axon::{AxonReport, AxonScenario},
    neuron::{NeuronReport, NeuronScenario},
    picture,
};

use super::{html, images::blocking};
use crate::{
    web::{Answer, App, Page, Problem, Visit},
    words::Language,
};

#[derive(Template)]
#[template(path = "twin.html")]
struct Twin {
    page: Page,
    neuron_sliders: Vec<Slider>,
    neuron_query: String,
    neuron_words: String,
    axon_sliders: Vec<Slider>,
    axon_query: String,
    axon_words: String,
}

struct Slider {
    key: &'static str,
    name: &'static str,
    low: f64,
    high: f64,
    step: f64,
    value: f64,
    shown: String,
}

/// Where the sliders stand.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Sliders {
    current: f64,
    window: f64,
    myelin: f64,
    temperature: f64,
    diameter: f64,
}

impl Default for Sliders {
    fn default() -> Self {
        Self { current: 1.5, window: 300.0, myelin: 0.2, temperature: 37.0, diameter: 10.0 }
    }
}

impl Sliders {
    /// Within the sliders' ends, whatever an address says.
    fn bounded(self) -> Self {
        let within = |value: f64, low: f64, high: f64| if value.is_finite() { value.clamp(low, high) } else { low };
        Self {
            current: within(self.current, 0.5, 3.0),
            window: within(self.window, 100.0, 1000.0),
            myelin: within(self.myelin, 0.02, 1.0),
            temperature: within(self.temperature, 30.0, 42.0),
            diameter: within(self.diameter, 2.0, 16.0),
        }
    }

    fn neurons(self) -> Result<Vec<NeuronReport>, Problem> {
        let preset = ["healthy", "partial", "severe"].map(String::from).to_vec();
        let scenario = NeuronScenario { preset, current: self.current, window: self.window, ..Default::default() };
        scenario.run().map_err(|_| Problem::Bad)
    }

    fn axon(self) -> Result<AxonReport, Problem> {
        let scenario = AxonScenario {
            myelin: self.myelin,
            lesion: Some("15-24".into()),
            temperature: self.temperature,
            diameter: self.diameter,
            window: 20.0,
            step: 0.005,
            ..Default::default()
        };
        scenario.run().map_err(|_| Problem::Bad)
    }
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Query(sliders): Query<Sliders>) -> Answer {
    let language = visit.language;
    let s = sliders.bounded();
    let (neurons, axon) = blocking(move || (s.neurons(), s.axon())).await?;
    let number = |value: f64, decimals| language.number(value, decimals);
    let slider = |key, name, [low, high, step]: [f64; 3], value: f64, shown: String| Slider {
        key,
        name,
        low,
        high,
        step,
        value,
        shown,
    };
    html(&Twin {
        page: Page::new(&app, &visit),
        neuron_sliders: vec![
            slider("twin-current", "current", [0.5, 3.0, 0.05], s.current, number(s.current, 2)),
            slider("twin-window", "window", [100.0, 1000.0, 50.0], s.window, format!("{} ms", number(s.window, 0))),
        ],
        neuron_query: format!("current={}&window={}", s.current, s.window),
        neuron_words: neuron_words(language, s, &neurons?),
        axon_sliders: vec![
            slider("twin-myelin", "myelin", [0.02, 1.0, 0.02], s.myelin, language.percent(s.myelin)),
            slider(
                "twin-temperature",
                "temperature",
                [30.0, 42.0, 0.5],
                s.temperature,
                format!("{} °C", number(s.temperature, 1)),
            ),
            slider("twin-diameter", "diameter", [2.0, 16.0, 0.5], s.diameter, format!("{} µm", number(s.diameter, 1))),
        ],
        axon_query: format!("myelin={}&temperature={}&diameter={}", s.myelin, s.temperature, s.diameter),
        axon_words: axon_words(language, s, &axon?),
    })
}

/// What the neurons did, and under which conditions.
fn neuron_words(language: Language, s: Sliders, reports: &[NeuronReport]) -> String {
    let each: Vec<String> = reports
        .iter()
        .map(|report| {
            let name = report.preset.as_deref().map_or_else(String::new, |p| language.t(&format!("twin-preset-{p}")));
            language.args("twin-spikes", [("name", name.into()), ("count", (report.spikes as u64).into())])
        })
        .collect();
    language.args(
        "twin-neuron-words",
        [
            ("current", language.number(s.current, 2).into()),
            ("window", language.number(s.window, 0).into()),
            ("spikes", each.join(", ").into()),
        ],
    )
}

fn axon_words(language: Language, s: Sliders, report: &AxonReport) -> String {
    let share = language.percent(s.myelin);
    match report.velocity_m_per_s {
        Some(velocity) => language
            .args("twin-axon-words", [("myelin", share.into()), ("velocity", language.number(velocity, 1).into())]),
        None => language.args("twin-axon-blocked", [("myelin", share.into())]),
    }
}

fn svg(picture: String) -> Response {
    // The same sliders give the same figure.
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "private, max-age=3600")];
    (headers, picture).into_response()
}

pub(super) fn figure_language(language: Language) -> picture::Language {
    match language {
        Language::English => picture::Language::En,
        Language::French => picture::Language::Fr,
    }
}

pub(crate) async fn neuron(visit: Visit, Query(sliders): Query<Sliders>) -> Answer {
    let reports = blocking(move || sliders.bounded().neurons()).await??;
    Ok(svg(picture::membrane(&reports, figure_language(visit.language))))
}

pub(crate) async fn axon(visit: Visit, Query(sliders): Query<Sliders>) -> Answer {
    let report = blocking(move || sliders.bounded().axon()).await??;
    Ok(svg(picture::impulse(&report, figure_language(visit.language))))
}
