//! Blacks out parts of all frames; the pixels are then stored uncompressed.

use std::borrow::Cow;

use super::{DeidentifyError, TextBox};
use crate::dicom::{
    DicomFile, Photometric, Tag, TransferSyntax, Values,
    dataset::Encoding,
    write::{Out, OutValue},
};

/// How the data are coded afterwards: as before, but for the pixels, which are plain.
pub(super) fn plain(encoding: Encoding) -> (Encoding, String) {
    let syntax = match (encoding.explicit, encoding.big_endian) {
        (_, true) => TransferSyntax::BIG_ENDIAN,
        (true, false) => TransferSyntax::EXPLICIT,
        (false, false) => TransferSyntax::IMPLICIT,
    };
    (encoding, syntax.to_owned())
}

/// Replaces the pixels by ones that are black in the boxes.
pub(super) fn black_out(file: &DicomFile, boxes: &[TextBox], elements: &mut Vec<Out>) -> Result<(), DeidentifyError> {
    let fault = |reason: &str| DeidentifyError::Pixels { reason: reason.to_owned() };
    let layout = file.layout()?.ok_or_else(|| fault("there are none"))?;
    if layout.real {
        return Err(fault("they are real numbers"));
    }
    let mut bytes = vec![];
    let mut bits = 8;
    for number in 0..layout.frames {
        let mut frame = file.frame(number)?;
        let channels = usize::from(frame.samples);
        let columns = frame.columns as usize;
        let black = |low: f64, high: f64| if layout.photometric == Photometric::Monochrome1 { high } else { low };
        let (low, high) = frame.values.span().unwrap_or_default();
        // Colours are black at zero; greys at the frame's darkest, since zero may be a middle value of signed ones.
        let black = if channels == 3 { 0.0 } else { black(low, high) };
        for one in boxes {
            for row in one.top..(one.top + one.height).min(frame.rows as usize) {
                let start = row * columns + one.left;
                let end = row * columns + (one.left + one.width).min(columns);
                fill(&mut frame.values, start * channels..end * channels, black);
            }
        }
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

fn fill(values: &mut Values, range: std::ops::Range<usize>, black: f64) {
    match values {
        Values::U8(v) => v[range].fill(black as u8),
        Values::I8(v) => v[range].fill(black as i8),
        Values::U16(v) => v[range].fill(black as u16),
        Values::I16(v) => v[range].fill(black as i16),
        Values::U32(v) => v[range].fill(black as u32),
        Values::I32(v) => v[range].fill(black as i32),
        Values::F32(v) => v[range].fill(black as f32),
        Values::F64(v) => v[range].fill(black),
    }
}
