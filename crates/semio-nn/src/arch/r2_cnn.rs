//! Semio's own small network for brain tumours: residual convolution blocks that halve the picture, then dense
//! layers.

use super::{Architecture, Blueprint};
use crate::{
    Builder, Conv, Init,
    graph::{NodeId, Window},
};

pub(super) const NETWORKS: &[Architecture] = &[Architecture {
    channels: 1,
    ..Architecture::new(
        "r2-cnn",
        "reference system R2: convolution blocks and dense layers, shaped anew for Semio",
        128,
        &r2_cnn,
    )
}];

fn conv(out: usize, kernel: usize, stride: usize) -> Conv {
    let window = Window::square(kernel).stride(stride).padding(kernel / 2);
    Conv { out, window, groups: 1, bias: false, init: Init::KaimingNormalFanOut, l2: 0.0 }
}

/// A 5×5 stem that quarters the sides, three blocks of 48, 96 and 160 maps with max pooling between them, the maps'
/// means, dense 96.
///
/// Averaging the maps instead of flattening them keeps the dense layers small. Small pictures (below 64 pixels a side)
/// are not pooled after the stem, so that the last block still sees a plane.
fn r2_cnn(b: &mut Builder, blueprint: &Blueprint) {
    let x = b.conv2d(b.input(), "stem.conv", conv(24, 5, 2));
    let x = b.batch_norm(x, "stem.bn");
    let mut x = b.relu(x);
    if blueprint.height.min(blueprint.width) >= 64 {
        x = b.max_pool(x, halving());
    }
    for (i, maps) in [48, 96, 160].into_iter().enumerate() {
        if i > 0 {
            x = b.max_pool(x, halving());
        }
        x = block(b, x, &format!("block{}", i + 1), maps);
    }
    let x = b.global_avg_pool(x);
    let x = b.dropout(x, 0.3);
    let x = b.linear(x, "fc1", 96, Init::GlorotUniform, Init::Constant(0.0));
    let x = b.relu(x);
    let x = b.dropout(x, 0.3);
    b.linear(x, "fc2", blueprint.outputs, Init::GlorotUniform, Init::Constant(0.0));
}

fn halving() -> Window {
    Window::square(2).stride(2)
}

/// Two 3×3 convolutions with batch norm beside a 1×1 shortcut.
fn block(b: &mut Builder, x: NodeId, name: &str, maps: usize) -> NodeId {
    let y = b.conv2d(x, &format!("{name}.conv1"), conv(maps, 3, 1));
    let y = b.batch_norm(y, &format!("{name}.bn1"));
    let y = b.relu(y);
    let y = b.conv2d(y, &format!("{name}.conv2"), conv(maps, 3, 1));
    let y = b.batch_norm(y, &format!("{name}.bn2"));
    let shortcut = b.conv2d(x, &format!("{name}.shortcut.conv"), conv(maps, 1, 1));
    let shortcut = b.batch_norm(shortcut, &format!("{name}.shortcut.bn"));
    let y = b.add(y, shortcut);
    b.relu(y)
}
