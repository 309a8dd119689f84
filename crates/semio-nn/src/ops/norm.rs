use burn::tensor::{
    Tensor,
    module::{self, batch_norm, batch_norm_train},
};

use super::{Params, Training, Value};
use crate::graph::ParamId;

/// Mean and unbiased variance of one batch at one batch norm.
pub(crate) struct BatchStatistic {
    pub(crate) mean: (ParamId, Tensor<1>),
    pub(crate) variance: (ParamId, Tensor<1>),
    pub(crate) momentum: f64,
}

/// A batch norm with its trained values.
pub(crate) struct Norm {
    /// Running mean and variance.
    pub(crate) ids: [ParamId; 2],
    pub(crate) gamma: Tensor<1>,
    pub(crate) beta: Tensor<1>,
    pub(crate) epsilon: f64,
    pub(crate) momentum: f64,
}

impl Norm {
    pub(crate) fn apply<const D: usize>(
        self,
        x: Tensor<D>,
        params: &Params<'_>,
        training: Option<&mut Training>,
    ) -> Tensor<D> {
        let [mean, variance] = self.ids;
        let Some(training) = training else {
            return batch_norm(x, self.gamma, self.beta, params.row(mean), params.row(variance), self.epsilon);
        };
        let shape = x.dims();
        let count = (shape.iter().product::<usize>() / shape[1]) as f64;
        let result = batch_norm_train(x, self.gamma, self.beta, self.epsilon);
        // A batch of one value has no unbiased variance: the biased one (zero) then stands in.
        let unbiased = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
        training.statistics.push(BatchStatistic {
            mean: (mean, result.mean.detach()),
            variance: (variance, result.variance.detach().mul_scalar(unbiased)),
            momentum: self.momentum,
        });
        result.output
    }
}

/// Normalises each pixel's channels, each token, or the vector.
pub(crate) fn layer_norm(x: Value, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> Value {
    match x {
        Value::Maps(x) => {
            let [_, c, ..] = x.dims();
            let [gamma, beta] = [gamma, beta].map(|p| p.reshape([1, c, 1, 1]));
            let x = x.clone() - x.mean_dim(1);
            let variance = (x.clone() * x.clone()).mean_dim(1);
            Value::Maps(x * (variance + epsilon).sqrt().recip() * gamma + beta)
        }
        Value::Tokens(x) => Value::Tokens(module::layer_norm(x, gamma, Some(beta), epsilon)),
        Value::Vector(x) => Value::Vector(module::layer_norm(x, gamma, Some(beta), epsilon)),
    }
}
