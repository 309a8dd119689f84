//! ShuffleNetV2 (Ma et al. 2018, <https://arxiv.org/abs/1807.11164>), as torchvision has it.

use super::{
    Architecture, Blueprint, Layers,
    common::{ConvNorm, dense},
};
use crate::{
    Builder, Init,
    graph::{NodeId, Window},
};

const SOURCE: &str = "Ma et al. 2018, https://arxiv.org/abs/1807.11164";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("shufflenet_v2_x0_5", SOURCE, 224, &ShuffleNet { widths: [48, 96, 192], last: 1024 }),
    Architecture::new("shufflenet_v2_x1_0", SOURCE, 224, &ShuffleNet { widths: [116, 232, 464], last: 1024 }),
    Architecture::new("shufflenet_v2_x1_5", SOURCE, 224, &ShuffleNet { widths: [176, 352, 704], last: 1024 }),
    Architecture::new("shufflenet_v2_x2_0", SOURCE, 224, &ShuffleNet { widths: [244, 488, 976], last: 2048 }),
];

struct ShuffleNet {
    /// Maps of the three stages.
    widths: [usize; 3],
    /// Maps after the last convolution.
    last: usize,
}

/// Blocks in each stage.
const DEPTHS: [usize; 3] = [4, 8, 4];

impl Layers for ShuffleNet {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let x = conv(24, 3).stride(2).lay(b, b.input(), "conv1");
        let mut x = b.max_pool(x, Window::square(3).stride(2).padding(1));
        for (stage, (out, depth)) in self.widths.into_iter().zip(DEPTHS).enumerate() {
            for i in 0..depth {
                x = block(b, x, &format!("stage{}.{i}", stage + 2), out, i == 0);
            }
        }
        let x = conv(self.last, 1).lay(b, x, "conv5");
        let x = b.global_avg_pool(x);
        dense(b, x, "fc", blueprint.outputs);
    }
}

fn conv(out: usize, kernel: usize) -> ConvNorm {
    ConvNorm { init: Init::FanInUniform, ..ConvNorm::new(out, kernel) }
}

/// Two branches whose maps are shuffled. Without stride the first branch is half of the input as it is.
fn block(b: &mut Builder, x: NodeId, name: &str, out: usize, strided: bool) -> NodeId {
    let half = out / 2;
    let stride = if strided { 2 } else { 1 };
    let lay = |b: &mut Builder, x: NodeId, branch: usize, index: usize, conv: ConvNorm| {
        conv.lay_as(b, x, &format!("{name}.branch{branch}.{index}"), &format!("{name}.branch{branch}.{}", index + 1))
    };
    // Each map filtered by itself.
    let depthwise = |maps: usize| conv(maps, 3).stride(stride).groups(maps).activation(None);
    let (one, two) = if strided {
        let y = lay(b, x, 1, 0, depthwise(b.width(x)));
        (lay(b, y, 1, 2, conv(half, 1)), x)
    } else {
        (b.slice(x, 0, half), b.slice(x, half, half))
    };
    let two = lay(b, two, 2, 0, conv(half, 1));
    let two = lay(b, two, 2, 3, depthwise(half));
    let two = lay(b, two, 2, 5, conv(half, 1));
    let y = b.concat(&[one, two]);
    b.channel_shuffle(y, 2)
}
