//! ResNet (He et al. 2015, <https://arxiv.org/abs/1512.03385>), as torchvision has it.

use super::Blueprint;
use crate::{
    Builder, Conv, Init,
    graph::{NodeId, Shape, Window},
};

fn conv(out: usize, window: Window) -> Conv {
    Conv { out, window, groups: 1, bias: false, init: Init::KaimingNormalFanOut, l2: 0.0 }
}

/// Two blocks in each of four stages.
pub(super) fn resnet18(b: &mut Builder, blueprint: &Blueprint) {
    let x = b.conv2d(b.input(), "conv1", conv(64, Window::square(7).stride(2).padding(3)));
    let x = b.batch_norm(x, "bn1");
    let x = b.relu(x);
    let mut x = b.max_pool(x, Window::square(3).stride(2).padding(1));
    for (stage, planes) in [64, 128, 256, 512].into_iter().enumerate() {
        for block in 0..2 {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            x = basic_block(b, x, &format!("layer{}.{block}", stage + 1), planes, stride);
        }
    }
    let x = b.global_avg_pool(x);
    let bound = 1.0 / (b.shape(x).len() as f32).sqrt();
    b.linear(x, "fc", blueprint.outputs, Init::Uniform(bound), Init::Uniform(bound));
}

/// Two 3×3 convolutions beside a shortcut.
fn basic_block(b: &mut Builder, x: NodeId, name: &str, planes: usize, stride: usize) -> NodeId {
    let y = b.conv2d(x, &format!("{name}.conv1"), conv(planes, Window::square(3).stride(stride).padding(1)));
    let y = b.batch_norm(y, &format!("{name}.bn1"));
    let y = b.relu(y);
    let y = b.conv2d(y, &format!("{name}.conv2"), conv(planes, Window::square(3).padding(1)));
    let y = b.batch_norm(y, &format!("{name}.bn2"));
    let same = stride == 1 && matches!(b.shape(x), Shape::Maps { channels, .. } if channels == planes);
    let shortcut = if same {
        x
    } else {
        let s = b.conv2d(x, &format!("{name}.downsample.0"), conv(planes, Window::square(1).stride(stride)));
        b.batch_norm(s, &format!("{name}.downsample.1"))
    };
    let y = b.add(y, shortcut);
    b.relu(y)
}
