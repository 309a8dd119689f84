//! The networks as a user sees them.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use common::{err, out, run};
use serde_json::Value;

#[test]
fn every_network_is_listed_with_what_a_choice_needs() {
    let listed = out(&run(&["models", "list", "--json"], 0));
    let rows: Vec<Value> = listed.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(rows.len() >= 87);
    for row in &rows {
        assert!(row["parameters"].as_u64().unwrap() > 300, "{row}");
        assert!(row["multiply_adds"].as_u64().unwrap() > 300, "{row}");
        assert!(!row["source"].as_str().unwrap().is_empty(), "{row}");
    }
    let names: Vec<&str> = rows.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"resnet50") && names.contains(&"vit_b_16") && names.contains(&"r1-cnn"));
}

#[test]
fn a_network_is_timed_on_kernels_and_on_plain_operations() {
    for mode in ["inference", "train"] {
        for plain in [false, true] {
            let mut args = vec!["models", "bench", "lenet5", "--batch", "2", "--size", "32", "--mode", mode];
            args.extend(["--runs", "3", "--threads", "1", "--json"]);
            if plain {
                args.push("--plain");
            }
            let row: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
            let [least, median, most] = ["min_ms", "median_ms", "max_ms"].map(|k| row[k].as_f64().unwrap());
            assert!(0.0 < least && least <= median && median <= most, "{row}");
            assert!((row["images_per_s"].as_f64().unwrap() - 2000.0 / median).abs() < 1e-6, "{row}");
            assert_eq!(row["kernels"], !plain, "{row}");
            assert_eq!((&row["threads"], &row["mode"]), (&1.into(), &mode.into()), "{row}");
            assert!(row["multiply_adds"].as_u64().unwrap() > 0, "{row}");
        }
    }
    let words = out(&run(&["models", "bench", "lenet5", "--batch", "1", "--size", "32", "--runs", "1"], 0));
    assert!(words.contains("pictures a second") && words.contains("multiply-adds"), "{words}");
}

#[test]
fn what_cannot_be_timed_is_explained() {
    let unknown = err(&run(&["models", "bench", "lenet6"], 1));
    assert!(unknown.contains("no network is called `lenet6`") && unknown.contains("lenet5"), "{unknown}");
    let none = err(&run(&["models", "bench", "lenet5", "--batch", "0"], 2));
    assert!(none.contains("--batch = 0: must be at least 1"), "{none}");
    let large = err(&run(&["models", "bench", "lenet5", "--batch", "1000000000", "--size", "32"], 1));
    assert!(large.contains("batch 1000000000 needs about") && large.contains("smaller --batch"), "{large}");
}

#[test]
fn a_reference_is_checked_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reference.json");
    // Names and shapes agree, logits are not judged; the second network has another number of parameters.
    let text = r#"{"classes": 3, "prefix": "x/", "models": {
        "lenet5": {"input": [2, 1, 32, 32], "parameters": 61111, "state_dict": [], "logits": []},
        "r0-cnn": {"input": [2, 3, 32, 32], "parameters": 5}, "no-such": {"input": [1, 3, 32, 32]}}}"#;
    std::fs::write(&file, text).unwrap();
    let said = out(&run(&["models", "check", file.to_str().unwrap()], 1));
    assert!(said.contains("1 of 3 networks agree with the reference"), "{said}");
    assert!(said.contains("trainable values, expected 5") && said.contains("no network is called `no-such`"), "{said}");
    std::fs::write(&file, "{}").unwrap();
    let said = err(&run(&["models", "check", file.to_str().unwrap()], 2));
    assert!(said.contains("no file of reference outputs") && said.contains("`classes`"), "{said}");
}

/// The real ImageNet weights, and two photographs (`fixtures/photographs.py`).
#[test]
fn published_weights_become_a_bundle_that_predicts() {
    let weights = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/weights/mobilenet_v2/mobilenet_v2.safetensors");
    if !weights.exists() {
        eprintln!("skipped: {} is not there", weights.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    let (weights, place) = (weights.to_str().unwrap(), bundle.to_str().unwrap());
    let make = ["models", "bundle", "mobilenet_v2", "--weights", weights, "--classes", "imagenet", "-o", place];
    run(&make, 0);
    let photograph = |name: &str| format!("{}/tests/fixtures/{name}.jpg", env!("CARGO_MANIFEST_DIR"));
    // PyTorch's first three for the same photographs are these (`../shared/weights/mobilenet_v2/README.md`).
    for (name, first, likely) in [
        ("chelsea", "Egyptian cat", ["Egyptian cat", "tiger cat", "tabby"]),
        ("coffee", "espresso", ["espresso", "consomme", "cup"]),
    ] {
        let said = out(&run(&["predict", place, &photograph(name), "--json"], 0));
        let row: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        let classes = row.as_object().unwrap().keys().filter(|key| key.starts_with("p_")).count();
        assert_eq!((classes, row["class"].as_str().unwrap()), (1000, first));
        let together: f64 = likely.iter().map(|class| row[format!("p_{class}")].as_f64().unwrap()).sum();
        assert!(together > 0.95, "{name}: {together}");
    }

    let classes = folder.path().join("classes.txt");
    std::fs::write(&classes, "one\ntwo\n").unwrap();
    let mut wrong = make;
    wrong[6] = classes.to_str().unwrap();
    let said = err(&run(&wrong, 2));
    assert!(said.contains("the weights are not for 2 classes") && said.contains("classifier.1.weight"), "{said}");
}
