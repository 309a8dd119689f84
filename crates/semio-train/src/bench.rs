use std::{sync::Arc, time::Instant};

use burn::tensor::{Device, Tensor, TensorData};
use semio_nn::{Graph, Network, graph::Shape, to_vec};

use crate::{
    experiment::memory,
    loss::Loss,
    optimizer::Optimizer,
    recipe::{OptimizerKind, Recipe},
};

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Logits of a batch.
    Inference,
    /// One step of Adam: forward, cross-entropy, backward, update.
    Train,
}

/// How a network is timed.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// What is timed.
    pub mode: Mode,
    /// Pictures at once.
    pub batch: usize,
    /// Timed runs; three more come before them.
    pub runs: usize,
    /// Whether burn's own operations run instead of the CPU's kernels.
    pub plain: bool,
}

/// Bytes that a network needs to be timed, about.
pub fn bench_memory(graph: &Graph, options: &BenchOptions) -> u64 {
    if options.mode == Mode::Train {
        return memory(graph, options.batch);
    }
    // The pictures as they come and as they are laid out, and a layer's input and output.
    let largest = graph.nodes().iter().map(|n| n.shape.len()).max().unwrap_or(0);
    let each = 2 * (graph.input().len() + largest) as u64;
    each.saturating_mul(options.batch as u64).saturating_add(2 * graph.parameter_count() as u64).saturating_mul(4)
}

/// Times a network with random weights on random pictures; one duration in milliseconds a run.
pub fn bench(graph: Graph, options: &BenchOptions) -> Vec<f64> {
    let Shape::Maps { channels, height, width } = graph.input() else { unreachable!("pictures are maps") };
    let device = Device::flex();
    let outputs = graph.outputs();
    let mut network = Network::new(Arc::new(graph), 1, &device);
    if options.plain {
        network = network.with_plain_operations();
    }
    let shape = [options.batch, channels, height, width];
    // The content changes no time; a plain pattern is enough.
    let pixels = (0..shape.iter().product::<usize>()).map(|i| (i * 7919 % 1009) as f32 / 504.5 - 1.0).collect();
    let pictures = Tensor::<4>::from_data(TensorData::new::<f32, _>(pixels, shape), &device);
    let labels: Vec<usize> = (0..options.batch).map(|i| i % outputs.max(2)).collect();
    let loss = Loss { weights: vec![1.0; outputs.max(2)], smoothing: 0.0, gamma: 0.0 };
    let recipe = Recipe { optimizer: OptimizerKind::Adam, ..Recipe::default() };
    let mut optimizer = Optimizer::new(&recipe);
    let mut once = || {
        let start = Instant::now();
        match options.mode {
            Mode::Inference => drop(to_vec(network.predict(pictures.clone()))),
            Mode::Train => {
                let pass = network.train(pictures.clone(), 1);
                let value = loss.forward(pass.logits.clone(), &labels);
                let gradients = network.backward(pass, &value);
                optimizer.step(&mut network, gradients, 1e-6, &[]);
            }
        }
        start.elapsed().as_secs_f64() * 1e3
    };
    for _ in 0..3 {
        once();
    }
    (0..options.runs).map(|_| once()).collect()
}
