//! The myelinated axon against NEURON, against its own refinement, and against what is published of nerves.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use semio_twin::axon::{
    AxonScenario, Fibre, Internode, Protocol, Recording, Sizes, block_temperature, highest_frequency, safety_factor,
};
use serde_json::Value;

fn thin(myelin: f64) -> Internode {
    Internode { myelin, ..Internode::HEALTHY }
}

fn lesion(from: usize, to: usize, internode: Internode) -> Fibre {
    let mut fibre = Fibre::healthy(10.0, 41);
    fibre.internodes[from..=to].fill(internode);
    fibre
}

fn all(internode: Internode) -> Fibre {
    lesion(0, 39, internode)
}

fn run(fibre: &Fibre, step_ms: f64) -> Recording {
    Recording::make(fibre, &Protocol { step_ms, ..Protocol::single(fibre) }).unwrap()
}

fn velocity(fibre: &Fibre) -> Option<f64> {
    run(fibre, 0.005).velocity_m_per_s(fibre.spacing_um())
}

#[test]
fn arrivals_and_velocity_are_neurons() {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/neuron/axon.json")).unwrap();
    let measured = |diameter| Fibre { sizes: Sizes::Measured, ..Fibre::healthy(diameter, 41) };
    let cases = [
        ("healthy 10", Fibre::healthy(10.0, 41)),
        ("healthy 5.7", measured(5.7)),
        ("healthy 16", measured(16.0)),
        ("all thin", all(thin(0.3))),
        ("lesion", lesion(18, 20, thin(0.05))),
        ("blocking lesion", lesion(18, 21, thin(0.02))),
        ("open paranodes", lesion(15, 24, Internode { seal: 0.1, ..Internode::HEALTHY })),
        ("refined", Fibre { refine: 3, ..Fibre::healthy(10.0, 41) }),
        ("cold", Fibre { temperature_c: 25.0, ..Fibre::healthy(10.0, 41) }),
    ];
    for (name, fibre) in cases {
        let here = run(&fibre, 0.001);
        let there: Vec<Option<f64>> = serde_json::from_value(fixture[name]["arrivals_ms"].clone()).unwrap();
        for (node, expected) in there.iter().enumerate() {
            match (here.arrival_ms(node), expected) {
                (Some(a), Some(b)) => assert!((a - b).abs() < 0.002 * b + 5e-4, "{name}, node {node}: {a}, NEURON {b}"),
                (a, b) => assert_eq!(a, *b, "{name}, node {node}"),
            }
        }
        if let (Some(from), Some(to)) = (there[10], there[30]) {
            let expected = 20.0 * fibre.spacing_um() * 1e-3 / (to - from);
            let velocity = here.velocity_m_per_s(fibre.spacing_um()).unwrap();
            assert!((velocity / expected - 1.0).abs() < 0.002, "{name}: {velocity} m/s, NEURON {expected}");
            // The step that is usual costs little of that.
            let usual = run(&fibre, 0.0025).velocity_m_per_s(fibre.spacing_um()).unwrap();
            assert!((usual / expected - 1.0).abs() < 0.02, "{name}: {usual} m/s, NEURON {expected}");
        }
    }
}

#[test]
fn velocity_converges_in_second_order_with_step_and_mesh() {
    let ratio = |v: [f64; 3]| (v[0] - v[1]) / (v[1] - v[2]);
    let fibre = Fibre::healthy(10.0, 41);
    let steps = [0.005, 0.0025, 0.00125].map(|s| run(&fibre, s).velocity_m_per_s(fibre.spacing_um()).unwrap());
    assert!((3.6..4.4).contains(&ratio(steps)), "{steps:?}: {}", ratio(steps));
    // The gap's potential changes over some 5 µm beside the paranode; only a mesh finer than that shows its order.
    let meshes = [32, 64, 128].map(|refine| velocity(&Fibre { refine, ..Fibre::healthy(10.0, 9) }).unwrap());
    assert!((3.3..4.5).contains(&ratio(meshes)), "{meshes:?}: {}", ratio(meshes));
}

#[test]
fn velocity_is_about_proportional_to_diameter() {
    for diameter in [2.0, 5.0, 10.0, 15.0, 20.0] {
        let healthy = Fibre::healthy(diameter, 41);
        let share = velocity(&healthy).unwrap() / diameter;
        assert!((5.0..6.0).contains(&share), "{diameter} µm: {share} m/s per µm");
    }
    // Boyd and Kalu (1979): 4.6 m/s per µm in thin fibres, 5.7 in thick ones, where internodes are as measured.
    for (diameter, published) in [(5.7, 4.6), (14.0, 5.7)] {
        let fibre = Fibre { sizes: Sizes::Measured, ..Fibre::healthy(diameter, 41) };
        let share = velocity(&fibre).unwrap() / diameter;
        assert!((share / published - 1.0).abs() < 0.05, "{diameter} µm: {share} m/s per µm");
    }
}

#[test]
fn the_impulse_jumps_from_node_to_node() {
    let fibre = Fibre::healthy(10.0, 21);
    let film = Recording::make(&fibre, &Protocol { film_ms: Some(0.005), ..Protocol::single(&fibre) }).unwrap().film;
    let peak = |part: usize| film.potential_mv.iter().map(|f| f[part]).fold(f32::MIN, f32::max);
    // Huxley and Stämpfli (1949): inward current, and the full impulse across the membrane, at nodes alone.
    let (node, internode) = (peak(film.nodes[10]), peak(film.nodes[10] + 5));
    assert!(node > 20.0 && internode < -50.0, "node {node} mV, internode {internode} mV");
}

#[test]
fn velocity_falls_smoothly_as_myelin_thins_and_ends_abruptly() {
    let shares = [1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1, 0.08, 0.07, 0.06];
    let velocities: Vec<f64> = shares.iter().map(|m| velocity(&all(thin(*m))).unwrap()).collect();
    assert!(velocities.windows(2).all(|v| v[1] < v[0] && v[1] > 0.7 * v[0]), "{velocities:?}");
    // Reutskiy, Rossoni and Tirozzi (2003): conduction until some per cent of the thickness are left, then none.
    for share in [0.04, 0.02, 0.0] {
        assert!(run(&all(thin(share)), 0.005).blocked(), "{share}");
    }
    for (from, to) in [(18, 20), (18, 21), (15, 24)] {
        assert!(run(&lesion(from, to, thin(0.02)), 0.005).blocked(), "internodes {from} to {to}");
        assert!(!run(&lesion(from, to, thin(0.2)), 0.005).blocked(), "internodes {from} to {to}");
    }
}

#[test]
fn a_blocking_lesion_lets_the_impulse_come_to_its_edge() {
    let recording = run(&lesion(18, 21, thin(0.02)), 0.005);
    assert!(recording.arrival_ms(17).is_some() && recording.arrival_ms(22).is_none());
    assert_eq!((recording.velocity_m_per_s(1150.0), recording.latency_ms()), (None, None));
}

#[test]
fn warming_by_a_degree_or_two_blocks_a_critical_fibre() {
    let critical = all(thin(0.055));
    let warm = block_temperature(&critical, &Protocol::single(&critical)).unwrap().unwrap();
    assert!((37.5..39.0).contains(&warm), "{warm} °C");
    let healthy = Fibre::healthy(10.0, 41);
    assert_eq!(block_temperature(&healthy, &Protocol::single(&healthy)).unwrap(), None);
    // And warming speeds a healthy fibre up, by a factor of about 1.6 a decade below body temperature.
    let cold = velocity(&Fibre { temperature_c: 27.0, ..healthy.clone() }).unwrap();
    let speed_up = velocity(&healthy).unwrap() / cold;
    assert!((1.3..1.8).contains(&speed_up), "{speed_up}");
}

#[test]
fn trains_of_high_frequency_fail_first() {
    let short = |share: f64| {
        let mut fibre = Fibre::healthy(10.0, 25);
        fibre.internodes[10..14].fill(thin(share));
        let protocol = Protocol { window_ms: 10.0, ..Protocol::single(&fibre) };
        let factor = safety_factor(&fibre, &protocol).unwrap().unwrap();
        (highest_frequency(&fibre, &protocol).unwrap().unwrap(), factor)
    };
    let (healthy, lesion) = (short(1.0), short(0.05));
    assert!(healthy.0 > 600.0 && lesion.0 < 0.5 * healthy.0, "{} and {} Hz", healthy.0, lesion.0);
    assert!(healthy.1 > 3.0 && (1.0..1.5).contains(&lesion.1), "safety factors {} and {}", healthy.1, lesion.1);
}

#[test]
fn sodium_channels_in_the_bare_axon_and_new_myelin_bring_conduction_back() {
    let bare = thin(0.0);
    assert!(velocity(&lesion(18, 21, bare)).is_none());
    // Bostock and Sears (1978): continuous conduction through demyelinated internodes, many times slower.
    let slow = velocity(&lesion(18, 21, Internode { sodium: 0.08, ..bare })).unwrap();
    let remyelinated = velocity(&lesion(18, 21, thin(0.3))).unwrap();
    let healthy = velocity(&Fibre::healthy(10.0, 41)).unwrap();
    assert!(slow < 0.3 * healthy && remyelinated > 0.85 * healthy, "{slow}, {remyelinated}, {healthy} m/s");
}

#[test]
fn opened_paranodes_slow_the_impulse() {
    let opened = |seal| velocity(&all(Internode { seal, ..Internode::HEALTHY })).unwrap();
    let velocities = [1.0, 0.5, 0.2, 0.05, 0.01].map(opened);
    assert!(velocities.windows(2).all(|v| v[1] < v[0]), "{velocities:?}");
}

#[test]
fn a_bundles_compound_potential_disperses_and_shrinks_with_its_myelin() {
    let bundle = |myelin: f64, lesion: &str| {
        let asked =
            AxonScenario { myelin, lesion: Some(lesion.into()), bundle: 12, nodes: 21, ..AxonScenario::default() };
        asked.run().unwrap().bundle.unwrap()
    };
    let healthy = bundle(1.0, "8-11");
    assert!((healthy.amplitude - 1.0).abs() < 1e-12 && (healthy.conducting - 1.0).abs() < 1e-12);
    assert_eq!(healthy.latency_ms, healthy.healthy_latency_ms);
    let (thin, blocked) = (bundle(0.1, "4-15"), bundle(0.01, "8-11"));
    assert!(thin.amplitude < 1.0 && thin.latency_ms.unwrap() > healthy.latency_ms.unwrap() + 0.2);
    assert_eq!((blocked.conducting, blocked.amplitude, blocked.latency_ms), (0.0, 0.0, None));
}

#[test]
fn a_bundle_counts_its_fibres_and_its_thin_ones_have_more_nodes() {
    // Half of the fibres about 20 µm would be thicker than any.
    let thick = AxonScenario { diameter: 20.0, nodes: 5, bundle: 12, ..AxonScenario::default() }.run().unwrap();
    assert!((4..8).contains(&thick.bundle.unwrap().fibres));
    // The thinnest of these has over 1001 nodes on the length of 520, which nobody asked for.
    let long = AxonScenario { nodes: 520, bundle: 2, bundle_spread: 0.5, step: 0.02, ..AxonScenario::default() };
    assert_eq!(long.run().unwrap().bundle.unwrap().fibres, 2);
}

#[test]
fn the_film_shows_the_impulse_from_its_beginning_to_its_end() {
    for (nodes, pulses) in [(5, 1), (41, 1), (101, 3)] {
        let report = AxonScenario { nodes, pulses, ..AxonScenario::default() }.run().unwrap();
        let film = &report.film;
        assert!((100..=240).contains(&film.time_ms.len()), "{nodes} nodes: {} frames", film.time_ms.len());
        assert_eq!(film.time_ms.len(), film.potential_mv.len());
        let steps: Vec<f64> = film.time_ms.windows(2).map(|t| t[1] - t[0]).collect();
        assert!(steps.iter().all(|s| (s - steps[0]).abs() < 1e-9), "{nodes} nodes: frames at equal distances");
        let (first, last) = (film.time_ms[0], film.time_ms[film.time_ms.len() - 1]);
        assert!(first.abs() < 1e-12 && last > report.latency_ms.unwrap(), "{nodes} nodes: {first} to {last} ms");
        // The highest that a frame caught of the last node is near the peak between frames.
        let end = film.nodes[nodes - 1];
        let caught =
            film.potential_mv.iter().map(|f| f64::from(f[end] - film.potential_mv[0][end])).fold(0.0, f64::max);
        assert!(caught > 0.8 * report.amplitude_mv[nodes - 1], "{nodes} nodes: {caught} mV");
    }
}

#[test]
fn refused_parameters_name_their_range() {
    let said = |change: fn(&mut AxonScenario)| {
        let mut scenario = AxonScenario::default();
        change(&mut scenario);
        scenario.run().unwrap_err().to_string()
    };
    assert_eq!(said(|s| s.diameter = 0.0), "diameter = 0: must be from 1 to 20 µm");
    assert_eq!(said(|s| s.myelin = -0.1), "myelin = -0.1: must be from 0 to 1");
    assert_eq!(said(|s| s.nodes = 2), "nodes = 2: must be from 5 to 1001");
    assert_eq!(said(|s| s.temperature = f64::NAN), "temperature = NaN: must be from 10 to 45 °C");
    let lesion = said(|s| s.lesion = Some("30-50".into()));
    assert_eq!(lesion, "lesion = 30-50: must be two internodes A-B with A up to B, from 0 to 39");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever fibre is accepted, its potentials stay physiological and its answer comes.
    #[test]
    fn any_accepted_fibre_stays_finite(
        diameter in 1.0..20.0f64, myelin in prop_oneof![0.0..1.0f64, Just(0.0), Just(1e-9), Just(1e-4)],
        seal in 0.01..1.0f64, sodium in prop_oneof![0.0..1.0f64, Just(0.0)], temperature in 10.0..45.0f64,
        stimulus in prop_oneof![0.0..1000.0f64, Just(1000.0)], step in 0.0005..0.02f64, refine in 1..3usize,
    ) {
        let mut fibre = Fibre::healthy(diameter, 9);
        (fibre.temperature_c, fibre.refine) = (temperature, refine);
        fibre.internodes[2..5].fill(Internode { myelin, seal, sodium });
        let protocol = Protocol {
            current_na: stimulus, step_ms: step, window_ms: 3.0, film_ms: Some(0.1), ..Protocol::single(&fibre)
        };
        let recording = Recording::make(&fibre, &protocol).unwrap();
        prop_assert!(recording.film.potential_mv.iter().flatten().all(|v| v.is_finite()));
        prop_assert!(recording.velocity_m_per_s(fibre.spacing_um()).is_none_or(|v| v > 0.0 && v < 1000.0));
    }

    /// Whatever a user types, the answer is finite or refused, and comes.
    #[test]
    fn any_accepted_scenario_ends_and_is_finite(
        diameter in prop_oneof![40 => 1.0..20.0f64, 1 => Just(f64::NAN), 1 => Just(-1.0)], nodes in 5..12usize,
        myelin in prop_oneof![0.0..=1.0f64, Just(0.0)], seal in prop_oneof![40 => 0.01..=1.0f64, 1 => Just(0.0)],
        sodium in prop_oneof![0.0..=1.0f64, Just(0.0)], temperature in prop_oneof![40 => 10.0..=45.0f64, 1 => Just(1e300)],
        stimulus in prop_oneof![(0.0..=1000.0f64).prop_map(Some), Just(None)],
        width in prop_oneof![0.01..10.0f64, Just(0.1)], pulses in 1..4usize, frequency in prop_oneof![40 => 0.1..=5000.0f64, 1 => Just(0.0)],
        window in prop_oneof![40 => 0.1..5.0f64, 1 => Just(f64::NAN)], step in prop_oneof![40 => 0.0005..=0.02f64, 1 => Just(1.0)],
        measured in any::<bool>(), lesion in prop_oneof![Just(None), Just(Some("1-2".to_owned())), Just(Some("9".to_owned()))],
        bundle in prop_oneof![4 => Just(0), 4 => Just(2), 1 => Just(1)], bundle_spread in 0.01..0.5f64,
    ) {
        let sizes = if measured { Sizes::Measured } else { Sizes::Proportional };
        let scenario = AxonScenario {
            diameter, nodes, sizes, myelin, lesion, seal, sodium, temperature, stimulus, width, pulses, frequency, window,
            step, bundle, bundle_spread, ..AxonScenario::default()
        };
        if let Ok(report) = scenario.run() {
            prop_assert!(report.amplitude_mv.iter().all(|v| v.is_finite()));
            prop_assert!(report.arrival_ms.iter().flatten().all(|t| (0.0..=window + step).contains(t)));
            prop_assert!(report.film.potential_mv.iter().flatten().all(|v| v.is_finite()));
            prop_assert!(report.velocity_m_per_s.is_none_or(|v| v > 0.0 && v < 1000.0));
            prop_assert!(report.blocked == report.latency_ms.is_none());
            if let Some(bundle) = report.bundle {
                prop_assert!((0.0..=1.0 + 1e-9).contains(&bundle.conducting) && bundle.fibres <= 2);
            }
        }
    }
}
