use super::{
    Language,
    axes::{Axes, round_up},
    svg::{Anchor, LABEL, Svg, TICK, TITLE},
    theme::Tone,
};
use crate::network::{NetworkReport, Wiring};

const WIDTH: f64 = 820.0;
const LEFT: f64 = 76.0;
const INNER: f64 = WIDTH - LEFT - 24.0;
const RASTER: f64 = 300.0;
const RATE: f64 = 110.0;
const TOP: f64 = 82.0;
/// Neurons that are drawn at most.
const ROWS: usize = 150;
const BINS: usize = 100;

/// Every spike of up to 150 neurons, and how many there are in the whole network over time.
pub fn raster(report: &NetworkReport, language: Language) -> String {
    let below = TOP + RASTER + 40.0;
    let mut svg = Svg::new(WIDTH, below + RATE + 56.0);
    let title = language.say("Spikes in the network", "Potentiels d’action dans le réseau");
    svg.bold((16.0, 26.0), Anchor::Start, TITLE, Tone::Ink, title);
    svg.text((16.0, 46.0), Anchor::Start, TICK, Tone::Soft, &wiring(report, language));
    svg.text((16.0, 63.0), Anchor::Start, TICK, Tone::Soft, &membrane(report, language));
    let count = report.wiring.neurons();
    let rows = count.min(ROWS);
    let every = count.div_ceil(rows);
    let window = report.window_ms;
    let y = (count as f64 - 0.5, -0.5);
    let axes = Axes { place: [LEFT, TOP, INNER, RASTER], x: (0.0, window), y };
    axes.x_axis(&mut svg, "", language);
    axes.y_axis(&mut svg, language.say("neuron", "neurone"), language);
    let height = (RASTER / (count as f64 / every as f64) * 0.8).clamp(1.5, 12.0);
    let excites = |neuron: u32| match report.wiring {
        Wiring::Random { neurons, excitatory, .. } => f64::from(neuron) < excitatory * neurons as f64,
        Wiring::Chain { .. } => true,
    };
    for (series, wanted) in [(0, true), (1, false)] {
        let drawn =
            report.raster.iter().filter(|s| (s.neuron as usize).is_multiple_of(every) && excites(s.neuron) == wanted);
        let tops = drawn.map(|s| {
            let (x, y) = axes.at(s.time_ms, f64::from(s.neuron));
            (x, y - height / 2.0)
        });
        svg.strokes(tops, height, Tone::Series(series), 1.2);
    }
    rate(&mut svg, below, report, language);
    svg.finish(title, &report.words())
}

fn rate(svg: &mut Svg, top: f64, report: &NetworkReport, language: Language) {
    let bin = report.window_ms / BINS as f64;
    let mut counts = [0usize; BINS];
    report.raster.iter().for_each(|s| counts[((s.time_ms / bin) as usize).min(BINS - 1)] += 1);
    let hertz = |count: usize| count as f64 / report.wiring.neurons() as f64 / bin * 1e3;
    let highest = counts.iter().map(|c| hertz(*c)).fold(0.0, f64::max);
    let axes = Axes { place: [LEFT, top, INNER, RATE], x: (0.0, report.window_ms), y: (0.0, round_up(highest)) };
    axes.x_axis(svg, language.say("time (ms)", "temps (ms)"), language);
    axes.y_axis(svg, language.say("spikes/s", "Hz"), language);
    let heading = language.say("Rate of a neuron: mean", "Fréquence par neurone\u{a0}: moyenne");
    let heading = format!("{heading} {} Hz", language.number(report.rate_hz, 2));
    svg.bold((LEFT, top - 9.0), Anchor::Start, LABEL, Tone::Ink, &heading);
    for (i, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
        let (x0, y0) = axes.at(i as f64 * bin, hertz(*count));
        let (x1, y1) = axes.at((i + 1) as f64 * bin, 0.0);
        svg.bar((x0 + 0.5, y0), (x1 - x0 - 1.0, y1 - y0), Tone::Series(2), &language.number(hertz(*count), 1));
    }
}

fn wiring(report: &NetworkReport, language: Language) -> String {
    let n = |v| language.plain(v);
    let text = match report.wiring {
        Wiring::Chain { neurons, weight } => {
            format!(
                "{} {neurons} · {} {}",
                language.say("chain of", "chaîne de"),
                language.say("weight", "poids"),
                n(weight)
            )
        }
        Wiring::Random { neurons, connectivity, excitatory, weight, inhibition } => format!(
            "{neurons} {} · {} {} · {} {} · {} {} · {} {}",
            language.say("neurons", "neurones"),
            language.say("connectivity", "connectivité"),
            language.percent(connectivity),
            language.say("excitatory", "excitateurs"),
            language.percent(excitatory),
            language.say("weight", "poids"),
            n(weight),
            "inhibition ×",
            n(inhibition),
        ),
    };
    let damage = report.demyelinated;
    if damage.share <= 0.0 {
        return text;
    }
    format!(
        "{text} · {} {}{} +{} ± {} ms, {} {}",
        language.say("demyelinated", "démyélinisés"),
        language.percent(damage.share),
        language.say(":", "\u{a0}:"),
        n(damage.delay_ms),
        n(damage.jitter_ms),
        language.say("lost", "perdus"),
        language.percent(damage.failure),
    )
}

fn membrane(report: &NetworkReport, language: Language) -> String {
    let n = |v| language.plain(v);
    format!(
        "τ = {} ms · I = {} · R = {} · {} θ = {} · {} {} ms · {} {} · {} {} ms · {} {} ms",
        n(report.neuron.tau_ms),
        n(report.current),
        n(report.neuron.resistance),
        language.say("threshold", "seuil"),
        n(report.neuron.threshold),
        language.say("refractory", "période réfractaire"),
        n(report.neuron.refractory_ms),
        language.say("noise", "bruit"),
        n(report.noise),
        language.say("delay", "délai"),
        n(report.delay_ms),
        language.say("window", "fenêtre"),
        n(report.window_ms),
    )
}
