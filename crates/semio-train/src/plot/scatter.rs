use crate::Language;

use super::{
    scale::{Scale, decimals, ticks_from_zero},
    svg::{Anchor, LABEL, Svg, TICK, TITLE, text_width},
    theme::Tone,
};

/// One named point.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    /// What it stands for.
    pub name: &'a str,
    /// Place along the bottom; positive, on a logarithmic scale.
    pub x: f64,
    /// Place along the side, from 0 to 1.
    pub y: f64,
}

const SIZE: (f64, f64) = (760.0, 420.0);

/// Draws named points: a cost or a speed against a share.
pub fn scatter_plot(title: &str, axes: [&str; 2], points: &[Point<'_>], language: Language) -> String {
    let mut svg = Svg::new(SIZE.0, SIZE.1);
    svg.bold((12.0, 24.0), Anchor::Start, TITLE, Tone::Ink, title);
    let (left, right, top, bottom) = (64.0, SIZE.0 - 24.0, 60.0, SIZE.1 - 52.0);
    let log = |x: f64| x.max(1e-12).log10();
    let (low, high) =
        points.iter().map(|p| log(p.x)).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    let (low, high) = if low > high { (0.0, 1.0) } else { ((low - 0.08).min(high - 0.3), high + 0.08) };
    let lowest = points.iter().map(|p| p.y).fold(1.0, f64::min);
    let from = ((lowest - 0.02) * 20.0).floor().clamp(0.0, 19.0) / 20.0;
    let across = Scale { values: (low, high), pixels: (left, right) };
    let up = Scale { values: (from, 1.0), pixels: (bottom, top) };
    let steps = ticks_from_zero(1.0 - from, 5, 0.0);
    let ticks: Vec<f64> = steps.iter().map(|t| from + t).filter(|t| *t <= 1.0 + 1e-9).collect();
    for &tick in &ticks {
        svg.line((left, up.at(tick)), (right, up.at(tick)), Tone::Grid, 1.0, false);
        svg.text(
            (left - 8.0, up.at(tick) + 4.0),
            Anchor::End,
            TICK,
            Tone::Soft,
            &language.decimal(tick, decimals(&ticks).max(2)),
        );
    }
    for power in low.floor() as i32..=high.ceil() as i32 {
        for factor in [1.0, 2.0, 5.0] {
            let x = factor * 10f64.powi(power);
            if (low..=high).contains(&log(x)) {
                svg.line((across.at(log(x)), bottom), (across.at(log(x)), bottom + 5.0), Tone::Soft, 1.0, false);
                svg.text(
                    (across.at(log(x)), bottom + 20.0),
                    Anchor::Middle,
                    TICK,
                    Tone::Soft,
                    &language.decimal(x, (-x.log10()).ceil().max(0.0) as usize),
                );
            }
        }
    }
    svg.text((f64::midpoint(left, right), SIZE.1 - 12.0), Anchor::Middle, LABEL, Tone::Soft, axes[0]);
    svg.text((12.0, 48.0), Anchor::Start, LABEL, Tone::Soft, axes[1]);
    let places: Vec<(f64, f64)> = points.iter().map(|p| (across.at(log(p.x)), up.at(p.y))).collect();
    // No name may stand on a point or on another name.
    let mut taken: Vec<[f64; 4]> = places.iter().map(|(x, y)| [x - 5.0, y - 5.0, x + 5.0, y + 5.0]).collect();
    for (point, &(x, y)) in points.iter().zip(&places) {
        let width = text_width(point.name, TICK);
        let area = |(x, y): (f64, f64)| [x, y - TICK, x + width, y + 2.0];
        let free = |place: &(f64, f64)| {
            let a = area(*place);
            let inside = a[0] >= left && a[2] <= right && a[1] >= top - 8.0 && a[3] <= bottom;
            inside && taken.iter().all(|t| a[2] < t[0] || t[2] < a[0] || a[3] < t[1] || t[3] < a[1])
        };
        let beside =
            [(x + 8.0, y + 4.0), (x - 8.0 - width, y + 4.0), (x - width / 2.0, y - 9.0), (x - width / 2.0, y + 18.0)];
        // Further away a line leads from the point to its name.
        let further = [-22.0, 30.0, -38.0, 46.0, -54.0, 62.0]
            .into_iter()
            .flat_map(|dy| [(x + 16.0, y + dy), (x - 16.0 - width, y + dy)]);
        if let Some(place) = beside.into_iter().find(free) {
            taken.push(area(place));
            svg.text_over(place, Anchor::Start, TICK, Tone::Ink, point.name);
        } else if let Some(place) = further.into_iter().find(free) {
            taken.push(area(place));
            let end = if place.0 > x { place.0 - 3.0 } else { place.0 + width + 3.0 };
            svg.line((x, y), (end, place.1 - 4.0), Tone::Soft, 1.0, false);
            svg.text_over(place, Anchor::Start, TICK, Tone::Ink, point.name);
        }
    }
    for place in &places {
        svg.dot(*place, 4.5, Tone::Series(0));
    }
    let said: Vec<String> = points
        .iter()
        .map(|p| format!("{}: {}, {}", p.name, language.decimal(p.x, 1), language.decimal(p.y, 3)))
        .collect();
    svg.finish(title, &format!("{} against {}: {}.", axes[1], axes[0], said.join("; ")))
}
