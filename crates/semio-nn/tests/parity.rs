//! The networks that torchvision has too give torchvision's numbers.
//!
//! The reference lies outside the repository (`../shared/parity`, made by PyTorch in float64); without it these tests
//! pass and say that they were skipped.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

use std::{path::PathBuf, sync::Mutex};

use burn::tensor::Device;
use semio_nn::reference::Reference;

/// Checks every network of a file, two at a time; gives their number.
fn check(file: &str) -> Option<usize> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/parity").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let reference: Reference = serde_json::from_str(&text).unwrap();
    let queue = Mutex::new(reference.models.keys());
    let work = || {
        loop {
            let next = queue.lock().unwrap().next();
            let Some(name) = next else { return };
            let outcome = reference.check(name, false, &Device::flex());
            assert!(outcome.is_ok(), "{name}: {}", outcome.unwrap_err());
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    Some(reference.models.len())
}

#[test]
fn names_shapes_and_logits_are_torchvisions() {
    assert!(check("models.json").is_none_or(|n| n == 68));
}

#[test]
fn training_steps_are_pytorchs() {
    assert!(check("training.json").is_none_or(|n| n == 11));
}

#[test]
fn class_activation_maps_are_pytorchs() {
    assert!(check("gradcam.json").is_none_or(|n| n == 8));
}

#[test]
fn a_wrong_number_is_found() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/parity/models.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let mut reference: Reference = serde_json::from_str(&text).unwrap();
    let device = Device::flex();
    reference.models.get_mut("resnet18").unwrap().logits[1][2] += 1e-3;
    let said = reference.check("resnet18", false, &device).unwrap_err().to_string();
    assert!(said.starts_with("logit 9: "), "{said}");
    reference.models.get_mut("squeezenet1_1").unwrap().state_dict[3].1 = vec![64];
    let said = reference.check("squeezenet1_1", false, &device).unwrap_err().to_string();
    assert!(said.starts_with("tensor 3 is ") && said.ends_with("expected features.3.squeeze.bias [64]"), "{said}");
    reference.prefix = "another/".into();
    assert!(reference.check("resnet34", false, &device).is_err(), "other values, other logits");
}
