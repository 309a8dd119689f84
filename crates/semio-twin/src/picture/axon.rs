use super::{
    Language,
    axes::{Axes, round_up, ticks},
    svg::{Anchor, LABEL, Svg, TICK, TITLE},
    theme::Tone,
};
use crate::axon::{AxonReport, Bundle, Sweep, SweepPoint, Varied};

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 640.0;
const LEFT: f64 = 76.0;
const TOP: f64 = 104.0;
/// Traces that are drawn at most.
const TRACES: usize = 41;

/// The impulse along the fibre: the nodes' potentials over time, each at its place.
pub fn impulse(report: &AxonReport, language: Language) -> String {
    let film = &report.film;
    let mut svg = Svg::new(WIDTH, HEIGHT);
    let title = language.say("The impulse from node to node", "L’influx de nœud en nœud");
    svg.bold((16.0, 26.0), Anchor::Start, TITLE, Tone::Ink, title);
    svg.text((16.0, 46.0), Anchor::Start, TICK, Tone::Soft, &conditions(report, language));
    let result = result(report, language);
    let tone = if report.blocked { Tone::Mark } else { Tone::Series(0) };
    svg.bold((16.0, 68.0), Anchor::Start, LABEL, tone, &result);
    let end = film.time_ms.last().copied().unwrap_or(1.0);
    let place = [LEFT, TOP, WIDTH - LEFT - 96.0, HEIGHT - TOP - 56.0];
    let axes = Axes { place, x: (0.0, end), y: (report.length_mm * 1.06, -0.02 * report.length_mm) };
    if let Some([first, last]) =
        report.lesion.filter(|_| report.myelin < 1.0 || report.seal < 1.0 || report.sodium > 0.0)
    {
        wash(&mut svg, &axes, [first, last], report, language);
    }
    axes_with_places(&mut svg, &axes, report, language);
    let every = report.nodes.div_ceil(TRACES);
    let scale = (report.length_mm / report.nodes as f64 * every as f64 * 2.2) / 110.0;
    for node in (0..report.nodes).step_by(every).rev() {
        let at_mm = node as f64 * report.spacing_um * 1e-3;
        let part = film.nodes[node];
        let trace = film.time_ms.iter().zip(&film.potential_mv);
        let trace = trace.map(|(t, frame)| {
            let rise = f64::from(frame[part] - film.potential_mv[0][part]);
            axes.at(*t, at_mm - rise * scale)
        });
        let tone = if report.arrival_ms[node].is_some() { Tone::Series(0) } else { Tone::Series(1) };
        svg.polyline(&trace.collect::<Vec<_>>(), tone, 1.3);
    }
    // A bar of 100 mV beside the traces.
    let (x, height) = (WIDTH - 84.0, axes.at(0.0, 100.0 * scale).1 - axes.at(0.0, 0.0).1);
    svg.line((x, TOP + 12.0), (x, TOP + 12.0 + height), Tone::Ink, 2.0, false);
    svg.text((x + 7.0, TOP + 16.0 + height / 2.0), Anchor::Start, TICK, Tone::Ink, "100 mV");
    svg.finish(title, &result)
}

fn wash(svg: &mut Svg, axes: &Axes, [first, last]: [usize; 2], report: &AxonReport, language: Language) {
    let [left, _, width, _] = axes.place;
    let edge = |internode: usize| axes.at(0.0, internode as f64 * report.spacing_um * 1e-3).1;
    let (top, bottom) = (edge(first), edge(last + 1));
    svg.bar((left, top), (width, bottom - top), Tone::Wash, "");
    let middle = f64::midpoint(top, bottom);
    let words = [
        language.say("lesion", "lésion").to_owned(),
        format!("{first}–{last}"),
        format!("{} {}", language.say("myelin", "myéline"), language.percent(report.myelin)),
    ];
    for (i, word) in words.iter().enumerate() {
        svg.text((left + width + 8.0, middle + 15.0 * (i as f64 - 0.7)), Anchor::Start, TICK, Tone::Mark, word);
    }
}

fn axes_with_places(svg: &mut Svg, axes: &Axes, report: &AxonReport, language: Language) {
    let [left, top, width, height] = axes.place;
    axes.x_axis(svg, language.say("time since the stimulus (ms)", "temps depuis la stimulation (ms)"), language);
    for place in ticks((0.0, report.length_mm), 8) {
        let (_, y) = axes.at(0.0, place);
        svg.line((left, y), (left + width, y), Tone::Grid, 1.0, false);
        svg.text((left - 8.0, y + 4.0), Anchor::End, TICK, Tone::Soft, &language.plain(place));
    }
    let name = language.say("place of the node along the fibre (mm)", "position du nœud le long de la fibre (mm)");
    svg.upward((left - 48.0, top + height / 2.0), Tone::Soft, name);
}

fn conditions(report: &AxonReport, language: Language) -> String {
    let n = |v| language.plain(v);
    let share = |name: &str, v: f64| format!(" · {name} {}", language.percent(v));
    let mut text = format!(
        "{} {} µm · {} {} · {} °C{}",
        language.say("diameter", "diamètre"),
        n(report.diameter_um),
        report.nodes,
        language.say("nodes", "nœuds"),
        n(report.temperature_c),
        share(language.say("myelin left", "myéline restante"), report.myelin),
    );
    if let Some([first, last]) = report.lesion {
        text += &[" ", language.say("in internodes", "dans les internœuds"), &format!(" {first}–{last}")].concat();
    }
    if report.seal < 1.0 {
        text += &share(language.say("paranodal seal", "étanchéité paranodale"), report.seal);
    }
    if report.sodium > 0.0 {
        text +=
            &share(language.say("sodium channels in the internode", "canaux sodiques dans l’internœud"), report.sodium);
    }
    text + &format!(
        " · {} {} nA, {} ms",
        language.say("stimulus", "stimulation"),
        n(report.stimulus_na),
        n(report.width_ms)
    )
}

fn result(report: &AxonReport, language: Language) -> String {
    match (report.velocity_m_per_s, report.latency_ms, report.last_node_reached) {
        (Some(velocity), Some(latency), _) => format!(
            "{} {} m/s, {} {} ms",
            language.say("velocity", "vitesse"),
            language.number(velocity, 1),
            language.say("latency", "latence"),
            language.number(latency, 2)
        ),
        (_, _, Some(node)) => {
            format!(
                "{} {node}",
                language.say("blocked: the impulse ends at node", "bloqué : l’influx s’arrête au nœud")
            )
        }
        _ => language.say("blocked: not excited", "bloqué : non excité").to_owned(),
    }
}

/// Velocity against myelin, temperature or diameter; where there is none, the fibre is blocked.
///
/// With `marked`, a ring shows where the report's own fibre stands.
pub fn velocity(report: &AxonReport, sweep: &Sweep, marked: bool, language: Language) -> String {
    let (points, varied) = (&sweep.points, sweep.varied);
    let (unit, name) = match varied {
        Varied::Myelin => (100.0, language.say("myelin left (%)", "myéline restante (%)")),
        Varied::Temperature => (1.0, language.say("temperature (°C)", "température (°C)")),
        Varied::Diameter => (1.0, language.say("fibre diameter (µm)", "diamètre de la fibre (µm)")),
    };
    let title = match varied {
        Varied::Myelin => language.say("Velocity against myelin left", "Vitesse selon la myéline restante"),
        Varied::Temperature => language.say("Velocity against temperature", "Vitesse selon la température"),
        Varied::Diameter => language.say("Velocity against diameter", "Vitesse selon le diamètre"),
    };
    let (width, height) = (640.0, 440.0);
    let mut svg = Svg::new(width, height);
    svg.bold((16.0, 26.0), Anchor::Start, TITLE, Tone::Ink, title);
    let told = conditions(report, language);
    let lesion = report.lesion.map(|[a, b]| format!("{} {a}–{b}", language.say("internodes", "internœuds")));
    let told = if varied == Varied::Myelin {
        let fixed: Vec<&str> = told.split(" · ").filter(|t| !t.contains('%') && !t.contains("nA")).collect();
        format!(
            "{} · {}",
            fixed.join(" · "),
            lesion.unwrap_or(language.say("all internodes", "tous les internœuds").into())
        )
    } else {
        told.split(" · ").filter(|t| !t.contains("nA")).collect::<Vec<_>>().join(" · ")
    };
    svg.text((16.0, 46.0), Anchor::Start, TICK, Tone::Soft, &told);
    let fastest = points.iter().filter_map(|p| p.velocity_m_per_s).fold(0.0, f64::max);
    let ends = (points.first().map_or(0.0, |p| p.value * unit), points.last().map_or(1.0, |p| p.value * unit));
    let axes = Axes { place: [68.0, 72.0, width - 92.0, height - 128.0], x: ends, y: (0.0, round_up(fastest)) };
    for (from, to) in blocked_stretches(points) {
        let (x0, top) = axes.at(from * unit, axes.y.1);
        let (x1, bottom) = axes.at(to * unit, 0.0);
        svg.bar((x0, top), (x1 - x0, bottom - top), Tone::Wash, language.say("blocked", "bloqué"));
        // Beside a stretch that is narrower than the word is high.
        let word = if x1 - x0 < 18.0 { x1 + 14.0 } else { f64::midpoint(x0, x1) + 4.0 };
        svg.upward((word, f64::midpoint(top, bottom)), Tone::Mark, language.say("blocked", "bloqué"));
    }
    axes.x_axis(&mut svg, name, language);
    axes.y_axis(&mut svg, language.say("velocity (m/s)", "vitesse (m/s)"), language);
    let known = || points.iter().filter_map(|p| p.velocity_m_per_s.map(|v| (p.value * unit, v)));
    axes.curve(&mut svg, known(), Tone::Series(0), 2.0);
    known().for_each(|(x, v)| svg.dot(axes.at(x, v), 3.0, Tone::Series(0)));
    if marked {
        let value = match varied {
            Varied::Myelin => report.myelin,
            Varied::Temperature => report.temperature_c,
            Varied::Diameter => report.diameter_um,
        };
        here(&mut svg, axes.at(value * unit, report.velocity_m_per_s.unwrap_or(0.0)), report.blocked, language);
    }
    svg.finish(title, &told)
}

/// A ring about the fibre that is shown elsewhere, with a word beside it; a blocked one stands on the axis.
fn here(svg: &mut Svg, (x, y): (f64, f64), blocked: bool, language: Language) {
    let tone = if blocked { Tone::Mark } else { Tone::Series(1) };
    svg.ring((x, y), 7.0, tone);
    // Above the curve's left half, under its right half: the curve rises from left to right.
    let (dx, dy, anchor) = if x < 320.0 { (12.0, 18.0, Anchor::Start) } else { (0.0, 26.0, Anchor::Middle) };
    let (dx, dy) = if blocked { (12.0, -8.0) } else { (dx, dy) };
    svg.bold((x + dx, y + dy), anchor, LABEL, tone, language.say("shown above", "montré ci-dessus"));
}

/// The bundle's compound action potential beside the healthy one.
pub fn compound(report: &AxonReport, bundle: &Bundle, language: Language) -> String {
    let (width, height) = (640.0, 400.0);
    let mut svg = Svg::new(width, height);
    let title = language.say("Compound action potential", "Potentiel d’action composé");
    svg.bold((16.0, 26.0), Anchor::Start, TITLE, Tone::Ink, title);
    svg.text((16.0, 46.0), Anchor::Start, TICK, Tone::Soft, &conditions(report, language));
    let fibres = language.say("fibres, diameters vary by", "fibres, diamètres variant de");
    let fibres = format!("{} {fibres} {}", bundle.fibres, language.percent(bundle.spread));
    svg.text((16.0, 63.0), Anchor::Start, TICK, Tone::Soft, &fibres);
    let waves = &bundle.waves;
    let end = waves.time_ms.last().copied().unwrap_or(1.0);
    let axes = Axes { place: [68.0, 108.0, width - 92.0, height - 164.0], x: (0.0, end), y: (-0.6, 1.1) };
    axes.x_axis(&mut svg, language.say("time since the stimulus (ms)", "temps depuis la stimulation (ms)"), language);
    axes.y_axis(&mut svg, language.say("healthy peak = 1", "pic sain = 1"), language);
    let curve = |wave: &[f64]| waves.time_ms.iter().copied().zip(wave.iter().copied()).collect::<Vec<_>>();
    axes.curve(&mut svg, curve(&waves.healthy).into_iter(), Tone::Series(0), 2.0);
    axes.curve(&mut svg, curve(&waves.here).into_iter(), Tone::Series(1), 2.0);
    let percent = |share: f64| language.percent((share * 100.0).round() / 100.0);
    svg.bold((68.0, 96.0), Anchor::Start, LABEL, Tone::Series(0), language.say("healthy", "sain"));
    let conduct = language.say("of the fibres conduct, amplitude", "des fibres conduisent, amplitude");
    let here = format!("{} {conduct} {}", percent(bundle.conducting), percent(bundle.amplitude));
    svg.bold((150.0, 96.0), Anchor::Start, LABEL, Tone::Series(1), &here);
    svg.finish(title, &here)
}

/// Ranges of the varied value without conduction, up to half way to the neighbours that conduct.
fn blocked_stretches(points: &[SweepPoint]) -> Vec<(f64, f64)> {
    let mut stretches: Vec<(f64, f64)> = vec![];
    for (i, point) in points.iter().enumerate().filter(|(_, p)| p.velocity_m_per_s.is_none()) {
        let half_way = |other: &SweepPoint| f64::midpoint(other.value, point.value);
        let before = i.checked_sub(1).map_or(point.value, |j| half_way(&points[j]));
        let after = points.get(i + 1).map_or(point.value, half_way);
        match stretches.last_mut().filter(|s| s.1 >= before) {
            Some(last) => last.1 = after,
            None => stretches.push((before, after)),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_stretches_end_half_way_to_what_conducts() {
        let points = [(0.0, None), (0.1, None), (0.3, Some(1.0)), (0.5, None), (0.6, Some(2.0))];
        let points = points.map(|(value, velocity_m_per_s)| SweepPoint { value, velocity_m_per_s });
        let stretches = blocked_stretches(&points);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(stretches.len() == 2 && near(stretches[0].0, 0.0) && near(stretches[0].1, 0.2), "{stretches:?}");
        assert!(near(stretches[1].0, 0.4) && near(stretches[1].1, 0.55), "{stretches:?}");
    }
}
