//! Inception v3 (Szegedy et al. 2015, <https://arxiv.org/abs/1512.00567>), as torchvision has it.
//!
//! The auxiliary head's parameters are part of the network; the head is not run, neither in evaluation nor in
//! training ([`Builder::aside`]).

use super::{Architecture, Blueprint, common::ConvNorm, common::Norm};
use crate::{
    Builder, Init,
    graph::{NodeId, Window},
};

pub(super) const NETWORKS: &[Architecture] =
    &[Architecture::new("inception_v3", "Szegedy et al. 2015, https://arxiv.org/abs/1512.00567", 299, &inception_v3)];

const INIT: Init = Init::Normal(0.1);

/// A convolution of a branch: output maps, rows and columns of the kernel, stride, whether the sides are kept.
type Step = (&'static str, usize, [usize; 2], usize, bool);

/// 1×1, or a kernel that keeps the sides.
const fn keep(name: &'static str, out: usize, rows: usize, columns: usize) -> Step {
    (name, out, [rows, columns], 1, true)
}

/// 3×3 that moves by two, without padding.
const fn halve(name: &'static str, out: usize) -> Step {
    (name, out, [3, 3], 2, false)
}

fn conv(b: &mut Builder, x: NodeId, name: &str, (part, out, kernel, stride, kept): Step) -> NodeId {
    let name = if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    let padding = if kept { kernel.map(|k| k / 2) } else { [0; 2] };
    let window = Window { kernel, stride: [stride; 2], padding, dilation: [1; 2] };
    let norm = Norm { epsilon: 1e-3, momentum: 0.1 };
    let conv = ConvNorm { window, init: INIT, norm, ..ConvNorm::new(out, 1) };
    conv.lay_as(b, x, &format!("{name}.conv"), &format!("{name}.bn"))
}

/// Convolutions one after the other.
fn branch(b: &mut Builder, x: NodeId, name: &str, steps: &[Step]) -> NodeId {
    steps.iter().fold(x, |x, &step| conv(b, x, name, step))
}

/// A dense layer whose bias starts as PyTorch's do.
fn dense(b: &mut Builder, x: NodeId, name: &str, out: usize, init: Init) {
    let bound = 1.0 / (b.width(x) as f32).sqrt();
    b.linear(x, name, out, init, Init::Uniform(bound));
}

fn inception_v3(b: &mut Builder, blueprint: &Blueprint) {
    let halving = Window::square(3).stride(2);
    let stem = [halve("Conv2d_1a_3x3", 32), ("Conv2d_2a_3x3", 32, [3, 3], 1, false), keep("Conv2d_2b_3x3", 64, 3, 3)];
    let x = branch(b, b.input(), "", &stem);
    let x = b.max_pool(x, halving);
    let x = branch(b, x, "", &[keep("Conv2d_3b_1x1", 80, 1, 1), ("Conv2d_4a_3x3", 192, [3, 3], 1, false)]);
    let mut x = b.max_pool(x, halving);
    for (name, pooled) in [("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)] {
        x = module_a(b, x, name, pooled);
    }
    x = module_b(b, x, "Mixed_6a");
    for (name, inner) in [("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)] {
        x = module_c(b, x, name, inner);
    }
    b.aside(|b| {
        let x = b.avg_pool(x, Window::square(5).stride(3));
        let x = branch(b, x, "AuxLogits", &[keep("conv0", 128, 1, 1), ("conv1", 768, [5, 5], 1, false)]);
        let x = b.global_avg_pool(x);
        dense(b, x, "AuxLogits.fc", blueprint.outputs, Init::Normal(0.001));
    });
    x = module_d(b, x, "Mixed_7a");
    x = module_e(b, x, "Mixed_7b");
    x = module_e(b, x, "Mixed_7c");
    let x = b.global_avg_pool(x);
    let x = b.dropout(x, 0.5);
    dense(b, x, "fc", blueprint.outputs, INIT);
}

/// Means of 3 × 3 pixels, then 1×1.
fn pooled(b: &mut Builder, x: NodeId, name: &str, out: usize) -> NodeId {
    let y = b.avg_pool(x, Window::square(3).padding(1));
    conv(b, y, name, keep("branch_pool", out, 1, 1))
}

fn module_a(b: &mut Builder, x: NodeId, name: &str, pool: usize) -> NodeId {
    let one = conv(b, x, name, keep("branch1x1", 64, 1, 1));
    let five = branch(b, x, name, &[keep("branch5x5_1", 48, 1, 1), keep("branch5x5_2", 64, 5, 5)]);
    let double = [keep("branch3x3dbl_1", 64, 1, 1), keep("branch3x3dbl_2", 96, 3, 3), keep("branch3x3dbl_3", 96, 3, 3)];
    let double = branch(b, x, name, &double);
    let pool = pooled(b, x, name, pool);
    b.concat(&[one, five, double, pool])
}

fn module_b(b: &mut Builder, x: NodeId, name: &str) -> NodeId {
    let three = conv(b, x, name, halve("branch3x3", 384));
    let double = [keep("branch3x3dbl_1", 64, 1, 1), keep("branch3x3dbl_2", 96, 3, 3), halve("branch3x3dbl_3", 96)];
    let double = branch(b, x, name, &double);
    let pool = b.max_pool(x, Window::square(3).stride(2));
    b.concat(&[three, double, pool])
}

fn module_c(b: &mut Builder, x: NodeId, name: &str, inner: usize) -> NodeId {
    let one = conv(b, x, name, keep("branch1x1", 192, 1, 1));
    let seven = [keep("branch7x7_1", inner, 1, 1), keep("branch7x7_2", inner, 1, 7), keep("branch7x7_3", 192, 7, 1)];
    let seven = branch(b, x, name, &seven);
    let double = [
        keep("branch7x7dbl_1", inner, 1, 1),
        keep("branch7x7dbl_2", inner, 7, 1),
        keep("branch7x7dbl_3", inner, 1, 7),
        keep("branch7x7dbl_4", inner, 7, 1),
        keep("branch7x7dbl_5", 192, 1, 7),
    ];
    let double = branch(b, x, name, &double);
    let pool = pooled(b, x, name, 192);
    b.concat(&[one, seven, double, pool])
}

fn module_d(b: &mut Builder, x: NodeId, name: &str) -> NodeId {
    let three = branch(b, x, name, &[keep("branch3x3_1", 192, 1, 1), halve("branch3x3_2", 320)]);
    let seven = [
        keep("branch7x7x3_1", 192, 1, 1),
        keep("branch7x7x3_2", 192, 1, 7),
        keep("branch7x7x3_3", 192, 7, 1),
        halve("branch7x7x3_4", 192),
    ];
    let seven = branch(b, x, name, &seven);
    let pool = b.max_pool(x, Window::square(3).stride(2));
    b.concat(&[three, seven, pool])
}

fn module_e(b: &mut Builder, x: NodeId, name: &str) -> NodeId {
    let one = conv(b, x, name, keep("branch1x1", 320, 1, 1));
    let y = conv(b, x, name, keep("branch3x3_1", 384, 1, 1));
    let flat = conv(b, y, name, keep("branch3x3_2a", 384, 1, 3));
    let tall = conv(b, y, name, keep("branch3x3_2b", 384, 3, 1));
    let three = b.concat(&[flat, tall]);
    let y = branch(b, x, name, &[keep("branch3x3dbl_1", 448, 1, 1), keep("branch3x3dbl_2", 384, 3, 3)]);
    let flat = conv(b, y, name, keep("branch3x3dbl_3a", 384, 1, 3));
    let tall = conv(b, y, name, keep("branch3x3dbl_3b", 384, 3, 1));
    let double = b.concat(&[flat, tall]);
    let pool = pooled(b, x, name, 192);
    b.concat(&[one, three, double, pool])
}
