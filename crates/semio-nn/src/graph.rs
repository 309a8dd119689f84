//! A network as data: layers in the order in which they run, and the parameters that they read.
//!
//! One description serves everything that is asked of a network: running it, counting its parameters and
//! multiply-adds, naming its tensors as torchvision does, watching a layer's output, and rewriting it into a faster
//! form. A model file only says which layers there are.

use crate::init::Init;

/// The place of a layer's output among all layers' outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

/// The place of a parameter among all parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub(crate) usize);

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
    /// A vector of this length.
    Vector(usize),
}

impl Shape {
    /// Values a picture.
    pub fn len(self) -> usize {
        match self {
            Self::Maps { channels, height, width } => channels * height * width,
            Self::Vector(n) => n,
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
            Self::Vector(n) => write!(f, "{n}"),
        }
    }
}

/// What a parameter is for, which decides how it is trained and saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights that are multiplied with inputs; weight penalties apply to these only.
    Kernel,
    /// A bias, or a batch norm's scale or shift.
    Vector,
    /// A batch norm's running mean or variance: measured, not trained.
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
        let side = |n: usize, d: usize| {
            let reach = self.dilation[d] * (self.kernel[d] - 1) + 1;
            Some((n + 2 * self.padding[d]).checked_sub(reach)? / self.stride[d] + 1)
        };
        Some([side(height, 0)?, side(width, 1)?])
    }
}

/// What a layer does.
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
    /// A function of each value.
    Activation(Activation),
    /// The largest value in each window.
    MaxPool(Window),
    /// The mean of each window; padded zeros count.
    AvgPool(Window),
    /// The mean of each map.
    GlobalAvgPool,
    /// Maps to one vector, map after map.
    Flatten,
    /// Dense layer.
    Linear {
        /// `[out, in]`, as torchvision stores it.
        weight: ParamId,
        /// One value an output.
        bias: ParamId,
    },
    /// Sets values to zero at random while training (Srivastava et al. 2014).
    Dropout {
        /// Share that is set to zero.
        rate: f64,
    },
    /// Sum of two inputs of one shape.
    Add,
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

/// A whole network, built by [`Builder`](crate::Builder).
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) params: Vec<Param>,
    /// For each node the last node that reads it: after that one its output is dropped.
    pub(crate) last_use: Vec<usize>,
}

impl Graph {
    pub(crate) fn new(nodes: Vec<Node>, params: Vec<Param>) -> Self {
        let mut last_use: Vec<usize> = (0..nodes.len()).collect();
        for (i, node) in nodes.iter().enumerate() {
            for input in &node.inputs {
                last_use[input.0] = i;
            }
        }
        Self { nodes, params, last_use }
    }

    /// The layers in the order in which they run; the last one gives the logits.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The parameters in the order of torchvision's `state_dict`.
    pub fn params(&self) -> &[Param] {
        &self.params
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

    /// Multiplications (each with its addition) that one picture costs in convolutions and dense layers.
    pub fn multiply_adds(&self) -> u64 {
        let cost = |node: &Node| match &node.op {
            Op::Conv2d { weight, .. } => {
                let Shape::Maps { height, width, .. } = node.shape else { return 0 };
                self.params[weight.0].len() * height * width
            }
            Op::Linear { weight, .. } => self.params[weight.0].len(),
            _ => 0,
        };
        self.nodes.iter().map(|n| cost(n) as u64).sum()
    }
}
