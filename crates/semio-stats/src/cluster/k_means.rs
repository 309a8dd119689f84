use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::silhouettes;
use crate::outlier::squared_distance;
use crate::random::Draws;
use crate::{InputError, Table};

/// Clusters around means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KMeans {
    /// The cluster of each row.
    pub clusters: Vec<usize>,
    /// The mean of each cluster.
    pub centres: Vec<Vec<f64>>,
    /// The sum of the rows' squared distances to their centres.
    pub inertia: f64,
}

const MOST_ROUNDS: usize = 300;

/// The best of several starts (Lloyd 1982; starts drawn by k-means++, Arthur and Vassilvitskii 2007).
///
/// # Errors
/// Where `k` or `restarts` is 0, or there are fewer rows than clusters.
pub fn k_means(table: &Table, k: usize, restarts: usize, seed: u64) -> Result<KMeans, InputError> {
    if k == 0 || table.len() < k {
        return Err(InputError::TooFew { what: "pictures", needed: k.max(1), got: table.len() });
    }
    let runs: Vec<KMeans> = (0..restarts as u64)
        .into_par_iter()
        .map(|run| lloyd(table, first_centres(table, k, &mut Draws::new(seed, run))))
        .collect();
    let least = runs.into_iter().min_by(|a, b| a.inertia.total_cmp(&b.inertia));
    least.ok_or(InputError::Setting { what: "restarts", value: 0.0, expected: "at least 1" })
}

/// The clusters whose mean silhouette is largest, among numbers of clusters from 2 to `most`; also the silhouette of each
/// number.
///
/// # Errors
/// As [`k_means`]; also where there are fewer than three rows or `most` is below 2.
pub fn best_k_means(
    table: &Table,
    most: usize,
    restarts: usize,
    seed: u64,
) -> Result<(KMeans, Vec<(usize, f64)>), InputError> {
    let mut best: Option<(f64, KMeans)> = None;
    let mut tried = vec![];
    for k in 2..=most.min(table.len().saturating_sub(1)) {
        let found = k_means(table, k, restarts, seed)?;
        let each = silhouettes(table, &found.clusters)?;
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        tried.push((k, mean));
        if best.as_ref().is_none_or(|(least, _)| mean > *least) {
            best = Some((mean, found));
        }
    }
    let (_, best) = best.ok_or(InputError::TooFew { what: "pictures", needed: 3, got: table.len().min(most) })?;
    Ok((best, tried))
}

/// Rows drawn by the square of their distance to those drawn before.
fn first_centres(table: &Table, k: usize, draws: &mut Draws) -> Vec<Vec<f64>> {
    let mut centres = vec![table.row(draws.below(table.len())).to_vec()];
    let mut nearest = vec![f64::INFINITY; table.len()];
    while centres.len() < k {
        let last = &centres[centres.len() - 1];
        for (near, row) in nearest.iter_mut().zip(table.rows()) {
            *near = near.min(squared_distance(row, last));
        }
        let mut left = draws.unit() * nearest.iter().sum::<f64>();
        let drawn = nearest.iter().position(|&d| {
            left -= d;
            left < 0.0
        });
        // Where all rows are centres already, any will do.
        let drawn = drawn.unwrap_or_else(|| draws.below(table.len()));
        centres.push(table.row(drawn).to_vec());
    }
    centres
}

fn lloyd(table: &Table, mut centres: Vec<Vec<f64>>) -> KMeans {
    let mut clusters = vec![usize::MAX; table.len()];
    let mut inertia = 0.0;
    for _ in 0..MOST_ROUNDS {
        let mut changed = false;
        inertia = 0.0;
        for (cluster, row) in clusters.iter_mut().zip(table.rows()) {
            let distances = centres.iter().map(|c| squared_distance(row, c)).enumerate();
            let (nearest, distance) = distances.fold((0, f64::INFINITY), |a, b| if b.1 < a.1 { b } else { a });
            changed |= *cluster != nearest;
            *cluster = nearest;
            inertia += distance;
        }
        if !changed {
            break;
        }
        move_centres(table, &clusters, &mut centres);
    }
    KMeans { clusters, centres, inertia }
}

/// A centre without rows stays where it is.
fn move_centres(table: &Table, clusters: &[usize], centres: &mut [Vec<f64>]) {
    let mut sums = vec![(0.0, vec![0.0; table.columns()]); centres.len()];
    for (&cluster, row) in clusters.iter().zip(table.rows()) {
        sums[cluster].0 += 1.0;
        for (sum, v) in sums[cluster].1.iter_mut().zip(row) {
            *sum += v;
        }
    }
    for (centre, (count, sum)) in centres.iter_mut().zip(sums).filter(|(_, (count, _))| *count > 0.0) {
        *centre = sum.into_iter().map(|s| s / count).collect();
    }
}
