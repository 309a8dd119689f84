use bhtsne::{Neighbor, tSNE};

use crate::outlier::nearest;
use crate::random::Draws;
use crate::{InputError, Pca, Table};

const PERPLEXITY: f32 = 30.0;
/// How coarsely far points are put together (Barnes and Hut).
const THETA: f32 = 0.5;

/// Places in a plane at which near rows stay near (t-SNE; van der Maaten and Hinton 2008, Barnes–Hut form of 2014).
///
/// Starts from the first two principal components with a little noise, so that the plane shows the large order too, and
/// computes on one thread: the same seed gives the same plane. Distances between clusters mean little.
///
/// # Shapes
/// Rows × columns, at best some 50 principal components, to rows × 2.
///
/// # Errors
/// Where there are fewer than eight rows.
pub fn tsne(table: &Table, epochs: usize, seed: u64) -> Result<Vec<[f64; 2]>, InputError> {
    let n = table.len();
    if n < 8 {
        return Err(InputError::TooFew { what: "pictures", needed: 8, got: n });
    }
    let start = start(table, seed)?;
    // Less than a third of the others, which is what the library asks for.
    let perplexity = PERPLEXITY.min((n - 1) as f32 / 3.0 - 1.0).max(1.0);
    let neighbours: Vec<Vec<Neighbor<f32>>> = nearest(table, (3.0 * perplexity) as usize)
        .into_iter()
        .map(|row| row.into_iter().map(|(index, d)| Neighbor { index, distance: d as f32 }).collect())
        .collect();
    let fit = || {
        // With neighbours at hand it looks only at the number of rows.
        let rows = vec![(); n];
        let mut tsne: tSNE<f32, ()> = tSNE::new(&rows);
        tsne.perplexity(perplexity).epochs(epochs).initial_embedding(start.clone());
        tsne.barnes_hut_with_neighbors(THETA, &neighbours);
        tsne.embedding()
    };
    // Sums in another order grow into another plane; where no pool can be made, it is drawn on the common one.
    let places = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(fit),
        Err(_) => fit(),
    };
    Ok(places.chunks_exact(2).map(|p| [f64::from(p[0]), f64::from(p[1])]).collect())
}

fn start(table: &Table, seed: u64) -> Result<Vec<f32>, InputError> {
    let pca = Pca::fit(table, 2)?;
    let scale = 1e-4 / pca.variances.first().copied().unwrap_or(1.0).sqrt();
    let mut draws = Draws::new(seed, 0);
    let mut start = vec![];
    for row in table.rows() {
        let places = pca.project(row);
        for axis in 0..2 {
            let place = places.get(axis).copied().unwrap_or(0.0);
            start.push((scale * place + 1e-6 * draws.normal()) as f32);
        }
    }
    Ok(start)
}
