//! The metrics beside scikit-learn's, and what must hold for any predictions.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cmp::Ordering;

use proptest::prelude::*;
use semio_stats::{Evaluation, Judge, Predictions, PredictionsError, Undefined, evaluate, wilson_interval};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
    wilson: Vec<(u64, u64, f64, f64)>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: Vec<String>,
    truth: Vec<usize>,
    probabilities: Vec<f64>,
    decided: Vec<usize>,
    answered: Vec<bool>,
    expected: Value,
    #[serde(default)]
    curves: Vec<Option<Curves>>,
}

#[derive(Deserialize)]
struct Curves {
    roc: (Vec<f64>, Vec<f64>),
    pr: (Vec<f64>, Vec<f64>),
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap()
}

impl Case {
    fn predictions(&self) -> Predictions {
        let Self { classes, truth, probabilities, decided, answered, .. } = self;
        Predictions::new(classes.clone(), truth.clone(), probabilities.clone(), decided.clone(), answered.clone())
            .unwrap()
    }
}

/// Compares every member of `expected` with the one of `got`, and notes where they differ.
fn differences(path: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(e), Value::Object(g)) => {
            for (key, value) in e {
                differences(&format!("{path}.{key}"), value, g.get(key).unwrap_or(&Value::Bool(false)), found);
            }
        }
        (Value::Array(e), Value::Array(g)) if e.len() == g.len() => {
            for (e, g) in e.iter().zip(g) {
                differences(path, e, g, found);
            }
        }
        (Value::Number(e), Value::Number(g)) if (e.as_f64().unwrap() - g.as_f64().unwrap()).abs() < 1e-9 => {}
        (e, g) if e == g => {}
        _ => found.push(format!("{path}: scikit-learn {expected}, here {got}")),
    }
}

#[test]
fn every_metric_is_scikit_learns() {
    let mut found = Vec::new();
    for case in fixture().cases {
        let got = serde_json::to_value(evaluate(&case.predictions())).unwrap();
        differences(&case.name, &case.expected, &got, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn curves_are_scikit_learns() {
    let close = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    let mut compared = 0;
    for case in fixture().cases {
        let predictions = case.predictions();
        let judge = Judge::new(&predictions);
        for (class, curves) in case.curves.iter().enumerate() {
            let curves = curves.as_ref().unwrap();
            let (x, y): (Vec<f64>, Vec<f64>) =
                judge.roc_curve(class).unwrap().iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).unzip();
            assert!(close(&x, &curves.roc.0) && close(&y, &curves.roc.1), "ROC of {} {class}", case.name);
            let (x, y): (Vec<f64>, Vec<f64>) =
                judge.precision_recall_curve(class).unwrap().iter().map(|p| (p.recall, p.precision)).unzip();
            // scikit-learn stops at full recall or not, by version; ours goes on to the last score.
            let shared = curves.pr.0.len().min(x.len());
            assert!(close(&x[..shared], &curves.pr.0[..shared]), "recall of {} {class}", case.name);
            assert!(close(&y[..shared], &curves.pr.1[..shared]), "precision of {} {class}", case.name);
            compared += 1;
        }
    }
    assert_eq!(compared, 5);
}

#[test]
fn wilson_is_scipys() {
    for (successes, trials, low, high) in fixture().wilson {
        let (l, h) = wilson_interval(successes, trials).unwrap();
        assert!((l - low).abs() < 1e-12 && (h - high).abs() < 1e-12, "{successes} of {trials}");
    }
    assert_eq!(wilson_interval(0, 0), None);
    assert_eq!(wilson_interval(2, 1), None);
}

#[test]
fn undefined_metrics_are_null_and_say_why() {
    let cases = fixture().cases;
    let evaluation = |name: &str| evaluate(&cases.iter().find(|c| c.name == name).unwrap().predictions());
    let json = serde_json::to_value(evaluation("a class is missing from the truth")).unwrap();
    assert!(json["per_class"]["c1"]["recall"].is_null());
    assert_eq!(json["undefined"]["per_class.c1.recall"], "no picture is of this class");
    assert_eq!(json["undefined"]["roc_auc"], "it is undefined for at least one class");
    assert_eq!(json["undefined"]["selective.roc_auc"], "it is undefined for at least one class");
    let json = serde_json::to_value(evaluation("one class present")).unwrap();
    assert_eq!(json["undefined"]["roc_auc"], "only one class is present");
    let json = serde_json::to_value(evaluation("a class is never given")).unwrap();
    assert_eq!(json["undefined"]["per_class.c1.precision"], "this class is never given");
    assert_eq!(json["per_class"]["c1"]["f1"], 0.0);
}

#[test]
fn nothing_answered_leaves_the_selective_figures_undefined() {
    let p = Predictions::new(names(2), vec![0, 1], vec![0.7, 0.3, 0.4, 0.6], vec![0, 1], vec![false; 2]).unwrap();
    let evaluation = evaluate(&p);
    assert_eq!(evaluation.coverage.to_bits(), 0f64.to_bits());
    evaluation.selective.map(|path, metric| {
        assert!(metric.is_err(), "{path} is {metric:?}");
    });
    assert_eq!(evaluation.selective.accuracy, Err(Undefined::NoPredictions));
    assert_eq!(evaluation.selective.macro_average.recall, Err(Undefined::NoPredictions));
    assert_eq!(evaluation.selective.roc_auc, Err(Undefined::NoPredictions));
    assert_eq!(evaluation.overall.accuracy, Ok(1.0));
}

#[test]
fn evaluation_survives_json_with_its_class_order() {
    for case in fixture().cases {
        let evaluation = evaluate(&case.predictions());
        let text = serde_json::to_string(&evaluation).unwrap();
        assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), evaluation, "{}", case.name);
    }
    let classes = vec!["zebra".to_owned(), "apple".to_owned(), "mango".to_owned()];
    let p = Predictions::new(classes, vec![0], vec![0.5, 0.25, 0.25], vec![0], vec![true]).unwrap();
    let text = serde_json::to_string(&evaluate(&p)).unwrap();
    let per_class = &text[text.find("\"per_class\"").unwrap()..];
    let place = |name: &str| per_class.find(name).unwrap();
    assert!(place("zebra") < place("apple") && place("apple") < place("mango"));
}

#[test]
fn a_null_without_its_reason_is_read_as_unstated() {
    let p = Predictions::new(names(2), vec![0], vec![0.5, 0.5], vec![0], vec![true]).unwrap();
    let mut json = serde_json::to_value(evaluate(&p)).unwrap();
    json["undefined"] = serde_json::json!({});
    let evaluation: Evaluation = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(evaluation.overall.roc_auc, Err(Undefined::Unstated));
    json["undefined"] = serde_json::json!({ "roc_auc": "the moon is full" });
    assert!(serde_json::from_value::<Evaluation>(json).is_err());
}

#[test]
fn broken_predictions_are_refused() {
    let new = |classes: usize, truth: Vec<usize>, p: Vec<f64>, decided: Vec<usize>| {
        let n = truth.len();
        Predictions::new(names(classes), truth, p, decided, vec![true; n]).unwrap_err()
    };
    assert_eq!(new(2, vec![], vec![], vec![]), PredictionsError::Empty);
    assert_eq!(new(1, vec![0], vec![1.0], vec![0]), PredictionsError::TooFewClasses(1));
    assert!(matches!(new(2, vec![0], vec![1.0], vec![0]), PredictionsError::Length { expected: 2, got: 1, .. }));
    assert!(matches!(new(2, vec![2], vec![0.5, 0.5], vec![0]), PredictionsError::ClassIndex { index: 2, .. }));
    assert!(matches!(new(2, vec![0], vec![0.5, 0.5], vec![7]), PredictionsError::ClassIndex { index: 7, .. }));
    assert!(matches!(new(2, vec![0], vec![f64::NAN, 0.5], vec![0]), PredictionsError::Probability { row: 0, .. }));
    assert!(matches!(new(2, vec![0], vec![1.5, -0.5], vec![0]), PredictionsError::Probability { row: 0, .. }));
    assert!(matches!(new(2, vec![0], vec![0.5, 0.4], vec![0]), PredictionsError::Sum { row: 0, .. }));
    let twice = vec!["a".to_owned(), "a".to_owned()];
    let error = Predictions::new(twice, vec![0], vec![0.5, 0.5], vec![0], vec![true]).unwrap_err();
    assert_eq!(error.to_string(), "class `a` stands twice in the list of classes");
}

#[test]
fn pooling_needs_the_same_classes() {
    let one = |classes| Predictions::new(classes, vec![0], vec![0.5, 0.5], vec![0], vec![true]).unwrap();
    let (a, b) = (one(names(2)), one(vec!["x".into(), "y".into()]));
    assert_eq!(Predictions::pool([&a, &a, &a]).unwrap().len(), 3);
    assert!(matches!(Predictions::pool([&a, &b]), Err(PredictionsError::OtherClasses(..))));
    assert_eq!(Predictions::pool([]), Err(PredictionsError::Empty));
}

fn names(k: usize) -> Vec<String> {
    (0..k).map(|c| format!("c{c}")).collect()
}

/// Predictions with many ties: probabilities are multiples of 1 / sum of small integers.
fn predictions() -> impl Strategy<Value = Predictions> {
    (2usize..5, 1usize..60).prop_flat_map(|(k, n)| {
        let row = (0..k, prop::collection::vec(1u8..6, k), 0..k, any::<bool>());
        prop::collection::vec(row, n).prop_map(move |rows| {
            let probabilities = rows.iter().flat_map(|(_, p, ..)| {
                let sum: f64 = p.iter().map(|&v| f64::from(v)).sum();
                p.iter().map(move |&v| f64::from(v) / sum)
            });
            let (truth, decided) = rows.iter().map(|r| (r.0, r.2)).unzip();
            Predictions::new(names(k), truth, probabilities.collect(), decided, rows.iter().map(|r| r.3).collect())
                .unwrap()
        })
    })
}

/// Binary predictions from scores of the second class.
fn binary(truth: &[bool], scores: &[f64]) -> Predictions {
    let rows = scores.iter().flat_map(|&s| [1.0 - s, s]).collect();
    let truth: Vec<usize> = truth.iter().map(|&t| usize::from(t)).collect();
    Predictions::new(names(2), truth.clone(), rows, truth, vec![true; scores.len()]).unwrap()
}

fn same(a: Result<f64, Undefined>, b: Result<f64, Undefined>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => (a - b).abs() < 1e-12,
        (a, b) => a == b,
    }
}

proptest! {
    #[test]
    fn areas_do_not_change_under_rising_maps(rows in prop::collection::vec((any::<bool>(), 0u8..20), 1..80)) {
        let (truth, scores): (Vec<bool>, Vec<f64>) = rows.iter().map(|&(t, s)| (t, f64::from(s) / 32.0)).unzip();
        let mapped: Vec<f64> = scores.iter().map(|s| s * s * 0.5 + s * 0.25).collect();
        let (a, b) = (evaluate(&binary(&truth, &scores)).overall, evaluate(&binary(&truth, &mapped)).overall);
        prop_assert_eq!(a.roc_auc, b.roc_auc);
        prop_assert_eq!(a.pr_auc, b.pr_auc);
    }

    #[test]
    fn turning_the_scores_round_mirrors_the_area(rows in prop::collection::vec((any::<bool>(), 0u8..20), 1..80)) {
        let (truth, scores): (Vec<bool>, Vec<f64>) = rows.iter().map(|&(t, s)| (t, f64::from(s) / 32.0)).unzip();
        let turned: Vec<f64> = scores.iter().map(|s| 1.0 - s).collect();
        let (a, b) = (evaluate(&binary(&truth, &scores)).overall, evaluate(&binary(&truth, &turned)).overall);
        prop_assert!(same(a.roc_auc, b.roc_auc.map(|v| 1.0 - v)));
        // With two classes, the first one's area is the second one's.
        prop_assert!(same(a.per_class[0].roc_auc.or(Err(Undefined::OneClassPresent)), a.roc_auc));
    }

    #[test]
    fn area_is_the_share_of_ordered_pairs(rows in prop::collection::vec((any::<bool>(), 0u8..10), 1..40)) {
        let (truth, scores): (Vec<bool>, Vec<f64>) = rows.iter().map(|&(t, s)| (t, f64::from(s) / 16.0)).unzip();
        let (mut won, mut pairs) = (0.0, 0.0);
        for &(_, yes) in rows.iter().filter(|r| r.0) {
            for &(_, no) in rows.iter().filter(|r| !r.0) {
                pairs += 1.0;
                won += match yes.cmp(&no) {
                    Ordering::Greater => 1.0,
                    Ordering::Equal => 0.5,
                    Ordering::Less => 0.0,
                };
            }
        }
        let expected = if pairs > 0.0 { Ok(won / pairs) } else { Err(Undefined::OneClassPresent) };
        prop_assert!(same(evaluate(&binary(&truth, &scores)).overall.roc_auc, expected));
    }

    #[test]
    fn counts_add_up(p in predictions()) {
        let e = evaluate(&p).overall;
        prop_assert_eq!(e.confusion_matrix.iter().flatten().sum::<u64>(), p.len() as u64);
        for (row, class) in e.confusion_matrix.iter().zip(e.per_class.values()) {
            prop_assert_eq!(row.iter().sum::<u64>(), class.support);
        }
        // With one label a picture, the pooled decisions say no more than the accuracy.
        prop_assert!(same(e.micro.f1, e.accuracy) && same(e.micro.recall, e.accuracy));
        prop_assert!(same(e.weighted.recall, e.accuracy));
    }

    #[test]
    fn order_of_pictures_does_not_matter(p in predictions(), turn in 0usize..60) {
        let n = p.len();
        let order: Vec<usize> = (0..n).map(|i| (i * 7 + turn) % n).collect();
        prop_assume!(order.iter().collect::<std::collections::HashSet<_>>().len() == n);
        let pick = |v: &[usize]| order.iter().map(|&i| v[i]).collect::<Vec<_>>();
        let probabilities = order.iter().flat_map(|&i| p.probabilities(i).to_vec()).collect();
        let answered = order.iter().map(|&i| p.answered()[i]).collect();
        let q = Predictions::new(p.classes().to_vec(), pick(p.truth()), probabilities, pick(p.decided()), answered)
            .unwrap();
        let (a, b) = (serde_json::to_value(evaluate(&p)).unwrap(), serde_json::to_value(evaluate(&q)).unwrap());
        let mut found = Vec::new();
        differences("", &a, &b, &mut found);
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn a_weight_counts_as_so_many_copies(p in predictions(), seed in any::<u64>()) {
        let weights: Vec<u32> = (0..p.len()).map(|i| (seed.rotate_left(i as u32) & 3) as u32).collect();
        let copies: Vec<usize> =
            weights.iter().enumerate().flat_map(|(i, &w)| std::iter::repeat_n(i, w as usize)).collect();
        prop_assume!(!copies.is_empty());
        let pick = |v: &[usize]| copies.iter().map(|&i| v[i]).collect::<Vec<_>>();
        let probabilities = copies.iter().flat_map(|&i| p.probabilities(i).to_vec()).collect();
        let repeated = Predictions::new(
            p.classes().to_vec(), pick(p.truth()), probabilities, pick(p.decided()), vec![true; copies.len()],
        ).unwrap();
        let (a, b) = (Judge::new(&p).figures(&weights), evaluate(&repeated).overall);
        prop_assert_eq!(&a.confusion_matrix, &b.confusion_matrix);
        let mut values = Vec::new();
        b.map(|_, m| values.push(*m));
        let mut place = 0;
        let mut equal = true;
        a.map(|_, m| { equal &= same(*m, values[place]); place += 1; });
        prop_assert!(equal);
    }
}
