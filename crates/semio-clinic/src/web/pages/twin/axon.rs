//! An impulse along an axon with a lesion, and its velocity against the myelin left there.

use semio_twin::{
    axon::{AxonReport, AxonScenario, Sweep, Varied, sweep},
    picture,
};

use super::{
    Section, address,
    dial::{Asked, Dial, query, read, sliders},
    figure_language,
};
use crate::{web::Problem, words::Language};

static DIALS: [Dial; 3] = [
    Dial { label: "twin-myelin", name: "myelin", low: 0.02, high: 1.0, step: 0.02, usual: 0.2, decimals: 2, unit: "%" },
    Dial {
        label: "twin-temperature",
        name: "temperature",
        low: 30.0,
        high: 42.0,
        step: 0.5,
        usual: 37.0,
        decimals: 1,
        unit: "°C",
    },
    Dial {
        label: "twin-diameter",
        name: "diameter",
        low: 2.0,
        high: 16.0,
        step: 0.5,
        usual: 10.0,
        decimals: 1,
        unit: "µm",
    },
];

/// Myelin left at the curve's points: few, since each is a run of the cable, and close where conduction ends.
const CURVE: [f64; 9] = [0.02, 0.04, 0.05, 0.06, 0.08, 0.12, 0.2, 0.5, 1.0];

fn scenario([myelin, temperature, diameter]: [f64; 3]) -> AxonScenario {
    // The slowest impulse that gets through takes less than 5 ms: what is watched longer would be rest.
    let (window, step) = (6.0, 0.005);
    AxonScenario { myelin, lesion: Some("15-24".into()), temperature, diameter, window, step, ..Default::default() }
}

fn run(values: [f64; 3]) -> Result<AxonReport, Problem> {
    scenario(values).run().map_err(|_| Problem::Broken)
}

/// Velocity for each share of myelin left in the lesion.
fn curve([_, temperature, diameter]: [f64; 3]) -> Result<Sweep, Problem> {
    // A fibre without a lesion would lose its myelin everywhere.
    let ill = scenario([0.5, temperature, diameter]);
    let swept = ill.fibre().and_then(|(fibre, _)| sweep(&fibre, &ill.protocol(&fibre)?, Varied::Myelin, &CURVE));
    swept.map_err(|_| Problem::Broken)
}

pub(super) fn section(asked: &Asked, language: Language) -> Result<Section, Problem> {
    let values = read(&DIALS, asked, language)?;
    Ok(Section {
        sliders: sliders(&DIALS, &values, language),
        query: address(&query(&DIALS, &values), language),
        words: words(language, values[0], &run(values)?),
    })
}

pub(super) fn figure(asked: &Asked, language: Language) -> Result<String, Problem> {
    Ok(picture::impulse(&run(read(&DIALS, asked, language)?)?, figure_language(language)))
}

pub(super) fn velocity(asked: &Asked, language: Language) -> Result<String, Problem> {
    let values = read(&DIALS, asked, language)?;
    Ok(picture::velocity(&run(values)?, &curve(values)?, true, figure_language(language)))
}

fn words(language: Language, myelin: f64, report: &AxonReport) -> String {
    let share = language.percent(myelin);
    match report.velocity_m_per_s {
        Some(velocity) => language
            .args("twin-axon-words", [("myelin", share.into()), ("velocity", language.number(velocity, 1).into())]),
        None => language.args("twin-axon-blocked", [("myelin", share.into())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time steps times compartments that one answer may take, 80 ms: one core does some 30 million a second in the
    /// development build.
    const WORK: usize = 2_400_000;

    #[test]
    fn no_place_of_the_sliders_takes_more_work_than_an_answer_may() {
        let ends = |dial: &Dial| [dial.low, dial.usual, dial.high];
        let mut most = [0, 0];
        for temperature in ends(&DIALS[1]) {
            for diameter in ends(&DIALS[2]) {
                let curve = curve([0.0, temperature, diameter]).expect("the sliders' ends are taken");
                most[1] = most[1].max(curve.work);
                assert!(curve.points.last().is_some_and(|p| p.velocity_m_per_s.is_some()), "a healthy fibre conducts");
                for myelin in CURVE.into_iter().chain([0.07, 0.1, 0.15]) {
                    let report = run([myelin, temperature, diameter]).expect("the sliders' ends are taken");
                    most[0] = most[0].max(report.work);
                    assert!(report.latency_ms.is_none_or(|ms| ms < 5.0), "{temperature} °C, {diameter} µm, {myelin}");
                }
            }
        }
        assert!(most[0] + most[1] <= WORK, "the impulse takes {}, the curve {}", most[0], most[1]);
    }

    #[test]
    fn the_curve_meets_the_figure_above_it() {
        for myelin in [0.02, 0.2, 1.0] {
            let at = curve([myelin, 37.0, 10.0])
                .expect("runs")
                .points
                .into_iter()
                .find(|p| (p.value - myelin).abs() < 1e-12);
            let shown = run([myelin, 37.0, 10.0]).expect("runs").velocity_m_per_s;
            assert_eq!(at.map(|p| p.velocity_m_per_s), Some(shown), "{myelin}");
        }
    }
}
