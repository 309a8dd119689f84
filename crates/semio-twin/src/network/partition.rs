use pulp::{Arch, Simd, WithSimd};

use super::{Network, Synapse, Wiring, propagator::Propagator};
use crate::{
    neuron::Lif,
    random::{Random, Ziggurat, ziggurat},
};

/// Neurons of a partition; fixed, so that results do not depend on the number of threads.
pub(super) const SIZE: usize = 1024;

/// Neurons that go through a step's loops together.
const BLOCK: usize = 64;

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
    /// What arrives in which step, weights summed; a single place for nothing where nothing is connected.
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
            ring: vec![vec![0.0; size]; if connected { ring } else { 1 }],
            wiring: network.wiring,
            targets: Targets::of(network, (first as u32, end as u32)),
            fired: vec![],
        }
    }

    /// Moves on from the end of step `begin` to that of step `end`.
    pub(super) fn advance(&mut self, begin: usize, end: usize) {
        Arch::new().dispatch(Advance { part: self, begin, end });
    }

    /// One step, block by block, so that what one loop writes the next finds in the nearest cache. No loop branches from
    /// neuron to neuron but the last, which only looks at blocks in which a threshold was met.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of who calls")]
    #[inline(always)]
    fn step(&mut self, step: usize) {
        let p = self.propagator;
        let [on_v, on_s, on_x] = p.kick;
        let threshold = self.neuron.threshold - self.neuron.rest;
        let reset = self.neuron.reset - self.neuron.rest;
        let ring = self.ring.len();
        let arrived = &mut self.ring[step % ring];
        let mut input = [0.0; BLOCK];
        for first in (0..self.v.len()).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(self.v.len());
            let (v, wait) = (&mut self.v[block.clone()], &mut self.wait[block.clone()]);
            let (arrived, drive) = (&mut arrived[block.clone()], &self.drive[block.clone()]);
            let input = &mut input[..v.len()];
            if p.noise > 0.0 {
                self.random.fill_normal(self.ziggurat, input);
                input.iter_mut().zip(drive).for_each(|(input, drive)| *input = drive + p.noise * *input);
            } else {
                input.copy_from_slice(drive);
            }
            if self.synapse != Synapse::Delta {
                let (s, x) = (&mut self.s[block.clone()], &mut self.x[block]);
                for (((s, x), input), arrived) in s.iter_mut().zip(x).zip(&mut *input).zip(&mut *arrived) {
                    *input += p.v_from_s * *s + p.v_from_x * *x;
                    let arrived = std::mem::take(arrived);
                    *s = p.s * *s + p.s_from_x * *x + on_s * arrived;
                    *x = p.s * *x + on_x * arrived;
                }
            }
            let mut met = false;
            for (((v, wait), input), arrived) in v.iter_mut().zip(&mut *wait).zip(input).zip(arrived) {
                let moved = if *wait > 0 { reset } else { *v * p.v + *input };
                *wait = wait.saturating_sub(1);
                let arrived = std::mem::take(arrived);
                *v = moved + if *wait == 0 { on_v * arrived } else { 0.0 };
                met |= *v >= threshold;
            }
            if met {
                for (i, (v, wait)) in v.iter_mut().zip(wait).enumerate() {
                    if *v >= threshold && *wait == 0 {
                        *v = reset;
                        *wait = self.refractory;
                        self.fired.push((step as u32, self.first + (first + i) as u32));
                    }
                }
            }
        }
    }

    /// Takes on its way what is bound for this partition: step of arrival and sending neuron.
    pub(super) fn receive(&mut self, arriving: &[(usize, u32)]) {
        let (ring, slots, wiring) = (self.ring.len(), &mut self.ring, self.wiring);
        match &self.targets {
            Targets::Next => {
                for (step, source) in arriving {
                    let next = (source + 1).checked_sub(self.first);
                    if let Some(target) = next.and_then(|next| slots[step % ring].get_mut(next as usize)) {
                        *target += wiring.weight(*source);
                    }
                }
            }
            Targets::Listed { begin, local } => {
                // Lists lie all over the memory: some are looked up together, so that one need not wait for the other.
                for spikes in arriving.chunks(16) {
                    let mut lists: [&[u16]; 16] = [&[]; 16];
                    let mut firsts = [None; 16];
                    for ((list, first), (_, source)) in lists.iter_mut().zip(&mut firsts).zip(spikes) {
                        let source = *source as usize;
                        *list = &local[begin[source] as usize..begin[source + 1] as usize];
                        *first = list.first().copied();
                    }
                    for ((list, first), (step, source)) in lists.iter().zip(firsts).zip(spikes) {
                        let (slot, weight) = (&mut slots[step % ring], wiring.weight(*source));
                        for target in first.into_iter().chain(list.iter().skip(1).copied()) {
                            slot[target as usize] += weight;
                        }
                    }
                }
            }
        }
    }
}

/// Steps with the widest vectors that this CPU has; the same bits come of narrower ones.
struct Advance<'a> {
    part: &'a mut Partition,
    begin: usize,
    end: usize,
}

impl WithSimd for Advance<'_> {
    type Output = ();

    // Inlined, as all that it calls for each neuron: what stays a function is compiled for every CPU.
    #[expect(clippy::inline_always, reason = "compiled for the instructions of who calls")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for step in self.begin + 1..=self.end {
            self.part.step(step);
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
