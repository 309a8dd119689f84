//! DenseNet (Huang et al. 2016, <https://arxiv.org/abs/1608.06993>), as torchvision has it.

use super::{Architecture, Blueprint, Layers, common::ConvNorm};
use crate::{
    Builder, Conv, Init,
    graph::{NodeId, Window},
};

const SOURCE: &str = "Huang et al. 2016, https://arxiv.org/abs/1608.06993";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("densenet121", SOURCE, 224, &DenseNet { growth: 32, stem: 64, depths: [6, 12, 24, 16] }),
    Architecture::new("densenet161", SOURCE, 224, &DenseNet { growth: 48, stem: 96, depths: [6, 12, 36, 24] }),
    Architecture::new("densenet169", SOURCE, 224, &DenseNet { growth: 32, stem: 64, depths: [6, 12, 32, 32] }),
    Architecture::new("densenet201", SOURCE, 224, &DenseNet { growth: 32, stem: 64, depths: [6, 12, 48, 32] }),
];

struct DenseNet {
    /// Maps that each layer adds.
    growth: usize,
    /// Maps after the first convolution.
    stem: usize,
    /// Layers in each block.
    depths: [usize; 4],
}

impl Layers for DenseNet {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let stem = ConvNorm { init: Init::KaimingNormalFanIn, ..ConvNorm::new(self.stem, 7).stride(2) };
        let x = stem.lay_as(b, b.input(), "features.conv0", "features.norm0");
        let mut x = b.max_pool(x, Window::square(3).stride(2).padding(1));
        for (i, depth) in self.depths.into_iter().enumerate() {
            for layer in 1..=depth {
                let name = format!("features.denseblock{}.denselayer{layer}", i + 1);
                let y = norm_conv(b, x, &format!("{name}.norm1"), &format!("{name}.conv1"), 4 * self.growth, 1);
                let y = norm_conv(b, y, &format!("{name}.norm2"), &format!("{name}.conv2"), self.growth, 3);
                x = b.concat(&[x, y]);
            }
            if i < 3 {
                let name = format!("features.transition{}", i + 1);
                let half = b.width(x) / 2;
                x = norm_conv(b, x, &format!("{name}.norm"), &format!("{name}.conv"), half, 1);
                x = b.avg_pool(x, Window::square(2).stride(2));
            }
        }
        let x = b.batch_norm(x, "features.norm5");
        let x = b.relu(x);
        let x = b.global_avg_pool(x);
        let bound = 1.0 / (b.width(x) as f32).sqrt();
        b.linear(x, "classifier", blueprint.outputs, Init::Uniform(bound), Init::Constant(0.0));
    }
}

/// Batch norm, ReLU, convolution.
fn norm_conv(b: &mut Builder, x: NodeId, norm: &str, conv: &str, out: usize, kernel: usize) -> NodeId {
    let x = b.batch_norm(x, norm);
    let x = b.relu(x);
    let window = Window::square(kernel).padding(kernel / 2);
    b.conv2d(x, conv, Conv { out, window, groups: 1, bias: false, init: Init::KaimingNormalFanIn, l2: 0.0 })
}
