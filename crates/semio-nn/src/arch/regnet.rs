//! RegNet (Radosavovic et al. 2020, <https://arxiv.org/abs/2003.13678>), as torchvision has it.
//!
//! The stages are written out; the paper derives their widths from a line, rounded to powers and to group widths.

use super::{
    Architecture, Blueprint, Layers,
    common::{ConvNorm, squeeze_excitation},
};
use crate::{
    Builder, Init,
    graph::{Activation, NodeId},
};

const SOURCE: &str = "Radosavovic et al. 2020, https://arxiv.org/abs/2003.13678";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("regnet_x_400mf", SOURCE, 224, &RegNet::x(16, [(1, 32), (2, 64), (7, 160), (12, 400)])),
    Architecture::new("regnet_x_800mf", SOURCE, 224, &RegNet::x(16, [(1, 64), (3, 128), (7, 288), (5, 672)])),
    Architecture::new("regnet_x_1_6gf", SOURCE, 224, &RegNet::x(24, [(2, 72), (4, 168), (10, 408), (2, 912)])),
    Architecture::new("regnet_x_3_2gf", SOURCE, 224, &RegNet::x(48, [(2, 96), (6, 192), (15, 432), (2, 1008)])),
    Architecture::new("regnet_x_8gf", SOURCE, 224, &RegNet::x(120, [(2, 80), (5, 240), (15, 720), (1, 1920)])),
    Architecture::new("regnet_x_16gf", SOURCE, 224, &RegNet::x(128, [(2, 256), (6, 512), (13, 896), (1, 2048)])),
    Architecture::new("regnet_x_32gf", SOURCE, 224, &RegNet::x(168, [(2, 336), (7, 672), (13, 1344), (1, 2520)])),
    Architecture::new("regnet_y_400mf", SOURCE, 224, &RegNet::y(8, [(1, 48), (3, 104), (6, 208), (6, 440)])),
    Architecture::new("regnet_y_800mf", SOURCE, 224, &RegNet::y(16, [(1, 64), (3, 144), (8, 320), (2, 784)])),
    Architecture::new("regnet_y_1_6gf", SOURCE, 224, &RegNet::y(24, [(2, 48), (6, 120), (17, 336), (2, 888)])),
    Architecture::new("regnet_y_3_2gf", SOURCE, 224, &RegNet::y(24, [(2, 72), (5, 216), (13, 576), (1, 1512)])),
    Architecture::new("regnet_y_8gf", SOURCE, 224, &RegNet::y(56, [(2, 224), (4, 448), (10, 896), (1, 2016)])),
    Architecture::new("regnet_y_16gf", SOURCE, 224, &RegNet::y(112, [(2, 224), (4, 448), (11, 1232), (1, 3024)])),
    Architecture::new("regnet_y_32gf", SOURCE, 224, &RegNet::y(232, [(2, 232), (5, 696), (12, 1392), (1, 3712)])),
    Architecture::new("regnet_y_128gf", SOURCE, 384, &RegNet::y(264, [(2, 528), (7, 1056), (17, 2904), (1, 7392)])),
];

struct RegNet {
    /// Maps that a 3×3 convolution sees at once.
    group: usize,
    /// Number of blocks and maps of each stage.
    stages: [(usize, usize); 4],
    /// Whether maps are weighed by squeeze-and-excitation (the Y family).
    squeezes: bool,
}

impl RegNet {
    const fn x(group: usize, stages: [(usize, usize); 4]) -> Self {
        Self { group, stages, squeezes: false }
    }

    const fn y(group: usize, stages: [(usize, usize); 4]) -> Self {
        Self { group, stages, squeezes: true }
    }

    /// 1×1, 3×3 in groups and 1×1 beside a shortcut.
    fn block(&self, b: &mut Builder, x: NodeId, name: &str, out: usize, stride: usize) -> NodeId {
        let channels = b.width(x);
        let shortcut = if stride == 1 && channels == out {
            x
        } else {
            ConvNorm::new(out, 1).stride(stride).activation(None).lay(b, x, &format!("{name}.proj"))
        };
        let groups = out / self.group.min(out);
        let y = ConvNorm::new(out, 1).lay(b, x, &format!("{name}.f.a"));
        let mut y = ConvNorm::new(out, 3).stride(stride).groups(groups).lay(b, y, &format!("{name}.f.b"));
        if self.squeezes {
            // A quarter of what comes into the block; a half goes to the even number, as Python rounds.
            let squeeze = (channels as f64 / 4.0).round_ties_even() as usize;
            let activations = [Activation::Relu, Activation::Sigmoid];
            y = squeeze_excitation(b, y, &format!("{name}.f.se"), squeeze, activations, Init::KaimingNormalFanOut);
        }
        let y = ConvNorm::new(out, 1).activation(None).lay(b, y, &format!("{name}.f.c"));
        let y = b.add(shortcut, y);
        b.relu(y)
    }
}

impl Layers for RegNet {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let mut x = ConvNorm::new(32, 3).stride(2).lay(b, b.input(), "stem");
        for (stage, (depth, out)) in self.stages.into_iter().enumerate() {
            let stage = stage + 1;
            for i in 0..depth {
                let name = format!("trunk_output.block{stage}.block{stage}-{i}");
                x = self.block(b, x, &name, out, if i == 0 { 2 } else { 1 });
            }
        }
        let x = b.global_avg_pool(x);
        b.linear(x, "fc", blueprint.outputs, Init::Normal(0.01), Init::Constant(0.0));
    }
}
