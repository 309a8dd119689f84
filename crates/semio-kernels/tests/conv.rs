//! Every convolution, forward and both gradients, equals plain loops in double precision.

mod common;

use common::{distance, numbers, packed, unpacked};
use proptest::prelude::*;
use semio_kernels::{
    Activation, Conv, ConvShape, Epilogue, FirstConv, Geometry, Maps, Planar, convolve, first_weight_gradient,
    weight_gradient,
};

/// Visits each product of a convolution: output, input and weight index.
fn products(shape: &ConvShape, input: Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let out = shape.output(input);
    let (per_in, per_out) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
    let [kh, kw] = shape.kernel;
    for n in 0..input.batch {
        for o in 0..shape.outputs {
            for y in 0..out.height {
                for x in 0..out.width {
                    let at = ((n * shape.outputs + o) * out.height + y) * out.width + x;
                    for c in 0..per_in {
                        let channel = o / per_out * per_in + c;
                        for i in 0..kh {
                            let row = (y * shape.stride[0] + i * shape.dilation[0]).wrapping_sub(shape.padding[0]);
                            if row >= input.height {
                                continue;
                            }
                            for j in 0..kw {
                                let column =
                                    (x * shape.stride[1] + j * shape.dilation[1]).wrapping_sub(shape.padding[1]);
                                if column >= input.width {
                                    continue;
                                }
                                let from = ((n * shape.inputs + channel) * input.height + row) * input.width + column;
                                f(at, from, ((o * per_in + c) * kh + i) * kw + j);
                            }
                        }
                    }
                }
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    shape: ConvShape,
    input: Geometry,
    /// Border beyond what is needed.
    spare: usize,
    residual: bool,
    seed: u64,
}

fn elements(g: Geometry) -> usize {
    g.batch * g.channels * g.height * g.width
}

fn check(case: &Case) {
    let Case { shape, input, spare, residual, seed } = case.clone();
    let out = shape.output(input);
    let x = numbers(elements(input), seed);
    let w = numbers(shape.weights(), seed + 1);
    let bias = numbers(shape.outputs, seed + 2);
    let rest = numbers(elements(out), seed + 3);
    let dy = numbers(elements(out), seed + 4);

    let area = out.height * out.width;
    let mut y: Vec<f64> = (0..elements(out)).map(|i| f64::from(bias[i / area % shape.outputs])).collect();
    let mut dx: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    let mut dw = vec![0f64; w.len()];
    products(&shape, input, |o, i, k| {
        y[o] += f64::from(x[i]) * f64::from(w[k]);
        dx[i] += f64::from(dy[o]) * f64::from(w[k]);
        dw[k] += f64::from(dy[o]) * f64::from(x[i]);
    });
    let plain = y.clone();
    if residual {
        y.iter_mut().zip(&rest).for_each(|(y, r)| *y += f64::from(*r));
    }
    for y in &mut y {
        *y = y.max(0.0);
    }

    let maps = packed(input.bordered(shape.input_border() + spare), &x);
    let rest = residual.then(|| packed(out.bordered(spare), &rest));
    let mut output = Maps::zeroed(out.bordered(spare));
    let epilogue = Epilogue { residual: rest.as_ref(), activation: Activation::Relu };
    Conv::new(shape, &w, &bias).run(&maps, &mut output, epilogue);
    assert!(distance(&unpacked(&output), &y) < 1e-4, "output: {}", distance(&unpacked(&output), &y));

    // What a training step computes: nothing is added or cut off.
    convolve(&shape, &w, &bias, &maps, &mut output);
    assert!(distance(&unpacked(&output), &plain) < 1e-4, "once: {}", distance(&unpacked(&output), &plain));

    let gradient = packed(out.bordered(shape.gradient_border() + spare), &dy);
    let mut input_gradient = packed(input.bordered(spare), &x);
    semio_kernels::input_gradient(&shape, &w, &gradient, &mut input_gradient, true);
    let off = distance(&unpacked(&input_gradient), &dx);
    assert!(off < 1e-4, "gradient of the input: {off}");

    let weights = weight_gradient(&shape, &maps, &gradient);
    assert!(distance(&weights, &dw) < 1e-4, "gradient of the weights: {}", distance(&weights, &dw));

    if shape.groups == 1 && !residual {
        let planar = Planar::new(input.bordered(shape.input_border() + spare), &x);
        let mut output = Maps::zeroed(out.bordered(spare));
        FirstConv::new(shape, &w, &bias).run(&planar, &mut output, Activation::Relu);
        assert!(distance(&unpacked(&output), &y) < 1e-4, "output of pictures in rows");
        let weights = first_weight_gradient(&shape, &planar, &gradient);
        assert!(distance(&weights, &dw) < 1e-4, "gradient of the weights of pictures in rows");
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let side = 1usize..4;
    let window = (prop::sample::select(vec![1usize, 2, 3, 5, 7]), side.clone(), 0usize..4, 1usize..3);
    let channels = (1usize..5, 1usize..20, 1usize..20);
    (window.clone(), window, channels, 1usize..3, 1usize..30, 1usize..30, 0usize..2, any::<bool>(), any::<u64>())
        .prop_map(
            |((kh, sh, ph, dh), (kw, sw, pw, dw), (groups, per_in, per_out), batch, h, w, spare, residual, seed)| {
                let shape = ConvShape {
                    inputs: groups * per_in,
                    outputs: groups * per_out,
                    groups,
                    kernel: [kh, kw],
                    stride: [sh, sw],
                    padding: [ph.min((kh - 1) * dh), pw.min((kw - 1) * dw)],
                    dilation: [dh, dw],
                };
                // A picture that the window fits into.
                let height = h.max(dh * (kh - 1) + 1);
                let width = w.max(dw * (kw - 1) + 1);
                let input = Geometry { batch, channels: shape.inputs, height, width, border: 0 };
                Case { shape, input, spare, residual, seed: seed >> 8 }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_convolution_is_the_plain_one(case in cases()) {
        check(&case);
    }

    #[test]
    fn winograds_form_is_the_plain_one(
        inputs in 16usize..70, outputs in 1usize..70, h in 1usize..20, w in 1usize..40, batch in 1usize..4,
        padding in 0usize..3, residual in any::<bool>(), seed in 0u64..1 << 40,
    ) {
        let shape = ConvShape {
            inputs, outputs, groups: 1, kernel: [3, 3], stride: [1, 1], padding: [padding; 2], dilation: [1, 1],
        };
        let least = 3usize.saturating_sub(2 * padding).max(1);
        let input = Geometry { batch, channels: inputs, height: h.max(least), width: w.max(least), border: 0 };
        check(&Case { shape, input, spare: 0, residual, seed });
    }

    #[test]
    fn products_of_matrices_are_the_plain_ones(
        long: bool, inputs in 1usize..1700, outputs in 1usize..100, batch in 1usize..9, height in 1usize..9,
        width in 1usize..70, spare in 0usize..2, residual in any::<bool>(), seed in 0u64..1 << 40,
    ) {
        // Long sums, or many pixels.
        let (inputs, height) = if long { (inputs, 1) } else { (inputs % 64 + 1, height) };
        prop_assume!(inputs * outputs * batch * height * width < 8 << 20);
        let input = Geometry { batch, channels: inputs, height, width, border: 0 };
        check(&Case { shape: ConvShape::dense(inputs, outputs), input, spare, residual, seed });
    }

    #[test]
    fn depthwise_is_the_plain_one(
        channels in 2usize..40, kernel in prop::sample::select(vec![3usize, 5, 7]), stride in 1usize..3,
        h in 7usize..20, w in 7usize..30, batch in 1usize..3, residual in any::<bool>(), seed in 0u64..1 << 40,
    ) {
        let shape = ConvShape {
            inputs: channels, outputs: channels, groups: channels, kernel: [kernel; 2], stride: [stride; 2],
            padding: [kernel / 2; 2], dilation: [1, 1],
        };
        let input = Geometry { batch, channels, height: h, width: w, border: 0 };
        check(&Case { shape, input, spare: 1, residual, seed });
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let shape = ConvShape {
        inputs: 80,
        outputs: 144,
        groups: 1,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
        dilation: [1, 1],
    };
    let point = ConvShape::dense(80, 144);
    for (shape, side) in [(shape, 28), (shape, 9), (ConvShape { stride: [2, 2], ..shape }, 17), (point, 7), (point, 40)]
    {
        let input = Geometry { batch: 3, channels: 80, height: side, width: side, border: 1 };
        let out = shape.output(input);
        let (x, w) = (numbers(elements(input), 1), numbers(shape.weights(), 2));
        let dy = numbers(elements(out), 3);
        let results: Vec<Vec<f32>> = [1, 2, 3]
            .into_iter()
            .map(|threads| {
                semio_kernels::set_threads(threads);
                let maps = packed(input, &x);
                let mut y = Maps::zeroed(out);
                Conv::new(shape, &w, &vec![0.0; 144]).run(&maps, &mut y, Epilogue::default());
                let gradient = packed(out.bordered(1), &dy);
                let mut dx = Maps::zeroed(input);
                semio_kernels::input_gradient(&shape, &w, &gradient, &mut dx, false);
                let dw = weight_gradient(&shape, &maps, &gradient);
                let mut once = Maps::zeroed(out);
                convolve(&shape, &w, &vec![0.0; 144], &maps, &mut once);
                [unpacked(&y), unpacked(&once), unpacked(&dx), dw].concat()
            })
            .collect();
        assert!(results.iter().all(|r| r == &results[0]));
    }
}

#[test]
fn a_value_that_is_no_number_stays_one() {
    let shape = ConvShape {
        inputs: 16,
        outputs: 16,
        groups: 1,
        kernel: [1, 1],
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
    };
    let input = Geometry { batch: 1, channels: 16, height: 2, width: 2, border: 0 };
    let mut x = numbers(elements(input), 1);
    x[0] = f32::NAN;
    let mut y = Maps::zeroed(input);
    let epilogue = Epilogue { residual: None, activation: Activation::Relu6 };
    Conv::new(shape, &numbers(256, 2), &[0.0; 16]).run(&packed(input, &x), &mut y, epilogue);
    let y = unpacked(&y);
    assert!(y.iter().step_by(4).all(|v| v.is_nan()), "{y:?}");
    assert!(y.iter().skip(1).step_by(4).all(|v| v.is_finite()));
}
