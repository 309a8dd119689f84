use std::borrow::Cow;

use bytemuck::Pod;
use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage as Target, TypedImageRef as Source},
    pixels,
};
use serde::{Deserialize, Serialize};

use crate::{Color, Image, ImageError, Samples};

/// The longest side that a picture may be resized or padded to, in pixels.
pub const MAX_SIDE: usize = 8192;

/// How samples between the stored ones are found; both widen with the shrinking factor, against aliasing.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// A triangle over two samples.
    Bilinear,
    /// A Catmull–Rom spline over four samples (a = −0.5, as in Pillow).
    Bicubic,
}

/// What becomes of a picture whose sides have another ratio than the size asked for.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// It is distorted to exactly this size.
    Stretch,
    /// It keeps its ratio and fits into this size: one side may be smaller.
    Contain,
    /// It keeps its ratio and covers this size: one side may be larger.
    Cover,
}

impl Image {
    /// Resizes the picture with antialiasing; agrees with Pillow's `resize` to 1 of 255.
    ///
    /// # Errors
    /// [`ImageError::Empty`] where a side is zero, [`ImageError::TooLarge`] where one is longer than [`MAX_SIDE`].
    pub fn resize(&self, width: usize, height: usize, filter: Filter) -> Result<Self, ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::Empty { width, height });
        }
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(ImageError::TooLarge { width, height });
        }
        if self.display().is_some() {
            return self.shown().resize(width, height, filter);
        }
        // One direction at a time, since the library chooses its order by the type, and the order shows where cubic
        // overshoot is cut off. Pillow before 13 always takes rows first; 13 takes columns first in this case
        // (python-pillow/Pillow#9549), and so do we: then no picture in between is larger than both others.
        let down_first = self.height().saturating_sub(height) as i64 > 2 * (self.width() as i64 - width as i64);
        let across_first = height >= self.height() || !down_first;
        let between = if across_first { (width, self.height()) } else { (self.width(), height) };
        // The library's 8-bit weights have 15 bits, so a level is off by one here and there, and after two such passes
        // now and then by two. The first of two passes is therefore made in real numbers; rounded, it is Pillow's.
        let first = match self.samples() {
            Samples::U8(v) if width != self.width() && height != self.height() => {
                let real = self.with_samples(self.color(), Samples::F32(v.iter().map(|&v| v.into()).collect()));
                Cow::Owned(real.resample(between.0, between.1, filter)?.into_owned().rounded())
            }
            _ => self.resample(between.0, between.1, filter)?,
        };
        first.resample(width, height, filter).map(Cow::into_owned)
    }

    /// Resizes the picture to a size with its own ratio of sides, if asked for.
    pub(crate) fn resize_to_fit(
        &self,
        width: usize,
        height: usize,
        filter: Filter,
        fit: Fit,
    ) -> Result<Self, ImageError> {
        let (from, to) = ((self.width(), self.height()), (width, height));
        let shown = match seen(from, to, fit) {
            part if part == from => Cow::Borrowed(self),
            (wide, high) => Cow::Owned(self.crop_centre(wide, high)),
        };
        let (width, height) = fitted((shown.width(), shown.height()), to, fit);
        shown.resize(width, height, filter)
    }

    /// Rounds real samples to 8 bits as they are; integer ones stay.
    fn rounded(self) -> Self {
        let (width, height, color) = (self.width(), self.height(), self.color());
        let samples = match self.into_samples() {
            Samples::F32(v) => Samples::U8(v.into_iter().map(|v| (v + 0.5) as u8).collect()),
            integer => integer,
        };
        Self::from_parts(width, height, color, samples)
    }

    fn resample(&self, width: usize, height: usize, filter: Filter) -> Result<Cow<'_, Self>, ImageError> {
        if (width, height) == (self.width(), self.height()) {
            return Ok(Cow::Borrowed(self));
        }
        let pass = Pass { from: self, width, height, filter };
        let samples = match (self.samples(), self.color()) {
            (Samples::U8(v), Color::Grey) => pass.run::<_, pixels::U8>(v).map(Samples::U8),
            (Samples::U8(v), Color::Rgb) => pass.run::<_, pixels::U8x3>(v).map(Samples::U8),
            (Samples::U16(v), Color::Grey) => pass.run::<_, pixels::U16>(v).map(Samples::U16),
            (Samples::U16(v), Color::Rgb) => pass.run::<_, pixels::U16x3>(v).map(Samples::U16),
            (Samples::F32(v), Color::Grey) => pass.run::<_, pixels::F32>(v).map(Samples::F32),
            (Samples::F32(v), Color::Rgb) => pass.run::<_, pixels::F32x3>(v).map(Samples::F32),
        }
        .map_err(|reason| ImageError::Resize {
            from_width: self.width(),
            from_height: self.height(),
            width,
            height,
            reason,
        })?;
        Ok(Cow::Owned(Self::from_parts(width, height, self.color(), samples)))
    }
}

/// The size that a picture takes.
pub(crate) fn fitted(from: (usize, usize), to: (usize, usize), fit: Fit) -> (usize, usize) {
    let (width, height) = (scaled(from.0, to.1, from.1), scaled(from.1, to.0, from.0));
    match fit {
        Fit::Stretch => to,
        Fit::Contain => (width.clamp(1, to.0), height.clamp(1, to.1)),
        Fit::Cover => (width.clamp(to.0, MAX_SIDE), height.clamp(to.1, MAX_SIDE)),
    }
}

/// The middle part that is resized at all: a very long picture that is to cover a frame is shortened first to what a
/// longest side can show of it.
pub(crate) fn seen(from: (usize, usize), to: (usize, usize), fit: Fit) -> (usize, usize) {
    let longest = |across: usize, side: usize| across.saturating_mul(MAX_SIDE).div_ceil(side.max(1));
    match fit {
        Fit::Cover => (from.0.min(longest(from.1, to.1)), from.1.min(longest(from.0, to.0))),
        Fit::Stretch | Fit::Contain => from,
    }
}

/// `length × by / of`, rounded.
pub(crate) fn scaled(length: usize, by: usize, of: usize) -> usize {
    ((length as f64 * by as f64 / of as f64).round()) as usize
}

struct Pass<'a> {
    from: &'a Image,
    width: usize,
    height: usize,
    filter: Filter,
}

impl Pass<'_> {
    /// By a kind of pixel that is known to the compiler: the library's own choice at run time would build its loops for
    /// twice as many kinds as there are here, which takes minutes.
    fn run<T: Pod, P: PixelTrait>(&self, samples: &[T]) -> Result<Vec<T>, String> {
        let side = |length: usize| u32::try_from(length).map_err(|_| format!("a side of {length} pixels is too long"));
        let mut resized = vec![T::zeroed(); self.width * self.height * self.from.color().channels()];
        let (from_width, from_height) = (side(self.from.width())?, side(self.from.height())?);
        let source = Source::<P>::from_buffer(from_width, from_height, bytemuck::cast_slice(samples))
            .map_err(|error| error.to_string())?;
        let bytes = bytemuck::cast_slice_mut(&mut resized);
        let mut target = Target::<P>::from_buffer(side(self.width)?, side(self.height)?, bytes)
            .map_err(|error| error.to_string())?;
        let filter = match self.filter {
            Filter::Bilinear => FilterType::Bilinear,
            Filter::Bicubic => FilterType::CatmullRom,
        };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).use_alpha(false);
        Resizer::new().resize_typed(&source, &mut target, &options).map_err(|error| error.to_string())?;
        Ok(resized)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn grey(width: usize, height: usize) -> Image {
        let samples = (0..width * height).map(|i| (i * 37 % 251) as u8).collect();
        Image::new(width, height, Color::Grey, Samples::U8(samples)).unwrap()
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let error = grey(2, 2).resize(8193, 1, Filter::Bilinear).unwrap_err();
        assert_eq!(error.to_string(), "cannot resize to 8193 × 1 pixels, a side may have 8192 at most");
        let error = grey(2, 2).resize(0, 1, Filter::Bilinear).unwrap_err();
        assert_eq!(error.to_string(), "a picture of 0 × 1 pixels has no content");
    }

    #[test]
    fn extreme_ratios_keep_the_promise() {
        for (width, height) in [(1, 300_000), (300_000, 1), (1, 1), (2, 99_999)] {
            let image = grey(width, height);
            let contained = image.resize_to_fit(24, 32, Filter::Bicubic, Fit::Contain).unwrap();
            assert!((1..=24).contains(&contained.width()) && (1..=32).contains(&contained.height()));
            let covering = image.resize_to_fit(24, 32, Filter::Bicubic, Fit::Cover).unwrap();
            assert!((24..=MAX_SIDE).contains(&covering.width()) && (32..=MAX_SIDE).contains(&covering.height()));
            let stretched = image.resize(24, 32, Filter::Bilinear).unwrap();
            assert_eq!((stretched.width(), stretched.height()), (24, 32));
        }
    }

    proptest! {
        #[test]
        fn contain_and_cover_touch_one_side(width in 1usize..90, height in 1usize..90, to in (1usize..40, 1usize..40)) {
            let contained = grey(width, height).resize_to_fit(to.0, to.1, Filter::Bilinear, Fit::Contain).unwrap();
            prop_assert!(contained.width() <= to.0 && contained.height() <= to.1);
            prop_assert!(contained.width() == to.0 || contained.height() == to.1);
            let covering = grey(width, height).resize_to_fit(to.0, to.1, Filter::Bilinear, Fit::Cover).unwrap();
            prop_assert!(covering.width() >= to.0 && covering.height() >= to.1);
            prop_assert!(covering.width() == to.0 || covering.height() == to.1);
        }

        #[test]
        fn a_picture_of_one_value_keeps_it(side in (1usize..50, 1usize..50), to in (1usize..50, 1usize..50), value: u16) {
            for filter in [Filter::Bilinear, Filter::Bicubic] {
                let samples = Samples::U16(vec![value; side.0 * side.1]);
                let resized = Image::new(side.0, side.1, Color::Grey, samples).unwrap().resize(to.0, to.1, filter).unwrap();
                prop_assert_eq!(resized.samples(), &Samples::U16(vec![value; to.0 * to.1]));
            }
        }
    }
}
