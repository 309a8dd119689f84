//! MnasNet-B1 (Tan et al. 2018, <https://arxiv.org/abs/1807.11626>), as torchvision has it.

use super::{
    Architecture, Blueprint, Layers,
    common::{ConvNorm, Norm, round_to_eight},
};
use crate::{Builder, Init, graph::NodeId};

const SOURCE: &str = "Tan et al. 2018, https://arxiv.org/abs/1807.11626";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("mnasnet0_5", SOURCE, 224, &MnasNet { wider: 0.5 }),
    Architecture::new("mnasnet0_75", SOURCE, 224, &MnasNet { wider: 0.75 }),
    Architecture::new("mnasnet1_0", SOURCE, 224, &MnasNet { wider: 1.0 }),
    Architecture::new("mnasnet1_3", SOURCE, 224, &MnasNet { wider: 1.3 }),
];

struct MnasNet {
    /// Factor of all widths but the last.
    wider: f64,
}

/// Output maps, kernel, stride of the first block, expansion, number of blocks.
const STACKS: [[usize; 5]; 6] =
    [[24, 3, 2, 3, 3], [40, 5, 2, 3, 3], [80, 5, 2, 6, 3], [96, 3, 1, 6, 2], [192, 5, 2, 6, 4], [320, 3, 1, 6, 1]];

/// The statistics follow a new batch slowly, as in the TensorFlow original.
const NORM: Norm = Norm { epsilon: 1e-5, momentum: 1.0 - 0.9997 };

fn conv(out: usize, kernel: usize) -> ConvNorm {
    ConvNorm::new(out, kernel).norm(NORM)
}

/// Lays convolution and norm as the list's entries `index` and `index + 1`.
fn lay(b: &mut Builder, x: NodeId, list: &str, index: usize, conv: ConvNorm) -> NodeId {
    conv.lay_as(b, x, &format!("{list}.{index}"), &format!("{list}.{}", index + 1))
}

impl Layers for MnasNet {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let wide = |maps: usize| round_to_eight(maps as f64 * self.wider);
        let stem = wide(32);
        let x = lay(b, b.input(), "layers", 0, conv(stem, 3).stride(2));
        let x = lay(b, x, "layers", 3, conv(stem, 3).groups(stem));
        let mut x = lay(b, x, "layers", 6, conv(wide(16), 1).activation(None));
        for (i, [out, kernel, stride, expansion, depth]) in STACKS.into_iter().enumerate() {
            for k in 0..depth {
                let name = format!("layers.{}.{k}.layers", 8 + i);
                x = block(b, x, &name, wide(out), kernel, if k == 0 { stride } else { 1 }, expansion);
            }
        }
        let x = lay(b, x, "layers", 14, conv(1280, 1));
        let x = b.global_avg_pool(x);
        let x = b.dropout(x, 0.2);
        let bound = (3.0 / blueprint.outputs as f32).sqrt();
        b.linear(x, "classifier.1", blueprint.outputs, Init::Uniform(bound), Init::Constant(0.0));
    }
}

/// Widen by 1×1, filter each map by itself, narrow by 1×1.
fn block(b: &mut Builder, x: NodeId, name: &str, out: usize, kernel: usize, stride: usize, expansion: usize) -> NodeId {
    let channels = b.width(x);
    let hidden = channels * expansion;
    let y = lay(b, x, name, 0, conv(hidden, 1));
    let y = lay(b, y, name, 3, conv(hidden, kernel).stride(stride).groups(hidden));
    let y = lay(b, y, name, 6, conv(out, 1).activation(None));
    if stride == 1 && channels == out { b.add(y, x) } else { y }
}
