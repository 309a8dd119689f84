//! Elements → numbers and texts, read tolerantly.

use super::{
    DicomFile, Tag,
    dataset::{DataSet, Element, Value},
};

impl DicomFile<'_> {
    /// The bytes of a value; none where it is absent, empty or a sequence.
    pub(super) fn value<'s>(&'s self, set: &'s DataSet, tag: Tag) -> Option<(&'s [u8], Option<[u8; 2]>)> {
        let Element { vr, value: Value::Bytes(range), .. } = set.get(tag)? else { return None };
        let bytes = self.bytes.get(range.clone())?;
        (!bytes.is_empty()).then_some((bytes, *vr))
    }

    /// The numbers of a value. Text is read as text whatever the value representation says; binary numbers as their
    /// representation says, or else as 16-bit ones. What is no number is left out.
    pub(super) fn numbers(&self, set: &DataSet, tag: Tag) -> Vec<f64> {
        let Some((bytes, vr)) = self.value(set, tag) else { return vec![] };
        let text = || {
            let text = String::from_utf8_lossy(bytes);
            let numbers = text.split('\\').filter_map(|n| n.trim_matches([' ', '\0']).parse::<f64>().ok());
            numbers.filter(|n| n.is_finite()).collect()
        };
        let shorts = || bytes.as_chunks().0.iter().map(|&b| self.u16(b));
        let longs = || bytes.as_chunks().0.iter().map(|&b| self.u32(b));
        match vr.as_ref() {
            Some(b"US" | b"OW" | b"AT") => shorts().map(f64::from).collect(),
            Some(b"SS") => shorts().map(|v| f64::from(v.cast_signed())).collect(),
            Some(b"UL") => longs().map(f64::from).collect(),
            Some(b"SL") => longs().map(|v| f64::from(v.cast_signed())).collect(),
            Some(b"FL") => longs().map(|v| f64::from(f32::from_bits(v))).filter(|n| n.is_finite()).collect(),
            Some(b"FD") => {
                let doubles = bytes.as_chunks().0.iter().map(|&b| f64::from_bits(self.u64(b)));
                doubles.filter(|n| n.is_finite()).collect()
            }
            // Without a representation: (0028,xxxx) holds shorts but for the decimal strings named here.
            None | Some(b"UN") if tag.0 == 0x0028 && !DECIMAL.contains(&tag) => shorts().map(f64::from).collect(),
            _ => text(),
        }
    }

    pub(super) fn number(&self, set: &DataSet, tag: Tag) -> Option<f64> {
        self.numbers(set, tag).first().copied()
    }

    /// A text of the file's main data set, without spaces around it; none where it is absent or blank.
    pub(crate) fn text(&self, tag: Tag) -> Option<String> {
        let (bytes, _) = self.value(&self.data, tag)?;
        // The longest texts that are read have 64 characters; more is a fault, and is not carried around.
        let text = self.charset.decode(&bytes[..bytes.len().min(1024)]);
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.encoding.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(super) fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.encoding.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    pub(super) fn u64(&self, bytes: [u8; 8]) -> u64 {
        if self.encoding.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }
}

const DECIMAL: [Tag; 6] =
    [Tag::FRAMES, Tag::PIXEL_SPACING, Tag::WINDOW_CENTER, Tag::WINDOW_WIDTH, Tag::INTERCEPT, Tag::SLOPE];
