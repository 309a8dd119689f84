//! JPEG (ITU-T T.81): 8 bits by `zune-jpeg`; 12 bits, lossless, and what it refuses, here.

mod huffman;
mod lossless;
mod sequential;
mod transform;
mod upsample;

use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

use self::huffman::Table;
use super::{Decoded, Fault, Pixels, Size, narrow};
use crate::dicom::{Layout, Photometric, color::full_to_rgb};

/// Decodes a frame, as its own header says.
pub(in crate::dicom) fn decode(stream: &[u8], layout: &Layout) -> Result<Decoded, Fault> {
    let mut picture = Picture::read(stream)?;
    let frame = &picture.frame;
    let components = frame.components.len() as u16;
    Size { width: frame.width.into(), height: frame.height.into(), components, bits: frame.bits }.check(layout)?;
    let bits = frame.bits;
    let (mut pixels, mut rgb) = match (frame.kind, bits) {
        // Differences of one in luma and colour add up to three in red, green and blue: as libjpeg has them, then.
        (0xc0 | 0xc1, 8) if layout.samples == 3 => match sequential::decode(&mut picture) {
            Ok(samples) => (narrow(samples, bits), false),
            Err(fault) => baseline(stream, layout).map_err(|_| fault)?,
        },
        (0xc0 | 0xc1, 8) => match baseline(stream, layout) {
            // It knows fewer ways of naming colours than there are; a picture that is broken, is so for both.
            Err(_) => (narrow(sequential::decode(&mut picture)?, bits), false),
            decoded => decoded?,
        },
        (0xc2, 8) => baseline(stream, layout)?,
        (0xc0 | 0xc1, 12) => (Pixels::U16(sequential::decode(&mut picture)?), false),
        (0xc3, 2..=16) => (narrow(lossless::decode(&mut picture)?, bits), false),
        (kind, bits) => return Err(Fault::unsupported(format!("JPEG of the kind SOF{} with {bits} bits", kind & 15))),
    };
    // The picture's own word before the file's: a transcoder may have changed one and not the other.
    let stated = layout.photometric == Photometric::Rgb;
    let names: Vec<u8> = picture.frame.components.iter().map(|c| c.id).collect();
    rgb |= match picture.adobe_transform {
        Some(transform) => transform == 0,
        None => stated || names == *b"RGB",
    };
    if layout.samples == 3 && !rgb {
        match &mut pixels {
            Pixels::U8(v) => full_to_rgb(v),
            Pixels::U16(_) => return Err(Fault::unsupported("JPEG in colour differences of more than 8 bits")),
            Pixels::U32(_) => {}
        }
    }
    Ok(Decoded { pixels, bits, rgb: true })
}

/// Decodes components as they are stored, and tells whether they are red, green and blue for sure.
fn baseline(stream: &[u8], layout: &Layout) -> Result<(Pixels, bool), Fault> {
    let (width, height) = (layout.columns as usize, layout.rows as usize);
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(width).set_max_height(height);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stream), options);
    decoder.decode_headers().map_err(problem)?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::Luma);
    decoder.set_options(options.jpeg_set_out_colorspace(stored));
    let samples = decoder.decode().map_err(problem)?;
    Ok((Pixels::U8(samples), stored == ColorSpace::RGB))
}

fn problem(error: DecodeErrors) -> Fault {
    match error {
        DecodeErrors::Unsupported(scheme) => Fault::unsupported(format!("{scheme:?}")),
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => Fault::broken("it ends early"),
        // Its words may quote what it read; its kind is enough.
        other => Fault::broken(format!("{other:?}").chars().take(120).collect::<String>()),
    }
}

/// A component of a frame (T.81, B.2.2).
#[derive(Clone, Debug)]
struct Component {
    id: u8,
    horizontal: usize,
    vertical: usize,
    quantization: usize,
}

/// A frame's header.
#[derive(Clone, Debug)]
struct Frame {
    /// The marker: `c0` baseline, `c1` extended, `c2` progressive, `c3` lossless.
    kind: u8,
    bits: u8,
    width: u16,
    height: u16,
    components: Vec<Component>,
}

/// A scan's header (T.81, B.2.3): components by their place in the frame with their tables.
struct ScanHeader {
    components: Vec<(usize, u8)>,
    /// Ss, or the predictor of a lossless picture.
    start: u8,
    /// Al, the point transform.
    low: u8,
    /// Where the coded bits begin.
    at: usize,
}

/// A stream with what its headers say.
struct Picture<'a> {
    stream: &'a [u8],
    at: usize,
    frame: Frame,
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    restart: usize,
    adobe_transform: Option<u8>,
}

impl<'a> Picture<'a> {
    /// Reads the headers before the first scan.
    fn read(stream: &'a [u8]) -> Result<Self, Fault> {
        if !stream.starts_with(b"\xff\xd8") {
            return Err(Fault::broken("no JPEG picture begins here"));
        }
        let frame = Frame { kind: 0, bits: 0, width: 0, height: 0, components: vec![] };
        let none = || [const { None }; 4];
        let mut picture = Self {
            stream,
            at: 2,
            frame,
            quantization: [None; 4],
            dc: none(),
            ac: none(),
            restart: 0,
            adobe_transform: None,
        };
        loop {
            let start = picture.at;
            match picture.segment()? {
                0xda => {
                    picture.at = start;
                    break;
                }
                0xd9 => return Err(Fault::broken("it ends before its pixels")),
                _ => {}
            }
        }
        if picture.frame.components.is_empty() {
            return Err(Fault::broken("a scan comes before the frame's header"));
        }
        Ok(picture)
    }

    /// The next scan's header, with the tables before it.
    fn scan(&mut self) -> Result<ScanHeader, Fault> {
        loop {
            let start = self.at;
            match self.segment()? {
                0xda => {
                    let content = self.content(start)?;
                    let at = self.at;
                    let early = || Fault::broken("a scan's header ends early");
                    let (&count, rest) = content.split_first().ok_or_else(early)?;
                    let (names, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(early)?;
                    let &[start, _, approximation, ..] = rest else { return Err(early()) };
                    let place = |id: u8| self.frame.components.iter().position(|c| c.id == id);
                    let components = names.as_chunks::<2>().0.iter().map(|&[id, tables]| Some((place(id)?, tables)));
                    let components = components.collect::<Option<Vec<_>>>();
                    let components = components.filter(|c| !c.is_empty());
                    let components = components.ok_or_else(|| Fault::broken("a scan names unknown components"))?;
                    return Ok(ScanHeader { components, start, low: approximation & 15, at });
                }
                0xd9 => return Err(Fault::broken("it ends before its pixels")),
                _ => {}
            }
        }
    }

    fn content(&self, at: usize) -> Result<&'a [u8], Fault> {
        let early = || Fault::broken("it ends early");
        // Bytes of ones may come before a marker.
        let at = at + self.stream[at..].windows(2).position(|w| w[0] == 0xff && w[1] != 0xff).ok_or_else(early)?;
        let length = self.stream.get(at + 2..at + 4).ok_or_else(early)?;
        self.stream.get(at + 4..at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]))).ok_or_else(early)
    }

    /// Reads one marker with its content, and gives the marker.
    fn segment(&mut self) -> Result<u8, Fault> {
        let early = || Fault::broken("it ends early");
        let marker = loop {
            match self.stream.get(self.at..self.at + 2).ok_or_else(early)? {
                [0xff, marker] if !matches!(marker, 0 | 0xff) => break *marker,
                _ => self.at += 1,
            }
        };
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            self.at += 2;
            return Ok(marker);
        }
        let content = self.content(self.at)?;
        self.at += 4 + content.len();
        match marker {
            0xc4 => self.huffman(content)?,
            0xc0..=0xcf if marker != 0xc8 && marker != 0xcc => self.frame_header(marker, content)?,
            0xdb => self.quantization(content)?,
            0xdd => {
                let interval = content.first_chunk().ok_or_else(early)?;
                self.restart = u16::from_be_bytes(*interval).into();
            }
            0xee if content.starts_with(b"Adobe") => self.adobe_transform = content.get(11).copied(),
            _ => {}
        }
        Ok(marker)
    }

    fn frame_header(&mut self, kind: u8, content: &[u8]) -> Result<(), Fault> {
        let &[bits, h0, h1, w0, w1, count, ref rest @ ..] = content else {
            return Err(Fault::broken("the frame's header ends early"));
        };
        let components =
            rest.as_chunks::<3>().0.iter().take(count.into()).map(|&[id, factors, quantization]| Component {
                id,
                horizontal: usize::from(factors >> 4),
                vertical: usize::from(factors & 15),
                quantization: usize::from(quantization & 3),
            });
        let components: Vec<_> = components.collect();
        let possible = |c: &Component| (1..=4).contains(&c.horizontal) && (1..=4).contains(&c.vertical);
        if !self.frame.components.is_empty()
            || components.len() != usize::from(count)
            || !components.iter().all(possible)
        {
            return Err(Fault::broken("the frame's header makes no sense"));
        }
        let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
        self.frame = Frame { kind, bits, width, height, components };
        Ok(())
    }

    fn huffman(&mut self, mut content: &[u8]) -> Result<(), Fault> {
        while let Some((&place, rest)) = content.split_first() {
            let fault = || Fault::broken("a Huffman table makes no sense");
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(fault)?;
            let length = counts.iter().map(|&c| usize::from(c)).sum();
            let (values, rest) = rest.split_at_checked(length).ok_or_else(fault)?;
            let tables = if place >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            tables[usize::from(place & 3)] = Some(Table::new(counts, values).ok_or_else(fault)?);
            content = rest;
        }
        Ok(())
    }

    fn quantization(&mut self, mut content: &[u8]) -> Result<(), Fault> {
        while let Some((&place, rest)) = content.split_first() {
            let wide = place >> 4 != 0;
            let length = if wide { 128 } else { 64 };
            let fault = || Fault::broken("a quantization table ends early");
            let (values, rest) = rest.split_at_checked(length).ok_or_else(fault)?;
            let value =
                |i: usize| if wide { u16::from_be_bytes([values[2 * i], values[2 * i + 1]]) } else { values[i].into() };
            self.quantization[usize::from(place & 3)] = Some(std::array::from_fn(value));
            content = rest;
        }
        Ok(())
    }
}
