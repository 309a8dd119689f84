//! What the small networks promise, and what happens at their limits.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use burn::tensor::{Device, Tensor, TensorData};
use semio_nn::{Architecture, Blueprint, BuildError, Network, graph::Role, registry, to_vec, weights};

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

/// The smallest network of each paper with a side that it can read, but for those with more than sixty million weights
/// (VGG, ViT and wide ResNet, which the parity tests run).
fn smallest_of_each_family() -> Vec<(&'static Architecture, usize)> {
    let mut families: BTreeMap<&str, (usize, &Architecture, usize)> = BTreeMap::new();
    for architecture in registry() {
        let channels = architecture.channels;
        let graph = |side| architecture.build(&Blueprint { channels, height: side, width: side, outputs: 3 });
        let side = architecture.size.min(96);
        let (side, graph) =
            graph(side).map_or_else(|_| (architecture.size, graph(architecture.size)), |g| (side, Ok(g)));
        let count = graph.unwrap().parameter_count();
        let smallest = families.entry(architecture.source).or_insert((count, architecture, side));
        if count < smallest.0 {
            *smallest = (count, architecture, side);
        }
    }
    families.into_values().filter(|f| f.0 < 60_000_000).map(|(_, architecture, side)| (architecture, side)).collect()
}

#[test]
fn a_network_of_each_family_runs_and_survives_its_file() {
    let networks = smallest_of_each_family();
    assert!(networks.len() > 20);
    let queue = Mutex::new(networks.iter());
    let work = || {
        loop {
            let next = queue.lock().unwrap().next();
            let Some(&(architecture, side)) = next else { return };
            runs_and_survives_its_file(architecture, side);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}

fn runs_and_survives_its_file(architecture: &Architecture, side: usize) {
    let network = build(architecture.name, architecture.channels, side, 3);
    let input = pictures(2, architecture.channels, side);
    let logits = to_vec(network.predict(input.clone()));
    assert_eq!(logits.len(), 6, "{}", architecture.name);
    assert!(logits.iter().all(|v| v.is_finite()), "{}: {logits:?}", architecture.name);
    let bytes = weights::encode(&network).unwrap();
    let read = weights::decode(network.graph().clone(), &bytes, &Device::flex()).unwrap();
    assert_eq!(to_vec(read.predict(input)), logits, "{}", architecture.name);
    assert_eq!(weights::encode(&read).unwrap(), bytes, "{}", architecture.name);
}

#[test]
fn every_network_can_be_built_for_grey_pictures() {
    for architecture in registry() {
        let side = architecture.size;
        let graph = architecture.build(&Blueprint { channels: 1, height: side, width: side, outputs: 2 }).unwrap();
        // One network begins with a mean instead of a convolution.
        if let Some(first) = graph.params().iter().find(|p| p.shape.len() == 4) {
            assert_eq!(first.shape[1], 1, "{}: {}", architecture.name, first.name);
        }
        assert_eq!(graph.outputs(), 2, "{}", architecture.name);
    }
}

#[test]
fn pictures_need_not_be_square_nor_of_the_usual_size() {
    for architecture in registry() {
        // Both sides are multiples of 224, for ViT and MaxViT; the others take what they get.
        let sides: &[[usize; 2]] = if architecture.name.starts_with("vit") || architecture.name == "maxvit_t" {
            &[[224, 448]]
        } else {
            &[[224, 448], [101, 175]]
        };
        for &[height, width] in sides {
            let graph = architecture.build(&Blueprint { channels: 3, height, width, outputs: 2 });
            assert!(graph.is_ok(), "{}: {:?}", architecture.name, graph.err());
        }
    }
}

#[test]
fn a_size_that_cannot_be_parted_is_an_error_that_names_one_that_can() {
    let error = |name, height, width| {
        let blueprint = Blueprint { channels: 3, height, width, outputs: 3 };
        Architecture::find(name).unwrap().build(&blueprint).unwrap_err().to_string()
    };
    assert_eq!(
        error("vit_b_16", 100, 128),
        "vit_b_16 cannot read pictures of 100 × 128 pixels (conv_proj: sides must be multiples of 16: 112 × 128 works); \
         its usual size is 224"
    );
    assert_eq!(
        error("maxvit_t", 96, 300),
        "maxvit_t cannot read pictures of 96 × 300 pixels (stem: sides must be multiples of 224: 224 × 448 works); its \
         usual size is 224"
    );
}

#[test]
fn a_picture_that_is_too_small_is_an_error_that_names_the_layer() {
    let blueprint = Blueprint { channels: 3, height: 12, width: 12, outputs: 3 };
    let error = Architecture::find("r1-cnn").unwrap().build(&blueprint).unwrap_err();
    assert_eq!(
        error.to_string(),
        "r1-cnn cannot read pictures of 12 × 12 pixels (conv3: a window of 3 × 3 does not fit into 1 × 1); its usual size is 256"
    );
}

#[test]
fn an_unknown_name_is_an_error_that_names_similar_ones() {
    let near = |name| match Architecture::find(name) {
        Err(BuildError::Unknown { near, .. }) => near,
        _ => vec![],
    };
    assert!(near("resnet19").contains(&"resnet18"));
    assert_eq!(near("ResNet50")[0], "resnet50");
    assert_eq!(near("EfficientNet-B3")[0], "efficientnet_b3");
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

    // Of hundreds of differences the first of each kind, and their number.
    let bytes = weights::encode(&build("resnet18", 3, 32, 2)).unwrap();
    let other = build("resnet34", 1, 32, 2);
    let said = weights::decode(other.graph().clone(), &bytes, &Device::flex()).err().unwrap().to_string();
    for part in [
        "conv1.weight is [64, 3, 7, 7], expected [64, 1, 7, 7]",
        "layer1.2.conv1.weight is missing",
        " more are missing",
        "Is it the file of another network?",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(said.len() < 900, "{said}");
}

#[test]
fn dropout_keeps_the_mean_and_follows_its_seed() {
    let network = build("r1-cnn", 3, 64, 3);
    let input = pictures(4, 3, 64);
    let run = |seed| to_vec(network.train(input.clone(), seed).logits.inner());
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
    let close = |(a, b): (f32, f32)| (a - b).abs() < 1e-5;
    assert!(to_vec(logits).into_iter().zip(to_vec(network.predict(input))).all(close));
}

#[test]
fn features_of_a_network_without_dense_layer_are_its_last_maps_means() {
    let network = build("squeezenet1_1", 3, 64, 5);
    assert_eq!(network.features(pictures(2, 3, 64)).dims(), [2, 512]);
}

#[test]
fn auxiliary_heads_have_parameters_but_no_gradients() {
    let mut network = build("googlenet", 3, 64, 3);
    let pass = network.train(pictures(2, 3, 64), 1);
    let loss = pass.logits.clone().sum();
    let gradients = network.backward(pass, &loss);
    for (param, gradient) in network.graph().params().iter().zip(&gradients) {
        let trained = param.role != Role::Statistic && !param.name.starts_with("aux");
        assert_eq!(gradient.is_some(), trained, "{}", param.name);
    }
}
