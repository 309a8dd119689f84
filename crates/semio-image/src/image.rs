use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Display, ImageError, levels::render_usual};

/// What the samples of one pixel mean.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Color {
    /// One sample a pixel; the larger, the brighter.
    Grey,
    /// Red, green and blue, interleaved.
    Rgb,
}

impl Color {
    /// Samples a pixel.
    pub const fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

/// The samples of a picture at the depth in which they were stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// 8 bits a sample, 0 to 255.
    U8(Vec<u8>),
    /// 16 bits a sample, 0 to 65,535.
    U16(Vec<u16>),
    /// Real values without a fixed range, for example Hounsfield units.
    F32(Vec<f32>),
}

impl Samples {
    /// The number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A picture in memory: rows from the top, pixels from the left, samples of a pixel side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    width: usize,
    height: usize,
    color: Color,
    samples: Samples,
    display: Option<Arc<Display>>,
}

impl Image {
    /// Puts samples into the form of a picture.
    ///
    /// # Shapes
    /// `samples` holds `height × width × color.channels()` values, row by row.
    ///
    /// # Errors
    /// [`ImageError::Empty`] where a side is zero, [`ImageError::SampleCount`] where the number of samples is
    /// another one.
    pub fn new(width: usize, height: usize, color: Color, samples: Samples) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        let expected = width.checked_mul(height).and_then(|n| n.checked_mul(color.channels()));
        if expected != Some(samples.len()) {
            return Err(ImageError::SampleCount { width, height, color, got: samples.len() });
        }
        Ok(Self { width, height, color, samples, display: None })
    }

    /// Puts the samples of a grey picture into form together with how its file says that they are to be shown.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn measured(width: usize, height: usize, samples: Samples, display: Display) -> Result<Self, ImageError> {
        Ok(Self { display: Some(Arc::new(display)), ..Self::new(width, height, Color::Grey, samples)? })
    }

    /// How the file says that the samples are to be shown; `None` where they are grey levels or colours themselves.
    pub fn display(&self) -> Option<&Display> {
        self.display.as_deref()
    }

    /// The picture as its file says that it is to be shown, in samples that are grey levels or colours.
    pub fn shown(&self) -> Cow<'_, Self> {
        match &self.display {
            Some(display) => Cow::Owned(render_usual(self, display)),
            None => Cow::Borrowed(self),
        }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// What the samples mean.
    pub fn color(&self) -> Color {
        self.color
    }

    /// The samples, `height × width × channels`.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Gives up the picture for its samples.
    pub fn into_samples(self) -> Samples {
        self.samples
    }

    /// Puts other samples into the same frame; the caller made them for its size.
    pub(crate) fn with_samples(&self, color: Color, samples: Samples) -> Self {
        Self::from_parts(self.width, self.height, color, samples)
    }

    /// Makes a picture of samples that the caller made for this size.
    pub(crate) fn from_parts(width: usize, height: usize, color: Color, samples: Samples) -> Self {
        debug_assert_eq!(width * height * color.channels(), samples.len());
        Self { width, height, color, samples, display: None }
    }

    /// Keeps how the samples are to be shown, for another part of the same picture.
    pub(crate) fn shown_like(self, other: &Self) -> Self {
        Self { display: other.display.clone(), ..self }
    }
}
