//! Distances beside scikit-learn's, and thresholds that refuse no more than they say.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_stats::{
    FeatureDistance, NeighbourDistance, Pca, Ranking, Refusal, Table, energy, ledoit_wolf, nearest_distances,
    picture_uniform, roc_auc,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    columns: usize,
    features: Vec<f64>,
    labels: Vec<usize>,
    fresh: Vec<f64>,
    rank: usize,
    distance_whole: Vec<f64>,
    distance_ranked: Vec<f64>,
    shrinkage: f64,
    variances: Vec<f64>,
    fifth_neighbour: Vec<f64>,
    three_nearest: Vec<f64>,
    logits: Vec<f64>,
    energy: Vec<f64>,
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(got.len(), expected.len());
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() <= relative * b.abs().max(1e-3), "{a}, expected {b}");
    }
}

#[test]
fn distances_are_scikit_learns() {
    let f: Fixture = serde_json::from_str(include_str!("fixtures/outlier.json")).unwrap();
    let x = Table::new(f.features, f.columns).unwrap();
    let fresh = Table::new(f.fresh, f.columns).unwrap();
    close(&Pca::fit(&x, f.columns).unwrap().variances, &f.variances, 1e-9);
    for (rank, expected) in [(f.columns, &f.distance_whole), (f.rank, &f.distance_ranked)] {
        let fitted = FeatureDistance::fit(&x, &f.labels, 3, rank).unwrap();
        let kept: FeatureDistance = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
        assert_eq!(kept, fitted);
        let got: Vec<f64> = fresh.rows().map(|row| kept.distance(row).unwrap()).collect();
        // Directions are kept in single precision.
        close(&got, expected, 1e-4);
    }
    let neighbours = NeighbourDistance::fit(&x, 5, 1000, 0).unwrap();
    close(&fresh.rows().map(|r| neighbours.distance(r).unwrap()).collect::<Vec<_>>(), &f.fifth_neighbour, 1e-5);
    close(&nearest_distances(&x, 3).unwrap(), &f.three_nearest, 1e-9);
    let logits = Table::new(f.logits, 3).unwrap();
    close(&logits.rows().map(energy).collect::<Vec<_>>(), &f.energy, 1e-12);

    let pca = Pca::fit(&x, f.columns).unwrap();
    let places = pca.project_all(&x).unwrap();
    let mut centred = places.values().to_vec();
    for class in 0..3 {
        for c in 0..f.columns {
            let of_class: Vec<usize> = (0..x.len()).filter(|&i| f.labels[i] == class).collect();
            let mean = of_class.iter().map(|&i| places.row(i)[c]).sum::<f64>() / of_class.len() as f64;
            for i in of_class {
                centred[i * f.columns + c] -= mean;
            }
        }
    }
    close(&[ledoit_wolf(&Table::new(centred, f.columns).unwrap()).unwrap().shrinkage], &[f.shrinkage], 1e-9);
}

/// Deep features as they come: some directions vary widely, most hardly; `shift` moves the kind.
fn features(n: usize, d: usize, seed: u64, shift: f64) -> Table {
    let bell = |i: usize, j: usize| {
        (0..4).map(|t| picture_uniform(seed, ((i * 4096 + j) * 4 + t) as u64)).sum::<f64>() * 1.732 - 3.464
    };
    let values = (0..n).flat_map(|i| {
        let hidden: Vec<f64> = (0..8).map(|j| bell(i, d + j) * (8 - j) as f64).collect();
        (0..d)
            .map(|j| {
                (0..8).map(|h| hidden[h] * ((j * (h + 3)) as f64).sin()).sum::<f64>()
                    + bell(i, j)
                    + shift * ((j * j) as f64).cos()
            })
            .collect::<Vec<_>>()
    });
    Table::new(values.collect(), d).unwrap()
}

#[test]
fn another_kind_is_refused_and_the_own_kind_is_not() {
    // Wide enough for the subspace iteration.
    let (train, calibration, own) =
        (features(320, 270, 1, 0.0), features(300, 270, 2, 0.0), features(300, 270, 3, 0.0));
    let other = features(100, 270, 4, 0.8);
    let labels: Vec<usize> = (0..320).map(|i| i % 2).collect();
    let model = FeatureDistance::fit(&train, &labels, 2, 32).unwrap();
    let distances = |t: &Table| t.rows().map(|row| model.distance(row).unwrap()).collect::<Vec<_>>();
    let refusal = Refusal::fit(&distances(&calibration), 0.05).unwrap();
    let refused = |t: &Table| distances(t).iter().filter(|&&d| refusal.refuses(d)).count();
    assert!((3..=30).contains(&refused(&own)), "{} of 300 at a rate of 5 %", refused(&own));
    assert!(refused(&other) >= 95, "{} of 100", refused(&other));
    let scores: Vec<f64> = distances(&own).into_iter().chain(distances(&other)).collect();
    let auroc = roc_auc(Ranking::new(scores).groups(|p| p >= 300, &[1; 400])).unwrap();
    assert!(auroc > 0.98, "{auroc}");
    // The subspace iteration finds the directions that the exact way finds.
    let narrow = |t: &Table| Table::new(t.rows().take(250).flatten().copied().collect(), 270).unwrap();
    let (exact, iterated) = (Pca::fit(&narrow(&train), 8).unwrap(), Pca::fit(&train, 8).unwrap());
    assert!(exact.variances.iter().zip(&iterated.variances).all(|(a, b)| (a / b - 1.0).abs() < 0.25));
    let along: f64 = iterated.project_all(&train).unwrap().rows().map(|r| r[0] * r[0]).sum::<f64>() / 319.0;
    assert!((along / iterated.variances[0] - 1.0).abs() < 1e-9, "a variance is that of the places along its direction");
}

#[test]
fn too_few_pictures_refuse_nothing_but_what_has_no_distance() {
    let refusal = Refusal::fit(&[1.0; 10], 0.05).unwrap();
    assert_eq!(refusal.threshold, None);
    assert!(!refusal.refuses(1e9) && refusal.refuses(f64::NAN));
    assert!(Refusal::fit(&[1.0; 10], 0.0).is_err());
    assert!(FeatureDistance::fit(&Table::new(vec![1.0; 12], 3).unwrap(), &[0; 4], 1, 2).is_err());
}
