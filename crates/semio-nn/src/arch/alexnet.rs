//! AlexNet in its form for one device (Krizhevsky 2014, <https://arxiv.org/abs/1404.5997>), as torchvision has it.

use super::{Architecture, Blueprint, common::dense};
use crate::{Builder, Conv, Init, graph::Window};

pub(super) const NETWORKS: &[Architecture] =
    &[Architecture::new("alexnet", "Krizhevsky 2014, https://arxiv.org/abs/1404.5997", 224, &alexnet)];

/// Place in torchvision's list, output maps, window, and whether pooling follows.
const CONVOLUTIONS: [(usize, usize, Window, bool); 5] = [
    (0, 64, Window::square(11).stride(4).padding(2), true),
    (3, 192, Window::square(5).padding(2), true),
    (6, 384, Window::square(3).padding(1), false),
    (8, 256, Window::square(3).padding(1), false),
    (10, 256, Window::square(3).padding(1), true),
];

fn alexnet(b: &mut Builder, blueprint: &Blueprint) {
    let mut x = b.input();
    for (index, out, window, pooled) in CONVOLUTIONS {
        let conv = Conv { out, window, groups: 1, bias: true, init: Init::FanInUniform, l2: 0.0 };
        x = b.conv2d(x, &format!("features.{index}"), conv);
        x = b.relu(x);
        if pooled {
            x = b.max_pool(x, Window::square(3).stride(2));
        }
    }
    x = b.adaptive_avg_pool(x, 6, 6);
    x = b.flatten(x);
    for name in ["classifier.1", "classifier.4"] {
        x = b.dropout(x, 0.5);
        x = dense(b, x, name, 4096);
        x = b.relu(x);
    }
    dense(b, x, "classifier.6", blueprint.outputs);
}
