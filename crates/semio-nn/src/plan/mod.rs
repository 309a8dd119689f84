//! A network laid onto the CPU's kernels.
//!
//! The graph says what each layer computes; a plan says how: which layers become one kernel, how wide a border each
//! layer's maps need, when their memory can serve again. [`Prepared`] is the plan for prediction, with batch norms
//! folded into packed weights; [`Session`] is one training step, forward and backward. A graph with a layer that has no
//! kernel (attention, in training), and every other device, runs on burn's operations instead ([`crate::ops`]), which
//! also say what is right: tests compare both.

mod attention;
mod predict;
mod session;
mod simple;
mod train;
mod workspace;

pub(crate) use predict::Prepared;
pub(crate) use session::{Measured, Session};
pub(crate) use train::TrainPlan;
use workspace::Workspaces;

use semio_kernels::{Activation as Function, ConvShape, Geometry, Windows};

use crate::graph::{Activation, Graph, NodeId, Op, Shape, Window};

/// Whether every layer that the logits depend on has a kernel for prediction.
pub(crate) fn runs_on_kernels(graph: &Graph) -> bool {
    let needed = needed(graph, NodeId(graph.nodes.len() - 1));
    (0..graph.nodes.len()).filter(|i| needed[*i]).all(|i| has_kernel(graph, i))
}

/// Whether every layer that the logits depend on has a kernel for training.
pub(crate) fn trains_on_kernels(graph: &Graph) -> bool {
    TrainPlan::new(graph).is_some()
}

fn has_kernel(graph: &Graph, node: usize) -> bool {
    let layer = &graph.nodes[node];
    let tokens = layer.inputs.iter().any(|from| matches!(graph.nodes[from.0].shape, Shape::Tokens { .. }));
    match layer.op {
        Op::MaxPool { .. } | Op::AvgPool { .. } | Op::AdaptiveAvgPool { .. } => windows(graph, node).is_some(),
        // On tokens those layers have kernels that look at each pixel's channels.
        Op::Linear { .. }
        | Op::LayerNorm { .. }
        | Op::Activation(_)
        | Op::Add
        | Op::ChannelScale { .. }
        | Op::Multiply { .. }
        | Op::Dropout { .. }
        | Op::StochasticDepth { .. }
        | Op::Attention { .. }
        | Op::FirstToken => true,
        _ => !tokens,
    }
}

/// The kernels' name of a function.
fn function(f: Activation) -> Function {
    match f {
        Activation::Relu => Function::Relu,
        Activation::Relu6 => Function::Relu6,
        Activation::Tanh => Function::Tanh,
        Activation::Sigmoid => Function::Sigmoid,
        Activation::Silu => Function::Silu,
        Activation::Hardsigmoid => Function::Hardsigmoid,
        Activation::Hardswish => Function::Hardswish,
        Activation::Gelu => Function::Gelu,
    }
}

/// Size of a batch of a layer's outputs, without border.
fn geometry(shape: Shape, batch: usize) -> Geometry {
    match shape {
        Shape::Maps { channels, height, width } => Geometry { batch, channels, height, width, border: 0 },
        // A token is a pixel of maps of one row.
        Shape::Tokens { length, width } => Geometry { batch, channels: width, height: 1, width: length, border: 0 },
        Shape::Vector(n) => Geometry::vectors(batch, n),
    }
}

/// What a layer with weights computes, as a convolution; `None` for other layers.
fn conv_shape(graph: &Graph, node: usize) -> Option<ConvShape> {
    let layer = &graph.nodes[node];
    match &layer.op {
        Op::Conv2d { window, groups, .. } => Some(ConvShape {
            inputs: graph.nodes[layer.inputs[0].0].shape.width(),
            outputs: layer.shape.width(),
            groups: *groups,
            kernel: window.kernel,
            stride: window.stride,
            padding: window.padding,
            dilation: window.dilation,
        }),
        Op::Linear { .. } => Some(ConvShape::dense(graph.nodes[layer.inputs[0].0].shape.width(), layer.shape.width())),
        _ => None,
    }
}

/// The parts of the input that a pool looks at; `None` where its windows are not ones that kernels have.
fn windows(graph: &Graph, node: usize) -> Option<Windows> {
    let layer = &graph.nodes[node];
    let Shape::Maps { height: rows, width: columns, .. } = graph.nodes[layer.inputs[0].0].shape else { return None };
    let Shape::Maps { height, width, .. } = layer.shape else { return None };
    let (input, output) = ([rows, columns], [height, width]);
    match &layer.op {
        Op::MaxPool { window, .. } | Op::AvgPool { window, .. } => {
            let Window { kernel, stride, padding, dilation } = *window;
            (dilation == [1, 1]).then(|| Windows::sliding(input, output, kernel, stride, padding))
        }
        Op::AdaptiveAvgPool { .. } => Some(Windows::parts(input, output)),
        _ => None,
    }
}

/// What an average pool divides by; `None`: the number of pixels in the window.
fn divisor(op: &Op) -> Option<f32> {
    match op {
        Op::AvgPool { window, zeros_count: true } => Some((window.kernel[0] * window.kernel[1]) as f32),
        _ => None,
    }
}

/// Channel order of a shuffle: output map `i` is input map `order[i]`.
fn shuffled(channels: usize, groups: usize) -> Vec<usize> {
    (0..channels).map(|i| i % groups * (channels / groups) + i / groups).collect()
}

/// Which layers a result depends on.
fn needed(graph: &Graph, until: NodeId) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    needed[until.0] = true;
    for i in (0..=until.0).rev() {
        if needed[i] {
            graph.nodes[i].inputs.iter().for_each(|from| needed[from.0] = true);
        }
    }
    needed
}

/// Who reads whom, with layers that change nothing left out.
struct Wiring {
    /// The layer whose values each layer passes on: itself, for those that compute.
    source: Vec<usize>,
    /// Layers that read a layer's values, in order; one that reads them twice stands twice.
    readers: Vec<Vec<usize>>,
}

impl Wiring {
    fn new(graph: &Graph, until: NodeId, changes_nothing: impl Fn(&Op) -> bool) -> Self {
        let needed = needed(graph, until);
        let mut source: Vec<usize> = (0..graph.nodes.len()).collect();
        let mut readers = vec![vec![]; graph.nodes.len()];
        for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| needed[*i]) {
            if changes_nothing(&node.op) {
                source[i] = source[node.inputs[0].0];
            } else {
                node.inputs.iter().for_each(|from| readers[source[from.0]].push(i));
            }
        }
        Self { source, readers }
    }

    /// The only layer that reads these values, if there is only one.
    fn only_reader(&self, node: usize) -> Option<usize> {
        match self.readers[node].as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The inputs of a layer.
    fn inputs(&self, graph: &Graph, node: usize) -> Vec<usize> {
        graph.nodes[node].inputs.iter().map(|from| self.source[from.0]).collect()
    }
}
