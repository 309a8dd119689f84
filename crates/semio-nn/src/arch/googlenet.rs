//! GoogLeNet (Szegedy et al. 2014, <https://arxiv.org/abs/1409.4842>), as torchvision has it: with batch norm, and with
//! 3×3 where the paper has 5×5.
//!
//! The parameters of the two auxiliary heads are part of the network; the heads are not run, neither in evaluation
//! nor in training ([`Builder::aside`]).

use super::{Architecture, Blueprint, common::ConvNorm, common::Norm};
use crate::{
    Builder, Init,
    graph::{NodeId, Window},
};

pub(super) const NETWORKS: &[Architecture] =
    &[Architecture::new("googlenet", "Szegedy et al. 2014, https://arxiv.org/abs/1409.4842", 224, &googlenet)];

/// Maps of a module: 1×1; to and after 3×3; to and after the second 3×3; after pooling.
type Maps = [usize; 6];

const MODULES: [(&str, Maps); 9] = [
    ("inception3a", [64, 96, 128, 16, 32, 32]),
    ("inception3b", [128, 128, 192, 32, 96, 64]),
    ("inception4a", [192, 96, 208, 16, 48, 64]),
    ("inception4b", [160, 112, 224, 24, 64, 64]),
    ("inception4c", [128, 128, 256, 24, 64, 64]),
    ("inception4d", [112, 144, 288, 32, 64, 64]),
    ("inception4e", [256, 160, 320, 32, 128, 128]),
    ("inception5a", [256, 160, 320, 32, 128, 128]),
    ("inception5b", [384, 192, 384, 48, 128, 128]),
];

const INIT: Init = Init::Normal(0.01);

fn conv(b: &mut Builder, x: NodeId, name: &str, conv: ConvNorm) -> NodeId {
    let conv = ConvNorm { init: INIT, norm: Norm { epsilon: 1e-3, momentum: 0.1 }, ..conv };
    conv.lay_as(b, x, &format!("{name}.conv"), &format!("{name}.bn"))
}

/// A dense layer whose bias starts as PyTorch's do.
fn dense(b: &mut Builder, x: NodeId, name: &str, out: usize) -> NodeId {
    let bound = 1.0 / (b.width(x) as f32).sqrt();
    b.linear(x, name, out, INIT, Init::Uniform(bound))
}

fn googlenet(b: &mut Builder, blueprint: &Blueprint) {
    let halving = Window::square(3).stride(2);
    let x = conv(b, b.input(), "conv1", ConvNorm::new(64, 7).stride(2));
    let x = b.max_pool_ceil(x, halving);
    let x = conv(b, x, "conv2", ConvNorm::new(64, 1));
    let x = conv(b, x, "conv3", ConvNorm::new(192, 3));
    let mut x = b.max_pool_ceil(x, halving);
    let mut heads = vec![];
    for (name, maps) in MODULES {
        match name {
            "inception4a" => x = b.max_pool_ceil(x, halving),
            "inception5a" => x = b.max_pool_ceil(x, Window::square(2).stride(2)),
            // The heads see what goes into these modules.
            "inception4b" | "inception4e" => heads.push(x),
            _ => {}
        }
        x = inception(b, x, name, maps);
    }
    for (i, input) in heads.into_iter().enumerate() {
        b.aside(|b| auxiliary(b, input, &format!("aux{}", i + 1), blueprint.outputs));
    }
    let x = b.global_avg_pool(x);
    let x = b.dropout(x, 0.2);
    dense(b, x, "fc", blueprint.outputs);
}

/// Four branches beside each other.
fn inception(b: &mut Builder, x: NodeId, name: &str, [one, to_two, two, to_three, three, pooled]: Maps) -> NodeId {
    let first = conv(b, x, &format!("{name}.branch1"), ConvNorm::new(one, 1));
    let y = conv(b, x, &format!("{name}.branch2.0"), ConvNorm::new(to_two, 1));
    let second = conv(b, y, &format!("{name}.branch2.1"), ConvNorm::new(two, 3));
    let y = conv(b, x, &format!("{name}.branch3.0"), ConvNorm::new(to_three, 1));
    let third = conv(b, y, &format!("{name}.branch3.1"), ConvNorm::new(three, 3));
    let y = b.max_pool_ceil(x, Window::square(3).padding(1));
    let fourth = conv(b, y, &format!("{name}.branch4.1"), ConvNorm::new(pooled, 1));
    b.concat(&[first, second, third, fourth])
}

fn auxiliary(b: &mut Builder, x: NodeId, name: &str, outputs: usize) {
    let x = b.adaptive_avg_pool(x, 4, 4);
    let x = conv(b, x, &format!("{name}.conv"), ConvNorm::new(128, 1));
    let x = b.flatten(x);
    let x = dense(b, x, &format!("{name}.fc1"), 1024);
    let x = b.relu(x);
    let x = b.dropout(x, 0.7);
    dense(b, x, &format!("{name}.fc2"), outputs);
}
