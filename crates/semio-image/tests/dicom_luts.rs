//! Modality and VOI transforms beside pydicom's; `fixtures/dicom_luts.py` made the numbers.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_image::{Lut, Modality, View, WindowFunction};
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/dicom_luts.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn windows_are_those_of_pydicom() {
    let fixture = fixture();
    let stored = numbers(&fixture["stored"]);
    let windows = fixture["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 21);
    for window in windows {
        let function = match window["function"].as_str().unwrap() {
            "LINEAR" => WindowFunction::Linear,
            "LINEAR_EXACT" => WindowFunction::LinearExact,
            _ => WindowFunction::Sigmoid,
        };
        let view =
            View::window(window["center"].as_f64().unwrap(), window["width"].as_f64().unwrap(), function).unwrap();
        for (value, level) in stored.iter().zip(numbers(&window["levels"])) {
            // pydicom computes in double precision but stores the sigmoid's result in single one.
            assert!((view.level(*value) - level).abs() < 1e-6, "{window}: {value} → {}", view.level(*value));
        }
    }
}

#[test]
fn tables_are_those_of_pydicom() {
    let fixture = fixture();
    let stored = numbers(&fixture["stored"]);
    for table in fixture["tables"].as_array().unwrap() {
        let entries = numbers(&table["entries"]).into_iter().map(|v| v as u16).collect();
        let (first, bits) = (table["first"].as_i64().unwrap() as i32, table["bits"].as_u64().unwrap() as u8);
        let lut = Lut::new(first, bits, entries).unwrap();
        let (modality, view) = (Modality::Table(lut.clone()), View::Table(lut.clone()));
        for ((value, voi), with_meaning) in stored.iter().zip(numbers(&table["voi"])).zip(numbers(&table["modality"])) {
            assert!((modality.apply(*value) - with_meaning).abs() < 1e-9);
            assert!((view.level(*value) * f64::from(lut.max()) - voi).abs() < 1e-9);
        }
    }
}

#[test]
fn slopes_and_intercepts_are_those_of_pydicom() {
    let fixture = fixture();
    let stored = numbers(&fixture["stored"]);
    for rescale in fixture["rescales"].as_array().unwrap() {
        let slope = rescale["slope"].as_f64().unwrap();
        let modality = Modality::Rescale { slope, intercept: rescale["intercept"].as_f64().unwrap() };
        for (value, expected) in stored.iter().zip(numbers(&rescale["values"])) {
            assert!((modality.apply(*value) - expected).abs() < 1e-9);
        }
    }
}
