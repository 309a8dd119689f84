use serde::{Deserialize, Serialize};

use crate::random::Draws;
use crate::table::{check_labels, check_length, check_share};
use crate::undefined::number_or_reason;
use crate::{InputError, Metric, Table, Undefined};

/// How strange a class is for a picture, by the model's probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConformalScore {
    /// 1 − p of the class: the smallest sets (Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with
    /// bounded error levels", 2019).
    #[default]
    Lac,
    /// The sum of the probabilities down to and with the class: sets that adapt to how hard a picture is, and cover a
    /// little more than asked (Romano, Sesia and Candès, "Classification with valid and adaptive coverage", 2020).
    Aps,
    /// The same with a random share of the class's own probability, which makes the coverage exact.
    RandomisedAps,
}

/// A threshold of conformal scores, and what it was fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConformalThreshold {
    /// Classes up to this score belong to the set; none where the pictures were too few for the coverage, so that every
    /// class belongs to it.
    pub score: Option<f64>,
    /// Calibration pictures that it was fitted on.
    pub pictures: usize,
}

/// Sets of classes that hold the true one at a chosen rate, whatever the model (Vovk, Gammerman and Shafer 2005).
///
/// The rate holds over pictures exchangeable with the calibration pictures: of the same hospitals, devices and selection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    /// How classes are scored.
    pub score: ConformalScore,
    /// The chosen rate, 1 − α.
    pub coverage: f64,
    /// One for all classes, or one for each class ("Mondrian": the rate then holds in every class).
    pub thresholds: Vec<ConformalThreshold>,
}

impl Conformal {
    /// Fits the threshold, or one for each class where `class_conditional`.
    ///
    /// # Shapes
    /// `probabilities`: pictures × classes, already scaled. `labels`, `uniforms`: one a picture; see
    /// [`picture_uniform`].
    ///
    /// # Errors
    /// Where lengths differ, a label names no class, or the coverage is not between 0 and 1.
    pub fn fit(
        score: ConformalScore,
        class_conditional: bool,
        coverage: f64,
        probabilities: &Table,
        labels: &[usize],
        uniforms: &[f64],
    ) -> Result<Self, InputError> {
        let classes = probabilities.columns();
        check_share("coverage", coverage)?;
        check_labels(labels, probabilities.len(), classes)?;
        check_length("uniforms", labels.len(), uniforms.len())?;
        let mut strata = vec![vec![]; if class_conditional { classes } else { 1 }];
        for ((p, &label), &u) in probabilities.rows().zip(labels).zip(uniforms) {
            strata[if class_conditional { label } else { 0 }].push(score.of(p, u)[label]);
        }
        let thresholds = strata
            .into_iter()
            .map(|scores| ConformalThreshold {
                pictures: scores.len(),
                score: finite_sample_quantile(&scores, coverage),
            })
            .collect();
        Ok(Self { score, coverage, thresholds })
    }

    /// The classes that a picture may be of, in the bundle's order; perhaps all, perhaps none.
    ///
    /// `u` is the picture's [`picture_uniform`]; only [`ConformalScore::RandomisedAps`] looks at it.
    pub fn set(&self, probabilities: &[f64], u: f64) -> Vec<usize> {
        let scores = self.score.of(probabilities, u);
        let threshold = |class: usize| self.thresholds.get(class).or(self.thresholds.first()).and_then(|t| t.score);
        (0..scores.len()).filter(|&c| threshold(c).is_none_or(|t| scores[c] <= t)).collect()
    }

    /// Whether too few pictures were there for at least one threshold, so that its classes are in every set.
    pub fn holds_everything(&self) -> bool {
        self.thresholds.iter().any(|t| t.score.is_none())
    }
}

impl ConformalScore {
    fn of(self, p: &[f64], u: f64) -> Vec<f64> {
        let share = match self {
            Self::Lac => return p.iter().map(|p| 1.0 - p).collect(),
            Self::Aps => 1.0,
            Self::RandomisedAps => u,
        };
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        let (mut above, mut scores) = (0.0, vec![0.0; p.len()]);
        for class in order {
            scores[class] = above + share * p[class];
            above += p[class];
        }
        scores
    }
}

/// The ⌈(n + 1) · level⌉-th smallest score; none where that is more than there are.
///
/// A further score from the same source lies at or below it with at least the probability `level`.
pub fn finite_sample_quantile(scores: &[f64], level: f64) -> Option<f64> {
    // Without the small term (99 + 1) · 0.55 would be above 55.
    let rank = ((scores.len() + 1) as f64 * level - 1e-9).ceil().max(1.0) as usize;
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(rank - 1).copied()
}

/// A number from 0 to 1 that belongs to a picture: the same picture always gets the same set.
///
/// `picture` tells pictures apart, for instance by the first bytes of the file's hash.
pub fn picture_uniform(seed: u64, picture: u64) -> f64 {
    Draws::new(seed, picture).unit()
}

/// How well sets do on labelled pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetFigures {
    /// Pictures.
    pub n: usize,
    /// The share of sets that hold the true class.
    pub coverage: f64,
    /// The same among the pictures of each class.
    pub class_coverage: Vec<ClassCoverage>,
    /// Classes in a set, on average.
    pub mean_size: f64,
    /// The share of sets with one class: the answered pictures.
    pub singletons: f64,
    /// The share of sets without any.
    pub empty: f64,
    /// How many of the answered pictures' answers are right.
    #[serde(with = "number_or_reason")]
    pub singleton_accuracy: Metric,
}

/// The coverage among the pictures of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassCoverage {
    /// Pictures of the class.
    pub n: usize,
    /// The share of their sets that hold the class.
    #[serde(with = "number_or_reason")]
    pub coverage: Metric,
}

impl SetFigures {
    /// Judges sets, one a picture, against the true classes.
    ///
    /// # Errors
    /// Where there is no picture, lengths differ or a label names no class.
    pub fn new(sets: &[Vec<usize>], labels: &[usize], classes: usize) -> Result<Self, InputError> {
        check_labels(labels, sets.len(), classes)?;
        if sets.is_empty() {
            return Err(InputError::Empty);
        }
        let n = sets.len();
        let share = |part: usize| part as f64 / n as f64;
        let pairs = || sets.iter().zip(labels);
        let singletons = sets.iter().filter(|s| s.len() == 1).count();
        let right = pairs().filter(|(s, label)| s.as_slice() == [**label]).count();
        let class_coverage = (0..classes).map(|class| {
            let of_class = || pairs().filter(|&(_, &label)| label == class);
            let (n, covered) = (of_class().count(), of_class().filter(|(s, label)| s.contains(label)).count());
            ClassCoverage {
                n,
                coverage: if n == 0 { Err(Undefined::NoPositives) } else { Ok(covered as f64 / n as f64) },
            }
        });
        Ok(Self {
            n,
            coverage: share(pairs().filter(|(s, label)| s.contains(label)).count()),
            class_coverage: class_coverage.collect(),
            mean_size: share(sets.iter().map(Vec::len).sum()),
            singletons: share(singletons),
            empty: share(sets.iter().filter(|s| s.is_empty()).count()),
            singleton_accuracy: match singletons {
                0 => Err(Undefined::NoPredictions),
                _ => Ok(right as f64 / singletons as f64),
            },
        })
    }
}
