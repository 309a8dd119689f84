use crate::{
    Averages, ClassFigures, ConfusionMatrix, Figures, Metric, MicroAverages, PrecisionRecallPoint, Predictions,
    Ranking, RocPoint, TieGroup, Undefined, average_precision, kappa, log_loss, mcc, picture_log_loss,
    precision_recall_curve, roc_auc, roc_curve,
};

/// Predictions made ready to be judged many times over: sorted once, then counted under any weights.
///
/// A weight says how often a picture counts: 1 for all, 0 to leave one out, or a bootstrap sample's multiplicities.
#[derive(Clone, Debug)]
pub struct Judge<'a> {
    predictions: &'a Predictions,
    rankings: Vec<Ranking>,
    losses: Vec<f64>,
}

impl<'a> Judge<'a> {
    /// Sorts the pictures by each class's probability: O(classes · n log n).
    pub fn new(predictions: &'a Predictions) -> Self {
        let classes = predictions.classes().len();
        let losses = (predictions.truth().iter().enumerate())
            .map(|(picture, &class)| picture_log_loss(predictions.probabilities(picture)[class]))
            .collect();
        Self { predictions, rankings: (0..classes).map(|c| Ranking::new(predictions.scores(c))).collect(), losses }
    }

    /// Weights under which every picture counts once.
    pub fn all(&self) -> Vec<u32> {
        vec![1; self.predictions.len()]
    }

    /// Weights under which the answered pictures count once.
    pub fn answered(&self) -> Vec<u32> {
        self.predictions.answered().iter().map(|&a| u32::from(a)).collect()
    }

    /// Every metric under the weights: O(classes · n).
    ///
    /// # Shapes
    /// One weight a picture; a picture beyond the last weight counts 0 times.
    pub fn figures(&self, weights: &[u32]) -> Figures<Metric> {
        let names = self.predictions.classes();
        let pairs = self.predictions.truth().iter().zip(self.predictions.decided()).zip(weights);
        let matrix = ConfusionMatrix::new(names.len(), pairs.map(|((&t, &d), &w)| (t, d, w)));
        let counts = matrix.one_against_rest();
        let classes: Vec<ClassFigures<Metric>> = counts
            .iter()
            .enumerate()
            .map(|(class, &counts)| {
                let groups: Vec<TieGroup> = self.groups(class, weights).collect();
                ClassFigures::new(counts, roc_auc(groups.iter().copied()), average_precision(groups.iter().copied()))
            })
            .collect();
        let macro_average = match matrix.total() {
            0 => Averages::new(&[], |_| 1),
            _ => Averages::new(&classes, |_| 1),
        };
        let (roc, precision_recall) = match classes.as_slice() {
            [_, second] => {
                let reason = if matrix.total() == 0 { Undefined::NoPredictions } else { Undefined::OneClassPresent };
                (second.roc_auc.map_err(|_| reason), second.pr_auc.map_err(|_| reason))
            }
            _ => (macro_average.roc_auc, macro_average.pr_auc),
        };
        Figures {
            n: matrix.total(),
            accuracy: matrix.accuracy(),
            balanced_accuracy: macro_average.recall,
            roc_auc: roc,
            pr_auc: precision_recall,
            log_loss: log_loss(&self.losses, weights),
            kappa: kappa(&matrix),
            mcc: mcc(&matrix),
            weighted: Averages::new(&classes, |c| c.support),
            micro: MicroAverages::new(counts),
            macro_average,
            per_class: names.iter().cloned().zip(classes).collect(),
            confusion_matrix: matrix.rows(),
        }
    }

    /// The ROC curve of one class against the rest, every picture counted once.
    ///
    /// # Errors
    /// Undefined where pictures of the class or of the others are missing.
    pub fn roc_curve(&self, class: usize) -> Result<Vec<RocPoint>, Undefined> {
        roc_curve(self.groups(class, &self.all()))
    }

    /// The precision-recall curve of one class against the rest, every picture counted once.
    ///
    /// # Errors
    /// Undefined where pictures of the class are missing.
    pub fn precision_recall_curve(&self, class: usize) -> Result<Vec<PrecisionRecallPoint>, Undefined> {
        precision_recall_curve(self.groups(class, &self.all()))
    }

    fn groups<'s>(&'s self, class: usize, weights: &'s [u32]) -> impl Iterator<Item = TieGroup> + 's {
        let truth = self.predictions.truth();
        self.rankings.get(class).into_iter().flat_map(move |r| r.groups(move |p| truth[p] == class, weights))
    }
}
