use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use semio_image::Samples;
use tiff::{
    ColorType, TiffError,
    decoder::{ChunkType, Decoder, DecodingResult, Limits},
    tags::{CompressionMethod, Tag},
};

use super::{
    ReadLimits,
    error::{DecodeError, Format},
    pixels::{Alpha, Decoded, too_large},
};

const FORMAT: Format = Format::Tiff;

/// ExtraSamples = 1: the colours are multiplied by alpha already (TIFF 6.0, section 18).
const ASSOCIATED_ALPHA: u16 = 1;

/// Decodes the first page.
pub(super) fn decode(bytes: &[u8], limits: &ReadLimits) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(problem)?;
    let (width, height) = decoder.dimensions().map_err(problem)?;
    limits.check(FORMAT, width.into(), height.into())?;
    let layout = decoder.image_buffer_layout().map_err(problem)?;
    let color = decoder.colortype().map_err(problem)?;
    if layout.complete_len as u64 > limits.max_pixels.saturating_mul(4 * 4) {
        return Err(unsupported(format!("{color:?}")));
    }
    if let Some(reason) = too_large(layout.complete_len, bytes.len()) {
        return Err(DecodeError::Broken { format: FORMAT, reason });
    }
    if let ColorType::Palette(_) | ColorType::Lab(_) | ColorType::CMYKA(_) = color {
        return Err(unsupported(format!("{color:?}")));
    }
    refuse_pages_cut_short(&mut decoder, bytes.len())?;

    let tag = |decoder: &mut Decoder<_>, tag| decoder.find_tag_unsigned::<u16>(tag).map_err(problem);
    let orientation = tag(&mut decoder, Tag::Orientation)?.and_then(|o| Orientation::from_exif(u8::try_from(o).ok()?));
    let extra = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).map_err(problem)?.unwrap_or_default();

    let mut decoding = Limits::default();
    decoding.decoding_buffer_size = layout.complete_len;
    decoding.intermediate_buffer_size = layout.complete_len.max(bytes.len()).saturating_add(1 << 20);
    let mut decoder = decoder.with_limits(decoding);
    let mut result = DecodingResult::U8(Vec::new());
    decoder.read_image_to_buffer(&mut result).map_err(problem)?;

    let (stored_channels, depth) = (usize::from(color.num_samples()), color.bit_depth());
    let pixels = width as usize * height as usize;
    let samples = match result {
        DecodingResult::U8(v) if depth < 8 => Samples::U8(unpack(&v, width as usize * stored_channels, depth)),
        DecodingResult::U8(v) => Samples::U8(v),
        DecodingResult::U16(v) if depth == 16 => Samples::U16(v),
        DecodingResult::F32(v) => Samples::F32(v),
        DecodingResult::F16(v) => Samples::F32(v.into_iter().map(f32::from).collect()),
        // Every whole number of at most 16 bits is exact as f32.
        DecodingResult::I8(v) => Samples::F32(v.into_iter().map(f32::from).collect()),
        DecodingResult::I16(v) if depth == 16 => Samples::F32(v.into_iter().map(f32::from).collect()),
        _ => return Err(unsupported(format!("{color:?} with samples of {depth} bits"))),
    };
    let samples = if layout.planes > 1 { interleave(samples, stored_channels) } else { samples };
    if samples.len() != pixels * stored_channels {
        return Err(DecodeError::CutShort { format: FORMAT });
    }

    let alpha = if extra.first() == Some(&ASSOCIATED_ALPHA) { Alpha::Premultiplied } else { Alpha::Straight };
    let (channels, alpha, samples) = match color {
        ColorType::Gray(_) => (1, Alpha::None, samples),
        ColorType::GrayA(_) => (2, alpha, samples),
        // `tiff` calls grey with alpha so.
        ColorType::Multiband { num_samples: 2, .. } if matches!(extra.first(), Some(1 | 2)) => (2, alpha, samples),
        ColorType::RGB(_) => (3, Alpha::None, samples),
        ColorType::RGBA(_) => (4, alpha, samples),
        ColorType::YCbCr(8) => (3, Alpha::None, convert_8_bit(samples, 3, ycbcr_to_rgb)?),
        ColorType::CMYK(8) => (3, Alpha::None, convert_8_bit(samples, 4, cmyk_to_rgb)?),
        other => return Err(unsupported(format!("{other:?}"))),
    };
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Decoded { width, height, channels, alpha, all_grey: false, orientation, samples })
}

/// Refuses JPEG strips that reach beyond the end of the file: their decoder would fill what is missing with grey.
fn refuse_pages_cut_short(decoder: &mut Decoder<Cursor<&[u8]>>, length: usize) -> Result<(), DecodeError> {
    let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).map_err(problem)?;
    if compression != Some(CompressionMethod::ModernJPEG.to_u16()) {
        return Ok(());
    }
    let (offsets, counts) = match decoder.get_chunk_type() {
        ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
        ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
    };
    let offsets = decoder.get_tag_u64_vec(offsets).map_err(problem)?;
    let counts = decoder.get_tag_u64_vec(counts).map_err(problem)?;
    let ends_early = |(offset, count): (u64, u64)| offset.saturating_add(count) > length as u64;
    if offsets.into_iter().zip(counts).any(ends_early) {
        return Err(DecodeError::CutShort { format: FORMAT });
    }
    Ok(())
}

/// Spreads rows of 1, 2 or 4 bits a sample over the range of 8 bits.
fn unpack(rows: &[u8], row_samples: usize, depth: u8) -> Vec<u8> {
    let depth = usize::from(depth);
    let (top, row_bytes) = ((1_u16 << depth) - 1, (row_samples * depth).div_ceil(8));
    let level = |row: &[u8], i: usize| {
        let bit = i * depth;
        let value = (u16::from(row[bit / 8]) >> (8 - depth - bit % 8)) & top;
        (value * 255 / top) as u8
    };
    rows.chunks_exact(row_bytes.max(1)).flat_map(|row| (0..row_samples).map(move |i| level(row, i))).collect()
}

fn interleave(samples: Samples, channels: usize) -> Samples {
    fn weave<T: Copy>(planes: &[T], channels: usize) -> Vec<T> {
        let pixels = planes.len() / channels;
        (0..pixels).flat_map(|i| (0..channels).map(move |c| planes[c * pixels + i])).collect()
    }
    match samples {
        Samples::U8(v) => Samples::U8(weave(&v, channels)),
        Samples::U16(v) => Samples::U16(weave(&v, channels)),
        Samples::F32(v) => Samples::F32(weave(&v, channels)),
    }
}

fn convert_8_bit(
    samples: Samples,
    channels: usize,
    convert: impl Fn(&[u8]) -> [u8; 3],
) -> Result<Samples, DecodeError> {
    match samples {
        Samples::U8(v) => Ok(Samples::U8(v.chunks_exact(channels).flat_map(convert).collect())),
        _ => Err(unsupported("colours of this kind with more than 8 bits".into())),
    }
}

/// Full-range BT.601, as in JFIF.
fn ycbcr_to_rgb(pixel: &[u8]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(pixel[0]), f32::from(pixel[1]) - 128.0, f32::from(pixel[2]) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|v| v.round().clamp(0.0, 255.0) as u8)
}

fn cmyk_to_rgb(pixel: &[u8]) -> [u8; 3] {
    let light = |ink: u8| 255 - u32::from(ink);
    let black = light(pixel[3]);
    [0, 1, 2].map(|i| ((light(pixel[i]) * black + 127) / 255) as u8)
}

fn problem(error: TiffError) -> DecodeError {
    match error {
        TiffError::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => DecodeError::CutShort { format: FORMAT },
        TiffError::UnsupportedError(e) => unsupported(e.to_string()),
        other => DecodeError::Broken { format: FORMAT, reason: other.to_string() },
    }
}

fn unsupported(reason: String) -> DecodeError {
    DecodeError::Unsupported { format: FORMAT, reason }
}
