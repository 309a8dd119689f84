use std::path::PathBuf;

use clap::Args;
use semio_twin::{network::NetworkScenario, picture, table};
use serde::Serialize;

use super::{Output, refused, scenario};
use crate::Outcome;

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Network {
    /// Scenario: a TOML file with the long flags' names as keys; flags win over it
    #[arg(value_name = "SCENARIO.toml")]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    output: Output,
}

#[derive(Args, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Flags {
    /// random or chain [default: random]
    #[arg(long, value_name = "NAME", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    topology: Option<String>,
    /// Number of neurons [default: 1000]
    #[arg(long, value_name = "N", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    neurons: Option<usize>,
    /// random: probability of a connection [default: 0.1]
    #[arg(long, value_name = "P", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    connectivity: Option<f64>,
    /// random: share of the neurons that excite [default: 0.8]
    #[arg(long, value_name = "SHARE", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    excitatory: Option<f64>,
    /// random: how many times stronger an inhibiting spike is [default: 5]
    #[arg(long, value_name = "FACTOR", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    inhibition: Option<f64>,
    /// What a spike does [default: 1.2 thresholds in a chain, a fiftieth in a random network]
    #[arg(long, value_name = "W", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
    /// delta, exponential or alpha [default: delta]
    #[arg(long, value_name = "NAME", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    synapse: Option<String>,
    /// The synapse's time constant [default: 5]
    #[arg(long, value_name = "MS", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    synapse_tau: Option<f64>,
    /// Travel over a healthy axon [default: 1.5]
    #[arg(long, value_name = "MS", help_heading = "Wiring")]
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<f64>,
    /// Share of the axons that are demyelinated [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Demyelinated axons")]
    #[serde(skip_serializing_if = "Option::is_none")]
    demyelinated: Option<f64>,
    /// Delay that such an axon adds [default: 3]
    #[arg(long, value_name = "MS", help_heading = "Demyelinated axons")]
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_delay: Option<f64>,
    /// Its standard deviation from spike to spike [default: 1]
    #[arg(long, value_name = "MS", help_heading = "Demyelinated axons")]
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<f64>,
    /// Probability that such an axon loses a spike [default: 0.2]
    #[arg(long, value_name = "P", help_heading = "Demyelinated axons")]
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<f64>,
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
    /// How long the reset is held [default: 2]
    #[arg(long, value_name = "MS", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    refractory: Option<f64>,
    /// Current into each neuron, or into a chain's first [default: 1.5]
    #[arg(long, value_name = "I", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<f64>,
    /// Standard deviation that noise gives the free potential [default: 0.2, in a chain 0]
    #[arg(long, value_name = "V", help_heading = "Neuron")]
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<f64>,
    /// How long the network is watched [default: 500]
    #[arg(long, value_name = "MS", help_heading = "Computation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<f64>,
    /// Time step [default: 0.1]
    #[arg(long, value_name = "MS", help_heading = "Computation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    /// Decides wiring, noise and damage [default: 0]
    #[arg(long, value_name = "N", help_heading = "Computation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl Network {
    pub(crate) fn run(&self) -> Outcome {
        let asked: NetworkScenario = scenario(self.scenario.as_deref(), &self.flags)?;
        let report = asked.run().map_err(refused)?;
        self.output.give(
            &report,
            &report.words(),
            || table::raster(&report),
            |language| picture::raster(&report, language),
        )
    }
}
