use super::{
    svg::{Anchor, LABEL, Svg, TICK, TITLE, fit},
    theme::Tone,
};

/// One upright axis of a parallel-coordinates picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows.
    pub name: String,
    /// Texts at places from 0 (bottom) to 1 (top).
    pub ticks: Vec<(f64, String)>,
    /// Each line's place on this axis; none where the line does not cross it.
    pub places: Vec<Option<f64>>,
}

/// Draws one line a trial across all axes (Inselberg 1985); the best ones stand out.
///
/// `best` are the numbers of the lines that are drawn in the strongest colour, the first of them thickest.
pub fn parallel_coordinates(title: &str, subtitle: &str, axes: &[Axis], best: &[usize]) -> String {
    let (left, right, top, bottom) = (70.0, 70.0, 100.0, 40.0);
    let width = left + right + 150.0 * (axes.len().max(2) - 1) as f64;
    let height = 420.0;
    let mut svg = Svg::new(width, height);
    svg.bold((12.0, 24.0), Anchor::Start, TITLE, Tone::Ink, title);
    svg.text((12.0, 44.0), Anchor::Start, LABEL, Tone::Soft, subtitle);
    let x = |axis: usize| left + 150.0 * axis as f64;
    let y = |place: f64| height - bottom - place.clamp(0.0, 1.0) * (height - bottom - top);
    let lines = axes.iter().map(|a| a.places.len()).max().unwrap_or(0);
    let mut draw = |line: usize, tone: Tone, thick: f64| {
        let points: Vec<(f64, f64)> = axes
            .iter()
            .enumerate()
            .filter_map(|(i, axis)| Some((x(i), y(axis.places.get(line).copied().flatten()?))))
            .collect();
        if points.len() > 1 {
            svg.polyline(&points, tone, thick, false);
        }
    };
    (0..lines).filter(|line| !best.contains(line)).for_each(|line| draw(line, Tone::Grid, 1.5));
    for (rank, &line) in best.iter().enumerate().rev() {
        draw(line, Tone::Series(0), if rank == 0 { 3.5 } else { 1.5 });
    }
    for (i, axis) in axes.iter().enumerate() {
        svg.line((x(i), y(0.0)), (x(i), y(1.0)), Tone::Soft, 1.5, false);
        svg.text((x(i), top - 16.0), Anchor::Middle, LABEL, Tone::Ink, &fit(&axis.name, LABEL, 144.0));
        let (side, shift) = if i + 1 == axes.len() { (Anchor::Start, 7.0) } else { (Anchor::End, -7.0) };
        for (place, text) in &axis.ticks {
            svg.line((x(i) - 3.0, y(*place)), (x(i) + 3.0, y(*place)), Tone::Soft, 1.5, false);
            svg.text_over((x(i) + shift, y(*place) + 4.0), side, TICK, Tone::Soft, &fit(text, TICK, 120.0));
        }
    }
    let names: Vec<&str> = axes.iter().map(|a| a.name.as_str()).collect();
    svg.finish(title, &format!("{subtitle}. {lines} trials as lines across the axes {}.", names.join(", ")))
}
