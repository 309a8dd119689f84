use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Figures, Judge, Metric, Predictions, Undefined};

/// All figures of one evaluation, as `evaluation.json` keeps them.
///
/// In JSON the figures of [`Evaluation::overall`] stand at the top level, an undefined metric is null, and `undefined`
/// holds its reason under its path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "EvaluationFile", from = "EvaluationFile")]
pub struct Evaluation {
    /// The classes in the bundle's order.
    pub classes: Vec<String>,
    /// Over every picture, whatever its outcome.
    pub overall: Figures<Metric>,
    /// The share of pictures that were answered.
    pub coverage: f64,
    /// Over the answered pictures.
    pub selective: Figures<Metric>,
}

/// Judges predictions by every metric.
pub fn evaluate(predictions: &Predictions) -> Evaluation {
    let judge = Judge::new(predictions);
    let overall = judge.figures(&judge.all());
    let answered = judge.answered();
    let count: u64 = answered.iter().copied().map(u64::from).sum();
    let selective = if count == overall.n { overall.clone() } else { judge.figures(&answered) };
    Evaluation {
        classes: predictions.classes().to_vec(),
        coverage: count as f64 / overall.n as f64,
        overall,
        selective,
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct EvaluationFile {
    classes: Vec<String>,
    #[serde(flatten)]
    overall: Figures<Option<f64>>,
    selective: SelectiveFile,
    undefined: IndexMap<String, Undefined>,
}

#[derive(Clone, Serialize, Deserialize)]
struct SelectiveFile {
    coverage: f64,
    #[serde(flatten)]
    figures: Figures<Option<f64>>,
}

const SELECTIVE: &str = "selective.";

impl From<Evaluation> for EvaluationFile {
    fn from(evaluation: Evaluation) -> Self {
        let mut undefined = IndexMap::new();
        let mut note = |path: String, metric: &Metric| match metric {
            Ok(value) => Some(*value),
            Err(reason) => {
                undefined.insert(path, *reason);
                None
            }
        };
        let overall = evaluation.overall.map(|path, m| note(path.to_owned(), m));
        let figures = evaluation.selective.map(|path, m| note(format!("{SELECTIVE}{path}"), m));
        let selective = SelectiveFile { coverage: evaluation.coverage, figures };
        Self { classes: evaluation.classes, overall, selective, undefined }
    }
}

impl From<EvaluationFile> for Evaluation {
    fn from(file: EvaluationFile) -> Self {
        let metric = |path: &str, value: &Option<f64>| {
            value.ok_or_else(|| file.undefined.get(path).copied().unwrap_or(Undefined::Unstated))
        };
        Self {
            overall: file.overall.map(metric),
            selective: file.selective.figures.map(|path, v| metric(&format!("{SELECTIVE}{path}"), v)),
            coverage: file.selective.coverage,
            classes: file.classes,
        }
    }
}
