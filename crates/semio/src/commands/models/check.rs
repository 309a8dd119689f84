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
                let expected = &reference.models[name];
                let mut said = vec![];
                if !expected.logits.is_empty() {
                    said.push(format!("logits within {:.1e}", agreement.logits));
                }
                if expected.sgd.is_some() {
                    said.push(format!("losses {:.1e}, gradients {:.1e}", agreement.losses, agreement.gradients));
                }
                if !expected.maps.is_empty() {
                    said.push(format!("class activation maps within {:.1e}", agreement.maps));
                }
                let seconds = started.elapsed().as_secs_f64();
                println!("{name:<22} ok      {}  ({seconds:.1} s)", said.join(", "));
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
