//! The networks that torchvision has too give torchvision's numbers.
//!
//! The reference lies outside the repository (`../shared/parity`, made by PyTorch in float64, its README tells the
//! formula that fills the parameters); without it these tests pass and say that they were skipped.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};
use semio_nn::{Architecture, Blueprint, Graph, Network, graph::Role, to_vec};
use serde_json::Value;

fn reference(file: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/parity").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The formula's `u(name, i)` for i = 0 … n-1.
fn uniform(name: &str, n: usize) -> Vec<f32> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let value = |i: usize| {
        let mut z = seed.wrapping_add((i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..n).map(value).collect()
}

fn filled(graph: &Arc<Graph>, gain: f64, device: &Device) -> Network {
    let values = graph.params().iter().map(|p| {
        let u = uniform(&p.name, p.len());
        if p.shape.len() >= 2 {
            let fan_in = p.len() as f64 / p.shape[0] as f64;
            let scale = gain * (3.0 / fan_in).sqrt();
            u.iter().map(|&v| (f64::from(v) * scale) as f32).collect()
        } else if p.name.ends_with("running_var") {
            u.iter().map(|v| 1.0 + 0.5 * v).collect()
        } else if p.name.ends_with("running_mean") || p.name.ends_with("bias") {
            u.iter().map(|v| 0.1 * v).collect()
        } else {
            u.iter().map(|v| 1.0 + 0.1 * v).collect()
        }
    });
    Network::from_values(graph.clone(), values.collect(), 0, device)
}

/// Builds and fills the network of one entry of the reference, and makes its input.
fn prepare(name: &str, entry: &Value, classes: usize, device: &Device) -> (Network, Tensor<4>) {
    let shape: [usize; 4] = serde_json::from_value(entry["input"].clone()).unwrap();
    let [_, channels, height, width] = shape;
    let blueprint = Blueprint { channels, height, width, outputs: classes };
    let graph = Arc::new(Architecture::find(name).unwrap().build(&blueprint).unwrap());
    let network = filled(&graph, entry["gain"].as_f64().unwrap_or(1.0), device);
    let pixels = uniform(&format!("input/{height}x{width}"), shape.iter().product());
    (network, Tensor::from_data(TensorData::new(pixels, shape), device))
}

/// Runs a check for every network of a reference file, two at a time.
fn each_network(file: &Value, check: impl Fn(&str, &Value) + Sync) -> usize {
    let networks = file["models"].as_object().unwrap();
    let queue = Mutex::new(networks.iter());
    let work = || {
        loop {
            let next = queue.lock().unwrap().next();
            let Some((name, entry)) = next else { return };
            check(name, entry);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    networks.len()
}

#[test]
fn names_shapes_and_logits_are_torchvisions() {
    let Some(file) = reference("models.json") else { return };
    let device = Device::flex();
    assert_eq!(each_network(&file, |name, entry| compare(name, entry, &device)), 68);
}

/// Names, shapes, number of parameters and logits of one network.
fn compare(name: &str, entry: &Value, device: &Device) {
    let (network, input) = prepare(name, entry, 7, device);
    let ours: Vec<(String, Vec<usize>)> =
        network.graph().params().iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
    let theirs: Vec<(String, Vec<usize>)> = serde_json::from_value(entry["state_dict"].clone()).unwrap();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "{name}");
    }
    assert_eq!(ours.len(), theirs.len(), "{name}");
    assert_eq!(network.graph().parameter_count() as u64, entry["parameters"].as_u64().unwrap(), "{name}");

    let expected: Vec<Vec<f64>> = serde_json::from_value(entry["logits"].clone()).unwrap();
    let got = to_vec(network.predict(input));
    let got: Vec<Vec<f64>> = got.chunks(7).map(|r| r.iter().map(|&v| f64::from(v)).collect()).collect();
    let largest = expected.iter().flatten().fold(0.0f64, |m, v| m.max(v.abs()));
    for (g, e) in got.iter().flatten().zip(expected.iter().flatten()) {
        assert!((g - e).abs() <= 1e-4 * largest, "{name}: {g} instead of {e}");
    }
    // A network that is blind to its picture would pass the test above where all logits are alike.
    let apart = |l: &[Vec<f64>]| -> Vec<f64> { l[0].iter().zip(&l[1]).map(|(a, b)| a - b).collect() };
    let (g, e) = (apart(&got), apart(&expected));
    let largest = e.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(g.iter().zip(&e).all(|(g, e)| (g - e).abs() <= 0.02 * largest), "{name}: {g:?} instead of {e:?}");
}

#[test]
fn training_steps_are_pytorchs() {
    let Some(file) = reference("training.json") else { return };
    let device = Device::flex();
    assert_eq!(each_network(&file, |name, entry| train(name, entry, &device)), 11);
}

/// Three steps of SGD: losses, and the first step's gradient norms.
fn train(name: &str, entry: &Value, device: &Device) {
    let (network, input) = prepare(name, entry, 7, device);
    // The reference was made with dropout off.
    let graph = Arc::new(network.graph().as_ref().clone().with_dropout(0.0).with_stochastic_depth(0.0));
    let mut network = filled(&graph, entry["gain"].as_f64().unwrap_or(1.0), device);
    let n = network.graph().params().len();
    let mut momentum: Vec<Option<Tensor<1>>> = vec![None; n];
    let losses: Vec<f64> = serde_json::from_value(entry["sgd"]["losses"].clone()).unwrap();
    let deviations: Vec<f64> = serde_json::from_value(entry["sgd"]["float32_deviation"]["losses"].clone()).unwrap();
    let norms = entry["sgd"]["first_gradient_norms"].as_object().unwrap();
    let largest = norms.values().map(|v| v.as_f64().unwrap()).fold(0.0, f64::max);
    let norm_bound = (10.0 * entry["sgd"]["float32_deviation"]["gradient_norm_max"].as_f64().unwrap()).max(1e-3);
    for (step, expected) in losses.iter().enumerate() {
        let pass = network.train(input.clone(), 0);
        let rows = log_softmax(pass.logits.clone(), 1);
        let pick: Vec<f32> = (0..4 * 7).map(|i| if i % 7 == i / 7 { -0.25 } else { 0.0 }).collect();
        let pick = Tensor::<2>::from_data(TensorData::new(pick, [4, 7]), &rows.device());
        let loss = (rows * pick).sum();
        let got = f64::from(to_vec(loss.clone())[0]);
        let bound = if step == 0 { 1e-4 } else { (20.0 * deviations[step]).max(1e-4) };
        if deviations[step] <= 1e-2 {
            assert!((got - expected).abs() <= bound * expected.abs(), "{name} step {step}: {got} not {expected}");
        }
        let gradients = network.backward(pass, &loss);
        for (i, p) in network.graph().clone().params().iter().enumerate() {
            if p.role == Role::Statistic {
                continue;
            }
            let gradient = gradients[i].clone().unwrap();
            if step == 0 {
                let norm = to_vec(gradient.clone()).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
                let expected = norms[&p.name].as_f64().unwrap();
                if expected > 1e-4 * largest {
                    let off = (norm / expected - 1.0).abs();
                    assert!(off <= norm_bound, "{name}: gradient of {} {norm} not {expected}", p.name);
                }
            }
            let velocity = match momentum[i].take() {
                Some(v) => v.mul_scalar(0.9) + gradient,
                None => gradient,
            };
            let value = network.values()[i].clone() - velocity.clone().mul_scalar(0.01);
            network.set(i, value);
            momentum[i] = Some(velocity);
        }
    }
}
