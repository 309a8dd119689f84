//! JPEG 2000 (ITU-T T.800) and its high-throughput form (ITU-T T.814).
//!
//! The decoders are `hayro-jpeg2000` and, for the high-throughput form, `dicom-toolkit-jpeg2000`; both are without
//! `unsafe`. What a stream asks of them is checked here before they see it.

use std::{borrow::Cow, ops::Range};

use super::{Decoded, Fault, Pixels, Size};
use crate::dicom::Layout;

/// How many packets, and how many code blocks' groups (precincts), a picture may have. 4,096² pixels in precincts of
/// 128² with 12 layers stay below a tenth of it.
const MAX_PACKETS: u64 = 1 << 20;

/// Decodes a frame of 1 to 24 bits, at the lowest resolution that has at least `enough` columns and rows; where that is not
/// the whole one, the layout takes its size.
pub(in crate::dicom) fn decode(
    stream: &[u8],
    layout: &mut Layout,
    enough: Option<(usize, usize)>,
) -> Result<Decoded, Fault> {
    let stream = codestream(stream).ok_or_else(|| Fault::broken("no JPEG 2000 picture begins here"))?;
    let header = Header::read(stream)?;
    let size = Size { width: header.width, height: header.height, components: header.components, bits: header.bits };
    size.check(layout)?;
    header.check_packets()?;
    let enough = enough.map(|(columns, rows)| (columns.max(1) as u32, rows.max(1) as u32));
    let pixels = if header.high_throughput {
        high_throughput(stream, layout, &header, enough)?
    } else {
        classic(stream, layout, &header, enough)?
    };
    // Signed samples keep the lowest bits of their two's complement here, in a type that may be narrower than that of
    // the stored values: the sign is carried on from there.
    Ok(Decoded { pixels, bits: header.bits, rgb: header.transformed || layout.samples == 1 })
}

/// Real samples of each component → whole ones, those of a pixel side by side.
fn weave(planes: &[&[f32]], layout: &Layout, header: &Header) -> Result<Pixels, Fault> {
    let pixels = layout.rows as usize * layout.columns as usize;
    if planes.len() != usize::from(layout.samples) || planes.iter().any(|p| p.len() != pixels) {
        return Err(Fault::broken("its components have sizes of their own"));
    }
    let half = header.half();
    let top = ((1u32 << header.bits) - 1) as f32;
    let value = |sample: f32| (sample + 0.5).clamp(0.0, top) as i32 - half;
    macro_rules! weave {
        ($type:ty) => {
            match planes {
                [grey] => grey.iter().map(|&v| value(v) as $type).collect::<Vec<$type>>(),
                [red, green, blue] => {
                    let mut samples = vec![0 as $type; 3 * pixels];
                    let planes = red.iter().zip(*green).zip(*blue);
                    for (to, ((&r, &g), &b)) in samples.as_chunks_mut::<3>().0.iter_mut().zip(planes) {
                        *to = [r, g, b].map(|v| value(v) as $type);
                    }
                    samples
                }
                planes => (0..pixels).flat_map(|i| planes.iter().map(move |p| value(p[i]) as $type)).collect(),
            }
        };
    }
    Ok(match header.bits {
        ..=8 => Pixels::U8(weave!(u8)),
        9..=16 => Pixels::U16(weave!(u16)),
        _ => Pixels::U32(weave!(u32)),
    })
}

/// The codestream, also out of a JP2 file around it.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    const BEGIN: &[u8] = b"\xff\x4f\xff\x51";
    if bytes.starts_with(BEGIN) {
        return Some(bytes);
    }
    bytes.starts_with(b"\0\0\0\x0cjP  ").then_some(())?;
    let mut at = 0;
    while let Some(&[l0, l1, l2, l3, ref kind @ ..]) = bytes.get(at..at + 8) {
        let length = match u32::from_be_bytes([l0, l1, l2, l3]) as usize {
            0 => bytes.len() - at,
            length => length,
        };
        if kind == b"jp2c" {
            let stream = bytes.get(at + 8..at.saturating_add(length).min(bytes.len()))?;
            return stream.starts_with(BEGIN).then_some(stream);
        }
        at = at.checked_add(length.max(8))?;
    }
    None
}

fn classic(stream: &[u8], layout: &mut Layout, header: &Header, enough: Option<(u32, u32)>) -> Result<Pixels, Fault> {
    use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
    let problem = |error: hayro_jpeg2000::DecodeError| Fault::broken(error.to_string());
    let settings = DecodeSettings { strict: false, target_resolution: enough, ..DecodeSettings::default() };
    let image = Image::new(stream, &settings).map_err(problem)?;
    (layout.columns, layout.rows) = reduced(layout, enough, (image.width(), image.height()))?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(problem)?;
    let planes: Vec<&[f32]> = decoded.components().iter().map(hayro_jpeg2000::ComponentData::samples).collect();
    weave(&planes, layout, header)
}

/// The size in which a decoder hands out a picture of which some resolution is enough.
fn reduced(layout: &Layout, enough: Option<(u32, u32)>, got: (u32, u32)) -> Result<(u32, u32), Fault> {
    let whole = (layout.columns, layout.rows);
    let enough = enough.map_or(whole, |enough| (enough.0.min(whole.0), enough.1.min(whole.1)));
    let fits = |got: u32, enough: u32, whole: u32| (enough..=whole).contains(&got);
    if fits(got.0, enough.0, whole.0) && fits(got.1, enough.1, whole.1) {
        return Ok(got);
    }
    Err(Fault::broken(format!("it comes as {} × {} pixels", got.0, got.1)))
}

fn high_throughput(
    stream: &[u8],
    layout: &mut Layout,
    header: &Header,
    enough: Option<(u32, u32)>,
) -> Result<Pixels, Fault> {
    use dicom_toolkit_jpeg2000::{DecodeSettings, Image};
    if header.bits > 16 {
        return Err(Fault::unsupported("high-throughput JPEG 2000 with more than 16 bits"));
    }
    let problem = |error: dicom_toolkit_jpeg2000::DecodeError| Fault::broken(error.to_string());
    let stream = &header.with_half_steps(stream);
    let settings = DecodeSettings { target_resolution: enough, ..DecodeSettings::default() };
    let image = Image::new(stream, &settings).map_err(problem)?;
    (layout.columns, layout.rows) = reduced(layout, enough, (image.width(), image.height()))?;
    let raw = image.decode_native().map_err(problem)?;
    let half = header.half();
    let pixels = match raw.bytes_per_sample {
        1 if half == 0 => Pixels::U8(raw.data),
        1 => Pixels::U8(raw.data.into_iter().map(|v| (i32::from(v) - half) as u8).collect()),
        _ => {
            let words = raw.data.as_chunks().0.iter().map(|&v| i32::from(u16::from_le_bytes(v)));
            Pixels::U16(words.map(|v| (v - half) as u16).collect())
        }
    };
    let length = match &pixels {
        Pixels::U8(v) => v.len(),
        Pixels::U16(v) => v.len(),
        Pixels::U32(v) => v.len(),
    };
    if length != layout.frame_samples() {
        return Err(Fault::broken("its components have sizes of their own"));
    }
    Ok(pixels)
}

/// What the codestream's own headers say (T.800, annex A).
struct Header {
    width: u32,
    height: u32,
    components: u16,
    bits: u8,
    signed: bool,
    /// Whether colours went through a transform, which the decoder takes back.
    transformed: bool,
    high_throughput: bool,
    tiles: u64,
    /// The most packets that a header asks for.
    packets: u64,
    /// Where the stream says how large the steps of quantisation are.
    steps: Vec<Range<usize>>,
}

impl Header {
    fn read(stream: &[u8]) -> Result<Self, Fault> {
        let early = || Fault::broken("its header ends early");
        let u16 = |at: usize| Some(u16::from_be_bytes(*stream.get(at..)?.first_chunk()?));
        let u32 = |at: usize| Some(u32::from_be_bytes(*stream.get(at..)?.first_chunk()?));
        let size = || {
            let corner = |at| Some((u32(at)?, u32(at + 4)?));
            Some((corner(8)?, corner(16)?, corner(24)?, corner(32)?, u16(40)?))
        };
        let (end, offset, tile, tile_offset, components) = size().ok_or_else(early)?;
        let (Some(width), Some(height)) = (end.0.checked_sub(offset.0), end.1.checked_sub(offset.1)) else {
            return Err(Fault::broken("its corners make no sense"));
        };
        if tile.0 == 0 || tile.1 == 0 || tile_offset.0 > offset.0 || tile_offset.1 > offset.1 {
            return Err(Fault::broken("its tiles make no sense"));
        }
        let across = |end: u32, tile: u32, offset: u32| u64::from(end - offset).div_ceil(tile.into());
        let tiles = across(end.0, tile.0, tile_offset.0) * across(end.1, tile.1, tile_offset.1);
        let mut depths = vec![];
        for component in 0..usize::from(components.min(4)) {
            let parts = stream.get(42 + 3 * component..45 + 3 * component).ok_or_else(early)?;
            if parts[1..] != [1, 1] {
                return Err(Fault::unsupported("JPEG 2000 with reduced components"));
            }
            depths.push(parts[0]);
        }
        let Some(&depth) = depths.first().filter(|first| depths.iter().all(|d| d == *first)) else {
            return Err(Fault::unsupported("JPEG 2000 whose components differ in depth"));
        };
        let (bits, signed) = ((depth & 0x7f) + 1, depth & 0x80 != 0);
        if bits > 24 {
            return Err(Fault::unsupported(format!("JPEG 2000 with {bits} bits a sample")));
        }
        let mut header = Self {
            width,
            height,
            components,
            bits,
            signed,
            transformed: false,
            high_throughput: false,
            tiles,
            packets: 1,
            steps: vec![],
        };
        // Coding styles may come with the picture, a component, or a part of a tile.
        let mut at = 2;
        let mut tile_part = 0..0;
        while let (Some(marker), Some(length)) = (u16(at), u16(at + 2)) {
            let content = stream.get(at + 4..at + 2 + usize::from(length)).unwrap_or_default();
            match marker {
                0xff50 => header.high_throughput = true,
                0xff52 => {
                    header.transformed |= content.get(4) == Some(&1);
                    let layers = content.get(1..3).map_or(1, |l| u16::from_be_bytes([l[0], l[1]]));
                    header.count(content.first().is_some_and(|s| s & 1 == 1), layers, content.get(5..));
                }
                0xff53 => {
                    let skip = if components < 257 { 1 } else { 2 };
                    let has_precincts = content.get(skip).is_some_and(|s| s & 1 == 1);
                    header.count(has_precincts, 1, content.get(skip + 1..));
                }
                0xff5c | 0xff5d => {
                    let skip = match marker {
                        0xff5c => 0,
                        _ if components < 257 => 1,
                        _ => 2,
                    };
                    // Without quantisation there are no steps (style 0).
                    if content.get(skip).is_some_and(|style| style & 31 != 0) {
                        header.steps.push(at + 5 + skip..at + 4 + content.len());
                    }
                }
                0xff90 => {
                    let length = content.get(2..6).map_or(0, |l| u32::from_be_bytes([l[0], l[1], l[2], l[3]]) as usize);
                    tile_part = at..if length == 0 { stream.len() } else { at.saturating_add(length) };
                }
                0xff93 => {
                    at = tile_part.end.max(at + 2);
                    continue;
                }
                0xffd9 => break,
                _ => {}
            }
            at += 2 + usize::from(length).max(2);
        }
        Ok(header)
    }

    /// Counts the packets of one coding style: levels, block sizes, styles, and a size of precincts for each level.
    fn count(&mut self, has_precincts: bool, layers: u16, style: Option<&[u8]>) {
        let Some(&[levels, _, _, _, _, ref precincts @ ..]) = style else { return };
        let side = |side: u32, level: u32, exponent: u32| {
            let reduced = u64::from(side).div_ceil(1 << level.min(32));
            reduced.div_ceil(1 << exponent).max(1)
        };
        let levels = u32::from(levels.min(32));
        let mut packets = 0;
        for level in 0..=levels {
            let exponents = if has_precincts { precincts.get(level as usize).copied().unwrap_or(0xff) } else { 0xff };
            let (x, y) = (u32::from(exponents & 15), u32::from(exponents >> 4));
            // Tiles divide precincts further.
            let whole = side(self.width, levels - level, x) * side(self.height, levels - level, y);
            packets += whole + 2 * self.tiles;
        }
        let packets = packets * u64::from(layers.max(1)) * u64::from(self.components);
        self.packets = self.packets.max(packets);
    }

    /// The stream with steps of half the size and one bit more in each number, which means the same.
    ///
    /// Of a number that was quantised, the decoder knows half a step more than the stream holds (T.800, E.1.1.2:
    /// the middle of what was rounded away), but `dicom-toolkit-jpeg2000` 0.5 leaves out what is less than a step.
    fn with_half_steps<'s>(&self, stream: &'s [u8]) -> Cow<'s, [u8]> {
        let exponents = || self.steps.iter().flat_map(|range| range.clone().step_by(2));
        // Five bits each, and 31 bits at most together with guard bits.
        if exponents().any(|at| stream[at] >> 3 >= 24) {
            return Cow::Borrowed(stream);
        }
        let mut halved = Cow::Borrowed(stream);
        exponents().for_each(|at| halved.to_mut()[at] += 1 << 3);
        halved
    }

    /// What decoders raise signed samples by: half of the range, as the format says for unsigned ones.
    fn half(&self) -> i32 {
        if self.signed { 1 << (self.bits - 1) } else { 0 }
    }

    fn check_packets(&self) -> Result<(), Fault> {
        if self.tiles > 65_535 || self.packets > MAX_PACKETS {
            return Err(Fault::unsupported(format!("JPEG 2000 in {} tiles and {} packets", self.tiles, self.packets)));
        }
        Ok(())
    }
}
