//! MobileNetV3 (Howard et al. 2019, <https://arxiv.org/abs/1905.02244>), as torchvision has it.

use super::{
    Architecture, Blueprint, Layers,
    common::{ConvNorm, Norm, round_to_eight, squeeze_excitation},
};
use crate::{
    Builder, Init,
    graph::{
        Activation::{self, Hardsigmoid, Hardswish, Relu},
        NodeId,
    },
};

const SOURCE: &str = "Howard et al. 2019, https://arxiv.org/abs/1905.02244";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("mobilenet_v3_large", SOURCE, 224, &MobileNetV3 { blocks: &LARGE, last: 1280 }),
    Architecture::new("mobilenet_v3_small", SOURCE, 224, &MobileNetV3 { blocks: &SMALL, last: 1024 }),
];

struct MobileNetV3 {
    blocks: &'static [Block],
    /// Length of the vector before the classes.
    last: usize,
}

struct Block {
    kernel: usize,
    hidden: usize,
    out: usize,
    /// Whether maps are weighed by squeeze-and-excitation.
    squeezes: bool,
    activation: Activation,
    stride: usize,
}

const fn block(
    kernel: usize,
    hidden: usize,
    out: usize,
    squeezes: bool,
    activation: Activation,
    stride: usize,
) -> Block {
    Block { kernel, hidden, out, squeezes, activation, stride }
}

const LARGE: [Block; 15] = [
    block(3, 16, 16, false, Relu, 1),
    block(3, 64, 24, false, Relu, 2),
    block(3, 72, 24, false, Relu, 1),
    block(5, 72, 40, true, Relu, 2),
    block(5, 120, 40, true, Relu, 1),
    block(5, 120, 40, true, Relu, 1),
    block(3, 240, 80, false, Hardswish, 2),
    block(3, 200, 80, false, Hardswish, 1),
    block(3, 184, 80, false, Hardswish, 1),
    block(3, 184, 80, false, Hardswish, 1),
    block(3, 480, 112, true, Hardswish, 1),
    block(3, 672, 112, true, Hardswish, 1),
    block(5, 672, 160, true, Hardswish, 2),
    block(5, 960, 160, true, Hardswish, 1),
    block(5, 960, 160, true, Hardswish, 1),
];

const SMALL: [Block; 11] = [
    block(3, 16, 16, true, Relu, 2),
    block(3, 72, 24, false, Relu, 2),
    block(3, 88, 24, false, Relu, 1),
    block(5, 96, 40, true, Hardswish, 2),
    block(5, 240, 40, true, Hardswish, 1),
    block(5, 240, 40, true, Hardswish, 1),
    block(5, 120, 48, true, Hardswish, 1),
    block(5, 144, 48, true, Hardswish, 1),
    block(5, 288, 96, true, Hardswish, 2),
    block(5, 576, 96, true, Hardswish, 1),
    block(5, 576, 96, true, Hardswish, 1),
];

const NORM: Norm = Norm { epsilon: 1e-3, momentum: 0.01 };

fn conv(out: usize, kernel: usize, activation: Option<Activation>) -> ConvNorm {
    ConvNorm::new(out, kernel).norm(NORM).activation(activation)
}

impl Layers for MobileNetV3 {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let mut x = conv(16, 3, Some(Hardswish)).stride(2).lay(b, b.input(), "features.0");
        for (i, block) in self.blocks.iter().enumerate() {
            x = block.lay(b, x, &format!("features.{}.block", i + 1));
        }
        let wide = 6 * b.width(x);
        let x = conv(wide, 1, Some(Hardswish)).lay(b, x, &format!("features.{}", self.blocks.len() + 1));
        let x = b.global_avg_pool(x);
        let x = b.linear(x, "classifier.0", self.last, Init::Normal(0.01), Init::Constant(0.0));
        let x = b.activation(x, Hardswish);
        let x = b.dropout(x, 0.2);
        b.linear(x, "classifier.3", blueprint.outputs, Init::Normal(0.01), Init::Constant(0.0));
    }
}

impl Block {
    /// Widen by 1×1, filter each map by itself, weigh the maps, narrow by 1×1 without activation.
    fn lay(&self, b: &mut Builder, x: NodeId, name: &str) -> NodeId {
        let channels = b.width(x);
        let activation = Some(self.activation);
        let mut part = 0;
        let mut y = x;
        if self.hidden != channels {
            y = conv(self.hidden, 1, activation).lay(b, y, &format!("{name}.{part}"));
            part += 1;
        }
        let depthwise = conv(self.hidden, self.kernel, activation).stride(self.stride).groups(self.hidden);
        y = depthwise.lay(b, y, &format!("{name}.{part}"));
        part += 1;
        if self.squeezes {
            let squeeze = round_to_eight((self.hidden / 4) as f64);
            let init = Init::KaimingNormalFanOut;
            y = squeeze_excitation(b, y, &format!("{name}.{part}"), squeeze, [Relu, Hardsigmoid], init);
            part += 1;
        }
        y = conv(self.out, 1, None).lay(b, y, &format!("{name}.{part}"));
        if self.stride == 1 && channels == self.out { b.add(y, x) } else { y }
    }
}
