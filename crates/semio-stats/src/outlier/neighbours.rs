use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::random::Draws;
use crate::table::check_length;
use crate::{InputError, Table};

/// How far a picture lies from its k-th nearest training picture, by the angle between their features (Sun et al.,
/// "Out-of-distribution detection with deep nearest neighbors", 2022).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeighbourDistance {
    k: usize,
    columns: usize,
    /// Rows of length 1.
    rows: Vec<f32>,
}

impl NeighbourDistance {
    /// Keeps the features of at most `limit` training pictures, drawn by the seed.
    ///
    /// # Errors
    /// Where `k` is 0 or more than the pictures kept.
    pub fn fit(features: &Table, k: usize, limit: usize, seed: u64) -> Result<Self, InputError> {
        let mut order: Vec<usize> = (0..features.len()).collect();
        if limit < order.len() {
            Draws::new(seed, 0).shuffle(&mut order);
            order.truncate(limit);
            order.sort_unstable();
        }
        if k == 0 || k > order.len() {
            return Err(InputError::TooFew { what: "pictures", needed: k.max(1), got: order.len() });
        }
        let columns = features.columns();
        let row = |&i: &usize| unit(&features.values()[i * columns..(i + 1) * columns]);
        let rows = order.iter().flat_map(row).map(|v| v as f32).collect();
        Ok(Self { k, columns, rows })
    }

    /// The distance to the k-th nearest, from 0 to 2.
    ///
    /// # Errors
    /// Where the features are not as many as those fitted on.
    pub fn distance(&self, features: &[f64]) -> Result<f64, InputError> {
        check_length("features", self.columns, features.len())?;
        let here = unit(features);
        let mut squares: Vec<f64> = (self.rows.chunks_exact(self.columns))
            .map(|row| row.iter().zip(&here).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum())
            .collect();
        let (_, kth, _) = squares.select_nth_unstable_by(self.k - 1, f64::total_cmp);
        Ok(kth.sqrt())
    }
}

/// For every row the mean distance to its `k` nearest others: large where a picture stands alone.
///
/// # Errors
/// Where there are not more than `k` rows, or `k` is 0.
pub fn nearest_distances(features: &Table, k: usize) -> Result<Vec<f64>, InputError> {
    if k == 0 || k >= features.len() {
        return Err(InputError::TooFew { what: "pictures", needed: k.max(1) + 1, got: features.len() });
    }
    let nearest = nearest(features, k);
    Ok(nearest.into_iter().map(|row| row.into_iter().map(|(_, d)| d).sum::<f64>() / k as f64).collect())
}

/// For every row its `k` nearest others and their distances, the nearest first.
pub(crate) fn nearest(table: &Table, k: usize) -> Vec<Vec<(usize, f64)>> {
    let rows: Vec<&[f64]> = table.rows().collect();
    let of_row = |i: usize| {
        let mut others: Vec<(usize, f64)> =
            (0..rows.len()).filter(|&j| j != i).map(|j| (j, squared_distance(rows[i], rows[j]))).collect();
        // The place decides between equal distances, so that the answer is one.
        let nearer = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
        if k < others.len() {
            others.select_nth_unstable_by(k, nearer);
            others.truncate(k);
        }
        others.sort_unstable_by(nearer);
        others.into_iter().map(|(j, d)| (j, d.sqrt())).collect()
    };
    (0..rows.len()).into_par_iter().map(of_row).collect()
}

pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

fn unit(row: &[f64]) -> Vec<f64> {
    let length = row.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    row.iter().map(|v| v / length).collect()
}
