use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use semio_kernels::{Adam, Momentum};
use semio_nn::{
    Network, change_row,
    graph::{Param, Role},
    to_vec,
    weights::NamedTensor,
};

use crate::recipe::{OptimizerKind, Recipe};

/// Turns gradients into steps, and keeps what it needs from step to step.
///
/// It knows parameters by their names: which of them learn may change from epoch to epoch.
pub(crate) struct Optimizer {
    kind: OptimizerKind,
    momentum: f64,
    weight_decay: f64,
    l2: Option<f64>,
    moments: BTreeMap<String, Moments>,
}

/// Adam's two moments, or the velocity alone.
struct Moments {
    first: Tensor<1>,
    second: Option<Tensor<1>>,
    /// Steps that this parameter took: Adam's correction of its moments counts from the first one.
    steps: u64,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// Keras' value; PyTorch's is 1e-8. The larger one keeps the first steps of small networks calm.
const EPSILON: f64 = 1e-7;

impl Optimizer {
    pub(crate) fn new(recipe: &Recipe) -> Self {
        Self {
            kind: recipe.optimizer,
            momentum: recipe.momentum,
            weight_decay: recipe.weight_decay,
            l2: recipe.l2,
            moments: BTreeMap::new(),
        }
    }

    /// λ of a parameter's sum of squares.
    fn l2(&self, param: &Param) -> f64 {
        if param.role == Role::Kernel { self.l2.unwrap_or(param.l2) } else { 0.0 }
    }

    /// Moves every trained parameter by one step, of the size `rate` times the parameter's factor. Where the factor is
    /// zero, nothing moves.
    pub(crate) fn step(
        &mut self,
        network: &mut Network,
        gradients: Vec<Option<Tensor<1>>>,
        rate: f64,
        factors: &[f64],
    ) {
        let graph = network.graph().clone();
        for (i, (param, gradient)) in graph.params().iter().zip(gradients).enumerate() {
            let factor = factors.get(i).copied().unwrap_or(1.0);
            let Some(gradient) = gradient.filter(|_| factor > 0.0) else { continue };
            let rate = rate * factor;
            let gradient = to_vec(gradient);
            let l2 = self.l2(param) as f32;
            let decays = self.kind == OptimizerKind::Adamw && param.role == Role::Kernel;
            let zeros = || network.values()[i].zeros_like();
            let moments = self.moments.entry(param.name.clone()).or_insert_with(|| Moments {
                first: zeros(),
                second: (self.kind != OptimizerKind::Sgd).then(zeros),
                steps: 0,
            });
            moments.steps += 1;
            match &mut moments.second {
                None => {
                    let step = Momentum { rate: rate as f32, momentum: self.momentum as f32, l2 };
                    change_row(&mut moments.first, |velocity| {
                        network.update(i, |values| step.step(values, &gradient, velocity));
                    });
                }
                Some(second) => {
                    let steps = moments.steps as f64;
                    let step = Adam {
                        rate: (rate / (1.0 - BETA_1.powf(steps))) as f32,
                        beta1: BETA_1,
                        beta2: BETA_2,
                        root_correction: (1.0 - BETA_2.powf(steps)).sqrt() as f32,
                        epsilon: EPSILON as f32,
                        l2,
                        shrink: if decays { (rate * self.weight_decay) as f32 } else { 0.0 },
                    };
                    change_row(&mut moments.first, |first| {
                        change_row(second, |second| {
                            network.update(i, |values| step.step(values, &gradient, first, second));
                        });
                    });
                }
            }
        }
    }

    /// λ·Σw² over all kernels that carry a penalty.
    pub(crate) fn penalty(&self, network: &Network) -> f64 {
        let squares = |i: usize| network.read(i).iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
        let params = network.graph().params().iter().map(|p| self.l2(p)).enumerate();
        params.filter(|(_, l2)| *l2 > 0.0).fold(0.0, |sum, (i, l2)| sum + l2 * squares(i))
    }

    /// What must be kept to go on later: named tensors, and each parameter's number of steps.
    pub(crate) fn state(&self) -> (Vec<NamedTensor>, BTreeMap<String, u64>) {
        let mut tensors = vec![];
        for (name, moments) in &self.moments {
            let mut keep = |part: &str, tensor: &Tensor<1>| {
                let values = to_vec(tensor.clone());
                tensors.push(NamedTensor { name: format!("{part}/{name}"), shape: vec![values.len()], values });
            };
            keep("first", &moments.first);
            if let Some(second) = &moments.second {
                keep("second", second);
            }
        }
        (tensors, self.moments.iter().map(|(name, m)| (format!("{STEPS}{name}"), m.steps)).collect())
    }

    /// Takes up a kept state: all named tensors and numbers of the file in which it lies.
    pub(crate) fn restore(
        &mut self,
        tensors: &BTreeMap<String, NamedTensor>,
        counters: &BTreeMap<String, u64>,
        device: &Device,
    ) {
        let tensor = |name: String| {
            let values = tensors.get(&name)?.values.clone();
            let n = values.len();
            Some(Tensor::<1>::from_data(TensorData::new(values, [n]), device))
        };
        self.moments.clear();
        for (key, &steps) in counters {
            let Some(name) = key.strip_prefix(STEPS) else { continue };
            if let Some(first) = tensor(format!("first/{name}")) {
                self.moments
                    .insert(name.to_owned(), Moments { first, second: tensor(format!("second/{name}")), steps });
            }
        }
    }
}

/// What a parameter's number of steps is called in a checkpoint, before its name.
const STEPS: &str = "steps/";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;
    use semio_nn::{Builder, Init};

    use super::*;

    const INPUT: [f64; 2] = [0.5, -2.0];

    /// One dense layer without anything else: the gradient of its output's sum is its input, whatever its weights.
    fn dense() -> Network {
        let mut b = Builder::new(1, 1, 2);
        let x = b.flatten(b.input());
        b.linear(x, "fc", 1, Init::Constant(1.0), Init::Constant(1.0));
        Network::new(Arc::new(b.finish().expect("fits")), 0, &Device::flex())
    }

    /// Weights and bias after three steps.
    fn three_steps(recipe: &Recipe) -> [f64; 3] {
        let mut network = dense();
        let mut optimizer = Optimizer::new(recipe);
        for _ in 0..3 {
            let data = TensorData::new(INPUT.map(|v| v as f32).to_vec(), [1, 1, 1, 2]);
            let picture = Tensor::<4>::from_data(data, network.device());
            let pass = network.train(picture, 0);
            let sum = pass.logits.clone().sum();
            let gradients = network.backward(pass, &sum);
            optimizer.step(&mut network, gradients, recipe.learning_rate, &[]);
        }
        let weight = network.read(0);
        [weight[0].into(), weight[1].into(), network.read(1)[0].into()]
    }

    /// Three steps of one value by the formulas of the papers, in double precision.
    fn by_hand(step: impl Fn(f64, usize, &mut [f64; 2]) -> f64) -> f64 {
        let (mut w, mut state) = (1.0, [0.0; 2]);
        for t in 1..=3 {
            w = step(w, t, &mut state);
        }
        w
    }

    fn close(got: [f64; 3], expected: [f64; 3]) {
        assert!(got.iter().zip(&expected).all(|(g, e)| (g - e).abs() < 2e-6), "{got:?} instead of {expected:?}");
    }

    fn adam(g: impl Fn(f64) -> f64, decay: f64) -> impl Fn(f64, usize, &mut [f64; 2]) -> f64 {
        move |w, t, [m, v]| {
            let g = g(w);
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            let (mh, vh) = (*m / (1.0 - 0.9f64.powi(t as i32)), *v / (1.0 - 0.999f64.powi(t as i32)));
            w * (1.0 - 0.1 * decay) - 0.1 * mh / (vh.sqrt() + EPSILON)
        }
    }

    fn recipe(optimizer: OptimizerKind) -> Recipe {
        Recipe { optimizer, learning_rate: 0.1, weight_decay: 0.3, ..Recipe::default() }
    }

    #[test]
    fn adam_takes_the_steps_of_its_paper_and_l2_spares_the_bias() {
        let recipe = Recipe { l2: Some(0.7), ..recipe(OptimizerKind::Adam) };
        let kernel = |x: f64| by_hand(adam(move |w| x + 2.0 * 0.7 * w, 0.0));
        close(three_steps(&recipe), [kernel(INPUT[0]), kernel(INPUT[1]), by_hand(adam(|_| 1.0, 0.0))]);
    }

    #[test]
    fn adamw_decays_kernels_apart_from_the_gradient() {
        let kernel = |x: f64| by_hand(adam(move |_| x, 0.3));
        close(
            three_steps(&recipe(OptimizerKind::Adamw)),
            [kernel(INPUT[0]), kernel(INPUT[1]), by_hand(adam(|_| 1.0, 0.0))],
        );
    }

    #[test]
    fn sgd_gathers_momentum() {
        let value = |x: f64| {
            by_hand(move |w, _, [v, _]| {
                *v = 0.9 * *v + x;
                w - 0.1 * *v
            })
        };
        close(three_steps(&recipe(OptimizerKind::Sgd)), [value(INPUT[0]), value(INPUT[1]), value(1.0)]);
    }

    #[test]
    fn the_penalty_counts_kernels_only() {
        let network = dense();
        let optimizer = Optimizer::new(&Recipe { l2: Some(0.5), ..Recipe::default() });
        assert!((optimizer.penalty(&network) - 0.5 * 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_network_keeps_its_own_penalty_where_the_recipe_names_none() {
        let blueprint = semio_nn::Blueprint { channels: 1, height: 32, width: 32, outputs: 3 };
        let graph = semio_nn::Architecture::find("r1-cnn").and_then(|a| a.build(&blueprint)).expect("fits");
        let network = Network::new(Arc::new(graph), 1, &Device::flex());
        let optimizer = Optimizer::new(&Recipe::default());
        let squares = |i: usize| network.read(i).iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
        let names: Vec<&str> = network.graph().params().iter().map(|p| p.name.as_str()).collect();
        assert_eq!((names[2], names[4]), ("conv2.weight", "conv3.weight"));
        assert!((optimizer.penalty(&network) - 0.01 * (squares(2) + squares(4))).abs() < 1e-9);
    }
}
