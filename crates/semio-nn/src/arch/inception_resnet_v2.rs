//! Inception-ResNet-v2 (Szegedy et al. 2016, <https://arxiv.org/abs/1602.07261>), under timm's names.

use super::{
    Architecture, Blueprint,
    common::{ConvNorm, Norm, dense},
};
use crate::{
    Builder, Conv, Init,
    graph::{NodeId, Window},
};

pub(super) const NETWORKS: &[Architecture] = &[Architecture::new(
    "inception_resnet_v2",
    "Szegedy et al. 2016, https://arxiv.org/abs/1602.07261",
    299,
    &inception_resnet_v2,
)];

const INIT: Init = Init::FanInUniform;

/// A convolution of a branch: output maps, rows and columns of the kernel, stride, whether the sides are kept.
type Step = (usize, [usize; 2], usize, bool);

/// 1×1, or a kernel that keeps the sides.
const fn keep(out: usize, rows: usize, columns: usize) -> Step {
    (out, [rows, columns], 1, true)
}

/// 3×3 that moves by two, without padding.
const fn halve(out: usize) -> Step {
    (out, [3, 3], 2, false)
}

fn conv(b: &mut Builder, x: NodeId, name: &str, (out, kernel, stride, kept): Step) -> NodeId {
    let padding = if kept { kernel.map(|k| k / 2) } else { [0; 2] };
    let window = Window { kernel, stride: [stride; 2], padding, dilation: [1; 2] };
    let norm = Norm { epsilon: 1e-3, momentum: 0.1 };
    let conv = ConvNorm { window, norm, init: INIT, ..ConvNorm::new(out, 1) };
    conv.lay_as(b, x, &format!("{name}.conv"), &format!("{name}.bn"))
}

/// Convolutions one after the other, numbered unless there is only one.
fn branch(b: &mut Builder, x: NodeId, name: &str, steps: &[Step]) -> NodeId {
    match steps {
        [step] => conv(b, x, name, *step),
        _ => steps.iter().enumerate().fold(x, |x, (i, &step)| conv(b, x, &format!("{name}.{i}"), step)),
    }
}

/// Branches that see the same input.
fn branches(b: &mut Builder, x: NodeId, name: &str, all: &[&[Step]]) -> Vec<NodeId> {
    all.iter().enumerate().map(|(i, steps)| branch(b, x, &format!("{name}.branch{i}"), steps)).collect()
}

/// A block whose branches are brought to the input's maps by 1×1, scaled down and added to it.
struct Residual {
    branches: [&'static [Step]; 3],
    scale: f64,
}

const BLOCK_35: Residual = Residual {
    branches: [&[keep(32, 1, 1)], &[keep(32, 1, 1), keep(32, 3, 3)], &[keep(32, 1, 1), keep(48, 3, 3), keep(64, 3, 3)]],
    scale: 0.17,
};

const BLOCK_17: Residual =
    Residual { branches: [&[keep(192, 1, 1)], &[keep(128, 1, 1), keep(160, 1, 7), keep(192, 7, 1)], &[]], scale: 0.1 };

const BLOCK_8: Residual =
    Residual { branches: [&[keep(192, 1, 1)], &[keep(192, 1, 1), keep(224, 1, 3), keep(256, 3, 1)], &[]], scale: 0.2 };

impl Residual {
    fn lay(&self, b: &mut Builder, x: NodeId, name: &str) -> NodeId {
        let present = self.branches.iter().filter(|steps| !steps.is_empty()).copied().collect::<Vec<_>>();
        let parts = branches(b, x, name, &present);
        let y = b.concat(&parts);
        let conv = Conv { out: b.width(x), window: Window::square(1), groups: 1, bias: true, init: INIT, l2: 0.0 };
        let y = b.conv2d(y, &format!("{name}.conv2d"), conv);
        let y = b.multiply(y, self.scale);
        b.add(y, x)
    }

    fn repeat(&self, b: &mut Builder, x: NodeId, name: &str, times: usize) -> NodeId {
        (0..times).fold(x, |x, i| {
            let x = self.lay(b, x, &format!("{name}.{i}"));
            b.relu(x)
        })
    }
}

fn inception_resnet_v2(b: &mut Builder, blueprint: &Blueprint) {
    let halving = Window::square(3).stride(2);
    let x = conv(b, b.input(), "conv2d_1a", halve(32));
    let x = conv(b, x, "conv2d_2a", (32, [3, 3], 1, false));
    let x = conv(b, x, "conv2d_2b", keep(64, 3, 3));
    let x = b.max_pool(x, halving);
    let x = conv(b, x, "conv2d_3b", keep(80, 1, 1));
    let x = conv(b, x, "conv2d_4a", (192, [3, 3], 1, false));
    let x = b.max_pool(x, halving);

    let steps: [&[Step]; 3] =
        [&[keep(96, 1, 1)], &[keep(48, 1, 1), keep(64, 5, 5)], &[keep(64, 1, 1), keep(96, 3, 3), keep(96, 3, 3)]];
    let mut parts = branches(b, x, "mixed_5b", &steps);
    let pooled = b.avg_pool_inside(x, Window::square(3).padding(1));
    parts.push(conv(b, pooled, "mixed_5b.branch3.1", keep(64, 1, 1)));
    let x = b.concat(&parts);
    let x = BLOCK_35.repeat(b, x, "repeat", 10);

    let steps: [&[Step]; 2] = [&[halve(384)], &[keep(256, 1, 1), keep(256, 3, 3), halve(384)]];
    let mut parts = branches(b, x, "mixed_6a", &steps);
    parts.push(b.max_pool(x, halving));
    let x = b.concat(&parts);
    let x = BLOCK_17.repeat(b, x, "repeat_1", 20);

    let steps: [&[Step]; 3] = [
        &[keep(256, 1, 1), halve(384)],
        &[keep(256, 1, 1), halve(288)],
        &[keep(256, 1, 1), keep(288, 3, 3), halve(320)],
    ];
    let mut parts = branches(b, x, "mixed_7a", &steps);
    parts.push(b.max_pool(x, halving));
    let x = b.concat(&parts);
    let x = BLOCK_8.repeat(b, x, "repeat_2", 9);
    let x = BLOCK_8.lay(b, x, "block8");
    let x = conv(b, x, "conv2d_7b", keep(1536, 1, 1));
    let x = b.global_avg_pool(x);
    dense(b, x, "classif", blueprint.outputs);
}
