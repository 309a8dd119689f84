//! One timed case for `benches/twin/compare.py`: name and number of threads in, seconds as JSON out.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a script")]

use std::time::Instant;

use semio_twin::{
    axon::{Fibre, Protocol, Recording},
    network::NetworkScenario,
};

fn main() {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let case = args.next().unwrap_or_default();
    let threads = args.next().and_then(|t| t.parse().ok()).unwrap_or(0);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let network = |neurons, connectivity| {
        let scenario = NetworkScenario { neurons, connectivity, window: 1000.0, ..NetworkScenario::default() };
        scenario.run().unwrap().spikes
    };
    let begun = Instant::now();
    let spikes = match case.as_str() {
        "neurons" => network(100_000, 0.0),
        "network" => network(10_000, 0.01),
        "axon" => {
            let fibre = Fibre::healthy(10.0, 101);
            // The second pulse keeps the fibre from coming to rest before the 20 ms are over.
            let protocol =
                Protocol { pulses_ms: vec![0.0, 19.9], window_ms: 20.0, step_ms: 0.005, ..Protocol::single(&fibre) };
            Recording::make(&fibre, &protocol).unwrap().arrivals_ms[100].len()
        }
        _ => return,
    };
    println!("{{\"seconds\": {}, \"spikes\": {spikes}}}", begun.elapsed().as_secs_f64());
}
