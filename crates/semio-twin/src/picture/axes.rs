use super::{
    Language,
    svg::{Anchor, LABEL, Svg, TICK},
    theme::Tone,
};

/// A rectangle with a straight scale on each side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    /// Left, top, width and height in pixels.
    pub(super) place: [f64; 4],
    /// Values at the left and right edge.
    pub(super) x: (f64, f64),
    /// Values at the lower and upper edge.
    pub(super) y: (f64, f64),
}

impl Axes {
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let [left, top, width, height] = self.place;
        let share = |value: f64, (low, high): (f64, f64)| {
            let share = (value - low) / (high - low);
            if share.is_finite() { share } else { 0.0 }
        };
        (left + width * share(x, self.x), top + height * (1.0 - share(y, self.y)))
    }

    pub(super) fn curve(&self, svg: &mut Svg, points: impl Iterator<Item = (f64, f64)>, tone: Tone, width: f64) {
        let points: Vec<(f64, f64)> = points.map(|(x, y)| self.at(x, y.clamp(self.y.0, self.y.1))).collect();
        svg.polyline(&thin(&points), tone, width);
    }

    /// The area between two curves over the same x.
    pub(super) fn band(&self, svg: &mut Svg, points: &[(f64, f64, f64)], tone: Tone) {
        let upper = points.iter().map(|(x, _, high)| self.at(*x, high.min(self.y.1)));
        let lower = points.iter().rev().map(|(x, low, _)| self.at(*x, low.max(self.y.0)));
        svg.area(&upper.chain(lower).collect::<Vec<_>>(), tone, 0.18);
    }

    /// Grid at round values of x; numbers and the axis' name under it, where it has one.
    pub(super) fn x_axis(&self, svg: &mut Svg, name: &str, language: Language) {
        let [left, top, width, height] = self.place;
        let ticks = ticks(self.x, (width / 90.0) as usize);
        for tick in &ticks {
            let (x, _) = self.at(*tick, 0.0);
            svg.line((x, top), (x, top + height), Tone::Grid, 1.0, false);
            if name.is_empty() {
                continue;
            }
            let text = language.number(*tick, decimals(&ticks));
            svg.text((x, top + height + 17.0), Anchor::Middle, TICK, Tone::Soft, &text);
        }
        svg.text((left + width / 2.0, top + height + 37.0), Anchor::Middle, LABEL, Tone::Soft, name);
    }

    /// Grid and numbers at round values of y, and the axis' name beside them.
    pub(super) fn y_axis(&self, svg: &mut Svg, name: &str, language: Language) {
        let [left, top, width, height] = self.place;
        let ticks = ticks((self.y.0.min(self.y.1), self.y.0.max(self.y.1)), (height / 42.0) as usize);
        for tick in &ticks {
            let (_, y) = self.at(0.0, *tick);
            svg.line((left, y), (left + width, y), Tone::Grid, 1.0, false);
            let text = language.number(*tick, decimals(&ticks));
            svg.text((left - 8.0, y + 4.0), Anchor::End, TICK, Tone::Soft, &text);
        }
        svg.upward((left - 48.0, top + height / 2.0), Tone::Soft, name);
    }
}

/// Round values within a range, about `wanted` steps of 1, 2 or 5 times a power of ten.
pub(super) fn ticks((low, high): (f64, f64), wanted: usize) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return vec![low];
    }
    let rough = span / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(rough);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// How many decimals the ticks need to differ.
fn decimals(ticks: &[f64]) -> usize {
    match ticks {
        [first, second, ..] => (-(second - first).log10().floor()).clamp(0.0, 9.0) as usize,
        _ => 0,
    }
}

/// A round value at or above `top`.
pub(super) fn round_up(top: f64) -> f64 {
    if !top.is_finite() || top <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(top.log10().floor());
    let rounded = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().map(|m| m * power);
    rounded.clone().find(|r| *r >= top * 0.999_999).unwrap_or(10.0 * power)
}

/// Leaves out points that lie within a third of a pixel of the one before; keeps what is alone on its height.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        let near = kept.last().is_some_and(|k| (k.0 - point.0).abs() < 0.33 && (k.1 - point.1).abs() < 0.33);
        if !near {
            kept.push(point);
        }
    }
    kept.extend(points.last().filter(|p| kept.last() != Some(*p)));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks((0.0, 97.0), 4), [0.0, 50.0]);
        assert_eq!(ticks((-90.0, 40.0), 4), [-50.0, 0.0]);
        assert_eq!(ticks((0.0, 1.1), 4), [0.0, 0.5, 1.0]);
        assert_eq!(ticks((3.0, 3.0), 4), [3.0]);
        assert_eq!(vec![round_up(0.0), round_up(56.1), round_up(1.2)], [1.0, 60.0, 1.5]);
    }
}
