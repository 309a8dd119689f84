//! Private attributes that hold no identity (PS3.15, table E.3.10-1), from `safe.tsv`.
//!
//! The table here has the numbers and coded terms of the standard's (edition 2026d). What else it lists goes with all other
//! private attributes: sequences, free words, UIDs, and bytes whose meaning only their maker knows.

use std::{collections::HashMap, sync::LazyLock};

use crate::dicom::{
    DicomFile, Tag,
    dataset::{DataSet, Element, Value},
};

/// Group and creator of a block, and which last bytes of its element numbers are safe.
static TABLE: LazyLock<HashMap<(u16, &str), [bool; 256]>> =
    LazyLock::new(|| include_str!("safe.tsv").lines().filter_map(row).collect());

fn row(line: &'static str) -> Option<((u16, &'static str), [bool; 256])> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [group, creator, elements] = cells[..] else { return None };
    let byte = |text| usize::from_str_radix(text, 16).ok().filter(|byte| *byte < 256);
    let mut safe = [false; 256];
    for range in elements.split(' ') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        safe[byte(first)?..=byte(last)?].fill(true);
    }
    Some(((u16::from_str_radix(group, 16).ok()?, creator), safe))
}

/// Whether a private element is one of those that hold no identity, or the name of such a block.
pub(super) fn is_safe(file: &DicomFile, element: &Element, set: &DataSet) -> bool {
    let tag = element.tag;
    let block = if tag.1 < 0x100 { tag.1 } else { tag.1 >> 8 };
    let Some(Element { value: Value::Bytes(range), .. }) = set.get(Tag(tag.0, block)) else { return false };
    // Names have 64 characters at most (LO); longer ones are not worth decoding for each element of their block.
    let Some(creator) = file.bytes.get(range.clone()).filter(|bytes| bytes.len() <= 64) else { return false };
    let Ok(creator) = str::from_utf8(creator) else { return false };
    let Some(safe) = TABLE.get(&(tag.0, creator.trim_matches([' ', '\0']))) else { return false };
    // The table's attributes are numbers and terms; what calls itself a text, or is made of items, is something else.
    let vr = element.vr.as_ref();
    let is_plain = matches!(
        vr,
        None | Some(b"UN" | b"AT" | b"CS" | b"DS" | b"FD" | b"FL" | b"IS" | b"SL" | b"SS" | b"UL" | b"US")
    ) || matches!((vr, tag.0), (Some(b"LO"), 0x0019) | (Some(b"SH"), 0x0043));
    tag.1 < 0x100 || (safe[usize::from(tag.1 & 0xff)] && is_plain && matches!(element.value, Value::Bytes(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(TABLE.len(), 22);
        let is_safe = |group, creator, element: usize| TABLE.get(&(group, creator)).is_some_and(|safe| safe[element]);
        assert!(is_safe(0x0019, "SIEMENS MR HEADER", 0x0c) && is_safe(0x00e1, "ELSCINT1", 0x50));
        // A sequence and a free text of the standard's table, and an attribute of none.
        assert!(!is_safe(0x2001, "Philips Imaging DD 001", 0x5f) && !is_safe(0x2001, "Philips Imaging DD 001", 0x50));
        assert!(!is_safe(0x0019, "SIEMENS MR HEADER", 0x0f) && !is_safe(0x0019, "ELSCINT1", 0x0c));
    }
}
