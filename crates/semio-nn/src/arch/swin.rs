//! Swin transformer (Liu et al. 2021, <https://arxiv.org/abs/2103.14030>) and its second version (Liu et al. 2021,
//! <https://arxiv.org/abs/2111.09883>), as torchvision has them.
//!
//! Where sides are no multiple of the window, the maps are padded with zeros, which take part in the attention.

use super::{Architecture, Blueprint, Layers};
use crate::{
    Builder, Conv, Init,
    graph::{Activation, NodeId, Partition, PositionBias, Role, Similarity, Window, WindowAttention},
};

const V1: &str = "Liu et al. 2021, https://arxiv.org/abs/2103.14030";
const V2: &str = "Liu et al. 2021, https://arxiv.org/abs/2111.09883";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("swin_t", V1, 224, &Swin { second: false, width: 96, heads: 3, depth: 6, drop: 0.2 }),
    Architecture::new("swin_s", V1, 224, &Swin { second: false, width: 96, heads: 3, depth: 18, drop: 0.3 }),
    Architecture::new("swin_b", V1, 224, &Swin { second: false, width: 128, heads: 4, depth: 18, drop: 0.5 }),
    Architecture::new("swin_v2_t", V2, 256, &Swin { second: true, width: 96, heads: 3, depth: 6, drop: 0.2 }),
    Architecture::new("swin_v2_s", V2, 256, &Swin { second: true, width: 96, heads: 3, depth: 18, drop: 0.3 }),
    Architecture::new("swin_v2_b", V2, 256, &Swin { second: true, width: 128, heads: 4, depth: 18, drop: 0.5 }),
];

struct Swin {
    /// Whether it is the second version: windows of 8 instead of 7, cosines, norms behind the layers.
    second: bool,
    /// Maps of the first stage; each further one has twice as many.
    width: usize,
    /// Heads of the first stage; each further one has twice as many.
    heads: usize,
    /// Blocks of the third stage; the others have two.
    depth: usize,
    /// Share of pictures for which the last block is left out while training.
    drop: f64,
}

const EPSILON: f64 = 1e-5;
const INIT: Init = Init::Normal(0.02);
const ZERO: Init = Init::Constant(0.0);

impl Layers for Swin {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let window = Window::square(4).stride(4);
        let conv = Conv { out: self.width, window, groups: 1, bias: true, init: Init::FanInUniform, l2: 0.0 };
        let x = b.conv2d(b.input(), "features.0.0", conv);
        let mut x = b.layer_norm(x, "features.0.2", EPSILON);
        let depths = [2, 2, self.depth, 2];
        let blocks: usize = depths.iter().sum();
        let mut done = 0;
        for (stage, depth) in depths.into_iter().enumerate() {
            if stage > 0 {
                x = self.merge(b, x, &format!("features.{}", 2 * stage));
            }
            for i in 0..depth {
                let rate = self.drop * f64::from(done) / (blocks as f64 - 1.0);
                let name = format!("features.{}.{i}", 2 * stage + 1);
                x = self.block(b, x, &name, self.heads << stage, i % 2 == 1, rate);
                done += 1;
            }
        }
        let x = b.layer_norm(x, "norm", EPSILON);
        let x = b.global_avg_pool(x);
        b.linear(x, "head", blueprint.outputs, INIT, ZERO);
    }
}

impl Swin {
    /// Halves the sides: four pixels become one of twice as many values.
    fn merge(&self, b: &mut Builder, x: NodeId, name: &str) -> NodeId {
        let out = 2 * b.width(x);
        let (reduction, norm) = (format!("{name}.reduction"), format!("{name}.norm"));
        let x = b.patch_merge(x);
        if self.second {
            let x = b.linear_unbiased(x, &reduction, out, INIT);
            b.layer_norm(x, &norm, EPSILON)
        } else {
            // torchvision lists the reduction before the norm, which runs first.
            b.parameter(&format!("{reduction}.weight"), &[out, b.width(x)], INIT, Role::Kernel);
            let x = b.layer_norm(x, &norm, EPSILON);
            b.linear_unbiased(x, &reduction, out, INIT)
        }
    }

    /// Attention in windows, then two dense layers, each beside a shortcut.
    fn block(&self, b: &mut Builder, x: NodeId, name: &str, heads: usize, shifted: bool, rate: f64) -> NodeId {
        let norm = |b: &mut Builder, x, i| b.layer_norm(x, &format!("{name}.norm{i}"), EPSILON);
        let attention = |b: &mut Builder, x| self.attention(b, x, &format!("{name}.attn"), heads, shifted);
        let (x, y) = if self.second {
            // The norms run behind the layers, and are listed before them.
            declare_norm(b, &format!("{name}.norm1"), b.width(x));
            let y = attention(b, x);
            let y = norm(b, y, 1);
            let y = b.stochastic_depth(y, rate);
            let x = b.add(x, y);
            declare_norm(b, &format!("{name}.norm2"), b.width(x));
            let y = perceptron(b, x, name);
            (x, norm(b, y, 2))
        } else {
            let y = norm(b, x, 1);
            let y = attention(b, y);
            let y = b.stochastic_depth(y, rate);
            let x = b.add(x, y);
            let y = norm(b, x, 2);
            (x, perceptron(b, y, name))
        };
        let y = b.stochastic_depth(y, rate);
        b.add(x, y)
    }

    /// Every second attention sees windows that are moved by half their side.
    fn attention(&self, b: &mut Builder, x: NodeId, name: &str, heads: usize, shifted: bool) -> NodeId {
        let width = b.width(x);
        let side = if self.second { 8 } else { 7 };
        let offsets = 2 * side - 1;
        let mut param =
            |part: &str, shape: &[usize], init, role| b.parameter(&format!("{name}.{part}"), shape, init, role);
        let (similarity, table) = if self.second {
            let scale = param("logit_scale", &[heads, 1, 1], Init::Constant(10f32.ln()), Role::Vector);
            let table = [1, offsets, offsets, 2];
            let table = param("relative_coords_table", &table, Init::LogSpacedOffsets, Role::Statistic);
            (Similarity::Cosine(scale), table)
        } else {
            let table = param("relative_position_bias_table", &[offsets * offsets, heads], INIT, Role::Vector);
            (Similarity::Dot(1.0 / ((width / heads) as f64).sqrt()), table)
        };
        let qkv_weight = param("qkv.weight", &[3 * width, width], INIT, Role::Kernel);
        let qkv_bias = param("qkv.bias", &[3 * width], ZERO, Role::Vector);
        let out_weight = param("proj.weight", &[width, width], INIT, Role::Kernel);
        let out_bias = param("proj.bias", &[width], ZERO, Role::Vector);
        let position = if self.second {
            PositionBias::Network {
                offsets: table,
                weight_in: param("cpb_mlp.0.weight", &[512, 2], INIT, Role::Kernel),
                bias_in: param("cpb_mlp.0.bias", &[512], ZERO, Role::Vector),
                weight_out: param("cpb_mlp.2.weight", &[heads, 512], INIT, Role::Kernel),
            }
        } else {
            PositionBias::Table(table)
        };
        let partition = Partition::Neighbours { shift: [if shifted { side / 2 } else { 0 }; 2] };
        let window = [side; 2];
        let settings = WindowAttention {
            qkv_weight,
            qkv_bias,
            out_weight,
            out_bias,
            heads,
            window,
            partition,
            similarity,
            position,
        };
        b.offset_table(&format!("{name}.relative_position_index"), &[side.pow(4)], window);
        b.window_attention(x, name, settings)
    }
}

fn declare_norm(b: &mut Builder, name: &str, width: usize) {
    b.parameter(&format!("{name}.weight"), &[width], Init::Constant(1.0), Role::Vector);
    b.parameter(&format!("{name}.bias"), &[width], ZERO, Role::Vector);
}

/// Two dense layers on each pixel.
fn perceptron(b: &mut Builder, x: NodeId, name: &str) -> NodeId {
    let width = b.width(x);
    let x = b.linear(x, &format!("{name}.mlp.0"), 4 * width, INIT, ZERO);
    let x = b.activation(x, Activation::Gelu);
    b.linear(x, &format!("{name}.mlp.3"), width, INIT, ZERO)
}
