//! What is done to each value by itself: functions, sums, factors, moves between channels.

use crate::{
    activation::Activation,
    buffer::Buffer,
    maps::{Maps, View},
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
};

/// Calls `f(image, block)` for every block of every picture.
pub(crate) fn each_block(view: View, f: impl Fn(usize, usize) + Sync) {
    parallel(view.batch * view.blocks, |i| f(i / view.blocks, i % view.blocks));
}

/// One number a channel, filled up to whole blocks.
pub(crate) fn by_channel(values: &[f32]) -> Buffer {
    let mut all = Buffer::zeroed(values.len().next_multiple_of(LANES));
    all[..values.len()].copy_from_slice(values);
    all
}

/// A formula of up to three inputs' values at the same pixel and a block's own numbers.
trait Formula: Copy + Sync {
    unsafe fn value<S: Simd>(&self, image: usize, block: usize, x: [S::V; 3]) -> S::V;
}

struct Apply<F> {
    formula: F,
    inputs: [Option<View>; 3],
    y: View,
    image: usize,
    block: usize,
}

impl<F: Formula> Kernel for Apply<F> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { formula, inputs, y, image, block } = self;
        for row in 0..y.height {
            let to = y.at(image, block, row as isize, 0);
            let from = inputs.map(|v| v.map_or(to.cast_const(), |v| v.at(image, block, row as isize, 0).cast_const()));
            for x in 0..y.width {
                let mut values = [S::zero(); 3];
                for (value, (from, input)) in values.iter_mut().zip(from.iter().zip(&inputs)) {
                    if input.is_some() {
                        *value = S::load(from.add(x * LANES));
                    }
                }
                S::store(to.add(x * LANES), formula.value::<S>(image, block, values));
            }
        }
    }
}

fn apply<F: Formula + Send>(formula: F, inputs: [Option<View>; 3], y: View) {
    for input in inputs.into_iter().flatten() {
        let same = [input.batch, input.blocks, input.height, input.width] == [y.batch, y.blocks, y.height, y.width];
        assert!(same, "maps of different sizes");
    }
    each_block(y, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Apply { formula, inputs, y, image, block }) }
    });
}

/// Applies a function to every value.
///
/// # Panics
/// Where the sizes differ.
pub fn activate(x: &Maps, f: Activation, y: &mut Maps) {
    #[derive(Clone, Copy)]
    struct F(Activation);
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, _: usize, _: usize, [x, ..]: [S::V; 3]) -> S::V {
            self.0.apply::<S>(x)
        }
    }
    apply(F(f), [Some(x.view()), None, None], y.view_mut());
}

/// Computes a function's input gradient, `dx = dy · f'(x)`, and adds it to what stands there where `add` is set.
///
/// # Panics
/// Where the sizes differ.
pub fn activate_backward(x: &Maps, f: Activation, dy: &Maps, dx: &mut Maps, add: bool) {
    #[derive(Clone, Copy)]
    struct F(Activation);
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, _: usize, _: usize, [x, dy, old]: [S::V; 3]) -> S::V {
            S::fma(dy, self.0.slope::<S>(x), old)
        }
    }
    let to = dx.view_mut();
    apply(F(f), [Some(x.view()), Some(dy.view()), add.then_some(to)], to);
}

/// Adds two batches of maps, then applies a function.
///
/// # Panics
/// Where the sizes differ.
pub fn add(a: &Maps, b: &Maps, f: Activation, y: &mut Maps) {
    #[derive(Clone, Copy)]
    struct F(Activation);
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, _: usize, _: usize, [a, b, _]: [S::V; 3]) -> S::V {
            self.0.apply::<S>(S::add(a, b))
        }
    }
    apply(F(f), [Some(a.view()), Some(b.view()), None], y.view_mut());
}

/// Multiplies values with one another and adds the result to what stands there where `add` is set.
///
/// # Panics
/// Where the sizes differ.
pub fn multiply(a: &Maps, b: &Maps, y: &mut Maps, add: bool) {
    #[derive(Clone, Copy)]
    struct F;
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, _: usize, _: usize, [a, b, old]: [S::V; 3]) -> S::V {
            S::fma(a, b, old)
        }
    }
    let to = y.view_mut();
    apply(F, [Some(a.view()), Some(b.view()), add.then_some(to)], to);
}

/// Multiplies all values with a number and adds the result to what stands there where `add` is set.
///
/// # Panics
/// Where the sizes differ.
pub fn times(x: &Maps, factor: f32, y: &mut Maps, add: bool) {
    #[derive(Clone, Copy)]
    struct F(f32);
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, _: usize, _: usize, [x, old, _]: [S::V; 3]) -> S::V {
            S::fma(x, S::splat(self.0), old)
        }
    }
    let to = y.view_mut();
    apply(F(factor), [Some(x.view()), add.then_some(to), None], to);
}

/// Multiplies each channel with a factor, adds a summand, then applies a function: a batch norm with known statistics.
///
/// # Panics
/// Where the sizes differ.
pub fn affine(x: &Maps, factors: &[f32], summands: &[f32], f: Activation, y: &mut Maps) {
    #[derive(Clone, Copy)]
    struct F(*const f32, *const f32, Activation);
    // SAFETY: the numbers are only read.
    unsafe impl Sync for F {}
    // SAFETY: as above.
    unsafe impl Send for F {}
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, _: usize, block: usize, [x, ..]: [S::V; 3]) -> S::V {
            let (factor, summand) = (S::load(self.0.add(block * LANES)), S::load(self.1.add(block * LANES)));
            self.2.apply::<S>(S::fma(x, factor, summand))
        }
    }
    assert!(factors.len() == x.geometry().channels && summands.len() == factors.len(), "one number a channel");
    let (factors, summands) = (by_channel(factors), by_channel(summands));
    apply(F(factors.as_ptr(), summands.as_ptr(), f), [Some(x.view()), None, None], y.view_mut());
}

/// Multiplies each channel with a factor and adds the result to what stands there where `add` is set.
///
/// # Panics
/// Where the sizes differ.
pub fn channel_scale(x: &Maps, factors: &[f32], y: &mut Maps, add: bool) {
    #[derive(Clone, Copy)]
    struct F(*const f32);
    // SAFETY: the numbers are only read.
    unsafe impl Sync for F {}
    // SAFETY: as above.
    unsafe impl Send for F {}
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, _: usize, block: usize, [x, old, _]: [S::V; 3]) -> S::V {
            S::fma(x, S::load(self.0.add(block * LANES)), old)
        }
    }
    assert_eq!(factors.len(), x.geometry().channels, "one number a channel");
    let factors = by_channel(factors);
    let to = y.view_mut();
    apply(F(factors.as_ptr()), [Some(x.view()), add.then_some(to), None], to);
}

/// Multiplies every map with its factor, one a picture and channel (`factors` has one pixel), and adds the result to
/// what stands there where `add` is set.
///
/// # Panics
/// Where the sizes differ.
pub fn scale(x: &Maps, factors: &Maps, y: &mut Maps, add: bool) {
    #[derive(Clone, Copy)]
    struct F(View);
    impl Formula for F {
        #[inline(always)]
        unsafe fn value<S: Simd>(&self, image: usize, block: usize, [x, old, _]: [S::V; 3]) -> S::V {
            S::fma(x, S::load(self.0.at(image, block, 0, 0)), old)
        }
    }
    one_pixel(factors, x);
    let to = y.view_mut();
    apply(F(factors.view()), [Some(x.view()), add.then_some(to), None], to);
}

/// Computes the factors' gradient of [`scale`], the sum of `dy · x` over each map.
///
/// # Panics
/// Where the sizes differ.
pub fn scale_backward(x: &Maps, dy: &Maps, factors: &mut Maps) {
    one_pixel(factors, x);
    assert_eq!(x.geometry().bordered(0), dy.geometry().bordered(0), "maps of different sizes");
    let (x, dy, to) = (x.view(), dy.view(), factors.view_mut());
    struct Task(View, View, View, usize, usize);
    impl Kernel for Task {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(x, dy, to, image, block) = self;
            let mut total = S::zero();
            for row in 0..x.height {
                let (a, b) = (x.at(image, block, row as isize, 0), dy.at(image, block, row as isize, 0));
                let mut sum = S::zero();
                for i in 0..x.width {
                    sum = S::fma(S::load(a.add(i * LANES)), S::load(b.add(i * LANES)), sum);
                }
                total = S::add(total, sum);
            }
            S::store(to.at(image, block, 0, 0), total);
        }
    }
    each_block(x, |image, block| {
        // SAFETY: each task writes its own block.
        unsafe { run(Task(x, dy, to, image, block)) }
    });
}

fn one_pixel(factors: &Maps, x: &Maps) {
    let (f, g) = (factors.geometry(), x.geometry());
    assert_eq!([f.batch, f.channels, f.height, f.width], [g.batch, g.channels, 1, 1], "one factor a map");
}

/// Sums each channel over all pixels of all pictures: the gradient of a bias.
pub fn channel_sums(dy: &Maps) -> Vec<f32> {
    sums(dy.view(), None)
}

/// Sums each channel's products over all pixels of all pictures: the gradient of [`channel_scale`]'s factors.
///
/// # Panics
/// Where the sizes differ.
pub fn channel_products(x: &Maps, dy: &Maps) -> Vec<f32> {
    assert_eq!(x.geometry().bordered(0), dy.geometry().bordered(0), "maps of different sizes");
    sums(dy.view(), Some(x.view()))
}

fn sums(dy: View, x: Option<View>) -> Vec<f32> {
    struct Task(View, Option<View>, usize, usize, *mut f32);
    impl Kernel for Task {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(dy, x, image, block, to) = self;
            let mut total = S::zero();
            for row in 0..dy.height {
                let from = dy.at(image, block, row as isize, 0);
                let mut sum = S::zero();
                match x.map(|x| x.at(image, block, row as isize, 0)) {
                    Some(x) => {
                        for i in 0..dy.width {
                            sum = S::fma(S::load(from.add(i * LANES)), S::load(x.add(i * LANES)), sum);
                        }
                    }
                    None => {
                        for i in 0..dy.width {
                            sum = S::add(sum, S::load(from.add(i * LANES)));
                        }
                    }
                }
                total = S::add(total, sum);
            }
            S::store(to, total);
        }
    }
    let mut parts = Buffer::zeroed(dy.batch * dy.blocks * LANES);
    let to = crate::buffer::Shared(parts.as_mut_ptr());
    each_block(dy, |image, block| {
        // SAFETY: each task has its own part.
        unsafe { run(Task(dy, x, image, block, to.get().add((image * dy.blocks + block) * LANES))) }
    });
    let sum = |c: usize| parts.chunks_exact(dy.blocks * LANES).map(|p| f64::from(p[c])).sum::<f64>() as f32;
    (0..dy.channels).map(sum).collect()
}

/// Which channels go where.
#[derive(Clone, Copy, Debug)]
pub struct Channels {
    /// First channel that is read.
    pub from: usize,
    /// First channel that is written.
    pub to: usize,
    /// Number of channels.
    pub len: usize,
}

/// Copies some channels, or adds them to what stands there.
///
/// # Panics
/// Where the channels do not exist or the sizes differ.
pub fn copy_channels(x: &Maps, y: &mut Maps, channels: Channels, add: bool) {
    let Channels { from, to, len } = channels;
    let (x, y) = (x.view(), y.view_mut());
    assert_eq!([x.batch, x.height, x.width], [y.batch, y.height, y.width], "maps of different sizes");
    assert!(from + len <= x.channels && to + len <= y.channels, "channels that do not exist");
    if from.is_multiple_of(LANES) && to.is_multiple_of(LANES) && (len.is_multiple_of(LANES) || to + len == y.channels) {
        struct Task(View, View, usize, [usize; 2], bool);
        impl Kernel for Task {
            #[inline(always)]
            unsafe fn run<S: Simd>(self) {
                let Self(x, y, image, [from, to], add) = self;
                for row in 0..x.height {
                    let (a, b) = (x.at(image, from, row as isize, 0), y.at(image, to, row as isize, 0));
                    for i in 0..x.width {
                        let value = S::load(a.add(i * LANES));
                        let value = if add { S::add(value, S::load(b.add(i * LANES))) } else { value };
                        S::store(b.add(i * LANES), value);
                    }
                }
            }
        }
        let blocks = len.div_ceil(LANES);
        parallel(x.batch * blocks, |i| {
            let (image, block) = (i / blocks, i % blocks);
            // SAFETY: each task writes its own block.
            unsafe { run(Task(x, y, image, [from / LANES + block, to / LANES + block], add)) }
        });
        return;
    }
    let pairs: Vec<[usize; 2]> = (0..len).map(|i| [from + i, to + i]).collect();
    move_channels(x, y, &pairs, add);
}

/// Reorders channels: channel `i` of the result is channel `order[i]` of the input.
///
/// # Panics
/// Where the order does not name one existing channel for each of the result's, or the sizes differ.
pub fn reorder_channels(x: &Maps, y: &mut Maps, order: &[usize]) {
    let (x, y) = (x.view(), y.view_mut());
    assert_eq!([x.batch, x.height, x.width], [y.batch, y.height, y.width], "maps of different sizes");
    assert!(order.len() == y.channels && order.iter().all(|&c| c < x.channels), "channels that do not exist");
    let pairs: Vec<[usize; 2]> = order.iter().enumerate().map(|(to, &from)| [from, to]).collect();
    move_channels(x, y, &pairs, false);
}

/// Moves channels one by one, which is slow, and right whatever their places.
fn move_channels(x: View, y: View, pairs: &[[usize; 2]], add: bool) {
    parallel(x.batch * x.height, |i| {
        let (image, row) = (i / x.height, i % x.height);
        for &[from, to] in pairs {
            // SAFETY: the channels exist; each task writes its own row.
            unsafe {
                let a = x.at(image, from / LANES, row as isize, 0).add(from % LANES);
                let b = y.at(image, to / LANES, row as isize, 0).add(to % LANES);
                for i in 0..x.width {
                    let (a, b) = (*a.add(i * LANES), b.add(i * LANES));
                    *b = if add { *b + a } else { a };
                }
            }
        }
        // SAFETY: the row's own pixels.
        if !add && pairs.iter().any(|p| p[1] + 1 == y.channels) {
            for i in 0..x.width {
                clear_lanes(y, y.channels, |block| unsafe { y.at(image, block, row as isize, i as isize) });
            }
        }
    });
}

/// Lays each picture's values in one row, map after map, as a batch of vectors.
///
/// # Panics
/// Where the sizes differ.
pub fn flatten(x: &Maps, y: &mut Maps) {
    let (x, y) = (x.view(), y.view_mut());
    row_places(x, y, |map, value| {
        // SAFETY: both places exist; each task writes its own vector.
        unsafe { *value = *map }
    });
    let length = x.channels * x.height * x.width;
    for image in 0..x.batch {
        clear_lanes(y, length, |block| {
            // SAFETY: the vector's last block.
            unsafe { y.at(0, block, 0, image as isize) }
        });
    }
}

/// Lays vectors out as maps again: the backward pass of [`flatten`]. What stood in `x` is kept where `add` is set.
///
/// # Panics
/// Where the sizes differ.
pub fn unflatten(y: &Maps, x: &mut Maps, add: bool) {
    let (x, y) = (x.view_mut(), y.view());
    row_places(x, y, |map, value| {
        // SAFETY: both places exist; each task writes its own picture.
        unsafe { *map = if add { *map + *value } else { *value } }
    });
}

/// Calls `f` with the places of each value in the maps and in the vectors.
fn row_places(x: View, y: View, f: impl Fn(*mut f32, *mut f32) + Sync) {
    let area = x.height * x.width;
    assert_eq!([y.batch, y.height, y.width], [1, 1, x.batch], "one vector a picture");
    assert_eq!(y.channels, x.channels * area, "vectors of another length");
    parallel(x.batch, |image| {
        for c in 0..x.channels {
            for p in 0..area {
                let i = c * area + p;
                // SAFETY: the places lie within both.
                unsafe {
                    let map = x.at(image, c / LANES, (p / x.width) as isize, (p % x.width) as isize).add(c % LANES);
                    f(map, y.at(0, i / LANES, 0, image as isize).add(i % LANES));
                }
            }
        }
    });
}

/// Clears the lanes after the last channel, where kernels expect numbers and not what a former use left.
fn clear_lanes(maps: View, channels: usize, last: impl Fn(usize) -> *mut f32) {
    debug_assert!(channels <= maps.blocks * LANES);
    if !channels.is_multiple_of(LANES) {
        let start = last(channels / LANES);
        for lane in channels % LANES..LANES {
            // SAFETY: within the block's last vector.
            unsafe { *start.add(lane) = 0.0 };
        }
    }
}
