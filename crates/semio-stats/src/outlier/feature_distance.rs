use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::ledoit_wolf;
use crate::table::{check_labels, check_length};
use crate::{InputError, Pca, Table};

/// How far a picture's features lie from those of every class (Lee et al., "A simple unified framework for detecting
/// out-of-distribution samples", 2018).
///
/// Squared Mahalanobis distance to the nearest class mean along the principal directions, with one shrunk covariance for
/// all classes, plus what the directions leave over, measured by its usual size: a picture of another kind often shows
/// where the training pictures do not vary at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureDistance {
    /// Mean of the features: d.
    mean: Vec<f32>,
    /// Principal directions: rank × d, row by row.
    directions: Vec<f32>,
    rank: usize,
    /// From places along the directions to whitened ones: rank × rank, lower triangle with its diagonal, row by row.
    whitening: Vec<f64>,
    /// Whitened class means: one list a class; none for a class without pictures.
    means: Vec<Option<Vec<f64>>>,
    /// Variance along each direction that was left out.
    residual_variance: f64,
}

/// A residual is not measured more finely than this share of the variance along a kept direction.
const LEAST_RESIDUAL: f64 = 1e-6;

impl FeatureDistance {
    /// Fits on the features of training pictures.
    ///
    /// # Shapes
    /// `features`: pictures × d; `labels`: one a picture; `rank`: directions kept, 64 to 128 for deep features.
    ///
    /// # Errors
    /// Where a label names no class, or all pictures have the same features.
    pub fn fit(features: &Table, labels: &[usize], classes: usize, rank: usize) -> Result<Self, InputError> {
        check_labels(labels, features.len(), classes)?;
        let pca = Pca::fit(features, rank)?;
        let places = pca.project_all(features)?;
        let rank = places.columns();
        let means = class_means(&places, labels, classes);
        let centred = places
            .rows()
            .zip(labels)
            .flat_map(|(row, &label)| row.iter().zip(&means[label].1).map(|(v, m)| v - m).collect::<Vec<_>>())
            .collect();
        let covariance = ledoit_wolf(&Table::new(centred, rank)?)?.matrix;
        let mean_variance = covariance.trace() / rank as f64;
        let left = pca.total_variance - pca.variances.iter().sum::<f64>();
        let residual_variance = left / (features.columns() - rank).max(1) as f64;
        let root = covariance.cholesky().and_then(|c| c.l().try_inverse()).ok_or(InputError::TooFew {
            what: "different rows",
            needed: 2,
            got: 1,
        })?;
        let whiten = |place: &[f64]| (&root * DVector::from_column_slice(place)).as_slice().to_vec();
        Ok(Self {
            means: means.iter().map(|(count, m)| (*count > 0).then(|| whiten(m))).collect(),
            whitening: lower(&root),
            rank,
            residual_variance: residual_variance.max(LEAST_RESIDUAL * mean_variance),
            mean: pca.mean.iter().map(|&v| v as f32).collect(),
            directions: pca.components.iter().flatten().map(|&v| v as f32).collect(),
        })
    }

    /// The squared distance to the nearest class: about as large as there are features for a picture of the kind.
    ///
    /// # Errors
    /// Where the features are not as many as those fitted on.
    pub fn distance(&self, features: &[f64]) -> Result<f64, InputError> {
        check_length("features", self.mean.len(), features.len())?;
        let shifted: Vec<f64> = features.iter().zip(&self.mean).map(|(v, &m)| v - f64::from(m)).collect();
        let places: Vec<f64> = (self.directions.chunks_exact(shifted.len()))
            .map(|direction| direction.iter().zip(&shifted).map(|(&c, v)| f64::from(c) * v).sum())
            .collect();
        // Taken off entry by entry: a difference of two squared lengths would show the directions' rounding.
        let mut left = shifted;
        for (direction, place) in self.directions.chunks_exact(left.len()).zip(&places) {
            for (l, &c) in left.iter_mut().zip(direction) {
                *l -= place * f64::from(c);
            }
        }
        let residual: f64 = left.iter().map(|l| l * l).sum();
        let whitened: Vec<f64> = (0..self.rank)
            .map(|i| self.whitening[i * (i + 1) / 2..].iter().zip(&places[..=i]).map(|(w, p)| w * p).sum())
            .collect();
        let nearest = (self.means.iter().flatten())
            .map(|mean| mean.iter().zip(&whitened).map(|(m, w)| (m - w).powi(2)).sum::<f64>())
            .fold(f64::INFINITY, f64::min);
        Ok(nearest + residual / self.residual_variance)
    }
}

fn class_means(places: &Table, labels: &[usize], classes: usize) -> Vec<(usize, Vec<f64>)> {
    let mut means = vec![(0, vec![0.0; places.columns()]); classes];
    for (row, &label) in places.rows().zip(labels) {
        means[label].0 += 1;
        for (m, v) in means[label].1.iter_mut().zip(row) {
            *m += v;
        }
    }
    for (count, mean) in means.iter_mut().filter(|m| m.0 > 0) {
        for m in mean {
            *m /= *count as f64;
        }
    }
    means
}

fn lower(matrix: &DMatrix<f64>) -> Vec<f64> {
    (0..matrix.nrows()).flat_map(|i| (0..=i).map(move |j| matrix[(i, j)])).collect()
}
