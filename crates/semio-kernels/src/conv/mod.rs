//! Convolutions: which form serves which shape, and one way to call them all.

mod bottleneck;
mod depthwise;
mod direct;
mod outer;
mod planar;
mod pointwise;
mod winograd;

pub use bottleneck::Bottleneck;
pub use planar::Planar;

use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    maps::{Geometry, Maps, View},
    simd::LANES,
};

use depthwise::Depthwise;
use direct::Direct;
use planar::FromPlanar;
use winograd::Winograd;

/// What a convolution is, apart from its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Input maps.
    pub inputs: usize,
    /// Output maps.
    pub outputs: usize,
    /// Blocks of maps that do not see each other.
    pub groups: usize,
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Step between windows.
    pub stride: [usize; 2],
    /// Zeros above and below, left and right.
    pub padding: [usize; 2],
    /// Step between a window's own elements.
    pub dilation: [usize; 2],
}

impl ConvShape {
    /// A dense layer: windows of one pixel.
    pub fn dense(inputs: usize, outputs: usize) -> Self {
        let one = [1, 1];
        Self { inputs, outputs, groups: 1, kernel: one, stride: one, padding: [0, 0], dilation: one }
    }

    /// Number of weights: `[outputs, inputs / groups, rows, columns]`.
    pub fn weights(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.taps()
    }

    /// Size of the output for an input of this size, without border.
    pub fn output(&self, input: Geometry) -> Geometry {
        let side = |n: usize, d: usize| {
            (n + 2 * self.padding[d] - self.dilation[d] * (self.kernel[d] - 1) - 1) / self.stride[d] + 1
        };
        Geometry {
            channels: self.outputs,
            height: side(input.height, 0),
            width: side(input.width, 1),
            border: 0,
            ..input
        }
    }

    /// Multiplications, each with its addition, for an output of this size.
    pub fn multiply_adds(&self, output: Geometry) -> u64 {
        (self.weights() * output.batch * output.height * output.width) as u64
    }

    /// The border that the input must have.
    pub fn input_border(&self) -> usize {
        self.padding[0].max(self.padding[1])
    }

    /// The border that the output's gradient must have for [`InputGradient`].
    pub fn gradient_border(&self) -> usize {
        let side = |d: usize| {
            let reach = self.dilation[d] * (self.kernel[d] - 1);
            reach.saturating_sub(self.padding[d]).div_ceil(self.stride[d])
        };
        side(0).max(side(1))
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether each map has one kernel of its own.
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.inputs && self.outputs == self.inputs && self.groups > 1
    }

    /// Whether Winograd's form can compute it.
    fn suits_winograd(&self) -> bool {
        self.kernel == [3, 3] && self.stride == [1, 1] && self.dilation == [1, 1] && self.groups == 1
    }
}

/// What happens to a convolution's sum before it is stored.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// Added to the sum; maps of the output's size.
    pub residual: Option<&'a Maps>,
    /// Applied last.
    pub activation: Activation,
}

/// A convolution with its weights, packed for prediction.
pub struct Conv {
    shape: ConvShape,
    form: Form,
}

enum Form {
    Direct(Direct),
    /// Winograd's form, and the direct one for batches too small for it.
    Winograd(Winograd, Direct),
    Depthwise(Depthwise),
}

impl Conv {
    /// Packs weights `[outputs, inputs / groups, rows, columns]` and one bias an output.
    ///
    /// # Panics
    /// Where their number is not the shape's.
    pub fn new(shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!(weights.len(), shape.weights(), "weights of another shape");
        assert_eq!(bias.len(), shape.outputs, "one bias an output");
        let form = match Self::direct(shape, weights, bias).form {
            Form::Direct(direct) if shape.suits_winograd() && shape.inputs >= LANES => {
                Form::Winograd(Winograd::of(&shape, weights, padded(bias)), direct)
            }
            form => form,
        };
        Self { shape, form }
    }

    /// Packs them for a form that computes what is asked for as it stands.
    fn direct(shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!(weights.len(), shape.weights(), "weights of another shape");
        assert_eq!(bias.len(), shape.outputs, "one bias an output");
        let bias = padded(bias);
        let form = if shape.is_depthwise() {
            Form::Depthwise(Depthwise::new(&shape, weights, bias))
        } else {
            Form::Direct(Direct::forward(&shape, weights, bias))
        };
        Self { shape, form }
    }

    /// The shape.
    pub fn shape(&self) -> &ConvShape {
        &self.shape
    }

    /// Computes the output.
    ///
    /// # Panics
    /// Where a size is not the shape's, or the input's border is below [`ConvShape::input_border`].
    pub fn run(&self, input: &Maps, output: &mut Maps, epilogue: Epilogue) {
        self.shape.check(input, output, epilogue.residual);
        self.run_on(input.view(), output.view_mut(), epilogue.residual.map(Maps::view), epilogue.activation);
    }

    /// The same on maps, or parts of maps, that are known to fit.
    fn run_on(&self, x: View, y: View, residual: Option<View>, activation: Activation) {
        match &self.form {
            Form::Winograd(_, direct) if !winograd::pays(self.shape.inputs, y) => {
                direct.run(x, y, residual, activation);
            }
            Form::Winograd(winograd, _) => winograd.run(x, y, residual, activation),
            Form::Direct(direct) => direct.run(x, y, residual, activation),
            Form::Depthwise(depthwise) => depthwise.run(x, y, residual, activation),
        }
    }
}

/// A network's first convolution, which reads pictures in rows: their one or three maps would leave most of a block
/// empty.
pub struct FirstConv {
    shape: ConvShape,
    form: FromPlanar,
}

impl FirstConv {
    /// Packs weights `[outputs, inputs, rows, columns]` and one bias an output.
    ///
    /// # Panics
    /// Where their number is not the shape's, or where there are groups.
    pub fn new(shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!(shape.groups, 1, "a first convolution sees all maps");
        assert_eq!(weights.len(), shape.weights(), "weights of another shape");
        assert_eq!(bias.len(), shape.outputs, "one bias an output");
        Self { shape, form: FromPlanar::new(&shape, weights, padded(bias)) }
    }

    /// The shape.
    pub fn shape(&self) -> &ConvShape {
        &self.shape
    }

    /// Computes the output.
    ///
    /// # Panics
    /// Where a size is not the shape's.
    pub fn run(&self, input: &Planar, output: &mut Maps, activation: Activation) {
        let expected = self.shape.output(input.geometry());
        assert_eq!(output.geometry().bordered(0), expected, "an output of another size");
        assert!(input.border() >= self.shape.input_border(), "the input's border is too narrow");
        self.form.run(input, output.view_mut(), activation);
    }
}

/// Computes a convolution whose weights serve once, as in training, `[outputs, inputs / groups, rows, columns]` and one bias
/// an output.
///
/// # Panics
/// Where a size is not the shape's, or the input's border is below [`ConvShape::input_border`].
pub fn convolve(shape: &ConvShape, weights: &[f32], bias: &[f32], input: &Maps, output: &mut Maps) {
    if !(shape.suits_winograd() && winograd::pays_once(shape.inputs, output.view())) {
        return Conv::direct(*shape, weights, bias).run(input, output, Epilogue::default());
    }
    shape.check(input, output, None);
    assert_eq!(weights.len(), shape.weights(), "weights of another shape");
    assert_eq!(bias.len(), shape.outputs, "one bias an output");
    winograd::forward(shape, weights, padded(bias), input.view(), output.view_mut());
}

/// Computes the gradient of a convolution's input from its output's, and adds it to what stands there where `add` is set.
///
/// # Panics
/// Where a size is not the shape's, or the output gradient's border is below [`ConvShape::gradient_border`].
pub fn input_gradient(
    shape: &ConvShape,
    weights: &[f32],
    output_gradient: &Maps,
    input_gradient: &mut Maps,
    add: bool,
) {
    assert_eq!(weights.len(), shape.weights(), "weights of another shape");
    let output = output_gradient.geometry();
    assert_eq!(output.bordered(0), shape.output(input_gradient.geometry()), "a gradient of another size");
    assert!(output.border >= shape.gradient_border(), "the gradient's border is too narrow");
    let (dy, dx) = (output_gradient.view(), input_gradient.view_mut());
    if shape.is_depthwise() {
        depthwise::InputGradient::new(shape, weights).run(dy, dx, add);
    } else if shape.suits_winograd() && winograd::pays_once(shape.outputs, output_gradient.view()) {
        winograd::input_gradient(shape, weights, dy, dx, add);
    } else {
        // One direct convolution for each remainder of the stride.
        for phase in Direct::backward(shape, weights) {
            phase.run(dy, dx, add.then_some(dx), Activation::Identity);
        }
    }
}

/// Computes the gradient of a convolution's weights, `[outputs, inputs / groups, rows, columns]`.
///
/// # Panics
/// Where a size is not the shape's, or the input's border is below [`ConvShape::input_border`].
pub fn weight_gradient(shape: &ConvShape, input: &Maps, output_gradient: &Maps) -> Vec<f32> {
    shape.check(input, output_gradient, None);
    let (x, dy) = (input.view(), output_gradient.view());
    // SAFETY: each form writes all weights.
    unsafe {
        filled(shape.weights(), |to| {
            if shape.is_depthwise() {
                depthwise::weight_gradient(shape, x, dy, to);
            } else if shape.suits_winograd() && winograd::gradient_pays(shape, dy) {
                winograd::weight_gradient(shape, x, dy, to);
            } else {
                outer::weight_gradient(shape, x, dy, to);
            }
        })
    }
}

/// Computes the gradient of a first convolution's weights.
///
/// # Panics
/// Where a size is not the shape's.
pub fn first_weight_gradient(shape: &ConvShape, input: &Planar, output_gradient: &Maps) -> Vec<f32> {
    assert_eq!(output_gradient.geometry().bordered(0), shape.output(input.geometry()), "a gradient of another size");
    // SAFETY: all weights are written.
    unsafe { filled(shape.weights(), |to| planar::weight_gradient(shape, input, output_gradient.view(), to)) }
}

/// Numbers that `fill` writes: clearing them first would take longer than some gradients do.
///
/// # Safety
/// `fill` writes all `len` of them.
unsafe fn filled(len: usize, fill: impl FnOnce(&Shared)) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    fill(&Shared(values.as_mut_ptr()));
    values.set_len(len);
    values
}

impl ConvShape {
    fn check(&self, input: &Maps, output: &Maps, residual: Option<&Maps>) {
        assert_eq!(input.geometry().channels, self.inputs, "an input with other maps");
        assert_eq!(output.geometry().bordered(0), self.output(input.geometry()), "an output of another size");
        assert!(input.geometry().border >= self.input_border(), "the input's border is too narrow");
        if let Some(residual) = residual {
            assert_eq!(residual.geometry(), output.geometry(), "a residual of another size");
        }
    }
}

/// A bias filled up to whole panels of weights.
fn padded(bias: &[f32]) -> Buffer {
    let mut all = Buffer::zeroed(bias.len().next_multiple_of(2 * LANES));
    all[..bias.len()].copy_from_slice(bias);
    all
}
