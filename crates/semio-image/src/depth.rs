use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Image, PipelineError, Samples, levels::render};

/// Which values become black and white when a picture takes its working depth.
///
/// 8-bit samples stay 8 bits, 16-bit samples stay 16 bits, real values become 16 bits. What lies outside of the range
/// is black or white, what is not a number is black; a picture of one single value is black.
///
/// Grey DICOM pictures ([`Image::display`]) bring values with a meaning and the views in which their file says that
/// they are to be seen. `Full` is then the usual presentation; `Image`, `Percentile` and `Window` are in the values'
/// own unit, for example Hounsfield units. In each case MONOCHROME1 is inverted, and what pads the frame is black.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Depth {
    /// The whole range of the type; samples stay as they are. Real values have no such range.
    ///
    /// Of a grey DICOM picture: the first view that its file holds (a VOI table before windows). Without one, the
    /// whole range of 8 bits and less; for deeper pictures, whose bits are seldom filled, as `Image`.
    Full,
    /// From this picture's smallest to its largest value, over all channels.
    Image,
    /// Between two percentiles of this picture's values, over all channels, with linear interpolation as in `NumPy`.
    Percentile {
        /// Percent of the values that lie below black, 0 to 100.
        low: f32,
        /// Percent of the values that lie below white, 0 to 100.
        high: f32,
    },
    /// Between two values, for example in Hounsfield units.
    Window {
        /// The value that becomes black.
        low: f32,
        /// The value that becomes white.
        high: f32,
    },
    /// One of the views that a grey DICOM picture's file holds: VOI tables first, then windows. Other pictures, and
    /// files with fewer views, are refused.
    View {
        /// The view's number, from 1.
        number: usize,
    },
}

impl Depth {
    /// What is wrong with the range, if anything is.
    pub(crate) fn fault(self) -> Option<String> {
        match self {
            Self::Percentile { low, high } if !(0.0 <= low && low < high && high <= 100.0) => {
                Some(format!("percentiles {low} to {high} do not rise within 0 to 100"))
            }
            Self::Window { low, high } if !(low < high && low.is_finite() && high.is_finite()) => {
                Some(format!("the window {low} to {high} does not rise"))
            }
            Self::View { number: 0 } => Some("views are counted from 1".into()),
            _ => None,
        }
    }

    /// Brings a picture to 8 or 16 bits.
    pub(crate) fn apply(self, image: &Image) -> Result<Cow<'_, Image>, PipelineError> {
        if let Some(display) = image.display() {
            return render(image, display, self).map(Cow::Owned);
        }
        let (low, high) = match (self, image.samples()) {
            (Self::Full, Samples::U8(_) | Samples::U16(_)) => return Ok(Cow::Borrowed(image)),
            (Self::Full, Samples::F32(_)) => return Err(PipelineError::NeedsRange),
            (Self::Image, samples) => span(samples),
            (Self::Percentile { low, high }, samples) => percentiles(samples, low.into(), high.into()),
            (Self::Window { low, high }, _) => (low.into(), high.into()),
            (Self::View { number }, _) => return Err(PipelineError::NoView { number, held: 0 }),
        };
        Ok(Cow::Owned(image.with_samples(image.color(), stretch(image.samples(), low, high))))
    }
}

impl Image {
    /// Gives the picture in 8 bits, for showing: 16 bits are scaled as a whole range, real values from this picture's
    /// smallest to its largest; a grey DICOM picture as its file says ([`Self::shown`]).
    #[must_use]
    pub fn to_u8(&self) -> Self {
        if self.display().is_some() {
            return self.shown().to_u8();
        }
        let samples = match self.samples() {
            Samples::U8(v) => Samples::U8(v.clone()),
            Samples::U16(v) => Samples::U8(v.iter().map(|&v| ((u32::from(v) * 255 + 32_767) / 65_535) as u8).collect()),
            Samples::F32(v) => {
                let (low, high) = span(self.samples());
                let scale = per_step(low, high, 255.0);
                Samples::U8(v.iter().map(|&v| ((f64::from(v) - low) * scale + 0.5) as u8).collect())
            }
        };
        self.with_samples(self.color(), samples)
    }
}

/// The smallest and the largest finite value; 0 and 0 where there is none.
pub(crate) fn span(samples: &Samples) -> (f64, f64) {
    /// In the samples' own type: many at once.
    fn of<T: Copy + Ord + Into<f64>>(values: &[T]) -> (f64, f64) {
        let Some(&first) = values.first() else { return (0.0, 0.0) };
        let (low, high) = values.iter().fold((first, first), |(low, high), &v| (low.min(v), high.max(v)));
        (low.into(), high.into())
    }
    match samples {
        Samples::U8(v) => of(v),
        Samples::U16(v) => of(v),
        Samples::F32(v) => {
            let finite = v.iter().filter(|v| v.is_finite());
            let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
            if low <= high { (low.into(), high.into()) } else { (0.0, 0.0) }
        }
    }
}

fn stretch(samples: &Samples, low: f64, high: f64) -> Samples {
    // `as` saturates, and makes 0 of what is not a number.
    let wide = |v: f64, scale: f64| ((v - low) * scale + 0.5) as u16;
    match samples {
        Samples::U8(v) => {
            let scale = per_step(low, high, 255.0);
            Samples::U8(v.iter().map(|&v| ((f64::from(v) - low) * scale + 0.5) as u8).collect())
        }
        Samples::U16(v) => {
            let scale = per_step(low, high, 65_535.0);
            Samples::U16(v.iter().map(|&v| wide(v.into(), scale)).collect())
        }
        Samples::F32(v) => {
            let scale = per_step(low, high, 65_535.0);
            Samples::U16(v.iter().map(|&v| wide(v.into(), scale)).collect())
        }
    }
}

pub(crate) fn per_step(low: f64, high: f64, max: f64) -> f64 {
    if high > low { max / (high - low) } else { 0.0 }
}

fn percentiles(samples: &Samples, low: f64, high: f64) -> (f64, f64) {
    match samples {
        Samples::U8(v) => counted(v.iter().map(|&v| v.into()), 1 << 8, low, high),
        Samples::U16(v) => counted(v.iter().map(|&v| v.into()), 1 << 16, low, high),
        Samples::F32(v) => {
            let mut finite: Vec<f32> = v.iter().copied().filter(|v| v.is_finite()).collect();
            if finite.is_empty() {
                return (0.0, 0.0);
            }
            let count = finite.len();
            let mut at = |rank: usize| f64::from(*finite.select_nth_unstable_by(rank, f32::total_cmp).1);
            (interpolated(count, low, &mut at), interpolated(count, high, &mut at))
        }
    }
}

fn counted(values: impl Iterator<Item = usize>, levels: usize, low: f64, high: f64) -> (f64, f64) {
    let mut counts = vec![0usize; levels];
    values.for_each(|v| counts[v] += 1);
    let total = counts.iter().sum();
    let mut at = |rank: usize| {
        let mut below = 0;
        let level = counts.iter().position(|&n| {
            below += n;
            below > rank
        });
        level.unwrap_or(levels - 1) as f64
    };
    (interpolated(total, low, &mut at), interpolated(total, high, &mut at))
}

pub(crate) fn interpolated(count: usize, percent: f64, at: &mut impl FnMut(usize) -> f64) -> f64 {
    let rank = percent / 100.0 * (count - 1) as f64;
    let (below, above) = (at(rank.floor() as usize), at(rank.ceil() as usize));
    below + (above - below) * rank.fract()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::Color;

    fn row(samples: Samples) -> Image {
        Image::new(samples.len(), 1, Color::Grey, samples).unwrap()
    }

    #[test]
    fn a_window_maps_its_ends_to_black_and_white() {
        let hounsfield = row(Samples::F32(vec![f32::NAN, f32::NEG_INFINITY, -1000.0, 0.0, 400.0, f32::INFINITY]));
        let prepared = Depth::Window { low: -1000.0, high: 400.0 }.apply(&hounsfield).unwrap();
        assert_eq!(prepared.samples(), &Samples::U16(vec![0, 0, 0, 46_811, 65_535, 65_535]));
    }

    #[test]
    fn a_picture_fills_its_range() {
        for (stored, filled) in [
            (Samples::U8(vec![10, 20, 30]), Samples::U8(vec![0, 128, 255])),
            (Samples::U16(vec![100, 4195]), Samples::U16(vec![0, 65_535])),
            (Samples::F32(vec![-0.5, 0.5]), Samples::U16(vec![0, 65_535])),
        ] {
            assert_eq!(Depth::Image.apply(&row(stored)).unwrap().samples(), &filled);
        }
    }

    #[test]
    fn a_picture_of_one_value_is_black() {
        for samples in [Samples::U8(vec![9; 4]), Samples::U16(vec![9; 4]), Samples::F32(vec![f32::NAN; 4])] {
            for depth in [Depth::Image, Depth::Percentile { low: 1.0, high: 99.0 }] {
                let (low, high) = span(depth.apply(&row(samples.clone())).unwrap().samples());
                assert!(low == 0.0 && high == 0.0);
            }
        }
    }

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy 2.4: np.percentile([1, 2, 3, 4, 10], [10, 90]) = [1.4, 7.6]
        for samples in [
            Samples::U8(vec![10, 1, 3, 2, 4]),
            Samples::U16(vec![4, 1, 3, 2, 10]),
            Samples::F32(vec![2., 1., 3., 10., 4.]),
        ] {
            let (low, high) = percentiles(&samples, 10.0, 90.0);
            assert!((low - 1.4).abs() < 1e-9 && (high - 7.6).abs() < 1e-9, "{low} to {high}");
        }
    }

    #[test]
    fn real_values_need_a_range() {
        assert_eq!(Depth::Full.apply(&row(Samples::F32(vec![0.5]))), Err(PipelineError::NeedsRange));
    }

    #[test]
    fn for_showing_sixteen_bits_become_eight() {
        let shown = row(Samples::U16(vec![0, 128, 129, 257, 65_406, 65_535])).to_u8();
        assert_eq!(shown.samples(), &Samples::U8(vec![0, 0, 1, 1, 254, 255]));
        let shown = row(Samples::F32(vec![-2.0, 0.0, 2.0, f32::NAN])).to_u8();
        assert_eq!(shown.samples(), &Samples::U8(vec![0, 128, 255, 0]));
    }
}
