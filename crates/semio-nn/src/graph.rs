//! A network as data: layers in the order in which they run, and the parameters that they read.
//!
//! One description serves everything that is asked of a network: running it, counting its parameters and
//! multiply-adds, naming its tensors as torchvision does, watching a layer's output, and rewriting it into a faster
//! form. A model file only says which layers there are.

use crate::init::Init;

/// The place of a layer's output among all layers' outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// The place as a number.
    pub fn index(self) -> usize {
        self.0
    }
}

/// The place of a parameter among all parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub(crate) usize);

impl ParamId {
    /// The place as a number.
    pub fn index(self) -> usize {
        self.0
    }
}

/// The shape of one picture's values after a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Maps over the picture's plane.
    Maps {
        /// Number of maps.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// A row of vectors (transformers).
    Tokens {
        /// Number of vectors.
        length: usize,
        /// Values of each.
        width: usize,
    },
    /// A vector of this length.
    Vector(usize),
}

impl Shape {
    /// Values a picture.
    pub fn len(self) -> usize {
        match self {
            Self::Maps { channels, height, width } => channels * height * width,
            Self::Tokens { length, width } => length * width,
            Self::Vector(n) => n,
        }
    }

    /// Length of the vectors that dense layers and layer norms look at: a pixel's channels, a token, or the vector.
    pub fn width(self) -> usize {
        match self {
            Self::Maps { channels, .. } => channels,
            Self::Tokens { width, .. } => width,
            Self::Vector(n) => n,
        }
    }

    /// Number of such vectors.
    pub fn positions(self) -> usize {
        match self {
            Self::Maps { height, width, .. } => height * width,
            Self::Tokens { length, .. } => length,
            Self::Vector(_) => 1,
        }
    }

    /// Whether there is no value.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Maps { channels, height, width } => write!(f, "{channels} × {height} × {width}"),
            Self::Tokens { length, width } => write!(f, "{length} tokens of {width}"),
            Self::Vector(n) => write!(f, "{n}"),
        }
    }
}

/// What a parameter is for, which decides how it is trained and saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights that are multiplied with inputs; weight penalties apply to these only.
    Kernel,
    /// A bias, a norm's scale or shift, or another factor or summand of values: trained without weight penalties.
    Vector,
    /// Measured (a batch norm's running mean or variance) or fixed (a table of positions): not trained.
    Statistic,
}

/// One parameter tensor.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name in torchvision's `state_dict`, for example `layer1.0.conv1.weight`.
    pub name: String,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// How a fresh network fills it.
    pub init: Init,
    /// What it is for.
    pub role: Role,
    /// The λ that the architecture itself puts on this tensor's sum of squares (Keras' `kernel_regularizer`).
    pub l2: f64,
}

impl Param {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A function applied to each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// x · sigmoid(x)
    Silu,
    /// min(max(x + 3, 0), 6) / 6
    Hardsigmoid,
    /// x · hardsigmoid(x)
    Hardswish,
    /// x · Φ(x) with the normal distribution's Φ, not its approximation by tanh.
    Gelu,
}

/// The window of a convolution or of a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// Step between windows.
    pub stride: [usize; 2],
    /// Rows above and below, columns left and right, that are added.
    pub padding: [usize; 2],
    /// Step between a window's own elements.
    pub dilation: [usize; 2],
}

impl Window {
    /// A square window that moves by one pixel, without padding.
    pub const fn square(kernel: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [1; 2], padding: [0; 2], dilation: [1; 2] }
    }

    /// Sets the step between windows.
    #[must_use]
    pub const fn stride(mut self, stride: usize) -> Self {
        self.stride = [stride; 2];
        self
    }

    /// Sets the padding on each side.
    #[must_use]
    pub const fn padding(mut self, padding: usize) -> Self {
        self.padding = [padding; 2];
        self
    }

    /// The output's rows and columns, or `None` where the window does not fit into the input.
    pub fn output(&self, height: usize, width: usize) -> Option<[usize; 2]> {
        let side = |n: usize, d: usize| Some(self.room(n, d)? / self.stride[d] + 1);
        Some([side(height, 0)?, side(width, 1)?])
    }

    /// Like [`output`](Self::output), with a last window that may reach beyond the padded input as long as it begins
    /// inside the input or the padding before it (PyTorch's `ceil_mode`).
    pub fn output_ceil(&self, height: usize, width: usize) -> Option<[usize; 2]> {
        let side = |n: usize, d: usize| {
            let steps = self.room(n, d)?.div_ceil(self.stride[d]);
            let begins_inside = steps * self.stride[d] < n + self.padding[d];
            Some(if begins_inside { steps + 1 } else { steps })
        };
        Some([side(height, 0)?, side(width, 1)?])
    }

    /// How far a window can move along dimension `d`.
    fn room(&self, n: usize, d: usize) -> Option<usize> {
        let reach = self.dilation[d] * (self.kernel[d] - 1) + 1;
        (n + 2 * self.padding[d]).checked_sub(reach)
    }
}

/// How much two positions of an attention layer have to do with each other, before positions are considered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Similarity {
    /// Dot product of query and key, times this factor.
    Dot(f64),
    /// Cosine between query and key, times min(e^s, 100) with one trained s a head, shape `[heads, 1, 1]`
    /// (Swin v2). The keys' third of the bias counts as zero.
    Cosine(ParamId),
}

/// What an attention layer adds to the similarity of two positions of a window, for each head.
///
/// The offset between query (row, column) and key has `2·rows - 1` times `2·columns - 1` possible values; the value
/// of offset (Δrow, Δcolumn) = query - key stands at index
/// `(Δrow + rows - 1) · (2·columns - 1) + Δcolumn + columns - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionBias {
    /// One trained value an offset and head, `[offsets, heads]`.
    Table(ParamId),
    /// 16 · sigmoid of a small network of the offset: dense 512, ReLU, dense without bias (Swin v2).
    Network {
        /// The offsets as the network sees them, fixed: `[1, 2·rows - 1, 2·columns - 1, 2]`.
        offsets: ParamId,
        /// First layer's weights, `[512, 2]`.
        weight_in: ParamId,
        /// First layer's bias, `[512]`.
        bias_in: ParamId,
        /// Second layer's weights, `[heads, 512]`.
        weight_out: ParamId,
    },
}

/// Which pixels form a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// Neighbours. The maps are padded with zeros below and on the right to a multiple of the window, and first moved
    /// up and left by `shift` pixels, around the border; pixels that only the move made neighbours do not see each
    /// other. A side that is not longer than one window is not moved.
    Neighbours {
        /// Rows and columns.
        shift: [usize; 2],
    },
    /// Pixels that lie as far from each other as windows fit into the maps: a coarse grid over the whole plane
    /// (MaxViT). The sides are multiples of the window.
    Grid,
}

/// The parameters and settings of [`Op::WindowAttention`].
#[derive(Clone, Debug)]
pub struct WindowAttention {
    /// Queries, keys and values of all heads, `[3 · channels, channels]`.
    pub qkv_weight: ParamId,
    /// `[3 · channels]`
    pub qkv_bias: ParamId,
    /// Dense layer over the heads' results, `[channels, channels]`.
    pub out_weight: ParamId,
    /// `[channels]`
    pub out_bias: ParamId,
    /// Number of heads: each sees `channels / heads` values.
    pub heads: usize,
    /// Rows and columns of a window.
    pub window: [usize; 2],
    /// How pixels are put into windows.
    pub partition: Partition,
    /// How queries and keys are compared.
    pub similarity: Similarity,
    /// What positions add to it, before the softmax.
    pub position: PositionBias,
}

impl WindowAttention {
    /// Whose bias counts between each two pixels of a window: the index of the offset from query `i` to key `j` stands
    /// at `i · area + j`.
    pub fn offset_indices(window: [usize; 2]) -> Vec<i64> {
        let [rows, columns] = window;
        let area = rows * columns;
        let index = |from: usize, to: usize| {
            let row = from / columns + rows - 1 - to / columns;
            let column = from % columns + columns - 1 - to % columns;
            (row * (2 * columns - 1) + column) as i64
        };
        (0..area * area).map(|i| index(i / area, i % area)).collect()
    }
}

/// What a layer does.
///
/// Every layer reads one input except [`Add`](Op::Add) and [`Scale`](Op::Scale) (two) and [`Concat`](Op::Concat)
/// (two or more). Layers that work on vectors ([`Linear`](Op::Linear), [`LayerNorm`](Op::LayerNorm)) do it for every
/// pixel's channels, every token, or the one vector, whichever shape comes in.
#[derive(Clone, Debug)]
pub enum Op {
    /// The picture itself.
    Input,
    /// Cross-correlation with learned kernels.
    Conv2d {
        /// Kernels, `[out, in / groups, rows, columns]`.
        weight: ParamId,
        /// One value an output map.
        bias: Option<ParamId>,
        /// Where the kernels are laid.
        window: Window,
        /// Blocks of maps that do not see each other.
        groups: usize,
    },
    /// Batch normalisation (Ioffe and Szegedy 2015).
    BatchNorm {
        /// Scale γ.
        weight: ParamId,
        /// Shift β.
        bias: ParamId,
        /// Running mean.
        mean: ParamId,
        /// Running variance.
        variance: ParamId,
        /// Added to the variance.
        epsilon: f64,
        /// Share of a new batch in the running statistics.
        momentum: f64,
    },
    /// Mean zero and (biased) variance one within each pixel's channels, token or vector (Ba et al. 2016).
    LayerNorm {
        /// Scale γ.
        weight: ParamId,
        /// Shift β.
        bias: ParamId,
        /// Added to the variance.
        epsilon: f64,
    },
    /// A function of each value.
    Activation(Activation),
    /// The largest value in each window; padding never wins.
    MaxPool {
        /// Where the maxima are taken.
        window: Window,
        /// Whether a last window that reaches beyond the maps counts: [`Window::output_ceil`].
        ceil: bool,
    },
    /// The mean of each window.
    AvgPool {
        /// Where the means are taken.
        window: Window,
        /// Whether padded zeros count as values; if not, the sum is divided by the number of pixels in the window.
        zeros_count: bool,
    },
    /// The means of `height` × `width` parts: output row i is the mean of the input rows from ⌊i·H / height⌋ up to,
    /// without, ⌈(i + 1)·H / height⌉, columns alike. Parts may overlap, and may be more than there are pixels.
    AdaptiveAvgPool {
        /// Output rows.
        height: usize,
        /// Output columns.
        width: usize,
    },
    /// The mean of each map, as a vector.
    GlobalAvgPool,
    /// Maps to one vector, map after map.
    Flatten,
    /// Dense layer. On maps it is a 1×1 convolution whose weights have two dimensions.
    Linear {
        /// `[out, in]`, as torchvision stores it.
        weight: ParamId,
        /// One value an output.
        bias: Option<ParamId>,
    },
    /// Sets values to zero at random while training (Srivastava et al. 2014).
    Dropout {
        /// Share that is set to zero.
        rate: f64,
    },
    /// Sets whole pictures to zero at random while training, and scales the others up: the branch of a residual block
    /// is left out (Huang et al. 2016).
    StochasticDepth {
        /// Share of pictures that is set to zero.
        rate: f64,
    },
    /// Sum of two inputs of one shape.
    Add,
    /// Every map of the first input times its factor, the second input of shape `channels × 1 × 1`
    /// (squeeze-and-excitation, Hu et al. 2017).
    Scale,
    /// Every map, or every place of the tokens, times its own trained factor; any shape with that many values
    /// (layer scale, Touvron et al. 2021).
    ChannelScale {
        /// One factor a channel.
        weight: ParamId,
    },
    /// All values times one constant.
    Multiply {
        /// The constant.
        factor: f64,
    },
    /// Maps of all inputs, one input after the other.
    Concat,
    /// Some of the maps.
    Slice {
        /// First map.
        start: usize,
        /// Number of maps.
        len: usize,
    },
    /// Maps reordered as if written into `groups` rows and read by columns: output map `i · groups + g` is input map
    /// `g · (channels / groups) + i` (Zhang et al. 2017).
    ChannelShuffle {
        /// Rows.
        groups: usize,
    },
    /// The four pixels of each 2 × 2 block one above the other: `c × h × w` → `4c × ⌈h/2⌉ × ⌈w/2⌉`, with zeros beyond
    /// the border. The c maps of the upper left pixel come first, then lower left, upper right, lower right (Swin).
    PatchMerge,
    /// Maps to tokens: the class token, then every pixel row by row; each plus its position's values (ViT).
    Embed {
        /// `[1, 1, width]`
        class_token: ParamId,
        /// `[1, 1 + pixels, width]`
        position: ParamId,
    },
    /// Multi-head self-attention over all tokens (Vaswani et al. 2017): softmax(QKᵀ / √(width / heads)) V, then a dense
    /// layer.
    Attention {
        /// Queries, keys and values of all heads, `[3 · width, width]`.
        qkv_weight: ParamId,
        /// `[3 · width]`
        qkv_bias: ParamId,
        /// Dense layer over the heads' results, `[width, width]`.
        out_weight: ParamId,
        /// `[width]`
        out_bias: ParamId,
        /// Number of heads: each sees `width / heads` values.
        heads: usize,
    },
    /// Multi-head self-attention among the pixels of each window (Liu et al. 2021, Tu et al. 2022); maps to maps of
    /// the same shape.
    WindowAttention(Box<WindowAttention>),
    /// The first token, as a vector.
    FirstToken,
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Whose outputs it reads.
    pub inputs: Vec<NodeId>,
    /// Shape of its output, for one picture.
    pub shape: Shape,
    /// Name in torchvision's module tree, empty for layers that have none there.
    pub name: String,
}

/// The indices of a window attention's offsets, which torchvision stores although they follow from the window.
#[derive(Clone, Debug)]
pub struct OffsetTable {
    /// Name in torchvision's `state_dict`.
    pub name: String,
    /// Dimensions there.
    pub shape: Vec<usize>,
    /// Rows and columns of the window: the values are its [`WindowAttention::offset_indices`].
    pub window: [usize; 2],
}

/// A whole network, built by [`Builder`](crate::Builder).
///
/// There may be parameters that no layer reads: those of auxiliary heads (GoogLeNet, Inception v3), which torchvision
/// stores but does not run in evaluation. They are kept, counted and saved like all others, and get no gradient.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) params: Vec<Param>,
    pub(crate) offset_tables: Vec<OffsetTable>,
    /// For each node the last node that reads it: after that one its output is dropped.
    pub(crate) last_use: Vec<usize>,
}

impl Graph {
    pub(crate) fn new(nodes: Vec<Node>, params: Vec<Param>, offset_tables: Vec<OffsetTable>) -> Self {
        let mut last_use: Vec<usize> = (0..nodes.len()).collect();
        for (i, node) in nodes.iter().enumerate() {
            for input in &node.inputs {
                last_use[input.0] = i;
            }
        }
        Self { nodes, params, offset_tables, last_use }
    }

    /// The layers in the order in which they run; the last one gives the logits.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The parameters in the order of torchvision's `state_dict`.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// Tables of whole numbers that files carry beside the parameters.
    pub fn offset_tables(&self) -> &[OffsetTable] {
        &self.offset_tables
    }

    /// Whether the CPU's kernels can run every layer for prediction; if not, burn's own operations do.
    pub fn runs_on_kernels(&self) -> bool {
        crate::plan::runs_on_kernels(self)
    }

    /// Whether the CPU's kernels can run every layer of a training step, forward and backward.
    pub fn trains_on_kernels(&self) -> bool {
        crate::plan::trains_on_kernels(self)
    }

    /// Shape of the picture that goes in.
    pub fn input(&self) -> Shape {
        self.nodes[0].shape
    }

    /// Length of the vector that comes out.
    pub fn outputs(&self) -> usize {
        self.nodes[self.nodes.len() - 1].shape.len()
    }

    /// Sets the rate of every dropout layer.
    #[must_use]
    pub fn with_dropout(mut self, share: f64) -> Self {
        for node in &mut self.nodes {
            if let Op::Dropout { rate } = &mut node.op {
                *rate = share;
            }
        }
        self
    }

    /// Trainable values.
    pub fn parameter_count(&self) -> usize {
        self.params.iter().filter(|p| p.role != Role::Statistic).map(Param::len).sum()
    }

    /// Sets the rate of the last stochastic depth, and those before it in proportion.
    #[must_use]
    pub fn with_stochastic_depth(mut self, share: f64) -> Self {
        let rate = |op: &Op| if let Op::StochasticDepth { rate } = op { *rate } else { 0.0 };
        let largest = self.nodes.iter().map(|n| rate(&n.op)).fold(0.0, f64::max);
        for node in &mut self.nodes {
            if let Op::StochasticDepth { rate } = &mut node.op {
                *rate = if largest > 0.0 { *rate * share / largest } else { share };
            }
        }
        self
    }

    /// Multiplications (each with its addition) that one picture costs in convolutions, dense layers and attention.
    pub fn multiply_adds(&self) -> u64 {
        let param = |id: ParamId| self.params[id.0].len() as u64;
        let cost = |node: &Node| {
            let positions = node.shape.positions() as u64;
            match &node.op {
                Op::Conv2d { weight, .. } | Op::Linear { weight, .. } => param(*weight) * positions,
                Op::Attention { qkv_weight, out_weight, .. } => {
                    let compare = 2 * positions * positions * node.shape.width() as u64;
                    (param(*qkv_weight) + param(*out_weight)) * positions + compare
                }
                Op::WindowAttention(a) => {
                    let Shape::Maps { channels, height, width } = node.shape else { return 0 };
                    let [rows, columns] = a.window;
                    let pixels = (height.next_multiple_of(rows) * width.next_multiple_of(columns)) as u64;
                    let compare = 2 * pixels * (rows * columns * channels) as u64;
                    let position = match a.position {
                        PositionBias::Table(_) => 0,
                        PositionBias::Network { offsets, weight_in, weight_out, .. } => {
                            param(offsets) / 2 * (param(weight_in) + param(weight_out))
                        }
                    };
                    (param(a.qkv_weight) + param(a.out_weight)) * pixels + compare + position
                }
                _ => 0,
            }
        };
        self.nodes.iter().map(cost).sum()
    }
}
