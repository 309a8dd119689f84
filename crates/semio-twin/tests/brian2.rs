//! Single neurons and a chain against Brian2; the fixture and its script lie in `fixtures/brian2`.

#![expect(clippy::unwrap_used, reason = "tests")]

use semio_twin::{
    network::{NetworkScenario, Synapse, Topology},
    neuron::{Current, Exponential, HodgkinHuxley, Lif, Response},
};
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/brian2/neurons.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn the_leaky_neurons_curve_is_brians_and_its_grid_converges_to_the_exact_spikes() {
    let fixture = &fixture()["leaky"];
    for tau in [20.0, 50.0, 100.0] {
        let lif = Lif { tau_ms: tau, resistance: 1.0, rest: 0.0, threshold: 1.0, reset: 0.0, refractory_ms: 0.0 };
        let here = lif.run(&Current::Constant(1.5), 250.0, Some(0.1)).unwrap();
        for (a, b) in here.curve.potential.iter().zip(numbers(&fixture[format!("{tau} 0.1")]["v"])) {
            assert!((a - b).abs() < 1e-9, "{a} instead of {b}");
        }
        // First order, spike by spike: a grid rounds each interval up to its next step, and Brian2 tells when the step of
        // a spike begins.
        let interval = tau * 3f64.ln();
        for step in [0.1, 0.05, 0.025] {
            let there = numbers(&fixture[format!("{tau} {step}")]["spikes"]);
            assert_eq!(there.len(), (250.0 / interval) as usize);
            for (k, (a, b)) in here.spike_times_ms.iter().zip(&there).enumerate() {
                let count = (k + 1) as f64;
                assert!((a - count * interval).abs() < 1e-9, "tau {tau}, spike {k}: {a} instead of the closed form");
                let rounded = count * (interval / step).ceil() * step - step;
                assert!((b - rounded).abs() < 1e-9, "tau {tau}, step {step}, spike {k}: {b} instead of {rounded}");
            }
        }
    }
}

#[test]
fn a_grids_spikes_converge_to_the_closed_form_in_first_order() {
    // The mean over many time constants, since a single interval may lie on the grid of one step by chance.
    let error = |step: f64| {
        let taus = (0..200).map(|i| 10.0 + 0.17 * f64::from(i));
        let errors = taus.map(|tau| {
            let chain = NetworkScenario {
                topology: Topology::Chain,
                neurons: 1,
                tau,
                refractory: 0.0,
                window: 60.0,
                step,
                ..NetworkScenario::default()
            };
            let first = chain.run().unwrap().raster[0].time_ms;
            let late = first - tau * 3f64.ln();
            assert!((-1e-9..step + 1e-9).contains(&late), "tau {tau}, step {step}: {late} ms late");
            late
        });
        errors.sum::<f64>() / 200.0
    };
    let errors = [0.2, 0.1, 0.05, 0.025].map(error);
    for (pair, step) in errors.windows(2).zip([0.2, 0.1, 0.05]) {
        let ratio = pair[0] / pair[1];
        assert!((1.7..2.35).contains(&ratio), "from step {step} to its half: {ratio}, {errors:?}");
    }
}

fn agrees(here: &Response, there: &Value, spike_ms: f64, potential: f64) {
    let spikes = numbers(&there["spikes"]);
    assert_eq!(here.spike_times_ms.len(), spikes.len());
    for (a, b) in here.spike_times_ms.iter().zip(&spikes) {
        assert!((a - b).abs() < spike_ms, "spike at {a} instead of {b}");
    }
    // Up to just before the first spike.
    let before = ((spikes[0] - 1.0) / 0.5) as usize;
    let curve = here.curve.time_ms.iter().zip(&here.curve.potential);
    for ((t, a), b) in curve.zip(numbers(&there["v"])).take(before) {
        assert!((a - b).abs() < potential, "at {t} ms: {a} instead of {b}");
    }
}

#[test]
fn the_adaptive_neuron_is_brians() {
    let membrane = Lif {
        tau_ms: 281.0 / 30.0,
        resistance: 1000.0 / 30.0,
        rest: -70.6,
        threshold: -50.4,
        reset: -70.6,
        refractory_ms: 0.0,
    };
    let neuron = Exponential {
        membrane,
        sharpness: 2.0,
        cutoff: -34.4,
        adaptation_tau_ms: 144.0,
        adaptation: 0.004,
        spike_adaptation: 0.0805,
        step_ms: 0.01,
    };
    let here = neuron.run(&Current::Constant(0.8), 200.0, Some(0.5)).unwrap();
    // Brian2's spikes lie on its grid, and each carries its rounding on.
    agrees(&here, &fixture()["adaptive"], 0.2, 1e-6);
}

#[test]
fn hodgkin_and_huxleys_membrane_is_brians() {
    let squid = HodgkinHuxley { temperature_c: 6.3, step_ms: 0.01 };
    let here = squid.run(&Current::Constant(10.0), 60.0, Some(0.5)).unwrap();
    agrees(&here, &fixture()["squid"], 0.05, 0.02);
}

#[test]
fn a_chain_of_exponential_synapses_is_brians() {
    let fixture = &fixture()["chain"];
    for step in [0.1, 0.05] {
        let scenario = NetworkScenario {
            topology: Topology::Chain,
            neurons: 5,
            weight: Some(8.0),
            synapse: Synapse::Exponential,
            window: 150.0,
            step,
            ..NetworkScenario::default()
        };
        let report = scenario.run().unwrap();
        let (neurons, times) =
            (numbers(&fixture[step.to_string()]["neuron"]), numbers(&fixture[step.to_string()]["time"]));
        for neuron in 0..5u32 {
            let here: Vec<f64> = report.raster.iter().filter(|s| s.neuron == neuron).map(|s| s.time_ms).collect();
            let there = neurons.iter().zip(&times).filter(|(n, _)| **n as u32 == neuron).map(|(_, t)| *t);
            let there: Vec<f64> = there.collect();
            assert!(there.len() > 3 && here.len().abs_diff(there.len()) <= 1, "{neuron}: {here:?} {there:?}");
            for (k, (a, b)) in here.iter().zip(&there).enumerate() {
                let allowed = (k as f64 + 1.0 + 2.0 * f64::from(neuron)) * step + 1e-9;
                assert!((a - b).abs() <= allowed, "neuron {neuron}, spike {k}: {a}, Brian2 {b}");
            }
        }
    }
}
