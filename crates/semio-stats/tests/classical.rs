//! Forest and logistic regression beside scikit-learn's.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_stats::{Classical, Forest, ForestSettings, InputError, Logistic, LogisticSettings, Table};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    classes: usize,
    columns: usize,
    balanced: bool,
    penalty: f64,
    table: Vec<f64>,
    labels: Vec<usize>,
    fresh: Vec<f64>,
    fresh_labels: Vec<usize>,
    weights: Vec<Vec<f64>>,
    scale: Vec<f64>,
    probabilities: Vec<f64>,
    /// Mean and deviation over scikit-learn's seeds.
    accuracy: (f64, f64),
    out_of_bag: (f64, f64),
    importances: Vec<f64>,
}

impl Case {
    fn table(&self) -> Table {
        Table::new(self.table.clone(), self.columns).unwrap()
    }

    fn fresh(&self) -> Table {
        Table::new(self.fresh.clone(), self.columns).unwrap()
    }

    fn forest(&self, seed: u64) -> Forest {
        let settings = ForestSettings { trees: 200, balanced: self.balanced, seed, ..ForestSettings::default() };
        Forest::fit(&self.table(), &self.labels, self.classes, &settings).unwrap()
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<Fixture>(include_str!("fixtures/classical.json")).unwrap().cases
}

fn argmax(p: &[f64]) -> usize {
    (0..p.len()).rev().max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap()
}

#[test]
fn logistic_weights_are_scikit_learns() {
    for case in cases() {
        let settings = LogisticSettings { penalty: case.penalty, balanced: case.balanced };
        let fitted = Logistic::fit(&case.table(), &case.labels, case.classes, &settings).unwrap();
        assert_eq!(fitted.weights.len(), case.weights.len());
        for (own, expected) in fitted.weights.iter().zip(&case.weights) {
            for ((w, s), e) in own.iter().zip(&case.scale).zip(expected) {
                assert!((w * s - e).abs() < 1e-4, "{}, expected {e}", w * s);
            }
        }
        let p = case.fresh().rows().flat_map(|row| fitted.probabilities(row).unwrap()).collect::<Vec<_>>();
        assert!(p.iter().zip(&case.probabilities).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn a_forest_is_as_good_as_scikit_learns() {
    for case in cases() {
        let (fresh, seeds) = (case.fresh(), 6);
        let (mut accuracy, mut out_of_bag, mut importances) = (0.0, 0.0, vec![0.0; case.columns]);
        for seed in 0..seeds {
            let forest = case.forest(seed);
            let right = fresh
                .rows()
                .zip(&case.fresh_labels)
                .filter(|(row, y)| argmax(&forest.probabilities(row).unwrap()) == **y);
            accuracy += right.count() as f64 / fresh.len() as f64 / seeds as f64;
            out_of_bag += forest.out_of_bag_accuracy.unwrap() / seeds as f64;
            for (sum, i) in importances.iter_mut().zip(&forest.importances) {
                *sum += i / seeds as f64;
            }
        }
        // The mean of six seeds is within one seed's deviation of scikit-learn's mean of twenty: two standard errors.
        for (own, (mean, deviation)) in [(accuracy, case.accuracy), (out_of_bag, case.out_of_bag)] {
            assert!((own - mean).abs() <= deviation, "{own}, expected {mean} ± {deviation}");
        }
        for (own, expected) in importances.iter().zip(&case.importances) {
            assert!((own - expected).abs() < 0.02, "{own}, expected {expected}");
        }
    }
}

#[test]
fn files_keep_every_bit_and_threads_change_none() {
    let case = &cases()[1];
    let forest = case.forest(7);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(forest, pool.install(|| case.forest(7)));
    assert_ne!(forest, case.forest(8));
    let logistic = Logistic::fit(&case.table(), &case.labels, case.classes, &LogisticSettings::default()).unwrap();
    for model in [Classical::Forest(forest), Classical::Logistic(logistic)] {
        let json = serde_json::to_string(&model).unwrap();
        let again: Classical = serde_json::from_str(&json).unwrap();
        assert_eq!(again, model);
        for row in case.fresh().rows() {
            assert_eq!(again.probabilities(row).unwrap(), model.probabilities(row).unwrap());
        }
        assert!(matches!(model.probabilities(&[0.0]), Err(InputError::Length { .. })));
    }
}

#[test]
fn trees_that_lead_nowhere_are_refused() {
    let case = &cases()[0];
    let settings = ForestSettings { trees: 1, max_depth: Some(1), ..ForestSettings::default() };
    let forest = Forest::fit(&case.table(), &case.labels, 2, &settings).unwrap();
    let mut file = serde_json::to_value(&forest).unwrap();
    assert!(serde_json::from_value::<Forest>(file.clone()).is_ok());
    // The root leads to itself: asking it would never end.
    file["trees"][0]["next"][0] = 0.into();
    assert!(serde_json::from_value::<Forest>(file).is_err());
}
