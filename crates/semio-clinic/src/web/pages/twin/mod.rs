//! The twin of demyelinated nerves, with sliders. The server computes; each answer takes some tens of milliseconds.

mod axon;
mod dial;
mod network;
mod neuron;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use semio_twin::picture;

use super::{html, images::blocking};
use crate::{
    web::{Answer, App, Page, Problem, Visit},
    words::Language,
};
use dial::{Asked, Slider, said};

#[derive(Template)]
#[template(path = "twin.html")]
struct Twin {
    page: Page,
    parts: Parts,
}

/// The page's sections; a slider's move asks for its own alone.
struct Parts {
    neuron: Option<Section>,
    axon: Option<Section>,
    network: Option<(Section, network::Choices)>,
}

/// A section where its sliders stand.
struct Section {
    sliders: Vec<Slider>,
    /// The figures' address, after the question mark.
    query: String,
    /// What the figure shows, in words.
    words: String,
}

impl Section {
    /// What a slider's move changes beside the section's first figure: `#shown-myelin,#velocity`.
    fn changes(&self, more: &str) -> String {
        let shown: Vec<String> = self.sliders.iter().map(|slider| format!("#shown-{}", slider.dial.name)).collect();
        format!("{}{more}", shown.join(","))
    }
}

impl Parts {
    fn of(asked: &Asked, language: Language) -> Result<Self, Problem> {
        let part = said(asked, "part");
        let wanted = |name: &str| !["neuron", "axon", "network"].iter().any(|n| part == Some(*n)) || part == Some(name);
        Ok(Self {
            neuron: wanted("neuron").then(|| neuron::section(asked, language)).transpose()?,
            axon: wanted("axon").then(|| axon::section(asked, language)).transpose()?,
            network: wanted("network").then(|| network::section(asked, language)).transpose()?,
        })
    }
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let language = visit.language;
    let parts = blocking(move || Parts::of(&asked, language)).await??;
    html(&Twin { page: Page::new(&app, &visit), parts })
}

/// The address of a figure: its sliders, and the language that its words are in.
fn address(sliders: &str, language: Language) -> String {
    format!("{sliders}&lang={}", language.code())
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

/// A figure, drawn where it holds no other visitor up.
async fn drawn(visit: &Visit, asked: Asked, draw: fn(&Asked, Language) -> Result<String, Problem>) -> Answer {
    let language = visit.language;
    Ok(svg(blocking(move || draw(&asked, language)).await??))
}

pub(crate) async fn neuron(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    drawn(&visit, asked, neuron::figure).await
}

pub(crate) async fn axon(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    drawn(&visit, asked, axon::figure).await
}

pub(crate) async fn velocity(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    drawn(&visit, asked, axon::velocity).await
}

pub(crate) async fn network(visit: Visit, Query(asked): Query<Asked>) -> Answer {
    drawn(&visit, asked, network::figure).await
}
