//! The course of a disease: what must hold of its read-outs, and that scenario files are read.

#![expect(clippy::unwrap_used, reason = "tests")]

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
