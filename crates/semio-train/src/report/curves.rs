use semio_stats::{Judge, PrecisionRecallPoint, Predictions, RocPoint, Undefined};

/// The curves of one class against the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassCurves {
    /// The class.
    pub class: String,
    /// From (0, 0) to (1, 1).
    pub roc: Result<Vec<RocPoint>, Undefined>,
    /// Recall rising.
    pub precision_recall: Result<Vec<PrecisionRecallPoint>, Undefined>,
}

impl ClassCurves {
    /// Computes the curves of every class.
    pub fn of(predictions: &Predictions) -> Vec<Self> {
        let judge = Judge::new(predictions);
        let classes = predictions.classes().iter().enumerate();
        classes
            .map(|(class, name)| Self {
                class: name.clone(),
                roc: judge.roc_curve(class),
                precision_recall: judge.precision_recall_curve(class),
            })
            .collect()
    }
}
