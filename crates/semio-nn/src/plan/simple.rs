//! Layers without parameters, which prediction and training run alike.

use semio_kernels::{
    Activation as Function, Channels, Maps, Windows, activate, add, avg_pool, copy_channels, flatten, global_avg_pool,
    max_pool, reorder_channels, scale, times,
};

use super::{divisor, function, shuffled, windows};
use crate::graph::{Graph, Op, Shape};

pub(super) enum Simple {
    Activate(Function),
    /// A sum, and a function of it.
    Add(Function),
    Multiply(f32),
    Scale,
    MaxPool(Windows),
    AvgPool(Windows, Option<f32>),
    GlobalAvgPool,
    Flatten,
    Concat,
    Slice(usize, usize),
    Reorder(Vec<usize>),
}

impl Simple {
    /// What a layer computes; `None` for layers of another kind.
    pub(super) fn of(graph: &Graph, node: usize) -> Option<Self> {
        let layer = &graph.nodes[node];
        Some(match &layer.op {
            Op::Activation(f) => Self::Activate(function(*f)),
            Op::Add => Self::Add(Function::Identity),
            Op::Multiply { factor } => Self::Multiply(*factor as f32),
            Op::Scale => Self::Scale,
            Op::MaxPool { .. } => Self::MaxPool(windows(graph, node)?),
            Op::AvgPool { .. } | Op::AdaptiveAvgPool { .. } => Self::AvgPool(windows(graph, node)?, divisor(&layer.op)),
            Op::GlobalAvgPool => Self::GlobalAvgPool,
            Op::Flatten => match graph.nodes[layer.inputs[0].0].shape {
                Shape::Maps { .. } => Self::Flatten,
                _ => Self::Multiply(1.0),
            },
            Op::Concat => Self::Concat,
            Op::Slice { start, len } => Self::Slice(*start, *len),
            Op::ChannelShuffle { groups } => Self::Reorder(shuffled(layer.shape.width(), *groups)),
            _ => return None,
        })
    }

    /// Computes the output from `inputs` inputs, which `x` gives.
    pub(super) fn run<'a>(&self, inputs: usize, x: impl Fn(usize) -> &'a Maps, y: &mut Maps) {
        match self {
            Self::Activate(f) => activate(x(0), *f, y),
            Self::Add(f) => add(x(0), x(1), *f, y),
            Self::Multiply(factor) => times(x(0), *factor, y, false),
            Self::Scale => scale(x(0), x(1), y, false),
            Self::MaxPool(windows) => max_pool(x(0), windows, y),
            Self::AvgPool(windows, divisor) => avg_pool(x(0), windows, *divisor, y),
            Self::GlobalAvgPool => global_avg_pool(x(0), y),
            Self::Flatten => flatten(x(0), y),
            Self::Concat => {
                let mut to = 0;
                for i in 0..inputs {
                    let len = x(i).geometry().channels;
                    copy_channels(x(i), y, Channels { from: 0, to, len }, false);
                    to += len;
                }
            }
            Self::Slice(from, len) => copy_channels(x(0), y, Channels { from: *from, to: 0, len: *len }, false),
            Self::Reorder(order) => reorder_channels(x(0), y, order),
        }
    }
}
