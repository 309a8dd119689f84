use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    process::ExitCode,
};

use semio_nn::{Blueprint, registry};

use crate::{Outcome, progress::count};

/// The networks with their size, cost and source.
pub(crate) fn list(json: bool) -> Outcome {
    let mut text = String::new();
    if !json {
        let _ = writeln!(text, "{:<20} {:>12} {:>15} {:>6}  source", "name", "parameters", "multiply-adds", "size");
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
            let _ = writeln!(text, "{line}");
        } else {
            let _ = writeln!(
                text,
                "{:<20} {:>12} {:>15} {:>6}  {}",
                architecture.name,
                count(parameters),
                count(cost as usize),
                side,
                architecture.source
            );
        }
    }
    if !json {
        let _ = writeln!(text, "\nat the size given (pixels a side), with two classes");
    }
    // A reader that has seen enough (`| head`) ends the list, and that is no trouble.
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
