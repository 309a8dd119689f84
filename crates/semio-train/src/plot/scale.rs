/// A straight map from values to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) values: (f64, f64),
    pub(super) pixels: (f64, f64),
}

impl Scale {
    /// The pixel of a value; of any value where the range is empty, the first pixel.
    pub(super) fn at(&self, value: f64) -> f64 {
        let span = self.values.1 - self.values.0;
        if span == 0.0 {
            return self.pixels.0;
        }
        self.pixels.0 + (value - self.values.0) / span * (self.pixels.1 - self.pixels.0)
    }
}

/// Round values from 0 to at least `top`, about `wanted` steps of 1, 2 or 5 times a power of ten.
///
/// `least` is the smallest step, 1 for counts; a `top` that is not positive counts as 1.
pub(super) fn ticks_from_zero(top: f64, wanted: usize, least: f64) -> Vec<f64> {
    let top = if top.is_finite() && top > 0.0 { top } else { 1.0 };
    let rough = (top / wanted.max(1) as f64).max(least);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(rough);
    let steps = (top / step - 1e-9).ceil().max(1.0) as usize;
    (0..=steps).map(|i| i as f64 * step).collect()
}

/// How many decimals the ticks need to differ.
pub(super) fn decimals(ticks: &[f64]) -> usize {
    match ticks {
        [first, second, ..] => (-(second - first).log10().floor()).clamp(0.0, 9.0) as usize,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover() {
        assert_eq!(ticks_from_zero(97.0, 4, 1.0), [0.0, 50.0, 100.0]);
        assert_eq!(ticks_from_zero(3.0, 5, 1.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ticks_from_zero(1.1, 4, 0.0), [0.0, 0.5, 1.0, 1.5]);
        assert_eq!(ticks_from_zero(0.0, 4, 1.0), [0.0, 1.0]);
        assert_eq!(ticks_from_zero(f64::NAN, 4, 1.0), [0.0, 1.0]);
        assert_eq!(decimals(&[0.0, 0.5]), 1);
        assert_eq!(decimals(&[0.0, 50.0]), 0);
    }
}
