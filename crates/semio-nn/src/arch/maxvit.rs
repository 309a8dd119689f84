//! MaxViT (Tu et al. 2022, <https://arxiv.org/abs/2204.01697>), as torchvision has it.
//!
//! Windows of 7 × 7 must fit into the maps of every stage, the last of which has a 32nd of the picture's sides.

use super::{
    Architecture, Blueprint,
    common::{ConvNorm, Norm, squeeze_excitation},
};
use crate::{
    Builder, Conv, Init,
    graph::{Activation, NodeId, Partition, PositionBias, Role, Similarity, Window, WindowAttention},
};

pub(super) const NETWORKS: &[Architecture] =
    &[Architecture::new("maxvit_t", "Tu et al. 2022, https://arxiv.org/abs/2204.01697", 224, &maxvit_t)];

/// Maps and layers of each block.
const BLOCKS: [(usize, usize); 4] = [(64, 2), (128, 2), (256, 5), (512, 2)];
/// Side of a window.
const SIDE: usize = 7;
/// Values that a head sees.
const HEAD: usize = 32;
/// Share of pictures for which the last layer is left out while training.
const STOCHASTIC_DEPTH: f64 = 0.2;

const NORM: Norm = Norm { epsilon: 1e-3, momentum: 0.01 };
const INIT: Init = Init::Normal(0.02);
const ZERO: Init = Init::Constant(0.0);

fn conv_norm(out: usize, kernel: usize) -> ConvNorm {
    ConvNorm { init: INIT, ..ConvNorm::new(out, kernel).norm(NORM).activation(Some(Activation::Gelu)) }
}

/// A convolution with bias.
fn conv(out: usize, kernel: usize) -> Conv {
    Conv { out, window: Window::square(kernel).padding(kernel / 2), groups: 1, bias: true, init: INIT, l2: 0.0 }
}

fn maxvit_t(b: &mut Builder, blueprint: &Blueprint) {
    let sides = [blueprint.height, blueprint.width];
    let step = 32 * SIDE;
    let parts = |n: &usize| [4, 8, 16, 32].iter().all(|&d| n.div_ceil(d).is_multiple_of(SIDE));
    if !sides.iter().all(parts) {
        let [height, width] = sides.map(|n| n.next_multiple_of(step));
        b.fail("stem", format!("sides must be multiples of {step}: {height} × {width} works"));
    }
    let x = conv_norm(64, 3).stride(2).lay(b, b.input(), "stem.0");
    let mut x = b.conv2d(x, "stem.1.0", conv(64, 3));
    let layers: usize = BLOCKS.iter().map(|(_, depth)| depth).sum();
    let mut done = 0;
    for (i, (out, depth)) in BLOCKS.into_iter().enumerate() {
        for k in 0..depth {
            let rate = STOCHASTIC_DEPTH * f64::from(done) / (layers as f64 - 1.0);
            let name = format!("blocks.{i}.layers.{k}.layers");
            x = mobile(b, x, &format!("{name}.MBconv"), out, if k == 0 { 2 } else { 1 }, rate);
            let window = Partition::Neighbours { shift: [0; 2] };
            x = attention_layer(b, x, &format!("{name}.window_attention"), window, rate);
            x = attention_layer(b, x, &format!("{name}.grid_attention"), Partition::Grid, rate);
            done += 1;
        }
    }
    let x = b.global_avg_pool(x);
    let x = b.layer_norm(x, "classifier.2", 1e-5);
    let x = b.linear(x, "classifier.3", b.width(x), INIT, ZERO);
    let x = b.activation(x, Activation::Tanh);
    b.linear_unbiased(x, "classifier.5", blueprint.outputs, INIT);
}

/// Widen by 1×1, filter each map by itself, weigh the maps, narrow by 1×1, beside a shortcut.
fn mobile(b: &mut Builder, x: NodeId, name: &str, out: usize, stride: usize, rate: f64) -> NodeId {
    let mut shortcut = x;
    if stride == 2 {
        shortcut = b.avg_pool(shortcut, Window::square(3).stride(2).padding(1));
    }
    if stride == 2 || b.width(x) != out {
        shortcut = b.conv2d(shortcut, &format!("{name}.proj.{}", stride - 1), conv(out, 1));
    }
    let hidden = 4 * out;
    let y = b.batch_norm_with(x, &format!("{name}.layers.pre_norm"), NORM.epsilon, NORM.momentum);
    let y = conv_norm(hidden, 1).lay(b, y, &format!("{name}.layers.conv_a"));
    let y = conv_norm(hidden, 3).stride(stride).groups(hidden).lay(b, y, &format!("{name}.layers.conv_b"));
    let activations = [Activation::Silu, Activation::Sigmoid];
    let y = squeeze_excitation(b, y, &format!("{name}.layers.squeeze_excitation"), out / 4, activations, INIT);
    let y = b.conv2d(y, &format!("{name}.layers.conv_c"), conv(out, 1));
    let y = b.stochastic_depth(y, rate);
    b.add(shortcut, y)
}

/// Attention in windows, then two dense layers, each beside a shortcut.
fn attention_layer(b: &mut Builder, x: NodeId, name: &str, partition: Partition, rate: f64) -> NodeId {
    let width = b.width(x);
    let y = b.layer_norm(x, &format!("{name}.attn_layer.0"), 1e-5);
    let y = attention(b, y, &format!("{name}.attn_layer.1"), partition);
    let y = b.stochastic_depth(y, rate);
    let x = b.add(x, y);
    let y = b.layer_norm(x, &format!("{name}.mlp_layer.0"), 1e-5);
    let y = b.linear(y, &format!("{name}.mlp_layer.1"), 4 * width, INIT, ZERO);
    let y = b.activation(y, Activation::Gelu);
    let y = b.linear(y, &format!("{name}.mlp_layer.3"), width, INIT, ZERO);
    let y = b.stochastic_depth(y, rate);
    b.add(x, y)
}

fn attention(b: &mut Builder, x: NodeId, name: &str, partition: Partition) -> NodeId {
    let width = b.width(x);
    let heads = width / HEAD;
    let offsets = (2 * SIDE - 1) * (2 * SIDE - 1);
    let mut param = |part: &str, shape: &[usize], init, role| b.parameter(&format!("{name}.{part}"), shape, init, role);
    let settings = WindowAttention {
        position: PositionBias::Table(param("relative_position_bias_table", &[offsets, heads], INIT, Role::Vector)),
        qkv_weight: param("to_qkv.weight", &[3 * width, width], INIT, Role::Kernel),
        qkv_bias: param("to_qkv.bias", &[3 * width], ZERO, Role::Vector),
        out_weight: param("merge.weight", &[width, width], INIT, Role::Kernel),
        out_bias: param("merge.bias", &[width], ZERO, Role::Vector),
        heads,
        window: [SIDE; 2],
        partition,
        // By all channels, not by a head's, as torchvision does.
        similarity: Similarity::Dot(1.0 / (width as f64).sqrt()),
    };
    b.offset_table(&format!("{name}.relative_position_index"), &[SIDE * SIDE; 2], [SIDE; 2]);
    b.window_attention(x, name, settings)
}
