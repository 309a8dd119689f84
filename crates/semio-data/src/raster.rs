//! PNG, JPEG, BMP, TIFF and DICOM files → [`Image`].
//!
//! The format is found by content, not by name. What the decoders do is chosen with four rules in mind:
//!
//! - **True depth.** 8-bit samples stay 8-bit, 16-bit ones 16-bit, real ones real; grey stays grey, also where a
//!   palette holds nothing but greys. Colour profiles and gamma tags are not applied: a network is trained on the
//!   stored samples.
//! - **Whole or not at all.** A file that ends early is an error. `image` decodes JPEG leniently and fills the missing
//!   part with grey, which would go into training unseen; so `zune-jpeg`, its decoder, is called directly and strictly.
//! - **Upright.** The EXIF orientation is applied. `image` sees it in a PNG only where the tag stands before the
//!   pixels; so `png` is called directly.
//! - **Bounded.** [`ReadLimits`] are checked on the header, before anything of the picture's size is allocated.
//!
//! `tiff` is called directly too, because `image` refuses grey TIFF files with real or signed samples.
//!
//! DICOM files have a module of their own ([`crate::dicom`]). Of several frames the first is read.
//!
//! Transparent pixels are laid over black: an opaque picture is then unchanged to the last bit, and black is the
//! background of radiographs, CT and MR slices, so that a cut-out picture looks as if it had been acquired so.

mod bmp;
mod error;
mod jpeg;
mod pixels;
mod png;
mod tiff;

use std::{
    fs::File,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use image::ImageFormat;
use semio_image::Image;

use crate::dicom::{DicomFile, is_marked, looks_like_dicom};

pub use error::{DecodeError, ReadError};
use error::{Format, not_a_picture};

/// What a file may ask for before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The longest side in pixels. The default, 32,768, is above every radiograph and below whole-slide scans, which
    /// no network reads whole.
    pub max_side: u32,
    /// The most pixels. The default, 100 million, is three times the largest mammograms (about 30 million); decoded,
    /// such a picture takes up to 600 MB in 16-bit colour.
    pub max_pixels: u64,
    /// The most bytes that are read of one file. The default, 512 MiB, holds the default of pixels in 8-bit colour
    /// without compression.
    pub max_file_bytes: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { max_side: 32_768, max_pixels: 100_000_000, max_file_bytes: 512 << 20 }
    }
}

impl ReadLimits {
    fn check(&self, format: Format, width: u64, height: u64) -> Result<(), DecodeError> {
        let side = u64::from(self.max_side);
        if width > side || height > side || width.saturating_mul(height) > self.max_pixels {
            let (max_side, max_pixels) = (self.max_side, self.max_pixels);
            return Err(DecodeError::TooManyPixels { format, width, height, max_side, max_pixels });
        }
        if width == 0 || height == 0 {
            return Err(DecodeError::Broken { format, reason: format!("its header says {width} × {height} pixels") });
        }
        Ok(())
    }
}

/// Reads one picture file.
///
/// # Errors
/// [`ReadError`] names the file and says what is wrong with it: it cannot be opened, is no picture, is cut short or
/// broken, is of a kind that is not supported, or is beyond `limits`.
pub fn read_image(path: &Path, limits: &ReadLimits) -> Result<Image, ReadError> {
    read_image_reduced(path, limits, None)
}

/// Reads one picture file for a pipeline: where it says how much is enough
/// ([`Pipeline::enough`](semio_image::Pipeline::enough)), a JPEG 2000 picture comes at its lowest resolution that has at
/// least that many columns and rows. All other files come whole.
///
/// # Errors
/// Those of [`read_image`].
pub fn read_image_reduced(
    path: &Path,
    limits: &ReadLimits,
    enough: Option<(usize, usize)>,
) -> Result<Image, ReadError> {
    read_bytes(path, limits)
        .and_then(|bytes| decode_image_reduced(&bytes, limits, enough))
        .map_err(|reason| ReadError::new(path, reason))
}

/// Decodes the content of one picture file.
///
/// # Errors
/// [`DecodeError`] says what is wrong with the content. A decoder's panic is caught and reported as an error too.
pub fn decode_image(bytes: &[u8], limits: &ReadLimits) -> Result<Image, DecodeError> {
    decode_image_reduced(bytes, limits, None)
}

/// Decodes the content of one picture file for a pipeline, as [`read_image_reduced`] does.
///
/// # Errors
/// Those of [`decode_image`].
pub fn decode_image_reduced(
    bytes: &[u8],
    limits: &ReadLimits,
    enough: Option<(usize, usize)>,
) -> Result<Image, DecodeError> {
    let dicom = || Ok(DicomFile::parse(bytes, limits)?.image_reduced(0, enough)?);
    let format = match image::guess_format(bytes) {
        // The preamble of a DICOM file may begin like a TIFF file, so that programs for either read it.
        _ if is_marked(bytes) => return dicom(),
        Ok(ImageFormat::Png) => Format::Png,
        Ok(ImageFormat::Jpeg) => Format::Jpeg,
        Ok(ImageFormat::Bmp) => Format::Bmp,
        Ok(ImageFormat::Tiff) => Format::Tiff,
        // BigTIFF has a magic number of its own that `image` does not know.
        _ if bytes.starts_with(b"II\x2b\0") || bytes.starts_with(b"MM\0\x2b") => Format::Tiff,
        // Without a mark it is a guess, and comes last.
        _ if looks_like_dicom(bytes) => return dicom(),
        other => return Err(not_a_picture(bytes, other.ok())),
    };
    let decode = || match format {
        Format::Png => png::decode(bytes, limits),
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Bmp => bmp::decode(bytes, limits),
        Format::Tiff => tiff::decode(bytes, limits),
    };
    // The decoders are written not to panic, and one file out of 100,000 that finds a way must not end the run.
    let decoded = catch_unwind(AssertUnwindSafe(decode)).map_err(|_| DecodeError::Panicked { format })??;
    decoded.into_image().map_err(|error| DecodeError::Broken { format, reason: error.to_string() })
}

/// Whether a file's content begins like one of the picture formats that [`read_image`] reads.
pub fn begins_like_a_picture(path: &Path) -> bool {
    let mut start = [0; 132];
    let Ok(read) = File::open(path).and_then(|mut file| file.read(&mut start)) else { return false };
    let format = image::guess_format(&start[..read]);
    looks_like_dicom(&start[..read])
        || matches!(format, Ok(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Bmp | ImageFormat::Tiff))
}

pub(crate) fn read_bytes(path: &Path, limits: &ReadLimits) -> Result<Vec<u8>, DecodeError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(DecodeError::NotAFile);
    }
    let (length, max) = (metadata.len(), limits.max_file_bytes);
    if length > max {
        return Err(DecodeError::TooManyBytes { max });
    }
    // One byte more than the file holds, so that its end is found without growing the buffer.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(DecodeError::TooManyBytes { max });
    }
    Ok(bytes)
}
