//! The integrate-and-fire neuron against its closed form, and against itself.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use semio_twin::neuron::{Current, Lif, Model, NeuronScenario, SPIKE_LIMIT, Waveform};

fn lif(tau_ms: f64) -> Lif {
    Lif { tau_ms, resistance: 1.0, rest: 0.0, threshold: 1.0, reset: 0.0, refractory_ms: 0.0 }
}

fn near(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * a.abs().max(b.abs())
}

#[test]
fn presets_fire_as_the_closed_form_says_and_the_severe_one_is_not_silent() {
    for (tau, interval) in
        [(20.0, 21.972_245_773_362_196), (50.0, 54.930_614_433_405_49), (100.0, 109.861_228_866_810_98)]
    {
        let spikes = lif(tau).run(&Current::Constant(1.5), 500.0, None).unwrap().spike_times_ms;
        assert_eq!(spikes.len(), (500.0 / interval) as usize);
        for (k, spike) in spikes.iter().enumerate() {
            assert!(near(*spike, interval * (k + 1) as f64, 1e-13), "tau {tau}, spike {k}: {spike}");
        }
    }
}

#[test]
fn a_step_of_current_shifts_the_spikes_and_a_silent_end_keeps_none() {
    let step = Current::Step { level: 1.5, start_ms: 100.0, stop_ms: 200.0 };
    let spikes = lif(20.0).run(&step, 500.0, None).unwrap().spike_times_ms;
    let interval = 20.0 * 3f64.ln();
    assert_eq!(spikes.len(), 4);
    assert!(spikes.iter().enumerate().all(|(k, s)| near(*s, 100.0 + interval * (k + 1) as f64, 1e-13)), "{spikes:?}");
}

#[test]
fn a_ramp_meets_the_threshold_where_its_exact_solution_does() {
    // From rest under I = t/100: V = (t − τ + τ·exp(−t/τ))/100, which is 1 at t* = 100 + τ − τ·exp(−t*/τ).
    let spikes = lif(20.0).run(&Current::Ramp { from: 0.0, to: 5.0 }, 500.0, None).unwrap().spike_times_ms;
    let fixed_point = (0..200).fold(120.0, |t: f64, _| 120.0 - 20.0 * (-t / 20.0).exp());
    assert!(near(spikes[0], fixed_point, 1e-13), "{} instead of {fixed_point}", spikes[0]);
    assert!(spikes.windows(3).all(|s| s[2] - s[1] < s[1] - s[0]), "a rising current fires ever faster");
    // A falling ramp, against the same current cut into small steps.
    for from in [1.2, 1.8, 2.5, 4.0] {
        let exact = lif(20.0).run(&Current::Ramp { from, to: -5.0 }, 200.0, None).unwrap().spike_times_ms;
        let values = (0..100_000).map(|i| from - (from + 5.0) * (f64::from(i) + 0.5) / 100_000.0).collect();
        let steps = Current::Recorded { values, step_ms: 0.002 };
        let cut = lif(20.0).run(&steps, 200.0, None).unwrap().spike_times_ms;
        assert_eq!(exact.len(), cut.len(), "from {from}");
        assert!(exact.iter().zip(&cut).all(|(a, b)| near(*a, *b, 1e-5)), "{exact:?} {cut:?}");
    }
}

#[test]
fn held_noise_makes_the_free_membrane_vary_as_asked() {
    let neuron = Lif { threshold: 100.0, ..lif(20.0) };
    let deviation = neuron.noise_for(0.5, 0.1);
    let noise = Current::Noisy { level: 1.0, deviation, step_ms: 0.1, seed: 11 };
    let curve = neuron.run(&noise, 400_000.0, Some(10.0)).unwrap().curve.potential;
    let settled = &curve[20..];
    let mean = settled.iter().sum::<f64>() / settled.len() as f64;
    let sd = (settled.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / settled.len() as f64).sqrt();
    assert!((mean - 1.0).abs() < 0.02 && (sd - 0.5).abs() < 0.015, "mean {mean}, deviation {sd}");
}

#[test]
fn noise_repeats_under_its_seed_and_a_recording_of_it_gives_the_same() {
    let scenario =
        |seed| NeuronScenario { waveform: Waveform::Noisy, seed, window: 2000.0, ..NeuronScenario::default() };
    let spikes = |seed| scenario(seed).run().unwrap().remove(0).spike_times_ms;
    assert_eq!(spikes(1), spikes(1));
    assert_ne!(spikes(1), spikes(2));
    let held = Current::Recorded { values: vec![1.5; 5000], step_ms: 0.1 };
    let recorded = lif(20.0).run(&held, 500.0, None).unwrap().spike_times_ms;
    let constant = lif(20.0).run(&Current::Constant(1.5), 500.0, None).unwrap().spike_times_ms;
    assert_eq!(recorded.len(), constant.len());
    assert!(recorded.iter().zip(&constant).all(|(a, b)| near(*a, *b, 1e-11)), "steps of a held current add up");
}

#[test]
fn the_curve_is_exact_at_its_points_and_shows_each_spike() {
    let response = lif(20.0).run(&Current::Constant(1.5), 60.0, Some(1.0)).unwrap();
    let (times, potentials) = (&response.curve.time_ms, &response.curve.potential);
    assert!(times.windows(2).all(|t| t[0] <= t[1]));
    assert_eq!((times[0], *times.last().unwrap(), times.len()), (0.0, 60.0, 61 + 2 * 2));
    for (t, v) in times.iter().zip(potentials).filter(|(t, _)| **t < response.spike_times_ms[0]) {
        assert!(near(*v, 1.5 * -(-t / 20.0).exp_m1(), 1e-14), "at {t}: {v}");
    }
    assert_eq!(potentials.iter().filter(|v| **v >= 1.0).count(), 2);
}

#[test]
fn refused_parameters_name_their_range() {
    let said = |change: fn(&mut NeuronScenario)| {
        let mut scenario = NeuronScenario::default();
        change(&mut scenario);
        scenario.run().unwrap_err().to_string()
    };
    assert_eq!(said(|s| s.tau = Some(0.0)), "tau = 0: must be from 0.01 to 10000 ms");
    assert_eq!(said(|s| s.resistance = f64::NAN), "resistance = NaN: must be from 0.000001 to 1000000");
    assert_eq!(said(|s| s.window = -1.0), "window = -1: must be from 0.1 to 1000000 ms");
    assert_eq!(said(|s| s.threshold = 0.0), "rest = 0: must be below the threshold, which is 0");
    assert_eq!(said(|s| s.preset = vec!["mild".into()]), "preset = mild: must be one of healthy, partial, severe");
    // A feedback that drives the potential away from rest: it overflowed after 1258 ms.
    let away = said(|s| (s.model, s.adaptation, s.current, s.window) = (Model::Adex, Some(-1000.0), -1.0, 2000.0));
    assert!(away.starts_with("adaptation = -1000: must be above −1 / resistance, which is -1,"), "{away}");
    let edge = said(|s| (s.model, s.adaptation) = (Model::Adex, Some(-1.0)));
    assert!(edge.starts_with("adaptation = -1: must be above"), "{edge}");
    let fast = said(|s| (s.current, s.window) = (1e6, 1e6));
    assert!(fast.contains(&SPIKE_LIMIT.to_string()) && fast.contains("refractory"), "{fast}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any constant current over the rheobase: the k-th spike is at k·T + (k − 1)·refractory.
    #[test]
    fn spike_times_equal_the_closed_form(
        tau in 0.1..500.0f64, resistance in 0.01..100.0f64, threshold in 0.1..50.0f64,
        below in 0.0..10.0f64, refractory in 0.0..20.0f64, over in 1.001..20.0f64,
    ) {
        let neuron = Lif { tau_ms: tau, resistance, rest: 0.0, threshold, reset: -below, refractory_ms: refractory };
        let current = over * threshold / resistance;
        let first = tau * (resistance * current / (resistance * current - threshold)).ln();
        let interval = refractory
            + tau * ((resistance * current + below) / (resistance * current - threshold)).ln();
        let window = (first + 40.0 * interval).clamp(0.1, 1e6);
        let spikes = neuron.run(&Current::Constant(current), window, None).unwrap().spike_times_ms;
        prop_assert!(spikes.len() >= 39 || window >= 1e6);
        for (k, spike) in spikes.iter().enumerate() {
            prop_assert!(near(*spike, first + k as f64 * interval, 1e-9), "spike {}: {}", k, spike);
        }
    }

    /// Whatever a user types, the answer is finite or refused, and comes.
    #[test]
    fn no_parameter_gives_nan_or_no_end(
        values in prop::collection::vec(prop_oneof![
            -2.0..50.0f64, Just(0.0), Just(1e6), Just(-1e6), Just(1e-6), Just(f64::NAN), Just(f64::INFINITY), Just(1e300),
        ], 12),
        sane in prop::collection::vec(prop::bool::weighted(0.93), 12),
        model in prop_oneof![Just(Model::Lif), Just(Model::Eif), Just(Model::Adex), Just(Model::HodgkinHuxley)],
        sharpness in prop_oneof![0.001..2.0f64, Just(0.1), Just(1e-3), Just(1e3)],
        adaptation in prop_oneof![-1.5..2.0f64, -1e3..1e3f64, Just(-0.999_999), Just(1e3), 0.0..0.1f64],
        spike_adaptation in prop_oneof![0.0..2.0f64, Just(0.0), Just(1e6)],
        adaptation_tau in prop_oneof![0.1..1e5f64, Just(0.1), Just(144.0)],
        resistance in prop_oneof![1e-6..1e6f64, Just(1.0), Just(1e-3), Just(1e3)],
        step in prop_oneof![1e-3..0.5f64, Just(0.5), Just(0.01), 1e-3..0.02f64],
        temperature in prop_oneof![0.0..30.0f64, Just(30.0)], sample in prop_oneof![1e-3..1e3f64, Just(0.5)],
        waveform in prop_oneof![
            Just(Waveform::Constant), Just(Waveform::Step), Just(Waveform::Ramp), Just(Waveform::Noisy),
            Just(Waveform::Recorded),
        ],
    ) {
        let usual = NeuronScenario::default();
        let pick = |i: usize, otherwise: f64| if sane[i] { otherwise } else { values[i] };
        let scenario = NeuronScenario {
            tau: Some(pick(0, 20.0)), resistance: if sane[1] { resistance } else { values[1] },
            rest: pick(2, 0.0), threshold: pick(3, 1.0),
            reset: Some(pick(4, 0.0)), refractory: pick(5, 1.0), window: pick(6, 100.0).min(2000.0),
            current: pick(7, 1.5), current_end: pick(8, 3.0), start: pick(9, 10.0), stop: pick(9, 10.0) + 20.0,
            noise: pick(10, 0.2), recording: vec![pick(11, 1.0); 50], waveform, model,
            sharpness: Some(sharpness), adaptation: Some(adaptation), spike_adaptation: Some(spike_adaptation),
            adaptation_tau, step, temperature, sample, ..usual
        };
        match scenario.run() {
            Ok(reports) => for report in reports {
                prop_assert!(report.curve.potential.iter().all(|v| v.is_finite()));
                prop_assert!(report.spike_times_ms.iter().all(|t| (0.0..=report.window_ms).contains(t)));
                prop_assert!(report.spike_times_ms.windows(2).all(|t| t[0] <= t[1]));
            },
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
