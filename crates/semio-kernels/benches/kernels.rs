//! Speed of single kernels. `Gelem/s` are multiply-adds a second (for Winograd's form, those that the direct form would
//! need); the first line measures what the machine's multiply-add units give at most on as many threads.

#![expect(clippy::print_stdout, reason = "a benchmark reports")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use semio_kernels::{Conv, ConvShape, Epilogue, Geometry, Maps, convolve, input_gradient, weight_gradient};

fn shape(inputs: usize, outputs: usize, kernel: usize, stride: usize, groups: usize) -> ConvShape {
    ConvShape {
        inputs,
        outputs,
        groups,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        dilation: [1; 2],
    }
}

fn convolutions(c: &mut Criterion) {
    println!(
        "{} on {} threads, peak {:.0} G multiply-adds/s",
        semio_kernels::isa(),
        semio_kernels::threads(),
        semio_kernels::peak() / 1e9
    );
    let layers = [
        ("3x3 64 @56", shape(64, 64, 3, 1, 1), 56),
        ("3x3 128 @28", shape(128, 128, 3, 1, 1), 28),
        ("3x3 256 @14", shape(256, 256, 3, 1, 1), 14),
        ("3x3 512 @7", shape(512, 512, 3, 1, 1), 7),
        ("3x3/2 64-128 @56", shape(64, 128, 3, 2, 1), 56),
        ("3x3/2 256-512 @14", shape(256, 512, 3, 2, 1), 14),
        ("1x1 64-256 @56", shape(64, 256, 1, 1, 1), 56),
        ("1x1 256-64 @56", shape(256, 64, 1, 1, 1), 56),
        ("1x1 512-128 @28", shape(512, 128, 1, 1, 1), 28),
        ("1x1 1024-256 @14", shape(1024, 256, 1, 1, 1), 14),
        ("1x1 512-2048 @7", shape(512, 2048, 1, 1, 1), 7),
        ("depthwise 3x3 96 @112/2", shape(96, 96, 3, 2, 96), 112),
        ("depthwise 3x3 384 @14", shape(384, 384, 3, 1, 384), 14),
    ];
    for batch in [8, 1] {
        let mut group = c.benchmark_group(format!("batch {batch}"));
        group.sample_size(10).warm_up_time(std::time::Duration::from_millis(100));
        group.measurement_time(std::time::Duration::from_millis(300));
        for (name, shape, side) in layers {
            let input =
                Geometry { batch, channels: shape.inputs, height: side, width: side, border: shape.input_border() };
            let output = shape.output(input).bordered(shape.gradient_border());
            group.throughput(Throughput::Elements(shape.multiply_adds(output)));
            let weights = vec![0.01; shape.weights()];
            let (mut x, mut y) = (Maps::zeroed(input), Maps::zeroed(output));
            let conv = Conv::new(shape, &weights, &vec![0.0; shape.outputs]);
            group.bench_function(format!("{name} forward"), |b| b.iter(|| conv.run(&x, &mut y, Epilogue::default())));
            if batch > 1 {
                group.bench_function(format!("{name} pack"), |b| {
                    b.iter(|| Conv::new(shape, &weights, &vec![0.0; shape.outputs]));
                });
                let bias = vec![0.0; shape.outputs];
                group.bench_function(format!("{name} forward once"), |b| {
                    b.iter(|| convolve(&shape, &weights, &bias, &x, &mut y));
                });
                group.bench_function(format!("{name} input gradient"), |b| {
                    b.iter(|| input_gradient(&shape, &weights, &y, &mut x, false));
                });
                group.bench_function(format!("{name} weight gradient"), |b| {
                    b.iter(|| weight_gradient(&shape, &x, &y));
                });
            }
        }
    }
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
