use crate::{Metric, Undefined};

/// How often each class was given to pictures of each true class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

/// One class against the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OneAgainstRest {
    /// Of the class, and given.
    pub true_positives: u64,
    /// Of another class, and given.
    pub false_positives: u64,
    /// Of the class, and another given.
    pub false_negatives: u64,
    /// Of another class, and another given.
    pub true_negatives: u64,
}

impl ConfusionMatrix {
    /// Counts pairs of true and given class, each as often as its weight says.
    ///
    /// Pairs whose class index is not below `classes` are not counted.
    pub fn new(classes: usize, pairs: impl IntoIterator<Item = (usize, usize, u32)>) -> Self {
        let mut counts = vec![0; classes * classes];
        for (truth, given, weight) in pairs {
            if truth < classes && given < classes {
                counts[truth * classes + given] += u64::from(weight);
            }
        }
        Self { classes, counts }
    }

    /// The counts, `[true][given]`.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts.chunks(self.classes.max(1)).map(<[u64]>::to_vec).collect()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All pictures counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Pictures whose given class is the true one.
    pub fn correct(&self) -> u64 {
        self.counts.iter().step_by(self.classes + 1).sum()
    }

    /// Pictures of each true class.
    pub fn supports(&self) -> Vec<u64> {
        self.counts.chunks(self.classes.max(1)).map(|row| row.iter().sum()).collect()
    }

    /// Pictures to which each class was given.
    pub fn given(&self) -> Vec<u64> {
        (0..self.classes).map(|c| self.counts.iter().skip(c).step_by(self.classes).sum()).collect()
    }

    /// The four counts of every class against the rest.
    pub fn one_against_rest(&self) -> Vec<OneAgainstRest> {
        let total = self.total();
        let diagonal = self.counts.iter().step_by(self.classes + 1);
        diagonal
            .zip(self.supports())
            .zip(self.given())
            .map(|((&hits, support), given)| OneAgainstRest {
                true_positives: hits,
                false_positives: given - hits,
                false_negatives: support - hits,
                true_negatives: total + hits - support - given,
            })
            .collect()
    }

    /// The share of pictures whose given class is the true one.
    ///
    /// # Errors
    /// Undefined where nothing is counted.
    pub fn accuracy(&self) -> Metric {
        ratio(self.correct(), self.total(), Undefined::NoPredictions)
    }
}

impl OneAgainstRest {
    /// TP / (TP + FP), the positive predictive value.
    ///
    /// # Errors
    /// Undefined where the class was never given.
    pub fn precision(self) -> Metric {
        ratio(self.true_positives, self.true_positives + self.false_positives, Undefined::NeverGiven)
    }

    /// TP / (TP + FN), the sensitivity.
    ///
    /// # Errors
    /// Undefined where no picture is of the class.
    pub fn recall(self) -> Metric {
        ratio(self.true_positives, self.true_positives + self.false_negatives, Undefined::NoPositives)
    }

    /// TN / (TN + FP).
    ///
    /// # Errors
    /// Undefined where every picture is of the class.
    pub fn specificity(self) -> Metric {
        ratio(self.true_negatives, self.true_negatives + self.false_positives, Undefined::NoNegatives)
    }

    /// TN / (TN + FN), the negative predictive value.
    ///
    /// # Errors
    /// Undefined where the class was always given.
    pub fn npv(self) -> Metric {
        ratio(self.true_negatives, self.true_negatives + self.false_negatives, Undefined::AlwaysGiven)
    }

    /// 2 TP / (2 TP + FP + FN).
    ///
    /// # Errors
    /// Undefined where the class is neither present nor given.
    pub fn f1(self) -> Metric {
        let twice = 2 * self.true_positives;
        ratio(twice, twice + self.false_positives + self.false_negatives, Undefined::NeitherPresentNorGiven)
    }

    /// The sum of the counts of several classes, from which micro averages are taken.
    pub fn sum(counts: impl IntoIterator<Item = Self>) -> Self {
        counts.into_iter().fold(Self::default(), |a, b| Self {
            true_positives: a.true_positives + b.true_positives,
            false_positives: a.false_positives + b.false_positives,
            false_negatives: a.false_negatives + b.false_negatives,
            true_negatives: a.true_negatives + b.true_negatives,
        })
    }
}

fn ratio(part: u64, whole: u64, otherwise: Undefined) -> Metric {
    if whole == 0 { Err(otherwise) } else { Ok(part as f64 / whole as f64) }
}
