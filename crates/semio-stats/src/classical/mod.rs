//! Classifiers of tables: features of a network, or statistics of pictures.

mod forest;
mod lbfgs;
mod logistic;
mod tree;

use serde::{Deserialize, Serialize};

pub use forest::{Forest, ForestSettings};
pub use logistic::{Logistic, LogisticSettings};

use crate::InputError;

/// A fitted classifier of tables, as a bundle keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Classical {
    /// A random forest.
    Forest(Forest),
    /// Multinomial logistic regression.
    Logistic(Logistic),
}

impl Classical {
    /// The probabilities of one row, one for each class.
    ///
    /// # Errors
    /// Where the row has not as many columns as the table fitted on.
    pub fn probabilities(&self, row: &[f64]) -> Result<Vec<f64>, InputError> {
        match self {
            Self::Forest(forest) => forest.probabilities(row),
            Self::Logistic(logistic) => logistic.probabilities(row),
        }
    }
}

/// The weight of a picture of each class: 1, or such that all classes weigh alike (n / (classes · n of the class)).
fn class_weights(labels: &[usize], classes: usize, balanced: bool) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    for &label in labels {
        counts[label] += 1;
    }
    let present = counts.iter().filter(|&&c| c > 0).count() as f64;
    let weight =
        |&count: &usize| if balanced && count > 0 { labels.len() as f64 / (present * count as f64) } else { 1.0 };
    counts.iter().map(weight).collect()
}
