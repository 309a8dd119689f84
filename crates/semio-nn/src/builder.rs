use crate::{
    BuildError,
    graph::{
        Activation, Graph, Node, NodeId, OffsetTable, Op, Param, ParamId, Partition, Role, Shape, Similarity, Window,
        WindowAttention,
    },
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
    /// Parameters that no layer has taken over.
    declared: Vec<ParamId>,
    offset_tables: Vec<OffsetTable>,
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
        Self { nodes: vec![input], params: vec![], declared: vec![], offset_tables: vec![], error }
    }

    /// The picture.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Shape of a layer's output.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.nodes[node.0].shape
    }

    /// Number of maps of a layer's output, or length of its vectors.
    pub fn width(&self, node: NodeId) -> usize {
        self.shape(node).width()
    }

    /// Declares a parameter under its full name, for layers that take it by its id, or because it stands in the
    /// `state_dict` before those of layers that run earlier: a layer that would make a parameter of this name takes
    /// it over.
    pub fn parameter(&mut self, name: &str, shape: &[usize], init: Init, role: Role) -> ParamId {
        let id = self.add_param(Param { name: name.into(), shape: shape.into(), init, role, l2: 0.0 });
        self.declared.push(id);
        id
    }

    /// Lays an auxiliary head: its parameters become part of the network, its layers do not.
    ///
    /// torchvision's GoogLeNet and Inception v3 have such heads to help their first training along; in evaluation they
    /// do not run. Files must have their tensors, and a picture may be too small for them.
    pub fn aside(&mut self, lay: impl FnOnce(&mut Self)) {
        let (nodes, error) = (self.nodes.len(), self.error.take());
        lay(self);
        self.nodes.truncate(nodes);
        self.error = error;
    }

    /// Convolution; parameters `{name}.weight` and `{name}.bias`.
    ///
    /// A bias starts at zero, or like PyTorch's where the kernels do ([`Init::FanInUniform`]).
    pub fn conv2d(&mut self, x: NodeId, name: &str, conv: Conv) -> NodeId {
        let (channels, [height, width]) = self.windowed(x, name, conv.window);
        if !channels.is_multiple_of(conv.groups) || !conv.out.is_multiple_of(conv.groups) {
            self.fail(name, format!("{channels} → {} maps cannot be parted into {} groups", conv.out, conv.groups));
        }
        let [rows, columns] = conv.window.kernel;
        let shape = vec![conv.out, (channels / conv.groups).max(1), rows, columns];
        let weight = self.param(name, "weight", shape, conv.init, Role::Kernel, conv.l2);
        let start = match conv.init {
            Init::FanInUniform => Init::Uniform(1.0 / ((channels / conv.groups * rows * columns) as f32).sqrt()),
            _ => Init::Constant(0.0),
        };
        let bias = conv.bias.then(|| self.param(name, "bias", vec![conv.out], start, Role::Vector, 0.0));
        let op = Op::Conv2d { weight, bias, window: conv.window, groups: conv.groups };
        self.push(name, op, &[x], Shape::Maps { channels: conv.out, height, width })
    }

    /// Batch normalisation with PyTorch's defaults (ε = 1e-5, momentum 0.1); parameters `{name}.weight`, `.bias`,
    /// `.running_mean` and `.running_var`.
    pub fn batch_norm(&mut self, x: NodeId, name: &str) -> NodeId {
        self.batch_norm_with(x, name, 1e-5, 0.1)
    }

    /// Batch normalisation with an ε of its own, and the share of a new batch in the running statistics.
    pub fn batch_norm_with(&mut self, x: NodeId, name: &str, epsilon: f64, momentum: f64) -> NodeId {
        let shape = self.shape(x);
        if let Shape::Tokens { .. } = shape {
            self.fail(name, "a batch norm needs maps or a vector, not tokens".into());
        }
        let n = shape.width();
        let weight = self.param(name, "weight", vec![n], Init::Constant(1.0), Role::Vector, 0.0);
        let bias = self.param(name, "bias", vec![n], Init::Constant(0.0), Role::Vector, 0.0);
        let mean = self.param(name, "running_mean", vec![n], Init::Constant(0.0), Role::Statistic, 0.0);
        let variance = self.param(name, "running_var", vec![n], Init::Constant(1.0), Role::Statistic, 0.0);
        self.push(name, Op::BatchNorm { weight, bias, mean, variance, epsilon, momentum }, &[x], shape)
    }

    /// Normalises each pixel's channels, each token, or the vector; parameters `{name}.weight` and `.bias`.
    pub fn layer_norm(&mut self, x: NodeId, name: &str, epsilon: f64) -> NodeId {
        let n = self.width(x);
        let weight = self.param(name, "weight", vec![n], Init::Constant(1.0), Role::Vector, 0.0);
        let bias = self.param(name, "bias", vec![n], Init::Constant(0.0), Role::Vector, 0.0);
        self.push(name, Op::LayerNorm { weight, bias, epsilon }, &[x], self.shape(x))
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
        self.push("", Op::MaxPool { window, ceil: false }, &[x], Shape::Maps { channels, height, width })
    }

    /// The largest value in each window, the last of which may reach beyond the maps.
    pub fn max_pool_ceil(&mut self, x: NodeId, window: Window) -> NodeId {
        let (channels, _) = self.windowed(x, "max pool", window);
        let (_, [height, width]) = self.maps(x, "max pool");
        let [height, width] = window.output_ceil(height, width).unwrap_or([1, 1]);
        self.push("", Op::MaxPool { window, ceil: true }, &[x], Shape::Maps { channels, height, width })
    }

    /// The mean of each window; padded zeros count.
    pub fn avg_pool(&mut self, x: NodeId, window: Window) -> NodeId {
        self.avg_pool_with(x, window, true)
    }

    /// The mean of the pixels in each window; padding does not count.
    pub fn avg_pool_inside(&mut self, x: NodeId, window: Window) -> NodeId {
        self.avg_pool_with(x, window, false)
    }

    fn avg_pool_with(&mut self, x: NodeId, window: Window, zeros_count: bool) -> NodeId {
        let (channels, [height, width]) = self.windowed(x, "average pool", window);
        self.push("", Op::AvgPool { window, zeros_count }, &[x], Shape::Maps { channels, height, width })
    }

    /// The means of `height` × `width` parts of each map.
    pub fn adaptive_avg_pool(&mut self, x: NodeId, height: usize, width: usize) -> NodeId {
        let (channels, _) = self.maps(x, "average pool");
        self.push("", Op::AdaptiveAvgPool { height, width }, &[x], Shape::Maps { channels, height, width })
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

    /// Dense layer on each pixel's channels, each token, or the vector; parameters `{name}.weight` and `{name}.bias`.
    pub fn linear(&mut self, x: NodeId, name: &str, out: usize, weight: Init, bias: Init) -> NodeId {
        self.linear_with(x, name, out, weight, Some(bias))
    }

    /// Dense layer without bias; parameter `{name}.weight`.
    pub fn linear_unbiased(&mut self, x: NodeId, name: &str, out: usize, weight: Init) -> NodeId {
        self.linear_with(x, name, out, weight, None)
    }

    fn linear_with(&mut self, x: NodeId, name: &str, out: usize, weight: Init, bias: Option<Init>) -> NodeId {
        let shape = with_width(self.shape(x), out);
        let weight = self.param(name, "weight", vec![out, self.width(x)], weight, Role::Kernel, 0.0);
        let bias = bias.map(|init| self.param(name, "bias", vec![out], init, Role::Vector, 0.0));
        self.push(name, Op::Linear { weight, bias }, &[x], shape)
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

    /// Sets whole pictures to zero while training; at a rate of zero there is no layer.
    pub fn stochastic_depth(&mut self, x: NodeId, rate: f64) -> NodeId {
        if rate <= 0.0 { x } else { self.push("", Op::StochasticDepth { rate }, &[x], self.shape(x)) }
    }

    /// Every map times its factor, which another layer gives as `channels × 1 × 1`.
    pub fn scale(&mut self, x: NodeId, factors: NodeId) -> NodeId {
        let (channels, _) = self.maps(x, "scale");
        if self.shape(factors) != (Shape::Maps { channels, height: 1, width: 1 }) {
            self.fail("scale", format!("{channels} maps cannot be scaled by {}", self.shape(factors)));
        }
        self.push("", Op::Scale, &[x, factors], self.shape(x))
    }

    /// Every map, or every place of the vectors, times its own trained factor.
    pub fn channel_scale(&mut self, x: NodeId, weight: ParamId) -> NodeId {
        let name = self.params[weight.0].name.clone();
        if self.params[weight.0].len() != self.width(x) {
            self.fail(&name, format!("{} factors for {}", self.params[weight.0].len(), self.shape(x)));
        }
        self.push(&name, Op::ChannelScale { weight }, &[x], self.shape(x))
    }

    /// All values times a constant.
    pub fn multiply(&mut self, x: NodeId, factor: f64) -> NodeId {
        self.push("", Op::Multiply { factor }, &[x], self.shape(x))
    }

    /// The maps of all these layers, one layer after the other.
    pub fn concat(&mut self, inputs: &[NodeId]) -> NodeId {
        let Some(&first) = inputs.first() else {
            self.fail("concat", "needs at least one input".into());
            return self.input();
        };
        let (mut channels, sides) = self.maps(first, "concat");
        for &x in &inputs[1..] {
            let (more, other) = self.maps(x, "concat");
            if other != sides {
                self.fail("concat", format!("shapes {} and {} do not match", self.shape(first), self.shape(x)));
            }
            channels += more;
        }
        self.push("", Op::Concat, inputs, Shape::Maps { channels, height: sides[0], width: sides[1] })
    }

    /// `len` maps from the map `start` on.
    pub fn slice(&mut self, x: NodeId, start: usize, len: usize) -> NodeId {
        let (channels, [height, width]) = self.maps(x, "slice");
        if start + len > channels {
            self.fail("slice", format!("there are no maps {start} to {} among {channels}", start + len));
        }
        self.push("", Op::Slice { start, len }, &[x], Shape::Maps { channels: len, height, width })
    }

    /// Maps written into `groups` rows and read by columns.
    pub fn channel_shuffle(&mut self, x: NodeId, groups: usize) -> NodeId {
        let (channels, _) = self.maps(x, "channel shuffle");
        if !channels.is_multiple_of(groups) {
            self.fail("channel shuffle", format!("{channels} maps cannot be parted into {groups} groups"));
        }
        self.push("", Op::ChannelShuffle { groups }, &[x], self.shape(x))
    }

    /// The pixels of each 2 × 2 block one above the other, with zeros beyond the border.
    pub fn patch_merge(&mut self, x: NodeId) -> NodeId {
        let (channels, [height, width]) = self.maps(x, "patch merging");
        let shape = Shape::Maps { channels: 4 * channels, height: height.div_ceil(2), width: width.div_ceil(2) };
        self.push("", Op::PatchMerge, &[x], shape)
    }

    /// Maps to tokens: the class token, then every pixel, each plus its position's values.
    pub fn embed(&mut self, x: NodeId, class_token: ParamId, position: ParamId) -> NodeId {
        let (width, [rows, columns]) = self.maps(x, "embedding");
        let shape = Shape::Tokens { length: 1 + rows * columns, width };
        let (token, table) = (self.params[class_token.0].len(), self.params[position.0].len());
        if token != width || table != shape.len() {
            self.fail("embedding", format!("{shape} need other tables than {token} and {table} values"));
        }
        self.push("", Op::Embed { class_token, position }, &[x], shape)
    }

    /// Self-attention over all tokens, with the parameters of PyTorch's `MultiheadAttention`: `{name}.in_proj_weight`,
    /// `.in_proj_bias`, `.out_proj.weight` and `.out_proj.bias`.
    pub fn attention(&mut self, x: NodeId, name: &str, heads: usize) -> NodeId {
        let width = self.width(x);
        if !matches!(self.shape(x), Shape::Tokens { .. }) || !width.is_multiple_of(heads) {
            self.fail(name, format!("{heads} heads cannot attend to {}", self.shape(x)));
        }
        let zero = Init::Constant(0.0);
        let qkv_weight =
            self.param(name, "in_proj_weight", vec![3 * width, width], Init::GlorotUniform, Role::Kernel, 0.0);
        let qkv_bias = self.param(name, "in_proj_bias", vec![3 * width], zero, Role::Vector, 0.0);
        let out_weight = self.param(name, "out_proj.weight", vec![width; 2], Init::FanInUniform, Role::Kernel, 0.0);
        let out_bias = self.param(name, "out_proj.bias", vec![width], zero, Role::Vector, 0.0);
        let op = Op::Attention { qkv_weight, qkv_bias, out_weight, out_bias, heads };
        self.push(name, op, &[x], self.shape(x))
    }

    /// Self-attention among the pixels of each window; the parameters are declared before.
    pub fn window_attention(&mut self, x: NodeId, name: &str, attention: WindowAttention) -> NodeId {
        let (channels, [height, width]) = self.maps(x, name);
        let [rows, columns] = attention.window;
        if !channels.is_multiple_of(attention.heads) {
            self.fail(name, format!("{channels} maps cannot be parted into {} heads", attention.heads));
        }
        if attention.partition == Partition::Grid && !(height.is_multiple_of(rows) && width.is_multiple_of(columns)) {
            self.fail(name, format!("{height} × {width} cannot be parted into windows of {rows} × {columns}"));
        }
        if let Similarity::Cosine(factor) = attention.similarity
            && self.params[factor.0].len() != attention.heads
        {
            self.fail(name, format!("{} heads need as many factors", attention.heads));
        }
        self.push(name, Op::WindowAttention(Box::new(attention)), &[x], self.shape(x))
    }

    /// Names the table of offsets that torchvision stores with a window attention.
    pub fn offset_table(&mut self, name: &str, shape: &[usize], window: [usize; 2]) {
        self.offset_tables.push(OffsetTable { name: name.into(), shape: shape.into(), window });
    }

    /// The first token, as a vector.
    pub fn first_token(&mut self, x: NodeId) -> NodeId {
        if !matches!(self.shape(x), Shape::Tokens { .. }) {
            self.fail("first token", format!("needs tokens, not {}", self.shape(x)));
        }
        self.push("", Op::FirstToken, &[x], Shape::Vector(self.width(x)))
    }

    /// Ends the network with the last layer.
    ///
    /// # Errors
    /// [`BuildError::Layer`] names the first layer that does not fit its input.
    pub fn finish(self) -> Result<Graph, BuildError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Graph::new(self.nodes, self.params, self.offset_tables)),
        }
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[NodeId], shape: Shape) -> NodeId {
        self.nodes.push(Node { op, inputs: inputs.to_vec(), shape, name: name.into() });
        NodeId(self.nodes.len() - 1)
    }

    fn param(&mut self, layer: &str, part: &str, shape: Vec<usize>, init: Init, role: Role, l2: f64) -> ParamId {
        let name = format!("{layer}.{part}");
        let Some(i) = self.declared.iter().position(|id| self.params[id.0].name == name) else {
            return self.add_param(Param { name, shape, init, role, l2 });
        };
        let id = self.declared.swap_remove(i);
        if self.params[id.0].shape != shape {
            self.fail(layer, format!("{name} is declared as {:?}, not {shape:?}", self.params[id.0].shape));
        }
        id
    }

    fn add_param(&mut self, param: Param) -> ParamId {
        debug_assert!(self.params.iter().all(|p| p.name != param.name), "{} stands twice", param.name);
        self.params.push(param);
        ParamId(self.params.len() - 1)
    }

    fn maps(&mut self, x: NodeId, layer: &str) -> (usize, [usize; 2]) {
        match self.shape(x) {
            Shape::Maps { channels, height, width } => (channels, [height, width]),
            other => {
                self.fail(layer, format!("needs maps, not {other}"));
                (other.width(), [1, 1])
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

    /// Remembers why the network cannot be built, unless something stands there already.
    pub fn fail(&mut self, layer: &str, problem: String) {
        self.error.get_or_insert(BuildError::Layer { layer: layer.into(), problem });
    }
}

/// The same shape with vectors of another length.
fn with_width(shape: Shape, out: usize) -> Shape {
    match shape {
        Shape::Maps { height, width, .. } => Shape::Maps { channels: out, height, width },
        Shape::Tokens { length, .. } => Shape::Tokens { length, width: out },
        Shape::Vector(_) => Shape::Vector(out),
    }
}
