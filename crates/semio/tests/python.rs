//! A bundle is readable from Python with safetensors and torchvision alone.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::{path::Path, process::Command};

use common::{out, run, synthetic, text};
use serde_json::Value;

#[test]
fn torchvision_reads_a_bundle_and_gives_the_same_probabilities() {
    let python = std::env::var("SEMIO_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_torch = Command::new(&python).args(["-c", "import torch, torchvision, safetensors, PIL"]).output();
    if !has_torch.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: {python} has no torch; name one that has in SEMIO_PYTHON");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "40");
    let place = folder.path().join("run");
    let args = ["train", "--data", &labels, "--model", "mobilenet_v2", "--image-size", "48", "--epochs", "1"];
    run(&[&args[..], &["--normalize", "imagenet", "-o", text(&place)]].concat(), 0);
    let bundle = place.join("bundle");
    let list = std::fs::read_to_string(&labels).unwrap();
    let picture = Path::new(&labels).with_file_name(list.lines().nth(1).unwrap().split(',').next().unwrap());
    let ours: Value =
        serde_json::from_str(&out(&run(&["predict", text(&bundle), text(&picture), "--json"], 0))).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/read_bundle.py");
    let output = Command::new(&python).arg(script).arg(&bundle).arg(&picture).output().unwrap();
    assert!(output.status.success(), "{}", common::err(&output));
    let theirs: Value = serde_json::from_str(&out(&output)).unwrap();
    for (class, p) in theirs.as_object().unwrap() {
        let (ours, theirs) = (ours[format!("p_{class}")].as_f64().unwrap(), p.as_f64().unwrap());
        assert!((ours - theirs).abs() < 5e-3, "{class}: {ours} here, {theirs} in Python");
    }
}
