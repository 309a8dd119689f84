//! Calibration beside SciPy and scikit-learn, and what calibrated probabilities must be.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use semio_stats::{
    Binning, PrevalenceShift, Reliability, Scaling, ScalingMethod, Table, brier, ece_under_calibration,
    predictive_values, predictive_values_of, scaled_probabilities, top_label,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    outputs: usize,
    logits: Vec<f64>,
    labels: Vec<usize>,
    fresh: Vec<f64>,
    temperature: f64,
    vector: Vec<f64>,
    isotonic: Vec<f64>,
    isotonic_fresh: Vec<f64>,
    ece_width: (f64, f64),
    ece_mass: (f64, f64),
    last_class_curve: (Vec<f64>, Vec<f64>),
    brier: f64,
}

impl Case {
    fn logits(&self) -> Table {
        Table::new(self.logits.clone(), self.outputs).unwrap()
    }

    fn fit(&self, method: ScalingMethod) -> Scaling {
        Scaling::fit(method, &self.logits(), &self.labels).unwrap()
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<Fixture>(include_str!("fixtures/calibration.json")).unwrap().cases
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], bound: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (place, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= bound, "{what}, entry {place}: {a}, expected {b}");
    }
}

#[test]
fn scalings_are_those_of_scipy_and_scikit_learn() {
    for case in cases() {
        let logits = case.logits();
        let Scaling::Temperature { temperature } = case.fit(ScalingMethod::Temperature) else { panic!() };
        close(&[temperature], &[case.temperature], 1e-6 * case.temperature, &case.name);
        let vector = scaled_probabilities(&case.fit(ScalingMethod::Vector), &logits).unwrap();
        close(vector.values(), &case.vector, 1e-5, &case.name);
        let isotonic = case.fit(ScalingMethod::Isotonic);
        close(scaled_probabilities(&isotonic, &logits).unwrap().values(), &case.isotonic, 1e-12, &case.name);
        let fresh = Table::new(case.fresh.clone(), case.outputs).unwrap();
        close(scaled_probabilities(&isotonic, &fresh).unwrap().values(), &case.isotonic_fresh, 1e-9, &case.name);
    }
}

#[test]
fn errors_and_scores_are_the_fixtures() {
    for case in cases() {
        let p = scaled_probabilities(&Scaling::None, &case.logits()).unwrap();
        let (confidences, hits) = top_label(&p, &case.labels).unwrap();
        let width = Reliability::new(&confidences, &hits, Binning::EqualWidth(15)).unwrap();
        close(&[width.ece, width.mce], &[case.ece_width.0, case.ece_width.1], 1e-12, &case.name);
        let mass = Reliability::new(&confidences, &hits, Binning::EqualMass(15)).unwrap();
        close(&[mass.ece, mass.mce], &[case.ece_mass.0, case.ece_mass.1], 1e-12, &case.name);
        let last: Vec<f64> = p.rows().map(|row| *row.last().unwrap()).collect();
        let is_last: Vec<bool> = case.labels.iter().map(|&l| l == p.columns() - 1).collect();
        let curve = Reliability::new(&last, &is_last, Binning::EqualWidth(10)).unwrap().bins;
        close(&curve.iter().map(|b| b.confidence).collect::<Vec<_>>(), &case.last_class_curve.0, 1e-12, &case.name);
        close(&curve.iter().map(|b| b.accuracy).collect::<Vec<_>>(), &case.last_class_curve.1, 1e-12, &case.name);
        let score = brier(&p, &case.labels, Binning::EqualWidth(10)).unwrap().score;
        close(&[score], &[case.brier], 1e-12, &case.name);
    }
}

/// Honest probabilities of three classes, labels drawn from them, and logits three times too large.
fn overconfident(n: usize) -> (Table, Vec<usize>) {
    let mut state = 1u64;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let (mut logits, mut labels) = (vec![], vec![]);
    for _ in 0..n {
        let honest = [4.0 * unit(), 4.0 * unit(), 4.0 * unit()];
        let p = Scaling::None.probabilities(&honest);
        let draw = unit();
        labels.push(usize::from(draw > p[0]) + usize::from(draw > p[0] + p[1]));
        logits.extend(honest.map(|z| 3.0 * z));
    }
    (Table::new(logits, 3).unwrap(), labels)
}

#[test]
fn an_overconfident_model_is_mended() {
    let (logits, labels) = overconfident(4000);
    let half = labels.len() / 2;
    let part = |from: usize, to: usize| Table::new(logits.values()[3 * from..3 * to].to_vec(), 3).unwrap();
    let (fit_on, judged) = (part(0, half), part(half, labels.len()));
    let ece = |scaling: &Scaling| {
        let p = scaled_probabilities(scaling, &judged).unwrap();
        let (confidences, hits) = top_label(&p, &labels[half..]).unwrap();
        let chance = ece_under_calibration(&confidences, Binning::EqualWidth(15), 500, 1).unwrap();
        assert!(chance.mean < chance.percentile_95);
        (Reliability::new(&confidences, &hits, Binning::EqualWidth(15)).unwrap().ece, chance.percentile_95)
    };
    let (before, by_chance) = ece(&Scaling::None);
    assert!(before > 3.0 * by_chance, "{before} {by_chance}");
    for method in [ScalingMethod::Temperature, ScalingMethod::Vector, ScalingMethod::Isotonic] {
        let (after, by_chance) = ece(&Scaling::fit(method, &fit_on, &labels[..half]).unwrap());
        assert!(after <= before / 2.0, "{method:?}: {after}, before {before}");
        // An isotonic function has some fifty numbers fitted on 2,000 pictures: it is near, not within chance.
        let allowed = if method == ScalingMethod::Isotonic { 1.6 * by_chance } else { by_chance };
        assert!(after <= allowed, "{method:?}: {after}, by chance {by_chance}");
    }
}

#[test]
fn a_small_set_without_mistakes_does_not_make_certainty() {
    let logits =
        Table::new((0..20).flat_map(|i| if i % 2 == 0 { [2.0, 0.0] } else { [0.0, 2.0] }).collect(), 2).unwrap();
    let labels: Vec<usize> = (0..20).map(|i| i % 2).collect();
    let Scaling::Temperature { temperature } = Scaling::fit(ScalingMethod::Temperature, &logits, &labels).unwrap()
    else {
        panic!()
    };
    assert!((0.2..1.0).contains(&temperature), "{temperature}");
}

#[test]
fn prevalence_changes_predictive_values_as_bayes_says() {
    // Sensitivity 0.9, specificity 0.95 at 1 in 100: PPV = 0.009 / (0.009 + 0.0495).
    let values = predictive_values_of(0.9, 0.95, 0.01);
    close(
        &[values.positive.unwrap(), values.negative.unwrap()],
        &[0.009 / 0.0585, 0.9405 / 0.9415],
        1e-12,
        "two-sided",
    );
    let by_matrix = predictive_values(&[vec![95, 5], vec![1, 9]], &[0.99, 0.01]).unwrap()[1];
    close(
        &[by_matrix.positive.unwrap(), by_matrix.negative.unwrap()],
        &[0.009 / 0.0585, 0.9405 / 0.9415],
        1e-12,
        "matrix",
    );
    let shift = PrevalenceShift::new(vec![0.5, 0.5], vec![0.99, 0.01]).unwrap();
    close(&shift.apply(&[0.2, 0.8]), &[0.198 / 0.206, 0.008 / 0.206], 1e-12, "shift");
    assert!(PrevalenceShift::new(vec![1.0, 0.0], vec![0.5, 0.5]).is_err());
    assert!(serde_json::from_str::<PrevalenceShift>(r#"{"fitted":[1.0,0.0],"site":[0.5,0.5]}"#).is_err());
}

proptest! {
    #[test]
    fn scaled_probabilities_are_probabilities(
        values in prop::collection::vec(-50f64..50.0, 30..90),
        method in prop::sample::select(vec![ScalingMethod::Temperature, ScalingMethod::Vector, ScalingMethod::Isotonic]),
        outputs in 1usize..4,
    ) {
        let whole = values.len() / outputs * outputs;
        let logits = Table::new(values[..whole].to_vec(), outputs).unwrap();
        let classes = outputs.max(2);
        let labels: Vec<usize> = (0..logits.len()).map(|i| i % classes).collect();
        let scaling = Scaling::fit(method, &logits, &labels).unwrap();
        let again: Scaling = serde_json::from_str(&serde_json::to_string(&scaling).unwrap()).unwrap();
        prop_assert_eq!(&again, &scaling);
        for row in logits.rows() {
            let p = scaling.probabilities(row);
            prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)) && (p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            // A softmax does not see what is added to all logits; one logit means its difference from 0.
            if outputs > 1 {
                let moved: Vec<f64> = row.iter().map(|z| z + 3.0).collect();
                close(&scaling.probabilities(&moved), &p, 1e-9, "moved");
            }
        }
    }

    #[test]
    fn the_parts_of_the_brier_score_add_up(raw in prop::collection::vec(0f64..4.0, 9..120), bins in 1usize..12) {
        let logits = Table::new(raw[..raw.len() / 3 * 3].to_vec(), 3).unwrap();
        let labels: Vec<usize> = (0..logits.len()).map(|i| (i * i) % 3).collect();
        let p = scaled_probabilities(&Scaling::None, &logits).unwrap();
        for binning in [Binning::EqualWidth(bins), Binning::EqualMass(bins)] {
            let b = brier(&p, &labels, binning).unwrap();
            let sum = b.reliability - b.resolution + b.uncertainty + b.within_bin_variance - b.within_bin_covariance;
            prop_assert!((b.score - sum).abs() < 1e-12, "{b:?}");
        }
    }
}
