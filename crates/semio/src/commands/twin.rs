mod axon;
mod course;
mod network;
mod neuron;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use semio_twin::{TwinError, picture::Language};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Outcome, fault::Fault, flags::read_table};

/// Models of nerves. Illustrative: they say nothing about a patient.
#[derive(Subcommand)]
pub(crate) enum Twin {
    /// A leaky integrate-and-fire neuron under a current: membrane potential and spikes.
    Neuron(Box<neuron::Neuron>),
    /// A myelinated axon: velocity, latency and block, with myelin lost where you say.
    Axon(Box<axon::Axon>),
    /// Neurons in a chain or a random network, and what demyelinated axons do between them.
    Network(Box<network::Network>),
    /// The course of a disease: latency and amplitude over time, with uncertainty.
    Course(course::Course),
}

impl Twin {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Neuron(command) => command.run(),
            Self::Axon(command) => command.run(),
            Self::Network(command) => command.run(),
            Self::Course(command) => command.run(),
        }
    }
}

/// Where results go.
#[derive(Args)]
struct Output {
    /// Prints the result as JSON
    #[arg(long, help_heading = "Result")]
    json: bool,
    /// Table to write
    #[arg(long, value_name = "FILE.csv", help_heading = "Result")]
    csv: Option<PathBuf>,
    /// Figure to write
    #[arg(long, value_name = "FILE.svg", help_heading = "Result")]
    svg: Option<PathBuf>,
    /// Language of the figure: en or fr
    #[arg(long, value_name = "LANG", default_value = "en", help_heading = "Result")]
    lang: String,
}

impl Output {
    /// Writes what was asked for; `words` is what a person reads.
    fn give(
        &self,
        result: &impl Serialize,
        words: &str,
        table: impl FnOnce() -> String,
        figure: impl FnOnce(Language) -> String,
    ) -> Outcome {
        if let Some(path) = &self.csv {
            write(path, &table())?;
        }
        if let Some(path) = &self.svg {
            write(path, &figure(self.language()?))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(result)?);
        } else {
            println!("{words}");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn language(&self) -> Result<Language, Fault> {
        self.lang.parse().map_err(refused)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    fs::write(path, text).map_err(|e| Fault::file("write the result", path, e))
}

/// Parameters that are refused are wrong use.
fn refused(error: TwinError) -> Fault {
    Fault::usage(error)
}

/// Puts the flags over the keys of a scenario's file, and the result over the defaults.
fn scenario<T: DeserializeOwned>(file: Option<&Path>, flags: &impl Serialize) -> Result<T, Fault> {
    let mut keys = file.map(read_table).transpose()?.unwrap_or_default();
    keys.extend(toml::Table::try_from(flags)?);
    let read: Result<T, toml::de::Error> = keys.try_into();
    read.map_err(|e| {
        let fault = Fault::usage(e.to_string().trim_end());
        match file {
            Some(path) => fault.at(path.display()),
            None => fault,
        }
    })
}
