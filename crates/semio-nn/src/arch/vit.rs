//! Vision transformer (Dosovitskiy et al. 2020, <https://arxiv.org/abs/2010.11929>), as torchvision has it.
//!
//! The table of positions has one row a patch: a network is made for one size of picture, and weights fit that size
//! only.

use super::{Architecture, Blueprint, Layers};
use crate::{
    Builder, Conv, Init,
    graph::{Activation, NodeId, Role, Shape, Window},
};

const SOURCE: &str = "Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("vit_b_16", SOURCE, 224, &Vit { patch: 16, depth: 12, heads: 12, width: 768 }),
    Architecture::new("vit_b_32", SOURCE, 224, &Vit { patch: 32, depth: 12, heads: 12, width: 768 }),
    Architecture::new("vit_l_16", SOURCE, 224, &Vit { patch: 16, depth: 24, heads: 16, width: 1024 }),
    Architecture::new("vit_l_32", SOURCE, 224, &Vit { patch: 32, depth: 24, heads: 16, width: 1024 }),
    Architecture::new("vit_h_14", SOURCE, 518, &Vit { patch: 14, depth: 32, heads: 16, width: 1280 }),
];

struct Vit {
    /// Side of a patch in pixels.
    patch: usize,
    /// Encoder layers.
    depth: usize,
    heads: usize,
    /// Values of a token.
    width: usize,
}

const EPSILON: f64 = 1e-6;
const ZERO: Init = Init::Constant(0.0);

impl Layers for Vit {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let &Self { patch, depth, heads, width } = self;
        let Blueprint { channels, height, width: columns, outputs } = *blueprint;
        if !height.is_multiple_of(patch) || !columns.is_multiple_of(patch) {
            let [height, columns] = [height, columns].map(|n| n.next_multiple_of(patch));
            b.fail("conv_proj", format!("sides must be multiples of {patch}: {height} × {columns} works"));
        }
        let class_token = b.parameter("class_token", &[1, 1, width], ZERO, Role::Vector);
        let init = Init::Normal(1.0 / ((channels * patch * patch) as f32).sqrt());
        let window = Window::square(patch).stride(patch);
        let x = b.conv2d(b.input(), "conv_proj", Conv { out: width, window, groups: 1, bias: true, init, l2: 0.0 });
        let patches = match b.shape(x) {
            Shape::Maps { height, width, .. } => height * width,
            _ => 0,
        };
        let table = [1, 1 + patches, width];
        let position = b.parameter("encoder.pos_embedding", &table, Init::Normal(0.02), Role::Vector);
        let mut x = b.embed(x, class_token, position);
        for i in 0..depth {
            x = encoder_layer(b, x, &format!("encoder.layers.encoder_layer_{i}"), heads);
        }
        let x = b.layer_norm(x, "encoder.ln", EPSILON);
        let x = b.first_token(x);
        b.linear(x, "heads.head", outputs, ZERO, ZERO);
    }
}

/// Attention, then two dense layers, each beside a shortcut.
fn encoder_layer(b: &mut Builder, x: NodeId, name: &str, heads: usize) -> NodeId {
    let width = b.width(x);
    let y = b.layer_norm(x, &format!("{name}.ln_1"), EPSILON);
    let y = b.attention(y, &format!("{name}.self_attention"), heads);
    let x = b.add(y, x);
    let y = b.layer_norm(x, &format!("{name}.ln_2"), EPSILON);
    let y = b.linear(y, &format!("{name}.mlp.0"), 4 * width, Init::GlorotUniform, Init::Normal(1e-6));
    let y = b.activation(y, Activation::Gelu);
    let y = b.linear(y, &format!("{name}.mlp.3"), width, Init::GlorotUniform, Init::Normal(1e-6));
    b.add(x, y)
}
