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
//! DICOM files have a module of their own ([`crate::dicom`]). Of several frames one is read, by [`ReadOptions`]: the first
//! where none is named. Of a TIFF file with several pages the first is read.
//!
//! Transparent pixels are laid over black: an opaque picture is then unchanged to the last bit, and black is the
//! background of radiographs, CT and MR slices, so that a cut-out picture looks as if it had been acquired so.

mod bmp;
mod error;
mod file;
mod frames;
mod jpeg;
mod pixels;
mod png;
mod tiff;

use std::{
    fs::File,
    io::Read,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use image::ImageFormat;
use semio_image::Image;

use crate::dicom::{DicomFile, is_marked, looks_like_dicom};

pub use error::{DecodeError, ReadError};
use error::{Format, not_a_picture};
pub use file::PictureFile;
pub use frames::{Frames, frame_count, frame_name};

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

/// Which picture of a file is read, and how much of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The frame of a DICOM file, counted from 1 as DICOM does (PS3.3, C.7.6.6); the first where none is named. A file of
    /// another format is frame 1.
    pub frame: Option<NonZeroU32>,
    /// The columns and rows that are enough for a pipeline ([`Pipeline::enough`](semio_image::Pipeline::enough)): a JPEG
    /// 2000 picture comes at its lowest resolution that has at least as many. All other pictures come whole.
    pub enough: Option<(usize, usize)>,
}

impl ReadOptions {
    /// The frame as [`DicomFile`] counts, from 0.
    fn index(&self) -> u32 {
        self.frame.map_or(0, |frame| frame.get() - 1)
    }
}

/// Reads one picture file, of several frames the first.
///
/// # Errors
/// [`ReadError`] names the file and says what is wrong with it: it cannot be opened, is no picture, is cut short or
/// broken, is of a kind that is not supported, or is beyond `limits`.
pub fn read_image(path: &Path, limits: &ReadLimits) -> Result<Image, ReadError> {
    read_image_with(path, limits, &ReadOptions::default())
}

/// Reads one picture of a file, as the options say.
///
/// # Errors
/// Those of [`read_image`], and where the file has no such frame.
pub fn read_image_with(path: &Path, limits: &ReadLimits, options: &ReadOptions) -> Result<Image, ReadError> {
    PictureFile::open(path, limits)?.image(options)
}

/// Decodes the content of one picture file, of several frames the first.
///
/// # Errors
/// [`DecodeError`] says what is wrong with the content. A decoder's panic is caught and reported as an error too.
pub fn decode_image(bytes: &[u8], limits: &ReadLimits) -> Result<Image, DecodeError> {
    decode_image_with(bytes, limits, &ReadOptions::default())
}

/// Decodes one picture of a file's content, as the options say.
///
/// # Errors
/// Those of [`decode_image`], and where there is no such frame.
pub fn decode_image_with(bytes: &[u8], limits: &ReadLimits, options: &ReadOptions) -> Result<Image, DecodeError> {
    match Kind::of(bytes)? {
        Kind::Dicom => dicom_image(&DicomFile::parse(bytes, limits)?, options),
        Kind::Raster(format) => raster_image(bytes, format, limits, options),
    }
}

/// What a content is, by how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dicom,
    Raster(Format),
}

impl Kind {
    fn of(bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(match image::guess_format(bytes) {
            // The preamble of a DICOM file may begin like a TIFF file, so that programs for either read it.
            _ if is_marked(bytes) => Self::Dicom,
            Ok(ImageFormat::Png) => Self::Raster(Format::Png),
            Ok(ImageFormat::Jpeg) => Self::Raster(Format::Jpeg),
            Ok(ImageFormat::Bmp) => Self::Raster(Format::Bmp),
            Ok(ImageFormat::Tiff) => Self::Raster(Format::Tiff),
            // BigTIFF has a magic number of its own that `image` does not know.
            _ if bytes.starts_with(b"II\x2b\0") || bytes.starts_with(b"MM\0\x2b") => Self::Raster(Format::Tiff),
            // Without a mark it is a guess, and comes last.
            _ if looks_like_dicom(bytes) => Self::Dicom,
            other => return Err(not_a_picture(bytes, other.ok())),
        })
    }
}

fn dicom_image(file: &DicomFile, options: &ReadOptions) -> Result<Image, DecodeError> {
    if options.frame.is_some() {
        file.check_frames()?;
    }
    Ok(file.image_reduced(options.index(), options.enough)?)
}

fn raster_image(
    bytes: &[u8],
    format: Format,
    limits: &ReadLimits,
    options: &ReadOptions,
) -> Result<Image, DecodeError> {
    if let Some(frame) = options.frame.filter(|frame| frame.get() > 1) {
        return Err(DecodeError::OneFrame { format, frame });
    }
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
