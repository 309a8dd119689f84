//! One training step on a plan, forward and backward.

use std::sync::Arc;

use semio_kernels::{
    Activation as Function, Affine, BatchStatistics, Channels, FirstConv, Geometry, Maps, Planar, activate_backward,
    avg_pool_backward, batch_norm, batch_norm_backward, channel_products, channel_scale, channel_sums, convolve,
    copy_channels, first_weight_gradient, global_avg_pool_backward, input_gradient, layer_norm, layer_norm_backward,
    max_pool_backward, multiply, reorder_channels, scale, scale_backward, times, unflatten, weight_gradient,
};

use super::{
    geometry,
    simple::Simple,
    train::{Kind, TrainPlan, Unit, slope_of_output},
    workspace::Workspace,
};
use crate::{
    graph::{ParamId, Shape},
    ops::Masks,
};

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
                convolve(shape, param(*weight), &bias(b, shape.outputs), x(0), y);
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
            Kind::Simple(simple) => simple.run(unit.inputs.len(), x, y),
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
                to.params[weight.0] = Some(if matches!(unit.kind, Kind::First(..)) {
                    first_weight_gradient(shape, &self.planar, &dy)
                } else {
                    weight_gradient(shape, x(0), &dy)
                });
                if let Some(bias) = bias {
                    to.params[bias.0] = Some(channel_sums(&dy));
                }
                to.input(first, |dx, add| input_gradient(shape, param(*weight), &dy, dx, add));
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
            Kind::Simple(simple) => self.backward_simple(to, unit, simple, &dy),
            Kind::Mask { .. } => {
                let mask = self.masks[index].as_ref().expect("the forward pass drew");
                to.input(first, |dx, add| masked(&dy, mask, dx, add));
            }
        }
        to.workspace.give(dy);
    }

    /// The backward pass of a layer without parameters.
    fn backward_simple(&self, to: &mut Backward, unit: &Unit, simple: &Simple, dy: &Maps) {
        let x = |i: usize| self.values[unit.inputs[i]].as_ref().expect("the backward pass's inputs are kept");
        let first = unit.inputs[0];
        match simple {
            Simple::Activate(f) => to.input(first, |dx, add| activate_backward(x(0), *f, dy, dx, add)),
            Simple::Add(_) => unit.inputs.iter().for_each(|&i| to.input(i, |dx, add| times(dy, 1.0, dx, add))),
            Simple::Multiply(factor) => to.input(first, |dx, add| times(dy, *factor, dx, add)),
            Simple::Scale => {
                to.input(first, |dx, add| scale(dy, x(1), dx, add));
                let mut factors = to.empty(unit.inputs[1]);
                scale_backward(x(0), dy, &mut factors);
                to.input(unit.inputs[1], |dx, add| times(&factors, 1.0, dx, add));
                to.workspace.give(factors);
            }
            Simple::MaxPool(windows) => {
                let y = self.values[unit.output].as_ref().expect("the backward pass's inputs are kept");
                to.input(first, |dx, add| max_pool_backward(x(0), windows, y, dy, dx, add));
            }
            Simple::AvgPool(windows, divisor) => {
                to.input(first, |dx, add| avg_pool_backward(windows, *divisor, dy, dx, add));
            }
            Simple::GlobalAvgPool => to.input(first, |dx, add| global_avg_pool_backward(dy, dx, add)),
            Simple::Flatten => to.input(first, |dx, add| unflatten(dy, dx, add)),
            Simple::Concat => {
                let mut from = 0;
                for &i in &unit.inputs {
                    let len = to.plan.shapes[i].width();
                    to.input(i, |dx, add| copy_channels(dy, dx, Channels { from, to: 0, len }, add));
                    from += len;
                }
            }
            Simple::Slice(start, len) => to.input(first, |dx, add| {
                if !add {
                    dx.clear();
                }
                copy_channels(dy, dx, Channels { from: 0, to: *start, len: *len }, true);
            }),
            Simple::Reorder(order) => {
                let mut back = vec![0; order.len()];
                order.iter().enumerate().for_each(|(to, &from)| back[from] = to);
                let mut reordered = to.empty(first);
                reorder_channels(dy, &mut reordered, &back);
                to.input(first, |dx, add| times(&reordered, 1.0, dx, add));
                to.workspace.give(reordered);
            }
        }
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
