use std::collections::{BTreeMap, HashMap};

use burn::tensor::{Tensor, TensorData};
use semio_nn::{
    Network,
    weights::{Contents, NamedTensor},
};

/// An exponential moving average of the weights, which is judged and kept in place of the last step's weights
/// (Polyak and Juditsky 1992; Tarvainen and Valpola 2017).
///
/// Single steps jump about the minimum; their average lies nearer to it, and hangs less on which epoch ended where. The
/// batch norms' statistics are averaged like the weights that they belong to.
pub(crate) struct Average {
    decay: f64,
    steps: u64,
    /// By the parameter's name: which parameters learn changes in a run.
    values: HashMap<String, Vec<f32>>,
}

/// What values are called in a checkpoint, before the parameter's name.
const PREFIX: &str = "average/";
/// What the number of steps is called there.
const STEPS: &str = "average-steps";

impl Average {
    pub(crate) fn new(decay: f64) -> Self {
        Self { decay, steps: 0, values: HashMap::new() }
    }

    /// Takes in the weights after one more step. The first steps weigh more, so that the beginning is soon forgotten.
    pub(crate) fn step(&mut self, network: &Network) {
        let steps = self.steps as f64;
        let decay = self.decay.min((1.0 + steps) / (10.0 + steps)) as f32;
        for (i, param) in network.graph().params().iter().enumerate() {
            let now = network.read(i);
            match self.values.get_mut(&param.name) {
                Some(kept) => kept.iter_mut().zip(&now).for_each(|(kept, now)| *kept += (1.0 - decay) * (now - *kept)),
                None => drop(self.values.insert(param.name.clone(), now)),
            }
        }
        self.steps += 1;
    }

    /// The network with averaged weights; those that have not learned yet stay as they are.
    pub(crate) fn of(&self, mut network: Network) -> Network {
        let device = network.device().clone();
        for (i, param) in network.graph().clone().params().iter().enumerate() {
            if let Some(values) = self.values.get(&param.name) {
                network.set(i, Tensor::from_data(TensorData::new(values.clone(), [param.len()]), &device));
            }
        }
        network
    }

    /// What a checkpoint keeps.
    pub(crate) fn state(&self, tensors: &mut Vec<NamedTensor>, counters: &mut BTreeMap<String, u64>) {
        counters.insert(STEPS.to_owned(), self.steps);
        let mut names: Vec<&String> = self.values.keys().collect();
        names.sort();
        tensors.extend(names.into_iter().map(|name| {
            let values = self.values[name].clone();
            NamedTensor { name: format!("{PREFIX}{name}"), shape: vec![values.len()], values }
        }));
    }

    /// Takes up what a checkpoint kept.
    pub(crate) fn restore(&mut self, file: &Contents) {
        self.steps = file.counters.get(STEPS).copied().unwrap_or_default();
        let kept = file.tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix(PREFIX)?, &t.values)));
        self.values = kept.map(|(name, values)| (name.to_owned(), values.clone())).collect();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;
    use semio_nn::{Builder, Init};

    use super::*;

    fn dense(weight: f32) -> Network {
        let mut b = Builder::new(1, 1, 2);
        let x = b.flatten(b.input());
        b.linear(x, "fc", 1, Init::Constant(weight), Init::Constant(0.0));
        Network::new(Arc::new(b.finish().expect("fits")), 0, &Device::flex())
    }

    #[test]
    fn it_follows_the_weights_and_forgets_the_first_ones() {
        let mut average = Average::new(0.5);
        average.step(&dense(1.0));
        assert_eq!(average.of(dense(9.0)).read(0), [1.0, 1.0]);
        // The decay grows: 2/11 at the second step, 3/12 at the third.
        average.step(&dense(2.0));
        average.step(&dense(3.0));
        let second = 2.0 - 2.0 / 11.0;
        let third = 3.0 + 0.25 * (second - 3.0);
        assert!((average.of(dense(9.0)).read(0)[0] - third).abs() < 1e-6);
        for _ in 0..60 {
            average.step(&dense(4.0));
        }
        assert!((average.of(dense(9.0)).read(0)[0] - 4.0).abs() < 1e-6);
    }

    #[test]
    fn a_checkpoint_keeps_it() {
        let mut average = Average::new(0.9);
        average.step(&dense(1.0));
        average.step(&dense(2.0));
        let (mut tensors, mut counters) = (vec![], BTreeMap::new());
        average.state(&mut tensors, &mut counters);
        let bytes = semio_nn::weights::encode_tensors(&tensors, &counters, None).expect("can be written");
        let mut other = Average::new(0.9);
        other.restore(&semio_nn::weights::decode_tensors(&bytes).expect("can be read"));
        for network in [&dense(3.0), &dense(5.0)] {
            average.step(network);
            other.step(network);
        }
        assert_eq!(average.of(dense(0.0)).read(0), other.of(dense(0.0)).read(0));
    }
}
