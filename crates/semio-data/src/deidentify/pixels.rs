//! Looks for text in all frames, and blacks it out; the pixels are then stored uncompressed.

use std::{borrow::Cow, collections::HashSet};

use super::{
    DeidentifyError, TextBox,
    text::{SMALLEST, find_text},
};
use crate::dicom::{
    DicomFile, Frame, Photometric, Tag, TransferSyntax, Values,
    dataset::{Encoding, Value},
    write::{Out, OutValue},
};

/// How many samples are looked through whatever the file's size, and how many more for each of its bytes: a file of one
/// megabyte must not keep a machine busy.
const SAMPLES: u64 = 16 << 20;
const SAMPLES_PER_BYTE: u64 = 32;
/// How many bytes uncompressed pixels may take whatever the file's size, and how many times its size beyond.
const PLAIN_BYTES: u64 = 128 << 20;
const PLAIN_TIMES: u64 = 64;

/// What was found in the pixels.
#[derive(Default)]
pub(super) struct Search {
    /// The lines of text of all frames.
    pub(super) boxes: Vec<TextBox>,
    /// Whether all frames were looked through; a file without pixels has none.
    pub(super) is_whole: bool,
}

impl Search {
    /// Looks through all frames, one after the other.
    pub(super) fn of(file: &DicomFile) -> Self {
        let layout = match file.layout() {
            Ok(Some(layout)) => layout,
            none => return Self { is_whole: none == Ok(None), ..Self::default() },
        };
        let (rows, columns) = (layout.rows as usize, layout.columns as usize);
        if rows < SMALLEST || columns < SMALLEST {
            return Self { is_whole: true, ..Self::default() };
        }
        let most = SAMPLES.max((file.bytes.len() as u64).saturating_mul(SAMPLES_PER_BYTE));
        // Tables are read again for each frame, and those of a palette can be long whatever takes them in the file.
        let tables = if layout.photometric == Photometric::Palette { 1 << 18 } else { 0 } + around(file);
        let frames = (most / (layout.frame_samples() + tables) as u64).max(1).min(layout.frames.into()) as u32;
        let mut search = Self { is_whole: frames == layout.frames, ..Self::default() };
        let mut seen = HashSet::new();
        for frame in 0..frames {
            match file.image(frame) {
                Ok(image) => search.boxes.extend(find_text(&image).into_iter().filter(|found| seen.insert(*found))),
                Err(_) => search.is_whole = false,
            }
        }
        search
    }
}

/// How the data are coded afterwards: as before, but for the pixels, which are plain.
pub(super) fn plain(encoding: Encoding) -> (Encoding, String) {
    let syntax = match (encoding.explicit, encoding.big_endian) {
        (_, true) => TransferSyntax::BIG_ENDIAN,
        (true, false) => TransferSyntax::EXPLICIT,
        (false, false) => TransferSyntax::IMPLICIT,
    };
    (encoding, syntax.to_owned())
}

/// How many bytes of the file are no pixels.
fn around(file: &DicomFile) -> usize {
    let pixels = match file.data.get(Tag::PIXELS).map(|e| &e.value) {
        Some(Value::Bytes(range)) => range.len(),
        Some(Value::Fragments(fragments)) => fragments.iter().map(ExactSizeIterator::len).sum(),
        _ => 0,
    };
    file.bytes.len().saturating_sub(pixels)
}

/// Replaces the pixels by ones that are black in the boxes.
pub(super) fn black_out(file: &DicomFile, boxes: &[TextBox], elements: &mut Vec<Out>) -> Result<(), DeidentifyError> {
    let fault = |reason: &str| DeidentifyError::Pixels { reason: reason.to_owned() };
    let layout = file.layout()?.ok_or_else(|| fault("there are none"))?;
    if layout.real {
        return Err(fault("they are real numbers"));
    }
    let size = usize::from(layout.bits_allocated.max(8)) / 8;
    let needed = (layout.frame_samples() as u64 * size as u64).saturating_mul(layout.frames.into());
    let most = PLAIN_BYTES.max((file.bytes.len() as u64).saturating_mul(PLAIN_TIMES)).min(u32::MAX.into());
    if needed > most {
        return Err(fault(&format!("uncompressed they would take {needed} bytes; the limit is {most}")));
    }
    let is_black = mask(boxes, layout.rows as usize, layout.columns as usize);
    let mut bytes = Vec::with_capacity(needed as usize);
    let mut bits = 8;
    for number in 0..layout.frames {
        let mut frame = file.frame_of(&layout, number)?;
        let channels = usize::from(frame.samples);
        let black = |low: f64, high: f64| if layout.photometric == Photometric::Monochrome1 { high } else { low };
        let (low, high) = frame.values.span().unwrap_or_default();
        // Colours are black at zero; greys at the frame's darkest, since zero may be a middle value of signed ones.
        let black = if channels == 3 { 0.0 } else { black(low, high) };
        blacken(&mut frame, &is_black, black);
        let little = frame.values.to_le_bytes();
        let size = little.len() / frame.values.len().max(1);
        bits = size * 8;
        if file.encoding.big_endian {
            bytes.extend(little.chunks(size).flat_map(|sample| sample.iter().rev().copied()));
        } else {
            bytes.extend_from_slice(&little);
        }
    }
    let short = |tag: Tag, v: usize| {
        let bytes = if file.encoding.big_endian { (v as u16).to_be_bytes() } else { (v as u16).to_le_bytes() };
        Out { tag, vr: Some(*b"US"), value: OutValue::Bytes(Cow::Owned(bytes.to_vec())) }
    };
    let mut set = |new: Out<'static>| {
        elements.retain(|element| element.tag != new.tag);
        elements.push(new);
    };
    let stored = usize::from(layout.bits_stored).min(bits);
    set(short(Tag::BITS_ALLOCATED, bits));
    set(short(Tag::BITS_STORED, stored));
    set(short(Tag::HIGH_BIT, stored - 1));
    if layout.samples == 3 {
        set(Out::text(Tag::PHOTOMETRIC, *b"CS", "RGB"));
        set(short(Tag::PLANAR, 0));
    }
    let vr = if bits > 8 { *b"OW" } else { *b"OB" };
    set(Out { tag: Tag::PIXELS, vr: Some(vr), value: OutValue::Bytes(Cow::Owned(bytes)) });
    elements.retain(|element| !matches!(element.tag, Tag(0x7fe0, 0x0001..=0x0003)));
    Ok(())
}

/// Which pixels are black afterwards. A file can hold a line of text a frame: laid over each other they cost no more than
/// one.
fn mask(boxes: &[TextBox], rows: usize, columns: usize) -> Vec<bool> {
    let mut mask = vec![false; rows * columns];
    for one in boxes {
        for row in one.top..(one.top + one.height).min(rows) {
            mask[row * columns + one.left..row * columns + (one.left + one.width).min(columns)].fill(true);
        }
    }
    mask
}

fn blacken(frame: &mut Frame, mask: &[bool], black: f64) {
    fn each<T: Copy>(values: &mut [T], channels: usize, mask: &[bool], black: T) {
        for (pixel, _) in values.chunks_mut(channels).zip(mask).filter(|(_, black)| **black) {
            pixel.fill(black);
        }
    }
    let channels = usize::from(frame.samples);
    match &mut frame.values {
        Values::U8(v) => each(v, channels, mask, black as u8),
        Values::I8(v) => each(v, channels, mask, black as i8),
        Values::U16(v) => each(v, channels, mask, black as u16),
        Values::I16(v) => each(v, channels, mask, black as i16),
        Values::U32(v) => each(v, channels, mask, black as u32),
        Values::I32(v) => each(v, channels, mask, black as i32),
        Values::F32(v) => each(v, channels, mask, black as f32),
        Values::F64(v) => each(v, channels, mask, black),
    }
}
