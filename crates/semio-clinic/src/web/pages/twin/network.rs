//! A chain or a random network of neurons, whose axons have lost myelin.

use semio_twin::{
    network::{NetworkReport, NetworkScenario, Topology},
    picture,
};

use super::{
    Section, address,
    dial::{Asked, Dial, query, read, said, sliders},
    figure_language,
};
use crate::{web::Problem, words::Language};

static DIALS: [Dial; 6] = [
    Dial { label: "twin-drive", name: "drive", low: 0.5, high: 3.0, step: 0.05, usual: 1.5, decimals: 2, unit: "" },
    Dial { label: "twin-length", name: "length", low: 2.0, high: 40.0, step: 1.0, usual: 10.0, decimals: 0, unit: "" },
    Dial {
        label: "twin-connections",
        name: "connections",
        low: 0.0,
        high: 100.0,
        step: 5.0,
        usual: 40.0,
        decimals: 0,
        unit: "",
    },
    Dial { label: "twin-delay", name: "delay", low: 0.0, high: 20.0, step: 0.5, usual: 1.0, decimals: 1, unit: "ms" },
    Dial { label: "twin-jitter", name: "jitter", low: 0.0, high: 5.0, step: 0.1, usual: 0.3, decimals: 1, unit: "ms" },
    Dial {
        label: "twin-failure",
        name: "failure",
        low: 0.0,
        high: 1.0,
        step: 0.05,
        usual: 0.05,
        decimals: 2,
        unit: "%",
    },
];
/// Where the sliders of the axons begin: delay, jitter, failure.
const AXONS: usize = 3;

/// Axons between the neurons by name: delay (ms), jitter (ms) and probability of failure. `docs/twin.md` says why.
const PRESETS: [(&str, [f64; 3]); 3] =
    [("healthy", [0.0, 0.0, 0.0]), ("partial", [1.0, 0.3, 0.05]), ("severe", [5.0, 1.5, 0.3])];

/// Neurons of the random network.
const NEURONS: usize = 400;
/// How long a chain and a random network are watched.
const WINDOWS: [f64; 2] = [500.0, 300.0];

/// What is chosen beside the sliders.
pub(super) struct Choices {
    pub(super) chain: bool,
    /// Presets of the axons, each with whether the sliders stand there.
    pub(super) axons: Vec<(&'static str, bool)>,
    /// The slider that the other wiring has: kept, and not shown.
    pub(super) kept: (&'static str, f64),
}

/// A network where an address puts it. What a button chooses counts more than the sliders beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Asking {
    chain: bool,
    values: [f64; 6],
}

impl Asking {
    fn of(asked: &Asked, language: Language) -> Result<Self, Problem> {
        let chosen = said(asked, "choose");
        let wiring = chosen.filter(|c| ["chain", "random"].contains(c)).or_else(|| said(asked, "wiring"));
        let chain = match wiring {
            None | Some("chain") => true,
            Some("random") => false,
            Some(_) => return Err(Problem::Range(language.t("problem-wiring"))),
        };
        let mut values = read(&DIALS, asked, language)?;
        if let Some((_, axons)) = PRESETS.iter().find(|(name, _)| chosen == Some(name)) {
            values[AXONS..].copy_from_slice(axons);
        }
        Ok(Self { chain, values })
    }

    fn run(self) -> Result<NetworkReport, Problem> {
        let [current, length, connections, extra_delay, jitter, failure] = self.values;
        let neurons = if self.chain { length.round() as usize } else { NEURONS };
        let scenario = NetworkScenario {
            topology: if self.chain { Topology::Chain } else { Topology::Random },
            neurons,
            connectivity: connections / NEURONS as f64,
            current,
            demyelinated: if self.values[AXONS..].iter().any(|v| *v > 0.0) { 1.0 } else { 0.0 },
            extra_delay,
            jitter,
            failure,
            window: WINDOWS[usize::from(!self.chain)],
            ..Default::default()
        };
        scenario.run().map_err(|_| Problem::Broken)
    }

    fn wiring(self) -> &'static str {
        if self.chain { "chain" } else { "random" }
    }
}

pub(super) fn section(asked: &Asked, language: Language) -> Result<(Section, Choices), Problem> {
    let asking = Asking::of(asked, language)?;
    let mut all = sliders(&DIALS, &asking.values, language);
    let kept = all.remove(if asking.chain { 2 } else { 1 });
    let section = Section {
        sliders: all,
        query: address(&format!("wiring={}&{}", asking.wiring(), query(&DIALS, &asking.values)), language),
        words: words(language, asking, &asking.run()?),
    };
    let stands = |axons: &[f64; 3]| asking.values[AXONS..].iter().zip(axons).all(|(a, b)| (a - b).abs() < 1e-9);
    let axons = PRESETS.iter().map(|(name, axons)| (*name, stands(axons))).collect();
    Ok((section, Choices { chain: asking.chain, axons, kept: (kept.dial.name, kept.value) }))
}

pub(super) fn figure(asked: &Asked, language: Language) -> Result<String, Problem> {
    Ok(picture::raster(&Asking::of(asked, language)?.run()?, figure_language(language)))
}

/// What the network did, and under which conditions.
fn words(language: Language, asking: Asking, report: &NetworkReport) -> String {
    let [drive, _, connections, ..] = asking.values;
    let axons = language.args(
        "twin-axons-words",
        [
            ("delay", language.number(asking.values[AXONS], 1).into()),
            ("jitter", language.number(asking.values[AXONS + 1], 1).into()),
            ("failure", language.percent(asking.values[AXONS + 2]).into()),
        ],
    );
    let (drive, window) = (language.number(drive, 2), language.number(report.window_ms, 0));
    let told = if asking.chain {
        let count = |spikes: Option<&usize>| spikes.copied().unwrap_or_default() as u64;
        let travel =
            report.travel_ms.map(|ms| language.x("twin-chain-travel", language.number(ms, 1))).unwrap_or_default();
        let told = language.args(
            "twin-chain-words",
            [
                ("current", drive.into()),
                ("window", window.into()),
                ("first", count(report.spikes_by_neuron.first()).into()),
                ("last", count(report.spikes_by_neuron.last()).into()),
                ("neurons", (report.wiring.neurons() as u64).into()),
            ],
        );
        format!("{told}{travel}")
    } else {
        language.args(
            "twin-random-words",
            [
                ("current", drive.into()),
                ("window", window.into()),
                ("neurons", (NEURONS as u64).into()),
                ("connections", language.number(connections, 0).into()),
                ("rate", language.number(report.rate_hz, 1).into()),
            ],
        )
    };
    format!("{told} {axons}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every corner of the sliders, for one wiring.
    fn corners(chain: bool) -> impl Iterator<Item = Asking> {
        (0..1u32 << DIALS.len()).map(move |bits| {
            let mut values = [0.0; 6];
            for (i, (value, dial)) in values.iter_mut().zip(&DIALS).enumerate() {
                *value = if bits & (1 << i) == 0 { dial.low } else { dial.high };
            }
            Asking { chain, values }
        })
    }

    #[test]
    fn no_place_of_the_sliders_takes_more_work_than_an_answer_may() {
        // Steps of a neuron, and spikes' arrivals; a core does some 100 million a second of either.
        for asking in corners(true).chain(corners(false)) {
            let report = asking.run().expect("the sliders' ends are taken");
            let steps = report.window_ms / report.step_ms * report.wiring.neurons() as f64;
            let arrivals = report.spikes as f64 * if asking.chain { 1.0 } else { asking.values[2] };
            assert!(steps <= 1.2e6 && arrivals <= 3e6, "{asking:?}: {steps} steps, {arrivals} arrivals");
        }
    }

    #[test]
    fn each_name_of_an_axon_is_worse_than_the_one_before() {
        let through = PRESETS.map(|(name, _)| {
            let asked = vec![("choose".to_owned(), name.to_owned())];
            let report = Asking::of(&asked, Language::English).and_then(Asking::run).expect("a preset is taken");
            (report.transmission.expect("the first neuron fires"), report.travel_ms.unwrap_or(f64::INFINITY))
        });
        assert!((through[0].0 - 1.0).abs() < 0.1, "healthy axons lose nothing: {through:?}");
        assert!(through.windows(2).all(|t| t[1].0 < t[0].0 && t[1].1 > t[0].1), "{through:?}");
    }
}
