use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{class_weights, lbfgs};
use crate::calibration::{log_sum_exp, softmax};
use crate::table::{check_labels, check_length, check_present};
use crate::{InputError, Table};

/// How logistic regression is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticSettings {
    /// The penalty λ / 2 · Σ w² beside the sum of the pictures' losses; scikit-learn's 1 / C.
    pub penalty: f64,
    /// Whether all classes weigh alike, however many pictures they have.
    pub balanced: bool,
}

impl Default for LogisticSettings {
    fn default() -> Self {
        Self { penalty: 1.0, balanced: false }
    }
}

/// Multinomial logistic regression with an L2 penalty on the weights of standardised columns; biases go free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// One row a class over the columns as they come; between two classes the second's only, whose logit stands beside 0.
    pub weights: Vec<Vec<f64>>,
    /// One for each row of weights.
    pub biases: Vec<f64>,
}

/// Rows whose gradients are summed by one thread; sums do not hang on the number of threads.
const CHUNK: usize = 256;
/// No part of the gradient is larger in the end.
const BOUND: f64 = 1e-6;

impl Logistic {
    /// Fits on a table.
    ///
    /// # Shapes
    /// `table`: pictures × columns; `labels`: one a picture.
    ///
    /// # Errors
    /// Where a label names no class, there are fewer than two classes, a class has no picture, or the penalty is not
    /// above 0.
    pub fn fit(
        table: &Table,
        labels: &[usize],
        classes: usize,
        settings: &LogisticSettings,
    ) -> Result<Self, InputError> {
        check_labels(labels, table.len(), classes)?;
        check_present(labels, classes)?;
        if classes < 2 {
            return Err(InputError::TooFew { what: "classes", needed: 2, got: classes });
        }
        if !(settings.penalty > 0.0 && settings.penalty.is_finite()) {
            return Err(InputError::Setting { what: "penalty", value: settings.penalty, expected: "a number above 0" });
        }
        let (mean, deviation) = moments(table);
        let standard: Vec<f64> = (table.rows())
            .flat_map(|row| row.iter().zip(&mean).zip(&deviation).map(|((v, m), s)| (v - m) / s))
            .collect();
        let columns = table.columns();
        let outputs = if classes == 2 { 1 } else { classes };
        let weights = class_weights(labels, classes, settings.balanced);
        let problem =
            Problem { rows: &standard, columns, outputs, labels, weights: &weights, penalty: settings.penalty };
        let fitted = lbfgs::minimise(vec![0.0; outputs * (columns + 1)], BOUND, |at| problem.value(at));
        let mut this = Self { weights: vec![], biases: vec![] };
        for output in fitted.chunks_exact(columns + 1) {
            let weights: Vec<f64> = output.iter().zip(&deviation).map(|(w, s)| w / s).collect();
            this.biases.push(output[columns] - weights.iter().zip(&mean).map(|(w, m)| w * m).sum::<f64>());
            this.weights.push(weights);
        }
        Ok(this)
    }

    /// The logits of one row: one between two classes, else one a class.
    ///
    /// # Errors
    /// Where the row has not as many columns as the table fitted on.
    pub fn logits(&self, row: &[f64]) -> Result<Vec<f64>, InputError> {
        check_length("columns", self.weights.first().map_or(0, Vec::len), row.len())?;
        let logit = |(w, b): (&Vec<f64>, &f64)| w.iter().zip(row).map(|(w, v)| w * v).sum::<f64>() + b;
        Ok(self.weights.iter().zip(&self.biases).map(logit).collect())
    }

    /// The probabilities of one row, one for each class.
    ///
    /// # Errors
    /// As [`Logistic::logits`].
    pub fn probabilities(&self, row: &[f64]) -> Result<Vec<f64>, InputError> {
        Ok(shares(&self.logits(row)?))
    }
}

fn shares(logits: &[f64]) -> Vec<f64> {
    if let [second] = logits { softmax(&[0.0, *second]) } else { softmax(logits) }
}

/// Mean and deviation of every column; one that does not vary is left at its scale.
fn moments(table: &Table) -> (Vec<f64>, Vec<f64>) {
    let n = table.len() as f64;
    let mut mean = vec![0.0; table.columns()];
    for row in table.rows() {
        for (m, v) in mean.iter_mut().zip(row) {
            *m += v / n;
        }
    }
    let mut variance = vec![0.0; table.columns()];
    for row in table.rows() {
        for ((s, v), m) in variance.iter_mut().zip(row).zip(&mean) {
            *s += (v - m).powi(2) / n;
        }
    }
    let deviation = |(v, m): (&f64, &f64)| if v.sqrt() > 1e-12 * m.abs() && *v > 0.0 { v.sqrt() } else { 1.0 };
    let deviations = variance.iter().zip(&mean).map(deviation).collect();
    (mean, deviations)
}

struct Problem<'a> {
    rows: &'a [f64],
    columns: usize,
    outputs: usize,
    labels: &'a [usize],
    weights: &'a [f64],
    penalty: f64,
}

impl Problem<'_> {
    /// Loss and gradient; `at` holds for every output its weights and then its bias.
    fn value(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let chunks: Vec<(f64, Vec<f64>)> = (self.rows)
            .par_chunks(CHUNK * self.columns)
            .zip(self.labels.par_chunks(CHUNK))
            .map(|(rows, labels)| self.chunk(at, rows, labels))
            .collect();
        let (mut loss, mut gradient) = (0.0, vec![0.0; at.len()]);
        for (part, of_part) in chunks {
            loss += part;
            for (g, p) in gradient.iter_mut().zip(of_part) {
                *g += p;
            }
        }
        for (place, (g, v)) in gradient.iter_mut().zip(at).enumerate() {
            if place % (self.columns + 1) < self.columns {
                loss += self.penalty / 2.0 * v * v;
                *g += self.penalty * v;
            }
        }
        (loss, gradient)
    }

    fn chunk(&self, at: &[f64], rows: &[f64], labels: &[usize]) -> (f64, Vec<f64>) {
        let (mut loss, mut gradient) = (0.0, vec![0.0; at.len()]);
        for (row, &label) in rows.chunks_exact(self.columns).zip(labels) {
            let mut logits: Vec<f64> = (at.chunks_exact(self.columns + 1))
                .map(|w| w.iter().zip(row).map(|(w, v)| w * v).sum::<f64>() + w[self.columns])
                .collect();
            if self.outputs == 1 {
                logits.insert(0, 0.0);
            }
            let weight = self.weights[label];
            loss += weight * (log_sum_exp(logits.iter().copied()) - logits[label]);
            let p = softmax(&logits);
            for (output, gradient) in gradient.chunks_exact_mut(self.columns + 1).enumerate() {
                let class = output + p.len() - self.outputs;
                let error = weight * (p[class] - f64::from(u8::from(class == label)));
                for (g, v) in gradient.iter_mut().zip(row.iter().chain(&[1.0])) {
                    *g += error * v;
                }
            }
        }
        (loss, gradient)
    }
}
