use serde::{Deserialize, Serialize};

use semio_stats::{Evaluation, Metric};

/// The figures that can decide which epoch is best. Losses are made small, all others large.
pub(crate) const MONITORS: [&str; 9] = [
    "val_loss",
    "val_accuracy",
    "val_balanced_accuracy",
    "val_roc_auc",
    "val_pr_auc",
    "val_f1",
    "val_kappa",
    "val_mcc",
    "train_loss",
];

/// One epoch's figures; one row of `history.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Counted from one.
    pub epoch: usize,
    /// Step size at the epoch's end.
    pub learning_rate: f64,
    /// Mean training loss over the epoch, as it was made small: with augmentation, dropout, weights and smoothing,
    /// without weight penalties.
    pub train_loss: f64,
    /// λ·Σw² at the epoch's end.
    pub penalty: f64,
    /// Share of training pictures that were right in passing, with augmentation and dropout.
    pub train_accuracy: f64,
    /// Mean cross-entropy on the validation part, without weights or smoothing.
    pub val_loss: Option<f64>,
    /// Share of validation pictures that are right, by the most probable class.
    pub val_accuracy: Option<f64>,
    /// Mean of the classes' recalls.
    pub val_balanced_accuracy: Option<f64>,
    /// Area under the ROC curve; macro over the classes.
    pub val_roc_auc: Option<f64>,
    /// Average precision; macro over the classes.
    pub val_pr_auc: Option<f64>,
    /// Macro F1.
    pub val_f1: Option<f64>,
    /// Cohen's κ.
    pub val_kappa: Option<f64>,
    /// Matthews' correlation.
    pub val_mcc: Option<f64>,
    /// Time that the epoch took.
    pub seconds: f64,
}

impl EpochRow {
    /// Fills in the validation figures.
    pub(crate) fn validated(&mut self, evaluation: &Evaluation) {
        let value = |metric: &Metric| metric.as_ref().ok().copied();
        let figures = &evaluation.overall;
        self.val_loss = value(&figures.log_loss);
        self.val_accuracy = value(&figures.accuracy);
        self.val_balanced_accuracy = value(&figures.balanced_accuracy);
        self.val_roc_auc = value(&figures.roc_auc);
        self.val_pr_auc = value(&figures.pr_auc);
        self.val_f1 = value(&figures.macro_average.f1);
        self.val_kappa = value(&figures.kappa);
        self.val_mcc = value(&figures.mcc);
    }

    /// The value of a monitored figure, turned so that larger is better.
    pub(crate) fn gain(&self, monitor: &str) -> Option<f64> {
        match monitor {
            "val_loss" => self.val_loss.map(|v| -v),
            "val_accuracy" => self.val_accuracy,
            "val_balanced_accuracy" => self.val_balanced_accuracy,
            "val_roc_auc" => self.val_roc_auc,
            "val_pr_auc" => self.val_pr_auc,
            "val_f1" => self.val_f1,
            "val_kappa" => self.val_kappa,
            "val_mcc" => self.val_mcc,
            _ => Some(-self.train_loss),
        }
    }
}

/// The rows as CSV, with a header; an undefined figure is an empty field.
pub fn history_csv(rows: &[EpochRow]) -> String {
    let mut writer = csv::Writer::from_writer(vec![]);
    let written = rows.iter().try_for_each(|row| writer.serialize(row));
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> EpochRow {
        EpochRow {
            epoch: 1,
            learning_rate: 0.001,
            train_loss: 1.5,
            penalty: 0.0,
            train_accuracy: 0.25,
            val_loss: Some(2.0),
            val_accuracy: Some(0.5),
            val_balanced_accuracy: None,
            val_roc_auc: None,
            val_pr_auc: None,
            val_f1: None,
            val_kappa: None,
            val_mcc: None,
            seconds: 3.25,
        }
    }

    #[test]
    fn csv_has_a_header_and_leaves_the_undefined_empty() {
        insta::assert_snapshot!(history_csv(&[row()]), @r"
        epoch,learning_rate,train_loss,penalty,train_accuracy,val_loss,val_accuracy,val_balanced_accuracy,val_roc_auc,val_pr_auc,val_f1,val_kappa,val_mcc,seconds
        1,0.001,1.5,0.0,0.25,2.0,0.5,,,,,,,3.25
        ");
    }

    #[test]
    fn every_monitor_has_a_direction() {
        assert_eq!(row().gain("val_loss"), Some(-2.0));
        assert_eq!(row().gain("val_accuracy"), Some(0.5));
        assert_eq!(row().gain("val_mcc"), None);
        assert_eq!(row().gain("train_loss"), Some(-1.5));
    }
}
