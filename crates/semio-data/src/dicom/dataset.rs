//! Bytes → data elements (DICOM PS3.5, chapter 7), without copying a value.
//!
//! Files break the rules in many ways that do not matter for a picture. What is read is kept, what cannot be read ends
//! the reading with a note. No length that a file announces is ever allocated: values are ranges of the bytes that are
//! there.

use std::{ops::Range, sync::OnceLock};

use super::{Tag, error::DicomError, file::VR, tag::SEQUENCES};

/// How deep sequences may lie in each other. Structured reports, the deepest objects, stay below 20.
const MAX_DEPTH: usize = 64;

/// How many elements, items and fragments a file may have: 3,000 frames with 100 each, and some more.
const MAX_ELEMENTS: usize = 1 << 20;

const UNDEFINED: u32 = u32::MAX;

/// One data element.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) tag: Tag,
    /// The value representation as written; `None` where the file does not say it.
    pub(crate) vr: Option<[u8; 2]>,
    pub(crate) value: Value,
}

/// The value of an element: ranges of the file's bytes, or items.
#[derive(Debug)]
pub(crate) enum Value {
    Bytes(Range<usize>),
    Items(Vec<DataSet>),
    Fragments(Vec<Range<usize>>),
}

/// Data elements in the order of the file, which is that of their tags in files that keep to the rules.
#[derive(Debug, Default)]
pub(crate) struct DataSet {
    elements: Vec<Element>,
    /// Whether the file has them in another order.
    unsorted: bool,
    /// Their places in the order of tags, where that is another one; made when an element is first asked for.
    places: OnceLock<Vec<u32>>,
}

impl DataSet {
    /// The first element of a tag. A file of one megabyte may hold 100,000 elements and ask for some of them 100,000
    /// times, so that none is sought from the beginning on.
    pub(crate) fn get(&self, tag: Tag) -> Option<&Element> {
        let element = if self.unsorted {
            let places = self.places.get_or_init(|| {
                let mut places: Vec<u32> = (0..self.elements.len() as u32).collect();
                places.sort_by_key(|&place| self.elements[place as usize].tag);
                places
            });
            let at = places.partition_point(|&place| self.elements[place as usize].tag < tag);
            self.elements.get(*places.get(at)? as usize)
        } else {
            self.elements.get(self.elements.partition_point(|e| e.tag < tag))
        };
        element.filter(|e| e.tag == tag)
    }

    fn push(&mut self, element: Element) {
        self.unsorted |= self.elements.last().is_some_and(|last| last.tag > element.tag);
        self.elements.push(element);
    }

    /// The items of a sequence; none where it is absent or no sequence.
    pub(super) fn items(&self, tag: Tag) -> &[DataSet] {
        match self.get(tag) {
            Some(Element { value: Value::Items(items), .. }) => items,
            _ => &[],
        }
    }

    pub(crate) fn elements(&self) -> &[Element] {
        &self.elements
    }
}

/// How elements are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
}

/// Reads elements from `at` on; a fault that leaves what was read usable comes back as a note.
///
/// With `deep`, values without a representation that are made of items are taken as sequences, too.
pub(super) fn read(
    bytes: &[u8],
    at: usize,
    encoding: Encoding,
    deep: bool,
) -> Result<(DataSet, Option<String>), DicomError> {
    let mut walker = Walker { bytes, at, big_endian: encoding.big_endian, left: MAX_ELEMENTS, deep };
    let mut set = DataSet::default();
    match walker.elements(&mut set, bytes.len(), encoding.explicit, false, 0) {
        Ok(()) => Ok((set, None)),
        Err(Stop::Note(note)) => Ok((set, Some(note))),
        Err(Stop::Limit(error)) => Err(error),
    }
}

/// Reads the elements of one group from `at` on, and tells where the next one begins.
pub(super) fn read_group(bytes: &[u8], at: usize, group: u16, encoding: Encoding) -> (DataSet, usize) {
    let mut walker = Walker { bytes, at, big_endian: encoding.big_endian, left: 1000, deep: false };
    let mut set = DataSet::default();
    while walker.left > 0 && walker.peek().is_some_and(|tag| tag.0 == group) {
        let before = walker.at;
        let end = bytes.len();
        if walker.element(&mut set, end, encoding.explicit, 0).is_err() || walker.at == before {
            break;
        }
    }
    (set, walker.at)
}

enum Stop {
    Note(String),
    Limit(DicomError),
}

struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
    /// Elements that may still come.
    left: usize,
    /// Whether sequences are sought that the file does not name as such.
    deep: bool,
}

impl Walker<'_> {
    /// Reads up to `end`, or to the end mark of an item.
    fn elements(
        &mut self,
        set: &mut DataSet,
        end: usize,
        explicit: bool,
        delimited: bool,
        depth: usize,
    ) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            let (what, limit) = ("sequences deeper in each other".into(), format!("{MAX_DEPTH} levels"));
            return Err(Stop::Limit(DicomError::Limit { what, limit }));
        }
        while self.at < end {
            // Zeros or a few bytes behind the last element do no harm.
            let Some(tag) = self.peek().filter(|_| self.at + 8 <= end) else {
                self.at = end;
                return Ok(());
            };
            match tag {
                Tag::ITEM_END if delimited => {
                    self.at += 8;
                    return Ok(());
                }
                // The end of the sequence around an item that has no end mark of its own.
                Tag::SEQUENCE_END if delimited => return Ok(()),
                // A stray mark.
                Tag::ITEM | Tag::ITEM_END | Tag::SEQUENCE_END => self.at += 8,
                _ => self.element(set, end, explicit, depth)?,
            }
        }
        Ok(())
    }

    /// Reads one element; `at` stands on its tag, and eight bytes at least follow.
    fn element(&mut self, set: &mut DataSet, end: usize, explicit: bool, depth: usize) -> Result<(), Stop> {
        self.count()?;
        let Some(tag) = self.peek() else { return Err(self.cut_short(Tag::ITEM)) };
        let stated = [self.byte(4), self.byte(5)];
        // Single elements without a VR occur within files that have them.
        let vr = (explicit && stated.iter().all(u8::is_ascii_uppercase)).then_some(stated);
        let (length, header) = match vr.as_ref() {
            None => (self.u32(4), 8),
            Some(
                b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV",
            ) => (self.u32(8), 12),
            Some(_) => (u32::from(self.u16(6)), 8),
        };
        if self.at + header > end {
            return Err(self.cut_short(tag));
        }
        self.at += header;
        let is_sequence = matches!(vr.as_ref(), Some(b"SQ")) || SEQUENCES.contains(&tag);
        // PS3.5, 6.2.2: the items of an UN element are implicit. Some writers leave them explicit.
        let inner = explicit && (vr != Some(*b"UN") || self.has_explicit_items());
        if length == UNDEFINED {
            let is_pixels = tag == Tag::PIXELS || matches!(vr.as_ref(), Some(b"OB" | b"OW"));
            if is_pixels {
                let mut fragments = vec![];
                let result = self.fragments(&mut fragments, tag, end);
                // Nobody knows how much of what was cut off belonged to the pixels: half a picture is none.
                if result.is_err() && self.at + 8 > end {
                    fragments.clear();
                }
                set.push(Element { tag, vr, value: Value::Fragments(fragments) });
                return result;
            }
            let mut items = vec![];
            let result = self.items(&mut items, tag, end, inner, depth);
            set.push(Element { tag, vr, value: Value::Items(items) });
            return result;
        }
        let stop = self.at.saturating_add(length as usize);
        if stop > end {
            set.push(Element { tag, vr, value: Value::Bytes(self.at..end) });
            self.at = end;
            return Err(self.cut_short(tag));
        }
        if is_sequence {
            let start = self.at;
            let mut items = vec![];
            let result = self.items(&mut items, tag, stop, inner, depth);
            // Whatever its items say, the sequence ends where its length says.
            self.at = stop;
            let value = match result {
                Err(Stop::Limit(error)) => return Err(Stop::Limit(error)),
                // What is sought in every item must not be passed over in a broken one.
                Err(Stop::Note(_)) if self.deep => Value::Bytes(start..stop),
                _ => Value::Items(items),
            };
            set.push(Element { tag, vr, value });
            return Ok(());
        }
        let value = match self.hidden_items(tag, vr, stop, inner, depth)? {
            Some(items) => Value::Items(items),
            None => Value::Bytes(self.at..stop),
        };
        set.push(Element { tag, vr, value });
        self.at = stop;
        Ok(())
    }

    /// The items of a value that has no representation and yet is a sequence; `None` where it is none.
    fn hidden_items(
        &mut self,
        tag: Tag,
        vr: Option<[u8; 2]>,
        stop: usize,
        explicit: bool,
        depth: usize,
    ) -> Result<Option<Vec<DataSet>>, Stop> {
        let nameless = matches!(vr.as_ref(), None | Some(b"UN"));
        if !self.deep || !nameless || tag == Tag::PIXELS || stop < self.at + 8 || self.peek() != Some(Tag::ITEM) {
            return Ok(None);
        }
        let start = self.at;
        let mut items = vec![];
        let result = self.items(&mut items, tag, stop, explicit, depth);
        let whole = result.is_ok() && self.at == stop;
        self.at = start;
        match result {
            Err(Stop::Limit(error)) => Err(Stop::Limit(error)),
            _ => Ok(whole.then_some(items)),
        }
    }

    /// Whether the first element of the first item has a value representation; `at` stands on the item.
    fn has_explicit_items(&self) -> bool {
        self.peek() == Some(Tag::ITEM) && VR.contains(&[self.byte(12), self.byte(13)])
    }

    fn items(
        &mut self,
        items: &mut Vec<DataSet>,
        tag: Tag,
        end: usize,
        explicit: bool,
        depth: usize,
    ) -> Result<(), Stop> {
        while self.at < end {
            if self.at + 8 > end {
                return Err(self.cut_short(tag));
            }
            let next = self.peek();
            match next {
                Some(Tag::SEQUENCE_END) => {
                    self.at += 8;
                    return Ok(());
                }
                Some(Tag::ITEM) => {}
                // The sequence has no end mark: what follows belongs to the data set around it.
                _ => return Ok(()),
            }
            self.count()?;
            let length = self.u32(4);
            self.at += 8;
            let mut item = DataSet::default();
            let result = if length == UNDEFINED {
                self.elements(&mut item, end, explicit, true, depth + 1)
            } else {
                let stop = self.at.saturating_add(length as usize);
                let result = self.elements(&mut item, stop.min(end), explicit, false, depth + 1);
                if stop > end { result.and(Err(self.cut_short(tag))) } else { result }
            };
            items.push(item);
            result?;
        }
        Ok(())
    }

    fn fragments(&mut self, fragments: &mut Vec<Range<usize>>, tag: Tag, end: usize) -> Result<(), Stop> {
        loop {
            if self.at + 8 > end {
                return Err(self.cut_short(tag));
            }
            let (next, length) = (self.peek(), self.u32(4) as usize);
            match next {
                Some(Tag::SEQUENCE_END) => {
                    self.at += 8;
                    return Ok(());
                }
                Some(Tag::ITEM) => {}
                _ => return Err(Stop::Note(format!("{tag}: its fragments end without an end mark"))),
            }
            self.count()?;
            self.at += 8;
            let stop = self.at.saturating_add(length);
            fragments.push(self.at..stop.min(end));
            self.at = stop.min(end);
            if stop > end {
                return Err(self.cut_short(tag));
            }
        }
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            let (what, limit) = ("more data elements".into(), format!("{MAX_ELEMENTS}"));
            Stop::Limit(DicomError::Limit { what, limit })
        })?;
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads like the other faults")]
    fn cut_short(&self, tag: Tag) -> Stop {
        Stop::Note(format!("the file ends early, inside of {tag}"))
    }

    fn peek(&self) -> Option<Tag> {
        self.bytes.get(self.at..self.at + 8)?;
        Some(Tag(self.u16(0), self.u16(2)))
    }

    fn byte(&self, offset: usize) -> u8 {
        self.bytes.get(self.at + offset).copied().unwrap_or_default()
    }

    fn u16(&self, offset: usize) -> u16 {
        let pair = [self.byte(offset), self.byte(offset + 1)];
        if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }

    fn u32(&self, offset: usize) -> u32 {
        let four = [0, 1, 2, 3].map(|i| self.byte(offset + i));
        if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(tags: &[u16]) -> DataSet {
        let mut set = DataSet::default();
        for (place, &tag) in tags.iter().enumerate() {
            set.push(Element { tag: Tag(0x0008, tag), vr: None, value: Value::Bytes(place..place) });
        }
        set
    }

    #[test]
    fn the_first_element_of_a_tag_is_found_in_any_order() {
        for tags in [&[1, 3, 3, 7][..], &[7, 3, 1, 3], &[3, 7, 3, 1], &[1], &[]] {
            let set = set(tags);
            for tag in 0..9 {
                let place = set.get(Tag(0x0008, tag)).map(|e| match &e.value {
                    Value::Bytes(range) => range.start,
                    _ => usize::MAX,
                });
                assert_eq!(place, tags.iter().position(|t| *t == tag), "{tag} of {tags:?}");
            }
        }
    }
}
