//! ResNet (He et al. 2015, <https://arxiv.org/abs/1512.03385>), ResNeXt (Xie et al. 2016,
//! <https://arxiv.org/abs/1611.05431>) and wide ResNet (Zagoruyko and Komodakis 2016,
//! <https://arxiv.org/abs/1605.07146>), as torchvision has them.

use super::{
    Architecture, Blueprint, Layers,
    common::{ConvNorm, dense},
};
use crate::{
    Builder,
    graph::{NodeId, Shape, Window},
};

const RESNET: &str = "He et al. 2015, https://arxiv.org/abs/1512.03385";
const RESNEXT: &str = "Xie et al. 2016, https://arxiv.org/abs/1611.05431";
const WIDE: &str = "Zagoruyko and Komodakis 2016, https://arxiv.org/abs/1605.07146";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("resnet18", RESNET, 224, &ResNet::basic([2, 2, 2, 2])),
    Architecture::new("resnet34", RESNET, 224, &ResNet::basic([3, 4, 6, 3])),
    Architecture::new("resnet50", RESNET, 224, &ResNet::bottleneck([3, 4, 6, 3], 1, 64)),
    Architecture::new("resnet101", RESNET, 224, &ResNet::bottleneck([3, 4, 23, 3], 1, 64)),
    Architecture::new("resnet152", RESNET, 224, &ResNet::bottleneck([3, 8, 36, 3], 1, 64)),
    Architecture::new("resnext50_32x4d", RESNEXT, 224, &ResNet::bottleneck([3, 4, 6, 3], 32, 4)),
    Architecture::new("resnext101_32x8d", RESNEXT, 224, &ResNet::bottleneck([3, 4, 23, 3], 32, 8)),
    Architecture::new("resnext101_64x4d", RESNEXT, 224, &ResNet::bottleneck([3, 4, 23, 3], 64, 4)),
    Architecture::new("wide_resnet50_2", WIDE, 224, &ResNet::bottleneck([3, 4, 6, 3], 1, 128)),
    Architecture::new("wide_resnet101_2", WIDE, 224, &ResNet::bottleneck([3, 4, 23, 3], 1, 128)),
];

struct ResNet {
    block: Block,
    /// Blocks in each of the four stages.
    depths: [usize; 4],
}

#[derive(Clone, Copy)]
enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3 and 1×1 to four times as many maps; `groups` blocks of `width` maps in the first stage's 3×3.
    Bottleneck { groups: usize, width: usize },
}

impl ResNet {
    const fn basic(depths: [usize; 4]) -> Self {
        Self { block: Block::Basic, depths }
    }

    const fn bottleneck(depths: [usize; 4], groups: usize, width: usize) -> Self {
        Self { block: Block::Bottleneck { groups, width }, depths }
    }
}

impl Layers for ResNet {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let x = ConvNorm::new(64, 7).stride(2).lay_as(b, b.input(), "conv1", "bn1");
        let mut x = b.max_pool(x, Window::square(3).stride(2).padding(1));
        for (stage, depth) in self.depths.into_iter().enumerate() {
            for i in 0..depth {
                let stride = if stage > 0 && i == 0 { 2 } else { 1 };
                x = block(b, x, &format!("layer{}.{i}", stage + 1), self.block, 64 << stage, stride);
            }
        }
        let x = b.global_avg_pool(x);
        dense(b, x, "fc", blueprint.outputs);
    }
}

/// Convolutions beside a shortcut.
fn block(b: &mut Builder, x: NodeId, name: &str, block: Block, planes: usize, stride: usize) -> NodeId {
    let lay = |b: &mut Builder, x: NodeId, i: usize, conv: ConvNorm| {
        conv.lay_as(b, x, &format!("{name}.conv{i}"), &format!("{name}.bn{i}"))
    };
    let (y, out) = match block {
        Block::Basic => {
            let y = lay(b, x, 1, ConvNorm::new(planes, 3).stride(stride));
            (lay(b, y, 2, ConvNorm::new(planes, 3).activation(None)), planes)
        }
        Block::Bottleneck { groups, width } => {
            let (inner, out) = (planes * width / 64 * groups, 4 * planes);
            let y = lay(b, x, 1, ConvNorm::new(inner, 1));
            let y = lay(b, y, 2, ConvNorm::new(inner, 3).stride(stride).groups(groups));
            (lay(b, y, 3, ConvNorm::new(out, 1).activation(None)), out)
        }
    };
    let same = stride == 1 && matches!(b.shape(x), Shape::Maps { channels, .. } if channels == out);
    let shortcut = if same {
        x
    } else {
        ConvNorm::new(out, 1).stride(stride).activation(None).lay(b, x, &format!("{name}.downsample"))
    };
    let y = b.add(y, shortcut);
    b.relu(y)
}
