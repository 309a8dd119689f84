//! `semio models`: one file a subcommand.

mod bench;
mod bundle;
mod check;
mod list;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use semio_nn::Architecture;

use crate::{Outcome, weights::WeightFlags};

#[derive(Subcommand)]
pub(crate) enum Models {
    /// List the networks with their size, cost and source.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Fetch torchvision's published ImageNet weights, for a machine that will be offline.
    Fetch {
        /// The networks
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        weights: WeightFlags,
    },
    /// Make a bundle of weights that somebody else trained, to predict with.
    Bundle(bundle::MakeBundle),
    /// Compare networks with a file of reference outputs, as ../shared/parity/models.json is one.
    Check {
        /// The file: formula-filled networks with their names, shapes and logits
        file: PathBuf,
        /// Uses burn's own operations instead of Semio's kernels
        #[arg(long)]
        plain: bool,
    },
    /// Time a network on this machine, with random weights on random pictures.
    Bench(bench::Bench),
}

impl Models {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::List { json } => list::list(json),
            Self::Fetch { names, weights } => {
                for name in &names {
                    Architecture::find(name)?;
                    println!("{}", weights.published(name, false)?.display());
                }
                Ok(ExitCode::SUCCESS)
            }
            Self::Bundle(bundle) => bundle.run(),
            Self::Check { file, plain } => check::run(&file, plain),
            Self::Bench(bench) => bench.run(),
        }
    }
}
