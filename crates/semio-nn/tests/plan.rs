//! Plans on the CPU's kernels give what burn's own operations give.

#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use semio_nn::{Architecture, Blueprint, Network, registry, to_vec};

fn pictures(batch: usize, channels: usize, side: usize) -> Tensor<4> {
    let n = batch * channels * side * side;
    let values: Vec<f32> = (0..n).map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0).collect();
    Tensor::from_data(TensorData::new(values, [batch, channels, side, side]), &Device::flex())
}

/// Largest difference, relative to the largest expected value.
fn distance(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let largest = expected.iter().fold(1e-20f32, |m, v| m.max(v.abs()));
    got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max) / largest
}

fn network(name: &str, channels: usize, side: usize) -> Network {
    let blueprint = Blueprint { channels, height: side, width: side, outputs: 5 };
    Network::new(Arc::new(Architecture::find(name).unwrap().build(&blueprint).unwrap()), 3, &Device::flex())
}

#[test]
fn predictions_are_those_of_the_plain_operations() {
    // Every way of putting layers together: sums, concatenations, squeeze-and-excitation, shuffles, pools, groups,
    // one input map, odd sizes, a batch that changes.
    let cases = [
        ("resnet18", 1, 75),
        ("densenet121", 3, 64),
        ("efficientnet_b0", 3, 64),
        ("shufflenet_v2_x0_5", 3, 64),
        ("googlenet", 3, 64),
        ("squeezenet1_1", 3, 63),
        ("regnet_y_400mf", 3, 64),
        ("convnext_tiny", 3, 64),
        ("r1-cnn", 3, 50),
        ("vit_b_32", 3, 64),
        // Sides that are no multiple of the window, moved windows, cosines, a grid.
        ("swin_t", 3, 80),
        ("swin_v2_t", 3, 100),
        ("maxvit_t", 1, 224),
    ];
    for (name, channels, side) in cases {
        let fast = network(name, channels, side);
        let plain = fast.clone().with_plain_operations();
        for batch in [2, 1, 3] {
            let input = pictures(batch, channels, side);
            let expected = to_vec(plain.predict(input.clone()));
            let off = distance(&to_vec(fast.predict(input.clone())), &expected);
            assert!(off < 1e-4, "{name}, batch {batch}: {off}");
            let off = distance(&to_vec(fast.features(input.clone())), &to_vec(plain.features(input)));
            assert!(off < 1e-4, "{name}, batch {batch}, features: {off}");
        }
    }
}

#[test]
fn a_changed_value_changes_the_prediction() {
    let mut network = network("lenet5", 1, 32);
    let before = to_vec(network.predict(pictures(1, 1, 32)));
    let last = network.graph().params().len() - 1;
    network.set(last, network.values()[last].clone() + 1.0);
    let after = to_vec(network.predict(pictures(1, 1, 32)));
    assert!(before.iter().zip(&after).all(|(b, a)| (a - b - 1.0).abs() < 1e-5));
}

type Rows = Vec<Vec<f32>>;

/// Logits, gradients and running statistics of one training step.
fn step(mut network: Network, input: Tensor<4>) -> (Vec<f32>, Vec<Option<Vec<f32>>>, Rows) {
    let pass = network.train(input, 5);
    let logits = to_vec(pass.logits.clone().inner());
    let loss = (pass.logits.clone() * pass.logits.clone()).sum() + pass.logits.clone().sum();
    let gradients = network.backward(pass, &loss).into_iter().map(|g| g.map(to_vec)).collect();
    (logits, gradients, network.values().iter().cloned().map(to_vec).collect())
}

#[test]
fn training_steps_are_those_of_the_plain_operations() {
    // Networks whose gradients do not blow rounding up: a batch norm over a handful of values does.
    let cases = [
        ("resnet18", 1, 96, 1e-3),
        ("lenet5", 1, 32, 1e-4),
        ("r2-cnn", 3, 64, 1e-4),
        ("vgg11_bn", 3, 64, 1e-3),
        ("squeezenet1_1", 3, 63, 1e-4),
        ("alexnet", 3, 64, 1e-4),
        ("mobilenet_v3_small", 3, 96, 1e-3),
        ("convnext_tiny", 3, 64, 1e-3),
    ];
    for (name, channels, side, bound) in cases {
        let mut network = network(name, channels, side);
        // Fresh layer scales let next to nothing through.
        for (i, p) in network.graph().clone().params().iter().enumerate().filter(|(_, p)| p.name.ends_with("scale")) {
            network.set(i, Tensor::ones([p.len()], &Device::flex()) * 0.5);
        }
        let input = pictures(4, channels, side);
        let (logits, gradients, values) = step(network.clone(), input.clone());
        let (plain_logits, plain_gradients, plain_values) = step(network.clone().with_plain_operations(), input);
        assert!(distance(&logits, &plain_logits) < 1e-4, "{name}: {}", distance(&logits, &plain_logits));
        let largest = plain_gradients.iter().flatten().flatten().fold(0f32, |m, v| m.max(v.abs()));
        for (i, p) in network.graph().params().iter().enumerate() {
            match (&gradients[i], &plain_gradients[i]) {
                // What cancels out to almost nothing is rounding.
                (Some(got), Some(expected)) if expected.iter().any(|v| v.abs() > 1e-4 * largest) => {
                    let off = distance(got, expected);
                    assert!(off < bound, "{name}: gradient of {}: {off}", p.name);
                }
                (got, expected) => assert_eq!(got.is_some(), expected.is_some(), "{name}: {}", p.name),
            }
            if p.name.ends_with("running_var") {
                let off = distance(&values[i], &plain_values[i]);
                assert!(off < 1e-4, "{name}: {}: {off}", p.name);
            }
        }
    }
}

#[test]
fn all_networks_run_on_kernels_and_those_without_attention_train_on_them() {
    let attention = ["vit_", "swin_", "maxvit_"];
    for architecture in registry() {
        let side = architecture.size;
        let channels = architecture.channels;
        let graph = architecture.build(&Blueprint { channels, height: side, width: side, outputs: 2 }).unwrap();
        assert!(graph.runs_on_kernels(), "{}", architecture.name);
        let expected = !attention.iter().any(|p| architecture.name.starts_with(p));
        assert_eq!(graph.trains_on_kernels(), expected, "{}", architecture.name);
    }
}
