//! Layer normalisation: each pixel over its channels (Ba et al. 2016).
//!
//! A pixel's channels lie far from each other, sixteen neighbours' beside each other: sixteen pixels are normalised
//! together, and their sums over lanes become one vector by a transposition.

use crate::{
    buffer::Buffer,
    maps::{Maps, View},
    norm::Affine,
    pixels::by_channel,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// Pixels of one task, about.
const PART: usize = 256;

/// Normalises each pixel over its channels: mean zero and (biased) variance one, then γ and β. `residual` is added to
/// the result.
///
/// # Panics
/// Where sizes differ.
pub fn layer_norm(x: &Maps, affine: Affine, residual: Option<&Maps>, y: &mut Maps) {
    let (x, y) = (x.view(), y.view_mut());
    let residual = residual.map(Maps::view);
    assert!(affine.scale.len() == x.channels && affine.shift.len() == x.channels, "one number a channel");
    for other in residual.into_iter().chain([y]) {
        assert_eq!([x.batch, x.blocks, x.height, x.width], sizes(other), "maps of different sizes");
    }
    let (scale, shift) = (by_channel(affine.scale), by_channel(affine.shift));
    let norm = Norm { x, y, residual, scale: &scale, shift: &shift, epsilon: affine.epsilon as f32, exists: exists(x) };
    each_part(x, |image, row, columns| {
        // SAFETY: each task writes its own pixels.
        unsafe { run(Forward { norm, image, row, columns }) }
    });
}

fn sizes(v: View) -> [usize; 4] {
    [v.batch, v.blocks, v.height, v.width]
}

/// Ones for channels that exist, in the last block.
fn exists(x: View) -> [f32; LANES] {
    let last = x.channels - (x.blocks - 1) * LANES;
    std::array::from_fn(|i| if i < last { 1.0 } else { 0.0 })
}

/// Calls `f(image, row, columns)` for parts of all rows.
fn each_part(x: View, f: impl Fn(usize, usize, std::ops::Range<usize>) + Sync) {
    let parts = x.width.div_ceil(PART);
    parallel(x.batch * x.height * parts, |i| {
        let (line, part) = (i / parts, i % parts);
        f(line / x.height, line % x.height, part * x.width / parts..(part + 1) * x.width / parts);
    });
}

/// Calls `$strip` for sixteen pixels at a time; the last ones may be pixels that had their turn before, and where there
/// are fewer than sixteen it is one by one.
macro_rules! strips {
    ($columns:expr, $first:ident, $n:ident => $strip:expr) => {
        let columns = $columns;
        if columns.len() < LANES {
            for $first in columns {
                const $n: usize = 1;
                $strip;
            }
        } else {
            for start in columns.clone().step_by(LANES) {
                let $first = start.min(columns.end - LANES);
                const $n: usize = LANES;
                $strip;
            }
        }
    };
}

#[derive(Clone, Copy)]
struct Norm<'a> {
    x: View,
    y: View,
    residual: Option<View>,
    scale: &'a Buffer,
    shift: &'a Buffer,
    epsilon: f32,
    exists: [f32; LANES],
}

struct Forward<'a> {
    norm: Norm<'a>,
    image: usize,
    row: usize,
    columns: std::ops::Range<usize>,
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { norm, image, row, columns } = self;
        strips!(columns, first, N => norm.strip::<S, N>(image, row, first));
    }
}

/// Sums over all lanes of up to sixteen vectors.
#[inline(always)]
unsafe fn totals<S: Simd, const N: usize>(rows: [S::V; N]) -> [f32; N] {
    let mut lanes = [0f32; LANES];
    if N == LANES {
        let mut all = [S::zero(); LANES];
        all[..N].copy_from_slice(&rows);
        S::store(lanes.as_mut_ptr(), S::sums(&mut all));
        return std::array::from_fn(|i| lanes[i]);
    }
    rows.map(|row| {
        S::store(lanes.as_mut_ptr(), row);
        lanes.iter().sum::<f32>()
    })
}

/// Mean and one over the standard deviation of `N` neighbours.
#[inline(always)]
unsafe fn moments<S: Simd, const N: usize>(
    x: View,
    from: *const f32,
    exists: [f32; LANES],
    epsilon: f32,
) -> [[f32; N]; 2] {
    let exists = S::load(exists.as_ptr());
    let n = x.channels as f32;
    let mut sums = [S::zero(); N];
    for block in 0..x.blocks {
        let from = from.add(block * x.plane);
        for (i, sum) in sums.iter_mut().enumerate() {
            let v = S::load(from.add(i * LANES));
            *sum = S::add(*sum, if block + 1 == x.blocks { masked::<S>(v, exists) } else { v });
        }
    }
    let means = totals::<S, N>(sums).map(|sum| sum / n);
    let mut squares = [S::zero(); N];
    for block in 0..x.blocks {
        let from = from.add(block * x.plane);
        for (i, square) in squares.iter_mut().enumerate() {
            let mut d = S::sub(S::load(from.add(i * LANES)), S::splat(means[i]));
            if block + 1 == x.blocks {
                d = masked::<S>(d, exists);
            }
            *square = S::fma(d, d, *square);
        }
    }
    [means, totals::<S, N>(squares).map(|square| 1.0 / (square / n + epsilon).sqrt())]
}

/// Zero in lanes that do not exist, whatever stands there.
#[inline(always)]
unsafe fn masked<S: Simd>(v: S::V, exists: S::V) -> S::V {
    S::select_gt(exists, S::zero(), v, S::zero())
}

impl Norm<'_> {
    #[inline(always)]
    unsafe fn strip<S: Simd, const N: usize>(&self, image: usize, row: usize, first: usize) {
        let Self { x, y, residual, scale, shift, epsilon, exists } = *self;
        let place = |v: View| v.at(image, 0, row as isize, first as isize);
        let from = place(x);
        let [means, inverses] = moments::<S, N>(x, from, exists, epsilon);
        let to = place(y);
        for block in 0..x.blocks {
            let (g, b) = (S::load(scale.as_ptr().add(block * LANES)), S::load(shift.as_ptr().add(block * LANES)));
            let (from, to) = (from.add(block * x.plane), to.add(block * y.plane));
            let other = residual.map(|r| place(r).add(block * r.plane));
            for i in 0..N {
                let d = S::sub(S::load(from.add(i * LANES)), S::splat(means[i]));
                let mut value = S::fma(S::mul(d, S::splat(inverses[i])), g, b);
                if let Some(other) = other {
                    value = S::add(value, S::load(other.add(i * LANES)));
                }
                S::store(to.add(i * LANES), value);
            }
        }
    }
}
