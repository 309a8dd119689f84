use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::InputError;
use crate::table::check_length;

/// How far clusters and labels agree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelAgreement {
    /// The share of pictures that are of their cluster's most frequent class; it rises with the number of clusters.
    pub purity: f64,
    /// Rand's index, adjusted for chance (Hubert and Arabie 1985): 0 by chance, 1 the same.
    pub adjusted_rand: f64,
    /// Mutual information over the mean of both entropies, 0 to 1.
    pub normalised_mutual_information: f64,
}

/// Compares clusters with labels; pictures without a cluster count as one more.
///
/// # Errors
/// Where there is no picture or lengths differ.
pub fn label_agreement(clusters: &[Option<usize>], labels: &[usize]) -> Result<LabelAgreement, InputError> {
    check_length("labels", clusters.len(), labels.len())?;
    if labels.is_empty() {
        return Err(InputError::Empty);
    }
    let mut table: BTreeMap<Option<usize>, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut of_label: BTreeMap<usize, u64> = BTreeMap::new();
    for (&cluster, &label) in clusters.iter().zip(labels) {
        *table.entry(cluster).or_default().entry(label).or_default() += 1;
        *of_label.entry(label).or_default() += 1;
    }
    let of_cluster: Vec<u64> = table.values().map(|row| row.values().sum()).collect();
    let of_label: Vec<u64> = of_label.into_values().collect();
    let cells: Vec<u64> = table.values().flat_map(|row| row.values().copied()).collect();
    let purest: u64 = table.values().filter_map(|row| row.values().max()).sum();
    let n = labels.len() as f64;
    Ok(LabelAgreement {
        purity: purest as f64 / n,
        adjusted_rand: adjusted_rand(&cells, &of_cluster, &of_label, n),
        normalised_mutual_information: mutual_information(&cells, &of_cluster, &of_label, n),
    })
}

fn adjusted_rand(cells: &[u64], of_cluster: &[u64], of_label: &[u64], n: f64) -> f64 {
    let pairs = |counts: &[u64]| counts.iter().map(|&c| c as f64 * (c as f64 - 1.0) / 2.0).sum::<f64>();
    let (both, one, other) = (pairs(cells), pairs(of_cluster), pairs(of_label));
    let all = n * (n - 1.0) / 2.0;
    let by_chance = if all > 0.0 { one * other / all } else { 0.0 };
    let most = f64::midpoint(one, other);
    // Both put everything together, or both nothing.
    if (most - by_chance).abs() < 1e-12 { 1.0 } else { (both - by_chance) / (most - by_chance) }
}

fn mutual_information(cells: &[u64], of_cluster: &[u64], of_label: &[u64], n: f64) -> f64 {
    let entropy = |counts: &[u64]| -counts.iter().map(|&c| c as f64 / n * (c as f64 / n).ln()).sum::<f64>();
    let (one, other, both) = (entropy(of_cluster), entropy(of_label), entropy(cells));
    let mean = f64::midpoint(one, other);
    if mean <= 0.0 { 1.0 } else { ((one + other - both) / mean).clamp(0.0, 1.0) }
}
