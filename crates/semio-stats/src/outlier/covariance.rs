use nalgebra::DMatrix;

use crate::{InputError, Table};

/// A covariance that can be inverted although rows are few.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    /// Columns × columns.
    pub matrix: DMatrix<f64>,
    /// How far it was drawn towards equal, unrelated columns: 0 not at all, 1 wholly.
    pub shrinkage: f64,
}

/// The shrunk covariance of rows whose mean is 0 (Ledoit and Wolf, "A well-conditioned estimator for large-dimensional
/// covariance matrices", 2004).
///
/// # Errors
/// Where all values are 0.
pub fn ledoit_wolf(centred: &Table) -> Result<Covariance, InputError> {
    let (n, d) = (centred.len() as f64, centred.columns());
    let x = DMatrix::from_row_slice(centred.len(), d, centred.values());
    let sample = x.transpose() * &x / n;
    let mean_variance = sample.trace() / d as f64;
    if mean_variance <= 0.0 {
        return Err(InputError::TooFew { what: "different rows", needed: 2, got: 1 });
    }
    let target = DMatrix::identity(d, d) * mean_variance;
    let distance = (&sample - &target).norm_squared();
    // Σ ‖x xᵀ − S‖² = Σ ‖x‖⁴ − n ‖S‖²
    let fourth: f64 = centred.rows().map(|row| row.iter().map(|v| v * v).sum::<f64>().powi(2)).sum();
    let noise = ((fourth / n - sample.norm_squared()) / n).clamp(0.0, distance);
    let shrinkage = if distance > 0.0 { noise / distance } else { 0.0 };
    Ok(Covariance { matrix: sample * (1.0 - shrinkage) + target * shrinkage, shrinkage })
}
