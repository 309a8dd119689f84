//! Writes DICOM files in explicit little endian as tests need them, sound or broken.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const RLE: &str = "1.2.840.10008.1.2.5";

/// One element; a value of odd length gets the sign that its representation ends in.
pub(crate) fn element((group, number): (u16, u16), vr: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.extend(vr.as_bytes());
    let length = value.len().next_multiple_of(2);
    if matches!(vr, "OB" | "OW" | "SQ" | "UN" | "UT") {
        bytes.extend([0, 0]);
        bytes.extend((length as u32).to_le_bytes());
    } else {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes.resize(bytes.len() + length - value.len(), if matches!(vr, "UI" | "OB") { 0 } else { b' ' });
    bytes
}

/// An item of a sequence or a fragment of pixels.
pub(crate) fn item(content: &[u8]) -> Vec<u8> {
    [&[0xfe, 0xff, 0x00, 0xe0][..], &(content.len() as u32).to_le_bytes(), content].concat()
}

/// Pixels in these items, the first of which are their offsets.
pub(crate) fn fragments(items: &[Vec<u8>]) -> Vec<u8> {
    [&b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"[..], &items.concat(), b"\xfe\xff\xdd\xe0\0\0\0\0"].concat()
}

/// Preamble, mark and meta information before a data set.
pub(crate) fn file(syntax: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    [vec![0; 128], b"DICM".to_vec(), element((0x0002, 0x0010), "UI", syntax.as_bytes()), elements.concat()].concat()
}

pub(crate) fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// What describes 8-bit grey pixels.
pub(crate) fn grey_8(side: u16, frames: usize) -> Vec<u8> {
    let short = |number, value: u16| element((0x0028, number), "US", &value.to_le_bytes());
    let frames = format!("{frames:<8}");
    let kind = [element((0x0028, 0x0004), "CS", b"MONOCHROME2"), element((0x0028, 0x0008), "IS", frames.as_bytes())];
    let numbers = [(0x0010, side), (0x0011, side), (0x0100, 8), (0x0101, 8), (0x0102, 7), (0x0103, 0)];
    [short(0x0002, 1), kind.concat(), numbers.map(|(number, value)| short(number, value)).concat()].concat()
}

/// A file of square grey frames of 8 bits, the pixels of one after those of the other.
pub(crate) fn film(side: u16, frames: &[Vec<u8>]) -> Vec<u8> {
    file(EXPLICIT, &[grey_8(side, frames.len()), element((0x7fe0, 0x0010), "OB", &frames.concat())])
}

/// Elements one after the other.
#[derive(Clone, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn element(mut self, group: u16, number: u16, vr: &str, value: &[u8]) -> Self {
        self.0.extend(element((group, number), vr, value));
        self
    }

    pub(crate) fn text(self, group: u16, number: u16, vr: &str, value: &str) -> Self {
        self.element(group, number, vr, value.as_bytes())
    }

    pub(crate) fn short(self, group: u16, number: u16, value: u16) -> Self {
        self.element(group, number, "US", &value.to_le_bytes())
    }

    pub(crate) fn file(self, syntax: &str) -> Vec<u8> {
        file(syntax, &[self.0])
    }
}
