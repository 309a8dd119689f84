//! Convolutions joined to one are what they are one after the other.

mod common;

use common::{numbers, packed, unpacked};
use proptest::prelude::*;
use semio_kernels::{Activation, Bottleneck, Conv, ConvShape, Epilogue, Geometry, Maps};

fn conv(shape: ConvShape, seed: u64) -> Conv {
    Conv::new(shape, &numbers(shape.weights(), seed), &numbers(shape.outputs, seed + 1))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn joined_or_apart(
        channels in 2usize..80, inputs in 1usize..40, outputs in 1usize..40, before: bool, after: bool, residual: bool,
        radius in 1usize..3, stride in 1usize..3, batch in 1usize..6, height in 1usize..70, width in 1usize..70,
        spare in 0usize..2, threads in 1usize..4, seed in 0u64..1 << 40,
    ) {
        prop_assume!(before || after);
        semio_kernels::set_threads(threads);
        let (first, last) = (Activation::Relu6, Activation::Silu);
        let kernel = [2 * radius + 1; 2];
        let depthwise = ConvShape {
            kernel, stride: [stride; 2], padding: [radius; 2], groups: channels, ..ConvShape::dense(channels, channels)
        };
        let widen = before.then(|| ConvShape::dense(inputs, channels));
        let narrow = after.then(|| ConvShape::dense(channels, outputs));
        prop_assert!(Bottleneck::suits(widen.as_ref(), &depthwise, narrow.as_ref()));

        let inputs = widen.map_or(channels, |w| w.inputs);
        let input = Geometry { batch, channels: inputs, height, width, border: radius + spare };
        let x = packed(input, &numbers(batch * inputs * height * width, seed));
        let middle = depthwise.output(input.channelled(channels));
        let output = middle.channelled(narrow.map_or(channels, |n| n.outputs)).bordered(spare);
        let other = numbers(batch * output.channels * output.height * output.width, seed + 9);
        let other = residual.then(|| packed(output, &other));

        let run = |conv: Conv, activation, x: &Maps, size: Geometry, residual: Option<&Maps>| {
            let mut y = Maps::zeroed(size);
            conv.run(x, &mut y, Epilogue { residual, activation });
            y
        };
        let wide = widen.map(|w| run(conv(w, seed + 2), first, &x, input.channelled(channels), None));
        let to = if after { middle } else { output };
        let rest = other.as_ref().filter(|_| !after);
        let deep = run(conv(depthwise, seed + 4), first, wide.as_ref().unwrap_or(&x), to, rest);
        let apart = match narrow {
            Some(n) => run(conv(n, seed + 6), last, &deep, output, other.as_ref()),
            None => deep,
        };

        let block = Bottleneck::new(
            widen.map(|w| (conv(w, seed + 2), first)),
            (conv(depthwise, seed + 4), first),
            narrow.map(|n| (conv(n, seed + 6), last)),
        );
        let mut joined = Maps::zeroed(output);
        block.run(&x, &mut joined, other.as_ref());
        prop_assert_eq!(unpacked(&joined), unpacked(&apart));
    }
}

#[test]
fn what_does_not_follow_one_another_is_not_joined() {
    let depthwise =
        ConvShape { kernel: [3, 3], stride: [1, 1], padding: [1, 1], groups: 32, ..ConvShape::dense(32, 32) };
    let dense = ConvShape::dense(8, 32);
    assert!(Bottleneck::suits(Some(&dense), &depthwise, None));
    assert!(!Bottleneck::suits(None, &depthwise, None), "nothing to join");
    assert!(!Bottleneck::suits(Some(&ConvShape::dense(8, 16)), &depthwise, None), "other maps");
    assert!(!Bottleneck::suits(Some(&ConvShape { stride: [2, 2], ..dense }), &depthwise, None), "a step");
    assert!(!Bottleneck::suits(Some(&dense), &ConvShape { groups: 1, ..depthwise }, None), "no depthwise one");
    assert!(!Bottleneck::suits(Some(&dense), &ConvShape { padding: [0, 0], ..depthwise }, None), "a narrower output");
}
