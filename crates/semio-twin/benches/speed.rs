//! One timed case for `benches/twin/compare.py`: name and number of threads in, seconds as JSON out.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a script")]

use std::time::Instant;

use semio_twin::{
    axon::{Fibre, Protocol, Recording},
    network::{AxonDamage, Network, Synapse, Wiring},
    neuron::Lif,
};

fn main() {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let case = args.next().unwrap_or_default();
    let threads = args.next().and_then(|t| t.parse().ok()).unwrap_or(0);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let network = |neurons, connectivity| Network {
        neuron: Lif { tau_ms: 20.0, resistance: 1.0, rest: 0.0, threshold: 1.0, reset: 0.0, refractory_ms: 2.0 },
        wiring: Wiring::Random { neurons, connectivity, excitatory: 0.8, weight: 0.02, inhibition: 5.0 },
        synapse: Synapse::Delta,
        synapse_tau_ms: 5.0,
        delay_ms: 1.5,
        current: 1.5,
        noise: 0.2,
        damage: AxonDamage { share: 0.0, delay_ms: 0.0, jitter_ms: 0.0, failure: 0.0 },
        step_ms: 0.1,
        seed: 0,
    };
    // What the peers do not count as simulation either: who is connected to whom.
    let mut wiring = 0.0;
    let mut simulate = |network: Network| {
        let begun = Instant::now();
        let wired = network.wire(1000.0).unwrap();
        wiring = begun.elapsed().as_secs_f64();
        wired.run().unwrap().len()
    };
    let begun = Instant::now();
    let spikes = match case.as_str() {
        "neurons" => simulate(network(100_000, 0.0)),
        "network" => simulate(network(10_000, 0.01)),
        "axon" => {
            let fibre = Fibre::healthy(10.0, 101);
            // The second pulse keeps the fibre from coming to rest before the 20 ms are over.
            let protocol =
                Protocol { pulses_ms: vec![0.0, 19.9], window_ms: 20.0, step_ms: 0.005, ..Protocol::single(&fibre) };
            Recording::make(&fibre, &protocol).unwrap().arrivals_ms[100].len()
        }
        _ => return,
    };
    let seconds = begun.elapsed().as_secs_f64() - wiring;
    println!("{{\"seconds\": {seconds}, \"wiring_seconds\": {wiring}, \"spikes\": {spikes}}}");
}
