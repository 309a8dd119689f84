use burn::tensor::{Tensor, TensorData, activation::log_softmax};

/// What is made small: cross-entropy with class weights, label smoothing and, where wanted, the focal factor.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    /// Weight of each class.
    pub(crate) weights: Vec<f64>,
    /// Share of the target that is spread over all classes.
    pub(crate) smoothing: f64,
    /// Exponent of the focal factor (1 − p)^γ (Lin et al. 2017, <https://arxiv.org/abs/1708.02002>); none where zero.
    pub(crate) gamma: f64,
}

impl Loss {
    /// The mean loss of a batch.
    ///
    /// One logit a picture means a sigmoid between two classes; it is the same as two logits of which the first is
    /// zero. The weighted losses are divided by the number of pictures, as Keras does, and not by the sum of the
    /// weights: a rare class so keeps its weight also in a batch of its own.
    ///
    /// # Shapes
    /// `logits`: `[batch, 1 or classes]`; `labels`: one class a picture. Result: `[1]`.
    pub(crate) fn forward(&self, logits: Tensor<2>, labels: &[usize]) -> Tensor<1> {
        let [n, outputs] = logits.dims();
        let logits = if outputs == 1 { Tensor::cat(vec![logits.zeros_like(), logits], 1) } else { logits };
        let k = self.weights.len();
        let spread = self.smoothing / k as f64;
        let target = |i: usize| {
            let (row, class) = (i / k, i % k);
            let q = spread + if labels[row] == class { 1.0 - self.smoothing } else { 0.0 };
            (-q * self.weights[labels[row]] / n as f64) as f32
        };
        let targets = TensorData::new((0..n * k).map(target).collect::<Vec<f32>>(), [n, k]);
        let log_p = log_softmax(logits, 1);
        let targets = Tensor::<2>::from_data(targets, &log_p.device());
        if self.gamma > 0.0 {
            // The smallest value keeps the power's gradient finite where p is 1.
            let rest = (log_p.clone().exp().neg() + 1.0).clamp_min(1e-7);
            (log_p * rest.powf_scalar(self.gamma) * targets).sum()
        } else {
            (log_p * targets).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use semio_nn::to_vec;

    use super::*;

    fn loss(weights: &[f64], smoothing: f64, gamma: f64, logits: &[f32], labels: &[usize]) -> f64 {
        let shape = [labels.len(), logits.len() / labels.len()];
        let logits = Tensor::from_data(TensorData::new(logits.to_vec(), shape), &Device::flex());
        let loss = Loss { weights: weights.to_vec(), smoothing, gamma };
        f64::from(to_vec(loss.forward(logits, labels))[0])
    }

    #[test]
    fn cross_entropy_follows_its_formula() {
        let logits = [0.5, -1.0, 2.0, 1.0, 1.5, -0.3];
        let plain = loss(&[1.0; 3], 0.0, 0.0, &logits, &[2, 0]);
        let by_hand = |row: &[f64], y: usize| row.iter().map(|l| l.exp()).sum::<f64>().ln() - row[y];
        let rows = [[0.5, -1.0, 2.0], [1.0, 1.5, -0.3]];
        let expected = f64::midpoint(by_hand(&rows[0], 2), by_hand(&rows[1], 0));
        assert!((plain - expected).abs() < 1e-6, "{plain} instead of {expected}");
        let weighted = loss(&[3.0, 1.0, 0.5], 0.0, 0.0, &logits, &[2, 0]);
        let expected = f64::midpoint(0.5 * by_hand(&rows[0], 2), 3.0 * by_hand(&rows[1], 0));
        assert!((weighted - expected).abs() < 1e-6);
        let smoothed = loss(&[1.0; 3], 0.3, 0.0, &logits, &[2, 0]);
        let soft = |row: &[f64; 3], y| 0.7 * by_hand(row, y) + 0.1 * (0..3).map(|k| by_hand(row, k)).sum::<f64>();
        let expected = f64::midpoint(soft(&rows[0], 2), soft(&rows[1], 0));
        assert!((smoothed - expected).abs() < 1e-6, "{smoothed} instead of {expected}");
    }

    #[test]
    fn one_logit_is_binary_cross_entropy() {
        let got = loss(&[1.0; 2], 0.0, 0.0, &[0.7, -1.2, 50.0], &[1, 1, 0]);
        let binary = |x: f64, y: f64| x.max(0.0) - x * y + (-x.abs()).exp().ln_1p();
        let expected = (binary(0.7, 1.0) + binary(-1.2, 1.0) + binary(50.0, 0.0)) / 3.0;
        assert!((got - expected).abs() < 1e-5, "{got} instead of {expected}");
    }

    #[test]
    fn the_focal_factor_lightens_what_is_easy() {
        let logits = [3.0, 0.0];
        let p = 1.0 / (1.0 + (-3.0f64).exp());
        let got = loss(&[1.0; 2], 0.0, 2.0, &logits, &[0]);
        assert!((got - (1.0 - p).powi(2) * -p.ln()).abs() < 1e-6);
        assert!(loss(&[1.0; 2], 0.0, 2.0, &[80.0, -80.0], &[0]).abs() < 1e-6);
    }
}
