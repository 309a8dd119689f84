//! Attention and what surrounds it equal plain loops in double precision.

mod common;

use common::{distance, numbers, packed, unpacked};
use proptest::prelude::*;
use semio_kernels::{Attention, Compare, Geometry, Maps, OUTSIDE, embed, first_pixel, merge_squares};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn attention_is_the_plain_one(
        batch in 1usize..3, heads in 1usize..4, blocks in 1usize..4, area in 1usize..50, windows in 1usize..4,
        missing in 0usize..4, cosine: bool, biased: bool, scale in 0.2f32..4.0, seed in 0u64..1 << 40,
    ) {
        let (values, missing) = (16 * blocks, missing.min(area - 1));
        // Pixels are dealt to windows in turn; the last window lacks some.
        let pixels = area * windows - missing;
        let place = |w: usize, i: usize| Some(i * windows + windows - 1 - w).filter(|p| *p < pixels);
        let places: Vec<u32> = (0..windows * area)
            .map(|i| place(i / area, i % area).map_or(OUTSIDE, |p| p as u32))
            .collect();
        prop_assume!(places.iter().filter(|p| **p != OUTSIDE).count() == pixels);
        let channels = heads * values;
        let x: Vec<f32> = numbers(batch * 3 * channels * pixels, seed).iter().map(|v| v * scale).collect();
        let outside = numbers(3 * channels, seed + 1);
        let tables = numbers(2 * heads * area * area, seed + 2);
        let which: Vec<usize> = (0..windows).map(|w| w % 2).collect();
        let factors: Vec<f32> = (0..heads).map(|h| 1.5 + h as f32).collect();

        let mut expected = vec![0f64; batch * channels * pixels];
        for image in 0..batch {
            for window in 0..windows {
                for head in 0..heads {
                    let vector = |part: usize, i: usize| -> Vec<f64> {
                        (0..values).map(|d| {
                            let c = part * channels + head * values + d;
                            f64::from(match place(window, i) {
                                Some(p) => x[(image * 3 * channels + c) * pixels + p],
                                None => outside[c],
                            })
                        }).collect()
                    };
                    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                    for i in 0..area {
                        let Some(p) = place(window, i) else { continue };
                        let q = vector(0, i);
                        let scores: Vec<f64> = (0..area).map(|j| {
                            let k = vector(1, j);
                            let score = if cosine {
                                dot(&q, &k) / (dot(&q, &q) * dot(&k, &k)).sqrt() * f64::from(factors[head])
                            } else {
                                dot(&q, &k)
                            };
                            let at = ((which[window] * heads + head) * area + i) * area + j;
                            score + if biased { f64::from(tables[at]) } else { 0.0 }
                        }).collect();
                        let most = scores.iter().fold(f64::NEG_INFINITY, |m, s| m.max(*s));
                        let shares: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
                        let sum: f64 = shares.iter().sum();
                        for (j, share) in shares.iter().enumerate() {
                            for (d, v) in vector(2, j).into_iter().enumerate() {
                                expected[(image * channels + head * values + d) * pixels + p] += share / sum * v;
                            }
                        }
                    }
                }
            }
        }

        let mut attention = Attention::new(heads, blocks, area, places).with_outside(&outside);
        if cosine {
            attention = attention.comparing(Compare::Cosine(factors));
        }
        if biased {
            attention = attention.with_bias(&tables, which);
        }
        let size = Geometry { batch, channels: 3 * channels, height: 1, width: pixels, border: 0 };
        let mut y = Maps::zeroed(Geometry { channels, ..size });
        attention.run(&packed(size, &x), &mut y);
        prop_assert!(distance(&unpacked(&y), &expected) < 1e-4, "{}", distance(&unpacked(&y), &expected));
    }

    #[test]
    fn tokens_and_squares_are_moved(batch in 1usize..3, channels in 1usize..40, height in 1usize..6, width in 1usize..6,
        wide: bool, seed in 0u64..1 << 40) {
        let channels = if wide { channels.next_multiple_of(16) } else { channels };
        let (area, tokens) = (height * width, 1 + height * width);
        let size = Geometry { batch, channels, height, width, border: 1 };
        let x = numbers(batch * channels * area, seed);
        let (first, positions) = (numbers(channels, seed + 1), numbers(channels * tokens, seed + 2));
        let row = Geometry { batch: 1, channels, height: 1, width: tokens, border: 0 };
        let mut y = Maps::zeroed(Geometry { batch, ..row });
        let start = packed(Geometry { width: 1, ..row }, &first);
        embed(&packed(size, &x), &start, &packed(row, &positions), &mut y);
        let expected: Vec<f32> = (0..batch * channels * tokens).map(|i| {
            let (map, token) = (i / tokens, i % tokens);
            let value = if token == 0 { first[map % channels] } else { x[map * area + token - 1] };
            value + positions[map % channels * tokens + token]
        }).collect();
        prop_assert_eq!(unpacked(&y), expected.clone());
        let mut vectors = Maps::zeroed(Geometry::vectors(batch, channels));
        first_pixel(&y, &mut vectors);
        prop_assert_eq!(vectors.rows(), expected.chunks(tokens).map(|t| t[0]).collect::<Vec<f32>>());

        let (rows, columns) = (height.div_ceil(2), width.div_ceil(2));
        let mut merged = Maps::zeroed(Geometry { batch, channels: 4 * channels, height: rows, width: columns, border: 1 });
        merge_squares(&packed(size, &x), &mut merged);
        let expected: Vec<f32> = (0..batch * 4 * channels * rows * columns).map(|i| {
            let (c, r, q) = (i / (rows * columns), i / columns % rows, i % columns);
            let (image, part, c) = (c / (4 * channels), c / channels % 4, c % channels);
            let (r, q) = (2 * r + part % 2, 2 * q + part / 2);
            if r < height && q < width { x[(image * channels + c) * area + r * width + q] } else { 0.0 }
        }).collect();
        prop_assert_eq!(unpacked(&merged), expected);
    }
}
