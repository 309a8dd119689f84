use std::path::PathBuf;

use clap::Args;
use semio_twin::{course::CourseScenario, picture, table};
use serde::Serialize;

use super::{Output, refused, scenario};
use crate::Outcome;

#[derive(Args)]
pub(crate) struct Course {
    /// Scenario: a TOML file with lesions, treatment and measured latencies [default: one attack of optic neuritis]
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
    /// How long the course is followed [default: 365]
    #[arg(long, value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<f64>,
    /// Draws of the uncertain parameters [default: 400]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    draws: Option<usize>,
    /// Decides the draws [default: 0]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl Course {
    pub(crate) fn run(&self) -> Outcome {
        let asked: CourseScenario = scenario(self.scenario.as_deref(), &self.flags)?;
        let report = asked.run().map_err(refused)?;
        self.output.give(
            &report,
            &report.words(),
            || table::course(&report),
            |language| picture::course(&report, language),
        )
    }
}
