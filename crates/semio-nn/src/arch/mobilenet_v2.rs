//! MobileNetV2 (Sandler et al. 2018, <https://arxiv.org/abs/1801.04381>), as torchvision has it.

use super::Blueprint;
use crate::{
    Builder, Conv, Init,
    graph::{Activation, NodeId, Shape, Window},
};

/// Expansion, output maps, repetitions, stride of the first repetition.
const STAGES: [[usize; 4]; 7] =
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

/// The network at its usual width.
pub(super) fn mobilenet_v2(b: &mut Builder, blueprint: &Blueprint) {
    let mut x = conv_norm(b, b.input(), "features.0", 32, Window::square(3).stride(2).padding(1), 1);
    let mut index = 1;
    for [expansion, out, repetitions, stride] in STAGES {
        for i in 0..repetitions {
            x = inverted_residual(b, x, index, expansion, out, if i == 0 { stride } else { 1 });
            index += 1;
        }
    }
    let x = conv_norm(b, x, &format!("features.{index}"), 1280, Window::square(1), 1);
    let x = b.global_avg_pool(x);
    let x = b.dropout(x, 0.2);
    b.linear(x, "classifier.1", blueprint.outputs, Init::Normal(0.01), Init::Constant(0.0));
}

/// Convolution, batch norm and ReLU6, named `{name}.0` and `{name}.1`.
fn conv_norm(b: &mut Builder, x: NodeId, name: &str, out: usize, window: Window, groups: usize) -> NodeId {
    let conv = Conv { out, window, groups, bias: false, init: Init::KaimingNormalFanOut, l2: 0.0 };
    let x = b.conv2d(x, &format!("{name}.0"), conv);
    let x = b.batch_norm(x, &format!("{name}.1"));
    b.activation(x, Activation::Relu6)
}

/// Widen by 1×1, filter each map by itself, narrow by 1×1 without activation.
fn inverted_residual(b: &mut Builder, x: NodeId, index: usize, expansion: usize, out: usize, stride: usize) -> NodeId {
    let Shape::Maps { channels, .. } = b.shape(x) else { unreachable!("a convolution gives maps") };
    let name = format!("features.{index}.conv");
    let hidden = channels * expansion;
    let mut part = 0;
    let mut y = x;
    if expansion != 1 {
        y = conv_norm(b, y, &format!("{name}.{part}"), hidden, Window::square(1), 1);
        part += 1;
    }
    let depthwise = Window::square(3).stride(stride).padding(1);
    y = conv_norm(b, y, &format!("{name}.{part}"), hidden, depthwise, hidden);
    let narrow =
        Conv { out, window: Window::square(1), groups: 1, bias: false, init: Init::KaimingNormalFanOut, l2: 0.0 };
    y = b.conv2d(y, &format!("{name}.{}", part + 1), narrow);
    y = b.batch_norm(y, &format!("{name}.{}", part + 2));
    if stride == 1 && channels == out { b.add(x, y) } else { y }
}
