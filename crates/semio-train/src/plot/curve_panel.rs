use super::{
    scale::Scale,
    svg::{Anchor, LABEL, Svg, TICK, TITLE, fit},
    theme::Tone,
};
use crate::Language;

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 336.0;
const LEFT: f64 = 54.0;
const TOP: f64 = 58.0;
const SIDE: f64 = 228.0;

/// One curve in the unit square, with a dashed line of what chance would reach.
pub(super) struct CurvePanel<'a> {
    pub(super) title: &'a str,
    pub(super) subtitle: &'a str,
    pub(super) axes: [&'a str; 2],
    pub(super) points: &'a [(f64, f64)],
    pub(super) chance: [(f64, f64); 2],
    /// Vertical intervals with their middle: place, low, high.
    pub(super) whiskers: &'a [(f64, f64, f64)],
    /// What the dashed line is, and where its words stand: they run inwards from there.
    pub(super) chance_label: (&'a str, (f64, f64)),
    /// The area, and where it stands.
    pub(super) area_label: (&'a str, (f64, f64)),
    pub(super) description: &'a str,
    pub(super) language: Language,
}

impl CurvePanel<'_> {
    pub(super) fn draw(&self) -> String {
        let x = Scale { values: (0.0, 1.0), pixels: (LEFT, LEFT + SIDE) };
        let y = Scale { values: (0.0, 1.0), pixels: (TOP + SIDE, TOP) };
        let at = |(a, b): (f64, f64)| (x.at(a), y.at(b));
        let mut svg = Svg::new(WIDTH, HEIGHT);
        svg.bold((12.0, 24.0), Anchor::Start, TITLE, Tone::Ink, &fit(self.title, TITLE * 1.04, WIDTH - 24.0));
        svg.text((12.0, 43.0), Anchor::Start, TICK, Tone::Soft, &fit(self.subtitle, TICK, WIDTH - 24.0));
        for step in 0..=4 {
            let value = f64::from(step) / 4.0;
            svg.line(at((0.0, value)), at((1.0, value)), Tone::Grid, 1.0, false);
            svg.line(at((value, 0.0)), at((value, 1.0)), Tone::Grid, 1.0, false);
            let label = self.language.decimal(value, if step % 4 == 0 { 0 } else { 2 });
            svg.text((LEFT - 7.0, y.at(value) + 4.0), Anchor::End, TICK, Tone::Soft, &label);
            svg.text((x.at(value), TOP + SIDE + 17.0), Anchor::Middle, TICK, Tone::Soft, &label);
        }
        svg.turned((14.0, TOP + SIDE / 2.0), Anchor::Middle, -90.0, Tone::Soft, self.axes[1]);
        svg.text((LEFT + SIDE / 2.0, TOP + SIDE + 38.0), Anchor::Middle, LABEL, Tone::Soft, self.axes[0]);
        svg.line(at(self.chance[0]), at(self.chance[1]), Tone::Soft, 1.2, true);
        let points: Vec<(f64, f64)> = self.points.iter().copied().map(at).collect();
        svg.polyline(&thin(&points), Tone::Series(0), 2.0, false);
        for &(place, low, high) in self.whiskers {
            svg.line(at((place, low)), at((place, high)), Tone::Series(0), 1.5, false);
        }
        let dots = self.points.iter().filter(|_| !self.whiskers.is_empty());
        dots.for_each(|&point| svg.dot(at(point), 3.5, Tone::Series(0)));
        let anchor = |place: (f64, f64)| if place.0 < 0.5 { Anchor::Start } else { Anchor::End };
        let (label, place) = self.chance_label;
        svg.text(at(place), anchor(place), TICK, Tone::Soft, label);
        let (label, place) = self.area_label;
        svg.bold(at(place), anchor(place), TITLE, Tone::Series(0), label);
        svg.finish(self.title, self.description)
    }
}

/// Leaves out points that lie within half a pixel of the one before, so that 100,000 pictures draw as fast as 100.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        let near = kept.last().is_some_and(|k| (k.0 - point.0).abs() < 0.5 && (k.1 - point.1).abs() < 0.5);
        if !near {
            kept.push(point);
        }
    }
    kept.extend(points.last().filter(|p| kept.last() != Some(*p)));
    kept
}
