//! Neurons that talk to each other: synapses, chains, random networks, and what demyelinated axons do between them.
//!
//! Time goes in steps; between two steps membranes and synapses are solved exactly (Rotter and Diesmann 1999), so that
//! the step bounds only when a spike is noticed. A result depends on the seed and not on the number of threads.

mod partition;
mod propagator;
mod scenario;
mod wiring;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use scenario::{NetworkReport, NetworkScenario, Topology};
pub use wiring::Wiring;

use crate::{
    error::{TwinError, within},
    neuron::Lif,
    random::{Random, ziggurat},
};
use partition::{Partition, SIZE};

/// Form of what a spike does to its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Synapse {
    /// The potential jumps by the weight.
    #[default]
    Delta,
    /// A drive of the weight's height that decays with the synapse's time constant.
    Exponential,
    /// A drive that rises to the weight's height within the time constant and falls again.
    Alpha,
}

/// What myelin loss does to the axons between neurons; one draw for each spike of an affected axon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AxonDamage {
    /// Share of the axons that are affected.
    pub share: f64,
    /// Delay added to each spike's travel.
    pub delay_ms: f64,
    /// Standard deviation of that delay; no spike becomes faster than over a healthy axon.
    pub jitter_ms: f64,
    /// Probability that a spike is lost.
    pub failure: f64,
}

/// A network of equal neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Each neuron.
    pub neuron: Lif,
    /// Who is connected to whom.
    pub wiring: Wiring,
    /// Form of the synapses.
    pub synapse: Synapse,
    /// Their time constant.
    pub synapse_tau_ms: f64,
    /// Travel from neuron to neuron over a healthy axon.
    pub delay_ms: f64,
    /// Current into each neuron, or into a chain's first.
    pub current: f64,
    /// Standard deviation of the free membrane's potential under noise, an Ornstein–Uhlenbeck process.
    pub noise: f64,
    /// What is wrong with the axons.
    pub damage: AxonDamage,
    /// Time step.
    pub step_ms: f64,
    /// Decides wiring, noise and damage.
    pub seed: u64,
}

/// A spike: when, and whose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    /// End of the step in which the threshold was met.
    pub time_ms: f64,
    /// Number of the neuron.
    pub neuron: u32,
}

/// Spikes that are kept at most.
const SPIKE_LIMIT: usize = 20_000_000;

impl Network {
    /// Refuses what is not physical or too large.
    ///
    /// # Errors
    /// Names the parameter and its range.
    pub fn check(&self, window_ms: f64) -> Result<(), TwinError> {
        self.neuron.check()?;
        self.wiring.check()?;
        within("synapse-tau", self.synapse_tau_ms, (0.1, 1000.0), " ms")?;
        within("step", self.step_ms, (1e-3, 1.0), " ms")?;
        within("delay", self.delay_ms, (self.step_ms, 1000.0), " ms")?;
        within("current", self.current, (-1e6, 1e6), "")?;
        within("noise", self.noise, (0.0, 1e3), "")?;
        within("demyelinated", self.damage.share, (0.0, 1.0), "")?;
        within("extra-delay", self.damage.delay_ms, (0.0, 1000.0), " ms")?;
        within("jitter", self.damage.jitter_ms, (0.0, 100.0), " ms")?;
        within("failure", self.damage.failure, (0.0, 1.0), "")?;
        within("window", window_ms, (1.0, 1e6), " ms")?;
        let (needed, limit) = (window_ms / self.step_ms * self.wiring.neurons() as f64, 2e10);
        if needed > limit {
            let help = "take fewer neurons, a larger step or a shorter window";
            return Err(TwinError::TooLarge { what: "the network", needed, unit: "steps of a neuron", limit, help });
        }
        let longest_ms = 2.0 * self.delay_ms + self.longest_delay_ms();
        let (needed, limit) = (longest_ms / self.step_ms * self.wiring.neurons() as f64, 2e8);
        if needed > limit {
            let (unit, help) = ("places for spikes", "take fewer neurons, a larger step or shorter delays");
            return Err(TwinError::TooLarge { what: "what is on its way", needed, unit, limit, help });
        }
        Ok(())
    }

    /// Runs the network from rest and gives its spikes in order of time.
    ///
    /// # Errors
    /// Parameters out of range, or more spikes than are kept.
    pub fn run(&self, window_ms: f64) -> Result<Vec<Spike>, TwinError> {
        self.wire(window_ms)?.run()
    }

    /// Makes the connections and lays everything out for a run of `window_ms`.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn wire(&self, window_ms: f64) -> Result<Wired<'_>, TwinError> {
        self.check(window_ms)?;
        let delay = self.steps(self.delay_ms).max(1);
        let longest = delay + self.steps(self.longest_delay_ms());
        // A ring holds what is on its way: as long as the longest travel and one stretch.
        let parts = (0..self.wiring.neurons().div_ceil(SIZE)).into_par_iter();
        let parts = parts.map(|p| Partition::new(self, p, longest + delay + 1)).collect();
        Ok(Wired { network: self, steps: self.steps(window_ms), delay, affected: self.affected(), parts })
    }

    /// The longest that damage delays a spike; nothing where no axon is damaged.
    fn longest_delay_ms(&self) -> f64 {
        let damage = &self.damage;
        if damage.share > 0.0 { damage.delay_ms + 4.0 * damage.jitter_ms } else { 0.0 }
    }

    fn steps(&self, time_ms: f64) -> usize {
        (time_ms / self.step_ms).round() as usize
    }

    /// Which neurons' axons are demyelinated.
    fn affected(&self) -> Vec<bool> {
        let mut random = Random::stream(self.seed, 1 << 40);
        (0..self.wiring.neurons()).map(|_| random.uniform() < self.damage.share).collect()
    }

    /// In which step a spike comes to its targets; nothing where it is lost on the way.
    fn arrival(&self, (step, neuron): (u32, u32), delay: usize, affected: &[bool]) -> Option<usize> {
        let healthy = step as usize + delay;
        if !affected[neuron as usize] {
            return Some(healthy);
        }
        let damage = &self.damage;
        let mut random = Random::stream(self.seed ^ (1 << 41), (u64::from(step) << 32) | u64::from(neuron));
        if random.uniform() < damage.failure {
            return None;
        }
        let extra = damage.delay_ms + damage.jitter_ms * random.normal(ziggurat()).clamp(-4.0, 4.0);
        Some(healthy + self.steps(extra.max(0.0)))
    }
}

/// A network at rest with its connections made.
pub struct Wired<'a> {
    network: &'a Network,
    steps: usize,
    /// Travel over a healthy axon, in steps.
    delay: usize,
    affected: Vec<bool>,
    parts: Vec<Partition>,
}

impl Wired<'_> {
    /// Runs it and gives its spikes in order of time.
    ///
    /// # Errors
    /// More spikes than are kept.
    pub fn run(mut self) -> Result<Vec<Spike>, TwinError> {
        let (network, parts) = (self.network, &mut self.parts);
        let connected = network.wiring.connected();
        // Nothing arrives sooner than the shortest delay, so that partitions need not talk for that long.
        let stretch = if connected { self.delay } else { self.steps.max(1) };
        let mut spikes: Vec<Spike> = vec![];
        let mut begin = 0;
        while begin < self.steps {
            let end = (begin + stretch).min(self.steps);
            parts.par_iter_mut().for_each(|part| part.advance(begin, end));
            let mut fired: Vec<(u32, u32)> = parts.iter_mut().flat_map(|p| p.fired.drain(..)).collect();
            fired.sort_unstable();
            if connected && !fired.is_empty() {
                let arrival = |spike: &(u32, u32)| network.arrival(*spike, self.delay, &self.affected);
                let arriving: Vec<(usize, u32)> = fired.iter().filter_map(|s| Some((arrival(s)?, s.1))).collect();
                parts.par_iter_mut().for_each(|part| part.receive(&arriving));
            }
            let time_ms = |step: u32| f64::from(step) * network.step_ms;
            spikes.extend(fired.iter().map(|(step, neuron)| Spike { time_ms: time_ms(*step), neuron: *neuron }));
            if spikes.len() > SPIKE_LIMIT {
                return Err(TwinError::TooManySpikes { limit: SPIKE_LIMIT, time_ms: time_ms(end as u32) });
            }
            begin = end;
        }
        Ok(spikes)
    }
}
