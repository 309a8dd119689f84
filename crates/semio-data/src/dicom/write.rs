//! Data elements → bytes (DICOM PS3.5, chapter 7; PS3.10, chapter 7).
//!
//! Sequences and items are written with their lengths, so that no end mark can be missed; coded pixels have no length,
//! as the standard asks.

use std::borrow::Cow;

use super::{Tag, dataset::Encoding};

/// The name under which files are written: a UID of the arc that needs no registration (PS3.5, B.2).
const IMPLEMENTATION: &str = "2.25.266130573937154362160423155905463153711";

/// A data element to write.
#[derive(Clone, Debug)]
pub(crate) struct Out<'a> {
    pub(crate) tag: Tag,
    /// `None` within implicit data, or where the file that it was read from does not say it.
    pub(crate) vr: Option<[u8; 2]>,
    pub(crate) value: OutValue<'a>,
}

/// The value of an element to write.
#[derive(Clone, Debug)]
pub(crate) enum OutValue<'a> {
    Bytes(Cow<'a, [u8]>),
    Items(Vec<Vec<Out<'a>>>),
    Fragments(Vec<Cow<'a, [u8]>>),
}

impl<'a> Out<'a> {
    /// A text; it is filled up to an even length.
    pub(crate) fn text(tag: Tag, vr: [u8; 2], text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        if !bytes.len().is_multiple_of(2) {
            bytes.push(if &vr == b"UI" { 0 } else { b' ' });
        }
        Self { tag, vr: Some(vr), value: OutValue::Bytes(Cow::Owned(bytes)) }
    }

    /// 16-bit numbers, little endian.
    pub(crate) fn shorts(tag: Tag, values: &[u16]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { tag, vr: Some(*b"US"), value: OutValue::Bytes(Cow::Owned(bytes)) }
    }

    pub(crate) fn items(tag: Tag, items: Vec<Vec<Out<'a>>>) -> Self {
        Self { tag, vr: Some(*b"SQ"), value: OutValue::Items(items) }
    }
}

/// What the meta information of a file says.
pub(crate) struct Meta<'a> {
    pub(crate) sop_class: &'a str,
    pub(crate) sop_instance: &'a str,
    pub(crate) syntax: &'a str,
}

/// Writes a whole file: an empty preamble, the meta information, the elements in the order of their tags.
pub(crate) fn file(meta: &Meta, elements: &mut [Out], encoding: Encoding) -> Vec<u8> {
    let mut group = vec![
        Out { tag: Tag(2, 1), vr: Some(*b"OB"), value: OutValue::Bytes(Cow::Borrowed(&[0, 1])) },
        Out::text(Tag(2, 2), *b"UI", meta.sop_class),
        Out::text(Tag(2, 3), *b"UI", meta.sop_instance),
        Out::text(Tag(2, 0x10), *b"UI", meta.syntax),
        Out::text(Tag(2, 0x12), *b"UI", IMPLEMENTATION),
        Out::text(Tag(2, 0x13), *b"SH", concat!("SEMIO_", env!("CARGO_PKG_VERSION"))),
    ];
    // Objects that do not say what they are exist.
    group.retain(|element| !matches!(&element.value, OutValue::Bytes(bytes) if bytes.is_empty()));
    let mut writer = Writer { bytes: vec![], big_endian: false };
    writer.set(&mut group, true);
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend([2, 0, 0, 0, b'U', b'L', 4, 0]);
    bytes.extend((writer.bytes.len() as u32).to_le_bytes());
    bytes.extend(writer.bytes);
    let mut writer = Writer { bytes, big_endian: encoding.big_endian };
    writer.set(elements, encoding.explicit);
    writer.bytes
}

struct Writer {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Writer {
    fn set(&mut self, elements: &mut [Out], explicit: bool) {
        elements.sort_by_key(|element| element.tag);
        for element in elements {
            self.element(element, explicit);
        }
    }

    fn element(&mut self, element: &mut Out, explicit: bool) {
        self.tag(element.tag);
        let vr = match (&element.value, element.vr) {
            (OutValue::Items(_), None) => *b"SQ",
            (OutValue::Fragments(_), _) => *b"OB",
            (OutValue::Bytes(_), None) => *b"UN",
            (_, Some(vr)) => vr,
        };
        let long = matches!(
            &vr,
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
        );
        // A short representation has no room for a longer value: it is then of unknown representation (PS3.5, 6.2.2).
        let too_long = matches!(&element.value, OutValue::Bytes(bytes) if bytes.len() > 0xffff);
        let (vr, long) = if !long && too_long { (*b"UN", true) } else { (vr, long) };
        if explicit {
            self.bytes.extend(vr);
            if long {
                self.bytes.extend([0, 0]);
            }
        }
        let short = explicit && !long;
        match &mut element.value {
            OutValue::Bytes(bytes) => {
                let odd = bytes.len() % 2;
                self.length(bytes.len() + odd, short);
                self.bytes.extend_from_slice(bytes);
                self.bytes.extend(std::iter::repeat_n(0, odd));
            }
            OutValue::Items(items) => {
                let at = self.bytes.len();
                self.length(0, false);
                for item in items {
                    self.tag(Tag::ITEM);
                    let at = self.bytes.len();
                    self.length(0, false);
                    // PS3.5, 6.2.2: the items of an UN element are implicit.
                    self.set(item, explicit && &vr != b"UN");
                    self.mend(at);
                }
                self.mend(at);
            }
            OutValue::Fragments(fragments) => {
                self.length(u32::MAX as usize, false);
                for fragment in fragments {
                    self.tag(Tag::ITEM);
                    let odd = fragment.len() % 2;
                    self.length(fragment.len() + odd, false);
                    self.bytes.extend_from_slice(fragment);
                    self.bytes.extend(std::iter::repeat_n(0, odd));
                }
                self.tag(Tag::SEQUENCE_END);
                self.length(0, false);
            }
        }
    }

    fn tag(&mut self, tag: Tag) {
        self.short(tag.0);
        self.short(tag.1);
    }

    fn short(&mut self, v: u16) {
        self.bytes.extend(if self.big_endian { v.to_be_bytes() } else { v.to_le_bytes() });
    }

    fn length(&mut self, length: usize, short: bool) {
        if short {
            self.short(length as u16);
        } else {
            let length = length as u32;
            self.bytes.extend(if self.big_endian { length.to_be_bytes() } else { length.to_le_bytes() });
        }
    }

    /// Sets the length at `at` to what was written since.
    fn mend(&mut self, at: usize) {
        let length = (self.bytes.len() - at - 4) as u32;
        let bytes = if self.big_endian { length.to_be_bytes() } else { length.to_le_bytes() };
        self.bytes[at..at + 4].copy_from_slice(&bytes);
    }
}
