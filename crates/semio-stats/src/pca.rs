use nalgebra::{DMatrix, SymmetricEigen};
use serde::{Deserialize, Serialize};

use crate::random::Draws;
use crate::{InputError, Table};

/// Principal components: the directions in which rows differ most, at right angles (Hotelling 1933).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pca {
    /// The mean of every column.
    pub mean: Vec<f64>,
    /// Unit directions, the widest first; the largest entry of each is positive.
    pub components: Vec<Vec<f64>>,
    /// The variance along each direction.
    pub variances: Vec<f64>,
    /// The variance of all columns together.
    pub total_variance: f64,
}

/// Tables with more rows and columns than this are worked on by subspace iteration.
const EXACT: usize = 256;
/// Directions that are iterated beside those asked for.
const SPARE: usize = 16;
const ITERATIONS: usize = 12;
/// Directions with less than this share of the widest one's variance are rounding.
const NEGLIGIBLE: f64 = 1e-10;

impl Pca {
    /// Fits at most `rank` directions; fewer where the rows differ in fewer.
    ///
    /// Small tables are decomposed exactly. Large ones go through randomised subspace iteration (Halko, Martinsson and
    /// Tropp 2011, algorithm 4.4), the same on every run.
    ///
    /// # Errors
    /// Where there are fewer than two rows.
    pub fn fit(table: &Table, rank: usize) -> Result<Self, InputError> {
        let (n, d) = (table.len(), table.columns());
        if n < 2 {
            return Err(InputError::TooFew { what: "pictures", needed: 2, got: n });
        }
        let mut mean = vec![0.0; d];
        for row in table.rows() {
            for (m, v) in mean.iter_mut().zip(row) {
                *m += v / n as f64;
            }
        }
        // One column a picture: a row of the table lies in one piece.
        let x = DMatrix::from_fn(d, n, |c, r| table.values()[r * d + c] - mean[c]) / ((n - 1) as f64).sqrt();
        let total_variance = x.norm_squared();
        let rank = rank.min(d).min(n - 1);
        let basis = if d.min(n) <= EXACT { None } else { Some(subspace(&x, (rank + SPARE).min(d.min(n)))) };
        let (mut components, mut variances) = (vec![], vec![]);
        for (variance, direction) in directions(&x, basis.as_ref()).into_iter().take(rank) {
            if variance <= NEGLIGIBLE * total_variance {
                break;
            }
            variances.push(variance);
            components.push(signed(direction));
        }
        Ok(Self { mean, components, variances, total_variance })
    }

    /// The row's place along each direction.
    pub fn project(&self, row: &[f64]) -> Vec<f64> {
        self.components.iter().map(|c| c.iter().zip(row).zip(&self.mean).map(|((c, v), m)| c * (v - m)).sum()).collect()
    }

    /// Every row's places along the directions.
    ///
    /// # Errors
    /// Where all rows are alike, so that there is no direction, or the table has other columns.
    pub fn project_all(&self, table: &Table) -> Result<Table, InputError> {
        crate::table::check_length("columns", self.mean.len(), table.columns())?;
        Table::new(table.rows().flat_map(|row| self.project(row)).collect(), self.components.len())
    }
}

/// Variances and directions, the widest first; within the subspace that `basis` spans, if any.
fn directions(x: &DMatrix<f64>, basis: Option<&DMatrix<f64>>) -> Vec<(f64, Vec<f64>)> {
    let (d, n) = x.shape();
    let (small, back): (DMatrix<f64>, DMatrix<f64>) = match basis {
        Some(q) => {
            let inside = q.transpose() * x;
            (&inside * inside.transpose(), q.clone())
        }
        None if d <= n => (x * x.transpose(), DMatrix::identity(d, d)),
        None => (x.transpose() * x, x.clone()),
    };
    let eigen = SymmetricEigen::new(small);
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    order
        .into_iter()
        .map(|i| {
            let direction = &back * eigen.eigenvectors.column(i);
            let length = direction.norm().max(f64::MIN_POSITIVE);
            (eigen.eigenvalues[i].max(0.0), direction.iter().map(|v| v / length).collect())
        })
        .collect()
}

/// An orthonormal basis of nearly the widest directions.
fn subspace(x: &DMatrix<f64>, size: usize) -> DMatrix<f64> {
    let mut draws = Draws::new(0, 0);
    let start = DMatrix::from_fn(x.ncols(), size, |_, _| draws.normal());
    let mut q = (x * start).qr().q();
    for _ in 0..ITERATIONS {
        let other = (x.transpose() * &q).qr().q();
        q = (x * other).qr().q();
    }
    q
}

fn signed(mut direction: Vec<f64>) -> Vec<f64> {
    let largest = direction.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    if largest < 0.0 {
        for v in &mut direction {
            *v = -*v;
        }
    }
    direction
}
