use std::sync::Arc;

use burn::tensor::{
    Device, Tensor, TensorData, activation,
    module::{avg_pool2d, batch_norm, batch_norm_train, conv2d, max_pool2d},
    ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
};

use crate::{
    graph::{Activation, Graph, NodeId, Op, ParamId, Role, Window},
    init::{SplitMix64, mix},
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
}

/// What a training pass gives.
pub struct TrainingPass {
    /// Shape `[batch, outputs]`, on the autodiff graph.
    pub logits: Tensor<2>,
    statistics: Vec<BatchStatistic>,
}

/// Mean and unbiased variance of one batch at one batch norm.
struct BatchStatistic {
    mean: (ParamId, Tensor<1>),
    variance: (ParamId, Tensor<1>),
    momentum: f64,
}

/// Values between two layers.
#[derive(Clone)]
enum Value {
    /// `[batch, channels, height, width]`
    Maps(Tensor<4>),
    /// `[batch, length]`
    Vector(Tensor<2>),
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
        Self { graph, values, batches, device: device.clone() }
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
    }

    /// Logits of a batch, with batch norms at their running statistics and without dropout.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` → `[batch, outputs]`
    pub fn predict(&self, pictures: Tensor<4>) -> Tensor<2> {
        let last = NodeId(self.graph.nodes().len() - 1);
        vector(self.run(&self.values, pictures, None, last))
    }

    /// The vector that goes into the last dense layer: a picture in the network's own terms.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` → `[batch, features]`
    pub fn features(&self, pictures: Tensor<4>) -> Tensor<2> {
        let nodes = self.graph.nodes();
        let head = nodes.iter().rposition(|n| matches!(n.op, Op::Linear { .. }));
        let node = head.map_or(NodeId(nodes.len() - 1), |i| nodes[i].inputs[0]);
        match self.run(&self.values, pictures, None, node) {
            Value::Vector(v) => v,
            Value::Maps(m) => m.flatten(1, 3),
        }
    }

    /// Logits of a training batch: batch norms use the batch's own statistics, dropout draws from `seed`.
    ///
    /// `values` are the parameters to run with, usually [`Self::tracked`]; `pictures` lie on the autodiff device.
    pub fn train(&self, values: &[Tensor<1>], pictures: Tensor<4>, seed: u64) -> TrainingPass {
        let mut training = Training { seed, statistics: vec![] };
        let last = NodeId(self.graph.nodes().len() - 1);
        let logits = vector(self.run(values, pictures, Some(&mut training), last));
        TrainingPass { logits, statistics: training.statistics }
    }

    /// The parameters on the autodiff device; the trained ones will have gradients.
    pub fn tracked(&self) -> Vec<Tensor<1>> {
        let track = |(value, param): (&Tensor<1>, &crate::graph::Param)| {
            let value = value.clone().autodiff();
            if param.role == Role::Statistic { value } else { value.require_grad() }
        };
        self.values.iter().zip(self.graph.params()).map(track).collect()
    }

    /// Takes a training batch's statistics into the running ones.
    pub fn absorb(&mut self, pass: TrainingPass) {
        for s in pass.statistics {
            for (param, new) in [s.mean, s.variance] {
                let old = self.values[param.0].clone();
                let new = new.inner();
                self.values[param.0] = old.mul_scalar(1.0 - s.momentum) + new.mul_scalar(s.momentum);
            }
        }
        self.batches += 1;
    }

    fn run(
        &self,
        values: &[Tensor<1>],
        pictures: Tensor<4>,
        mut training: Option<&mut Training>,
        until: NodeId,
    ) -> Value {
        let nodes = self.graph.nodes();
        let mut outputs: Vec<Option<Value>> = vec![None; nodes.len()];
        let mut pictures = Some(pictures);
        for (i, node) in nodes.iter().enumerate().take(until.0 + 1) {
            let mut take = |k: usize| {
                let from = node.inputs[k].0;
                let value = if self.graph.last_use[from] == i { outputs[from].take() } else { outputs[from].clone() };
                value.expect("a layer runs after the layers that it reads")
            };
            let output = match &node.op {
                Op::Input => Value::Maps(pictures.take().expect("one input layer")),
                Op::Add => match (take(0), take(1)) {
                    (Value::Maps(a), Value::Maps(b)) => Value::Maps(a + b),
                    (a, b) => Value::Vector(vector(a) + vector(b)),
                },
                op => self.layer(op, i, take(0), values, training.as_deref_mut()),
            };
            outputs[i] = Some(output);
        }
        outputs[until.0].take().expect("the last layer's output")
    }

    fn layer(&self, op: &Op, index: usize, x: Value, values: &[Tensor<1>], training: Option<&mut Training>) -> Value {
        let value = |id: ParamId| values[id.0].clone();
        match (op, x) {
            (Op::Conv2d { weight, bias, window, groups }, Value::Maps(x)) => {
                let shape: [usize; 4] =
                    self.graph.params()[weight.0].shape.as_slice().try_into().expect("kernels have four dimensions");
                let options = ConvOptions::new(window.stride, window.padding, window.dilation, *groups);
                Value::Maps(conv2d(x, value(*weight).reshape(shape), bias.map(value), options))
            }
            (Op::BatchNorm { weight, bias, mean, variance, epsilon, momentum }, x) => {
                let (gamma, beta) = (value(*weight), value(*bias));
                let norm = Norm { ids: [*mean, *variance], gamma, beta, epsilon: *epsilon, momentum: *momentum };
                match x {
                    Value::Maps(x) => Value::Maps(norm.apply(x, values, training)),
                    Value::Vector(x) => Value::Vector(norm.apply(x, values, training)),
                }
            }
            (Op::Activation(f), Value::Maps(x)) => Value::Maps(activate(*f, x)),
            (Op::Activation(f), Value::Vector(x)) => Value::Vector(activate(*f, x)),
            (Op::MaxPool(window), Value::Maps(x)) => Value::Maps(max_pool2d(x, max_options(window))),
            (Op::AvgPool(window), Value::Maps(x)) => Value::Maps(avg_pool2d(x, avg_options(window))),
            (Op::GlobalAvgPool, Value::Maps(x)) => {
                let [n, c, h, w] = x.dims();
                Value::Vector(x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c]))
            }
            (Op::Flatten, Value::Maps(x)) => Value::Vector(x.flatten(1, 3)),
            (Op::Linear { weight, bias }, Value::Vector(x)) => {
                let shape: [usize; 2] =
                    self.graph.params()[weight.0].shape.as_slice().try_into().expect("a matrix has two dimensions");
                let y = x.matmul(value(*weight).reshape(shape).transpose());
                Value::Vector(y + value(*bias).unsqueeze::<2>())
            }
            (Op::Dropout { rate }, x) => match (training, x) {
                (Some(t), Value::Maps(x)) => Value::Maps(t.dropout(x, *rate, index)),
                (Some(t), Value::Vector(x)) => Value::Vector(t.dropout(x, *rate, index)),
                (None, x) => x,
            },
            (Op::Flatten, x @ Value::Vector(_)) => x,
            (op, _) => unreachable!("the builder checks that {op:?} gets the shape that it needs"),
        }
    }
}

/// What a pass through the network keeps while training.
struct Training {
    seed: u64,
    statistics: Vec<BatchStatistic>,
}

impl Training {
    /// Sets a share of the values to zero and scales the rest, so that the mean stays.
    fn dropout<const D: usize>(&self, x: Tensor<D>, rate: f64, layer: usize) -> Tensor<D> {
        if rate <= 0.0 {
            return x;
        }
        let shape = x.dims();
        let mut random = SplitMix64::new(self.seed ^ mix(layer as u64 + 1));
        let threshold = (rate * 2f64.powi(64)) as u64;
        let keep = (1.0 / (1.0 - rate)) as f32;
        let n = shape.iter().product();
        let mask: Vec<f32> = (0..n).map(|_| if random.next() < threshold { 0.0 } else { keep }).collect();
        let mask = Tensor::<D>::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }
}

struct Norm {
    ids: [ParamId; 2],
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    momentum: f64,
}

impl Norm {
    fn apply<const D: usize>(self, x: Tensor<D>, values: &[Tensor<1>], training: Option<&mut Training>) -> Tensor<D> {
        let [mean, variance] = self.ids;
        let Some(training) = training else {
            let (m, v) = (values[mean.0].clone(), values[variance.0].clone());
            return batch_norm(x, self.gamma, self.beta, m, v, self.epsilon);
        };
        let shape = x.dims();
        let count = (shape.iter().product::<usize>() / shape[1]) as f64;
        let result = batch_norm_train(x, self.gamma, self.beta, self.epsilon);
        // A batch of one value has no unbiased variance: the biased one (zero) then stands in.
        let unbiased = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
        training.statistics.push(BatchStatistic {
            mean: (mean, result.mean.detach()),
            variance: (variance, result.variance.detach().mul_scalar(unbiased)),
            momentum: self.momentum,
        });
        result.output
    }
}

fn activate<const D: usize>(f: Activation, x: Tensor<D>) -> Tensor<D> {
    match f {
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => activation::relu6(x),
        Activation::Tanh => activation::tanh(x),
    }
}

fn max_options(window: &Window) -> MaxPoolOptions<2> {
    MaxPoolOptions {
        kernel_size: window.kernel,
        stride: window.stride,
        padding: window.padding.map(|p| (p, p)),
        dilation: window.dilation,
        ceil_mode: false,
    }
}

fn avg_options(window: &Window) -> AvgPoolOptions<2> {
    AvgPoolOptions {
        kernel_size: window.kernel,
        stride: window.stride,
        padding: window.padding.map(|p| (p, p)),
        count_include_pad: true,
        ceil_mode: false,
    }
}

fn vector(value: Value) -> Tensor<2> {
    match value {
        Value::Vector(v) => v,
        Value::Maps(_) => unreachable!("the registry's networks end with a vector"),
    }
}

/// Copies a tensor into memory.
///
/// # Panics
/// Where the device computes in something else than 32-bit floating point, which no device of Semio does.
pub fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("the device computes in 32-bit floating point")
}
