//! The networks as a user sees them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{err, out, run};
use serde_json::Value;

#[test]
fn every_network_is_listed_with_what_a_choice_needs() {
    let listed = out(&run(&["models", "list", "--json"], 0));
    let rows: Vec<Value> = listed.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(rows.len() >= 86);
    for row in &rows {
        assert!(row["parameters"].as_u64().unwrap() > 1000, "{row}");
        assert!(row["multiply_adds"].as_u64().unwrap() > 100_000, "{row}");
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
