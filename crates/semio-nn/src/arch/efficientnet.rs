//! EfficientNet (Tan and Le 2019, <https://arxiv.org/abs/1905.11946>) and EfficientNetV2 (Tan and Le 2021,
//! <https://arxiv.org/abs/2104.00298>), as torchvision has them.

use super::{
    Architecture, Blueprint, Layers,
    common::{ConvNorm, NORM, Norm, round_to_eight, squeeze_excitation},
};
use crate::{
    Builder, Init,
    graph::{Activation, NodeId},
};

const V1: &str = "Tan and Le 2019, https://arxiv.org/abs/1905.11946";
const V2: &str = "Tan and Le 2021, https://arxiv.org/abs/2104.00298";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("efficientnet_b0", V1, 224, &EfficientNet::v1(1.0, 1.0, 0.2, NORM)),
    Architecture::new("efficientnet_b1", V1, 240, &EfficientNet::v1(1.0, 1.1, 0.2, NORM)),
    Architecture::new("efficientnet_b2", V1, 288, &EfficientNet::v1(1.1, 1.2, 0.3, NORM)),
    Architecture::new("efficientnet_b3", V1, 300, &EfficientNet::v1(1.2, 1.4, 0.3, NORM)),
    Architecture::new("efficientnet_b4", V1, 380, &EfficientNet::v1(1.4, 1.8, 0.4, NORM)),
    Architecture::new("efficientnet_b5", V1, 456, &EfficientNet::v1(1.6, 2.2, 0.4, SLOW_NORM)),
    Architecture::new("efficientnet_b6", V1, 528, &EfficientNet::v1(1.8, 2.6, 0.5, SLOW_NORM)),
    Architecture::new("efficientnet_b7", V1, 600, &EfficientNet::v1(2.0, 3.1, 0.5, SLOW_NORM)),
    Architecture::new("efficientnet_v2_s", V2, 384, &EfficientNet::v2(&V2_S, 0.2)),
    Architecture::new("efficientnet_v2_m", V2, 480, &EfficientNet::v2(&V2_M, 0.3)),
    Architecture::new("efficientnet_v2_l", V2, 480, &EfficientNet::v2(&V2_L, 0.4)),
];

const SLOW_NORM: Norm = Norm { epsilon: 1e-3, momentum: 0.01 };
const V2_NORM: Norm = Norm { epsilon: 1e-3, momentum: 0.1 };

/// Blocks of one kind.
struct Stage {
    kind: Kind,
    expansion: usize,
    kernel: usize,
    /// Of the first block.
    stride: usize,
    out: usize,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Widen by 1×1, filter each map by itself, squeeze and excite, narrow by 1×1.
    Mobile,
    /// Widen by a full convolution, narrow by 1×1.
    Fused,
}

const fn mobile([expansion, kernel, stride, out, depth]: [usize; 5]) -> Stage {
    Stage { kind: Kind::Mobile, expansion, kernel, stride, out, depth }
}

const fn fused([expansion, kernel, stride, out, depth]: [usize; 5]) -> Stage {
    Stage { kind: Kind::Fused, expansion, kernel, stride, out, depth }
}

/// B0; the others are wider and deeper by constant factors.
const B0: [Stage; 7] = [
    mobile([1, 3, 1, 16, 1]),
    mobile([6, 3, 2, 24, 2]),
    mobile([6, 5, 2, 40, 2]),
    mobile([6, 3, 2, 80, 3]),
    mobile([6, 5, 1, 112, 3]),
    mobile([6, 5, 2, 192, 4]),
    mobile([6, 3, 1, 320, 1]),
];

const V2_S: [Stage; 6] = [
    fused([1, 3, 1, 24, 2]),
    fused([4, 3, 2, 48, 4]),
    fused([4, 3, 2, 64, 4]),
    mobile([4, 3, 2, 128, 6]),
    mobile([6, 3, 1, 160, 9]),
    mobile([6, 3, 2, 256, 15]),
];

const V2_M: [Stage; 7] = [
    fused([1, 3, 1, 24, 3]),
    fused([4, 3, 2, 48, 5]),
    fused([4, 3, 2, 80, 5]),
    mobile([4, 3, 2, 160, 7]),
    mobile([6, 3, 1, 176, 14]),
    mobile([6, 3, 2, 304, 18]),
    mobile([6, 3, 1, 512, 5]),
];

const V2_L: [Stage; 7] = [
    fused([1, 3, 1, 32, 4]),
    fused([4, 3, 2, 64, 7]),
    fused([4, 3, 2, 96, 7]),
    mobile([4, 3, 2, 192, 10]),
    mobile([6, 3, 1, 224, 19]),
    mobile([6, 3, 2, 384, 25]),
    mobile([6, 3, 1, 640, 7]),
];

struct EfficientNet {
    stages: &'static [Stage],
    /// Maps after the first convolution, before widening.
    stem: usize,
    /// Maps after the last one; four times the last stage's where none stands.
    last: Option<usize>,
    /// Factor of all widths.
    wider: f64,
    /// Factor of all depths.
    deeper: f64,
    dropout: f64,
    norm: Norm,
}

/// Share of pictures for which the last block would be left out while training.
const STOCHASTIC_DEPTH: f64 = 0.2;

impl EfficientNet {
    const fn v1(wider: f64, deeper: f64, dropout: f64, norm: Norm) -> Self {
        Self { stages: &B0, stem: 32, last: None, wider, deeper, dropout, norm }
    }

    const fn v2(stages: &'static [Stage], dropout: f64) -> Self {
        Self { stages, stem: stages[0].out, last: Some(1280), wider: 1.0, deeper: 1.0, dropout, norm: V2_NORM }
    }
}

impl Layers for EfficientNet {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let wide = |maps: usize| round_to_eight(maps as f64 * self.wider);
        let deep = |depth: usize| (depth as f64 * self.deeper).ceil() as usize;
        let silu = |out, kernel| ConvNorm::new(out, kernel).norm(self.norm).activation(Some(Activation::Silu));

        let mut x = silu(wide(self.stem), 3).stride(2).lay(b, b.input(), "features.0");
        let blocks: usize = self.stages.iter().map(|s| deep(s.depth)).sum();
        let mut done = 0;
        for (i, stage) in self.stages.iter().enumerate() {
            for k in 0..deep(stage.depth) {
                let rate = STOCHASTIC_DEPTH * f64::from(done) / blocks as f64;
                let stride = if k == 0 { stage.stride } else { 1 };
                let name = format!("features.{}.{k}.block", i + 1);
                x = block(b, x, &name, stage, wide(stage.out), stride, self.norm, rate);
                done += 1;
            }
        }
        let last = self.last.unwrap_or(4 * b.width(x));
        let x = silu(last, 1).lay(b, x, &format!("features.{}", self.stages.len() + 1));
        let x = b.global_avg_pool(x);
        let x = b.dropout(x, self.dropout);
        let bound = 1.0 / (blueprint.outputs as f32).sqrt();
        b.linear(x, "classifier.1", blueprint.outputs, Init::Uniform(bound), Init::Constant(0.0));
    }
}

#[expect(clippy::too_many_arguments, reason = "what differs from block to block")]
fn block(
    b: &mut Builder,
    x: NodeId,
    name: &str,
    stage: &Stage,
    out: usize,
    stride: usize,
    norm: Norm,
    rate: f64,
) -> NodeId {
    let silu = |out, kernel| ConvNorm::new(out, kernel).norm(norm).activation(Some(Activation::Silu));
    let narrow = ConvNorm::new(out, 1).norm(norm).activation(None);
    let channels = b.width(x);
    let hidden = round_to_eight((channels * stage.expansion) as f64);
    let widens = hidden != channels;
    let y = match stage.kind {
        Kind::Fused if widens => {
            let y = silu(hidden, stage.kernel).stride(stride).lay(b, x, &format!("{name}.0"));
            narrow.lay(b, y, &format!("{name}.1"))
        }
        Kind::Fused => silu(out, stage.kernel).stride(stride).lay(b, x, &format!("{name}.0")),
        Kind::Mobile => {
            let mut part = 0;
            let mut y = x;
            if widens {
                y = silu(hidden, 1).lay(b, y, &format!("{name}.0"));
                part = 1;
            }
            y = silu(hidden, stage.kernel).stride(stride).groups(hidden).lay(b, y, &format!("{name}.{part}"));
            let squeeze = (channels / 4).max(1);
            let activations = [Activation::Silu, Activation::Sigmoid];
            let init = Init::KaimingNormalFanOut;
            y = squeeze_excitation(b, y, &format!("{name}.{}", part + 1), squeeze, activations, init);
            narrow.lay(b, y, &format!("{name}.{}", part + 2))
        }
    };
    if stride == 1 && channels == out {
        let y = b.stochastic_depth(y, rate);
        b.add(y, x)
    } else {
        y
    }
}
