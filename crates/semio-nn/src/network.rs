use std::sync::{Arc, OnceLock};

use burn::{
    backend::Flex,
    tensor::{Device, Tensor, TensorData},
};

use crate::{
    graph::{Graph, NodeId, Op, Role},
    ops::{self, BatchStatistic, Masks, Params, Training, Value, each},
    plan::{Measured, Prepared, Session, TrainPlan},
};

/// A graph with values in its parameters, on a device.
///
/// Each parameter is held flat, as one row of values; layers look at it in their own shape. Optimisers, checkpoints
/// and files so need no rank.
#[derive(Clone)]
pub struct Network {
    graph: Arc<Graph>,
    values: Vec<Tensor<1>>,
    /// Training batches seen: torchvision's `num_batches_tracked`.
    batches: u64,
    device: Device,
    /// Whether the CPU's kernels are left aside.
    plain: bool,
    /// Plans for prediction and for the features, made when first asked for and dropped when a value changes; `None`
    /// where the kernels cannot run the graph or the values lie on another device.
    prepared: OnceLock<Option<Arc<Prepared>>>,
    prepared_features: OnceLock<Option<Arc<Prepared>>>,
    training: OnceLock<Option<Arc<TrainPlan>>>,
}

/// A training batch after the forward pass.
pub struct TrainingPass {
    /// Shape `[batch, outputs]`, on the autodiff graph: what a loss is computed from.
    pub logits: Tensor<2>,
    way: Way,
}

/// Who computed a training pass.
enum Way {
    /// Burn's operations; its graph knows the parameters.
    Plain { tracked: Vec<Tensor<1>>, statistics: Vec<BatchStatistic> },
    /// The CPU's kernels.
    Planned { session: Box<Session>, params: Vec<Row>, measured: Vec<Measured> },
}

impl Network {
    /// Makes a fresh network. The same seed gives the same values on every machine.
    pub fn new(graph: Arc<Graph>, seed: u64, device: &Device) -> Self {
        let values = graph.params().iter().map(|p| p.init.draw(seed, &p.name, &p.shape)).collect();
        Self::from_values(graph, values, 0, device)
    }

    /// Puts given values into a graph.
    ///
    /// # Panics
    /// Where a parameter's number of values is not the graph's; [`crate::weights`] checks it for files.
    pub fn from_values(graph: Arc<Graph>, values: Vec<Vec<f32>>, batches: u64, device: &Device) -> Self {
        assert_eq!(values.len(), graph.params().len(), "one row of values a parameter");
        let values = values
            .into_iter()
            .zip(graph.params())
            .map(|(v, p)| {
                assert_eq!(v.len(), p.len(), "{} has shape {:?}", p.name, p.shape);
                let n = v.len();
                Tensor::from_data(TensorData::new(v, [n]), device)
            })
            .collect();
        Self::with_values(graph, values, batches, device)
    }

    /// Puts rows that lie on the device into a graph.
    pub(crate) fn with_values(graph: Arc<Graph>, values: Vec<Tensor<1>>, batches: u64, device: &Device) -> Self {
        Self {
            graph,
            values,
            batches,
            device: device.clone(),
            plain: false,
            prepared: OnceLock::new(),
            prepared_features: OnceLock::new(),
            training: OnceLock::new(),
        }
    }

    /// The layers.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Where the values lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Training batches seen.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Sets the number of training batches seen, for a run that goes on.
    pub fn set_batches(&mut self, batches: u64) {
        self.batches = batches;
    }

    /// All parameters' values, in the graph's order.
    pub fn values(&self) -> &[Tensor<1>] {
        &self.values
    }

    /// Copies one parameter's values into memory.
    pub fn read(&self, param: usize) -> Vec<f32> {
        to_vec(self.values[param].clone())
    }

    /// Replaces one parameter's values.
    pub fn set(&mut self, param: usize, value: Tensor<1>) {
        debug_assert_eq!(value.dims()[0], self.graph.params()[param].len());
        self.values[param] = value;
        self.forget();
    }

    /// Changes one parameter's values, in place where they lie in the CPU's memory.
    pub fn update(&mut self, param: usize, change: impl FnOnce(&mut [f32])) {
        change_row(&mut self.values[param], change);
        self.forget();
    }

    /// Computes with burn's own operations instead of the CPU's kernels: slower, and what the kernels are compared with.
    #[must_use]
    pub fn with_plain_operations(self) -> Self {
        Self { plain: true, ..self }
    }

    /// Drops the plans that hold values.
    fn forget(&mut self) {
        self.prepared = OnceLock::new();
        self.prepared_features = OnceLock::new();
    }

    /// Logits of a batch, with batch norms at their running statistics and without dropout.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` → `[batch, outputs]`
    pub fn predict(&self, pictures: Tensor<4>) -> Tensor<2> {
        let last = NodeId(self.graph.nodes().len() - 1);
        match self.planned(&self.prepared, last) {
            Some(plan) => self.run_plan(&plan, pictures),
            None => self.run(&self.values, pictures, None, last).vector(),
        }
    }

    /// The vector that goes into the last dense layer: a picture in the network's own terms. Where the network ends
    /// with a convolution instead (SqueezeNet), the means of the maps that go into it.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` → `[batch, features]`
    pub fn features(&self, pictures: Tensor<4>) -> Tensor<2> {
        let nodes = self.graph.nodes();
        let head = nodes.iter().rposition(|n| matches!(n.op, Op::Linear { .. } | Op::Conv2d { .. }));
        let node = head.map_or(NodeId(nodes.len() - 1), |i| nodes[i].inputs[0]);
        match self.run(&self.values, pictures, None, node) {
            Value::Maps(x) => ops::global_avg_pool(x),
            other => other.flat(),
        }
    }

    /// Logits of pictures on the autodiff device, in evaluation mode, by burn's operations; parameters are constants.
    pub(crate) fn evaluate_tracked(&self, pictures: Tensor<4>) -> Tensor<2> {
        let values: Vec<Tensor<1>> = self.values.iter().map(|value| value.clone().autodiff()).collect();
        self.run(&values, pictures, None, NodeId(self.graph.nodes().len() - 1)).vector()
    }

    /// Logits of a training batch: batch norms use the batch's own statistics, dropout draws from `seed`.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` → logits `[batch, outputs]`
    pub fn train(&self, pictures: Tensor<4>, seed: u64) -> TrainingPass {
        if let Some((plan, params)) = self.training_plan() {
            let [batch, ..] = pictures.dims();
            let pictures = Row::new(pictures.flatten(0, 3));
            if let Some(pictures) = pictures {
                let (session, logits, measured) =
                    Session::forward(&plan, &params, pictures.as_ref(), batch, Masks::new(seed));
                let outputs = self.graph.outputs();
                let logits = Tensor::from_data(TensorData::new(logits, [batch, outputs]), &self.device);
                let way = Way::Planned { session: Box::new(session), params, measured };
                return TrainingPass { logits: logits.autodiff().require_grad(), way };
            }
            unreachable!("a network's pictures lie where its values lie");
        }
        let mut training = Training::new(seed);
        let last = NodeId(self.graph.nodes().len() - 1);
        let tracked = self.tracked();
        let logits = self.run(&tracked, pictures.autodiff(), Some(&mut training), last).vector();
        TrainingPass { logits, way: Way::Plain { tracked, statistics: training.statistics } }
    }

    /// Gradients of a loss that was computed from a pass's logits: one row a parameter, none for those that are not
    /// trained or that the loss does not depend on. The batch's statistics go into the running ones.
    pub fn backward(&mut self, pass: TrainingPass, loss: &Tensor<1>) -> Vec<Option<Tensor<1>>> {
        let mut gradients = loss.backward();
        self.batches += 1;
        self.forget();
        match pass.way {
            Way::Plain { tracked, statistics } => {
                for s in statistics {
                    self.absorb(s.mean.0.0, s.mean.1.inner(), s.momentum);
                    self.absorb(s.variance.0.0, s.variance.1.inner(), s.momentum);
                }
                tracked.iter().map(|value| value.grad_remove(&mut gradients)).collect()
            }
            Way::Planned { session, params, measured } => {
                let tensor = |row: Vec<f32>| {
                    let n = row.len();
                    Tensor::<1>::from_data(TensorData::new(row, [n]), &self.device)
                };
                let logits = pass.logits.grad_remove(&mut gradients).map(to_vec);
                let rows = match logits {
                    Some(logits) => session.backward(&params, &logits),
                    None => params.iter().map(|_| None).collect(),
                };
                let rows = rows.into_iter().map(|row| row.map(tensor)).collect();
                let measured: Vec<_> = (measured.into_iter())
                    .flat_map(|m| [(m.mean, m.momentum), (m.variance, m.momentum)])
                    .map(|((id, row), momentum)| (id.0, tensor(row), momentum))
                    .collect();
                for (param, row, momentum) in measured {
                    self.absorb(param, row, momentum);
                }
                rows
            }
        }
    }

    /// The parameters on the autodiff device; the trained ones will have gradients.
    fn tracked(&self) -> Vec<Tensor<1>> {
        let track = |(value, param): (&Tensor<1>, &crate::graph::Param)| {
            let value = value.clone().autodiff();
            if param.role == Role::Statistic { value } else { value.require_grad() }
        };
        self.values.iter().zip(self.graph.params()).map(track).collect()
    }

    /// Takes a batch's statistic into a running one.
    fn absorb(&mut self, param: usize, new: Tensor<1>, momentum: f64) {
        let old = self.values[param].clone();
        self.values[param] = old.mul_scalar(1.0 - momentum) + new.mul_scalar(momentum);
    }

    /// The plan for the layers up to one of them, made when first asked for.
    fn planned(&self, place: &OnceLock<Option<Arc<Prepared>>>, until: NodeId) -> Option<Arc<Prepared>> {
        if self.plain {
            return None;
        }
        let make = || {
            let rows: Option<Vec<Row>> = self.values.iter().cloned().map(Row::new).collect();
            let rows = rows?;
            Prepared::new(&self.graph, until, |id| rows[id.0].as_ref().to_vec()).map(Arc::new)
        };
        place.get_or_init(make).clone()
    }

    fn run_plan(&self, plan: &Prepared, pictures: Tensor<4>) -> Tensor<2> {
        let [batch, ..] = pictures.dims();
        let rows = match Row::new(pictures.clone().flatten(0, 3)) {
            Some(pictures) => plan.run(pictures.as_ref(), batch),
            None => plan.run(&to_vec(pictures), batch),
        };
        let each = rows.len() / batch.max(1);
        Tensor::from_data(TensorData::new(rows, [batch, each]), &self.device)
    }

    /// The plan for training and the parameters' rows, where the kernels can train the network.
    fn training_plan(&self) -> Option<(Arc<TrainPlan>, Vec<Row>)> {
        if self.plain {
            return None;
        }
        let plan = self.training.get_or_init(|| TrainPlan::new(&self.graph).map(Arc::new)).clone()?;
        let rows: Option<Vec<Row>> = self.values.iter().cloned().map(Row::new).collect();
        Some((plan, rows?))
    }

    fn run(
        &self,
        values: &[Tensor<1>],
        pictures: Tensor<4>,
        mut training: Option<&mut Training>,
        until: NodeId,
    ) -> Value {
        let nodes = self.graph.nodes();
        let params = Params::new(&self.graph, values);
        let mut outputs: Vec<Option<Value>> = vec![None; nodes.len()];
        outputs[0] = Some(Value::Maps(pictures));
        for (i, node) in nodes.iter().enumerate().take(until.0 + 1).skip(1) {
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for (k, from) in node.inputs.iter().enumerate() {
                let again = node.inputs[k + 1..].contains(from);
                let last = self.graph.last_use[from.0] == i && !again;
                let value = if last { outputs[from.0].take() } else { outputs[from.0].clone() };
                inputs.push(value.expect("a layer runs after the layers that it reads"));
            }
            outputs[i] = Some(layer(&node.op, i, inputs, &params, training.as_deref_mut()));
        }
        outputs[until.0].take().expect("the last layer's output")
    }
}

/// Runs one layer. `index` is its place in the graph, from which its random numbers derive.
fn layer(op: &Op, index: usize, inputs: Vec<Value>, p: &Params<'_>, training: Option<&mut Training>) -> Value {
    let mut inputs = inputs.into_iter();
    let mut next = || inputs.next().expect("the builder gives every layer its inputs");
    match op {
        Op::Input => next(),
        Op::Conv2d { weight, bias, window, groups } => {
            Value::Maps(ops::conv(next().maps(), p.shaped(*weight), bias.map(|b| p.row(b)), window, *groups))
        }
        Op::BatchNorm { weight, bias, mean, variance, epsilon, momentum } => {
            let (gamma, beta) = (p.row(*weight), p.row(*bias));
            let norm = ops::Norm { ids: [*mean, *variance], gamma, beta, epsilon: *epsilon, momentum: *momentum };
            each!(next(), |x| norm.apply(x, p, training))
        }
        Op::LayerNorm { weight, bias, epsilon } => ops::layer_norm(next(), p.row(*weight), p.row(*bias), *epsilon),
        Op::Activation(f) => each!(next(), |x| ops::activate(*f, x)),
        Op::MaxPool { window, ceil } => Value::Maps(ops::max_pool(next().maps(), window, *ceil)),
        Op::AvgPool { window, zeros_count } => Value::Maps(ops::avg_pool(next().maps(), window, *zeros_count)),
        Op::AdaptiveAvgPool { height, width } => Value::Maps(ops::adaptive_avg_pool(next().maps(), [*height, *width])),
        Op::GlobalAvgPool => Value::Vector(ops::global_avg_pool(next().maps())),
        Op::Flatten => Value::Vector(next().flat()),
        Op::Linear { weight, bias } => ops::linear(next(), p.shaped(*weight), bias.map(|b| p.row(b))),
        Op::Dropout { rate } => match training {
            Some(t) => each!(next(), |x| t.dropout(x, *rate, index)),
            None => next(),
        },
        Op::StochasticDepth { rate } => match training {
            Some(t) => each!(next(), |x| t.stochastic_depth(x, *rate, index)),
            None => next(),
        },
        Op::Add => match (next(), next()) {
            (Value::Maps(a), Value::Maps(b)) => Value::Maps(a + b),
            (Value::Tokens(a), Value::Tokens(b)) => Value::Tokens(a + b),
            (a, b) => Value::Vector(a.vector() + b.vector()),
        },
        Op::Scale => Value::Maps(next().maps() * next().maps()),
        Op::ChannelScale { weight } => ops::channel_scale(next(), p.row(*weight)),
        Op::Multiply { factor } => each!(next(), |x| x.mul_scalar(*factor)),
        Op::Concat => Value::Maps(Tensor::cat(inputs.map(Value::maps).collect(), 1)),
        Op::Slice { start, len } => Value::Maps(next().maps().narrow(1, *start, *len)),
        Op::ChannelShuffle { groups } => Value::Maps(ops::channel_shuffle(next().maps(), *groups)),
        Op::PatchMerge => Value::Maps(ops::patch_merge(next().maps())),
        Op::Embed { class_token, position } => {
            Value::Tokens(ops::embed(next().maps(), p.shaped(*class_token), p.shaped(*position)))
        }
        Op::Attention { qkv_weight, qkv_bias, out_weight, out_bias, heads } => {
            let layers = ops::Dense::new(p, [*qkv_weight, *qkv_bias, *out_weight, *out_bias]);
            Value::Tokens(ops::attention(next().tokens(), layers, *heads))
        }
        Op::WindowAttention(settings) => Value::Maps(ops::window_attention(next().maps(), settings, p)),
        Op::FirstToken => Value::Vector(ops::first_token(next().tokens())),
    }
}

/// A row of values in the CPU's memory, read where it lies.
struct Row(<Flex as burn::backend::BackendTypes>::FloatTensorPrimitive);

impl Row {
    /// The row, or nothing where it lies on another device.
    fn new(tensor: Tensor<1>) -> Option<Self> {
        let row = tensor.clone().try_into_primitive::<Flex>().ok()?;
        if row.as_slice::<f32>().is_some() {
            return Some(Self(row));
        }
        // A view with gaps: copied.
        let device = tensor.device();
        let n = tensor.dims()[0];
        let copy = Tensor::<1>::from_data(TensorData::new(to_vec(tensor), [n]), &device);
        copy.try_into_primitive::<Flex>().ok().map(Self)
    }
}

impl AsRef<[f32]> for Row {
    fn as_ref(&self) -> &[f32] {
        self.0.as_slice().expect("`new` saw to it")
    }
}

/// Changes a row of values, in place where it lies in the CPU's memory and nobody else holds it.
pub fn change_row(row: &mut Tensor<1>, change: impl FnOnce(&mut [f32])) {
    let device = row.device();
    let nothing = Tensor::from_data(TensorData::new(Vec::<f32>::new(), [0]), &device);
    let tensor = std::mem::replace(row, nothing);
    if Row::new(tensor.clone())
        .is_some_and(|r| r.0.as_slice::<f32>().map(<[f32]>::len) == Some(r.0.storage::<f32>().len()))
        && let Ok(mut primitive) = tensor.clone().try_into_primitive::<Flex>()
    {
        drop(tensor);
        change(primitive.storage_mut());
        *row = Tensor::from_primitive::<Flex>(primitive);
        return;
    }
    let mut values = to_vec(tensor);
    change(&mut values);
    let n = values.len();
    *row = Tensor::from_data(TensorData::new(values, [n]), &device);
}

/// Copies a tensor into memory.
///
/// # Panics
/// Where the device computes in something else than 32-bit floating point, which no device of Semio does.
pub fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("the device computes in 32-bit floating point")
}
