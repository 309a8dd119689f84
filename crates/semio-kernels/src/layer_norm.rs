//! Layer normalisation: each pixel over its channels (Ba et al. 2016).
//!
//! A pixel's channels lie far from each other, sixteen neighbours' beside each other: sixteen pixels are normalised
//! together, and their sums over lanes become one vector by a transposition.

use std::ops::Range;

use crate::{
    buffer::{Buffer, Shared},
    maps::{Maps, View},
    norm::{Affine, NormGradient},
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
    assert_eq!(affine.shift.len(), x.geometry().channels, "one number a channel");
    let (scale, shift) = (by_channel(affine.scale), by_channel(affine.shift));
    let mut views = vec![x.view(), y.view_mut()];
    views.extend(residual.map(Maps::view));
    in_long_rows(&mut views);
    let norm = Norm::new(views[0], affine, &scale);
    let (y, residual) = (views[1], views.get(2).copied());
    each_part(norm.x, |_, image, row, columns| {
        // SAFETY: each task writes its own pixels.
        unsafe { run(Forward { norm, y, residual, shift: &shift, image, row, columns }) }
    });
}

/// The backward pass of [`layer_norm`] without residual: gives the gradients of γ and β, and writes the input's, or adds
/// it to what stands there where `add` is set.
///
/// # Panics
/// Where sizes differ.
pub fn layer_norm_backward(x: &Maps, affine: Affine, dy: &Maps, dx: &mut Maps, add: bool) -> NormGradient {
    let scale = by_channel(affine.scale);
    let mut views = vec![x.view(), dy.view(), dx.view_mut()];
    in_long_rows(&mut views);
    let norm = Norm::new(views[0], affine, &scale);
    let each = 2 * norm.x.blocks * LANES;
    let mut sums = Buffer::zeroed(parts(norm.x) * each);
    let to = Shared(sums.as_mut_ptr());
    each_part(norm.x, |part, image, row, columns| {
        // SAFETY: each task writes its own pixels and has its own sums.
        unsafe {
            let sums = to.get().add(part * each);
            run(Backward { norm, dy: views[1], dx: views[2], add, sums, image, row, columns });
        }
    });
    let total = |at: usize| sums.chunks_exact(each).map(|part| f64::from(part[at])).sum::<f64>() as f32;
    let all =
        |second: usize| (0..norm.x.channels).map(|c| total((c / LANES * 2 + second) * LANES + c % LANES)).collect();
    NormGradient { scale: all(0), shift: all(1) }
}

/// Looks at maps of one size without border as maps of one row.
fn in_long_rows(views: &mut [View]) {
    let sizes = |v: &View| [v.batch, v.channels, v.height, v.width];
    assert!(views.iter().all(|v| sizes(v) == sizes(&views[0])), "maps of different sizes");
    if views.iter().all(|v| v.border == 0) {
        for v in views {
            (v.height, v.width) = (1, v.height * v.width);
        }
    }
}

fn parts(x: View) -> usize {
    x.batch * x.height * x.width.div_ceil(PART)
}

/// Calls `f(part, image, row, columns)` for all parts of all rows.
fn each_part(x: View, f: impl Fn(usize, usize, usize, Range<usize>) + Sync) {
    let cuts = x.width.div_ceil(PART);
    parallel(parts(x), |i| {
        let (line, cut) = (i / cuts, i % cuts);
        f(i, line / x.height, line % x.height, cut * x.width / cuts..(cut + 1) * x.width / cuts);
    });
}

/// Does something to sixteen pixels at a time, then four, then one: `$n` is their number, a constant.
macro_rules! strips {
    ($columns:expr, $first:ident, $n:ident => $strip:expr) => {
        let Range { start: mut $first, end } = $columns;
        strips!(@each $first, end, $n, LANES, $strip);
        strips!(@each $first, end, $n, 4, $strip);
        strips!(@each $first, end, $n, 1, $strip);
    };
    (@each $first:ident, $end:ident, $n:ident, $each:expr, $strip:expr) => {
        while $end - $first >= $each {
            const $n: usize = $each;
            $strip;
            $first += $each;
        }
    };
}

#[derive(Clone, Copy)]
struct Norm<'a> {
    x: View,
    scale: &'a Buffer,
    epsilon: f32,
    /// Ones for channels that exist, in the last block.
    exists: [f32; LANES],
}

impl<'a> Norm<'a> {
    fn new(x: View, affine: Affine, scale: &'a Buffer) -> Self {
        assert_eq!(affine.scale.len(), x.channels, "one number a channel");
        let last = x.channels - (x.blocks - 1) * LANES;
        let exists = std::array::from_fn(|i| if i < last { 1.0 } else { 0.0 });
        Self { x, scale, epsilon: affine.epsilon as f32, exists }
    }

    /// Zero in lanes that do not exist, whatever stands there.
    #[inline(always)]
    unsafe fn masked<S: Simd>(&self, block: usize, v: S::V) -> S::V {
        if block + 1 == self.x.blocks {
            S::select_gt(S::load(self.exists.as_ptr()), S::zero(), v, S::zero())
        } else {
            v
        }
    }

    /// Mean and one over the standard deviation of `N` neighbours.
    #[inline(always)]
    unsafe fn moments<S: Simd, const N: usize>(&self, from: *const f32) -> [[f32; N]; 2] {
        let (blocks, plane, n) = (self.x.blocks, self.x.plane, self.x.channels as f32);
        let mut sums = [S::zero(); N];
        for block in 0..blocks {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = S::add(*sum, self.masked::<S>(block, S::load(from.add(block * plane + i * LANES))));
            }
        }
        let means = totals::<S, N>(sums).map(|sum| sum / n);
        let mut squares = [S::zero(); N];
        for block in 0..blocks {
            for (i, square) in squares.iter_mut().enumerate() {
                let d = S::sub(S::load(from.add(block * plane + i * LANES)), S::splat(means[i]));
                let d = self.masked::<S>(block, d);
                *square = S::fma(d, d, *square);
            }
        }
        [means, totals::<S, N>(squares).map(|square| 1.0 / (square / n + self.epsilon).sqrt())]
    }
}

/// The sum over all lanes of each vector.
#[inline(always)]
unsafe fn totals<S: Simd, const N: usize>(rows: [S::V; N]) -> [f32; N] {
    let mut lanes = [0f32; LANES];
    if N == 1 {
        S::store(lanes.as_mut_ptr(), rows[0]);
        return [lanes.iter().sum::<f32>(); N];
    }
    let mut all = [S::zero(); LANES];
    all[..N].copy_from_slice(&rows);
    S::store(lanes.as_mut_ptr(), S::sums(&mut all));
    std::array::from_fn(|i| lanes[i])
}

struct Forward<'a> {
    norm: Norm<'a>,
    y: View,
    residual: Option<View>,
    shift: &'a Buffer,
    image: usize,
    row: usize,
    columns: Range<usize>,
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        strips!(self.columns, first, N => self.strip::<S, N>(first));
    }
}

impl Forward<'_> {
    #[inline(always)]
    unsafe fn strip<S: Simd, const N: usize>(&self, first: usize) {
        let Self { norm, y, residual, shift, image, row, .. } = self;
        let place = |v: &View| v.at(*image, 0, *row as isize, first as isize);
        let (from, to) = (place(&norm.x), place(y));
        let [means, inverses] = norm.moments::<S, N>(from);
        for block in 0..y.blocks {
            let (g, b) = (S::load(norm.scale.as_ptr().add(block * LANES)), S::load(shift.as_ptr().add(block * LANES)));
            let (from, to) = (from.add(block * norm.x.plane), to.add(block * y.plane));
            let other = residual.as_ref().map(|r| place(r).add(block * r.plane));
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

struct Backward<'a> {
    norm: Norm<'a>,
    dy: View,
    dx: View,
    add: bool,
    /// Sums for γ and β of each block.
    sums: *mut f32,
    image: usize,
    row: usize,
    columns: Range<usize>,
}

impl Kernel for Backward<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        strips!(self.columns.clone(), first, N => self.strip::<S, N>(first));
    }
}

impl Backward<'_> {
    #[inline(always)]
    unsafe fn strip<S: Simd, const N: usize>(&self, first: usize) {
        let Self { norm, dy, dx, add, sums, image, row, .. } = self;
        let place = |v: &View| v.at(*image, 0, *row as isize, first as isize);
        let (x, from, to) = (place(&norm.x), place(dy), place(dx));
        let [means, inverses] = norm.moments::<S, N>(x);
        let normal = |block: usize, i: usize| {
            let d = S::sub(S::load(x.add(block * norm.x.plane + i * LANES)), S::splat(means[i]));
            S::mul(d, S::splat(inverses[i]))
        };
        let gamma = |block: usize| S::load(norm.scale.as_ptr().add(block * LANES));
        let mut shares = [[S::zero(); N]; 2];
        for block in 0..dy.blocks {
            let to = sums.add(block * 2 * LANES);
            let (mut scale, mut shift) = (S::load(to), S::load(to.add(LANES)));
            for i in 0..N {
                let g = S::load(from.add(block * dy.plane + i * LANES));
                let n = normal(block, i);
                (scale, shift) = (S::fma(g, n, scale), S::add(shift, g));
                let g = norm.masked::<S>(block, S::mul(g, gamma(block)));
                let n = norm.masked::<S>(block, n);
                shares[0][i] = S::add(shares[0][i], g);
                shares[1][i] = S::fma(g, n, shares[1][i]);
            }
            S::store(to, scale);
            S::store(to.add(LANES), shift);
        }
        let n = norm.x.channels as f32;
        let [mean, tilt] = shares.map(|s| totals::<S, N>(s).map(|sum| sum / n));
        for block in 0..dy.blocks {
            let to = to.add(block * dx.plane);
            for i in 0..N {
                let g = S::mul(S::load(from.add(block * dy.plane + i * LANES)), gamma(block));
                let centred = S::fnma(normal(block, i), S::splat(tilt[i]), S::sub(g, S::splat(mean[i])));
                let old = if *add { S::load(to.add(i * LANES)) } else { S::zero() };
                S::store(to.add(i * LANES), S::fma(centred, S::splat(inverses[i]), old));
            }
        }
    }
}
