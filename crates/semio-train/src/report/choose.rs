use std::collections::HashSet;

use semio_stats::Predictions;

/// Pictures worth showing, as rows of the predictions; none stands twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChosenExamples {
    /// Right, and typical: of each class in turn those whose confidence is nearest to the class's median.
    pub hits: Vec<usize>,
    /// Wrong: the most confident first.
    pub misses: Vec<usize>,
    /// The two most probable classes nearest to each other first, right or wrong.
    pub doubtful: Vec<usize>,
}

/// Chooses up to `count` pictures of each kind; equal ones in the order of the rows.
pub fn choose_examples(predictions: &Predictions, count: usize) -> ChosenExamples {
    let confidence = |row: usize| predictions.probabilities(row)[predictions.decided()[row]];
    let right = |row: &usize| predictions.truth()[*row] == predictions.decided()[*row];
    let mut by_confidence: Vec<usize> = (0..predictions.len()).collect();
    by_confidence.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)));
    let misses: Vec<usize> = by_confidence.iter().copied().filter(|row| !right(row)).take(count).collect();

    let mut hits: Vec<(usize, usize)> = Vec::new();
    for class in 0..predictions.classes().len() {
        let of_class = |row: &&usize| right(row) && predictions.truth()[**row] == class;
        let mut own: Vec<usize> = by_confidence.iter().filter(of_class).copied().collect();
        let Some(median) = own.get(own.len() / 2).map(|&row| confidence(row)) else { continue };
        let distance = |row: usize| (confidence(row) - median).abs();
        own.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        hits.extend(own.into_iter().take(count).enumerate());
    }
    hits.sort_by_key(|&(turn, row)| (turn, predictions.truth()[row]));
    let hits: Vec<usize> = hits.into_iter().map(|(_, row)| row).take(count).collect();

    let shown: HashSet<usize> = hits.iter().chain(&misses).copied().collect();
    let mut doubtful: Vec<(f64, usize)> =
        (0..predictions.len()).filter(|row| !shown.contains(row)).map(|row| (margin(predictions, row), row)).collect();
    doubtful.sort_by(|a, b| a.0.total_cmp(&b.0));
    ChosenExamples { hits, misses, doubtful: doubtful.into_iter().map(|(_, row)| row).take(count).collect() }
}

/// How far the most probable class is ahead of the next.
fn margin(predictions: &Predictions, row: usize) -> f64 {
    let (mut first, mut second) = (0.0, 0.0);
    for &p in predictions.probabilities(row) {
        if p > first {
            (first, second) = (p, first);
        } else if p > second {
            second = p;
        }
    }
    first - second
}
