use std::process::ExitCode;

use clap::Subcommand;
use semio_nn::{Blueprint, registry};

use crate::{Outcome, progress::count};

#[derive(Subcommand)]
pub(crate) enum Models {
    /// List the networks with their size, cost and source.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

impl Models {
    pub(crate) fn run(self) -> Outcome {
        let Self::List { json } = self;
        if !json {
            println!("{:<14} {:>12} {:>15} {:>6}  source", "name", "parameters", "multiply-adds", "size");
        }
        for architecture in registry() {
            let (channels, side) = (architecture.channels, architecture.size);
            let graph = architecture.build(&Blueprint { channels, height: side, width: side, outputs: 2 })?;
            let (parameters, cost) = (graph.parameter_count(), graph.multiply_adds());
            if json {
                let line = serde_json::json!({
                    "name": architecture.name, "parameters": parameters, "multiply_adds": cost,
                    "image_size": side, "channels": channels, "classes": 2, "source": architecture.source,
                });
                println!("{line}");
            } else {
                println!(
                    "{:<14} {:>12} {:>15} {:>6}  {}",
                    architecture.name,
                    count(parameters),
                    count(cost as usize),
                    side,
                    architecture.source
                );
            }
        }
        if !json {
            println!("\nat the size given (pixels a side), with two classes");
        }
        Ok(ExitCode::SUCCESS)
    }
}
