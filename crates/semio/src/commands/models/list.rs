use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    process::ExitCode,
};

use semio_nn::{Blueprint, registry};
use semio_train::{BenchOptions, Mode, bench_memory};

use crate::{Outcome, progress::count};

/// Pictures a step for which the memory of training is told: what `semio train` takes where nothing is said.
const BATCH: usize = 16;

/// The networks with their size, cost, memory and source.
pub(crate) fn list(json: bool) -> Outcome {
    let mut text = String::new();
    if !json {
        let heads = ["name", "parameters", "multiply-adds", "MiB", "size"];
        let _ = writeln!(
            text,
            "{:<20} {:>12} {:>15} {:>7} {:>6}  source",
            heads[0], heads[1], heads[2], heads[3], heads[4]
        );
    }
    for architecture in registry() {
        let (channels, side) = (architecture.channels, architecture.size);
        let graph = architecture.build(&Blueprint { channels, height: side, width: side, outputs: 2 })?;
        let (parameters, cost) = (graph.parameter_count(), graph.multiply_adds());
        let training = BenchOptions { mode: Mode::Train, batch: BATCH, runs: 1, plain: false };
        let memory = bench_memory(&graph, &training);
        if json {
            let line = serde_json::json!({
                "name": architecture.name, "parameters": parameters, "multiply_adds": cost,
                "training_memory_bytes": memory, "training_batch": BATCH,
                "image_size": side, "channels": channels, "classes": 2, "source": architecture.source,
            });
            let _ = writeln!(text, "{line}");
        } else {
            let _ = writeln!(
                text,
                "{:<20} {:>12} {:>15} {:>7} {:>6}  {}",
                architecture.name,
                count(parameters),
                count(cost as usize),
                count((memory >> 20) as usize),
                side,
                architecture.source
            );
        }
    }
    if !json {
        let _ = writeln!(
            text,
            "\nat the size given (pixels a side), with two classes; MiB is about what training takes with {BATCH} pictures a step"
        );
    }
    // A reader that has seen enough (`| head`) ends the list, and that is no trouble.
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
