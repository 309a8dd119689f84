use serde::{Deserialize, Serialize};

use super::{AxonDamage, Network, Spike, Synapse, Wiring, propagator::Propagator};
use crate::{
    error::{TwinError, within},
    neuron::Lif,
};

/// What a user asks of a network; each key is a flag of `semio twin network`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkScenario {
    /// How neurons are connected.
    pub topology: Topology,
    /// Number of neurons.
    pub neurons: usize,
    /// Probability of a connection, in a random network.
    pub connectivity: f64,
    /// Share of the neurons that excite.
    pub excitatory: f64,
    /// What a spike does. Where not given, it moves the potential by 1.2 times the threshold in a chain and by a fiftieth
    /// of it in a random network.
    pub weight: Option<f64>,
    /// How many times stronger an inhibiting spike is.
    pub inhibition: f64,
    /// Form of the synapses.
    pub synapse: Synapse,
    /// Their time constant, ms.
    pub synapse_tau: f64,
    /// Travel over a healthy axon, ms.
    pub delay: f64,
    /// Membrane time constant, ms.
    pub tau: f64,
    /// Membrane resistance.
    pub resistance: f64,
    /// Resting potential.
    pub rest: f64,
    /// Threshold.
    pub threshold: f64,
    /// Potential after a spike; rest where not given.
    pub reset: Option<f64>,
    /// Refractory time, ms.
    pub refractory: f64,
    /// Current into each neuron, or a chain's first.
    pub current: f64,
    /// Standard deviation that noise gives the free potential; 0.2 in a random network and 0 in a chain where not given.
    pub noise: Option<f64>,
    /// Share of the axons that are demyelinated.
    pub demyelinated: f64,
    /// Delay that such an axon adds, ms.
    pub extra_delay: f64,
    /// Its standard deviation from spike to spike, ms.
    pub jitter: f64,
    /// Probability that such an axon loses a spike.
    pub failure: f64,
    /// How long the network is watched, ms.
    pub window: f64,
    /// Time step, ms.
    pub step: f64,
    /// Decides wiring, noise and damage.
    pub seed: u64,
}

/// How neurons are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Each to each other with one probability.
    #[default]
    Random,
    /// Each to the next.
    Chain,
}

impl Default for NetworkScenario {
    fn default() -> Self {
        Self {
            topology: Topology::Random,
            neurons: 1000,
            connectivity: 0.1,
            excitatory: 0.8,
            weight: None,
            inhibition: 5.0,
            synapse: Synapse::Delta,
            synapse_tau: 5.0,
            delay: 1.5,
            tau: 20.0,
            resistance: 1.0,
            rest: 0.0,
            threshold: 1.0,
            reset: None,
            refractory: 2.0,
            current: 1.5,
            noise: None,
            demyelinated: 0.0,
            extra_delay: 3.0,
            jitter: 1.0,
            failure: 0.2,
            window: 500.0,
            step: 0.1,
            seed: 0,
        }
    }
}

/// What a network did, with all that it depends on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkReport {
    /// The neurons.
    #[serde(flatten)]
    pub neuron: Lif,
    /// How they are connected.
    #[serde(flatten)]
    pub wiring: Wiring,
    /// Form of the synapses.
    pub synapse: Synapse,
    /// Their time constant.
    pub synapse_tau_ms: f64,
    /// Travel over a healthy axon.
    pub delay_ms: f64,
    /// Largest change of the potential that one spike makes.
    pub psp: f64,
    /// Current into each neuron, or a chain's first.
    pub current: f64,
    /// Standard deviation of the free potential under noise.
    pub noise: f64,
    /// The axons between the neurons.
    pub demyelinated: AxonDamage,
    /// How long the network was watched.
    pub window_ms: f64,
    /// Time step.
    pub step_ms: f64,
    /// What decided wiring, noise and damage.
    pub seed: u64,
    /// Number of spikes.
    pub spikes: usize,
    /// Spikes a second and neuron.
    pub rate_hz: f64,
    /// Mean coefficient of variation of the intervals, over neurons with at least three spikes; null where there are none.
    pub interval_cv: Option<f64>,
    /// Variance over mean of the number of spikes in 5 ms; 1 where neurons fire independently, null without spikes.
    pub synchrony: Option<f64>,
    /// A chain's last neuron's spikes for each of the first's; null for other networks, or without spikes.
    pub transmission: Option<f64>,
    /// From the first neuron's first spike to the last neuron's; null where it did not come.
    pub travel_ms: Option<f64>,
    /// Number of spikes of each neuron, for up to 100 neurons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spikes_by_neuron: Vec<usize>,
    /// All spikes in order of time.
    #[serde(skip)]
    pub raster: Vec<Spike>,
}

/// Neurons whose spikes are counted one by one in the report.
const COUNTED: usize = 100;
/// Width of the bins for synchrony.
const BIN_MS: f64 = 5.0;

impl NetworkScenario {
    /// Runs the network.
    ///
    /// # Errors
    /// Parameters out of range, or more work than is taken on.
    pub fn run(&self) -> Result<NetworkReport, TwinError> {
        let (network, psp) = self.network()?;
        let raster = network.run(self.window)?;
        let count = network.wiring.neurons();
        let times = by_neuron(&raster, count);
        let chain = self.topology == Topology::Chain;
        let (first, last) = (&times[0], &times[count - 1]);
        Ok(NetworkReport {
            neuron: network.neuron,
            wiring: network.wiring,
            synapse: self.synapse,
            synapse_tau_ms: self.synapse_tau,
            delay_ms: self.delay,
            psp,
            current: self.current,
            noise: network.noise,
            demyelinated: network.damage,
            window_ms: self.window,
            step_ms: self.step,
            seed: self.seed,
            spikes: raster.len(),
            rate_hz: raster.len() as f64 / count as f64 / self.window * 1e3,
            interval_cv: interval_cv(&times),
            synchrony: synchrony(&raster, self.window),
            transmission: (chain && !first.is_empty()).then(|| last.len() as f64 / first.len() as f64),
            travel_ms: first.first().zip(last.first()).filter(|_| chain).map(|(a, b)| b - a),
            spikes_by_neuron: if count <= COUNTED { times.iter().map(Vec::len).collect() } else { vec![] },
            raster,
        })
    }

    /// The network, and what one spike does to a potential.
    fn network(&self) -> Result<(Network, f64), TwinError> {
        let neuron = Lif {
            tau_ms: self.tau,
            resistance: self.resistance,
            rest: self.rest,
            threshold: self.threshold,
            reset: self.reset.unwrap_or(self.rest),
            refractory_ms: self.refractory,
        };
        neuron.check()?;
        within("synapse-tau", self.synapse_tau, (0.1, 1000.0), " ms")?;
        within("step", self.step, (1e-3, 1.0), " ms")?;
        let (weight, neurons) = (0.0, self.neurons);
        let mut network = Network {
            neuron,
            wiring: Wiring::Chain { neurons, weight },
            synapse: self.synapse,
            synapse_tau_ms: self.synapse_tau,
            delay_ms: self.delay,
            current: self.current,
            noise: self.noise.unwrap_or(if self.topology == Topology::Chain { 0.0 } else { 0.2 }),
            damage: AxonDamage {
                share: self.demyelinated,
                delay_ms: self.extra_delay,
                jitter_ms: self.jitter,
                failure: self.failure,
            },
            step_ms: self.step,
            seed: self.seed,
        };
        let response = response(&Propagator::of(&network), self.tau.max(self.synapse_tau) / self.step);
        let share = if self.topology == Topology::Chain { 1.2 } else { 0.02 };
        let weight = self.weight.unwrap_or(share * (self.threshold - self.rest) / response);
        network.wiring = match self.topology {
            Topology::Chain => Wiring::Chain { neurons, weight },
            Topology::Random => Wiring::Random {
                neurons,
                connectivity: self.connectivity,
                excitatory: self.excitatory,
                weight,
                inhibition: self.inhibition,
            },
        };
        Ok((network, weight * response))
    }
}

/// Highest potential after one spike of weight 1.
fn response(p: &Propagator, time_constant: f64) -> f64 {
    let [mut v, mut s, mut x] = p.kick;
    let mut highest = v;
    for _ in 0..(5.0 * time_constant) as usize {
        (v, s, x) = (p.v * v + p.v_from_s * s + p.v_from_x * x, p.s * s + p.s_from_x * x, p.s * x);
        highest = highest.max(v);
    }
    highest
}

fn by_neuron(raster: &[Spike], count: usize) -> Vec<Vec<f64>> {
    let mut times = vec![vec![]; count];
    for spike in raster {
        times[spike.neuron as usize].push(spike.time_ms);
    }
    times
}

fn interval_cv(times: &[Vec<f64>]) -> Option<f64> {
    let cvs: Vec<f64> = times
        .iter()
        .filter(|t| t.len() >= 3)
        .map(|t| {
            let intervals: Vec<f64> = t.windows(2).map(|p| p[1] - p[0]).collect();
            let (mean, variance) = moments(&intervals);
            variance.sqrt() / mean
        })
        .collect();
    (!cvs.is_empty()).then(|| moments(&cvs).0)
}

fn synchrony(raster: &[Spike], window_ms: f64) -> Option<f64> {
    let mut counts = vec![0.0; (window_ms / BIN_MS).ceil().max(1.0) as usize];
    let last = counts.len() - 1;
    for spike in raster {
        counts[((spike.time_ms / BIN_MS) as usize).min(last)] += 1.0;
    }
    let (mean, variance) = moments(&counts);
    (mean > 0.0).then(|| variance / mean)
}

fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

impl NetworkReport {
    /// The main figures in a sentence.
    pub fn words(&self) -> String {
        let neurons = self.wiring.neurons();
        let said = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.2}"));
        let chain = match (self.transmission, self.travel_ms) {
            (Some(share), Some(travel)) => format!(", {:.0}% came through the chain, in {travel:.1} ms", share * 100.0),
            (Some(_), None) => ", none came through the chain".to_owned(),
            _ => String::new(),
        };
        format!(
            "{neurons} neurons, window {} ms: {} spikes, {:.2} Hz, interval CV {}, synchrony {}{chain}",
            self.window_ms,
            self.spikes,
            self.rate_hz,
            said(self.interval_cv),
            said(self.synchrony)
        )
    }
}
