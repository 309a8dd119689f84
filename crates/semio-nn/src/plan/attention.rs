//! Attention layers made ready for the kernels: which pixels form a window, what positions add, weights in whole blocks.

use semio_kernels::{Activation as Function, Attention, Compare, Conv, ConvShape, Epilogue, LANES, Maps, OUTSIDE};

use super::workspace::Workspace;
use crate::graph::{Op, ParamId, Partition, PositionBias, Shape, Similarity, WindowAttention};

/// An attention with the dense layers before and after it.
pub(super) struct SelfAttention {
    qkv: Conv,
    attention: Attention,
    out: Conv,
}

impl SelfAttention {
    /// Prepares a layer for an input of this shape; `None` for other layers.
    pub(super) fn new(op: &Op, shape: Shape, read: &impl Fn(ParamId) -> Vec<f32>) -> Option<Self> {
        let width = shape.width();
        match (op, shape) {
            (Op::Attention { qkv_weight, qkv_bias, out_weight, out_bias, heads }, Shape::Tokens { length, .. }) => {
                let dense = Dense::new(width, *heads, [*qkv_weight, *qkv_bias, *out_weight, *out_bias].map(read));
                let dense = dense.times(1.0 / ((width / heads) as f64).sqrt());
                let attention = Attention::new(*heads, dense.blocks, length, (0..length as u32).collect());
                Some(dense.around(attention))
            }
            (Op::WindowAttention(settings), Shape::Maps { height, width: columns, .. }) => {
                let ids = [settings.qkv_weight, settings.qkv_bias, settings.out_weight, settings.out_bias];
                let mut dense = Dense::new(width, settings.heads, ids.map(read));
                let windows = Windows::new(settings, [height, columns]);
                let compare = match settings.similarity {
                    Similarity::Dot(factor) => {
                        dense = dense.times(factor);
                        Compare::Dot
                    }
                    Similarity::Cosine(exponents) => {
                        // The keys' third of the bias counts as zero.
                        let third = dense.qkv_bias.len() / 3;
                        dense.qkv_bias[third..2 * third].fill(0.0);
                        let factor = |e: f32| f64::from(e).min(100f64.ln()).exp() as f32;
                        Compare::Cosine(read(exponents).into_iter().map(factor).collect())
                    }
                };
                let (tables, which) = windows.tables(&position_bias(settings, read), settings.heads);
                let attention = Attention::new(settings.heads, dense.blocks, windows.area(), windows.places())
                    .comparing(compare)
                    .with_bias(&tables, which)
                    .with_outside(&dense.qkv_bias);
                Some(dense.around(attention))
            }
            _ => None,
        }
    }

    /// Computes the layer, a summand and a function after it.
    pub(super) fn run(
        &self,
        x: &Maps,
        residual: Option<&Maps>,
        activation: Function,
        workspace: &mut Workspace,
        y: &mut Maps,
    ) {
        let mut qkv = workspace.take(self.qkv.shape().output(x.geometry()));
        self.qkv.run(x, &mut qkv, Epilogue::default());
        let mut heads = workspace.take(self.out.shape().output(x.geometry()).channelled(self.out.shape().inputs));
        self.attention.run(&qkv, &mut heads);
        workspace.give(qkv);
        self.out.run(&heads, y, Epilogue { residual, activation });
        workspace.give(heads);
    }
}

/// The weights of the dense layers, with each head's values filled up to whole blocks of channels.
struct Dense {
    width: usize,
    heads: usize,
    /// Blocks of channels a head.
    blocks: usize,
    qkv: Vec<f32>,
    qkv_bias: Vec<f32>,
    out: Vec<f32>,
    out_bias: Vec<f32>,
}

impl Dense {
    fn new(width: usize, heads: usize, [qkv, qkv_bias, out, out_bias]: [Vec<f32>; 4]) -> Self {
        let values = width / heads;
        let blocks = values.div_ceil(LANES);
        let inner = heads * blocks * LANES;
        // Where a value of queries, keys or values stands once heads fill whole blocks.
        let place = |i: usize| i / values * blocks * LANES + i % values;
        let mut wide = vec![0.0; 3 * inner * width];
        let mut wide_bias = vec![0.0; 3 * inner];
        for (i, (row, bias)) in qkv.chunks_exact(width).zip(&qkv_bias).enumerate() {
            wide[place(i) * width..][..width].copy_from_slice(row);
            wide_bias[place(i)] = *bias;
        }
        let mut wide_out = vec![0.0; width * inner];
        for (to, from) in wide_out.chunks_exact_mut(inner).zip(out.chunks_exact(width)) {
            from.iter().enumerate().for_each(|(i, w)| to[place(i)] = *w);
        }
        Self { width, heads, blocks, qkv: wide, qkv_bias: wide_bias, out: wide_out, out_bias }
    }

    /// Multiplies the queries.
    fn times(mut self, factor: f64) -> Self {
        let (rows, weights) = (self.qkv_bias.len() / 3, self.qkv.len() / 3);
        for w in self.qkv[..weights].iter_mut().chain(&mut self.qkv_bias[..rows]) {
            *w = (f64::from(*w) * factor) as f32;
        }
        self
    }

    fn around(self, attention: Attention) -> SelfAttention {
        let inner = self.heads * self.blocks * LANES;
        SelfAttention {
            qkv: Conv::new(ConvShape::dense(self.width, 3 * inner), &self.qkv, &self.qkv_bias),
            attention,
            out: Conv::new(ConvShape::dense(inner, self.width), &self.out, &self.out_bias),
        }
    }
}

/// What positions add to the scores, `[heads, area, area]`.
fn position_bias(settings: &WindowAttention, read: &impl Fn(ParamId) -> Vec<f32>) -> Vec<f32> {
    let heads = settings.heads;
    let table: Vec<f32> = match settings.position {
        PositionBias::Table(table) => read(table),
        PositionBias::Network { offsets, weight_in, bias_in, weight_out } => {
            let [offsets, weight_in, bias_in, weight_out] = [offsets, weight_in, bias_in, weight_out].map(read);
            let row = |offset: &[f32]| {
                let hidden: Vec<f64> = weight_in
                    .chunks_exact(2)
                    .zip(&bias_in)
                    .map(|(w, b)| {
                        let sum = w.iter().zip(offset).map(|(w, o)| f64::from(*w) * f64::from(*o)).sum::<f64>();
                        (sum + f64::from(*b)).max(0.0)
                    })
                    .collect();
                let head = |w: &[f32]| {
                    let sum: f64 = w.iter().zip(&hidden).map(|(w, h)| f64::from(*w) * h).sum();
                    (16.0 / (1.0 + (-sum).exp())) as f32
                };
                weight_out.chunks_exact(hidden.len()).map(head).collect::<Vec<f32>>()
            };
            offsets.chunks_exact(2).flat_map(row).collect()
        }
    };
    let indices = WindowAttention::offset_indices(settings.window);
    (0..heads).flat_map(|h| indices.iter().map(move |&i| (i as usize, h))).map(|(i, h)| table[i * heads + h]).collect()
}

/// How maps of one size are put into windows, see [`Partition`].
struct Windows {
    /// Rows and columns of the maps.
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
    fn new(settings: &WindowAttention, sides: [usize; 2]) -> Self {
        let window = settings.window;
        let count = [0, 1].map(|d| sides[d].div_ceil(window[d]));
        let (shift, grid) = match settings.partition {
            Partition::Neighbours { shift } => ([0, 1].map(|d| if count[d] > 1 { shift[d] } else { 0 }), false),
            Partition::Grid => ([0; 2], true),
        };
        Self { sides, window, count, shift, grid }
    }

    fn area(&self) -> usize {
        self.window[0] * self.window[1]
    }

    /// Place along side `d` of the moved and padded maps.
    fn moved(&self, window: usize, inside: usize, d: usize) -> usize {
        if self.grid { inside * self.count[d] + window } else { window * self.window[d] + inside }
    }

    /// Pixels of each window, one window after the other.
    fn places(&self) -> Vec<u32> {
        let mut places = vec![];
        for w in 0..self.count[0] * self.count[1] {
            let window = [w / self.count[1], w % self.count[1]];
            for i in 0..self.area() {
                let inside = [i / self.window[1], i % self.window[1]];
                let [row, column] = [0, 1]
                    .map(|d| (self.moved(window[d], inside[d], d) + self.shift[d]) % (self.window[d] * self.count[d]));
                let there = row < self.sides[0] && column < self.sides[1];
                places.push(if there { (row * self.sides[1] + column) as u32 } else { OUTSIDE });
            }
        }
        places
    }

    /// What each window adds to its scores: the bias, and -100 between pixels that only the move made neighbours. Those
    /// are in the last windows alone: a table for each kind of window, and each window's number.
    fn tables(&self, bias: &[f32], heads: usize) -> (Vec<f32>, Vec<usize>) {
        let last = |w: usize, d: usize| usize::from(self.shift[d] > 0 && w + 1 == self.count[d]);
        let which = (0..self.count[0] * self.count[1])
            .map(|w| 2 * last(w / self.count[1], 0) + last(w % self.count[1], 1))
            .collect();
        if self.shift == [0; 2] {
            return (bias.to_vec(), which);
        }
        let area = self.area();
        let mut tables = Vec::with_capacity(4 * heads * area * area);
        for kind in [[false, false], [false, true], [true, false], [true, true]] {
            // Which part of a last window came around the border.
            let part = |i: usize| {
                let inside = [i / self.window[1], i % self.window[1]];
                [0, 1].map(|d| kind[d] && inside[d] >= self.window[d] - self.shift[d])
            };
            for head in bias.chunks_exact(area * area) {
                let apart = |i: usize| part(i / area) != part(i % area);
                tables.extend(head.iter().enumerate().map(|(i, b)| if apart(i) { b - 100.0 } else { *b }));
            }
        }
        (tables, which)
    }
}
