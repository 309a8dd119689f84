use crate::{
    BuildError,
    graph::{Activation, Graph, Node, NodeId, Op, Param, ParamId, Role, Shape, Window},
    init::Init,
};

/// A convolution as a model file writes it down.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Output maps.
    pub out: usize,
    /// Where the kernels are laid.
    pub window: Window,
    /// Blocks of maps that do not see each other.
    pub groups: usize,
    /// Whether each output map has a bias.
    pub bias: bool,
    /// How the kernels start.
    pub init: Init,
    /// λ on the kernels' sum of squares.
    pub l2: f64,
}

/// Lays layer upon layer and keeps the shapes.
///
/// A layer that does not fit its input is remembered, and [`finish`](Self::finish) reports the first of them: so a
/// model file reads as a list of layers.
pub struct Builder {
    nodes: Vec<Node>,
    params: Vec<Param>,
    error: Option<BuildError>,
}

impl Builder {
    /// Starts with the picture.
    pub fn new(channels: usize, height: usize, width: usize) -> Self {
        let shape = Shape::Maps { channels, height, width };
        let input = Node { op: Op::Input, inputs: vec![], shape, name: String::new() };
        let error = shape.is_empty().then(|| BuildError::Layer {
            layer: "input".into(),
            problem: format!("a picture of {shape} has no content"),
        });
        Self { nodes: vec![input], params: vec![], error }
    }

    /// The picture.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Shape of a layer's output.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.nodes[node.0].shape
    }

    /// Convolution; parameters `{name}.weight` and `{name}.bias`.
    pub fn conv2d(&mut self, x: NodeId, name: &str, conv: Conv) -> NodeId {
        let (channels, [height, width]) = self.windowed(x, name, conv.window);
        if !channels.is_multiple_of(conv.groups) || !conv.out.is_multiple_of(conv.groups) {
            self.fail(name, format!("{channels} → {} maps cannot be parted into {} groups", conv.out, conv.groups));
        }
        let [rows, columns] = conv.window.kernel;
        let shape = vec![conv.out, (channels / conv.groups).max(1), rows, columns];
        let weight = self.param(name, "weight", shape, conv.init, Role::Kernel, conv.l2);
        let bias = conv.bias.then(|| self.param(name, "bias", vec![conv.out], Init::Constant(0.0), Role::Vector, 0.0));
        let op = Op::Conv2d { weight, bias, window: conv.window, groups: conv.groups };
        self.push(name, op, &[x], Shape::Maps { channels: conv.out, height, width })
    }

    /// Batch normalisation with PyTorch's defaults (ε = 1e-5, momentum 0.1); parameters `{name}.weight`, `.bias`,
    /// `.running_mean` and `.running_var`.
    pub fn batch_norm(&mut self, x: NodeId, name: &str) -> NodeId {
        let shape = self.shape(x);
        let n = match shape {
            Shape::Maps { channels, .. } => channels,
            Shape::Vector(n) => n,
        };
        let weight = self.param(name, "weight", vec![n], Init::Constant(1.0), Role::Vector, 0.0);
        let bias = self.param(name, "bias", vec![n], Init::Constant(0.0), Role::Vector, 0.0);
        let mean = self.param(name, "running_mean", vec![n], Init::Constant(0.0), Role::Statistic, 0.0);
        let variance = self.param(name, "running_var", vec![n], Init::Constant(1.0), Role::Statistic, 0.0);
        self.push(name, Op::BatchNorm { weight, bias, mean, variance, epsilon: 1e-5, momentum: 0.1 }, &[x], shape)
    }

    /// A function of each value.
    pub fn activation(&mut self, x: NodeId, activation: Activation) -> NodeId {
        self.push("", Op::Activation(activation), &[x], self.shape(x))
    }

    /// max(x, 0)
    pub fn relu(&mut self, x: NodeId) -> NodeId {
        self.activation(x, Activation::Relu)
    }

    /// The largest value in each window.
    pub fn max_pool(&mut self, x: NodeId, window: Window) -> NodeId {
        let (channels, [height, width]) = self.windowed(x, "max pool", window);
        self.push("", Op::MaxPool(window), &[x], Shape::Maps { channels, height, width })
    }

    /// The mean of each window.
    pub fn avg_pool(&mut self, x: NodeId, window: Window) -> NodeId {
        let (channels, [height, width]) = self.windowed(x, "average pool", window);
        self.push("", Op::AvgPool(window), &[x], Shape::Maps { channels, height, width })
    }

    /// The mean of each map, as a vector.
    pub fn global_avg_pool(&mut self, x: NodeId) -> NodeId {
        let (channels, _) = self.maps(x, "global average pool");
        self.push("", Op::GlobalAvgPool, &[x], Shape::Vector(channels))
    }

    /// Maps to one vector, map after map.
    pub fn flatten(&mut self, x: NodeId) -> NodeId {
        self.push("", Op::Flatten, &[x], Shape::Vector(self.shape(x).len()))
    }

    /// Dense layer; parameters `{name}.weight` and `{name}.bias`.
    pub fn linear(&mut self, x: NodeId, name: &str, out: usize, weight: Init, bias: Init) -> NodeId {
        let Shape::Vector(n) = self.shape(x) else {
            self.fail(name, format!("a dense layer needs a vector, not {}", self.shape(x)));
            return x;
        };
        let weight = self.param(name, "weight", vec![out, n], weight, Role::Kernel, 0.0);
        let bias = self.param(name, "bias", vec![out], bias, Role::Vector, 0.0);
        self.push(name, Op::Linear { weight, bias }, &[x], Shape::Vector(out))
    }

    /// Sets a share of the values to zero while training.
    pub fn dropout(&mut self, x: NodeId, rate: f64) -> NodeId {
        self.push("", Op::Dropout { rate }, &[x], self.shape(x))
    }

    /// Sum of two layers of one shape.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let [x, y] = [self.shape(a), self.shape(b)];
        if x != y {
            self.fail("add", format!("shapes {x} and {y} differ"));
        }
        self.push("", Op::Add, &[a, b], x)
    }

    /// Ends the network with the last layer.
    ///
    /// # Errors
    /// [`BuildError::Layer`] names the first layer that does not fit its input.
    pub fn finish(self) -> Result<Graph, BuildError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Graph::new(self.nodes, self.params)),
        }
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[NodeId], shape: Shape) -> NodeId {
        self.nodes.push(Node { op, inputs: inputs.to_vec(), shape, name: name.into() });
        NodeId(self.nodes.len() - 1)
    }

    fn param(&mut self, layer: &str, part: &str, shape: Vec<usize>, init: Init, role: Role, l2: f64) -> ParamId {
        let name = format!("{layer}.{part}");
        debug_assert!(self.params.iter().all(|p| p.name != name), "{name} stands twice");
        self.params.push(Param { name, shape, init, role, l2 });
        ParamId(self.params.len() - 1)
    }

    fn maps(&mut self, x: NodeId, layer: &str) -> (usize, [usize; 2]) {
        match self.shape(x) {
            Shape::Maps { channels, height, width } => (channels, [height, width]),
            Shape::Vector(n) => {
                self.fail(layer, format!("needs maps, not a vector of {n}"));
                (n, [1, 1])
            }
        }
    }

    fn windowed(&mut self, x: NodeId, layer: &str, window: Window) -> (usize, [usize; 2]) {
        let (channels, [height, width]) = self.maps(x, layer);
        let output = window.output(height, width).unwrap_or_else(|| {
            let [rows, columns] = window.kernel;
            self.fail(layer, format!("a window of {rows} × {columns} does not fit into {height} × {width}"));
            [1, 1]
        });
        (channels, output)
    }

    fn fail(&mut self, layer: &str, problem: String) {
        self.error.get_or_insert(BuildError::Layer { layer: layer.into(), problem });
    }
}
