use rayon::prelude::*;

use crate::outlier::squared_distance;
use crate::table::check_length;
use crate::{InputError, Table};

/// How much nearer each row is to its own cluster than to the next, from −1 to 1; 0 for a row alone in its cluster
/// (Rousseeuw, "Silhouettes", 1987). Takes time and not memory with the square of the rows.
///
/// # Errors
/// Where lengths differ or there are fewer than two clusters.
pub fn silhouettes(table: &Table, clusters: &[usize]) -> Result<Vec<f64>, InputError> {
    check_length("clusters", table.len(), clusters.len())?;
    let count = clusters.iter().max().map_or(0, |c| c + 1);
    let mut sizes = vec![0.0; count];
    for &cluster in clusters {
        sizes[cluster] += 1.0;
    }
    let got = sizes.iter().filter(|&&s| s > 0.0).count();
    if got < 2 {
        return Err(InputError::TooFew { what: "clusters", needed: 2, got });
    }
    let rows: Vec<&[f64]> = table.rows().collect();
    Ok((0..rows.len())
        .into_par_iter()
        .map(|i| {
            let own = clusters[i];
            if sizes[own] < 2.0 {
                return 0.0;
            }
            let mut sums = vec![0.0; count];
            for (row, &cluster) in rows.iter().zip(clusters) {
                sums[cluster] += squared_distance(rows[i], row).sqrt();
            }
            let inside = sums[own] / (sizes[own] - 1.0);
            let outside = (0..count)
                .filter(|&c| c != own && sizes[c] > 0.0)
                .map(|c| sums[c] / sizes[c])
                .fold(f64::INFINITY, f64::min);
            let larger = inside.max(outside);
            if larger > 0.0 { (outside - inside) / larger } else { 0.0 }
        })
        .collect())
}
