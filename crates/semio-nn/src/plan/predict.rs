use semio_kernels::{
    Activation as Function, Affine, Bottleneck, Conv, ConvShape, Epilogue, FirstConv, Geometry, LANES, Maps, Planar,
    affine, embed, first_pixel, layer_norm, merge_squares,
};

use super::{
    Wiring, Workspaces, attention::SelfAttention, conv_shape, function, geometry, has_kernel, simple::Simple,
    workspace::Workspace,
};
use crate::graph::{Graph, NodeId, Op, ParamId, Shape};

/// A network for prediction: batch norms folded into weights, weights packed, sums and functions fused.
pub(crate) struct Prepared {
    steps: Vec<Step>,
    /// Of each layer's outputs.
    shapes: Vec<Shape>,
    borders: Vec<usize>,
    /// For each step the layers whose outputs no later step reads.
    done: Vec<Vec<usize>>,
    input_border: usize,
    /// Whether a step reads the pictures in blocks.
    blocks: bool,
    output: usize,
    workspaces: Workspaces,
}

struct Step {
    work: Work,
    /// Layers whose outputs are read; 0 is the picture.
    inputs: Vec<usize>,
    /// The layer whose output this is: the last of those that became one.
    output: usize,
}

enum Work {
    First(FirstConv, Function),
    /// With a second input, that is added before the function.
    Conv(Conv, Function),
    /// With a second input, that is added before the last function.
    Bottleneck(Box<Bottleneck>),
    Affine(Vec<f32>, Vec<f32>, Function),
    /// With a second input, that is added.
    LayerNorm(Vec<f32>, Vec<f32>, f64),
    /// With a second input, that is added before the function.
    Attention(Box<SelfAttention>, Function),
    /// The class token and the positions.
    Embed(Maps, Maps),
    FirstToken,
    PatchMerge,
    Simple(Simple),
}

impl Prepared {
    /// Prepares the layers up to one of them; `None` where one has no kernel.
    pub(crate) fn new(graph: &Graph, until: NodeId, read: impl Fn(ParamId) -> Vec<f32>) -> Option<Self> {
        let wiring = Wiring::new(graph, until, |op| matches!(op, Op::Dropout { .. } | Op::StochasticDepth { .. }));
        let output = wiring.source[until.0];
        let mut planner = Planner { graph, wiring, output, made: vec![false; graph.nodes.len()], steps: vec![] };
        planner.made[0] = true;
        for node in 1..=output {
            if planner.wiring.source[node] == node && !planner.made[node] && planner.is_needed(node) {
                planner.step(node, &read)?;
            }
        }
        Some(planner.finish())
    }

    /// Runs on pictures in rows; gives each picture's values in one row.
    pub(crate) fn run(&self, nchw: &[f32], batch: usize) -> Vec<f32> {
        self.workspaces.with(|workspace| self.run_in(workspace, nchw, batch))
    }

    fn run_in(&self, workspace: &mut Workspace, nchw: &[f32], batch: usize) -> Vec<f32> {
        let input = geometry(self.shapes[0], batch);
        let planar = Planar::new(input.bordered(self.input_border), nchw);
        let mut values: Vec<Option<Maps>> = self.shapes.iter().map(|_| None).collect();
        if self.blocks {
            let mut maps = workspace.take(input.bordered(self.borders[0]));
            maps.pack(nchw);
            values[0] = Some(maps);
        }
        for (step, done) in self.steps.iter().zip(&self.done) {
            let size = geometry(self.shapes[step.output], batch).bordered(self.borders[step.output]);
            let mut y = workspace.take(size);
            step.run(&planar, &values, workspace, &mut y);
            values[step.output] = Some(y);
            for &node in done {
                values[node].take().into_iter().for_each(|maps| workspace.give(maps));
            }
        }
        let output = values[self.output].take().expect("the last step made it");
        let mut rows = vec![0.0; batch * self.shapes[self.output].len()];
        match self.shapes[self.output] {
            Shape::Vector(_) => rows = output.rows(),
            Shape::Maps { .. } => output.unpack(&mut rows),
            Shape::Tokens { length, width } => {
                // Maps of one row to rows of tokens.
                let mut maps = vec![0.0; rows.len()];
                output.unpack(&mut maps);
                for (i, value) in rows.iter_mut().enumerate() {
                    let (image, token, channel) = (i / (length * width), i / width % length, i % width);
                    *value = maps[(image * width + channel) * length + token];
                }
            }
        }
        values.into_iter().flatten().chain([output]).for_each(|maps| workspace.give(maps));
        rows
    }
}

impl Step {
    fn run(&self, pictures: &Planar, values: &[Option<Maps>], workspace: &mut Workspace, y: &mut Maps) {
        let x = |i: usize| values[self.inputs[i]].as_ref().expect("a layer runs after the layers that it reads");
        let residual = || (self.inputs.len() > 1).then(|| x(1));
        match &self.work {
            Work::First(conv, f) => conv.run(pictures, y, *f),
            Work::Conv(conv, f) => conv.run(x(0), y, Epilogue { residual: residual(), activation: *f }),
            Work::Bottleneck(block) => block.run(x(0), y, residual()),
            Work::Affine(factors, summands, f) => affine(x(0), factors, summands, *f, y),
            Work::LayerNorm(scale, shift, epsilon) => {
                layer_norm(x(0), Affine { scale, shift, epsilon: *epsilon }, residual(), y);
            }
            Work::Attention(attention, f) => attention.run(x(0), residual(), *f, workspace, y),
            Work::Embed(token, positions) => embed(x(0), token, positions, y),
            Work::FirstToken => first_pixel(x(0), y),
            Work::PatchMerge => merge_squares(x(0), y),
            Work::Simple(simple) => simple.run(self.inputs.len(), x, y),
        }
    }
}

struct Planner<'a> {
    graph: &'a Graph,
    wiring: Wiring,
    output: usize,
    /// Layers whose outputs exist once the steps so far have run, or that became part of a step.
    made: Vec<bool>,
    steps: Vec<Step>,
}

impl Planner<'_> {
    fn is_needed(&self, node: usize) -> bool {
        node == self.output || !self.wiring.readers[node].is_empty()
    }

    /// The only reader of a layer's output, where the output is not asked for itself.
    fn follower(&self, node: usize) -> Option<usize> {
        if node == self.output { None } else { self.wiring.only_reader(node) }
    }

    /// Takes a following function into a step.
    fn function_after(&self, tail: usize) -> (Function, usize) {
        match self.follower(tail).map(|next| (next, &self.graph.nodes[next].op)) {
            Some((next, Op::Activation(f))) => (function(*f), next),
            _ => (Function::Identity, tail),
        }
    }

    fn step(&mut self, node: usize, read: &impl Fn(ParamId) -> Vec<f32>) -> Option<()> {
        if !has_kernel(self.graph, node) {
            return None;
        }
        let layer = &self.graph.nodes[node];
        let mut inputs = self.wiring.inputs(self.graph, node);
        let mut tail = node;
        let work = match &layer.op {
            Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => {
                let shape = conv_shape(self.graph, node)?;
                let mut weights = read(*weight);
                let mut biases = bias.map_or_else(|| vec![0.0; shape.outputs], read);
                if let Some((next, op)) = self.follower(tail).map(|next| (next, &self.graph.nodes[next].op))
                    && let Some((factors, summands)) = folded(op, read)
                {
                    let each = weights.len() / shape.outputs;
                    for (row, factor) in weights.chunks_exact_mut(each).zip(&factors) {
                        for w in row {
                            *w *= factor;
                        }
                    }
                    biases.iter_mut().zip(factors.iter().zip(&summands)).for_each(|(b, (f, s))| *b = *b * f + s);
                    tail = next;
                }
                let (mut f, last) = self.function_after(tail);
                tail = last;
                let first = inputs[0] == 0 && shape.inputs < LANES && shape.groups == 1;
                if f == Function::Identity
                    && !first
                    && let Some((next, other)) = self.sum_after(tail)
                {
                    inputs.push(other);
                    (f, tail) = self.function_after(next);
                }
                if first {
                    Work::First(FirstConv::new(shape, &weights, &biases), f)
                } else {
                    Work::Conv(Conv::new(shape, &weights, &biases), f)
                }
            }
            Op::BatchNorm { .. } | Op::ChannelScale { .. } => {
                let (factors, summands) = folded(&layer.op, read)?;
                let (f, last) = self.function_after(tail);
                tail = last;
                Work::Affine(factors, summands, f)
            }
            Op::LayerNorm { weight, bias, epsilon } => {
                if let Some((next, other)) = self.sum_after(tail) {
                    inputs.push(other);
                    tail = next;
                }
                Work::LayerNorm(read(*weight), read(*bias), *epsilon)
            }
            Op::Attention { .. } | Op::WindowAttention(_) => {
                let attention = SelfAttention::new(&layer.op, layer.shape, read)?;
                if let Some((next, other)) = self.sum_after(tail) {
                    inputs.push(other);
                    tail = next;
                }
                let (f, last) = self.function_after(tail);
                tail = last;
                Work::Attention(Box::new(attention), f)
            }
            Op::Embed { class_token, position } => {
                let row = |tokens: usize, values: Vec<f32>| {
                    let channels = layer.shape.width();
                    let mut maps = Maps::zeroed(Geometry { batch: 1, channels, height: 1, width: tokens, border: 0 });
                    let by_map: Vec<f32> =
                        (0..values.len()).map(|i| values[i % tokens * channels + i / tokens]).collect();
                    maps.pack(&by_map);
                    maps
                };
                Work::Embed(row(1, read(*class_token)), row(layer.shape.positions(), read(*position)))
            }
            Op::FirstToken => Work::FirstToken,
            Op::PatchMerge => Work::PatchMerge,
            Op::Add => {
                let (f, last) = self.function_after(tail);
                tail = last;
                Work::Simple(Simple::Add(f))
            }
            _ => Work::Simple(Simple::of(self.graph, node)?),
        };
        let mut at = node;
        self.made[at] = true;
        while at != tail {
            at = self.wiring.only_reader(at)?;
            self.made[at] = true;
        }
        self.steps.push(Step { work, inputs, output: tail });
        Some(())
    }

    /// A sum that follows, and its other summand, where that one exists by now.
    fn sum_after(&self, tail: usize) -> Option<(usize, usize)> {
        let next = self.follower(tail)?;
        if !matches!(self.graph.nodes[next].op, Op::Add) {
            return None;
        }
        let other = self.wiring.inputs(self.graph, next).into_iter().find(|i| *i != tail)?;
        (other != 0 && self.steps.iter().any(|s| s.output == other)).then_some((next, other))
    }

    /// Joins each depthwise convolution with those of single pixels around it, whose outputs nothing else reads.
    fn join_bottlenecks(&mut self) {
        let mut readers = vec![0; self.graph.nodes.len()];
        self.steps.iter().flat_map(|s| &s.inputs).for_each(|input| readers[*input] += 1);
        let private = |node: usize| node != self.output && readers[node] == 1;
        let mut steps: Vec<Option<Step>> = std::mem::take(&mut self.steps).into_iter().map(Some).collect();
        let shape = |step: &Option<Step>| match step {
            Some(Step { work: Work::Conv(conv, _), .. }) => Some(*conv.shape()),
            _ => None,
        };
        for at in 0..steps.len() {
            let Some((depthwise, step)) = shape(&steps[at]).filter(ConvShape::is_depthwise).zip(steps[at].as_ref())
            else {
                continue;
            };
            let before = (0..at).find(|i| {
                private(step.inputs[0])
                    && steps[*i].as_ref().is_some_and(|s| s.output == step.inputs[0] && s.inputs.len() == 1)
            });
            let before =
                before.filter(|i| shape(&steps[*i]).is_some_and(|w| Bottleneck::suits(Some(&w), &depthwise, None)));
            let after = (at + 1..steps.len()).find(|i| {
                let reads = |s: &Step| s.inputs.first() == Some(&step.output);
                private(step.output) && step.inputs.len() == 1 && steps[*i].as_ref().is_some_and(reads)
            });
            let after =
                after.filter(|i| shape(&steps[*i]).is_some_and(|n| Bottleneck::suits(None, &depthwise, Some(&n))));
            if before.is_none() && after.is_none() {
                continue;
            }
            let mut take = |i: usize| match steps[i].take() {
                Some(Step { work: Work::Conv(conv, f), inputs, output }) => Some(((conv, f), inputs, output)),
                _ => None,
            };
            let (widen, depthwise, narrow) = (before.and_then(&mut take), take(at), after.and_then(&mut take));
            let Some((depthwise, mut inputs, mut output)) = depthwise else { continue };
            let widen = widen.map(|(conv, first, _)| {
                inputs[0] = first[0];
                conv
            });
            let narrow = narrow.map(|(conv, all, last)| {
                inputs.extend(&all[1..]);
                output = last;
                conv
            });
            let work = Work::Bottleneck(Box::new(Bottleneck::new(widen, depthwise, narrow)));
            steps[after.unwrap_or(at)] = Some(Step { work, inputs, output });
        }
        self.steps = steps.into_iter().flatten().collect();
    }

    fn finish(mut self) -> Prepared {
        self.join_bottlenecks();
        let nodes = self.graph.nodes.len();
        let mut borders = vec![0; nodes];
        let (mut input_border, mut blocks) = (0, false);
        for step in &self.steps {
            match &step.work {
                Work::First(conv, _) => input_border = input_border.max(conv.shape().input_border()),
                work => {
                    blocks |= step.inputs.contains(&0);
                    let needed = match work {
                        Work::Conv(conv, _) => conv.shape().input_border(),
                        Work::Bottleneck(block) => block.input_border(),
                        _ => 0,
                    };
                    let border = &mut borders[step.inputs[0]];
                    *border = (*border).max(needed);
                }
            }
        }
        // A kernel reads a summand with the strides of its output.
        loop {
            let mut changed = false;
            let sums = |work: &Work| matches!(work, Work::Conv(..) | Work::Bottleneck(_) | Work::Attention(..));
            let reads_sum = |s: &&Step| sums(&s.work) && s.inputs.len() > 1;
            for step in self.steps.iter().filter(reads_sum) {
                let (a, b) = (step.inputs[1], step.output);
                if borders[a] != borders[b] {
                    let border = borders[a].max(borders[b]);
                    (borders[a], borders[b], changed) = (border, border, true);
                }
            }
            if !changed {
                break;
            }
        }
        let mut done = vec![vec![]; self.steps.len()];
        let mut seen = vec![false; nodes];
        seen[self.output] = true;
        for (i, step) in self.steps.iter().enumerate().rev() {
            for &node in step.inputs.iter().chain([&step.output]) {
                if !seen[node] {
                    seen[node] = true;
                    done[i].push(node);
                }
            }
        }
        let shapes = self.graph.nodes.iter().map(|n| n.shape).collect();
        Prepared {
            steps: self.steps,
            shapes,
            borders,
            done,
            input_border,
            blocks,
            output: self.output,
            workspaces: Workspaces::default(),
        }
    }
}

/// Factors and summands of each channel: a batch norm with its running statistics, or a trained factor.
fn folded(op: &Op, read: &impl Fn(ParamId) -> Vec<f32>) -> Option<(Vec<f32>, Vec<f32>)> {
    match op {
        Op::BatchNorm { weight, bias, mean, variance, epsilon, .. } => {
            let [gamma, beta, mean, variance] = [*weight, *bias, *mean, *variance].map(read);
            let factors: Vec<f64> =
                gamma.iter().zip(&variance).map(|(g, v)| f64::from(*g) / (f64::from(*v) + epsilon).sqrt()).collect();
            let summands = beta.iter().zip(mean.iter().zip(&factors));
            let summands = summands.map(|(b, (m, f))| (f64::from(*b) - f64::from(*m) * f) as f32).collect();
            Some((factors.into_iter().map(|f| f as f32).collect(), summands))
        }
        Op::ChannelScale { weight } => {
            let factors = read(*weight);
            let summands = vec![0.0; factors.len()];
            Some((factors, summands))
        }
        _ => None,
    }
}
