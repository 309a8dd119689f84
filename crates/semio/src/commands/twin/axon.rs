use std::path::PathBuf;

use clap::Args;
use semio_twin::{axon::AxonScenario, picture, table};
use serde::Serialize;

use super::{Output, refused, scenario};
use crate::Outcome;

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Axon {
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
    /// Outer diameter of the healthy fibre [default: 10]
    #[arg(long, value_name = "UM", help_heading = "Fibre")]
    #[serde(skip_serializing_if = "Option::is_none")]
    diameter: Option<f64>,
    /// Nodes of Ranvier; the stimulus is at node 0 [default: 41]
    #[arg(long, value_name = "N", help_heading = "Fibre")]
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<usize>,
    /// How parts follow from the diameter: proportional or measured [default: proportional]
    #[arg(long, value_name = "RULE", help_heading = "Fibre")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sizes: Option<String>,
    /// Temperature [default: 37]
    #[arg(long, value_name = "C", help_heading = "Fibre")]
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    /// Share of the healthy lamellae that is left [default: 1]
    #[arg(long, value_name = "SHARE", help_heading = "Lesion")]
    #[serde(skip_serializing_if = "Option::is_none")]
    myelin: Option<f64>,
    /// Internodes that are ill, from 0 [default: all]
    #[arg(long, value_name = "A-B", help_heading = "Lesion")]
    #[serde(skip_serializing_if = "Option::is_none")]
    lesion: Option<String>,
    /// Share of the paranodes' seal that is left [default: 1]
    #[arg(long, value_name = "SHARE", help_heading = "Lesion")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<f64>,
    /// Sodium channels that spread into the internode, as a share of the node's density [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Lesion")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sodium: Option<f64>,
    /// Current of a pulse in nA [default: what excites any fibre of this diameter]
    #[arg(long, value_name = "NA", help_heading = "Stimulus")]
    #[serde(skip_serializing_if = "Option::is_none")]
    stimulus: Option<f64>,
    /// Width of a pulse [default: 0.1]
    #[arg(long, value_name = "MS", help_heading = "Stimulus")]
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<f64>,
    /// Number of pulses [default: 1]
    #[arg(long, value_name = "N", help_heading = "Stimulus")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pulses: Option<usize>,
    /// Pulses a second, where there are several [default: 100]
    #[arg(long, value_name = "HZ", help_heading = "Stimulus")]
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency: Option<f64>,
    /// How long the fibre is watched at most [default: 100]
    #[arg(long, value_name = "MS", help_heading = "Computation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<f64>,
    /// Time step [default: 0.0025]
    #[arg(long, value_name = "MS", help_heading = "Computation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    /// Compartments for each of an internode's ten stretches [default: 1]
    #[arg(long, value_name = "N", help_heading = "Computation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    refine: Option<usize>,
    /// Also seeks safety factor, highest frequency followed and blocking temperature
    #[arg(long, help_heading = "Result")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    full: bool,
    /// Fibres of a bundle about this one; the figure shows their compound action potential [default: 0]
    #[arg(long, value_name = "N", help_heading = "Result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<usize>,
    /// Standard deviation of the bundle's diameters, as a share of the mean [default: 0.2]
    #[arg(long, value_name = "SHARE", help_heading = "Result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle_spread: Option<f64>,
    /// Velocity against myelin, temperature or diameter; the figure shows it
    #[arg(long, value_name = "WHAT", help_heading = "Result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<String>,
}

impl Axon {
    pub(crate) fn run(&self) -> Outcome {
        let asked: AxonScenario = scenario(self.scenario.as_deref(), &self.flags)?;
        let report = asked.run().map_err(refused)?;
        self.output.give(
            &report,
            &report.words(),
            || table::axon(&report),
            |language| match (&report.sweep, &report.bundle) {
                (Some(sweep), _) => picture::velocity(&report, sweep, false, language),
                (_, Some(bundle)) => picture::compound(&report, bundle, language),
                _ => picture::impulse(&report, language),
            },
        )
    }
}
