//! Self-attention: over all tokens (ViT), or among the pixels of windows (Swin, MaxViT).

use burn::tensor::{
    Device, Int, Tensor, TensorData,
    activation::{relu, sigmoid, softmax},
};

use super::{Params, dense, layout::pad_to};
use crate::graph::{ParamId, Partition, PositionBias, Similarity, WindowAttention};

/// The dense layers before and after an attention.
pub(crate) struct Dense {
    qkv: (Tensor<2>, Tensor<1>),
    out: (Tensor<2>, Tensor<1>),
}

impl Dense {
    /// Takes the layers from their weights and biases: queries, keys and values, then the output.
    pub(crate) fn new(params: &Params<'_>, [qkv_weight, qkv_bias, out_weight, out_bias]: [ParamId; 4]) -> Self {
        Self {
            qkv: (params.shaped(qkv_weight), params.row(qkv_bias)),
            out: (params.shaped(out_weight), params.row(out_bias)),
        }
    }
}

/// Every token sees every token.
///
/// # Shapes
/// `[batch, length, width]` → the same
pub(crate) fn attention(x: Tensor<3>, layers: Dense, heads: usize) -> Tensor<3> {
    let [_, _, width] = x.dims();
    let factor = 1.0 / ((width / heads) as f64).sqrt();
    attend(x, layers, heads, |q, k| q.mul_scalar(factor).matmul(k.swap_dims(2, 3)))
}

/// Queries, keys and values of all heads; `compare` gives the softmax's arguments; then the output layer.
fn attend(
    x: Tensor<3>,
    layers: Dense,
    heads: usize,
    compare: impl FnOnce(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> Tensor<3> {
    let [n, length, width] = x.dims();
    let qkv = dense(x, layers.qkv.0, Some(layers.qkv.1)).reshape([n, length, 3, heads, width / heads]);
    let qkv = qkv.permute([2, 0, 3, 1, 4]);
    let part = |i: usize| qkv.clone().narrow(0, i, 1).reshape([n, heads, length, width / heads]);
    let weights = softmax(compare(part(0), part(1)), 3);
    let y = weights.matmul(part(2)).swap_dims(1, 2).reshape([n, length, width]);
    dense(y, layers.out.0, Some(layers.out.1))
}

/// Every pixel sees the pixels of its window.
///
/// # Shapes
/// `[batch, channels, height, width]` → the same
pub(crate) fn window_attention(x: Tensor<4>, settings: &WindowAttention, params: &Params<'_>) -> Tensor<4> {
    let device = x.device();
    let [_, _, height, width] = x.dims();
    let windows = Windows::new(settings, height, width);
    let mut layers =
        Dense::new(params, [settings.qkv_weight, settings.qkv_bias, settings.out_weight, settings.out_bias]);
    if let Similarity::Cosine(_) = settings.similarity {
        let c = layers.qkv.1.dims()[0] / 3;
        let part = |i: usize| layers.qkv.1.clone().narrow(0, i * c, c);
        layers.qkv.1 = Tensor::cat(vec![part(0), part(1).zeros_like(), part(2)], 0);
    }
    let bias = position_bias(settings, params);
    let mask = windows.mask(&device);
    let (x, shape) = windows.part(x);
    let y = attend(x, layers, settings.heads, |q, k| {
        let scores = match settings.similarity {
            Similarity::Dot(factor) => q.mul_scalar(factor).matmul(k.swap_dims(2, 3)),
            Similarity::Cosine(exponent) => {
                let factor = params.row(exponent).clamp_max(100f64.ln()).exp().reshape([1, settings.heads, 1, 1]);
                unit(q).matmul(unit(k).swap_dims(2, 3)) * factor
            }
        };
        let scores = scores + bias;
        match mask {
            Some(mask) => {
                let [n, heads, area, _] = scores.dims();
                let [_, count, ..] = mask.dims();
                let scores = scores.reshape([n / count, count, heads, area, area]) + mask;
                scores.reshape([n, heads, area, area])
            }
            None => scores,
        }
    });
    windows.join(y, shape)
}

/// Vectors of length one.
fn unit(x: Tensor<4>) -> Tensor<4> {
    // The keys of padding are zero, where the root has no slope: it is taken of what stays above zero.
    let square = (x.clone() * x.clone()).sum_dim(3).clamp_min(1e-24);
    x / square.sqrt()
}

/// What positions add to the scores: `[1, heads, area, area]`.
fn position_bias(settings: &WindowAttention, params: &Params<'_>) -> Tensor<4> {
    let [rows, columns] = settings.window;
    let (area, heads) = (rows * columns, settings.heads);
    let table: Tensor<2> = match settings.position {
        PositionBias::Table(table) => params.shaped(table),
        PositionBias::Network { offsets, weight_in, bias_in, weight_out } => {
            let count = (2 * rows - 1) * (2 * columns - 1);
            let offsets = params.row(offsets).reshape([1, count, 2]);
            let hidden = dense(offsets, params.shaped(weight_in), Some(params.row(bias_in)));
            let table = dense(relu(hidden), params.shaped(weight_out), None);
            sigmoid(table.reshape([count, heads])).mul_scalar(16.0)
        }
    };
    let indices = TensorData::new(WindowAttention::offset_indices(settings.window), [area * area]);
    let indices = Tensor::<1, Int>::from_data(indices, &table.device());
    table.select(0, indices).swap_dims(0, 1).reshape([1, heads, area, area])
}

/// How maps of one size are put into windows.
struct Windows {
    /// Rows and columns of the maps, without padding.
    sides: [usize; 2],
    /// Rows and columns of a window.
    window: [usize; 2],
    /// Windows below and beside each other.
    count: [usize; 2],
    /// Pixels by which the maps are moved up and left.
    shift: [usize; 2],
    grid: bool,
}

impl Windows {
    fn new(settings: &WindowAttention, height: usize, width: usize) -> Self {
        let window = settings.window;
        let count = [height.div_ceil(window[0]), width.div_ceil(window[1])];
        let (shift, grid) = match settings.partition {
            // One window that holds everything needs no move.
            Partition::Neighbours { shift } => ([0, 1].map(|d| if count[d] > 1 { shift[d] } else { 0 }), false),
            Partition::Grid => ([0; 2], true),
        };
        Self { sides: [height, width], window, count, shift, grid }
    }

    /// Maps → `[batch · windows, area, channels]`, and what `join` needs to know.
    fn part(&self, x: Tensor<4>) -> (Tensor<3>, [usize; 2]) {
        let [n, c, ..] = x.dims();
        let ([rows, columns], [down, across]) = (self.window, self.count);
        let x = pad_to(x, down * rows, across * columns);
        let x = roll(x, self.shift);
        let x = if self.grid {
            x.reshape([n, c, rows, down, columns, across]).permute([0, 3, 5, 2, 4, 1])
        } else {
            x.reshape([n, c, down, rows, across, columns]).permute([0, 2, 4, 3, 5, 1])
        };
        (x.reshape([n * down * across, rows * columns, c]), [n, c])
    }

    /// The way back from [`part`](Self::part).
    fn join(&self, x: Tensor<3>, [n, c]: [usize; 2]) -> Tensor<4> {
        let ([rows, columns], [down, across]) = (self.window, self.count);
        let x = x.reshape([n, down, across, rows, columns, c]);
        let x = if self.grid { x.permute([0, 5, 3, 1, 4, 2]) } else { x.permute([0, 5, 1, 3, 2, 4]) };
        let x = x.reshape([n, c, down * rows, across * columns]);
        let back = [0, 1].map(|d| if self.shift[d] == 0 { 0 } else { self.window[d] * self.count[d] - self.shift[d] });
        roll(x, back).narrow(2, 0, self.sides[0]).narrow(3, 0, self.sides[1])
    }

    /// -100 between pixels that only the move made neighbours: `[1, windows, 1, area, area]`.
    fn mask(&self, device: &Device) -> Option<Tensor<5>> {
        if self.shift == [0; 2] {
            return None;
        }
        let ([rows, columns], [down, across]) = (self.window, self.count);
        // The moved maps consist of what stayed together and of what came around the border.
        let around = |i: usize, d: usize| self.shift[d] > 0 && i >= self.window[d] * self.count[d] - self.shift[d];
        let area = rows * columns;
        let mut mask = Vec::with_capacity(down * across * area * area);
        for (a, b) in (0..down * across).map(|w| (w / across, w % across)) {
            let part = |i: usize| [around(a * rows + i / columns, 0), around(b * columns + i % columns, 1)];
            mask.extend((0..area * area).map(|i| if part(i / area) == part(i % area) { 0.0 } else { -100.0f32 }));
        }
        Some(Tensor::from_data(TensorData::new(mask, [1, down * across, 1, area, area]), device))
    }
}

/// Moves maps up and left, around the border.
fn roll(x: Tensor<4>, shift: [usize; 2]) -> Tensor<4> {
    let turn = |x: Tensor<4>, dim: usize, by: usize| {
        if by == 0 {
            return x;
        }
        let n = x.dims()[dim];
        Tensor::cat(vec![x.clone().narrow(dim, by, n - by), x.narrow(dim, 0, by)], dim)
    };
    turn(turn(x, 2, shift[0]), 3, shift[1])
}
