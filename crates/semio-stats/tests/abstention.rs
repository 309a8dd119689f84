//! Conformal sets, thresholds and the risk–coverage curve: beside their definitions, and what they promise.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_image::sample_seed;
use semio_stats::{
    Aim, Conformal, ConformalScore, Scaling, SetFigures, Table, operating_point, picture_uniform, risk_coverage,
    top_label,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    classes: usize,
    probabilities: Vec<f64>,
    labels: Vec<usize>,
    uniforms: Vec<f64>,
    conformal: Vec<SetCase>,
    operating: Operating,
    aurc: f64,
}

#[derive(Deserialize)]
struct SetCase {
    score: ConformalScore,
    class_conditional: bool,
    coverage: f64,
    sets: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Operating {
    scores: Vec<f64>,
    positive: Vec<bool>,
    points: Vec<(Aim, f64, f64)>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures/abstention.json")).unwrap()
}

#[test]
fn sets_are_those_of_the_papers() {
    let f = fixture();
    let half = f.labels.len() / 2;
    let table = |from: usize, to: usize| {
        Table::new(f.probabilities[from * f.classes..to * f.classes].to_vec(), f.classes).unwrap()
    };
    let (calibration, fresh) = (table(0, half), table(half, 2 * half));
    for case in &f.conformal {
        let conformal = Conformal::fit(
            case.score,
            case.class_conditional,
            case.coverage,
            &calibration,
            &f.labels[..half],
            &f.uniforms[..half],
        )
        .unwrap();
        let kept: Conformal = serde_json::from_str(&serde_json::to_string(&conformal).unwrap()).unwrap();
        for ((p, &u), expected) in fresh.rows().zip(&f.uniforms[half..]).zip(&case.sets) {
            assert_eq!(&kept.set(p, u), expected, "{:?} {} {}", case.score, case.class_conditional, case.coverage);
        }
    }
}

#[test]
fn too_few_pictures_give_sets_with_everything() {
    let p = Table::new([0.9, 0.1].repeat(8), 2).unwrap();
    let fit = |coverage| Conformal::fit(ConformalScore::Lac, false, coverage, &p, &[0; 8], &[0.5; 8]).unwrap();
    // ⌈9 · 0.9⌉ = 9 is more than 8 pictures; ⌈9 · 0.8⌉ = 8 is not.
    assert!(fit(0.9).holds_everything());
    assert_eq!(fit(0.9).set(&[1.0, 0.0], 0.5), [0, 1]);
    assert!(!fit(0.8).holds_everything());
    assert_eq!(fit(0.8).set(&[1.0, 0.0], 0.5), [0]);
}

/// A model's probabilities for groups of one to four pictures of one class, alike within the group.
fn grouped_pictures(groups: u64) -> Vec<Vec<(Vec<f64>, usize)>> {
    let bell = |a: u64, b: u64| (0..12).map(|i| picture_uniform(a, b * 12 + i)).sum::<f64>() - 6.0;
    (0..groups)
        .map(|g| {
            let class = (sample_seed(1, g, 0) % 3) as usize;
            (0..=(sample_seed(2, g, 0) % 4))
                .map(|i| {
                    let logits: Vec<f64> = (0..3)
                        .map(|c| {
                            bell(3, g * 3 + c)
                                + 0.5 * bell(4, (g * 4 + i) * 3 + c)
                                + 1.5 * f64::from(u8::from(c as usize == class))
                        })
                        .collect();
                    (Scaling::None.probabilities(&logits), class)
                })
                .collect()
        })
        .collect()
}

#[test]
fn coverage_over_random_splits_by_group_is_the_chosen_one() {
    let groups = grouped_pictures(600);
    for (score, class_conditional) in
        [(ConformalScore::Lac, false), (ConformalScore::RandomisedAps, false), (ConformalScore::Lac, true)]
    {
        for coverage in [0.8, 0.9] {
            let mut sum = 0.0;
            for split in 0..50 {
                let (mut fit, mut judged) = (vec![], vec![]);
                for (g, group) in groups.iter().enumerate() {
                    let part = if sample_seed(9, g as u64, split).is_multiple_of(2) { &mut fit } else { &mut judged };
                    part.extend(
                        group.iter().enumerate().map(|(i, (p, y))| (p, *y, picture_uniform(split, (g * 4 + i) as u64))),
                    );
                }
                let table = Table::new(fit.iter().flat_map(|(p, ..)| p.iter().copied()).collect(), 3).unwrap();
                let (labels, uniforms): (Vec<_>, Vec<_>) = fit.iter().map(|(_, y, u)| (*y, *u)).unzip();
                let conformal = Conformal::fit(score, class_conditional, coverage, &table, &labels, &uniforms).unwrap();
                let sets: Vec<_> = judged.iter().map(|(p, _, u)| conformal.set(p, *u)).collect();
                let labels: Vec<_> = judged.iter().map(|(_, y, _)| *y).collect();
                let figures = SetFigures::new(&sets, &labels, 3).unwrap();
                assert!(figures.singletons < 1.0 && figures.mean_size < 3.0, "{figures:?}");
                sum += figures.coverage;
            }
            assert!((sum / 50.0 - coverage).abs() < 0.02, "{score:?} {coverage}: {}", sum / 50.0);
        }
    }
}

#[test]
fn set_figures_count_what_they_say() {
    let sets = [vec![0], vec![1], vec![0, 1], vec![], vec![0]];
    let f = SetFigures::new(&sets, &[0, 0, 1, 1, 0], 3).unwrap();
    assert_eq!((f.coverage, f.mean_size, f.singletons, f.empty), (0.6, 1.0, 0.6, 0.2));
    assert_eq!(f.singleton_accuracy, Ok(2.0 / 3.0));
    assert_eq!(f.class_coverage[1].coverage, Ok(0.5));
    let again: SetFigures = serde_json::from_str(&serde_json::to_string(&f).unwrap()).unwrap();
    assert_eq!(again, f, "an undefined coverage (class 2 has no picture) survives the file");
}

#[test]
fn operating_points_are_those_on_scikit_learns_roc_curve() {
    let Operating { scores, positive, points } = fixture().operating;
    for (aim, sensitivity, specificity) in points {
        let point = operating_point(&scores, &positive, aim).unwrap();
        assert!((point.sensitivity - sensitivity).abs() < 1e-12, "{point:?}, expected {sensitivity}");
        assert!((point.specificity - specificity).abs() < 1e-12, "{point:?}, expected {specificity}");
        // The threshold itself gives what it says.
        let hits = scores.iter().zip(&positive).filter(|&(&s, &p)| p && s >= point.threshold).count();
        let all = positive.iter().filter(|&&p| p).count();
        assert!((hits as f64 / all as f64 - point.sensitivity).abs() < 1e-12, "{point:?}");
    }
    assert!(operating_point(&[0.1, 0.2], &[true, true], Aim::Youden).is_err());
    let none = operating_point(&[1.0, 1.0], &[true, false], Aim::Specificity(1.0)).unwrap();
    assert!(none.threshold > 1.0 && none.sensitivity == 0.0);
}

#[test]
fn the_risk_falls_with_the_coverage() {
    let f = fixture();
    let p = Table::new(f.probabilities, f.classes).unwrap();
    let (confidences, hits) = top_label(&p, &f.labels).unwrap();
    let curve = risk_coverage(&confidences, &hits).unwrap();
    assert!((curve.area - f.aurc).abs() < 1e-12, "{} {}", curve.area, f.aurc);
    let last = curve.points.last().unwrap();
    assert!(last.coverage >= 1.0 && last.risk > curve.area);
    // All equally sure: every part of them is as wrong as the whole.
    let flat = risk_coverage(&[0.5; 4], &[true, false, false, true]).unwrap();
    assert!((flat.area - 0.5).abs() < 1e-12 && flat.points.len() == 1);
}

/// Logits of patients with one to four pictures, which share a part of their noise.
fn patients(count: usize, seed: u64) -> (Vec<[f64; 3]>, Vec<usize>, Vec<usize>) {
    let bell = |stream: u64, n: u64| {
        let unit = |k: u64| (sample_seed(seed, n * 2 + k, stream) >> 11) as f64 / (1u64 << 53) as f64;
        (-2.0 * (1.0 - unit(0)).ln()).sqrt() * (std::f64::consts::TAU * unit(1)).cos()
    };
    let (mut logits, mut labels, mut groups) = (vec![], vec![], vec![]);
    for patient in 0..count as u64 {
        let label = (sample_seed(seed, patient, 1) % 3) as usize;
        for picture in 0..=sample_seed(seed, patient, 2) % 4 {
            let logit = |class: u64| {
                let own = bell(3 + class, patient * 4 + picture);
                1.2 * f64::from(u8::from(class as usize == label)) + 0.8 * bell(10 + class, patient) + 0.8 * own
            };
            logits.push([logit(0), logit(1), logit(2)]);
            labels.push(label);
            groups.push(patient as usize);
        }
    }
    (logits, labels, groups)
}

#[test]
fn coverage_holds_over_splits_by_patient() {
    const PATIENTS: usize = 400;
    const LEVEL: f64 = 0.9;
    let (logits, labels, groups) = patients(PATIENTS, 5);
    let rows: Vec<[f64; 3]> = logits
        .iter()
        .map(|row| {
            let powers = row.map(f64::exp);
            powers.map(|p| p / powers.iter().sum::<f64>())
        })
        .collect();
    for score in [ConformalScore::Lac, ConformalScore::RandomisedAps] {
        let mut covered = vec![];
        for split in 0..50u64 {
            let calibrates = |group: usize| sample_seed(99, group as u64, split).is_multiple_of(2);
            let (kept, fresh): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|&i| calibrates(groups[i]));
            let uniform = |i: usize| picture_uniform(split, i as u64);
            let table = Table::new(kept.iter().flat_map(|&i| rows[i]).collect(), 3).unwrap();
            let own: Vec<usize> = kept.iter().map(|&i| labels[i]).collect();
            let uniforms: Vec<f64> = kept.iter().map(|&i| uniform(i)).collect();
            let conformal = Conformal::fit(score, false, LEVEL, &table, &own, &uniforms).unwrap();
            let held = fresh.iter().filter(|&&i| conformal.set(&rows[i], uniform(i)).contains(&labels[i])).count();
            covered.push(held as f64 / fresh.len() as f64);
        }
        let mean = covered.iter().sum::<f64>() / covered.len() as f64;
        assert!((mean - LEVEL).abs() < 0.02, "{score:?}: {mean}");
    }
}
