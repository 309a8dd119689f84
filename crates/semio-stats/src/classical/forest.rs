use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::class_weights;
use super::tree::{Bins, Growth, Tree};
use crate::calibration::likeliest;
use crate::random::Draws;
use crate::table::{check_labels, check_length};
use crate::undefined::number_or_reason;
use crate::{InputError, Metric, Table, Undefined};

/// How a forest is grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForestSettings {
    /// Trees.
    pub trees: usize,
    /// Splits above a leaf at most; none means as many as it takes.
    pub max_depth: Option<usize>,
    /// Pictures that a leaf needs.
    pub min_leaf: usize,
    /// Columns looked at for a split; none means the square root of all.
    pub features: Option<usize>,
    /// Whether all classes weigh alike, however many pictures they have.
    pub balanced: bool,
    /// Decides which pictures and columns each tree sees.
    pub seed: u64,
}

impl Default for ForestSettings {
    fn default() -> Self {
        Self { trees: 300, max_depth: None, min_leaf: 1, features: None, balanced: false, seed: 0 }
    }
}

/// A random forest (Breiman, "Random forests", 2001): the mean of the shares that many trees give, each grown on a
/// bootstrap sample of the pictures with a few columns drawn for each split (Gini impurity).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    classes: usize,
    columns: usize,
    trees: Vec<Tree>,
    /// The accuracy on pictures of those trees that did not see them.
    #[serde(with = "number_or_reason")]
    pub out_of_bag_accuracy: Metric,
    /// How much of the impurity each column took away; they sum to 1 unless no split was made.
    pub importances: Vec<f64>,
}

impl Forest {
    /// Grows the trees, on all threads; what grows hangs on the seed alone.
    ///
    /// # Shapes
    /// `table`: pictures × columns; `labels`: one a picture.
    ///
    /// # Errors
    /// Where a label names no class, or there is to be no tree, no column or no picture in a leaf.
    pub fn fit(table: &Table, labels: &[usize], classes: usize, settings: &ForestSettings) -> Result<Self, InputError> {
        check_labels(labels, table.len(), classes)?;
        let columns = table.columns();
        let features = settings.features.unwrap_or((columns as f64).sqrt() as usize).min(columns);
        for (what, value) in [("trees", settings.trees), ("min_leaf", settings.min_leaf), ("features", features)] {
            if value == 0 {
                return Err(InputError::Setting { what, value: 0.0, expected: "at least 1" });
            }
        }
        let bins = Bins::new(table);
        let weights = class_weights(labels, classes, settings.balanced);
        let growth = Growth { bins: &bins, labels, weights: &weights, features, settings };
        let grown: Vec<(Tree, Vec<u32>, Vec<f64>)> = (0..settings.trees as u64)
            .into_par_iter()
            .map(|number| {
                let mut draws = Draws::new(settings.seed, number);
                let mut counts = vec![0u32; labels.len()];
                for _ in labels {
                    counts[draws.below(labels.len())] += 1;
                }
                let (tree, importances) = growth.grow(&counts, &mut draws);
                (tree, counts, importances)
            })
            .collect();
        let mut importances = vec![0.0; columns];
        for (_, _, of_tree) in &grown {
            for (sum, i) in importances.iter_mut().zip(of_tree) {
                *sum += i / of_tree.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            }
        }
        let total = importances.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        for share in &mut importances {
            *share /= total;
        }
        let out_of_bag_accuracy = out_of_bag(table, labels, classes, &grown);
        let trees = grown.into_iter().map(|(tree, ..)| tree).collect();
        Ok(Self { classes, columns, trees, out_of_bag_accuracy, importances })
    }

    /// The probabilities of one row, one for each class.
    ///
    /// # Errors
    /// Where the row has not as many columns as the table fitted on.
    pub fn probabilities(&self, row: &[f64]) -> Result<Vec<f64>, InputError> {
        check_length("columns", self.columns, row.len())?;
        let mut sum = vec![0.0; self.classes];
        for tree in &self.trees {
            add(&mut sum, tree.shares(row));
        }
        let total: f64 = sum.iter().sum();
        Ok(sum.into_iter().map(|s| s / total).collect())
    }
}

fn add(sum: &mut [f64], shares: &[f32]) {
    for (sum, &share) in sum.iter_mut().zip(shares) {
        *sum += f64::from(share);
    }
}

fn out_of_bag(table: &Table, labels: &[usize], classes: usize, grown: &[(Tree, Vec<u32>, Vec<f64>)]) -> Metric {
    let rows: Vec<&[f64]> = table.rows().collect();
    let judged: Vec<Option<bool>> = (0..rows.len())
        .into_par_iter()
        .map(|i| {
            let mut sum = vec![0.0; classes];
            for (tree, ..) in grown.iter().filter(|(_, counts, _)| counts[i] == 0) {
                add(&mut sum, tree.shares(rows[i]));
            }
            sum.iter().any(|&s| s > 0.0).then(|| likeliest(&sum) == labels[i])
        })
        .collect();
    let seen = judged.iter().flatten().count();
    let right = judged.iter().flatten().filter(|&&right| right).count();
    if seen == 0 { Err(Undefined::NoPredictions) } else { Ok(right as f64 / seen as f64) }
}
