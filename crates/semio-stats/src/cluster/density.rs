use hdbscan::{Hdbscan, HdbscanHyperParams};

use crate::{InputError, Table};

/// Clusters where rows lie densely (HDBSCAN; Campello, Moulavi and Sander 2013); a row between them has none.
///
/// `min_size`: rows that make a cluster.
///
/// # Errors
/// Where `min_size` is below 2 or above the rows.
pub fn density_clusters(table: &Table, min_size: usize) -> Result<Vec<Option<usize>>, InputError> {
    if min_size < 2 || min_size > table.len() {
        return Err(InputError::TooFew { what: "pictures", needed: min_size.max(2), got: table.len() });
    }
    let rows: Vec<Vec<f64>> = table.rows().map(<[f64]>::to_vec).collect();
    let settings = HdbscanHyperParams::builder().min_cluster_size(min_size).min_samples(min_size).build();
    // It refuses ragged or empty rows and values that are not finite, of which a table has none.
    let clusters = Hdbscan::new(&rows, settings).cluster().map_err(|_| InputError::Empty)?;
    Ok(clusters.into_iter().map(|c| usize::try_from(c).ok()).collect())
}
