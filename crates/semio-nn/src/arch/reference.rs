//! The small networks of the reference systems, as Keras builds them: valid padding, Glorot-uniform kernels, zero
//! biases, L2 on kernels only.
//!
//! The result is left as logits; the softmax or sigmoid belongs to the loss and to the predictor.

use super::{Architecture, Blueprint};
use crate::{
    Builder, Conv, Init,
    graph::{Activation, NodeId, Window},
};

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("r0-cnn", "reference system R0: one convolution and two dense layers, in Keras", 128, &r0_cnn),
    Architecture::new(
        "r1-cnn",
        "reference system R1 (PneumoniApp): three convolutions with dropout, in Keras",
        256,
        &r1_cnn,
    ),
    Architecture::new(
        "block-means",
        "means of 8 × 8 blocks and one dense layer: what simple statistics reach",
        64,
        &block_means,
    ),
    Architecture {
        channels: 1,
        ..Architecture::new("lenet5", "LeCun et al. 1998, https://doi.org/10.1109/5.726791", 32, &lenet5)
    },
];

/// A Keras `Conv2D` with its defaults.
fn keras_conv(out: usize, kernel: usize) -> Conv {
    Conv { out, window: Window::square(kernel), groups: 1, bias: true, init: Init::GlorotUniform, l2: 0.0 }
}

/// A Keras `Dense` with its defaults.
fn dense(b: &mut Builder, x: NodeId, name: &str, out: usize) -> NodeId {
    b.linear(x, name, out, Init::GlorotUniform, Init::Constant(0.0))
}

/// Window of 2 × 2 that moves by two.
fn halving() -> Window {
    Window::square(2).stride(2)
}

/// R0: Conv 32 3×3 ReLU – MaxPool 2 – Flatten – Dense 64 ReLU – output.
fn r0_cnn(b: &mut Builder, blueprint: &Blueprint) {
    let x = b.conv2d(b.input(), "conv1", keras_conv(32, 3));
    let x = b.relu(x);
    let x = b.max_pool(x, halving());
    let x = b.flatten(x);
    let x = dense(b, x, "fc1", 64);
    let x = b.relu(x);
    dense(b, x, "fc2", blueprint.outputs);
}

/// R1: three 3×3 convolutions (8, 32, 10 maps; the later two with L2 0.01), each with pooling and dropout.
///
/// The reference names no activation; ReLU stands after each convolution, as in R0.
fn r1_cnn(b: &mut Builder, blueprint: &Blueprint) {
    let mut x = b.input();
    for (name, out, l2, rate) in [("conv1", 8, 0.0, 0.4), ("conv2", 32, 0.01, 0.4), ("conv3", 10, 0.01, 0.2)] {
        x = b.conv2d(x, name, Conv { l2, ..keras_conv(out, 3) });
        x = b.relu(x);
        x = b.max_pool(x, halving());
        x = b.dropout(x, rate);
    }
    let x = b.flatten(x);
    dense(b, x, "fc", blueprint.outputs);
}

/// The mean of each channel in 8 × 8 blocks, and one dense layer: no picture needs more to be told from noise, so that
/// larger networks have something to be better than.
fn block_means(b: &mut Builder, blueprint: &Blueprint) {
    let x = b.adaptive_avg_pool(b.input(), 8, 8);
    let x = b.flatten(x);
    dense(b, x, "fc", blueprint.outputs);
}

/// LeNet-5: 5×5 convolutions of 6, 16 and 120 maps with mean pooling between them, dense 84; tanh throughout.
///
/// Pictures larger than 32 × 32 leave more than one value a map after the last convolution; they are flattened.
fn lenet5(b: &mut Builder, blueprint: &Blueprint) {
    let mut x = b.input();
    for (name, out) in [("conv1", 6), ("conv2", 16)] {
        x = b.conv2d(x, name, keras_conv(out, 5));
        x = b.activation(x, Activation::Tanh);
        x = b.avg_pool(x, halving());
    }
    let x = b.conv2d(x, "conv3", keras_conv(120, 5));
    let x = b.activation(x, Activation::Tanh);
    let x = b.flatten(x);
    let x = dense(b, x, "fc1", 84);
    let x = b.activation(x, Activation::Tanh);
    dense(b, x, "fc2", blueprint.outputs);
}
