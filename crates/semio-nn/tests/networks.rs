//! What the small networks promise, and what happens at their limits.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use semio_nn::{Architecture, Blueprint, BuildError, Network, registry, to_vec, weights};

fn build(name: &str, channels: usize, side: usize, outputs: usize) -> Network {
    let blueprint = Blueprint { channels, height: side, width: side, outputs };
    let graph = Architecture::find(name).unwrap().build(&blueprint).unwrap();
    Network::new(Arc::new(graph), 7, &Device::flex())
}

fn pictures(n: usize, channels: usize, side: usize) -> Tensor<4> {
    let values = (0..n * channels * side * side).map(|i| ((i * 37) % 101) as f32 / 101.0).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, [n, channels, side, side]), &Device::flex())
}

#[test]
fn reference_networks_have_keras_parameter_counts() {
    let count = |name, channels, side, outputs| build(name, channels, side, outputs).graph().parameter_count();
    assert_eq!(count("r1-cnn", 3, 256, 3), 32_453);
    // 6·(25+1) + 16·(6·25+1) + 120·(16·25+1) + 84·(120+1) + 10·(84+1)
    assert_eq!(count("lenet5", 1, 32, 10), 61_706);
    // 32·(27+1) + 64·(32·63·63+1) + 65
    assert_eq!(count("r0-cnn", 3, 128, 1), 896 + 64 * (32 * 63 * 63 + 1) + 65);
}

#[test]
fn every_network_runs_at_its_usual_size_and_survives_its_file() {
    for architecture in registry() {
        let network = build(architecture.name, architecture.channels, architecture.size.min(96), 3);
        let input = pictures(2, architecture.channels, architecture.size.min(96));
        let logits = to_vec(network.predict(input.clone()));
        assert_eq!(logits.len(), 6, "{}", architecture.name);
        assert!(logits.iter().all(|v| v.is_finite()), "{}: {logits:?}", architecture.name);
        let bytes = weights::encode(&network).unwrap();
        let read = weights::decode(network.graph().clone(), &bytes, &Device::flex()).unwrap();
        assert_eq!(to_vec(read.predict(input)), logits, "{}", architecture.name);
        assert_eq!(weights::encode(&read).unwrap(), bytes, "{}", architecture.name);
    }
}

#[test]
fn a_picture_that_is_too_small_is_an_error_that_names_the_layer() {
    let blueprint = Blueprint { channels: 3, height: 12, width: 12, outputs: 3 };
    let error = Architecture::find("r1-cnn").unwrap().build(&blueprint).unwrap_err();
    assert_eq!(
        error.to_string(),
        "r1-cnn cannot read pictures of 12 × 12 pixels (conv3: a window of 3 × 3 does not fit into 1 × 1); its usual size is 256"
    );
    assert!(matches!(Architecture::find("resnet19"), Err(BuildError::Unknown { .. })));
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let bytes = weights::encode(&build("lenet5", 1, 32, 2)).unwrap();
    let other = build("lenet5", 3, 32, 2);
    let error = weights::decode(other.graph().clone(), &bytes, &Device::flex()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the weights do not fit the network: conv1.weight is [6, 1, 5, 5], expected [6, 3, 5, 5]"
    );
    assert!(weights::decode(other.graph().clone(), b"no file", &Device::flex()).is_err());
}

#[test]
fn dropout_keeps_the_mean_and_follows_its_seed() {
    let network = build("r1-cnn", 3, 64, 3);
    let input = pictures(4, 3, 64).autodiff();
    let tracked = network.tracked();
    let run = |seed| to_vec(network.train(&tracked, input.clone(), seed).logits.inner());
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn features_are_what_the_last_dense_layer_reads() {
    let network = build("resnet18", 3, 64, 5);
    let input = pictures(2, 3, 64);
    let features = network.features(input.clone());
    assert_eq!(features.dims(), [2, 512]);
    let n = network.graph().params().len();
    let (weight, bias) = (network.values()[n - 2].clone(), network.values()[n - 1].clone());
    let logits = features.matmul(weight.reshape([5, 512]).transpose()) + bias.unsqueeze::<2>();
    assert_eq!(to_vec(logits), to_vec(network.predict(input)));
}
