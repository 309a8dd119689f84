//! Clusters beside scikit-learn's and SciPy's, suspects beside cleanlab's.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_stats::{
    Linkage, Table, best_k_means, density_clusters, hierarchical, k_means, label_agreement, label_suspects,
    silhouettes, tsne,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    columns: usize,
    table: Vec<f64>,
    labels: Vec<usize>,
    inertia: Vec<f64>,
    k_means_silhouette: Vec<f64>,
    best: usize,
    silhouettes: Vec<f64>,
    ward: Vec<usize>,
    average: Vec<usize>,
    density: Vec<i64>,
    density_agreement: Vec<f64>,
    ward_agreement: Vec<f64>,
    noisy: Noisy,
}

#[derive(Deserialize)]
struct Noisy {
    probabilities: Vec<f64>,
    labels: Vec<usize>,
    suspects: Vec<usize>,
}

fn fixture() -> (Fixture, Table) {
    let f: Fixture = serde_json::from_str(include_str!("fixtures/cluster.json")).unwrap();
    let table = Table::new(f.table.clone(), f.columns).unwrap();
    (f, table)
}

/// Numbers clusters in order of appearance.
fn renumbered<T: PartialEq + Copy>(clusters: &[T]) -> Vec<usize> {
    let mut seen = vec![];
    clusters
        .iter()
        .map(|c| {
            seen.iter().position(|s| s == c).unwrap_or_else(|| {
                seen.push(*c);
                seen.len() - 1
            })
        })
        .collect()
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], bound: f64) {
    assert_eq!(got.len(), expected.len());
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() <= bound * b.abs().max(1.0), "{a}, expected {b}");
    }
}

#[test]
fn k_means_is_as_good_as_scikit_learns() {
    let (f, table) = fixture();
    for (k, &expected) in (2..8).zip(&f.inertia) {
        let inertia = k_means(&table, k, 30, 1).unwrap().inertia;
        assert!(inertia <= expected * (1.0 + 1e-3), "{k}: {inertia}, expected {expected}");
    }
    let (best, tried) = best_k_means(&table, 7, 30, 1).unwrap();
    assert_eq!(best.centres.len(), f.best);
    let at_best = |all: &[(usize, f64)]| all.iter().find(|(k, _)| *k == f.best).unwrap().1;
    close(&[at_best(&tried)], &[f.k_means_silhouette[f.best - 2]], 1e-6);
    close(&silhouettes(&table, &f.labels).unwrap(), &f.silhouettes, 1e-9);
    assert_eq!(best, best_k_means(&table, 7, 30, 1).unwrap().0);
}

#[test]
fn trees_and_densities_are_those_of_scipy_and_scikit_learn() {
    let (f, table) = fixture();
    let ward = hierarchical(&table, 4, Linkage::Ward).unwrap();
    assert_eq!(renumbered(&ward), renumbered(&f.ward));
    assert_eq!(hierarchical(&table, 9, Linkage::Average).unwrap(), renumbered(&f.average));
    let ward: Vec<Option<usize>> = ward.into_iter().map(Some).collect();
    let agreement = label_agreement(&ward, &f.labels).unwrap();
    let three = |a: semio_stats::LabelAgreement| [a.purity, a.adjusted_rand, a.normalised_mutual_information];
    close(&three(agreement), &f.ward_agreement, 1e-9);
    let density = density_clusters(&table, 10).unwrap();
    let expected: Vec<Option<usize>> = f.density.iter().map(|&c| usize::try_from(c).ok()).collect();
    close(&three(label_agreement(&expected, &f.labels).unwrap()), &f.density_agreement, 1e-9);
    // The two programs number clusters and treat rows at the edge differently: nearly all rows agree.
    let same = label_agreement(&density, &renumbered(&expected)).unwrap();
    assert!(same.adjusted_rand > 0.95, "{same:?}");
}

#[test]
fn suspects_are_cleanlabs() {
    let noisy = fixture().0.noisy;
    let p = Table::new(noisy.probabilities, 3).unwrap();
    let suspects = label_suspects(&p, &noisy.labels).unwrap();
    assert_eq!(suspects.iter().map(|s| s.picture).collect::<Vec<_>>(), noisy.suspects);
    assert!(
        suspects.iter().all(|s| s.suggested_probability > s.given_probability && s.given == noisy.labels[s.picture])
    );
}

#[test]
fn the_plane_keeps_clusters_apart_and_is_the_seeds() {
    let (f, table) = fixture();
    let plane = tsne(&table, 400, 3).unwrap();
    assert_eq!(plane, tsne(&table, 400, 3).unwrap());
    let flat = Table::new(plane[..180].iter().flatten().copied().collect(), 2).unwrap();
    let mean = |t: &Table| silhouettes(t, &f.labels[..180]).unwrap().iter().sum::<f64>() / 180.0;
    assert!(mean(&flat) > 0.4, "{}", mean(&flat));
    assert!(tsne(&Table::new(vec![1.0; 18], 2).unwrap(), 50, 0).is_ok(), "rows that are all alike");
}
