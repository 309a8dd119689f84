//! Intervals and tests beside pROC's, statsmodels' and SciPy's.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_stats::{
    AucMethod, Bootstrap, IntervalMethod, Judge, Predictions, auc_interval, bca_interval, compare_aucs, mcnemar,
    picture_uniform,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    auc: Vec<AucCase>,
    mcnemar: Vec<(usize, usize, f64, f64)>,
    clustered_mcnemar: Clustered,
    bca: Vec<BcaCase>,
}

#[derive(Deserialize)]
struct AucCase {
    positive: Vec<bool>,
    a: Vec<f64>,
    b: Vec<f64>,
    groups: Option<Vec<String>>,
    auc: (f64, f64),
    standard_error: f64,
    difference_se: f64,
    p: f64,
    interval: Option<(f64, f64)>,
}

#[derive(Deserialize)]
struct Clustered {
    first: Vec<bool>,
    second: Vec<bool>,
    groups: Vec<String>,
    p: f64,
}

#[derive(Deserialize)]
struct BcaCase {
    samples: Vec<f64>,
    estimate: f64,
    left_out: Vec<Vec<f64>>,
    level: f64,
    interval: (f64, f64),
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/difference.json")).unwrap()
}

#[track_caller]
fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{got}, expected {expected}");
}

#[test]
fn areas_are_those_of_proc_and_of_obuchowski() {
    for case in fixture().auc {
        let groups = case.groups.as_deref();
        let own = auc_interval(&case.a, &case.positive, groups, 0.95).unwrap();
        close(own.auc, case.auc.0);
        close(own.standard_error, case.standard_error);
        if let Some((low, high)) = case.interval {
            close(own.interval.low, low);
            close(own.interval.high, high);
        }
        let both = compare_aucs(&case.a, &case.b, &case.positive, groups, 0.95).unwrap();
        close(both.second, case.auc.1);
        close(both.standard_error, case.difference_se);
        close(both.p_value.unwrap(), case.p);
        assert_eq!(both.method, if groups.is_some() { AucMethod::Obuchowski } else { AucMethod::DeLong });
        let same = compare_aucs(&case.a, &case.a, &case.positive, groups, 0.95).unwrap();
        assert!(same.p_value.is_err() && same.difference.abs() < 1e-12);
    }
}

#[test]
fn mcnemars_exact_test_is_that_of_statsmodels_and_its_mid_p_by_definition() {
    let f = fixture();
    for (b, c, exact, mid_p) in f.mcnemar {
        let first: Vec<bool> = (0..b + c + 4).map(|i| i < b || i >= b + c).collect();
        let second: Vec<bool> = (0..b + c + 4).map(|i| i >= b).collect();
        let test = mcnemar(&first, &second, None).unwrap();
        assert_eq!((test.only_first, test.only_second, test.clustered), (b as u64, c as u64, None));
        close(test.exact, exact);
        close(test.mid_p, mid_p);
    }
    let Clustered { first, second, groups, p } = f.clustered_mcnemar;
    close(mcnemar(&first, &second, Some(&groups)).unwrap().clustered.unwrap().p_value.unwrap(), p);
}

#[test]
fn bca_intervals_are_scipys() {
    for case in fixture().bca {
        let left_out: Vec<&[f64]> = case.left_out.iter().map(Vec::as_slice).collect();
        let interval = bca_interval(&case.samples, case.estimate, &left_out, case.level);
        close(interval.low, case.interval.0);
        close(interval.high, case.interval.1);
    }
}

/// Two models of one true strength, right together or wrong together within a group of four.
fn twins(seed: u64) -> (Vec<bool>, Vec<bool>, Vec<String>) {
    let right = |model: u64| (0..120u64).map(move |i| picture_uniform(seed * 2 + model, i / 4) < 0.7);
    (right(0).collect(), right(1).collect(), (0..120).map(|i| (i / 4).to_string()).collect())
}

#[test]
fn groups_taken_as_pictures_would_find_differences_that_are_none() {
    let (mut plain, mut clustered) = (0, 0);
    for seed in 0..400 {
        let (a, b, groups) = twins(seed);
        let test = mcnemar(&a, &b, Some(&groups)).unwrap();
        plain += usize::from(test.mid_p < 0.05);
        clustered += usize::from(test.clustered.unwrap().p_value.unwrap() < 0.05);
    }
    assert!(plain > 100, "{plain} of 400");
    assert!((5..=36).contains(&clustered), "{clustered} of 400 at 5 %");
}

fn predictions(n: u64, seed: u64) -> (Predictions, Vec<String>) {
    let truth: Vec<usize> = (0..n).map(|i| (i / 2 % 3) as usize).collect();
    let p: Vec<f64> = (0..n)
        .flat_map(|i| {
            let raw = [0, 1, 2]
                .map(|c| picture_uniform(seed, 3 * i + c) + if c as usize == truth[i as usize] { 0.4 } else { 0.1 });
            raw.map(|v| v / raw.iter().sum::<f64>())
        })
        .collect();
    let decided = p.chunks(3).map(|p| (0..3).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap()).collect();
    let predictions =
        Predictions::new(["a", "b", "c"].map(String::from).to_vec(), truth, p, decided, vec![true; n as usize])
            .unwrap();
    (predictions, (0..n).map(|i| (i / 2).to_string()).collect())
}

#[test]
fn intervals_of_every_figure_hang_on_the_seed_alone() {
    let (predictions, groups) = predictions(240, 1);
    let judge = Judge::new(&predictions);
    let mut bootstrap = Bootstrap::new(&predictions, Some(&groups));
    (bootstrap.resamples, bootstrap.seed) = (400, 5);
    assert_eq!(bootstrap.groups(), 120);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bootstrap.intervals(&judge, 0.95, IntervalMethod::Bca))
    };
    let one = on(1);
    assert_eq!(one, on(3));
    let estimates = judge.figures(&judge.all());
    let (mut values, mut checked) = (vec![], 0);
    estimates.map(|_, m| values.push(m.unwrap()));
    one.map(|path, interval| {
        let interval = interval.unwrap();
        assert!(interval.low <= values[checked] && values[checked] <= interval.high, "{path}");
        checked += 1;
    });
    assert!(checked > 40);
    let percentile = bootstrap.intervals(&judge, 0.95, IntervalMethod::Percentile);
    assert_eq!(percentile.accuracy, bootstrap.interval(&judge, 0.95, |f| f.accuracy));
    // BCa and DeLong do not say the same, but nearly.
    let scores: Vec<f64> = predictions.scores(0).collect();
    let positive: Vec<bool> = predictions.truth().iter().map(|&t| t == 0).collect();
    let delong = auc_interval(&scores, &positive, Some(&groups), 0.95).unwrap().interval;
    let bca = one.per_class["a"].roc_auc.unwrap();
    assert!((bca.low - delong.low).abs() < 0.03 && (bca.high - delong.high).abs() < 0.03, "{bca:?} {delong:?}");
}

#[test]
fn a_model_does_not_differ_from_itself() {
    let mut covered = 0;
    for pair in 0..40 {
        let ((a, groups), (b, _)) = (predictions(120, 2 * pair), predictions(120, 2 * pair + 1));
        let mut bootstrap = Bootstrap::new(&a, Some(&groups));
        bootstrap.resamples = 200;
        let (a, b) = (Judge::new(&a), Judge::new(&b));
        let same = bootstrap.difference(&a, &a, 0.95, |f| f.accuracy).unwrap();
        assert!(same.low.abs() < 1e-12 && same.high.abs() < 1e-12);
        // Two draws of one model differ by chance alone.
        let other = bootstrap.difference(&a, &b, 0.95, |f| f.accuracy).unwrap();
        covered += usize::from(other.low <= 0.0 && other.high >= 0.0);
    }
    assert!(covered >= 33, "{covered} of 40 at 95 %");
}
