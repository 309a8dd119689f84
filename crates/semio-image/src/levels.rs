//! A grey picture with values of a meaning → grey levels.

use crate::{
    Depth, Display, Image, Modality, PipelineError, Samples, View,
    depth::{self, interpolated, per_step},
};

/// Renders a picture as a depth step asks for it.
pub(crate) fn render(image: &Image, display: &Display, depth: Depth) -> Result<Image, PipelineError> {
    let samples = image.samples();
    let map = match depth {
        Depth::Full => return Ok(render_usual(image, display)),
        Depth::Image => Map::between(span(samples, display)),
        Depth::Percentile { low, high } => {
            let values = Values::of(samples, display);
            Map::between((values.percentile(low.into()), values.percentile(high.into())))
        }
        Depth::Window { low, high } => Map::between((low.into(), high.into())),
        Depth::View { number } => {
            let held = display.views.len();
            let view = number.checked_sub(1).and_then(|n| display.views.get(n));
            Map::View(view.ok_or(PipelineError::NoView { number, held })?)
        }
    };
    Ok(picture(image, display, &map))
}

/// Renders a picture in the way that is usual for it; [`Depth::Full`] says which that is.
pub(crate) fn render_usual(image: &Image, display: &Display) -> Image {
    let map = match display.views.first() {
        Some(view) => Map::View(view),
        None if display.bits <= 8 => {
            let bottom = if display.first < 0 { -(1 << (display.bits - 1)) } else { 0 };
            let ends = [f64::from(bottom), f64::from(bottom + (1 << display.bits) - 1)];
            let [low, high] = ends.map(|stored| display.modality.apply(stored));
            Map::between((low.min(high), low.max(high)))
        }
        None => Map::between(span(image.samples(), display)),
    };
    picture(image, display, &map)
}

/// Values → levels from 0 to 1.
enum Map<'a> {
    Range { low: f64, scale: f64 },
    View(&'a View),
}

impl Map<'_> {
    fn between((low, high): (f64, f64)) -> Self {
        Self::Range { low, scale: per_step(low, high, 1.0) }
    }

    fn level(&self, value: f64) -> f64 {
        match self {
            Self::Range { low, scale } => ((value - low) * scale).clamp(0.0, 1.0),
            Self::View(view) => view.level(value),
        }
    }
}

fn picture(image: &Image, display: &Display, map: &Map) -> Image {
    let level = |sample: f64| match map.level(display.value(sample)) {
        _ if display.is_padding(sample) => 0.0,
        level if display.inverted => 1.0 - level,
        level => level,
    };
    // `as` makes 0 of what is not a number.
    let wide = |sample: f64| (level(sample) * 65_535.0 + 0.5) as u16;
    let samples = match image.samples() {
        Samples::U8(v) => {
            let table: Vec<u8> = (0..=u8::MAX).map(|s| (level(s.into()) * 255.0 + 0.5) as u8).collect();
            Samples::U8(v.iter().map(|&s| table[usize::from(s)]).collect())
        }
        Samples::U16(v) => {
            let (low, top) = v.iter().fold((u16::MAX, 0), |(low, top), &s| (low.min(s), top.max(s)));
            // A place for each sample that there can be needs no check of each lookup.
            let mut table = vec![0u16; 1 << 16];
            for s in low..=top {
                table[usize::from(s)] = wide(s.into());
            }
            let lookup = |table: &[u16; 1 << 16]| v.iter().map(|&s| table[usize::from(s)]).collect();
            Samples::U16(table.first_chunk().map(lookup).unwrap_or_default())
        }
        Samples::F32(v) => Samples::U16(v.iter().map(|&s| wide(s.into())).collect()),
    };
    image.with_samples(image.color(), samples)
}

/// The smallest and the largest finite value of a picture without what pads its frame; 0 and 0 where there is none.
fn span(samples: &Samples, display: &Display) -> (f64, f64) {
    // A straight line takes the ends to the ends: no need to look at each value.
    let straight = matches!(display.modality, Modality::Rescale { .. }) && display.padding.is_none();
    let (low, high) = if straight && !matches!(samples, Samples::F32(_)) {
        let (low, high) = depth::span(samples);
        let ends = [display.value(low), display.value(high)];
        (ends[0].min(ends[1]), ends[0].max(ends[1]))
    } else {
        let ends = |(low, high): (f64, f64), &(v, _): &(f64, usize)| (low.min(v), high.max(v));
        Values::found(samples, display).iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends)
    };
    if low <= high && low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 0.0) }
}

/// The finite values of a picture without what pads its frame, rising, each with how often it comes.
struct Values(Vec<(f64, usize)>);

impl Values {
    fn of(samples: &Samples, display: &Display) -> Self {
        let mut values = Self::found(samples, display);
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Self(values)
    }

    /// The same in no order.
    fn found(samples: &Samples, display: &Display) -> Vec<(f64, usize)> {
        let mut values: Vec<(f64, usize)> = match samples {
            Samples::U8(v) => counted(v.iter().map(|&s| s.into()), 1 << 8),
            Samples::U16(v) => counted(v.iter().map(|&s| s.into()), 1 << 16),
            Samples::F32(v) => v.iter().map(|&s| (s.into(), 1)).collect(),
        };
        values.retain(|&(sample, _)| !display.is_padding(sample));
        for (value, _) in &mut values {
            *value = display.value(*value);
        }
        values.retain(|(value, _)| value.is_finite());
        values
    }

    fn percentile(&self, percent: f64) -> f64 {
        let count = self.0.iter().map(|(_, n)| n).sum::<usize>();
        if count == 0 {
            return 0.0;
        }
        let mut at = |rank: usize| {
            let mut below = 0;
            let found = self.0.iter().find(|(_, n)| {
                below += n;
                below > rank
            });
            found.map_or(0.0, |(value, _)| *value)
        };
        interpolated(count, percent, &mut at)
    }
}

fn counted(samples: impl Iterator<Item = usize>, levels: usize) -> Vec<(f64, usize)> {
    let mut counts = vec![0usize; levels];
    samples.for_each(|s| counts[s] += 1);
    counts.into_iter().enumerate().filter(|(_, n)| *n > 0).map(|(s, n)| (s as f64, n)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::WindowFunction;

    fn plain(bits: u8) -> Display {
        Display { first: 0, bits, modality: Modality::NONE, views: vec![], inverted: false, padding: None }
    }

    fn row(samples: Samples, display: Display) -> Image {
        Image::measured(samples.len(), 1, samples, display).unwrap()
    }

    #[test]
    fn the_first_view_is_the_usual_one_and_others_have_numbers() {
        let hounsfield = Modality::Rescale { slope: 1.0, intercept: -1024.0 };
        let window = |c, w| View::window(c, w, WindowFunction::LinearExact).unwrap();
        let display =
            Display { modality: hounsfield, views: vec![window(0.0, 200.0), window(1000.0, 10.0)], ..plain(12) };
        let image = row(Samples::U16(vec![0, 924, 1024, 1124, 4095]), display);
        assert_eq!(image.shown().samples(), &Samples::U16(vec![0, 0, 32_768, 65_535, 65_535]));
        let second = Depth::View { number: 2 }.apply(&image).unwrap().into_owned();
        assert_eq!(second.samples(), &Samples::U16(vec![0, 0, 0, 0, 65_535]));
        let none = Depth::View { number: 3 }.apply(&image).unwrap_err();
        assert_eq!(none, PipelineError::NoView { number: 3, held: 2 });
        // In Hounsfield units, whatever the file's views say.
        let lung = Depth::Window { low: -100.0, high: 3071.0 }.apply(&image).unwrap().into_owned();
        assert_eq!(lung.samples(), &Samples::U16(vec![0, 0, 2067, 4133, 65_535]));
    }

    #[test]
    fn signed_values_are_kept_in_unsigned_samples() {
        let display = Display { first: -32_768, ..plain(16) };
        let image = row(Samples::U16(vec![0, 32_768, 65_535]), display);
        assert_eq!(image.shown().samples(), &Samples::U16(vec![0, 32_768, 65_535]));
        let window = Depth::Window { low: -1.0, high: 1.0 }.apply(&image).unwrap().into_owned();
        assert_eq!(window.samples(), &Samples::U16(vec![0, 32_768, 65_535]));
    }

    #[test]
    fn deep_pictures_without_a_view_fill_their_range_and_shallow_ones_keep_it() {
        let deep = row(Samples::U16(vec![100, 300, 500]), plain(12));
        assert_eq!(deep.shown().samples(), &Samples::U16(vec![0, 32_768, 65_535]));
        let shallow = row(Samples::U8(vec![0, 64, 127]), plain(7));
        assert_eq!(shallow.shown().samples(), &Samples::U8(vec![0, 129, 255]));
        let inverted = row(Samples::U8(vec![0, 55, 255]), Display { inverted: true, ..plain(8) });
        assert_eq!(inverted.shown().samples(), &Samples::U8(vec![255, 200, 0]));
    }

    #[test]
    fn padding_is_black_and_counts_nowhere() {
        for inverted in [false, true] {
            let display = Display { padding: Some((4000.0, 4095.0)), inverted, ..plain(12) };
            let image = row(Samples::U16(vec![4095, 10, 20, 4000]), display);
            let ends = if inverted { [65_535, 0] } else { [0, 65_535] };
            assert_eq!(image.shown().samples(), &Samples::U16(vec![0, ends[0], ends[1], 0]));
        }
    }

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy 2.4: np.percentile([1, 2, 3, 4, 10], [10, 90]) = [1.4, 7.6]; the slope turns the order around.
        let turned = Modality::Rescale { slope: -1.0, intercept: 11.0 };
        for samples in [Samples::U16(vec![1, 10, 8, 9, 7]), Samples::F32(vec![10.0, 1.0, 7.0, 8.0, 9.0])] {
            let values = Values::of(&samples, &Display { modality: turned.clone(), ..plain(16) });
            assert!((values.percentile(10.0) - 1.4).abs() < 1e-9 && (values.percentile(90.0) - 7.6).abs() < 1e-9);
        }
    }

    #[test]
    fn every_way_out_of_a_measured_picture_shows_it() {
        let image = row(Samples::U16(vec![10, 20]), plain(12));
        assert_eq!(image.to_u8().samples(), &Samples::U8(vec![0, 255]));
        assert_eq!(image.to_color(crate::Color::Rgb).samples(), &Samples::U16(vec![0, 0, 0, 65_535, 65_535, 65_535]));
        assert_eq!(image.resize(1, 1, crate::Filter::Bilinear).unwrap().samples(), &Samples::U16(vec![32_768]));
        assert_eq!(image.pad_centre(3, 1, 0.0).samples(), &Samples::U16(vec![0, 65_535, 0]));
        assert_eq!(image.crop(1, 0, 1, 1).unwrap().display(), image.display());
    }
}
