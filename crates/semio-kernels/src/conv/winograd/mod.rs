//! Winograd's minimal filtering F(4×4, 3×3) for 3×3 windows with step one: 36 products instead of 144 for a tile of
//! 4×4 outputs (Lavin and Gray 2016, <https://arxiv.org/abs/1509.09308>).
//!
//! Interpolation points are 0, ±1/√2, ±√2 and ∞: the usual 0, ±1, ±2 cost the same and lose four times more digits.
//!
//! Two ways through the memory: *fused*, where a block of tiles is transformed, multiplied and transformed back within
//! a core's cache, and *phased*, where all tiles are transformed first, so that deep layers' weights are read once. In
//! training, where weights serve once, their transform stays in the cache too.

mod gradient;
mod once;
mod packing;
mod points;
mod product;

pub(super) use gradient::weight_gradient;
pub(super) use once::{forward, input_gradient};
pub(super) use product::Winograd;

impl Winograd {
    /// Transforms the weights for prediction; `bias` is one number an output, filled up to whole panels.
    pub(super) fn of(shape: &ConvShape, weights: &[f32], bias: Buffer) -> Self {
        Self::new(Kernels::of(shape, weights), bias, shape.padding)
    }
}

use super::ConvShape;
use crate::{
    buffer::Buffer,
    maps::View,
    simd::{Kernel, LANES, Simd},
    threads::threads,
};
use packing::Kernels;
use points::input_points;

/// Products a tile, and numbers of an input tile.
const POINTS: usize = 36;
/// Tiles of 4×4 outputs.
#[derive(Clone, Copy)]
struct Tiles {
    down: usize,
    across: usize,
    count: usize,
}

impl Tiles {
    fn of(output: View) -> Self {
        let (down, across) = (output.height.div_ceil(4), output.width.div_ceil(4));
        Self { down, across, count: output.batch * down * across }
    }

    /// How many tiles a task takes at most, so that their transformed inputs stay in a core's second-level cache.
    fn most_together(blocks: usize) -> usize {
        let room = (1usize << 17) / (POINTS * blocks * LANES / 2);
        room.clamp(14, 56)
    }

    /// How many it takes, so that all threads have the same to do.
    fn together(self, blocks: usize) -> usize {
        let rounds = self.count.div_ceil(Self::most_together(blocks) * threads()).max(1);
        self.count.div_ceil(rounds * threads())
    }

    /// Picture, row and column of a tile.
    #[inline(always)]
    fn place(self, tile: usize) -> (usize, usize, usize) {
        let each = self.down * self.across;
        let rest = tile % each;
        (tile / each, rest / self.across * 4, rest % self.across * 4)
    }
}

/// Whether the direct form would not be faster for an output of this size.
pub(super) fn pays(inputs: usize, output: View) -> bool {
    let tiles = Tiles::of(output).count;
    tiles >= 8 && tiles * 28 >= inputs
}

/// Whether it is faster than the direct form where the weights serve once and their transform counts as well.
pub(super) fn pays_once(inputs: usize, output: View) -> bool {
    let tiles = Tiles::of(output).count;
    inputs >= LANES && tiles >= 16
}

/// Whether the gradient of the weights is worth the transforms.
pub(super) fn gradient_pays(shape: &ConvShape, output: View) -> bool {
    let tiles = Tiles::of(output).count;
    shape.inputs >= LANES && shape.outputs >= LANES && tiles >= 24
}
/// Bᵀ d B of some tiles of one block.
struct TransformInput {
    x: View,
    padding: [usize; 2],
    tiles: Tiles,
    block: usize,
    range: std::ops::Range<usize>,
    /// Tile that stands first at `v`.
    first: usize,
    v: *mut f32,
    stride: usize,
}

impl Kernel for TransformInput {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, padding, tiles, block, range, first, v, stride } = self;
        let mut edge = [0f32; POINTS * LANES];
        for tile in range {
            let (image, row, column) = tiles.place(tile);
            let (row, column) = (row as isize - padding[0] as isize, column as isize - padding[1] as isize);
            let (mut from, mut pitch) = (x.at(image, block, row, column).cast_const(), x.pitch);
            let end = |side: usize| (side + x.border) as isize;
            let low = -(x.border as isize);
            if row < low || column < low || row + 6 > end(x.height) || column + 6 > end(x.width) {
                // A tile that reaches beyond the stored border sees zeros there.
                edge.fill(0.0);
                for i in (low - row).max(0)..(end(x.height) - row).min(6) {
                    for j in (low - column).max(0)..(end(x.width) - column).min(6) {
                        let source = x.at(image, block, row + i, column + j);
                        S::store(edge.as_mut_ptr().offset((i * 6 + j) * LANES as isize), S::load(source));
                    }
                }
                (from, pitch) = (edge.as_ptr(), 6 * LANES);
            }
            let to = v.add((tile - first) * LANES);
            let mut half = [[S::zero(); 6]; 6];
            for j in 0..6 {
                let column = std::array::from_fn(|i| S::load(from.add(i * pitch + j * LANES)));
                for (i, value) in input_points::<S>(column).into_iter().enumerate() {
                    half[i][j] = value;
                }
            }
            for (i, row) in half.into_iter().enumerate() {
                for (j, value) in input_points::<S>(row).into_iter().enumerate() {
                    S::store(to.add((i * 6 + j) * stride), value);
                }
            }
        }
    }
}
