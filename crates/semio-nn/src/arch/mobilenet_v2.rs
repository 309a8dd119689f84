//! MobileNetV2 (Sandler et al. 2018, <https://arxiv.org/abs/1801.04381>), as torchvision has it.

use super::{Architecture, Blueprint, common::ConvNorm};
use crate::{
    Builder, Init,
    graph::{Activation, NodeId},
};

pub(super) const NETWORKS: &[Architecture] =
    &[Architecture::new("mobilenet_v2", "Sandler et al. 2018, https://arxiv.org/abs/1801.04381", 224, &mobilenet_v2)];

/// Expansion, output maps, repetitions, stride of the first repetition.
const STAGES: [[usize; 4]; 7] =
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

/// The network at its usual width.
fn mobilenet_v2(b: &mut Builder, blueprint: &Blueprint) {
    let mut x = relu6(32, 3).stride(2).lay(b, b.input(), "features.0");
    let mut index = 1;
    for [expansion, out, repetitions, stride] in STAGES {
        for i in 0..repetitions {
            x = inverted_residual(b, x, index, expansion, out, if i == 0 { stride } else { 1 });
            index += 1;
        }
    }
    let x = relu6(1280, 1).lay(b, x, &format!("features.{index}"));
    let x = b.global_avg_pool(x);
    let x = b.dropout(x, 0.2);
    b.linear(x, "classifier.1", blueprint.outputs, Init::Normal(0.01), Init::Constant(0.0));
}

fn relu6(out: usize, kernel: usize) -> ConvNorm {
    ConvNorm::new(out, kernel).activation(Some(Activation::Relu6))
}

/// Widen by 1×1, filter each map by itself, narrow by 1×1 without activation.
fn inverted_residual(b: &mut Builder, x: NodeId, index: usize, expansion: usize, out: usize, stride: usize) -> NodeId {
    let name = format!("features.{index}.conv");
    let channels = b.width(x);
    let hidden = channels * expansion;
    let mut part = 0;
    let mut y = x;
    if expansion != 1 {
        y = relu6(hidden, 1).lay(b, y, &format!("{name}.{part}"));
        part += 1;
    }
    y = relu6(hidden, 3).stride(stride).groups(hidden).lay(b, y, &format!("{name}.{part}"));
    let narrow = ConvNorm::new(out, 1).activation(None);
    y = narrow.lay_as(b, y, &format!("{name}.{}", part + 1), &format!("{name}.{}", part + 2));
    if stride == 1 && channels == out { b.add(x, y) } else { y }
}
