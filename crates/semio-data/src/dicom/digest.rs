use semio_image::{Image, Samples};
use sha2::{Digest as _, Sha256};

use super::{DicomError, DicomFile, Values};

/// How many samples all frames together may have whatever the file's size, and how many more for each of its bytes.
const SAMPLES: u64 = 64 << 20;
const SAMPLES_PER_BYTE: u64 = 64;

/// What the stored values of all frames come to.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelDigest {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The SHA-256 of the values: little endian, frame by frame, row by row, samples of a pixel side by side, colour
    /// differences as red, green and blue, palettes not applied.
    pub sha256: [u8; 32],
}

impl PixelDigest {
    /// Takes a picture's samples as stored values.
    pub fn of(image: &Image) -> Self {
        let mut sum = Sum::default();
        sum.add(&match image.samples() {
            Samples::U8(v) => Values::U8(v.clone()),
            Samples::U16(v) => Values::U16(v.clone()),
            Samples::F32(v) => Values::F32(v.clone()),
        });
        sum.finish()
    }

    /// The first 16 hexadecimal digits of the hash.
    pub fn short(&self) -> String {
        let first = self.sha256.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        format!("{first:016x}")
    }
}

/// Takes frames in, one after the other.
#[derive(Default)]
struct Sum {
    hash: Sha256,
    span: Option<(f64, f64)>,
}

impl Sum {
    fn add(&mut self, values: &Values) {
        self.hash.update(values.to_le_bytes());
        self.span = match (self.span, values.span()) {
            (Some((low, high)), Some((min, max))) => Some((low.min(min), high.max(max))),
            (one, other) => one.or(other),
        };
    }

    fn finish(self) -> PixelDigest {
        let (min, max) = self.span.unwrap_or((f64::NAN, f64::NAN));
        PixelDigest { min, max, sha256: self.hash.finalize().into() }
    }
}

impl DicomFile<'_> {
    /// Decodes all frames for their smallest and largest value and their hash; memory is that of one frame.
    ///
    /// # Errors
    /// Those of [`Self::frame`]; [`DicomError::NoPixels`] without pixels; [`DicomError::Limit`] where a small file
    /// announces more samples than it can reasonably hold.
    pub fn digest(&self) -> Result<PixelDigest, DicomError> {
        let layout = self.layout()?.ok_or_else(|| self.no_pixels())?;
        let samples = (layout.frame_samples() as u64).saturating_mul(layout.frames.into());
        let most = SAMPLES.max((self.bytes.len() as u64).saturating_mul(SAMPLES_PER_BYTE));
        if samples > most {
            let (what, limit) = (format!("{samples} samples in {} frames", layout.frames), most.to_string());
            return Err(DicomError::Limit { what, limit });
        }
        let mut sum = Sum::default();
        for frame in 0..layout.frames {
            sum.add(&self.frame_of(&layout, frame)?.values);
        }
        Ok(sum.finish())
    }
}
