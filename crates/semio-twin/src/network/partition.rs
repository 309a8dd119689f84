use super::{Network, Synapse, Wiring, propagator::Propagator};
use crate::{
    neuron::Lif,
    random::{Random, Ziggurat, ziggurat},
};

/// Neurons of a partition; fixed, so that results do not depend on the number of threads.
pub(super) const SIZE: usize = 1024;

/// Some neighbouring neurons, which one thread moves on.
pub(super) struct Partition {
    neuron: Lif,
    propagator: Propagator,
    synapse: Synapse,
    first: u32,
    /// Potential over rest, synaptic drive and its rise.
    v: Vec<f64>,
    s: Vec<f64>,
    x: Vec<f64>,
    /// Steps for which each neuron is still refractory.
    wait: Vec<u32>,
    refractory: u32,
    /// What a step's constant current adds.
    drive: Vec<f64>,
    random: Random,
    ziggurat: &'static Ziggurat,
    /// What arrives in which step, weights summed; empty where nothing is connected.
    ring: Vec<Vec<f64>>,
    wiring: Wiring,
    targets: Targets,
    /// Spikes since the last exchange: step and neuron.
    pub(super) fired: Vec<(u32, u32)>,
}

/// The targets in this partition of each neuron of the network.
enum Targets {
    /// The next neuron.
    Next,
    /// Those between two places of a list; the places take memory for each neuron of the network in each partition, which
    /// [`Wiring::check`] bounds.
    Listed { begin: Vec<u32>, local: Vec<u16> },
}

impl Partition {
    pub(super) fn new(network: &Network, index: usize, ring: usize) -> Self {
        let count = network.wiring.neurons();
        let (first, end) = (index * SIZE, ((index + 1) * SIZE).min(count));
        let size = end - first;
        let propagator = Propagator::of(network);
        let drive = propagator.drive * network.neuron.resistance * network.current;
        let chain = matches!(network.wiring, Wiring::Chain { .. });
        let connected = network.wiring.connected();
        let with_synapse = if network.synapse == Synapse::Delta { 0 } else { size };
        Self {
            neuron: network.neuron,
            propagator,
            synapse: network.synapse,
            first: first as u32,
            v: vec![0.0; size],
            s: vec![0.0; with_synapse],
            x: vec![0.0; with_synapse],
            wait: vec![0; size],
            refractory: (network.neuron.refractory_ms / network.step_ms).round() as u32,
            drive: (first..end).map(|i| if chain && i > 0 { 0.0 } else { drive }).collect(),
            random: Random::stream(network.seed, index as u64),
            ziggurat: ziggurat(),
            ring: if connected { vec![vec![0.0; size]; ring] } else { vec![] },
            wiring: network.wiring,
            targets: Targets::of(network, (first as u32, end as u32)),
            fired: vec![],
        }
    }

    /// Moves on from the end of step `begin` to that of step `end`.
    pub(super) fn advance(&mut self, begin: usize, end: usize) {
        let threshold = self.neuron.threshold - self.neuron.rest;
        let reset = self.neuron.reset - self.neuron.rest;
        for step in begin + 1..=end {
            match self.synapse {
                Synapse::Delta => self.move_membranes(reset),
                Synapse::Exponential | Synapse::Alpha => self.move_synapses(reset),
            }
            self.take_arrivals(step);
            for (i, (v, wait)) in self.v.iter_mut().zip(&mut self.wait).enumerate() {
                if *v >= threshold && *wait == 0 {
                    *v = reset;
                    *wait = self.refractory;
                    self.fired.push((step as u32, self.first + i as u32));
                }
            }
        }
    }

    fn move_membranes(&mut self, reset: f64) {
        let Propagator { v: kept, noise, .. } = self.propagator;
        for ((v, wait), drive) in self.v.iter_mut().zip(&mut self.wait).zip(&self.drive) {
            if *wait > 0 {
                *wait -= 1;
                *v = reset;
            } else if noise > 0.0 {
                *v = *v * kept + drive + noise * self.random.normal(self.ziggurat);
            } else {
                *v = *v * kept + drive;
            }
        }
    }

    fn move_synapses(&mut self, reset: f64) {
        let p = self.propagator;
        for i in 0..self.v.len() {
            let (s, x) = (self.s[i], self.x[i]);
            self.s[i] = p.s * s + p.s_from_x * x;
            self.x[i] = p.s * x;
            if self.wait[i] > 0 {
                self.wait[i] -= 1;
                self.v[i] = reset;
                continue;
            }
            let noise = if p.noise > 0.0 { p.noise * self.random.normal(self.ziggurat) } else { 0.0 };
            self.v[i] = self.v[i] * p.v + self.drive[i] + p.v_from_s * s + p.v_from_x * x + noise;
        }
    }

    fn take_arrivals(&mut self, step: usize) {
        if self.ring.is_empty() {
            return;
        }
        let slot = step % self.ring.len();
        let [on_v, on_s, on_x] = self.propagator.kick;
        let arrived = &mut self.ring[slot];
        match self.synapse {
            Synapse::Delta => {
                for ((v, wait), arrived) in self.v.iter_mut().zip(&self.wait).zip(&mut *arrived) {
                    *v += if *wait == 0 { on_v * *arrived } else { 0.0 };
                }
            }
            Synapse::Exponential => self.s.iter_mut().zip(&*arrived).for_each(|(s, a)| *s += on_s * a),
            Synapse::Alpha => self.x.iter_mut().zip(&*arrived).for_each(|(x, a)| *x += on_x * a),
        }
        arrived.fill(0.0);
    }

    /// Takes on its way what is bound for this partition: step of arrival and sending neuron.
    pub(super) fn receive(&mut self, arriving: &[(usize, u32)]) {
        let ring = self.ring.len();
        for (step, source) in arriving {
            let (slot, weight) = (&mut self.ring[step % ring], self.wiring.weight(*source));
            match &self.targets {
                Targets::Next => {
                    let next = (source + 1).checked_sub(self.first);
                    if let Some(target) = next.and_then(|next| slot.get_mut(next as usize)) {
                        *target += weight;
                    }
                }
                Targets::Listed { begin, local } => {
                    let source = *source as usize;
                    for target in &local[begin[source] as usize..begin[source + 1] as usize] {
                        slot[*target as usize] += weight;
                    }
                }
            }
        }
    }
}

impl Targets {
    fn of(network: &Network, range: (u32, u32)) -> Self {
        if matches!(network.wiring, Wiring::Chain { .. }) {
            return Self::Next;
        }
        let (mut begin, mut local) = (vec![0], vec![]);
        if network.wiring.connected() {
            for source in 0..network.wiring.neurons() as u32 {
                network.wiring.targets(source, range, network.seed, |target| local.push((target - range.0) as u16));
                begin.push(local.len() as u32);
            }
        }
        Self::Listed { begin, local }
    }
}
