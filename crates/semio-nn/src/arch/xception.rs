//! Xception (Chollet 2016, <https://arxiv.org/abs/1610.02357>), under the names of timm's `legacy_xception`, which
//! Keras' weights were brought into.

use super::{
    Architecture, Blueprint,
    common::{ConvNorm, dense},
};
use crate::{
    Builder, Conv, Init,
    graph::{NodeId, Window},
};

pub(super) const NETWORKS: &[Architecture] =
    &[Architecture::new("xception", "Chollet 2016, https://arxiv.org/abs/1610.02357", 299, &xception)];

/// Output maps of each of a block's convolutions, and its stride.
const BLOCKS: [(&[usize], usize); 12] = {
    const MIDDLE: (&[usize], usize) = (&[728, 728, 728], 1);
    [
        (&[128, 128], 2),
        (&[256, 256], 2),
        (&[728, 728], 2),
        MIDDLE,
        MIDDLE,
        MIDDLE,
        MIDDLE,
        MIDDLE,
        MIDDLE,
        MIDDLE,
        MIDDLE,
        (&[728, 1024], 2),
    ]
};

fn xception(b: &mut Builder, blueprint: &Blueprint) {
    let valid = |out, stride| ConvNorm { window: Window::square(3).stride(stride), ..ConvNorm::new(out, 3) };
    let x = valid(32, 2).lay_as(b, b.input(), "conv1", "bn1");
    let mut x = valid(64, 1).lay_as(b, x, "conv2", "bn2");
    for (i, (widths, stride)) in BLOCKS.into_iter().enumerate() {
        x = block(b, x, &format!("block{}", i + 1), widths, stride, i > 0);
    }
    for (i, out) in [(3, 1536), (4, 2048)] {
        x = separable(b, x, &format!("conv{i}"), &format!("bn{i}"), out);
        x = b.relu(x);
    }
    let x = b.global_avg_pool(x);
    dense(b, x, "fc", blueprint.outputs);
}

/// Separable convolutions, each behind a ReLU, beside a shortcut.
fn block(b: &mut Builder, x: NodeId, name: &str, widths: &[usize], stride: usize, starts_with_relu: bool) -> NodeId {
    let out = widths.last().copied().unwrap_or_else(|| b.width(x));
    let shortcut = if stride == 1 && out == b.width(x) {
        x
    } else {
        let conv = ConvNorm::new(out, 1).stride(stride).activation(None);
        conv.lay_as(b, x, &format!("{name}.skip"), &format!("{name}.skipbn"))
    };
    let mut y = x;
    // timm counts every layer of the list, ReLU too.
    let mut index = 0;
    for (i, &out) in widths.iter().enumerate() {
        if i > 0 || starts_with_relu {
            y = b.relu(y);
            index += 1;
        }
        y = separable(b, y, &format!("{name}.rep.{index}"), &format!("{name}.rep.{}", index + 1), out);
        index += 2;
    }
    if stride > 1 {
        y = b.max_pool(y, Window::square(3).stride(stride).padding(1));
    }
    b.add(y, shortcut)
}

/// Each map filtered by itself, then 1×1, then batch norm.
fn separable(b: &mut Builder, x: NodeId, name: &str, norm: &str, out: usize) -> NodeId {
    let channels = b.width(x);
    let window = Window::square(3).padding(1);
    let conv = Conv { out: channels, window, groups: channels, bias: false, init: Init::KaimingNormalFanOut, l2: 0.0 };
    let x = b.conv2d(x, &format!("{name}.conv1"), conv);
    ConvNorm::new(out, 1).activation(None).lay_as(b, x, &format!("{name}.pointwise"), norm)
}
