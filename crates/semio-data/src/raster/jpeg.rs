use image::metadata::Orientation;
use semio_image::Samples;
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

use super::{
    ReadLimits,
    error::{DecodeError, Format},
    pixels::{Alpha, Decoded},
};

const FORMAT: Format = Format::Jpeg;

pub(super) fn decode(bytes: &[u8], limits: &ReadLimits) -> Result<Decoded, DecodeError> {
    let side = limits.max_side as usize;
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(problem)?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    limits.check(FORMAT, width as u64, height as u64)?;
    if !has_end_mark(bytes) {
        return Err(DecodeError::CutShort { format: FORMAT });
    }

    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let target = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(target).set_max_width(side).set_max_height(side));
    let orientation = decoder.exif().and_then(|e| Orientation::from_exif_chunk(e)).unwrap_or(Orientation::NoTransforms);
    let samples = decoder.decode().map_err(problem)?;
    Ok(Decoded {
        width: width as u32,
        height: height as u32,
        channels: target.num_components(),
        alpha: Alpha::None,
        all_grey: false,
        orientation,
        samples: Samples::U8(samples),
    })
}

/// Whether the end-of-image mark follows the pixels.
///
/// The decoder needs no end mark and does not miss the last rows of a file that was cut there. Coded pixels never
/// hold FF D9, so any that comes after the first start of scan ends the picture (ITU-T T.81, B.1.1.5).
fn has_end_mark(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker]) = bytes.get(at..at + 2) {
        let length = match marker {
            0xff => {
                at += 1;
                continue;
            }
            0xda => break,
            0x01 | 0xd0..=0xd8 => 0,
            _ => bytes.get(at + 2..at + 4).map_or(0, |l| usize::from(u16::from_be_bytes([l[0], l[1]]))),
        };
        at += 2 + length;
    }
    // From the end, where it should be.
    bytes.get(at..).is_some_and(|rest| rest.windows(2).rev().any(|pair| pair == [0xff, 0xd9]))
}

fn problem(error: DecodeErrors) -> DecodeError {
    match error {
        DecodeErrors::Unsupported(scheme) => DecodeError::Unsupported { format: FORMAT, reason: format!("{scheme:?}") },
        // Reading from memory fails only at the end.
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => DecodeError::CutShort { format: FORMAT },
        other => DecodeError::Broken { format: FORMAT, reason: format!("{other:?}") },
    }
}
