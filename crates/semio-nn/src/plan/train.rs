use semio_kernels::{Activation as Function, ConvShape, LANES};

use super::{Wiring, Workspaces, conv_shape, function, has_kernel, simple::Simple};
use crate::graph::{Graph, NodeId, Op, ParamId, Shape};

/// How a network is trained on kernels: which layers become one, and what the backward pass needs.
pub(crate) struct TrainPlan {
    pub(super) units: Vec<Unit>,
    pub(super) shapes: Vec<Shape>,
    pub(super) params: usize,
    /// Borders of each layer's outputs, and of their gradients.
    pub(super) borders: Vec<usize>,
    pub(super) gradient_borders: Vec<usize>,
    /// Layers whose outputs the backward pass reads.
    pub(super) kept: Vec<bool>,
    /// For each unit the layers whose outputs no later unit reads.
    pub(super) done: Vec<Vec<usize>>,
    pub(super) input_border: usize,
    pub(super) blocks: bool,
    pub(super) output: usize,
    pub(super) workspaces: Workspaces,
}

pub(super) struct Unit {
    pub(super) kind: Kind,
    pub(super) inputs: Vec<usize>,
    pub(super) output: usize,
}

pub(super) enum Kind {
    First(ConvShape, ParamId, Option<ParamId>),
    Conv(ConvShape, ParamId, Option<ParamId>),
    /// A second input is added before the function.
    Norm(Norm, Function),
    LayerNorm(ParamId, ParamId, f64),
    ChannelScale(ParamId),
    Simple(Simple),
    /// Dropout of values, or of whole pictures; the layer's place names its random numbers.
    Mask {
        rate: f64,
        pictures: bool,
        layer: usize,
    },
}

#[derive(Clone, Copy)]
pub(super) struct Norm {
    pub(super) weight: ParamId,
    pub(super) bias: ParamId,
    pub(super) mean: ParamId,
    pub(super) variance: ParamId,
    pub(super) epsilon: f64,
    pub(super) momentum: f64,
}

impl TrainPlan {
    /// Plans a whole network; `None` where a layer has no kernel.
    pub(crate) fn new(graph: &Graph) -> Option<Self> {
        let until = NodeId(graph.nodes.len() - 1);
        let idle = |op: &Op| match op {
            Op::Dropout { rate } | Op::StochasticDepth { rate } => *rate <= 0.0,
            _ => false,
        };
        let wiring = Wiring::new(graph, until, idle);
        let output = wiring.source[until.0];
        let mut units: Vec<Unit> = vec![];
        let mut made = vec![false; graph.nodes.len()];
        for node in 1..=output {
            let needed = node == output || !wiring.readers[node].is_empty();
            if wiring.source[node] != node || made[node] || !needed {
                continue;
            }
            let unit = unit(graph, &wiring, output, &units, node)?;
            let mut at = node;
            made[at] = true;
            while at != unit.output {
                at = wiring.only_reader(at)?;
                made[at] = true;
            }
            units.push(unit);
        }
        Some(Self::finish(graph, units, output))
    }

    fn finish(graph: &Graph, units: Vec<Unit>, output: usize) -> Self {
        let nodes = graph.nodes.len();
        let (mut borders, mut gradient_borders, mut kept) = (vec![0; nodes], vec![0; nodes], vec![false; nodes]);
        let (mut input_border, mut blocks) = (0, false);
        for unit in units.iter().rev() {
            let first = unit.inputs[0];
            match &unit.kind {
                Kind::First(shape, ..) => {
                    input_border = input_border.max(shape.input_border());
                    gradient_borders[unit.output] = gradient_borders[unit.output].max(shape.gradient_border());
                }
                Kind::Conv(shape, ..) => {
                    borders[first] = borders[first].max(shape.input_border());
                    gradient_borders[unit.output] = gradient_borders[unit.output].max(shape.gradient_border());
                    kept[first] = true;
                }
                Kind::Norm(_, f) => {
                    kept[first] = true;
                    kept[unit.output] |= slope_of_output(*f);
                }
                Kind::Simple(Simple::Activate(_)) | Kind::LayerNorm(..) | Kind::ChannelScale(_) => kept[first] = true,
                Kind::Simple(Simple::MaxPool(_)) => (kept[first], kept[unit.output]) = (true, true),
                Kind::Simple(Simple::Scale) => unit.inputs.iter().for_each(|i| kept[*i] = true),
                _ => {}
            }
            blocks |= !matches!(unit.kind, Kind::First(..)) && unit.inputs.contains(&0);
        }
        // A batch norm turns its output's gradient into its input's in the same memory.
        for unit in &units {
            if let Kind::Norm(..) = unit.kind {
                let border = gradient_borders[unit.inputs[0]];
                gradient_borders[unit.output] = gradient_borders[unit.output].max(border);
            }
        }
        let mut done = vec![vec![]; units.len()];
        let mut seen = kept.clone();
        seen[output] = true;
        for (i, unit) in units.iter().enumerate().rev() {
            for &node in unit.inputs.iter().chain([&unit.output]) {
                if !seen[node] {
                    seen[node] = true;
                    done[i].push(node);
                }
            }
        }
        Self {
            units,
            shapes: graph.nodes.iter().map(|n| n.shape).collect(),
            params: graph.params.len(),
            borders,
            gradient_borders,
            kept,
            done,
            input_border,
            blocks,
            output,
            workspaces: Workspaces::default(),
        }
    }
}

/// Whether a batch norm's function has a slope that its output tells.
pub(super) fn slope_of_output(f: Function) -> bool {
    matches!(f, Function::Relu | Function::Relu6)
}

/// The unit that begins with a layer.
fn unit(graph: &Graph, wiring: &Wiring, output: usize, units: &[Unit], node: usize) -> Option<Unit> {
    if !has_kernel(graph, node) {
        return None;
    }
    let layer = &graph.nodes[node];
    let mut inputs = wiring.inputs(graph, node);
    let follower = |node: usize| {
        let next = if node == output { None } else { wiring.only_reader(node) };
        next.map(|next| (next, &graph.nodes[next].op))
    };
    let mut tail = node;
    let kind = match &layer.op {
        Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => {
            let shape = conv_shape(graph, node)?;
            if inputs[0] == 0 && shape.inputs < LANES && shape.groups == 1 {
                Kind::First(shape, *weight, *bias)
            } else {
                Kind::Conv(shape, *weight, *bias)
            }
        }
        Op::BatchNorm { weight, bias, mean, variance, epsilon, momentum } => {
            let (weight, bias, mean, variance) = (*weight, *bias, *mean, *variance);
            let norm = Norm { weight, bias, mean, variance, epsilon: *epsilon, momentum: *momentum };
            let mut f = Function::Identity;
            if let Some((next, Op::Activation(after))) = follower(tail) {
                (f, tail) = (function(*after), next);
            } else if let Some((next, Op::Add)) = follower(tail)
                && let Some(other) = wiring.inputs(graph, next).into_iter().find(|i| *i != tail)
                && units.iter().any(|u| u.output == other)
            {
                inputs.push(other);
                tail = next;
                // The slope is read off the output, which tells it for functions that clip.
                if let Some((next, Op::Activation(after))) = follower(tail)
                    && slope_of_output(function(*after))
                {
                    (f, tail) = (function(*after), next);
                }
            }
            Kind::Norm(norm, f)
        }
        Op::LayerNorm { weight, bias, epsilon } => Kind::LayerNorm(*weight, *bias, *epsilon),
        Op::ChannelScale { weight } => Kind::ChannelScale(*weight),
        Op::Dropout { rate } => Kind::Mask { rate: *rate, pictures: false, layer: node },
        Op::StochasticDepth { rate } => Kind::Mask { rate: *rate, pictures: true, layer: node },
        _ => Kind::Simple(Simple::of(graph, node)?),
    };
    Some(Unit { kind, inputs, output: tail })
}
