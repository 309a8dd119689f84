//! The test of mean areas beside its definition, written out by pairs.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_stats::{AucMethod, Predictions, compare_aucs, compare_roc_aucs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    classes: usize,
    truth: Vec<usize>,
    first: Vec<f64>,
    second: Vec<f64>,
    groups: Option<Vec<String>>,
    areas: (f64, f64),
    standard_error: f64,
    p: f64,
}

fn predictions(classes: usize, truth: &[usize], rows: &[f64]) -> Predictions {
    let names = (0..classes).map(|c| format!("c{c}")).collect();
    Predictions::new(names, truth.to_vec(), rows.to_vec(), truth.to_vec(), vec![true; truth.len()]).unwrap()
}

#[track_caller]
fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{got}, expected {expected}");
}

#[test]
fn mean_areas_are_compared_as_defined() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/macro_auc.json")).unwrap();
    for case in cases {
        let of = |rows: &[f64]| predictions(case.classes, &case.truth, rows);
        let groups = case.groups.as_deref();
        let found = compare_roc_aucs(&of(&case.first), &of(&case.second), groups, 0.95).unwrap();
        close(found.first, case.areas.0);
        close(found.second, case.areas.1);
        close(found.standard_error, case.standard_error);
        close(found.p_value.unwrap(), case.p);
        let method = if groups.is_some() { AucMethod::GroupJackknife } else { AucMethod::Jackknife };
        assert_eq!(found.method, method);
        let same = compare_roc_aucs(&of(&case.first), &of(&case.first), groups, 0.95).unwrap();
        assert!(same.p_value.is_err() && same.difference.abs() < 1e-12);
    }
}

#[test]
fn two_classes_are_compared_by_delong() {
    let truth: Vec<usize> = (0..30).map(|i| i % 2).collect();
    let scores = |step: usize| (0..30).map(move |i| ((i * step + i % 2 * 9) % 31) as f64 / 31.0);
    let rows = |step: usize| scores(step).flat_map(|p| [1.0 - p, p]).collect::<Vec<f64>>();
    let (a, b) = (predictions(2, &truth, &rows(7)), predictions(2, &truth, &rows(5)));
    let positive: Vec<bool> = truth.iter().map(|t| *t == 1).collect();
    let (one, two): (Vec<f64>, Vec<f64>) = (scores(7).collect(), scores(5).collect());
    let expected = compare_aucs(&one, &two, &positive, None, 0.95).unwrap();
    assert_eq!(compare_roc_aucs(&a, &b, None, 0.95).unwrap(), expected);
    let three = predictions(3, &[0, 1, 2], &[0.2, 0.3, 0.5].repeat(3));
    assert!(compare_roc_aucs(&three, &three, None, 0.95).is_err(), "one picture a class is too few");
}
