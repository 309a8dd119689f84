//! VGG (Simonyan and Zisserman 2014, <https://arxiv.org/abs/1409.1556>), as torchvision has it, with and without
//! batch norm.

use super::{Architecture, Blueprint, Layers};
use crate::{Builder, Conv, Init, graph::Window};

const SOURCE: &str = "Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("vgg11", SOURCE, 224, &Vgg { depths: [1, 1, 2, 2, 2], norm: false }),
    Architecture::new("vgg11_bn", SOURCE, 224, &Vgg { depths: [1, 1, 2, 2, 2], norm: true }),
    Architecture::new("vgg13", SOURCE, 224, &Vgg { depths: [2, 2, 2, 2, 2], norm: false }),
    Architecture::new("vgg13_bn", SOURCE, 224, &Vgg { depths: [2, 2, 2, 2, 2], norm: true }),
    Architecture::new("vgg16", SOURCE, 224, &Vgg { depths: [2, 2, 3, 3, 3], norm: false }),
    Architecture::new("vgg16_bn", SOURCE, 224, &Vgg { depths: [2, 2, 3, 3, 3], norm: true }),
    Architecture::new("vgg19", SOURCE, 224, &Vgg { depths: [2, 2, 4, 4, 4], norm: false }),
    Architecture::new("vgg19_bn", SOURCE, 224, &Vgg { depths: [2, 2, 4, 4, 4], norm: true }),
];

/// Output maps of the five stages.
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

struct Vgg {
    /// 3×3 convolutions in each stage.
    depths: [usize; 5],
    norm: bool,
}

impl Layers for Vgg {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let mut x = b.input();
        // torchvision counts every layer of the list, those without parameters too.
        let mut index = 0;
        for (depth, out) in self.depths.into_iter().zip(WIDTHS) {
            for _ in 0..depth {
                let window = Window::square(3).padding(1);
                let init = Init::KaimingNormalFanOut;
                let conv = Conv { out, window, groups: 1, bias: true, init, l2: 0.0 };
                x = b.conv2d(x, &format!("features.{index}"), conv);
                if self.norm {
                    index += 1;
                    x = b.batch_norm(x, &format!("features.{index}"));
                }
                x = b.relu(x);
                index += 2;
            }
            x = b.max_pool(x, Window::square(2).stride(2));
            index += 1;
        }
        x = b.adaptive_avg_pool(x, 7, 7);
        x = b.flatten(x);
        for name in ["classifier.0", "classifier.3"] {
            x = b.linear(x, name, 4096, Init::Normal(0.01), Init::Constant(0.0));
            x = b.relu(x);
            x = b.dropout(x, 0.5);
        }
        b.linear(x, "classifier.6", blueprint.outputs, Init::Normal(0.01), Init::Constant(0.0));
    }
}
