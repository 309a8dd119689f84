//! SqueezeNet (Iandola et al. 2016, <https://arxiv.org/abs/1602.07360>), as torchvision has it.

use super::{Architecture, Blueprint, Layers};
use crate::{
    Builder, Conv, Init,
    graph::{NodeId, Window},
};

const SOURCE: &str = "Iandola et al. 2016, https://arxiv.org/abs/1602.07360";

pub(super) const NETWORKS: &[Architecture] = &[
    Architecture::new("squeezenet1_0", SOURCE, 224, &SqueezeNet { stem: 96, kernel: 7, pools: [0, 3, 7] }),
    Architecture::new("squeezenet1_1", SOURCE, 224, &SqueezeNet { stem: 64, kernel: 3, pools: [0, 2, 4] }),
];

struct SqueezeNet {
    /// Maps after the first convolution.
    stem: usize,
    /// Its kernel's side.
    kernel: usize,
    /// Fire modules before which maxima are taken.
    pools: [usize; 3],
}

/// Maps to which each fire module squeezes; it gives eight times as many.
const FIRES: [usize; 8] = [16, 16, 32, 32, 48, 48, 64, 64];

const INIT: Init = Init::KaimingUniformFanIn;

fn conv(out: usize, window: Window, init: Init) -> Conv {
    Conv { out, window, groups: 1, bias: true, init, l2: 0.0 }
}

impl Layers for SqueezeNet {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        let x = b.conv2d(b.input(), "features.0", conv(self.stem, Window::square(self.kernel).stride(2), INIT));
        let mut x = b.relu(x);
        let mut index = 2;
        for (i, squeeze) in FIRES.into_iter().enumerate() {
            if self.pools.contains(&i) {
                x = b.max_pool_ceil(x, Window::square(3).stride(2));
                index += 1;
            }
            x = fire(b, x, &format!("features.{index}"), squeeze);
            index += 1;
        }
        let x = b.dropout(x, 0.5);
        let x = b.conv2d(x, "classifier.1", conv(blueprint.outputs, Window::square(1), Init::Normal(0.01)));
        let x = b.relu(x);
        b.global_avg_pool(x);
    }
}

/// Squeeze by 1×1, widen by 1×1 and 3×3 beside each other.
fn fire(b: &mut Builder, x: NodeId, name: &str, squeeze: usize) -> NodeId {
    let mut lay = |x: NodeId, part: &str, out: usize, kernel: usize| {
        let window = Window::square(kernel).padding(kernel / 2);
        let x = b.conv2d(x, &format!("{name}.{part}"), conv(out, window, INIT));
        b.relu(x)
    };
    let x = lay(x, "squeeze", squeeze, 1);
    let one = lay(x, "expand1x1", 4 * squeeze, 1);
    let three = lay(x, "expand3x3", 4 * squeeze, 3);
    b.concat(&[one, three])
}
