//! What each layer computes, on tensors.

mod attention;
mod layout;
mod norm;
mod pool;
mod random;

use burn::tensor::{Tensor, activation, module::conv2d, ops::ConvOptions};

pub(crate) use self::{
    attention::{Dense, attention, window_attention},
    layout::{channel_shuffle, embed, first_token, patch_merge},
    norm::{BatchStatistic, Norm, layer_norm},
    pool::{adaptive_avg_pool, avg_pool, global_avg_pool, max_pool},
    random::{Masks, Training},
};
use crate::graph::{Activation, Graph, ParamId, Window};

/// Values between two layers.
#[derive(Clone)]
pub(crate) enum Value {
    /// `[batch, channels, height, width]`
    Maps(Tensor<4>),
    /// `[batch, length, width]`
    Tokens(Tensor<3>),
    /// `[batch, length]`
    Vector(Tensor<2>),
}

/// Applies one expression to a value of any shape.
macro_rules! each {
    ($value:expr, |$x:ident| $result:expr) => {
        match $value {
            $crate::ops::Value::Maps($x) => $crate::ops::Value::Maps($result),
            $crate::ops::Value::Tokens($x) => $crate::ops::Value::Tokens($result),
            $crate::ops::Value::Vector($x) => $crate::ops::Value::Vector($result),
        }
    };
}
pub(crate) use each;

impl Value {
    pub(crate) fn maps(self) -> Tensor<4> {
        let Self::Maps(x) = self else { unreachable!("the builder checks that maps come in") };
        x
    }

    pub(crate) fn tokens(self) -> Tensor<3> {
        let Self::Tokens(x) = self else { unreachable!("the builder checks that tokens come in") };
        x
    }

    pub(crate) fn vector(self) -> Tensor<2> {
        let Self::Vector(x) = self else { unreachable!("the builder checks that a vector comes in") };
        x
    }

    /// All values of a picture in one row.
    pub(crate) fn flat(self) -> Tensor<2> {
        match self {
            Self::Maps(x) => x.flatten(1, 3),
            Self::Tokens(x) => x.flatten(1, 2),
            Self::Vector(x) => x,
        }
    }
}

/// The parameters' values, and the shapes in which layers look at them.
pub(crate) struct Params<'a> {
    graph: &'a Graph,
    values: &'a [Tensor<1>],
}

impl<'a> Params<'a> {
    pub(crate) fn new(graph: &'a Graph, values: &'a [Tensor<1>]) -> Self {
        Self { graph, values }
    }

    pub(crate) fn row(&self, id: ParamId) -> Tensor<1> {
        self.values[id.0].clone()
    }

    pub(crate) fn shaped<const D: usize>(&self, id: ParamId) -> Tensor<D> {
        let shape: [usize; D] =
            self.graph.params()[id.0].shape.as_slice().try_into().expect("the builder gives each parameter its rank");
        self.row(id).reshape(shape)
    }
}

pub(crate) fn conv(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    window: &Window,
    groups: usize,
) -> Tensor<4> {
    conv2d(x, weight, bias, ConvOptions::new(window.stride, window.padding, window.dilation, groups))
}

/// A dense layer on a vector, on each token, or on each pixel's channels.
pub(crate) fn linear(x: Value, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Value {
    match x {
        Value::Vector(x) => {
            let y = x.matmul(weight.transpose());
            Value::Vector(match bias {
                Some(bias) => y + bias.unsqueeze::<2>(),
                None => y,
            })
        }
        Value::Tokens(x) => Value::Tokens(dense(x, weight, bias)),
        Value::Maps(x) => {
            // Not as a 1×1 convolution, whose gradients take two to three times as long.
            let ([n, c, h, w], [out, _]) = (x.dims(), weight.dims());
            let y = weight.reshape([1, out, c]).matmul(x.reshape([n, c, h * w])).reshape([n, out, h, w]);
            Value::Maps(match bias {
                Some(bias) => y + bias.reshape([1, out, 1, 1]),
                None => y,
            })
        }
    }
}

/// A dense layer on each token.
fn dense(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [n, length, width] = x.dims();
    let [out, _] = weight.dims();
    let y = linear(Value::Vector(x.reshape([n * length, width])), weight, bias).vector();
    y.reshape([n, length, out])
}

/// Every channel times its own factor.
pub(crate) fn channel_scale(x: Value, factors: Tensor<1>) -> Value {
    let [n] = factors.dims();
    match x {
        Value::Maps(x) => Value::Maps(x * factors.reshape([1, n, 1, 1])),
        Value::Tokens(x) => Value::Tokens(x * factors.reshape([1, 1, n])),
        Value::Vector(x) => Value::Vector(x * factors.reshape([1, n])),
    }
}

pub(crate) fn activate<const D: usize>(f: Activation, x: Tensor<D>) -> Tensor<D> {
    match f {
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => activation::relu6(x),
        Activation::Tanh => activation::tanh(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::Silu => activation::silu(x),
        Activation::Hardsigmoid => activation::hard_sigmoid(x, 1.0 / 6.0, 0.5),
        Activation::Hardswish => activation::hard_swish(x),
        Activation::Gelu => activation::gelu(x),
    }
}
