//! Norms, pools and what is done to single values equal plain loops in double precision, forward and backward.

#![expect(clippy::float_cmp, reason = "values that are only moved stay the same")]

mod common;

use common::{distance, numbers, packed, unpacked};
use proptest::prelude::*;
use semio_kernels::{
    Activation, Affine, Channels, Geometry, Maps, Windows, activate_backward, avg_pool, avg_pool_backward, batch_norm,
    batch_norm_backward, channel_products, channel_scale, channel_sums, copy_channels, flatten, global_avg_pool,
    global_avg_pool_backward, layer_norm, layer_norm_backward, max_pool, max_pool_backward, reorder_channels, scale,
    scale_backward, unflatten,
};

/// A function of one value.
type Function = fn(f64) -> f64;

fn elements(g: Geometry) -> usize {
    g.batch * g.channels * g.height * g.width
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Index of picture, channel and pixel.
fn place(g: Geometry, i: usize) -> (usize, usize, usize) {
    let area = g.height * g.width;
    (i / (g.channels * area), i / area % g.channels, i % area)
}

fn geometries() -> impl Strategy<Value = Geometry> {
    (1usize..4, 1usize..40, 1usize..12, 1usize..20, 0usize..3)
        .prop_map(|(batch, channels, height, width, border)| Geometry { batch, channels, height, width, border })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batch_norm_is_the_plain_one(g in geometries(), which in 0usize..5, offset in -4f32..4.0, add: bool, seed in 0u64..1 << 40) {
        // The gradient over a handful of values is a difference of almost equal numbers.
        prop_assume!(g.batch * g.height * g.width >= 8);
        let n = elements(g);
        let (f, with_residual) = [
            (Activation::Identity, false), (Activation::Relu, false), (Activation::Relu, true),
            (Activation::Relu6, true), (Activation::Silu, false),
        ][which];
        let x: Vec<f32> = numbers(n, seed).iter().map(|v| v * 2.0 + offset).collect();
        let (rest, dy, old) = (numbers(n, seed + 1), numbers(n, seed + 2), numbers(n, seed + 3));
        let (gamma, beta) = (numbers(g.channels, seed + 4), numbers(g.channels, seed + 5));
        let count = (g.batch * g.height * g.width) as f64;
        let of = |values: &[f64]| {
            let mut sums = vec![0f64; g.channels];
            values.iter().enumerate().for_each(|(i, v)| sums[place(g, i).1] += v);
            sums
        };
        let mean: Vec<f64> = of(&wide(&x)).iter().map(|s| s / count).collect();
        let centred: Vec<f64> = wide(&x).iter().enumerate().map(|(i, v)| v - mean[place(g, i).1]).collect();
        let variance: Vec<f64> =
            of(&centred.iter().map(|c| c * c).collect::<Vec<_>>()).iter().map(|s| s / count).collect();
        let root: Vec<f64> = variance.iter().map(|v| 1.0 / (v + 1e-3).sqrt()).collect();
        let normal: Vec<f64> = centred.iter().enumerate().map(|(i, c)| c * root[place(g, i).1]).collect();
        let before: Vec<f64> = (0..n).map(|i| {
            let c = place(g, i).1;
            normal[i] * f64::from(gamma[c]) + f64::from(beta[c]) + if with_residual { f64::from(rest[i]) } else { 0.0 }
        }).collect();
        let (value, slope): (Function, Function) = match f {
            Activation::Identity => (|v| v, |_| 1.0),
            Activation::Relu => (|v| v.max(0.0), |v| f64::from(u8::from(v > 0.0))),
            Activation::Relu6 => (|v| v.clamp(0.0, 6.0), |v| f64::from(u8::from(v > 0.0 && v < 6.0))),
            _ => (
                |v| v / (1.0 + (-v).exp()),
                |v| { let s = 1.0 / (1.0 + (-v).exp()); s * (1.0 + v * (1.0 - s)) },
            ),
        };
        // A value on a corner may fall on either side.
        prop_assume!(before.iter().all(|v| v.abs() > 1e-4 && (v - 6.0).abs() > 1e-4));
        let y: Vec<f64> = before.iter().map(|v| value(*v)).collect();
        let inner: Vec<f64> = (0..n).map(|i| f64::from(dy[i]) * slope(before[i])).collect();
        let shift = of(&inner);
        let tilt = of(&inner.iter().zip(&normal).map(|(a, b)| a * b).collect::<Vec<_>>());
        let dx: Vec<f64> = (0..n).map(|i| {
            let c = place(g, i).1;
            f64::from(gamma[c]) * root[c] * (inner[i] - shift[c] / count - normal[i] * tilt[c] / count)
        }).collect();

        let maps = packed(g, &x);
        let rest = packed(g.bordered(1), &rest);
        let mut out = Maps::zeroed(g.bordered(0));
        let affine = Affine { scale: &gamma, shift: &beta, epsilon: 1e-3 };
        let statistics = batch_norm(&maps, affine, with_residual.then_some(&rest), f, &mut out);
        prop_assert!(distance(&unpacked(&out), &y) < 1e-4);
        prop_assert!(distance(&statistics.mean, &mean) < 1e-4);
        prop_assert!(statistics.variance.iter().zip(&variance).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4 * (b + 1e-2)));
        let mut gradient = packed(g.bordered(2), &dy);
        let mut other = packed(g, &old);
        let residual = with_residual.then_some((&mut other, add));
        let trained = batch_norm_backward(&maps, &out, &statistics, f, &mut gradient, residual);
        prop_assert!(distance(&trained.shift, &shift) < 1e-4);
        prop_assert!(distance(&trained.scale, &tilt) < 1e-4 || tilt.iter().all(|t| t.abs() < 1e-4));
        let largest = dx.iter().fold(0f64, |m, v| m.max(v.abs()));
        prop_assert!(distance(&unpacked(&gradient), &dx) < 1e-4 || largest < 1e-4, "{} {largest}", distance(&unpacked(&gradient), &dx));
        if with_residual {
            let expected: Vec<f64> = (0..n).map(|i| inner[i] + if add { f64::from(old[i]) } else { 0.0 }).collect();
            prop_assert!(distance(&unpacked(&other), &expected) < 1e-5);
        }
    }

    #[test]
    fn layer_norm_is_the_plain_one(g in geometries(), seed in 0u64..1 << 40) {
        let n = elements(g);
        let x = numbers(n, seed);
        let (gamma, beta) = (numbers(g.channels, seed + 1), numbers(g.channels, seed + 2));
        let area = g.height * g.width;
        let y: Vec<f64> = (0..n).map(|i| {
            let (image, c, p) = place(g, i);
            let pixel: Vec<f64> = (0..g.channels).map(|c| f64::from(x[(image * g.channels + c) * area + p])).collect();
            let mean = pixel.iter().sum::<f64>() / g.channels as f64;
            let variance = pixel.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / g.channels as f64;
            (pixel[c] - mean) / (variance + 1e-3).sqrt() * f64::from(gamma[c]) + f64::from(beta[c])
        }).collect();
        let mut maps = packed(g, &x);
        // What stands in channels that do not exist means nothing.
        let mut stale = Maps::zeroed(Geometry { channels: g.channels.next_multiple_of(16), ..g });
        stale.pack(&vec![7.0; elements(stale.geometry())]);
        let mut stale = stale.reshaped(g);
        copy_channels(&maps, &mut stale, Channels { from: 0, to: 0, len: g.channels }, false);
        std::mem::swap(&mut maps, &mut stale);
        let mut out = Maps::zeroed(g);
        layer_norm(&maps, Affine { scale: &gamma, shift: &beta, epsilon: 1e-3 }, None, &mut out);
        prop_assert!(distance(&unpacked(&out), &y) < 1e-4);
        let other = numbers(n, seed + 3);
        let residual = packed(g.bordered(1), &other);
        layer_norm(&maps, Affine { scale: &gamma, shift: &beta, epsilon: 1e-3 }, Some(&residual), &mut out);
        let y: Vec<f64> = y.iter().zip(&other).map(|(y, o)| y + f64::from(*o)).collect();
        prop_assert!(distance(&unpacked(&out), &y) < 1e-4);
    }

    #[test]
    fn gradients_of_layer_norm_are_the_plain_ones(g in geometries(), add: bool, seed in 0u64..1 << 40) {
        // The gradient over a handful of channels is a difference of almost equal numbers.
        prop_assume!(g.channels >= 4);
        let (n, area, count) = (elements(g), g.height * g.width, g.channels as f64);
        let (x, dy, old) = (numbers(n, seed), numbers(n, seed + 1), numbers(n, seed + 2));
        let gamma = numbers(g.channels, seed + 3);
        let (mut scale, mut shift) = (vec![0f64; g.channels], vec![0f64; g.channels]);
        let mut dx = vec![0f64; n];
        for pixel in 0..g.batch * area {
            let at = |c: usize| (pixel / area * g.channels + c) * area + pixel % area;
            let sum = |f: &dyn Fn(usize) -> f64| (0..g.channels).map(f).sum::<f64>();
            let mean = sum(&|c| f64::from(x[at(c)])) / count;
            let root = (sum(&|c| (f64::from(x[at(c)]) - mean).powi(2)) / count + 1e-3).sqrt();
            let normal = |c: usize| (f64::from(x[at(c)]) - mean) / root;
            let inner = |c: usize| f64::from(dy[at(c)]) * f64::from(gamma[c]);
            let (flat, tilt) = (sum(&inner) / count, sum(&|c| inner(c) * normal(c)) / count);
            for c in 0..g.channels {
                scale[c] += f64::from(dy[at(c)]) * normal(c);
                shift[c] += f64::from(dy[at(c)]);
                dx[at(c)] = (inner(c) - flat - normal(c) * tilt) / root + if add { f64::from(old[at(c)]) } else { 0.0 };
            }
        }
        let affine = Affine { scale: &gamma, shift: &gamma, epsilon: 1e-3 };
        let mut gradient = packed(g.bordered(if seed % 2 == 0 { g.border } else { 3 }), &old);
        let trained = layer_norm_backward(&packed(g, &x), affine, &packed(g, &dy), &mut gradient, add);
        prop_assert!(distance(&unpacked(&gradient), &dx) < 1e-4, "{}", distance(&unpacked(&gradient), &dx));
        prop_assert!(distance(&trained.scale, &scale) < 1e-4);
        prop_assert!(distance(&trained.shift, &shift) < 1e-4);
    }

    #[test]
    fn pools_are_the_plain_ones(g in geometries(), kernel in 1usize..4, stride in 1usize..4, pad in 0usize..2, adaptive: bool,
        count_zeros: bool, add: bool, seed in 0u64..1 << 40) {
        let pad = pad.min(kernel / 2);
        prop_assume!(g.height + 2 * pad >= kernel && g.width + 2 * pad >= kernel);
        let side = |n: usize| (n + 2 * pad - kernel) / stride + 1;
        let (input, output) = ([g.height, g.width], [side(g.height), side(g.width)]);
        let windows = if adaptive {
            Windows::parts(input, output)
        } else {
            Windows::sliding(input, output, [kernel; 2], [stride; 2], [pad; 2])
        };
        let out = Geometry { height: output[0], width: output[1], border: 0, ..g };
        let divisor = (count_zeros && !adaptive).then_some((kernel * kernel) as f32);
        let (x, dy, old) = (numbers(elements(g), seed), numbers(elements(out), seed + 1), numbers(elements(g), seed + 2));
        let (mut largest, mut mean) = (vec![f64::NEG_INFINITY; elements(out)], vec![0f64; elements(out)]);
        let start = |i: usize| if add { f64::from(old[i]) } else { 0.0 };
        let mut max_back: Vec<f64> = (0..x.len()).map(start).collect();
        let mut mean_back = max_back.clone();
        for (o, dy) in dy.iter().enumerate() {
            let (image, c, p) = place(out, o);
            let (rows, columns) = (&windows.rows[p / out.width], &windows.columns[p % out.width]);
            let at = |r: usize, q: usize| ((image * g.channels + c) * g.height + r) * g.width + q;
            let inside: Vec<usize> = rows.clone().flat_map(|r| columns.clone().map(move |q| at(r, q))).collect();
            let n = divisor.map_or(inside.len() as f64, f64::from);
            let mut best = None;
            for &i in &inside {
                mean[o] += f64::from(x[i]) / n;
                mean_back[i] += f64::from(*dy) / n;
                if f64::from(x[i]) > largest[o] {
                    (largest[o], best) = (f64::from(x[i]), Some(i));
                }
            }
            if let Some(best) = best {
                max_back[best] += f64::from(*dy);
            }
        }
        let maps = packed(g, &x);
        let gradient = packed(out.bordered(1), &dy);
        let mut y = Maps::zeroed(out.bordered(1));
        max_pool(&maps, &windows, &mut y);
        prop_assert!(distance(&unpacked(&y), &largest) < 1e-6);
        let mut dx = packed(g.bordered(0), &old);
        max_pool_backward(&maps, &windows, &y, &gradient, &mut dx, add);
        prop_assert!(distance(&unpacked(&dx), &max_back) < 1e-5);
        avg_pool(&maps, &windows, divisor, &mut y);
        prop_assert!(distance(&unpacked(&y), &mean) < 1e-5);
        let mut dx = packed(g.bordered(0), &old);
        avg_pool_backward(&windows, divisor, &gradient, &mut dx, add);
        prop_assert!(distance(&unpacked(&dx), &mean_back) < 1e-5);
    }

    #[test]
    fn vectors_and_maps_meet(g in geometries(), add: bool, seed in 0u64..1 << 40) {
        let (n, area) = (elements(g), g.height * g.width);
        let (x, old) = (numbers(n, seed), numbers(n, seed + 1));
        let maps = packed(g, &x);
        let mut row = Maps::zeroed(Geometry::vectors(g.batch, g.channels * area));
        flatten(&maps, &mut row);
        prop_assert_eq!(row.rows(), x.clone());
        let mut back = packed(g, &old);
        unflatten(&row, &mut back, add);
        let expected: Vec<f64> = (0..n).map(|i| f64::from(x[i]) + if add { f64::from(old[i]) } else { 0.0 }).collect();
        prop_assert!(distance(&unpacked(&back), &expected) < 1e-6);

        let mut means = Maps::zeroed(Geometry::vectors(g.batch, g.channels));
        global_avg_pool(&maps, &mut means);
        let expected: Vec<f64> =
            x.chunks(area).map(|map| map.iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64).collect();
        prop_assert!(distance(&means.rows(), &expected) < 1e-5);
        let mut back = packed(g, &old);
        global_avg_pool_backward(&means, &mut back, add);
        let expected: Vec<f64> =
            (0..n).map(|i| expected[i / area] / area as f64 + if add { f64::from(old[i]) } else { 0.0 }).collect();
        prop_assert!(distance(&unpacked(&back), &expected) < 1e-5);
    }

    #[test]
    fn factors_sums_and_slopes(g in geometries(), add: bool, seed in 0u64..1 << 40) {
        let (n, area) = (elements(g), g.height * g.width);
        let (x, dy, old) = (numbers(n, seed), numbers(n, seed + 1), numbers(n, seed + 2));
        let one = Geometry { height: 1, width: 1, border: 0, ..g };
        let factors = numbers(elements(one), seed + 3);
        let start = |i: usize| if add { f64::from(old[i]) } else { 0.0 };
        let mut y = packed(g, &old);
        scale(&packed(g, &x), &packed(one, &factors), &mut y, add);
        let expected: Vec<f64> = (0..n).map(|i| f64::from(x[i]) * f64::from(factors[i / area]) + start(i)).collect();
        prop_assert!(distance(&unpacked(&y), &expected) < 1e-5);
        let mut back = Maps::zeroed(one);
        scale_backward(&packed(g, &x), &packed(g.bordered(1), &dy), &mut back);
        let sums = |values: &[f64]| values.chunks(area).map(|map| map.iter().sum()).collect::<Vec<f64>>();
        let products: Vec<f64> = x.iter().zip(&dy).map(|(a, b)| f64::from(*a) * f64::from(*b)).collect();
        prop_assert!(distance(&unpacked(&back), &sums(&products)) < 1e-4);
        let mut bias = vec![0f64; g.channels];
        dy.iter().enumerate().for_each(|(i, v)| bias[place(g, i).1] += f64::from(*v));
        prop_assert!(distance(&channel_sums(&packed(g, &dy)), &bias) < 1e-4);
        let factors = numbers(g.channels, seed + 3);
        let mut y = packed(g, &old);
        channel_scale(&packed(g, &x), &factors, &mut y, add);
        let expected: Vec<f64> =
            (0..n).map(|i| f64::from(x[i]) * f64::from(factors[place(g, i).1]) + start(i)).collect();
        prop_assert!(distance(&unpacked(&y), &expected) < 1e-5);
        let mut sums = vec![0f64; g.channels];
        products.iter().enumerate().for_each(|(i, v)| sums[place(g, i).1] += v);
        prop_assert!(distance(&channel_products(&packed(g, &x), &packed(g.bordered(1), &dy)), &sums) < 1e-4);
        let mut dx = packed(g, &old);
        activate_backward(&packed(g, &x), Activation::Relu, &packed(g, &dy), &mut dx, add);
        let expected: Vec<f64> = (0..n).map(|i| if x[i] > 0.0 { f64::from(dy[i]) } else { 0.0 } + start(i)).collect();
        prop_assert!(distance(&unpacked(&dx), &expected) < 1e-5);
    }

    #[test]
    fn channels_go_where_they_should(g in geometries(), from in 0usize..40, to in 0usize..40, len in 1usize..40, add: bool, seed in 0u64..1 << 40) {
        let from = from.min(g.channels - 1);
        let len = len.min(g.channels - from);
        let wider = Geometry { channels: to + len + seed as usize % 3, ..g };
        let (x, old) = (numbers(elements(g), seed), numbers(elements(wider), seed + 1));
        let mut y = packed(wider, &old);
        copy_channels(&packed(g, &x), &mut y, Channels { from, to, len }, add);
        let area = g.height * g.width;
        let expected: Vec<f64> = (0..old.len()).map(|i| {
            let (image, c, p) = place(wider, i);
            if (to..to + len).contains(&c) {
                let v = f64::from(x[(image * g.channels + from + c - to) * area + p]);
                if add { v + f64::from(old[i]) } else { v }
            } else {
                f64::from(old[i])
            }
        }).collect();
        prop_assert!(distance(&unpacked(&y), &expected) < 1e-6);
        let order: Vec<usize> = (0..g.channels).rev().collect();
        let mut turned = Maps::zeroed(g);
        reorder_channels(&packed(g, &x), &mut turned, &order);
        let got = unpacked(&turned);
        let moved = (0..got.len()).all(|i| {
            let (image, c, p) = place(g, i);
            got[i] == x[(image * g.channels + order[c]) * area + p]
        });
        prop_assert!(moved);
    }
}
