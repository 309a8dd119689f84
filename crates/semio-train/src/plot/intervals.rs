use crate::Language;

use super::{
    scale::{Scale, decimals},
    svg::{Anchor, LABEL, Svg, TICK, TITLE, fit},
    theme::Tone,
};

/// One row of an interval plot.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRow<'a> {
    /// What was measured.
    pub name: &'a str,
    /// The figure.
    pub value: f64,
    /// The interval's ends.
    pub interval: Option<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const NAMES: f64 = 190.0;
const ROW: f64 = 24.0;

/// Draws figures between 0 and 1 one below the other, each with its interval.
pub fn interval_plot(title: &str, subtitle: &str, rows: &[IntervalRow<'_>], language: Language) -> String {
    let (top, bottom) = (62.0, 44.0);
    let height = top + ROW * rows.len() as f64 + bottom;
    let mut svg = Svg::new(WIDTH, height);
    svg.bold((12.0, 24.0), Anchor::Start, TITLE, Tone::Ink, title);
    svg.text((12.0, 44.0), Anchor::Start, LABEL, Tone::Soft, subtitle);
    let lowest = rows.iter().map(|r| r.interval.map_or(r.value, |i| i.0)).fold(1.0, f64::min);
    // From the round value below the lowest end; shares of 1 are read against 1.
    let step = if lowest < 0.5 {
        0.2
    } else if lowest < 0.8 {
        0.1
    } else {
        0.05
    };
    let from = ((lowest / step).floor() * step).clamp(0.0, 0.95);
    let scale = Scale { values: (from, 1.0), pixels: (NAMES + 20.0, WIDTH - 90.0) };
    let ticks: Vec<f64> = (0..=((1.0 - from) / step).round() as usize).map(|i| from + i as f64 * step).collect();
    let floor = height - bottom + 4.0;
    for &tick in &ticks {
        let x = scale.at(tick);
        svg.line((x, top - 8.0), (x, floor), Tone::Grid, 1.0, false);
        svg.text((x, floor + 18.0), Anchor::Middle, TICK, Tone::Soft, &language.decimal(tick, decimals(&ticks)));
    }
    for (i, row) in rows.iter().enumerate() {
        let y = top + ROW * (i as f64 + 0.5);
        svg.text((NAMES, y + 4.5), Anchor::End, LABEL, Tone::Ink, &fit(row.name, LABEL, NAMES - 12.0));
        if let Some((low, high)) = row.interval {
            svg.line((scale.at(low), y), (scale.at(high), y), Tone::Series(0), 2.0, false);
            for end in [low, high] {
                svg.line((scale.at(end), y - 4.0), (scale.at(end), y + 4.0), Tone::Series(0), 2.0, false);
            }
        }
        svg.dot((scale.at(row.value), y), 4.0, Tone::Series(0));
        svg.text((WIDTH - 78.0, y + 4.5), Anchor::Start, LABEL, Tone::Ink, &language.decimal(row.value, 3));
    }
    let said: Vec<String> = rows.iter().map(|r| format!("{} {}", r.name, language.decimal(r.value, 3))).collect();
    svg.finish(title, &format!("{subtitle}. {}.", said.join(", ")))
}
