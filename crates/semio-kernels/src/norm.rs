//! Batch normalisation while training, with what follows it: a sum and a function (Ioffe and Szegedy 2015).

use crate::{
    activation::Activation,
    buffer::{Buffer, Shared},
    maps::{Maps, View},
    pixels::{by_channel, each_block},
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// What the backward pass needs of a forward one.
pub struct BatchStatistics {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Biased variance of each channel.
    pub variance: Vec<f32>,
    /// Values that went into each.
    pub count: usize,
    /// γ / √(variance + ε), and β − mean · that.
    factors: Buffer,
    summands: Buffer,
    /// 1 / √(variance + ε)
    inverse: Buffer,
    means: Buffer,
}

/// A batch norm's trained numbers, one a channel.
#[derive(Clone, Copy)]
pub struct Affine<'a> {
    /// γ
    pub scale: &'a [f32],
    /// β
    pub shift: &'a [f32],
    /// Added to the variance.
    pub epsilon: f64,
}

/// Sums of two quantities a channel, in double precision over pictures: `[images][blocks][2][16]`.
struct Sums(Vec<f64>);

impl Sums {
    /// Sums two vectors a pixel over each block; pictures are added up in their order.
    fn of(view: View, sum: impl Fn(usize, usize, &mut [f64; 2 * LANES]) + Sync) -> Self {
        let mut parts = vec![0f64; view.batch * view.blocks * 2 * LANES];
        let to = parts.as_mut_ptr() as usize;
        each_block(view, |image, block| {
            // SAFETY: each task has its own part.
            let part = unsafe { &mut *(to as *mut [f64; 2 * LANES]).add(image * view.blocks + block) };
            sum(image, block, part);
        });
        let each = view.blocks * 2 * LANES;
        let mut total = vec![0f64; each];
        for part in parts.chunks_exact(each) {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        Self(total)
    }

    fn get(&self, channel: usize) -> [f64; 2] {
        let at = channel / LANES * 2 * LANES + channel % LANES;
        [self.0[at], self.0[at + LANES]]
    }
}

/// Rows whose sums are added up in single precision before they go to the picture's.
fn bands(view: View) -> impl Iterator<Item = std::ops::Range<usize>> {
    let each = (64 / view.width.max(1)).max(1);
    (0..view.height).step_by(each).map(move |first| first..(first + each).min(view.height))
}

/// Adds some rows' sums of sixteen channels to the picture's.
#[inline(always)]
unsafe fn spill<S: Simd>(sums: [S::V; 2], to: &mut [f64; 2 * LANES]) {
    let mut line = [0f32; 2 * LANES];
    S::store(line.as_mut_ptr(), sums[0]);
    S::store(line.as_mut_ptr().add(LANES), sums[1]);
    to.iter_mut().zip(line).for_each(|(t, v)| *t += f64::from(v));
}

/// Normalises with the batch's own statistics: `y = f(γ · (x − mean) / √(variance + ε) + β + residual)`.
///
/// # Panics
/// Where sizes differ.
pub fn batch_norm(x: &Maps, affine: Affine, residual: Option<&Maps>, f: Activation, y: &mut Maps) -> BatchStatistics {
    /// About the middle of a block's values: distances are taken from there, because squares of large means would
    /// swallow small variances.
    struct Origin(View, usize, *mut f32);
    impl Kernel for Origin {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(x, block, to) = self;
            let (rows, images) = (x.height.min(4), x.batch.min(4));
            let mut sum = S::zero();
            for place in 0..images * rows {
                let from = x.at(place / rows, block, (place % rows * (x.height / rows)) as isize, 0);
                for i in 0..x.width {
                    sum = S::add(sum, S::load(from.add(i * LANES)));
                }
            }
            S::store(to, S::mul(sum, S::splat(1.0 / (images * rows * x.width) as f32)));
        }
    }
    struct Moments<'a>(View, usize, usize, *const f32, &'a mut [f64; 2 * LANES]);
    impl Kernel for Moments<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(x, image, block, origin, to) = self;
            let origin = S::load(origin);
            for rows in bands(x) {
                let (mut sum, mut squares) = (S::zero(), S::zero());
                for row in rows {
                    let from = x.at(image, block, row as isize, 0);
                    for i in 0..x.width {
                        let d = S::sub(S::load(from.add(i * LANES)), origin);
                        sum = S::add(sum, d);
                        squares = S::fma(d, d, squares);
                    }
                }
                spill::<S>([sum, squares], to);
            }
        }
    }
    let (x, y) = (x.view(), y.view_mut());
    let residual = residual.map(Maps::view);
    assert!(affine.scale.len() == x.channels && affine.shift.len() == x.channels, "one number a channel");
    assert_eq!(
        [x.batch, x.blocks, x.height, x.width],
        [y.batch, y.blocks, y.height, y.width],
        "maps of different sizes"
    );
    let mut origins = Buffer::zeroed(x.blocks * LANES);
    let origin = Shared(origins.as_mut_ptr());
    // SAFETY: each task writes its own block's origin.
    parallel(x.blocks, |block| unsafe { run(Origin(x, block, origin.get().add(block * LANES))) });
    // SAFETY: each task has its own sums.
    let sums =
        Sums::of(x, |image, block, to| unsafe { run(Moments(x, image, block, origin.get().add(block * LANES), to)) });
    let count = x.batch * x.height * x.width;
    let (mut mean, mut variance) = (vec![0f32; x.channels], vec![0f32; x.channels]);
    let (mut factors, mut summands) = (vec![0f32; x.channels], vec![0f32; x.channels]);
    let mut inverse = vec![0f32; x.channels];
    for c in 0..x.channels {
        let origin = f64::from(origins[c]);
        let [sum, squares] = sums.get(c).map(|v| v / count as f64);
        let spread = (squares - sum * sum).max(0.0);
        let root = 1.0 / (spread + affine.epsilon).sqrt();
        let factor = f64::from(affine.scale[c]) * root;
        (mean[c], variance[c], inverse[c]) = ((origin + sum) as f32, spread as f32, root as f32);
        (factors[c], summands[c]) = (factor as f32, (f64::from(affine.shift[c]) - (origin + sum) * factor) as f32);
    }
    let statistics = BatchStatistics {
        count,
        factors: by_channel(&factors),
        summands: by_channel(&summands),
        inverse: by_channel(&inverse),
        means: by_channel(&mean),
        mean,
        variance,
    };
    struct Normalise<'a>(View, Option<View>, View, &'a BatchStatistics, Activation, usize, usize);
    impl Kernel for Normalise<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(x, residual, y, statistics, f, image, block) = self;
            let factor = S::load(statistics.factors.as_ptr().add(block * LANES));
            let summand = S::load(statistics.summands.as_ptr().add(block * LANES));
            for row in 0..y.height {
                let (from, to) = (x.at(image, block, row as isize, 0), y.at(image, block, row as isize, 0));
                let other = residual.map(|r| r.at(image, block, row as isize, 0));
                for i in 0..y.width {
                    let mut value = S::fma(S::load(from.add(i * LANES)), factor, summand);
                    if let Some(other) = other {
                        value = S::add(value, S::load(other.add(i * LANES)));
                    }
                    S::store(to.add(i * LANES), f.apply::<S>(value));
                }
            }
        }
    }
    each_block(y, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Normalise(x, residual, y, &statistics, f, image, block)) }
    });
    statistics
}

/// Gradients of a batch norm's trained numbers.
pub struct NormGradient {
    /// Of γ.
    pub scale: Vec<f32>,
    /// Of β.
    pub shift: Vec<f32>,
}

/// The backward pass of [`batch_norm`]. `dy` becomes the gradient of `x`; the residual's gradient is written to, or
/// where the flag is set added to, the maps given.
///
/// `y` is the forward pass's output. With a residual the function must be one that clips (or none): its slope is then
/// read off the output.
///
/// # Panics
/// Where sizes differ, or a residual meets another function.
pub fn batch_norm_backward(
    x: &Maps,
    y: &Maps,
    statistics: &BatchStatistics,
    f: Activation,
    dy: &mut Maps,
    residual: Option<(&mut Maps, bool)>,
) -> NormGradient {
    assert!(residual.is_none() || f.clips(), "a residual's function must clip");
    // The output is read where it alone tells the slope: without a residual it follows from the input, which is at hand.
    let y = if residual.is_some() { y } else { x };
    let (x, y, dy) = (x.view(), y.view(), dy.view_mut());
    let residual = residual.map(|(maps, add)| (maps.view_mut(), add));

    #[derive(Clone, Copy)]
    struct Pass<'a> {
        x: View,
        y: View,
        dy: View,
        residual: Option<(View, bool)>,
        statistics: &'a BatchStatistics,
        f: Activation,
        image: usize,
        block: usize,
    }
    impl Pass<'_> {
        /// Gradient before the function, and the normalised input.
        #[inline(always)]
        unsafe fn pixel<S: Simd>(&self, numbers: [S::V; 4], [x, y, dy]: [S::V; 3]) -> [S::V; 2] {
            let [factor, summand, inverse, mean] = numbers;
            let slope = match self.f {
                Activation::Identity => return [dy, S::mul(S::sub(x, mean), inverse)],
                f if self.residual.is_some() => f.slope::<S>(y),
                f => f.slope::<S>(S::fma(x, factor, summand)),
            };
            [S::mul(dy, slope), S::mul(S::sub(x, mean), inverse)]
        }
        #[inline(always)]
        unsafe fn numbers<S: Simd>(&self) -> [S::V; 4] {
            let s = self.statistics;
            [&s.factors, &s.summands, &s.inverse, &s.means].map(|b| S::load(b.as_ptr().add(self.block * LANES)))
        }
    }
    struct Reduce<'a>(Pass<'a>, &'a mut [f64; 2 * LANES]);
    impl Kernel for Reduce<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(pass, to) = self;
            let Pass { x, y, dy, residual, image, block, .. } = pass;
            let numbers = pass.numbers::<S>();
            for rows in bands(x) {
                let mut sums = [S::zero(); 2];
                for row in rows {
                    let place = |v: View| v.at(image, block, row as isize, 0);
                    let (a, b, c) = (place(x), place(y), place(dy));
                    let other = residual.map(|(r, add)| (place(r), add));
                    for i in 0..x.width {
                        let at = i * LANES;
                        let values = [a, b, c].map(|p| S::load(p.add(at)));
                        let [g, n] = pass.pixel::<S>(numbers, values);
                        sums = [S::add(sums[0], g), S::fma(g, n, sums[1])];
                        if let Some((other, add)) = other {
                            let g = if add { S::add(g, S::load(other.add(at))) } else { g };
                            S::store(other.add(at), g);
                        }
                    }
                }
                spill::<S>(sums, to);
            }
        }
    }
    let pass = |image, block| Pass { x, y, dy, residual, statistics, f, image, block };
    // SAFETY: each task has its own sums and writes its own block of the residual's gradient.
    let sums = Sums::of(x, |image, block, to| unsafe { run(Reduce(pass(image, block), to)) });
    let shift: Vec<f32> = (0..x.channels).map(|c| sums.get(c)[0] as f32).collect();
    let scale: Vec<f32> = (0..x.channels).map(|c| sums.get(c)[1] as f32).collect();
    let mean = |values: &[f32]| by_channel(&values.iter().map(|v| v / statistics.count as f32).collect::<Vec<_>>());
    let means = [mean(&shift), mean(&scale)];

    struct Spread<'a>(Pass<'a>, &'a [Buffer; 2]);
    impl Kernel for Spread<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(pass, means) = self;
            let Pass { x, y, dy, image, block, .. } = pass;
            let numbers = pass.numbers::<S>();
            let [mean, tilt] = [&means[0], &means[1]].map(|m| S::load(m.as_ptr().add(block * LANES)));
            for row in 0..x.height {
                let place = |v: View| v.at(image, block, row as isize, 0);
                let (a, b, c) = (place(x), place(y), place(dy));
                for i in 0..x.width {
                    let at = i * LANES;
                    let [g, n] = pass.pixel::<S>(numbers, [a, b, c].map(|p| S::load(p.add(at))));
                    let centred = S::fnma(n, tilt, S::sub(g, mean));
                    S::store(c.add(at), S::mul(numbers[0], centred));
                }
            }
        }
    }
    each_block(dy, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Spread(pass(image, block), &means)) }
    });
    NormGradient { scale, shift }
}
