//! The course of a disease: what must hold of its read-outs, and that scenario files are read.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use semio_twin::course::{CourseReport, CourseScenario, Lesion, Measured, Treatment};

fn scenario() -> CourseScenario {
    CourseScenario { draws: 40, ..CourseScenario::default() }
}

fn latency(report: &CourseReport, day: f64) -> Option<f64> {
    let i = report.day.iter().position(|d| *d >= day).unwrap();
    report.latency_ms[i].map(|b| b.median)
}

#[test]
fn an_attack_delays_the_response_and_repair_brings_it_back_in_part() {
    let report = scenario().run().unwrap();
    assert!((latency(&report, 20.0).unwrap() - 100.0).abs() < 1e-9);
    let conducting = |i: usize| report.conducting[i].median;
    let worst = (0..report.day.len()).map(conducting).fold(1.0, f64::min);
    assert!(worst < 0.7 && conducting(report.day.len() - 1) > worst + 0.2, "{worst}");
    let (late, end) = (latency(&report, 90.0).unwrap(), latency(&report, 365.0).unwrap());
    assert!(late > 105.0 && end < late && end > 100.0, "{late} ms, then {end} ms");
    assert!(report.latency_ms.iter().flatten().all(|b| b.low <= b.median && b.median <= b.high));
    assert!(report.amplitude.iter().all(|b| b.low >= 0.0 && b.high <= 1.0 + 1e-9));
}

#[test]
fn no_lesion_no_change_and_the_same_seed_the_same_course() {
    let healthy = CourseScenario { lesions: vec![], ..scenario() }.run().unwrap();
    assert!(
        healthy.latency_ms.iter().all(|b| b.is_some_and(|b| (b.low - 100.0).abs() + (b.high - 100.0).abs() < 1e-12))
    );
    assert_eq!(scenario().run().unwrap(), scenario().run().unwrap());
    assert_ne!(scenario().run().unwrap(), CourseScenario { seed: 1, ..scenario() }.run().unwrap());
}

#[test]
fn treatment_spares_later_lesions_and_not_earlier_ones() {
    let with = |day| CourseScenario { treatment: Some(Treatment { day, efficacy: 0.8 }), ..scenario() };
    let (none, before, after) = (scenario().run().unwrap(), with(10.0).run().unwrap(), with(40.0).run().unwrap());
    assert_eq!(none.latency_ms, after.latency_ms);
    assert!(latency(&before, 90.0).unwrap() < latency(&none, 90.0).unwrap());
}

#[test]
fn measured_latencies_stand_beside_the_models() {
    let own = latency(&scenario().run().unwrap(), 182.5).unwrap();
    let measured = vec![Measured { day: 182.5, latency: own }, Measured { day: 182.5, latency: 300.0 }];
    let report = CourseScenario { measured, ..scenario() }.run().unwrap();
    assert_eq!(report.compared.iter().map(|c| c.within).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn refused_parameters_name_their_range() {
    let said = |change: fn(&mut CourseScenario)| {
        let mut scenario = scenario();
        change(&mut scenario);
        scenario.run().unwrap_err().to_string()
    };
    assert_eq!(said(|s| s.sodium = 1.0), "sodium = 1: must be from 0 to 0.12");
    assert_eq!(said(|s| s.half_life = f64::NAN), "half-life = NaN: must be from 0.1 to 36500 days");
    let lesion = Lesion { name: String::new(), place: 45.0, length: 10.0, day: 0.0, myelin: 0.1 };
    let scenario = CourseScenario { lesions: vec![lesion], ..scenario() };
    assert_eq!(scenario.run().unwrap_err().to_string(), "length = 10: must be from 0.1 to 5 mm");
}

#[test]
fn where_a_lesion_lies_matters_to_those_over_it() {
    let at = |place: f64| {
        let lesion = |place| Lesion { name: String::new(), place, length: 10.0, day: 30.0, myelin: 0.2 };
        CourseScenario { lesions: vec![lesion(10.0), lesion(place)], spread: 0.0, ..scenario() }.run().unwrap()
    };
    let [over, beside] = [10.0, 30.0].map(|place| latency(&at(place), 60.0).unwrap());
    assert!(over > 100.5 && beside - 100.0 > 1.5 * (over - 100.0), "{over} ms and {beside} ms");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever a user types, the answer is finite or refused, and comes.
    #[test]
    fn any_accepted_course_ends_and_is_finite(
        days in prop_oneof![30 => 1.0..=36500.0f64, 1 => Just(f64::NAN)], diameter in prop_oneof![30 => 1.0..=20.0f64, 1 => Just(0.0)],
        nerve_length in prop_oneof![1.0..=2000.0f64, Just(1.0)], latency in prop_oneof![30 => 0.1..=1000.0f64, 1 => Just(1e300)],
        onset in prop_oneof![0.1..=365.0f64, Just(0.1)], remyelination in 0.0..=1.0f64, half_life in 0.1..=36500.0f64,
        sodium in prop_oneof![30 => 0.0..=0.12f64, 1 => Just(0.5)], sodium_half_life in 0.1..=36500.0f64,
        spread in prop_oneof![0.0..=2.0f64, Just(0.0)], fibre_spread in prop_oneof![0.0..=2.0f64, Just(2.0)],
        lesions in prop::collection::vec((0.0..=1.0f64, 0.0..=1.0f64, -3650.0..=36500.0f64, 0.0..=1.0f64), 0..5),
        treatment in prop_oneof![Just(None), (-3650.0..=36500.0f64, 0.0..=1.0f64).prop_map(Some)],
        measured in prop::collection::vec((0.0..=1.0f64, 0.0..=10_000.0f64), 0..3), seed in any::<u64>(),
    ) {
        let lesions = lesions.into_iter().map(|(place, length, day, myelin)| {
            let place = place * nerve_length * 0.8;
            let length = (0.1 + length * (nerve_length - place)).min(nerve_length - place);
            Lesion { name: String::new(), place, length, day, myelin }
        });
        let scenario = CourseScenario {
            days, draws: 10, seed, diameter, nerve_length, latency, onset, remyelination, half_life, sodium, sodium_half_life,
            spread, fibre_spread, lesions: lesions.collect(),
            treatment: treatment.map(|(day, efficacy)| Treatment { day, efficacy }),
            measured: measured.into_iter().map(|(day, latency)| Measured { day: day * days, latency }).collect(),
            ..CourseScenario::default()
        };
        if let Ok(report) = scenario.run() {
            let latencies = report.latency_ms.iter().flatten();
            prop_assert!(latencies.clone().all(|b| b.low <= b.median && b.median <= b.high && b.high.is_finite()));
            prop_assert!(latencies.clone().all(|b| b.low >= latency - 1e-3), "a lesion makes nothing faster");
            for band in report.amplitude.iter().chain(&report.conducting) {
                prop_assert!(band.low >= 0.0 && band.low <= band.median && band.median <= band.high && band.high <= 1.0 + 1e-9);
            }
            prop_assert_eq!(report.day.len(), report.latency_ms.len());
        } else {
            let odd = [days, diameter, latency, sodium];
            prop_assert!(days.is_nan() || odd[1] < 1.0 || odd[2] > 1000.0 || odd[3] > 0.12);
        }
    }
}
