use std::time::Instant;

use semio_model::Predictor;
use semio_stats::{Classical, Forest, ForestSettings, InputError, Logistic, LogisticSettings, Table, evaluate};

use crate::{
    calibrate::see,
    history::EpochRow,
    inference::{JudgeError, judge_pictures},
    loader::Picture,
    recipe::{Classifier, Recipe},
};

/// Why a classical method cannot decide.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassicalError {
    /// The features cannot be used.
    #[error("cannot fit the classifier: {0}")]
    Fit(#[from] InputError),
    /// The result cannot be judged.
    #[error(transparent)]
    Judge(#[from] JudgeError),
}

/// Lets a random forest or a logistic regression decide on the network's features and the picture's appearance.
///
/// Gives one row of history: a classical method has no epochs.
pub(crate) fn decide_by_features(
    predictor: &mut Predictor,
    recipe: &Recipe,
    train: &[Picture],
    val: &[Picture],
    threads: usize,
    batch: usize,
) -> Result<EpochRow, ClassicalError> {
    let started = Instant::now();
    let all: Vec<&Picture> = train.iter().collect();
    let seen = see(predictor, &all, threads, batch);
    let columns = seen.sights.first().map_or(0, |s| s.row().len());
    let table = Table::new(seen.sights.iter().flat_map(semio_model::Sight::row).collect(), columns)?;
    let (labels, classes) = (&seen.labels, predictor.manifest().classes.len());
    let balanced = recipe.class_weights == "balanced";
    let classifier = if recipe.classifier == Classifier::RandomForest {
        let settings = ForestSettings { balanced, seed: recipe.seed, ..ForestSettings::default() };
        Classical::Forest(Forest::fit(&table, labels, classes, &settings)?)
    } else {
        let settings = LogisticSettings { balanced, ..LogisticSettings::default() };
        Classical::Logistic(Logistic::fit(&table, labels, classes, &settings)?)
    };
    let (mut loss, mut right) = (0.0, 0usize);
    for (row, &label) in table.rows().zip(labels) {
        let p = classifier.probabilities(row)?;
        loss -= p[label].max(f64::EPSILON).ln();
        right += usize::from(p.iter().all(|other| *other <= p[label]));
    }
    let n = labels.len() as f64;
    predictor.set_classifier(classifier);
    let judged = judge_pictures(predictor, val, threads, batch, |_| ())?;
    let mut row = EpochRow {
        epoch: 1,
        learning_rate: 0.0,
        train_loss: loss / n,
        penalty: 0.0,
        train_accuracy: right as f64 / n,
        val_loss: None,
        val_accuracy: None,
        val_balanced_accuracy: None,
        val_roc_auc: None,
        val_pr_auc: None,
        val_f1: None,
        val_kappa: None,
        val_mcc: None,
        seconds: started.elapsed().as_secs_f64(),
    };
    row.validated(&evaluate(&judged.predictions));
    Ok(row)
}
