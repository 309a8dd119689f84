use nalgebra::{DMatrix, DVector};

use super::scaling::{log_sum_exp, softmax};
use super::temperature;

const STEPS: usize = 100;

/// Weights and biases, one for each class, that make the labels likeliest.
///
/// Minimised is Σ −ln p(label) + ½ Σ (w − 1/T)² + ½ Σ b², where T is the fitted temperature: a convex function with a
/// single minimum. Its last terms hold a class of few pictures near what temperature scaling alone would give it.
/// Newton's method, each step halved until it descends.
pub(super) fn fit(scores: &[Vec<f64>], labels: &[usize]) -> (Vec<f64>, Vec<f64>) {
    let k = scores[0].len();
    let centre = 1.0 / temperature::fit(scores, labels);
    let mut at = DVector::from_fn(2 * k, |i, _| if i < k { centre } else { 0.0 });
    let mut loss = objective(&at, centre, scores, labels);
    for _ in 0..STEPS {
        let (gradient, hessian) = derivatives(&at, centre, scores, labels);
        // The penalty makes the matrix definite; only values beyond all measure could deny it its root.
        let Some(root) = hessian.cholesky() else { break };
        let step = root.solve(&gradient);
        let descent = gradient.dot(&step);
        let mut length = 1.0;
        let (next, value) = loop {
            let next = &at - length * &step;
            let value = objective(&next, centre, scores, labels);
            if value <= loss - 1e-4 * length * descent || length < 1e-9 {
                break (next, value);
            }
            length /= 2.0;
        };
        if value > loss {
            break;
        }
        (at, loss) = (next, value);
        if descent < 1e-18 * (1.0 + loss.abs()) {
            break;
        }
    }
    (at.as_slice()[..k].to_vec(), at.as_slice()[k..].to_vec())
}

fn scaled<'a>(at: &'a DVector<f64>, row: &'a [f64]) -> impl Iterator<Item = f64> + Clone + 'a {
    row.iter().enumerate().map(move |(c, s)| at[c] * s + at[row.len() + c])
}

fn objective(at: &DVector<f64>, centre: f64, scores: &[Vec<f64>], labels: &[usize]) -> f64 {
    let k = scores[0].len();
    let fit: f64 = scores
        .iter()
        .zip(labels)
        .map(|(row, &label)| log_sum_exp(scaled(at, row)) - (at[label] * row[label] + at[k + label]))
        .sum();
    fit + at.iter().enumerate().map(|(i, v)| (v - if i < k { centre } else { 0.0 }).powi(2) / 2.0).sum::<f64>()
}

fn derivatives(at: &DVector<f64>, centre: f64, scores: &[Vec<f64>], labels: &[usize]) -> (DVector<f64>, DMatrix<f64>) {
    let k = scores[0].len();
    let mut gradient = DVector::from_fn(2 * k, |i, _| at[i] - if i < k { centre } else { 0.0 });
    let mut hessian = DMatrix::identity(2 * k, 2 * k);
    for (row, &label) in scores.iter().zip(labels) {
        let p = softmax(&scaled(at, row).collect::<Vec<_>>());
        for i in 0..k {
            let error = p[i] - f64::from(u8::from(i == label));
            gradient[i] += error * row[i];
            gradient[k + i] += error;
            for j in 0..k {
                let curve = p[i] * (f64::from(u8::from(i == j)) - p[j]);
                hessian[(i, j)] += curve * row[i] * row[j];
                hessian[(i, k + j)] += curve * row[i];
                hessian[(k + i, j)] += curve * row[j];
                hessian[(k + i, k + j)] += curve;
            }
        }
    }
    (gradient, hessian)
}
