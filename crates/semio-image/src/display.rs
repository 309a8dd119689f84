//! Stored values → what is seen, as a DICOM file says it: modality transform → value of interest (VOI) → grey level.
//!
//! The order and the formulas are those of DICOM PS3.3, C.11.1 (modality), C.11.2 (VOI) and C.7.6.3.1.2 (photometric
//! interpretation).

use crate::ImageError;

/// A lookup table (DICOM PS3.3, C.11.1.1.1 and C.11.2.1.1).
#[derive(Clone, Debug, PartialEq)]
pub struct Lut {
    first: i32,
    bits: u8,
    entries: Vec<u16>,
}

impl Lut {
    /// Makes a table: `first` is the input of the first entry, `bits` (1 to 16) the width of an entry.
    ///
    /// # Errors
    /// [`ImageError::Lut`] without entries, with more than 65,536, or with another width.
    pub fn new(first: i32, bits: u8, entries: Vec<u16>) -> Result<Self, ImageError> {
        if entries.is_empty() || entries.len() > 1 << 16 || !(1..=16).contains(&bits) {
            return Err(ImageError::Lut { entries: entries.len(), bits });
        }
        Ok(Self { first, bits, entries })
    }

    /// Looks a value up; what lies before the first or behind the last entry takes that entry.
    pub fn at(&self, value: f64) -> u16 {
        // `as` saturates and makes 0 of what is not a number.
        let index = (value - f64::from(self.first)).round() as usize;
        self.entries[index.min(self.entries.len() - 1)]
    }

    /// The largest value that an entry can hold.
    pub fn max(&self) -> u16 {
        (u32::MAX >> (32 - u32::from(self.bits))) as u16
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never: a table has at least one entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Stored values → values with a meaning, for example Hounsfield units.
#[derive(Clone, Debug, PartialEq)]
pub enum Modality {
    /// value = slope × stored + intercept.
    Rescale {
        /// Factor.
        slope: f64,
        /// Summand.
        intercept: f64,
    },
    /// A table.
    Table(Lut),
}

impl Modality {
    /// Values that are what was stored.
    pub const NONE: Self = Self::Rescale { slope: 1.0, intercept: 0.0 };

    /// Transforms one stored value.
    pub fn apply(&self, stored: f64) -> f64 {
        match self {
            Self::Rescale { slope, intercept } => stored * slope + intercept,
            Self::Table(lut) => lut.at(stored).into(),
        }
    }
}

/// The shape of a window (DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowFunction {
    /// From c − 0.5 − (w − 1)/2 to c − 0.5 + (w − 1)/2.
    Linear,
    /// From c − w/2 to c + w/2.
    LinearExact,
    /// 1 / (1 + exp(−4 (x − c) / w)).
    Sigmoid,
}

/// Values with a meaning → grey levels, 0 (black) to 1 (white).
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// A window.
    Window {
        /// c, the middle.
        center: f64,
        /// w, the width.
        width: f64,
        /// The shape.
        function: WindowFunction,
    },
    /// A table.
    Table(Lut),
}

impl View {
    /// Makes a window.
    ///
    /// # Errors
    /// [`ImageError::Window`] for a width that its function does not allow (below 1 for `LINEAR`, otherwise 0 and
    /// below), or numbers that are not finite.
    pub fn window(center: f64, width: f64, function: WindowFunction) -> Result<Self, ImageError> {
        let wide_enough = match function {
            WindowFunction::Linear => width >= 1.0,
            WindowFunction::LinearExact | WindowFunction::Sigmoid => width > 0.0,
        };
        if !(center.is_finite() && width.is_finite() && wide_enough) {
            return Err(ImageError::Window);
        }
        Ok(Self::Window { center, width, function })
    }

    /// The grey level of one value.
    pub fn level(&self, value: f64) -> f64 {
        match self {
            Self::Window { center, width, function: WindowFunction::Linear } => {
                let (middle, reach) = (center - 0.5, (width - 1.0) / 2.0);
                if value <= middle - reach {
                    0.0
                } else if value > middle + reach {
                    1.0
                } else {
                    (value - middle) / (width - 1.0) + 0.5
                }
            }
            Self::Window { center, width, function: WindowFunction::LinearExact } => {
                ((value - center) / width + 0.5).clamp(0.0, 1.0)
            }
            Self::Window { center, width, function: WindowFunction::Sigmoid } => {
                1.0 / (1.0 + libm::exp(-4.0 * (value - center) / width))
            }
            Self::Table(lut) => f64::from(lut.at(value)) / f64::from(lut.max()),
        }
    }
}

/// How the stored values of a grey picture are to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Display {
    /// The stored value that the sample 0 stands for: −32,768 where signed values are kept in unsigned samples. Real
    /// samples are the stored values themselves.
    pub first: i32,
    /// How many bits a stored value has.
    pub bits: u8,
    /// What the stored values mean.
    pub modality: Modality,
    /// The ways in which the file says that the values can be looked at, the first being the usual one.
    pub views: Vec<View>,
    /// Whether the largest level is black (MONOCHROME1).
    pub inverted: bool,
    /// Stored values, both ends included, that fill the frame around the picture; they are black and count nowhere.
    pub padding: Option<(f64, f64)>,
}

impl Display {
    /// The value, for example in Hounsfield units, that a sample stands for.
    pub fn value(&self, sample: f64) -> f64 {
        self.modality.apply(self.stored(sample))
    }

    /// The stored value of a sample.
    pub fn stored(&self, sample: f64) -> f64 {
        sample + f64::from(self.first)
    }

    /// Whether a sample belongs to the frame around the picture.
    pub fn is_padding(&self, sample: f64) -> bool {
        self.padding.is_some_and(|(low, high)| (low..=high).contains(&self.stored(sample)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_table_takes_its_ends_for_what_lies_beyond() {
        let lut = Lut::new(-2, 8, vec![10, 20, 30]).unwrap();
        let at = [-1000.0, -2.0, -1.0, 0.0, 1.0, f64::INFINITY].map(|v| lut.at(v));
        assert_eq!(at, [10, 10, 20, 30, 30, 30]);
        assert_eq!((lut.max(), lut.len()), (255, 3));
        assert!(Lut::new(0, 17, vec![0]).is_err() && Lut::new(0, 8, vec![]).is_err());
    }

    #[test]
    fn a_window_needs_a_width() {
        assert!(View::window(0.0, 0.5, WindowFunction::Linear).is_err());
        assert!(View::window(0.0, 0.5, WindowFunction::LinearExact).is_ok());
        assert!(View::window(f64::NAN, 5.0, WindowFunction::Sigmoid).is_err());
        assert!(View::window(0.0, 0.0, WindowFunction::Sigmoid).is_err());
    }

    #[test]
    fn a_linear_window_of_width_one_is_a_threshold() {
        // PS3.3, C.11.2.1.2.1: x <= c − 0.5 is black, what is above is white.
        let view = View::window(10.0, 1.0, WindowFunction::Linear).unwrap();
        let white = |value| view.level(value) > 0.5;
        assert_eq!([9.0, 9.5, 9.6, 10.0].map(white), [false, false, true, true]);
    }
}
