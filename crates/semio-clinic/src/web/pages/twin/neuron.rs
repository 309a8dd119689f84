//! Three neurons under one steady current.

use semio_twin::{
    neuron::{NeuronReport, NeuronScenario},
    picture,
};

use super::{
    Section, address,
    dial::{Asked, Dial, query, read, sliders},
    figure_language,
};
use crate::{web::Problem, words::Language};

static DIALS: [Dial; 2] = [
    Dial { label: "twin-current", name: "current", low: 0.5, high: 3.0, step: 0.05, usual: 1.5, decimals: 2, unit: "" },
    Dial {
        label: "twin-window",
        name: "window",
        low: 100.0,
        high: 1000.0,
        step: 50.0,
        usual: 300.0,
        decimals: 0,
        unit: "ms",
    },
];

fn run([current, window]: [f64; 2]) -> Result<Vec<NeuronReport>, Problem> {
    let preset = ["healthy", "partial", "severe"].map(String::from).to_vec();
    NeuronScenario { preset, current, window, ..Default::default() }.run().map_err(|_| Problem::Broken)
}

pub(super) fn section(asked: &Asked, language: Language) -> Result<Section, Problem> {
    let values = read(&DIALS, asked, language)?;
    Ok(Section {
        sliders: sliders(&DIALS, &values, language),
        query: address(&query(&DIALS, &values), language),
        words: words(language, values, &run(values)?),
    })
}

pub(super) fn figure(asked: &Asked, language: Language) -> Result<String, Problem> {
    Ok(picture::membrane(&run(read(&DIALS, asked, language)?)?, figure_language(language)))
}

/// What the neurons did, and under which conditions.
fn words(language: Language, [current, window]: [f64; 2], reports: &[NeuronReport]) -> String {
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
            ("current", language.number(current, 2).into()),
            ("window", language.number(window, 0).into()),
            ("spikes", each.join(", ").into()),
        ],
    )
}
