use std::{fs, path::PathBuf};

use clap::Args;
use semio_twin::{
    neuron::{NeuronReport, NeuronScenario},
    picture, table,
};
use serde::Serialize;
use serde_json::json;

use super::{Output, refused, scenario};
use crate::{Outcome, fault::Fault};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Neuron {
    /// Scenario: a TOML file with the long flags' names as keys; flags win over it
    #[arg(value_name = "SCENARIO.toml")]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
    /// Recorded current: a file with one value a line
    #[arg(long, value_name = "FILE", help_heading = "Current")]
    recording: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// Times in ms; potentials in any unit, and current times resistance in the same.
#[derive(Args, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Flags {
    /// Time constants by name, one neuron each: healthy (20 ms), partial (50) or severe (100)
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    preset: Vec<String>,
    /// lif, eif, adex or hodgkin-huxley [default: lif]
    #[arg(long, value_name = "NAME", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Membrane time constant [default: 20]
    #[arg(long, value_name = "MS", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tau: Option<f64>,
    /// Membrane resistance [default: 1]
    #[arg(long, value_name = "R", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    resistance: Option<f64>,
    /// Resting potential [default: 0]
    #[arg(long, value_name = "V", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<f64>,
    /// Potential at which a spike is fired [default: 1]
    #[arg(long, value_name = "V", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// Potential after a spike [default: the resting potential]
    #[arg(long, value_name = "V", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<f64>,
    /// How long the reset is held [default: 0]
    #[arg(long, value_name = "MS", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    refractory: Option<f64>,
    /// eif, adex: sharpness of the spike's beginning [default: a tenth of threshold over rest]
    #[arg(long, value_name = "V", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sharpness: Option<f64>,
    /// adex: time constant of the adaptation [default: 144]
    #[arg(long, value_name = "MS", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    adaptation_tau: Option<f64>,
    /// adex: adaptation's current for each unit of potential [default: 0.1 / resistance]
    #[arg(long, value_name = "A", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    adaptation: Option<f64>,
    /// adex: adaptation's current added by each spike [default: a tenth of the rheobase]
    #[arg(long, value_name = "B", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    spike_adaptation: Option<f64>,
    /// hodgkin-huxley: temperature [default: 6.3]
    #[arg(long, value_name = "C", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    /// Time step of all models but lif, which has none [default: 0.01]
    #[arg(long, value_name = "MS", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    /// How long the neuron is watched [default: 500]
    #[arg(long, value_name = "MS", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<f64>,

    /// constant, step, ramp, noisy or recorded [default: constant]
    #[arg(long, value_name = "COURSE", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    waveform: Option<String>,
    /// Level; where a ramp begins [default: 1.5]
    #[arg(long, value_name = "I", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<f64>,
    /// Where a ramp ends [default: 3]
    #[arg(long, value_name = "I", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    current_end: Option<f64>,
    /// When a step begins [default: 50]
    #[arg(long, value_name = "MS", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<f64>,
    /// When a step ends [default: 350]
    #[arg(long, value_name = "MS", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<f64>,
    /// Standard deviation that noise gives the potential without a threshold [default: 0.2]
    #[arg(long, value_name = "V", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<f64>,
    /// How long a value of the noise is held [default: 0.1]
    #[arg(long, value_name = "MS", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    noise_step: Option<f64>,
    /// Decides the noise [default: 0]
    #[arg(long, value_name = "N", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// How long a recorded value is held [default: 0.1]
    #[arg(long, value_name = "MS", help_heading = "Current")]
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_step: Option<f64>,
    /// Distance of the points of the membrane's curve in CSV and figure [default: 0.5]
    #[arg(long, value_name = "MS", help_heading = "Result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<f64>,
}

impl Neuron {
    pub(crate) fn run(&self) -> Outcome {
        let mut asked: NeuronScenario = scenario(self.scenario.as_deref(), &self.flags)?;
        if let Some(path) = &self.recording {
            let text = fs::read_to_string(path).map_err(|e| Fault::file("read the recorded current", path, e))?;
            asked.recording =
                table::numbers(&text).map_err(|e| Fault::usage(e).at(path.display()).help("one number a line"))?;
        }
        let reports = asked.run().map_err(refused)?;
        let words: Vec<String> = reports.iter().map(NeuronReport::words).collect();
        let result = match &reports[..] {
            [one] => json!(one),
            several => json!({ "neurons": several }),
        };
        self.output.give(
            &result,
            &words.join("\n"),
            || table::membranes(&reports),
            |language| picture::membrane(&reports, language),
        )
    }
}
