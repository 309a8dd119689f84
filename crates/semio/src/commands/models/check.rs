use std::{path::Path, process::ExitCode, time::Instant};

use burn::tensor::Device;
use semio_nn::reference::Reference;

use crate::{Outcome, fault::Fault};

/// Compares every network of a file of reference outputs; one line a network, exit code 1 if one differs.
pub(crate) fn run(file: &Path, plain: bool) -> Outcome {
    let text = std::fs::read_to_string(file).map_err(|e| Fault::file("read the reference", file, e))?;
    let reference: Reference = serde_json::from_str(&text).map_err(|e| {
        Fault::usage(format_args!("this is no file of reference outputs: {e}"))
            .at(file.display())
            .help("it needs `classes` and `models`; each model `input`, `state_dict` and `logits`")
    })?;
    let device = Device::flex();
    let mut differ = 0;
    for name in reference.models.keys() {
        let started = Instant::now();
        match reference.check(name, plain, &device) {
            Ok(agreement) => {
                let logits = agreement.logits;
                let said = match &reference.models[name].sgd {
                    None => format!("logits within {logits:.1e}"),
                    Some(_) => format!(
                        "logits within {logits:.1e}, losses {:.1e}, gradients {:.1e}",
                        agreement.losses, agreement.gradients
                    ),
                };
                println!("{name:<22} ok      {said}  ({:.1} s)", started.elapsed().as_secs_f64());
            }
            Err(difference) => {
                differ += 1;
                println!("{name:<22} DIFFERS {difference}");
            }
        }
    }
    let all = reference.models.len();
    println!("\n{} of {all} networks agree with the reference", all - differ);
    Ok(if differ == 0 && all > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
