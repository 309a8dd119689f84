use std::sync::Arc;

use semio_kernels::{
    Activation as Function, Affine, BatchStatistics, Channels, Conv, ConvShape, Epilogue, FirstConv, Geometry,
    InputGradient, LANES, Maps, Planar, Windows, activate, activate_backward, add, avg_pool, avg_pool_backward,
    batch_norm, batch_norm_backward, channel_products, channel_scale, channel_sums, copy_channels,
    first_weight_gradient, flatten, global_avg_pool, global_avg_pool_backward, layer_norm, layer_norm_backward,
    max_pool, max_pool_backward, multiply, reorder_channels, scale, scale_backward, times, unflatten, weight_gradient,
};

use super::{
    Wiring, Workspaces, conv_shape, divisor, function, geometry, has_kernel, shuffled, windows, workspace::Workspace,
};
use crate::{
    graph::{Graph, NodeId, Op, ParamId, Shape},
    ops::Masks,
};

/// How a network is trained on kernels: which layers become one, and what the backward pass needs.
pub(crate) struct TrainPlan {
    units: Vec<Unit>,
    shapes: Vec<Shape>,
    params: usize,
    /// Borders of each layer's outputs, and of their gradients.
    borders: Vec<usize>,
    gradient_borders: Vec<usize>,
    /// Layers whose outputs the backward pass reads.
    kept: Vec<bool>,
    /// For each unit the layers whose outputs no later unit reads.
    done: Vec<Vec<usize>>,
    input_border: usize,
    blocks: bool,
    output: usize,
    workspaces: Workspaces,
}

struct Unit {
    kind: Kind,
    inputs: Vec<usize>,
    output: usize,
}

enum Kind {
    First(ConvShape, ParamId, Option<ParamId>),
    Conv(ConvShape, ParamId, Option<ParamId>),
    /// A second input is added before the function.
    Norm(Norm, Function),
    LayerNorm(ParamId, ParamId, f64),
    ChannelScale(ParamId),
    Activate(Function),
    Add,
    Multiply(f32),
    Scale,
    MaxPool(Windows),
    AvgPool(Windows, Option<f32>),
    GlobalAvgPool,
    Flatten,
    Concat,
    Slice(usize, usize),
    Reorder(Vec<usize>),
    /// Dropout of values, or of whole pictures; the layer's place names its random numbers.
    Mask {
        rate: f64,
        pictures: bool,
        layer: usize,
    },
}

#[derive(Clone, Copy)]
struct Norm {
    weight: ParamId,
    bias: ParamId,
    mean: ParamId,
    variance: ParamId,
    epsilon: f64,
    momentum: f64,
}

/// A batch's mean and unbiased variance, for a batch norm's running ones.
pub(crate) struct Measured {
    pub(crate) mean: (ParamId, Vec<f32>),
    pub(crate) variance: (ParamId, Vec<f32>),
    pub(crate) momentum: f64,
}

/// A training step between its forward and its backward pass.
pub(crate) struct Session {
    plan: Arc<TrainPlan>,
    batch: usize,
    planar: Planar,
    values: Vec<Option<Maps>>,
    statistics: Vec<Option<BatchStatistics>>,
    /// Factors of dropped values, by unit.
    masks: Vec<Option<Maps>>,
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
                Kind::Activate(_) | Kind::LayerNorm(..) | Kind::ChannelScale(_) => kept[first] = true,
                Kind::MaxPool(_) => (kept[first], kept[unit.output]) = (true, true),
                Kind::Scale => unit.inputs.iter().for_each(|i| kept[*i] = true),
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
fn slope_of_output(f: Function) -> bool {
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
        Op::Activation(f) => Kind::Activate(function(*f)),
        Op::Add => Kind::Add,
        Op::Multiply { factor } => Kind::Multiply(*factor as f32),
        Op::Scale => Kind::Scale,
        Op::MaxPool { .. } => Kind::MaxPool(windows(graph, node)?),
        Op::AvgPool { .. } | Op::AdaptiveAvgPool { .. } => Kind::AvgPool(windows(graph, node)?, divisor(&layer.op)),
        Op::GlobalAvgPool => Kind::GlobalAvgPool,
        Op::Flatten => match graph.nodes[inputs[0]].shape {
            Shape::Maps { .. } => Kind::Flatten,
            _ => Kind::Multiply(1.0),
        },
        Op::Concat => Kind::Concat,
        Op::Slice { start, len } => Kind::Slice(*start, *len),
        Op::ChannelShuffle { groups } => Kind::Reorder(shuffled(layer.shape.width(), *groups)),
        Op::Dropout { rate } => Kind::Mask { rate: *rate, pictures: false, layer: node },
        Op::StochasticDepth { rate } => Kind::Mask { rate: *rate, pictures: true, layer: node },
        _ => return None,
    };
    Some(Unit { kind, inputs, output: tail })
}

impl Session {
    /// Runs the forward pass; gives the session and the logits, `[batch, outputs]`.
    pub(crate) fn forward(
        plan: &Arc<TrainPlan>,
        params: &[impl AsRef<[f32]>],
        nchw: &[f32],
        batch: usize,
        masks: Masks,
    ) -> (Self, Vec<f32>, Vec<Measured>) {
        plan.clone().workspaces.with(|workspace| {
            let input = geometry(plan.shapes[0], batch);
            let mut session = Self {
                plan: plan.clone(),
                batch,
                planar: Planar::new(input.bordered(plan.input_border), nchw),
                values: plan.shapes.iter().map(|_| None).collect(),
                statistics: plan.units.iter().map(|_| None).collect(),
                masks: plan.units.iter().map(|_| None).collect(),
            };
            if plan.blocks {
                let mut maps = workspace.take(input.bordered(plan.borders[0]));
                maps.pack(nchw);
                session.values[0] = Some(maps);
            }
            let mut measured = vec![];
            for (i, unit) in plan.units.iter().enumerate() {
                let size = geometry(plan.shapes[unit.output], batch).bordered(plan.borders[unit.output]);
                let mut y = workspace.take(size);
                session.forward_unit(i, params, masks, &mut y, &mut measured);
                session.values[unit.output] = Some(y);
                for &node in &plan.done[i] {
                    session.values[node].take().into_iter().for_each(|maps| workspace.give(maps));
                }
            }
            let output = &mut session.values[plan.output];
            let logits = output.as_ref().expect("the last unit made it").rows();
            if !plan.kept[plan.output] {
                output.take().into_iter().for_each(|maps| workspace.give(maps));
            }
            (session, logits, measured)
        })
    }

    fn forward_unit(
        &mut self,
        index: usize,
        params: &[impl AsRef<[f32]>],
        masks: Masks,
        y: &mut Maps,
        measured: &mut Vec<Measured>,
    ) {
        let plan = self.plan.clone();
        let unit = &plan.units[index];
        let param = |id: ParamId| params[id.0].as_ref();
        let bias = |id: &Option<ParamId>, n: usize| id.map_or_else(|| vec![0.0; n], |id| param(id).to_vec());
        let x = |i: usize| self.values[unit.inputs[i]].as_ref().expect("a layer runs after the layers that it reads");
        match &unit.kind {
            Kind::First(shape, weight, b) => {
                FirstConv::new(*shape, param(*weight), &bias(b, shape.outputs)).run(
                    &self.planar,
                    y,
                    Function::Identity,
                );
            }
            Kind::Conv(shape, weight, b) => {
                let conv = Conv::for_output(*shape, param(*weight), &bias(b, shape.outputs), y.geometry());
                conv.run(x(0), y, Epilogue::default());
            }
            Kind::Norm(norm, f) => {
                let affine = Affine { scale: param(norm.weight), shift: param(norm.bias), epsilon: norm.epsilon };
                let residual = (unit.inputs.len() > 1).then(|| x(1));
                let statistics = batch_norm(x(0), affine, residual, *f, y);
                // A batch of one value has no unbiased variance: the biased one (zero) then stands in.
                let n = statistics.count as f32;
                let unbiased = if statistics.count > 1 { n / (n - 1.0) } else { 1.0 };
                measured.push(Measured {
                    mean: (norm.mean, statistics.mean.clone()),
                    variance: (norm.variance, statistics.variance.iter().map(|v| v * unbiased).collect()),
                    momentum: norm.momentum,
                });
                self.statistics[index] = Some(statistics);
            }
            Kind::LayerNorm(weight, bias, epsilon) => {
                layer_norm(x(0), Affine { scale: param(*weight), shift: param(*bias), epsilon: *epsilon }, None, y);
            }
            Kind::ChannelScale(weight) => channel_scale(x(0), param(*weight), y, false),
            Kind::Activate(f) => activate(x(0), *f, y),
            Kind::Add => add(x(0), x(1), Function::Identity, y),
            Kind::Multiply(factor) => times(x(0), *factor, y, false),
            Kind::Scale => scale(x(0), x(1), y, false),
            Kind::MaxPool(windows) => max_pool(x(0), windows, y),
            Kind::AvgPool(windows, divisor) => avg_pool(x(0), windows, *divisor, y),
            Kind::GlobalAvgPool => global_avg_pool(x(0), y),
            Kind::Flatten => flatten(x(0), y),
            Kind::Concat => {
                let mut to = 0;
                for i in 0..unit.inputs.len() {
                    let len = x(i).geometry().channels;
                    copy_channels(x(i), y, Channels { from: 0, to, len }, false);
                    to += len;
                }
            }
            Kind::Slice(from, len) => copy_channels(x(0), y, Channels { from: *from, to: 0, len: *len }, false),
            Kind::Reorder(order) => reorder_channels(x(0), y, order),
            Kind::Mask { rate, pictures, layer } => {
                let (shape, batch) = (self.plan.shapes[unit.output], self.batch);
                let mask = if *pictures {
                    let factors = masks.draw(*rate, *layer, batch);
                    let each = shape.width();
                    let numbers: Vec<f32> = factors.iter().flat_map(|v| std::iter::repeat_n(*v, each)).collect();
                    let mut mask = Maps::zeroed(one_pixel(shape, batch));
                    match shape {
                        Shape::Vector(_) => mask.pack_rows(&numbers),
                        _ => mask.pack(&numbers),
                    }
                    mask
                } else {
                    let numbers = masks.draw(*rate, *layer, batch * shape.len());
                    let mut mask = Maps::zeroed(geometry(shape, batch));
                    match shape {
                        Shape::Vector(_) => mask.pack_rows(&numbers),
                        _ => mask.pack(&numbers),
                    }
                    mask
                };
                masked(x(0), &mask, y, false);
                self.masks[index] = Some(mask);
            }
        }
    }

    /// Runs the backward pass from the logits' gradient; gives each parameter's gradient, where it has one.
    pub(crate) fn backward(mut self, params: &[impl AsRef<[f32]>], logits: &[f32]) -> Vec<Option<Vec<f32>>> {
        let plan = self.plan.clone();
        plan.workspaces.with(|workspace| {
            let mut backward = Backward {
                params: (0..plan.params).map(|_| None).collect(),
                values: plan.shapes.iter().map(|_| None).collect(),
                plan: &plan,
                batch: self.batch,
                workspace,
            };
            let mut last = backward.empty(plan.output);
            last.pack_rows(logits);
            backward.values[plan.output] = Some(last);
            for (i, unit) in plan.units.iter().enumerate().rev() {
                if let Some(dy) = backward.values[unit.output].take() {
                    self.backward_unit(&mut backward, i, params, dy);
                }
                self.values[unit.output].take().into_iter().for_each(|maps| backward.workspace.give(maps));
            }
            let Backward { params, values, workspace, .. } = backward;
            values.into_iter().chain(self.values).flatten().for_each(|maps| workspace.give(maps));
            params
        })
    }

    fn backward_unit(&self, to: &mut Backward, index: usize, params: &[impl AsRef<[f32]>], mut dy: Maps) {
        let unit = &to.plan.units[index];
        let param = |id: ParamId| params[id.0].as_ref();
        let x = |i: usize| self.values[unit.inputs[i]].as_ref().expect("the backward pass's inputs are kept");
        let first = unit.inputs[0];
        match &unit.kind {
            Kind::First(shape, weight, bias) | Kind::Conv(shape, weight, bias) => {
                let mut gradient = vec![0.0; shape.weights()];
                if matches!(unit.kind, Kind::First(..)) {
                    first_weight_gradient(shape, &self.planar, &dy, &mut gradient);
                } else {
                    weight_gradient(shape, x(0), &dy, &mut gradient);
                }
                to.params[weight.0] = Some(gradient);
                if let Some(bias) = bias {
                    to.params[bias.0] = Some(channel_sums(&dy));
                }
                to.input(first, |dx, add| InputGradient::new(*shape, param(*weight), dy.geometry()).run(&dy, dx, add));
            }
            Kind::Norm(norm, f) => {
                let y = if slope_of_output(*f) { self.values[unit.output].as_ref() } else { Some(x(0)) };
                let y = y.expect("the backward pass's inputs are kept");
                let statistics = self.statistics[index].as_ref().expect("the forward pass measured");
                let other = unit.inputs.get(1).map(|&i| (i, to.values[i].is_some()));
                let mut residual = other.map(|(i, there)| (to.take_or_empty(i), there));
                let residual_maps = residual.as_mut().map(|(maps, there)| (maps, *there));
                let gradient = batch_norm_backward(x(0), y, statistics, *f, &mut dy, residual_maps);
                if let (Some((i, _)), Some((maps, _))) = (other, residual) {
                    to.values[i] = Some(maps);
                }
                to.params[norm.weight.0] = Some(gradient.scale);
                to.params[norm.bias.0] = Some(gradient.shift);
                // The output's gradient has become the input's, in the same memory.
                if first != 0 && to.values[first].is_none() {
                    to.values[first] = Some(dy);
                    return;
                }
                to.input(first, |dx, add| times(&dy, 1.0, dx, add));
            }
            Kind::LayerNorm(weight, bias, epsilon) => {
                let affine = Affine { scale: param(*weight), shift: &[], epsilon: *epsilon };
                let there = to.values[first].is_some();
                // The picture's gradient nobody wants, but γ's and β's.
                let mut dx = to.take_or_empty(first);
                let gradient = layer_norm_backward(x(0), affine, &dy, &mut dx, there);
                to.values[first] = Some(dx);
                to.params[weight.0] = Some(gradient.scale);
                to.params[bias.0] = Some(gradient.shift);
            }
            Kind::ChannelScale(weight) => {
                to.params[weight.0] = Some(channel_products(x(0), &dy));
                to.input(first, |dx, add| channel_scale(&dy, param(*weight), dx, add));
            }
            Kind::Activate(f) => to.input(first, |dx, add| activate_backward(x(0), *f, &dy, dx, add)),
            Kind::Add => unit.inputs.iter().for_each(|&i| to.input(i, |dx, add| times(&dy, 1.0, dx, add))),
            Kind::Multiply(factor) => to.input(first, |dx, add| times(&dy, *factor, dx, add)),
            Kind::Scale => {
                to.input(first, |dx, add| scale(&dy, x(1), dx, add));
                let mut factors = to.empty(unit.inputs[1]);
                scale_backward(x(0), &dy, &mut factors);
                to.input(unit.inputs[1], |dx, add| times(&factors, 1.0, dx, add));
                to.workspace.give(factors);
            }
            Kind::MaxPool(windows) => {
                let y = self.values[unit.output].as_ref().expect("the backward pass's inputs are kept");
                to.input(first, |dx, add| max_pool_backward(x(0), windows, y, &dy, dx, add));
            }
            Kind::AvgPool(windows, divisor) => {
                to.input(first, |dx, add| avg_pool_backward(windows, *divisor, &dy, dx, add));
            }
            Kind::GlobalAvgPool => to.input(first, |dx, add| global_avg_pool_backward(&dy, dx, add)),
            Kind::Flatten => to.input(first, |dx, add| unflatten(&dy, dx, add)),
            Kind::Concat => {
                let mut from = 0;
                for &i in &unit.inputs {
                    let len = to.plan.shapes[i].width();
                    to.input(i, |dx, add| copy_channels(&dy, dx, Channels { from, to: 0, len }, add));
                    from += len;
                }
            }
            Kind::Slice(start, len) => to.input(first, |dx, add| {
                if !add {
                    dx.clear();
                }
                copy_channels(&dy, dx, Channels { from: 0, to: *start, len: *len }, true);
            }),
            Kind::Reorder(order) => {
                let mut back = vec![0; order.len()];
                order.iter().enumerate().for_each(|(to, &from)| back[from] = to);
                let mut reordered = to.empty(first);
                reorder_channels(&dy, &mut reordered, &back);
                to.input(first, |dx, add| times(&reordered, 1.0, dx, add));
                to.workspace.give(reordered);
            }
            Kind::Mask { .. } => {
                let mask = self.masks[index].as_ref().expect("the forward pass drew");
                to.input(first, |dx, add| masked(&dy, mask, dx, add));
            }
        }
        to.workspace.give(dy);
    }
}

/// Size of one factor a picture and map; vectors have one for each value.
fn one_pixel(shape: Shape, batch: usize) -> Geometry {
    match shape {
        Shape::Vector(_) => geometry(shape, batch),
        _ => Geometry { height: 1, width: 1, ..geometry(shape, batch) },
    }
}

/// Multiplies values with a mask of their size, or of one pixel a picture.
fn masked(x: &Maps, mask: &Maps, y: &mut Maps, add: bool) {
    if mask.geometry() == x.geometry().bordered(0) {
        multiply(x, mask, y, add);
    } else {
        scale(x, mask, y, add);
    }
}

/// What the backward pass fills.
struct Backward<'a> {
    plan: &'a TrainPlan,
    batch: usize,
    workspace: &'a mut Workspace,
    /// Gradients of layers' outputs that are not used up yet.
    values: Vec<Option<Maps>>,
    params: Vec<Option<Vec<f32>>>,
}

impl Backward<'_> {
    /// Memory for a layer's gradient.
    fn empty(&mut self, node: usize) -> Maps {
        let size = geometry(self.plan.shapes[node], self.batch);
        self.workspace.take(size.bordered(self.plan.gradient_borders[node]))
    }

    /// A layer's gradient so far, or memory for it.
    fn take_or_empty(&mut self, node: usize) -> Maps {
        match self.values[node].take() {
            Some(maps) => maps,
            None => self.empty(node),
        }
    }

    /// Lets `f` write a layer's gradient, or add to it where there is one. The picture has none.
    fn input(&mut self, node: usize, f: impl FnOnce(&mut Maps, bool)) {
        if node == 0 {
            return;
        }
        let there = self.values[node].is_some();
        let mut dx = self.take_or_empty(node);
        f(&mut dx, there);
        self.values[node] = Some(dx);
    }
}
