use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Metric, OneAgainstRest, Undefined};

/// Every metric of one set of predictions.
///
/// `T` is what is known of each metric: a [`Metric`], a plain number or null in a file, later an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures<T> {
    /// Pictures counted.
    pub n: u64,
    /// The share of pictures whose given class is the true one.
    pub accuracy: T,
    /// The mean of the classes' recalls.
    pub balanced_accuracy: T,
    /// Area under the ROC curve: with two classes the second's, else one against the rest, macro average.
    pub roc_auc: T,
    /// Average precision, likewise.
    pub pr_auc: T,
    /// Mean cross-entropy in nats.
    pub log_loss: T,
    /// Cohen's kappa.
    pub kappa: T,
    /// Matthews' correlation coefficient.
    pub mcc: T,
    /// Means over the classes.
    #[serde(rename = "macro")]
    pub macro_average: Averages<T>,
    /// Means over the classes, weighted by support.
    pub weighted: Averages<T>,
    /// Over all decisions of one class against the rest, pooled.
    pub micro: MicroAverages<T>,
    /// By class, in the bundle's order.
    pub per_class: IndexMap<String, ClassFigures<T>>,
    /// `[true][given]`, in the bundle's order.
    pub confusion_matrix: Vec<Vec<u64>>,
}

/// The metrics of one class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures<T> {
    /// Pictures of this class.
    pub support: u64,
    /// Positive predictive value.
    pub precision: T,
    /// Sensitivity.
    pub recall: T,
    /// The share of the other classes' pictures to which this class was not given.
    pub specificity: T,
    /// Negative predictive value.
    pub npv: T,
    /// Harmonic mean of precision and recall.
    pub f1: T,
    /// Area under the ROC curve.
    pub roc_auc: T,
    /// Average precision.
    pub pr_auc: T,
}

/// Averages over the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Averages<T> {
    /// Positive predictive value.
    pub precision: T,
    /// Sensitivity.
    pub recall: T,
    /// Specificity.
    pub specificity: T,
    /// Negative predictive value.
    pub npv: T,
    /// F1.
    pub f1: T,
    /// Area under the ROC curve.
    pub roc_auc: T,
    /// Average precision.
    pub pr_auc: T,
}

/// Averages over pooled decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicroAverages<T> {
    /// Positive predictive value.
    pub precision: T,
    /// Sensitivity.
    pub recall: T,
    /// Specificity.
    pub specificity: T,
    /// Negative predictive value.
    pub npv: T,
    /// F1.
    pub f1: T,
}

impl<T> Figures<T> {
    /// Turns every metric into something else; `f` gets the metric's path, such as `per_class.glioma.recall`.
    pub fn map<U>(&self, mut f: impl FnMut(&str, &T) -> U) -> Figures<U> {
        Figures {
            n: self.n,
            accuracy: f("accuracy", &self.accuracy),
            balanced_accuracy: f("balanced_accuracy", &self.balanced_accuracy),
            roc_auc: f("roc_auc", &self.roc_auc),
            pr_auc: f("pr_auc", &self.pr_auc),
            log_loss: f("log_loss", &self.log_loss),
            kappa: f("kappa", &self.kappa),
            mcc: f("mcc", &self.mcc),
            macro_average: self.macro_average.map(|name, v| f(&format!("macro.{name}"), v)),
            weighted: self.weighted.map(|name, v| f(&format!("weighted.{name}"), v)),
            micro: self.micro.map(|name, v| f(&format!("micro.{name}"), v)),
            per_class: self
                .per_class
                .iter()
                .map(|(class, c)| (class.clone(), c.map(|name, v| f(&format!("per_class.{class}.{name}"), v))))
                .collect(),
            confusion_matrix: self.confusion_matrix.clone(),
        }
    }
}

impl<T> ClassFigures<T> {
    fn map<U>(&self, mut f: impl FnMut(&str, &T) -> U) -> ClassFigures<U> {
        ClassFigures {
            support: self.support,
            precision: f("precision", &self.precision),
            recall: f("recall", &self.recall),
            specificity: f("specificity", &self.specificity),
            npv: f("npv", &self.npv),
            f1: f("f1", &self.f1),
            roc_auc: f("roc_auc", &self.roc_auc),
            pr_auc: f("pr_auc", &self.pr_auc),
        }
    }
}

impl<T> Averages<T> {
    fn map<U>(&self, mut f: impl FnMut(&str, &T) -> U) -> Averages<U> {
        Averages {
            precision: f("precision", &self.precision),
            recall: f("recall", &self.recall),
            specificity: f("specificity", &self.specificity),
            npv: f("npv", &self.npv),
            f1: f("f1", &self.f1),
            roc_auc: f("roc_auc", &self.roc_auc),
            pr_auc: f("pr_auc", &self.pr_auc),
        }
    }
}

impl<T> MicroAverages<T> {
    fn map<U>(&self, mut f: impl FnMut(&str, &T) -> U) -> MicroAverages<U> {
        MicroAverages {
            precision: f("precision", &self.precision),
            recall: f("recall", &self.recall),
            specificity: f("specificity", &self.specificity),
            npv: f("npv", &self.npv),
            f1: f("f1", &self.f1),
        }
    }
}

impl ClassFigures<Metric> {
    pub(crate) fn new(counts: OneAgainstRest, roc_auc: Metric, pr_auc: Metric) -> Self {
        Self {
            support: counts.true_positives + counts.false_negatives,
            precision: counts.precision(),
            recall: counts.recall(),
            specificity: counts.specificity(),
            npv: counts.npv(),
            f1: counts.f1(),
            roc_auc,
            pr_auc,
        }
    }
}

impl Averages<Metric> {
    /// The mean of every metric over classes; one of weight 0 does not count, one undefined makes the mean undefined.
    pub(crate) fn new(classes: &[ClassFigures<Metric>], weight: impl Fn(&ClassFigures<Metric>) -> u64) -> Self {
        let mean = |metric: fn(&ClassFigures<Metric>) -> Metric| {
            let (mut sum, mut total) = (0.0, 0);
            for class in classes.iter().filter(|c| weight(c) > 0) {
                sum += metric(class).map_err(|_| Undefined::UndefinedMember)? * weight(class) as f64;
                total += weight(class);
            }
            if total == 0 { Err(Undefined::NoPredictions) } else { Ok(sum / total as f64) }
        };
        Self {
            precision: mean(|c| c.precision),
            recall: mean(|c| c.recall),
            specificity: mean(|c| c.specificity),
            npv: mean(|c| c.npv),
            f1: mean(|c| c.f1),
            roc_auc: mean(|c| c.roc_auc),
            pr_auc: mean(|c| c.pr_auc),
        }
    }
}

impl MicroAverages<Metric> {
    pub(crate) fn new(classes: impl IntoIterator<Item = OneAgainstRest>) -> Self {
        let pooled = OneAgainstRest::sum(classes);
        let or_empty = |metric: Metric| metric.map_err(|_| Undefined::NoPredictions);
        Self {
            precision: or_empty(pooled.precision()),
            recall: or_empty(pooled.recall()),
            specificity: or_empty(pooled.specificity()),
            npv: or_empty(pooled.npv()),
            f1: or_empty(pooled.f1()),
        }
    }
}
