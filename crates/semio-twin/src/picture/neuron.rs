use super::{
    Language,
    axes::{Axes, round_up},
    svg::{Anchor, LABEL, Svg, TICK, TITLE},
    theme::Tone,
};
use crate::neuron::{Membrane, Model, NeuronReport, Waveform};

const WIDTH: f64 = 820.0;
const LEFT: f64 = 68.0;
const INNER: f64 = WIDTH - LEFT - 24.0;
/// Where the first panel begins, a panel's height, and the distance between panels.
const TOP: f64 = 78.0;
const PANEL: f64 = 96.0;
const GAP: f64 = 34.0;
const HISTOGRAM: f64 = 120.0;
const BINS: usize = 20;

/// Membrane potential of each neuron over time, and when their spikes fell.
pub fn membrane(reports: &[NeuronReport], language: Language) -> String {
    let Some(first) = reports.first() else { return Svg::new(WIDTH, TOP).finish("", "") };
    let window = first.window_ms;
    let curves = TOP + reports.len() as f64 * (PANEL + GAP);
    let histogram = curves + 44.0;
    let mut svg = Svg::new(WIDTH, histogram + HISTOGRAM + 52.0);
    let title = language.say("Membrane potential of the neuron", "Potentiel de membrane du neurone");
    svg.bold((16.0, 26.0), Anchor::Start, TITLE, Tone::Ink, title);
    svg.text((16.0, 46.0), Anchor::Start, TICK, Tone::Soft, &conditions(first, language));
    for (i, report) in reports.iter().enumerate() {
        panel(&mut svg, TOP + i as f64 * (PANEL + GAP), i, report, i + 1 == reports.len(), language);
    }
    spikes(&mut svg, histogram, reports, language);
    let description: Vec<String> = reports.iter().map(|r| label(r, language)).collect();
    svg.finish(title, &format!("{}; {} ms", description.join("; "), language.plain(window)))
}

fn conditions(report: &NeuronReport, language: Language) -> String {
    let n = |v| language.plain(v);
    let course = match (report.waveform, language) {
        (Waveform::Constant, Language::En) => "constant current",
        (Waveform::Constant, Language::Fr) => "courant constant",
        (Waveform::Step, Language::En) => "step of current",
        (Waveform::Step, Language::Fr) => "échelon de courant",
        (Waveform::Ramp, Language::En) => "ramp of current from",
        (Waveform::Ramp, Language::Fr) => "rampe de courant dès",
        (Waveform::Noisy, Language::En) => "noisy current",
        (Waveform::Noisy, Language::Fr) => "courant bruité",
        (Waveform::Recorded, Language::En) => "recorded current",
        (Waveform::Recorded, Language::Fr) => "courant enregistré",
    };
    let level =
        if report.waveform == Waveform::Recorded { String::new() } else { format!(" I = {}", n(report.current)) };
    let mut parts = vec![format!("{course}{level}")];
    if let Some(neuron) = report.membrane.leaky() {
        parts.extend([
            format!("R = {}", n(neuron.resistance)),
            format!("{} θ = {}", language.say("threshold", "seuil"), n(neuron.threshold)),
            format!("{} {}", language.say("rest", "repos"), n(neuron.rest)),
            format!("{} {}", language.say("reset", "réinitialisation"), n(neuron.reset)),
            format!("{} {} ms", language.say("refractory", "période réfractaire"), n(neuron.refractory_ms)),
        ]);
    }
    parts.push(format!("{} {} ms", language.say("window", "fenêtre"), n(report.window_ms)));
    parts.join(" · ")
}

fn label(report: &NeuronReport, language: Language) -> String {
    let name = match (report.preset.as_deref(), language) {
        (Some("healthy"), Language::Fr) => "sain, ",
        (Some("partial"), Language::Fr) => "démyélinisation partielle, ",
        (Some("severe"), Language::Fr) => "démyélinisation sévère, ",
        (Some("healthy"), Language::En) => "healthy, ",
        (Some("partial"), Language::En) => "partly demyelinated, ",
        (Some("severe"), Language::En) => "severely demyelinated, ",
        _ => "",
    };
    let word = match (report.spikes, language) {
        (1, Language::En) => "spike",
        (_, Language::En) => "spikes",
        (0 | 1, Language::Fr) => "potentiel d’action",
        (_, Language::Fr) => "potentiels d’action",
    };
    let membrane = match report.membrane {
        Membrane::Lif(lif) => format!("τ = {} ms", language.plain(lif.tau_ms)),
        Membrane::Exponential(eif) => {
            let name = if report.model == Model::Adex { "AdEx" } else { "EIF" };
            format!("{name}, τ = {} ms, Δ = {}", language.plain(eif.membrane.tau_ms), language.plain(eif.sharpness))
        }
        Membrane::HodgkinHuxley(squid) => format!("Hodgkin–Huxley, {} °C", language.plain(squid.temperature_c)),
    };
    format!("{name}{membrane}{} {} {word}", language.say(":", "\u{a0}:"), report.spikes)
}

fn panel(svg: &mut Svg, top: f64, index: usize, report: &NeuronReport, last: bool, language: Language) {
    let potentials = report.curve.potential.iter().copied();
    let low = potentials.clone().fold(report.membrane.rest(), f64::min);
    let high = potentials.fold(report.membrane.threshold(), f64::max);
    let axes =
        Axes { place: [LEFT, top, INNER, PANEL], x: (0.0, report.window_ms), y: (low, high + 0.12 * (high - low)) };
    let name = if last { language.say("time (ms)", "temps (ms)") } else { "" };
    axes.x_axis(svg, name, language);
    let unit = if report.model == Model::HodgkinHuxley { "V (mV)" } else { "V" };
    axes.y_axis(svg, unit, language);
    let (_, y) = axes.at(0.0, report.membrane.threshold());
    svg.line((LEFT, y), (LEFT + INNER, y), Tone::Mark, 1.2, true);
    svg.text((LEFT + INNER - 4.0, y - 5.0), Anchor::End, TICK, Tone::Mark, "θ");
    let curve = &report.curve;
    axes.curve(svg, curve.time_ms.iter().copied().zip(curve.potential.iter().copied()), Tone::Series(index), 1.6);
    svg.bold((LEFT, top - 7.0), Anchor::Start, LABEL, Tone::Series(index), &label(report, language));
}

/// Spikes by time, one bar a neuron in each bin.
fn spikes(svg: &mut Svg, top: f64, reports: &[NeuronReport], language: Language) {
    let window = reports[0].window_ms;
    let bin = window / BINS as f64;
    let counts: Vec<Vec<usize>> = reports
        .iter()
        .map(|report| {
            let mut counts = vec![0; BINS];
            report.spike_times_ms.iter().for_each(|t| counts[((t / bin) as usize).min(BINS - 1)] += 1);
            counts
        })
        .collect();
    let highest = counts.iter().flatten().copied().max().unwrap_or(0).max(2);
    let axes = Axes { place: [LEFT, top, INNER, HISTOGRAM], x: (0.0, window), y: (0.0, round_up(highest as f64)) };
    axes.x_axis(svg, language.say("time (ms)", "temps (ms)"), language);
    axes.y_axis(svg, language.say("spikes", "nombre"), language);
    let heading = language.say("Spikes in each", "Potentiels d’action par");
    let heading = format!("{heading} {} ms", language.plain(bin));
    svg.bold((LEFT, top - 9.0), Anchor::Start, LABEL, Tone::Ink, &heading);
    for (i, counts) in counts.iter().enumerate() {
        for (k, count) in counts.iter().enumerate().filter(|(_, c)| **c > 0) {
            let width = bin / reports.len() as f64;
            let begin = k as f64 * bin + i as f64 * width;
            let (x0, y0) = axes.at(begin, *count as f64);
            let (x1, y1) = axes.at(begin + width, 0.0);
            svg.bar((x0 + 1.0, y0), (x1 - x0 - 2.0, y1 - y0), Tone::Series(i), &format!("{count}"));
        }
    }
}
