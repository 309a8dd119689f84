//! Files of reference outputs: networks whose parameters are a formula of their names, so that no weights are needed to
//! compare implementations.
//!
//! For a name and i = 0, 1, …: `u(name, i)` in [-1, 1) comes from SplitMix64 (Steele et al. 2014) seeded with the name's
//! FNV-1a hash. A tensor with two or more dimensions holds `u · gain · √(3 / fan-in)`, a running variance `1 + u/2`, a
//! running mean or bias `u/10`, any other vector `1 + u/10`; the picture is `u("input/HxW", i)`. A file may put a prefix
//! before every name.

use std::{collections::BTreeMap, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};
use serde::Deserialize;

use crate::{Architecture, Blueprint, BuildError, Cam, Graph, Network, graph::Role, to_vec};

/// A file of reference outputs.
#[derive(Clone, Debug, Deserialize)]
pub struct Reference {
    /// Outputs of each network.
    pub classes: usize,
    /// What the formula puts before every name.
    #[serde(default)]
    pub prefix: String,
    /// What is expected, by the networks' names.
    pub models: BTreeMap<String, Expected>,
}

/// What is expected of one network.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    /// Pictures, channels, rows, columns.
    pub input: [usize; 4],
    /// Factor on kernels.
    #[serde(default = "one")]
    pub gain: f64,
    /// Trainable values.
    #[serde(default)]
    pub parameters: Option<usize>,
    /// Names and shapes of all tensors of floating-point numbers, in their order.
    #[serde(default)]
    pub state_dict: Vec<(String, Vec<usize>)>,
    /// One row a picture, in evaluation mode.
    #[serde(default)]
    pub logits: Vec<Vec<f64>>,
    /// The layer whose class activation maps are given.
    #[serde(default)]
    pub layer: Option<String>,
    /// One Grad-CAM a picture.
    #[serde(default)]
    pub maps: Vec<ExpectedMap>,
    /// Three steps of training.
    #[serde(default)]
    pub sgd: Option<Steps>,
}

fn one() -> f64 {
    1.0
}

/// A picture's Grad-CAM for its most probable class, not scaled.
#[derive(Clone, Debug, Deserialize)]
pub struct ExpectedMap {
    /// The class.
    pub class: usize,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Row by row.
    pub map: Vec<f64>,
}

/// Steps of stochastic gradient descent with momentum on the cross-entropy, without dropout and stochastic depth.
#[derive(Clone, Debug, Deserialize)]
pub struct Steps {
    /// Step size.
    pub lr: f64,
    /// Momentum.
    pub momentum: f64,
    /// One class a picture.
    pub targets: Vec<usize>,
    /// The loss before each step.
    pub losses: Vec<f64>,
    /// The norm of each trained tensor's gradient in the first step.
    pub first_gradient_norms: BTreeMap<String, f64>,
    /// How far 32-bit PyTorch strays from this reference.
    pub float32_deviation: Deviation,
}

/// Relative deviations.
#[derive(Clone, Debug, Deserialize)]
pub struct Deviation {
    /// Of each loss.
    pub losses: Vec<f64>,
    /// Of the gradients' norms, at most.
    pub gradient_norm_max: f64,
}

/// How a network differs from its reference.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// It cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The file contradicts itself.
    #[error("the file is not of this form: {0}")]
    File(String),
    /// A tensor has another name or shape.
    #[error("tensor {index} is {ours}, expected {theirs}")]
    Tensor {
        /// Its place.
        index: usize,
        /// Name and shape here.
        ours: String,
        /// Name and shape in the file.
        theirs: String,
    },
    /// It has another number of trainable values.
    #[error("{ours} trainable values, expected {theirs}")]
    Parameters {
        /// Here.
        ours: usize,
        /// In the file.
        theirs: usize,
    },
    /// A number is off.
    #[error("{what}: {got} instead of {expected}, {off:.1e} where {bound:.1e} is allowed")]
    Number {
        /// Which number.
        what: String,
        /// Here.
        got: f64,
        /// In the file.
        expected: f64,
        /// Relative distance.
        off: f64,
        /// Its bound.
        bound: f64,
    },
}

/// The largest distances that were found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Of logits, relative to the largest one.
    pub logits: f64,
    /// Of class activation maps, relative to the map's largest value.
    pub maps: f64,
    /// Of losses, relative.
    pub losses: f64,
    /// Of gradients' norms, relative.
    pub gradients: f64,
}

impl Reference {
    /// Compares one network: names, shapes, number of parameters, logits within 1e-4 of the largest, the difference
    /// between the first two pictures' logits within 2 %, and where the file has them class activation maps within 1e-3
    /// and the losses and gradients of three steps. `plain` takes burn's own operations instead of the CPU's kernels.
    ///
    /// # Errors
    /// The first [`Difference`].
    pub fn check(&self, name: &str, plain: bool, device: &Device) -> Result<Agreement, Difference> {
        let expected = self.models.get(name).ok_or_else(|| Difference::File(format!("it has no {name}")))?;
        let [_, channels, height, width] = expected.input;
        let blueprint = Blueprint { channels, height, width, outputs: self.classes };
        let graph = Arc::new(Architecture::find(name)?.build(&blueprint)?);
        check_names(&graph, expected)?;
        let mut agreement = Agreement::default();
        if !expected.logits.is_empty() {
            let network = self.filled(&graph, expected.gain, plain, device);
            // Whether the picture's name carries the prefix, a file does not say; a wrong network fits in neither way.
            let fits = |prefix| compare_logits(&network, expected, &picture(prefix, expected, device));
            agreement.logits = fits(self.prefix.as_str()).or_else(|error| match self.prefix.as_str() {
                "" => Err(error),
                _ => fits("").map_err(|_| error),
            })?;
        }
        if !expected.maps.is_empty() {
            let network = self.filled(&graph, expected.gain, plain, device);
            agreement.maps = compare_maps(&network, expected, picture(&self.prefix, expected, device))?;
        }
        if let Some(steps) = &expected.sgd {
            let graph = Arc::new(graph.as_ref().clone().with_dropout(0.0).with_stochastic_depth(0.0));
            let network = self.filled(&graph, expected.gain, plain, device);
            let picture = picture(&self.prefix, expected, device);
            (agreement.losses, agreement.gradients) = compare_steps(network, &picture, steps)?;
        }
        Ok(agreement)
    }

    /// A network with the formula's values.
    fn filled(&self, graph: &Arc<Graph>, gain: f64, plain: bool, device: &Device) -> Network {
        let values = graph.params().iter().map(|p| {
            let u = uniform(&format!("{}{}", self.prefix, p.name), p.len());
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
        let network = Network::from_values(graph.clone(), values.collect(), 0, device);
        if plain { network.with_plain_operations() } else { network }
    }
}

fn picture(prefix: &str, expected: &Expected, device: &Device) -> Tensor<4> {
    let [_, _, height, width] = expected.input;
    let pixels = uniform(&format!("{prefix}input/{height}x{width}"), expected.input.iter().product());
    Tensor::from_data(TensorData::new(pixels, expected.input), device)
}

/// `u(name, i)` for i = 0 … n-1.
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

fn check_names(graph: &Graph, expected: &Expected) -> Result<(), Difference> {
    if !expected.state_dict.is_empty() {
        let said = |entry: Option<(&str, &[usize])>| {
            entry.map_or_else(|| "missing".to_owned(), |(name, shape)| format!("{name} {shape:?}"))
        };
        for index in 0..graph.params().len().max(expected.state_dict.len()) {
            let ours = graph.params().get(index).map(|p| (p.name.as_str(), p.shape.as_slice()));
            let theirs = expected.state_dict.get(index).map(|(name, shape)| (name.as_str(), shape.as_slice()));
            if ours != theirs {
                return Err(Difference::Tensor { index, ours: said(ours), theirs: said(theirs) });
            }
        }
    }
    match expected.parameters {
        Some(theirs) if theirs != graph.parameter_count() => {
            Err(Difference::Parameters { ours: graph.parameter_count(), theirs })
        }
        _ => Ok(()),
    }
}

/// The largest distance of a logit, relative to the largest logit.
fn compare_logits(network: &Network, expected: &Expected, picture: &Tensor<4>) -> Result<f64, Difference> {
    let outputs = network.graph().outputs();
    let theirs: Vec<f64> = expected.logits.concat();
    let got: Vec<f64> = to_vec(network.predict(picture.clone())).into_iter().map(f64::from).collect();
    if got.len() != theirs.len() {
        return Err(Difference::File(format!("{} logits for {} values", theirs.len(), got.len())));
    }
    let mut furthest = 0.0;
    let mut compare = |what: &str, got: &[f64], theirs: &[f64], bound: f64| {
        let largest = theirs.iter().fold(0.0f64, |m, v| m.max(v.abs())).max(f64::MIN_POSITIVE);
        let mut most = 0.0f64;
        for (i, (&got, &expected)) in got.iter().zip(theirs).enumerate() {
            let off = (got - expected).abs() / largest;
            if off > bound || off.is_nan() {
                return Err(Difference::Number { what: format!("{what} {i}"), got, expected, off, bound });
            }
            most = most.max(off);
        }
        furthest = most;
        Ok(())
    };
    // A network that is blind to its picture would pass the test below where all logits are alike. Files about training
    // have none of the gain that makes this difference large enough to be compared.
    if theirs.len() >= 2 * outputs && expected.sgd.is_none() {
        let apart = |l: &[f64]| -> Vec<f64> { l[..outputs].iter().zip(&l[outputs..]).map(|(a, b)| a - b).collect() };
        compare("difference between the pictures' logit", &apart(&got), &apart(&theirs), 0.02)?;
    }
    compare("logit", &got, &theirs, 1e-4)?;
    Ok(furthest)
}

/// The largest distance of a class activation map's value, relative to the map's largest.
fn compare_maps(network: &Network, expected: &Expected, picture: Tensor<4>) -> Result<f64, Difference> {
    let name = expected.layer.as_deref().unwrap_or_default();
    let graph = network.graph();
    let layer =
        graph.layer(name).ok_or_else(|| Difference::File(format!("the network cannot be parted after {name}")))?;
    let logits = to_vec(network.predict(picture.clone()));
    let most = |row: &[f32]| (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best });
    let classes: Vec<usize> = logits.chunks(graph.outputs()).map(most).collect();
    let mut furthest = 0.0f64;
    for (i, (ours, theirs)) in
        network.class_activation(Cam::Grad, layer, picture, &classes).iter().zip(&expected.maps).enumerate()
    {
        if [ours.height, ours.width] != theirs.shape || classes[i] != theirs.class {
            let map = |class: usize, [height, width]: [usize; 2]| format!("class {class}, {height} × {width}");
            let ours = map(classes[i], [ours.height, ours.width]);
            return Err(Difference::Tensor { index: i, ours, theirs: map(theirs.class, theirs.shape) });
        }
        let largest = theirs.map.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        for (at, (&got, &expected)) in ours.values.iter().zip(&theirs.map).enumerate() {
            let (got, bound) = (f64::from(got), 1e-3);
            let off = (got - expected).abs() / largest;
            if off > bound || off.is_nan() {
                let what = format!("value {at} of picture {i}'s map");
                return Err(Difference::Number { what, got, expected, off, bound });
            }
            furthest = furthest.max(off);
        }
    }
    Ok(furthest)
}

/// The largest distances of a loss and of a gradient's norm, relative.
fn compare_steps(mut network: Network, picture: &Tensor<4>, steps: &Steps) -> Result<(f64, f64), Difference> {
    let graph = network.graph().clone();
    let (n, outputs) = (steps.targets.len(), graph.outputs());
    let largest = steps.first_gradient_norms.values().copied().fold(0.0, f64::max);
    let bound_of_norms = (10.0 * steps.float32_deviation.gradient_norm_max).max(1e-3);
    let mut velocities: Vec<Option<Tensor<1>>> = vec![None; graph.params().len()];
    let (mut losses, mut gradients_off) = (0.0f64, 0.0f64);
    for (step, &expected) in steps.losses.iter().enumerate() {
        let pass = network.train(picture.clone(), 0);
        let rows = log_softmax(pass.logits.clone(), 1);
        let mut pick = vec![0.0; n * outputs];
        for (row, &target) in steps.targets.iter().enumerate() {
            let place = row * outputs + target;
            *pick.get_mut(place).ok_or_else(|| Difference::File(format!("target {target}")))? = -1.0 / n as f32;
        }
        let pick = Tensor::<2>::from_data(TensorData::new(pick, [n, outputs]), &rows.device());
        let loss = (rows * pick).sum();
        let got = f64::from(to_vec(loss.clone())[0]);
        let strays = steps.float32_deviation.losses.get(step).copied().unwrap_or(0.0);
        let bound = if step == 0 { 1e-4 } else { (20.0 * strays).max(1e-4) };
        let off = (got / expected - 1.0).abs();
        // A step in which PyTorch itself strays that far is chaotic.
        if strays <= 1e-2 {
            if off > bound || off.is_nan() {
                return Err(Difference::Number {
                    what: format!("loss of step {}", step + 1),
                    got,
                    expected,
                    off,
                    bound,
                });
            }
            losses = losses.max(off);
        }
        let gradients = network.backward(pass, &loss);
        for (i, (param, gradient)) in graph.params().iter().zip(gradients).enumerate() {
            if param.role == Role::Statistic {
                continue;
            }
            let Some(gradient) = gradient else { continue };
            if step == 0
                && let Some(&expected) = steps.first_gradient_norms.get(&param.name)
                && expected > 1e-4 * largest
            {
                let got = to_vec(gradient.clone()).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
                let off = (got / expected - 1.0).abs();
                if off > bound_of_norms || off.is_nan() {
                    let what = format!("norm of {}'s gradient", param.name);
                    return Err(Difference::Number { what, got, expected, off, bound: bound_of_norms });
                }
                gradients_off = gradients_off.max(off);
            }
            let velocity = match velocities[i].take() {
                Some(v) => v.mul_scalar(steps.momentum) + gradient,
                None => gradient,
            };
            let value = network.values()[i].clone() - velocity.clone().mul_scalar(steps.lr);
            network.set(i, value);
            velocities[i] = Some(velocity);
        }
    }
    Ok((losses, gradients_off))
}
