use super::{
    Language,
    axes::{Axes, round_up},
    svg::{Anchor, LABEL, Svg, TICK, TITLE},
    theme::Tone,
};
use crate::course::{Band, CourseReport};

const WIDTH: f64 = 820.0;
const LEFT: f64 = 76.0;
const INNER: f64 = WIDTH - LEFT - 24.0;
const LATENCY: f64 = 230.0;
const SHARES: f64 = 160.0;
const TOP: f64 = 126.0;

/// Latency, and below it amplitude and share of conducting fibres, over the days, with nine tenths of the draws.
pub fn course(report: &CourseReport, language: Language) -> String {
    let below = TOP + LATENCY + 76.0;
    let height = below + SHARES + 76.0;
    let mut svg = Svg::new(WIDTH, height);
    let title = language.say("Course of a demyelinated pathway", "Évolution d’une voie démyélinisée");
    svg.bold((16.0, 26.0), Anchor::Start, TITLE, Tone::Ink, title);
    svg.text((16.0, 46.0), Anchor::Start, TICK, Tone::Soft, &conditions(report, language));
    let band = language.say("line: median; band: nine tenths of", "ligne : médiane ; bande : neuf dixièmes des");
    let draws = language.say("draws", "tirages");
    svg.text((16.0, 63.0), Anchor::Start, TICK, Tone::Soft, &format!("{band} {} {draws}", report.scenario.draws));
    latency(&mut svg, report, language);
    shares(&mut svg, below, report, language);
    svg.text((16.0, height - 12.0), Anchor::Start, TICK, Tone::Mark, language.caveat());
    svg.finish(title, &report.words())
}

fn latency(svg: &mut Svg, report: &CourseReport, language: Language) {
    let healthy = report.scenario.latency;
    let known = report.latency_ms.iter().flatten().map(|b| b.high);
    let highest = known.chain(report.scenario.measured.iter().map(|m| m.latency)).fold(healthy * 1.1, f64::max);
    let low = report.scenario.measured.iter().map(|m| m.latency).fold(healthy * 0.95, f64::min);
    let axes = Axes {
        place: [LEFT, TOP, INNER, LATENCY],
        x: (0.0, report.scenario.days),
        y: (low, low + (highest - low) * 1.08),
    };
    events(svg, &axes, report, language);
    axes.x_axis(svg, "", language);
    axes.y_axis(svg, language.say("latency (ms)", "latence (ms)"), language);
    let (_, y) = axes.at(0.0, healthy);
    svg.line((LEFT, y), (LEFT + INNER, y), Tone::Soft, 1.2, true);
    svg.text((LEFT + INNER - 4.0, y + 15.0), Anchor::End, TICK, Tone::Soft, language.say("healthy", "sain"));
    // Where most draws conduct nothing there is no latency, and the curve has a gap.
    let points: Vec<(f64, Option<Band>)> = report.day.iter().copied().zip(report.latency_ms.iter().copied()).collect();
    for stretch in points.split(|(_, b)| b.is_none()) {
        let known: Vec<(f64, Band)> = stretch.iter().filter_map(|(d, b)| Some((*d, (*b)?))).collect();
        curve(svg, &axes, &known, 0);
    }
    for measured in &report.scenario.measured {
        svg.dot(axes.at(measured.day, measured.latency), 4.5, Tone::Mark);
    }
    if let Some(first) = report.scenario.measured.first() {
        let (x, y) = axes.at(first.day, first.latency);
        svg.text((x + 9.0, y - 7.0), Anchor::Start, TICK, Tone::Mark, language.say("measured", "mesuré"));
    }
}

fn shares(svg: &mut Svg, top: f64, report: &CourseReport, language: Language) {
    let highest = report.amplitude.iter().chain(&report.conducting).map(|b| b.high).fold(1.0, f64::max);
    let axes =
        Axes { place: [LEFT, top, INNER, SHARES], x: (0.0, report.scenario.days), y: (0.0, round_up(100.0 * highest)) };
    axes.x_axis(svg, language.say("days", "jours"), language);
    axes.y_axis(svg, language.say("% of healthy", "% du sain"), language);
    let names = [
        language.say("fibres that conduct", "fibres conductrices"),
        language.say("height of the response", "amplitude de la réponse"),
    ];
    let mut x = LEFT;
    for (series, (bands, name)) in [&report.conducting, &report.amplitude].into_iter().zip(names).enumerate() {
        let scaled = report
            .day
            .iter()
            .zip(bands)
            .map(|(d, b)| (*d, Band { low: b.low * 100.0, median: b.median * 100.0, high: b.high * 100.0 }));
        curve(svg, &axes, &scaled.collect::<Vec<_>>(), series + 1);
        svg.bold((x, top - 9.0), Anchor::Start, LABEL, Tone::Series(series + 1), name);
        x += 240.0;
    }
}

fn curve(svg: &mut Svg, axes: &Axes, points: &[(f64, Band)], series: usize) {
    if points.is_empty() {
        return;
    }
    let band: Vec<(f64, f64, f64)> = points.iter().map(|(d, b)| (*d, b.low, b.high)).collect();
    axes.band(svg, &band, Tone::Series(series));
    axes.curve(svg, points.iter().map(|(d, b)| (*d, b.median)), Tone::Series(series), 2.0);
}

/// Lesions and the treatment, as lines with their names.
fn events(svg: &mut Svg, axes: &Axes, report: &CourseReport, language: Language) {
    let [_, top, _, height] = axes.place;
    let lesions = report.scenario.lesions.iter().map(|l| {
        let name = if l.name.is_empty() { language.say("lesion", "lésion") } else { &l.name };
        (l.day, format!("{name}, {} mm, {}", language.plain(l.length), language.percent(l.myelin)), Tone::Series(1))
    });
    let treatment = report
        .scenario
        .treatment
        .iter()
        .map(|t| (t.day, language.say("treatment begins", "début du traitement").to_owned(), Tone::Series(2)));
    for (i, (day, name, tone)) in lesions.chain(treatment).enumerate() {
        if !(0.0..=report.scenario.days).contains(&day) {
            continue;
        }
        let (x, _) = axes.at(day, 0.0);
        svg.line((x, top - 6.0), (x, top + height), tone, 1.3, true);
        let (anchor, shift) = if day > report.scenario.days * 0.6 { (Anchor::End, -5.0) } else { (Anchor::Start, 5.0) };
        svg.text((x + shift, top - 10.0 - 15.0 * (i % 3) as f64), anchor, TICK, tone, &name);
    }
}

fn conditions(report: &CourseReport, language: Language) -> String {
    let n = |v| language.plain(v);
    let s = &report.scenario;
    format!(
        "fibres {} µm · {} {} mm · {} {}, {} {} {} · {} °C",
        n(s.diameter),
        language.say("nerve", "nerf"),
        n(s.nerve_length),
        language.say("remyelination", "remyélinisation"),
        language.percent(s.remyelination),
        language.say("half of it in", "moitié en"),
        n(s.half_life),
        language.say("days", "jours"),
        n(s.temperature),
    )
}
