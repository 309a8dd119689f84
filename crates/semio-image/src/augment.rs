use serde::{Deserialize, Serialize};

use crate::depth::span;
use crate::random::Random;
use crate::warp::{Affine, Fill, Sample, flip, warp};
use crate::{Color, Image, Mask, Samples};

/// How much a picture may change at random while a network learns; each value is the largest change, 0 is off.
///
/// It works on pictures from [`crate::Pipeline::prepare`]. The order is geometry (flips, zoom, rotation, shift: one
/// affine map, resampled once) → contrast and brightness → noise → cut-out.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// The probability of mirroring left and right, 0 to 1.
    pub flip_horizontal: f32,
    /// The probability of mirroring top and bottom, 0 to 1.
    pub flip_vertical: f32,
    /// Degrees of rotation about the centre in either direction, drawn uniformly, 0 to 180.
    pub rotate: f32,
    /// Share of the width and of the height to shift by in either direction, each drawn uniformly, 0 to 1.
    pub shift: f32,
    /// Magnification z about the centre, drawn uniformly from 1 − z to 1 + z, 0 to 0.9.
    pub zoom: f32,
    /// Share of the range that is added or taken away, drawn uniformly, 0 to 1.
    pub brightness: f32,
    /// Contrast c about the picture's mean: the factor is drawn uniformly from 1 − c to 1 + c, 0 to 1.
    pub contrast: f32,
    /// Standard deviation of the noise on each sample as a share of the range, drawn uniformly from 0 to this, 0 to 1.
    pub noise: f32,
    /// Side of one black square as a share of the picture's shorter side, drawn uniformly from 0 to this, 0 to 1.
    pub cutout: f32,
    /// What is seen where a moved picture leaves its frame empty.
    pub fill: Fill,
}

/// A value of an [`Augmentation`] that lies out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("augmentation `{name}` is {value}, but goes from 0 (off) to {limit}")]
pub struct AugmentationError {
    /// The value's name.
    pub name: &'static str,
    /// The value.
    pub value: f32,
    /// The largest value that makes sense.
    pub limit: f32,
}

impl Augmentation {
    /// Whether nothing would ever change.
    pub fn is_off(&self) -> bool {
        self.values().iter().all(|(_, value, _)| *value == 0.0)
    }

    /// Checks that every value lies in its range.
    ///
    /// # Errors
    /// The first value that does not.
    pub fn check(&self) -> Result<(), AugmentationError> {
        match self.values().into_iter().find(|(_, value, limit)| !(0.0..=*limit).contains(value)) {
            Some((name, value, limit)) => Err(AugmentationError { name, value, limit }),
            None => Ok(()),
        }
    }

    /// Changes a picture as the seed says; size, depth and colour stay.
    ///
    /// The same seed gives the same samples on every machine and thread. Each change has its own draw, made whether
    /// the change is on or off: turning one on or off leaves what happens in the others. A value out of its range is
    /// taken at the nearest end. The range of real values is this picture's own.
    #[must_use]
    pub fn apply(&self, image: &Image, seed: u64) -> Image {
        let draw = Draw::new(self, seed);
        let frame = (image.width(), image.height());
        let samples = match (image.samples(), image.color()) {
            (Samples::U8(v), Color::Grey) => Samples::U8(draw.change::<_, 1>(v, frame, self.fill, (0, 255))),
            (Samples::U8(v), Color::Rgb) => Samples::U8(draw.change::<_, 3>(v, frame, self.fill, (0, 255))),
            (Samples::U16(v), Color::Grey) => Samples::U16(draw.change::<_, 1>(v, frame, self.fill, (0, 65_535))),
            (Samples::U16(v), Color::Rgb) => Samples::U16(draw.change::<_, 3>(v, frame, self.fill, (0, 65_535))),
            (Samples::F32(v), color) => {
                let (low, high) = span(image.samples());
                let range = (low as f32, high as f32);
                Samples::F32(match color {
                    Color::Grey => draw.change::<_, 1>(v, frame, self.fill, range),
                    Color::Rgb => draw.change::<_, 3>(v, frame, self.fill, range),
                })
            }
        };
        image.with_samples(image.color(), samples)
    }

    /// Changes a picture as [`Self::apply`] does, and moves its mask with it, to the nearest pixel.
    ///
    /// What is seen of the mask where a moved picture leaves its frame empty: with [`Fill::Edge`] the nearest pixel, as
    /// of the picture; with [`Fill::Black`] it counts as outside.
    #[must_use]
    pub fn apply_with_mask(&self, image: &Image, mask: &Mask, seed: u64) -> (Image, Mask) {
        let draw = Draw::new(self, seed);
        let moved = if draw.moves() || draw.flip_horizontal || draw.flip_vertical {
            mask.moved(&draw.map((mask.width(), mask.height())), self.fill)
        } else {
            mask.clone()
        };
        (self.apply(image, seed), moved)
    }

    fn values(&self) -> [(&'static str, f32, f32); 9] {
        [
            ("flip_horizontal", self.flip_horizontal, 1.0),
            ("flip_vertical", self.flip_vertical, 1.0),
            ("rotate", self.rotate, 180.0),
            ("shift", self.shift, 1.0),
            ("zoom", self.zoom, 0.9),
            ("brightness", self.brightness, 1.0),
            ("contrast", self.contrast, 1.0),
            ("noise", self.noise, 1.0),
            ("cutout", self.cutout, 1.0),
        ]
    }
}

/// What happens to one picture.
struct Draw {
    flip_horizontal: bool,
    flip_vertical: bool,
    radians: f64,
    shift: (f64, f64),
    magnification: f64,
    brightness: f64,
    contrast: f64,
    noise: f64,
    noise_seed: u64,
    cutout: f64,
    cutout_place: (f64, f64),
}

impl Draw {
    fn new(augmentation: &Augmentation, seed: u64) -> Self {
        let [flip_horizontal, flip_vertical, rotate, shift, zoom, brightness, contrast, noise, cutout] =
            // Maximum before minimum: what is not a number becomes 0.
            augmentation.values().map(|(_, value, limit)| f64::from(value.max(0.0).min(limit)));
        let mut random = Random::new(seed);
        // The order of these lines is part of what a seed means.
        Self {
            flip_horizontal: random.unit() < flip_horizontal,
            flip_vertical: random.unit() < flip_vertical,
            radians: (rotate * random.signed_unit()).to_radians(),
            shift: (shift * random.signed_unit(), shift * random.signed_unit()),
            magnification: 1.0 + zoom * random.signed_unit(),
            brightness: brightness * random.signed_unit(),
            contrast: 1.0 + contrast * random.signed_unit(),
            noise: noise * random.unit(),
            noise_seed: random.next_u64(),
            cutout: cutout * random.unit(),
            cutout_place: (random.unit(), random.unit()),
        }
    }

    fn change<T: Value, const CHANNELS: usize>(
        &self,
        source: &[T],
        frame: (usize, usize),
        fill: Fill,
        range: (T, T),
    ) -> Vec<T> {
        let (pixels, _) = source.as_chunks::<CHANNELS>();
        let mut changed = if self.moves() {
            warp(pixels, frame.0, &self.map(frame), fill, range.0)
        } else if self.flip_horizontal || self.flip_vertical {
            flip(pixels, frame.0, self.flip_horizontal, self.flip_vertical)
        } else {
            pixels.to_vec()
        };
        self.tone(source, changed.as_flattened_mut(), range);
        self.cut(&mut changed, frame, [range.0; CHANNELS]);
        changed.into_flattened()
    }

    /// Whether pixels come to lie between pixels.
    #[expect(clippy::float_cmp, reason = "a change that is off gives exactly these values")]
    fn moves(&self) -> bool {
        self.radians != 0.0 || self.shift != (0.0, 0.0) || self.magnification != 1.0
    }

    /// From the result back to the source: the changes undone in reverse, about the centre of the frame.
    fn map(&self, (width, height): (usize, usize)) -> Affine {
        let centre = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
        let (sine, cosine) = libm::sincos(self.radians);
        let side = |flipped: bool| if flipped { -1.0 / self.magnification } else { 1.0 / self.magnification };
        let (across, down) = (side(self.flip_horizontal), side(self.flip_vertical));
        let from = (centre.0 + self.shift.0 * width as f64, centre.1 + self.shift.1 * height as f64);
        let line = |x: f64, y: f64, centre: f64| [x, y, centre - x * from.0 - y * from.1];
        Affine {
            column: line(across * cosine, across * sine, centre.0),
            row: line(-down * sine, down * cosine, centre.1),
        }
    }

    fn tone<T: Value>(&self, source: &[T], samples: &mut [T], (low, high): (T, T)) {
        let range = high.real() - low.real();
        let factor = self.contrast as f32;
        let lift = (self.brightness * f64::from(range)) as f32;
        let noise = (self.noise * f64::from(range)) as f32;
        #[expect(clippy::float_cmp, reason = "contrast that is off gives exactly 1")]
        let stretched = factor != 1.0;
        let offset = if stretched { T::mean(source) * (1.0 - factor) + lift } else { lift };
        if noise > 0.0 {
            let mut random = Random::new(self.noise_seed);
            for sample in samples {
                *sample = T::nearest(sample.real() * factor + offset + noise * random.bell());
            }
        } else if stretched || offset != 0.0 {
            T::each(samples, |v| T::nearest(v.real() * factor + offset));
        }
    }

    fn cut<P: Copy>(&self, pixels: &mut [P], (width, height): (usize, usize), black: P) {
        let side = (self.cutout * width.min(height) as f64) as usize;
        let start = |place: f64, length: usize| (place * (length - side + 1) as f64) as usize;
        let (left, top) = (start(self.cutout_place.0, width), start(self.cutout_place.1, height));
        for row in pixels.chunks_exact_mut(width).skip(top).take(side) {
            row[left..][..side].fill(black);
        }
    }
}

/// A sample that brightness, contrast and noise can change.
trait Value: Sample {
    fn real(self) -> f32;
    /// The nearest value that the type holds; where it has an end, the end.
    fn nearest(v: f32) -> Self;
    fn mean(samples: &[Self]) -> f32;
    /// Replaces each sample.
    fn each(samples: &mut [Self], change: impl Fn(Self) -> Self) {
        for sample in samples {
            *sample = change(*sample);
        }
    }
}

impl Value for u8 {
    fn each(samples: &mut [Self], change: impl Fn(Self) -> Self) {
        // 256 answers serve all samples.
        let table: [u8; 256] = std::array::from_fn(|v| change(v as u8));
        for sample in samples {
            *sample = table[usize::from(*sample)];
        }
    }

    fn real(self) -> f32 {
        self.into()
    }

    fn nearest(v: f32) -> Self {
        (v + 0.5) as Self
    }

    fn mean(samples: &[Self]) -> f32 {
        (samples.iter().map(|&v| u64::from(v)).sum::<u64>() as f64 / samples.len() as f64) as f32
    }
}

impl Value for u16 {
    fn real(self) -> f32 {
        self.into()
    }

    fn nearest(v: f32) -> Self {
        (v + 0.5) as Self
    }

    fn mean(samples: &[Self]) -> f32 {
        (samples.iter().map(|&v| u64::from(v)).sum::<u64>() as f64 / samples.len() as f64) as f32
    }
}

impl Value for f32 {
    fn real(self) -> f32 {
        self
    }

    fn nearest(v: f32) -> Self {
        v
    }

    fn mean(samples: &[Self]) -> f32 {
        (samples.iter().map(|&v| f64::from(v)).sum::<f64>() / samples.len() as f64) as f32
    }
}
