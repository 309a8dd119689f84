//! Pieces that several families share.

use crate::{
    Builder, Conv, Init,
    graph::{Activation, NodeId, Window},
};

/// Convolution without bias, batch norm, activation: most of what the newer families consist of.
#[derive(Clone, Copy)]
pub(super) struct ConvNorm {
    pub(super) out: usize,
    pub(super) window: Window,
    pub(super) groups: usize,
    pub(super) activation: Option<Activation>,
    pub(super) norm: Norm,
    pub(super) init: Init,
}

/// A batch norm's settings.
#[derive(Clone, Copy)]
pub(super) struct Norm {
    /// Added to the variance.
    pub(super) epsilon: f64,
    /// Share of a new batch in the running statistics.
    pub(super) momentum: f64,
}

/// PyTorch's defaults.
pub(super) const NORM: Norm = Norm { epsilon: 1e-5, momentum: 0.1 };

impl ConvNorm {
    /// A square kernel that keeps the sides, with ReLU.
    pub(super) const fn new(out: usize, kernel: usize) -> Self {
        let window = Window::square(kernel).padding(kernel / 2);
        let (activation, init) = (Some(Activation::Relu), Init::KaimingNormalFanOut);
        Self { out, window, groups: 1, activation, norm: NORM, init }
    }

    pub(super) const fn stride(mut self, stride: usize) -> Self {
        self.window = self.window.stride(stride);
        self
    }

    pub(super) const fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    pub(super) const fn activation(mut self, activation: Option<Activation>) -> Self {
        self.activation = activation;
        self
    }

    pub(super) const fn norm(mut self, norm: Norm) -> Self {
        self.norm = norm;
        self
    }

    /// Lays it under the names of torchvision's `Conv2dNormActivation`: `{name}.0` and `{name}.1`.
    pub(super) fn lay(self, b: &mut Builder, x: NodeId, name: &str) -> NodeId {
        self.lay_as(b, x, &format!("{name}.0"), &format!("{name}.1"))
    }

    /// Lays it under a name for the convolution and one for the norm.
    pub(super) fn lay_as(self, b: &mut Builder, x: NodeId, conv: &str, norm: &str) -> NodeId {
        let Self { out, window, groups, init, .. } = self;
        let x = b.conv2d(x, conv, Conv { out, window, groups, bias: false, init, l2: 0.0 });
        let x = b.batch_norm_with(x, norm, self.norm.epsilon, self.norm.momentum);
        match self.activation {
            Some(activation) => b.activation(x, activation),
            None => x,
        }
    }
}

/// Squeeze-and-excitation (Hu et al. 2017, <https://arxiv.org/abs/1709.01507>): every map times a factor that two 1×1
/// convolutions, `{name}.fc1` and `{name}.fc2`, compute from all maps' means.
pub(super) fn squeeze_excitation(
    b: &mut Builder,
    x: NodeId,
    name: &str,
    squeeze: usize,
    [inner, gate]: [Activation; 2],
    init: Init,
) -> NodeId {
    let conv = |out| Conv { out, window: Window::square(1), groups: 1, bias: true, init, l2: 0.0 };
    let y = b.adaptive_avg_pool(x, 1, 1);
    let y = b.conv2d(y, &format!("{name}.fc1"), conv(squeeze));
    let y = b.activation(y, inner);
    let y = b.conv2d(y, &format!("{name}.fc2"), conv(b.width(x)));
    let y = b.activation(y, gate);
    b.scale(x, y)
}

/// A dense layer that starts as PyTorch's do.
pub(super) fn dense(b: &mut Builder, x: NodeId, name: &str, out: usize) -> NodeId {
    let bound = 1.0 / (b.width(x) as f32).sqrt();
    b.linear(x, name, out, Init::Uniform(bound), Init::Uniform(bound))
}

/// The multiple of eight nearest to a width, but not below nine tenths of it.
pub(super) fn round_to_eight(width: f64) -> usize {
    let rounded = ((width + 4.0) as usize / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * width { rounded + 8 } else { rounded }
}
