use std::io::{Cursor, ErrorKind};

use image::{ColorType, ImageDecoder, ImageError, codecs::bmp::BmpDecoder, metadata::Orientation};
use semio_image::Samples;

use super::{
    ReadLimits,
    error::{DecodeError, Format},
    pixels::{Alpha, Decoded},
};

const FORMAT: Format = Format::Bmp;

pub(super) fn decode(bytes: &[u8], limits: &ReadLimits) -> Result<Decoded, DecodeError> {
    if let Some((width, height)) = announced_size(bytes) {
        limits.check(FORMAT, width, height)?;
    }
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(problem)?;
    let (width, height) = decoder.dimensions();
    limits.check(FORMAT, width.into(), height.into())?;
    let all_grey = decoder.get_palette().is_some_and(|p| p.iter().all(|c| c[0] == c[1] && c[1] == c[2]));
    let (channels, alpha) = match decoder.color_type() {
        ColorType::Rgba8 => (4, Alpha::Straight),
        _ => (3, Alpha::None),
    };
    let mut samples = vec![0; width as usize * height as usize * channels];
    decoder.read_image(&mut samples).map_err(problem)?;
    let (orientation, samples) = (Orientation::NoTransforms, Samples::U8(samples));
    Ok(Decoded { width, height, channels, alpha, all_grey, orientation, samples })
}

/// The sides in the header (BITMAPINFOHEADER and later), which the decoder refuses above 65,535 without naming them.
fn announced_size(bytes: &[u8]) -> Option<(u64, u64)> {
    let number = |at: usize| Some(i32::from_le_bytes(*bytes.get(at..at + 4)?.first_chunk()?));
    (number(14)? >= 40).then_some(())?;
    Some((number(18)?.unsigned_abs().into(), number(22)?.unsigned_abs().into()))
}

fn problem(error: ImageError) -> DecodeError {
    match error {
        ImageError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => DecodeError::CutShort { format: FORMAT },
        ImageError::Unsupported(e) => DecodeError::Unsupported { format: FORMAT, reason: e.to_string() },
        other => DecodeError::Broken { format: FORMAT, reason: other.to_string() },
    }
}
