use std::collections::HashSet;

/// What is judged: for every picture the true class, the probabilities and the class that the model gives.
///
/// Classes are indices into [`Predictions::classes`], which keeps the bundle's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    classes: Vec<String>,
    truth: Vec<usize>,
    probabilities: Vec<f64>,
    decided: Vec<usize>,
    answered: Vec<bool>,
}

/// Why predictions cannot be judged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PredictionsError {
    /// There is nothing to judge.
    #[error("there are no predictions to judge")]
    Empty,
    /// More rows than the metrics can count.
    #[error("{0} predictions are more than {max} can be judged at once", max = u32::MAX)]
    TooMany(usize),
    /// A classifier needs two classes.
    #[error("expected at least two classes, got {0}")]
    TooFewClasses(usize),
    /// Two classes have the same name.
    #[error("class `{0}` stands twice in the list of classes")]
    DuplicateClass(String),
    /// A column does not have one entry a picture.
    #[error("expected {expected} entries in `{column}`, got {got}")]
    Length {
        /// The column.
        column: &'static str,
        /// Entries needed.
        expected: usize,
        /// Entries present.
        got: usize,
    },
    /// A class index names no class.
    #[error("row {row}: class index {index} in `{column}`, but there are {classes} classes")]
    ClassIndex {
        /// Zero-based row.
        row: usize,
        /// The column.
        column: &'static str,
        /// The index found.
        index: usize,
        /// Classes present.
        classes: usize,
    },
    /// A probability is not between 0 and 1.
    #[error("row {row}: {value} is not a probability")]
    Probability {
        /// Zero-based row.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// A row's probabilities do not sum to 1.
    #[error("row {row}: the probabilities sum to {sum}, expected 1")]
    Sum {
        /// Zero-based row.
        row: usize,
        /// The sum found.
        sum: f64,
    },
    /// Predictions over different classes cannot be pooled.
    #[error("predictions over the classes [{}] and [{}] cannot be pooled", .0.join(", "), .1.join(", "))]
    OtherClasses(Vec<String>, Vec<String>),
}

/// How far a row's probabilities may be from summing to 1: single-precision softmax stays far below.
const SUM_TOLERANCE: f64 = 1e-3;

impl Predictions {
    /// Checks and keeps the predictions.
    ///
    /// # Shapes
    /// `truth`, `decided` and `answered` have one entry a picture; `probabilities` is pictures × classes, row by row.
    ///
    /// # Errors
    /// Where a length does not fit, an index names no class, a class name stands twice, or a row is no distribution.
    pub fn new(
        classes: Vec<String>,
        truth: Vec<usize>,
        probabilities: Vec<f64>,
        decided: Vec<usize>,
        answered: Vec<bool>,
    ) -> Result<Self, PredictionsError> {
        let (n, k) = (truth.len(), classes.len());
        check_classes(&classes)?;
        if n == 0 {
            return Err(PredictionsError::Empty);
        }
        if u32::try_from(n).is_err() {
            return Err(PredictionsError::TooMany(n));
        }
        check_length("probabilities", n.saturating_mul(k), probabilities.len())?;
        check_length("decided", n, decided.len())?;
        check_length("answered", n, answered.len())?;
        check_indices("truth", &truth, k)?;
        check_indices("decided", &decided, k)?;
        for (row, p) in probabilities.chunks_exact(k).enumerate() {
            if let Some(&value) = p.iter().find(|v| !(0.0..=1.0).contains(*v)) {
                return Err(PredictionsError::Probability { row, value });
            }
            let sum: f64 = p.iter().sum();
            if (sum - 1.0).abs() > SUM_TOLERANCE {
                return Err(PredictionsError::Sum { row, sum });
            }
        }
        Ok(Self { classes, truth, probabilities, decided, answered })
    }

    /// Puts the predictions of several folds together, in the order given.
    ///
    /// # Errors
    /// Where there is none, or the classes or their order differ.
    pub fn pool<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Result<Self, PredictionsError> {
        let mut parts = parts.into_iter();
        let mut pooled = parts.next().ok_or(PredictionsError::Empty)?.clone();
        for part in parts {
            if part.classes != pooled.classes {
                return Err(PredictionsError::OtherClasses(pooled.classes, part.classes.clone()));
            }
            pooled.truth.extend_from_slice(&part.truth);
            pooled.probabilities.extend_from_slice(&part.probabilities);
            pooled.decided.extend_from_slice(&part.decided);
            pooled.answered.extend_from_slice(&part.answered);
        }
        if u32::try_from(pooled.len()).is_err() {
            return Err(PredictionsError::TooMany(pooled.len()));
        }
        Ok(pooled)
    }

    /// The predictions of some of the pictures, in the order given.
    ///
    /// # Errors
    /// [`PredictionsError::Empty`] where none is named; places beyond the last picture are passed over.
    pub fn subset(&self, members: &[usize]) -> Result<Self, PredictionsError> {
        let members: Vec<usize> = members.iter().copied().filter(|&m| m < self.len()).collect();
        if members.is_empty() {
            return Err(PredictionsError::Empty);
        }
        Ok(Self {
            classes: self.classes.clone(),
            truth: members.iter().map(|&m| self.truth[m]).collect(),
            probabilities: members.iter().flat_map(|&m| self.probabilities(m).iter().copied()).collect(),
            decided: members.iter().map(|&m| self.decided[m]).collect(),
            answered: members.iter().map(|&m| self.answered[m]).collect(),
        })
    }

    /// The number of pictures; never 0.
    #[expect(clippy::len_without_is_empty, reason = "the constructor refuses empty predictions")]
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// The class names in the bundle's order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The true class of every picture.
    pub fn truth(&self) -> &[usize] {
        &self.truth
    }

    /// The class that the bundle's rule gives to every picture.
    pub fn decided(&self) -> &[usize] {
        &self.decided
    }

    /// Whether the outcome of each picture is an answer, and not "unsure" or "refused".
    pub fn answered(&self) -> &[bool] {
        &self.answered
    }

    /// The probabilities of one picture, one for each class; empty where there is no such picture.
    pub fn probabilities(&self, picture: usize) -> &[f64] {
        self.probabilities.chunks_exact(self.classes.len()).nth(picture).unwrap_or_default()
    }

    /// The probability of one class for every picture.
    pub fn scores(&self, class: usize) -> impl Iterator<Item = f64> + '_ {
        self.probabilities.chunks_exact(self.classes.len()).filter_map(move |row| row.get(class).copied())
    }
}

fn check_classes(classes: &[String]) -> Result<(), PredictionsError> {
    if classes.len() < 2 {
        return Err(PredictionsError::TooFewClasses(classes.len()));
    }
    let mut seen = HashSet::new();
    match classes.iter().find(|c| !seen.insert(c.as_str())) {
        Some(class) => Err(PredictionsError::DuplicateClass(class.clone())),
        None => Ok(()),
    }
}

fn check_length(column: &'static str, expected: usize, got: usize) -> Result<(), PredictionsError> {
    if expected == got { Ok(()) } else { Err(PredictionsError::Length { column, expected, got }) }
}

fn check_indices(column: &'static str, indices: &[usize], classes: usize) -> Result<(), PredictionsError> {
    match indices.iter().enumerate().find(|&(_, &index)| index >= classes) {
        Some((row, &index)) => Err(PredictionsError::ClassIndex { row, column, index, classes }),
        None => Ok(()),
    }
}
