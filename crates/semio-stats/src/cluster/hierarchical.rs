use kodama::Method;
use serde::{Deserialize, Serialize};

use crate::outlier::squared_distance;
use crate::{InputError, Table};

/// How far two clusters are from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Linkage {
    /// By how much their union's inertia is larger (Ward 1963).
    #[default]
    Ward,
    /// The mean distance of their rows.
    Average,
}

/// Joins the two nearest clusters until `k` are left; gives each row's cluster, counted in order of appearance.
///
/// Takes memory with the square of the rows: 400 MB for 10,000.
///
/// # Errors
/// Where `k` is 0 or there are fewer rows than clusters.
pub fn hierarchical(table: &Table, k: usize, linkage: Linkage) -> Result<Vec<usize>, InputError> {
    let n = table.len();
    if k == 0 || n < k {
        return Err(InputError::TooFew { what: "pictures", needed: k.max(1), got: n });
    }
    let rows: Vec<&[f64]> = table.rows().collect();
    let mut distances: Vec<f64> = (0..n)
        .flat_map(|i| rows[i + 1..].iter().map(|row| squared_distance(rows[i], row).sqrt()).collect::<Vec<_>>())
        .collect();
    let method = match linkage {
        Linkage::Ward => Method::Ward,
        Linkage::Average => Method::Average,
    };
    // A cluster made by step s has the number n + s; every number points to the one that swallowed it.
    let mut into: Vec<usize> = (0..2 * n).collect();
    for (step, joined) in kodama::linkage(&mut distances, n, method).steps().iter().take(n - k).enumerate() {
        into[joined.cluster1] = n + step;
        into[joined.cluster2] = n + step;
    }
    let mut numbers = vec![usize::MAX; 2 * n];
    let mut next = 0;
    Ok((0..n)
        .map(|mut at| {
            while into[at] != at {
                at = into[at];
            }
            if numbers[at] == usize::MAX {
                numbers[at] = next;
                next += 1;
            }
            numbers[at]
        })
        .collect())
}
