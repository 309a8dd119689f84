use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use png::{BitDepth, Decoder, DecodingError, Limits, Reader, Transformations};
use semio_image::Samples;

use super::{
    ReadLimits,
    error::{DecodeError, Format},
    pixels::{Alpha, Decoded, too_large},
};

const FORMAT: Format = Format::Png;

/// Memory for what is not the picture: compressed chunks and rows.
const WORKING_BYTES: usize = 64 << 20;

pub(super) fn decode(bytes: &[u8], limits: &ReadLimits) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: WORKING_BYTES });
    let header = decoder.read_header_info().map_err(problem)?;
    let (width, height) = header.size();
    limits.check(FORMAT, width.into(), height.into())?;
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);

    let mut reader = decoder.read_info().map_err(problem)?;
    let (color, depth) = reader.output_color_type();
    let size = reader.output_buffer_size().ok_or_else(|| broken("its rows are too long".into()))?;
    if let Some(reason) = too_large(size, bytes.len()) {
        return Err(broken(reason));
    }
    let samples = if depth == BitDepth::Sixteen {
        Samples::U16(words(&mut reader, size)?)
    } else {
        let mut raw = vec![0; size];
        reader.next_frame(&mut raw).map_err(problem)?;
        Samples::U8(raw)
    };
    // The rest holds the check sum of the pixels, perhaps the orientation, and the end mark.
    reader.finish().map_err(problem)?;

    let info = reader.info();
    let all_grey = info.palette.as_ref().is_some_and(|p| p.chunks_exact(3).all(|c| c[0] == c[1] && c[1] == c[2]));
    let indexed = info.color_type == png::ColorType::Indexed;
    let exif = info.exif_metadata.as_ref();
    let orientation = exif.and_then(|e| Orientation::from_exif_chunk(e)).unwrap_or(Orientation::NoTransforms);
    let (channels, alpha) = match color {
        png::ColorType::Grayscale => (1, Alpha::None),
        png::ColorType::GrayscaleAlpha => (2, Alpha::Straight),
        png::ColorType::Rgb => (3, Alpha::None),
        png::ColorType::Rgba => (4, Alpha::Straight),
        png::ColorType::Indexed => return Err(broken("its palette could not be applied".into())),
    };
    Ok(Decoded { width, height, channels, alpha, all_grey: indexed && all_grey, orientation, samples })
}

/// 16-bit samples, row by row, so that they lie in memory once. Rows of an interlaced picture come in no order, and are
/// read as a whole.
fn words(reader: &mut Reader<Cursor<&[u8]>>, size: usize) -> Result<Vec<u16>, DecodeError> {
    if reader.info().interlaced {
        let mut raw = vec![0; size];
        reader.next_frame(&mut raw).map_err(problem)?;
        return Ok(raw.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect());
    }
    let mut samples = Vec::with_capacity(size / 2);
    while let Some(row) = reader.next_row().map_err(problem)? {
        samples.extend(row.data().as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair)));
    }
    if samples.len() == size / 2 { Ok(samples) } else { Err(DecodeError::CutShort { format: FORMAT }) }
}

fn problem(error: DecodingError) -> DecodeError {
    match error {
        DecodingError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => DecodeError::CutShort { format: FORMAT },
        DecodingError::LimitsExceeded => {
            broken(format!("it asks for more than {WORKING_BYTES} bytes beside its pixels"))
        }
        other => broken(other.to_string()),
    }
}

fn broken(reason: String) -> DecodeError {
    DecodeError::Broken { format: FORMAT, reason }
}
