//! ConvNeXt (Liu et al. 2022, <https://arxiv.org/abs/2201.03545>), as torchvision has it.

use super::{Architecture, Blueprint, Layers};
use crate::{
    Builder, Conv, Init,
    graph::{Activation, NodeId, Role, Window},
};

const SOURCE: &str = "Liu et al. 2022, https://arxiv.org/abs/2201.03545";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("convnext_tiny", SOURCE, 224, &ConvNeXt { width: 96, depths: [3, 3, 9, 3], drop: 0.1 }),
    Architecture::new("convnext_small", SOURCE, 224, &ConvNeXt { width: 96, depths: [3, 3, 27, 3], drop: 0.4 }),
    Architecture::new("convnext_base", SOURCE, 224, &ConvNeXt { width: 128, depths: [3, 3, 27, 3], drop: 0.5 }),
    Architecture::new("convnext_large", SOURCE, 224, &ConvNeXt { width: 192, depths: [3, 3, 27, 3], drop: 0.5 }),
];

struct ConvNeXt {
    /// Maps of the first stage; each further one has twice as many.
    width: usize,
    /// Blocks in each stage.
    depths: [usize; 4],
    /// Share of pictures for which the last block is left out while training.
    drop: f64,
}

const EPSILON: f64 = 1e-6;
const INIT: Init = Init::Normal(0.02);
const ZERO: Init = Init::Constant(0.0);

fn conv(out: usize, window: Window, groups: usize) -> Conv {
    Conv { out, window, groups, bias: true, init: INIT, l2: 0.0 }
}

impl Layers for ConvNeXt {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let x = b.conv2d(b.input(), "features.0.0", conv(self.width, Window::square(4).stride(4), 1));
        let mut x = b.layer_norm(x, "features.0.1", EPSILON);
        let blocks: usize = self.depths.iter().sum();
        let mut done = 0;
        for (stage, depth) in self.depths.into_iter().enumerate() {
            if stage > 0 {
                let name = format!("features.{}", 2 * stage);
                x = b.layer_norm(x, &format!("{name}.0"), EPSILON);
                let halving = Window::square(2).stride(2);
                x = b.conv2d(x, &format!("{name}.1"), conv(self.width << stage, halving, 1));
            }
            for k in 0..depth {
                let rate = self.drop * f64::from(done) / (blocks as f64 - 1.0);
                x = block(b, x, &format!("features.{}.{k}", 2 * stage + 1), rate);
                done += 1;
            }
        }
        let x = b.global_avg_pool(x);
        let x = b.layer_norm(x, "classifier.0", EPSILON);
        b.linear(x, "classifier.2", blueprint.outputs, INIT, ZERO);
    }
}

/// 7×7 on each map by itself, layer norm, then two dense layers on each pixel, beside a shortcut.
fn block(b: &mut Builder, x: NodeId, name: &str, rate: f64) -> NodeId {
    let width = b.width(x);
    let scale = b.parameter(&format!("{name}.layer_scale"), &[width, 1, 1], Init::Constant(1e-6), Role::Vector);
    let y = b.conv2d(x, &format!("{name}.block.0"), conv(width, Window::square(7).padding(3), width));
    let y = b.layer_norm(y, &format!("{name}.block.2"), EPSILON);
    let y = b.linear(y, &format!("{name}.block.3"), 4 * width, INIT, ZERO);
    let y = b.activation(y, Activation::Gelu);
    let y = b.linear(y, &format!("{name}.block.5"), width, INIT, ZERO);
    let y = b.channel_scale(y, scale);
    let y = b.stochastic_depth(y, rate);
    b.add(y, x)
}
