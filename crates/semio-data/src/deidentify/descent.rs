//! From element to element, sequences included: the table's actions, and the rules for groups as a whole.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Key, Options, Report,
    profile::{self, Action},
    representation,
    residue::Identity,
    safe::is_safe,
    values::{cleaned, dummy, is_uid, padded, shifted},
};
use crate::dicom::{
    DicomFile, Tag,
    dataset::{DataSet, Element, Value},
    write::{Out, OutValue},
};

/// What stays the same for all elements of a file.
pub(super) struct Descent<'a> {
    pub(super) file: &'a DicomFile<'a>,
    pub(super) options: Options,
    pub(super) key: &'a Key,
    /// The pseudonym of the patient.
    pub(super) pseudonym: String,
    /// By how many days dates go back.
    pub(super) days: i64,
    /// What says who the patient is.
    pub(super) identity: &'a Identity,
}

/// Where an element lies.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    /// Within a sequence that is replaced by a dummy: all of its contents are, too (PS3.15, E.1.1).
    replaced: bool,
    /// Within an item that is a code of a scheme that everybody knows, which says what and not who.
    code: bool,
}

const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
/// Codes that name a person or an institution: nothing in their items is worth a dummy.
const WHO: [Tag; 2] = [Tag(0x0008, 0x0082), Tag(0x0040, 0x1101)];
const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
const CODE_SCHEME: Tag = Tag(0x0008, 0x0102);
const PIXEL_GROUP: u16 = 0x7fe0;
/// How items begin, little endian and big.
const MARKS: [[u8; 4]; 2] = [[0xfe, 0xff, 0x00, 0xe0], [0xff, 0xfe, 0xe0, 0x00]];
const REFERENCED_FRAME: Tag = Tag(0x0008, 0x1160);

/// Coding schemes whose codes are published (PS3.16, chapter 8); those of a hospital may number its staff.
const KNOWN_SCHEMES: [&str; 17] = [
    "DCM",
    "SCT",
    "SRT",
    "SNM3",
    "LN",
    "UCUM",
    "FMA",
    "RADLEX",
    "MDC",
    "BI",
    "I10",
    "I9C",
    "NCIt",
    "UMLS",
    "ACR",
    "ISO3166_1",
    "IBSI",
];

impl<'a> Descent<'a> {
    /// Takes over the elements of a data set as the profile says.
    pub(super) fn set(&self, set: &'a DataSet, place: Place, report: &mut Report) -> Vec<Out<'a>> {
        let known = || set.get(CODE_SCHEME).is_some_and(|scheme| KNOWN_SCHEMES.contains(&self.text(scheme).as_str()));
        let place = Place { code: place.replaced && known(), ..place };
        set.elements().iter().filter_map(|element| self.element(element, set, place, report)).collect()
    }

    fn element(&self, element: &'a Element, set: &'a DataSet, place: Place, report: &mut Report) -> Option<Out<'a>> {
        let tag = element.tag;
        // Group lengths are retired and would be wrong; command and meta elements have no place here.
        if tag.1 == 0 || tag.0 < 0x0008 {
            return None;
        }
        if tag.0 % 2 == 1 {
            if self.options.keep_safe_private && is_safe(self.file, element, set) {
                return Some(self.kept(element, place, report));
            }
            report.private += 1;
            return None;
        }
        // Curves and overlays: graphics drawn over the picture, names among them.
        if matches!(tag.0 & 0xff00, 0x5000 | 0x6000) {
            note(&mut report.removed, tag);
            return None;
        }
        match profile::find(tag) {
            Some(row) => self.listed(element, *row, place, report),
            None => Some(self.unlisted(element, place, report)),
        }
    }

    /// An attribute that the table names.
    fn listed(&self, element: &'a Element, row: profile::Row, place: Place, report: &mut Report) -> Option<Out<'a>> {
        let tag = element.tag;
        let vr = element.vr.filter(|vr| vr != b"UN" && vr != b"SQ").unwrap_or(row.vr);
        let text = || self.text(element);
        let with = |bytes: Vec<u8>| Out { tag, vr: Some(vr), value: OutValue::Bytes(Cow::Owned(bytes)) };
        let is_bytes = matches!(element.value, Value::Bytes(_));
        let is_sequence = &row.vr == b"SQ";
        // A sequence that cannot be read as one, and items where a value belongs, may hold anything.
        let is_odd = if is_sequence { !matches!(element.value, Value::Items(_)) } else { !is_bytes };
        let action = match row.action(self.options) {
            // What is kept as a UID must be one.
            Action::Keep if &row.vr == b"UI" && is_bytes && holds_no_uid(&text()) => Action::Uid,
            action => action,
        };
        match action {
            Action::Remove => {
                note(&mut report.removed, tag);
                None
            }
            _ if tag == PATIENT_NAME || tag == PATIENT_ID => {
                note(&mut report.replaced, tag);
                let value = OutValue::Bytes(Cow::Owned(padded(&self.pseudonym, row.vr)));
                Some(Out { tag, vr: Some(row.vr), value })
            }
            Action::Clean if is_sequence => {
                note(&mut report.removed, tag);
                None
            }
            action if action == Action::Empty || is_odd || WHO.contains(&tag) => {
                note(&mut report.emptied, tag);
                let value = if is_sequence { OutValue::Items(vec![]) } else { OutValue::Bytes(Cow::Owned(vec![])) };
                Some(Out { tag, vr: Some(row.vr), value })
            }
            Action::Uid if is_bytes => {
                let new = text().split('\\').map(|uid| self.new_uid(uid)).collect::<Vec<_>>().join("\\");
                report.uids += 1;
                Some(with(padded(&new, *b"UI")))
            }
            Action::Dummy if is_bytes => {
                note(&mut report.replaced, tag);
                Some(with(dummy(vr, &text(), self.key)))
            }
            Action::Dummy => Some(self.kept(element, Place { replaced: true, ..place }, report)),
            Action::Shift => {
                report.dates += 1;
                Some(with(padded(&shifted(vr, &text(), self.days), vr)))
            }
            Action::Clean => {
                report.cleaned += 1;
                let mut left = cleaned(&text());
                // Known words may be names: Long, Head.
                if self.identity.is_in(&left) {
                    note(&mut report.residue, tag);
                    left.clear();
                }
                Some(with(padded(&left, vr)))
            }
            Action::Keep | Action::Uid | Action::Empty => Some(self.kept(element, place, report)),
        }
    }

    /// An attribute that the table does not name: it stays, but for names, for what is not what it says to be, and for
    /// texts within a sequence that is replaced as a whole.
    fn unlisted(&self, element: &'a Element, place: Place, report: &mut Report) -> Out<'a> {
        let tag = element.tag;
        let Value::Bytes(range) = &element.value else { return self.kept(element, place, report) };
        let bytes = self.file.bytes.get(range.clone()).unwrap_or_default();
        let vr = element.vr.filter(|vr| vr != b"UN").or_else(|| representation::of(tag));
        let owned = |vr, bytes: Vec<u8>| Out { tag, vr, value: OutValue::Bytes(Cow::Owned(bytes)) };
        let is_kept = match vr.as_ref() {
            _ if bytes.is_empty() => true,
            // Items that could not be read.
            Some(b"SQ") => false,
            None if tag.0 != PIXEL_GROUP && MARKS.iter().any(|mark| bytes.starts_with(mark)) => false,
            Some(b"UI") => !holds_no_uid(&self.text(element)),
            None | Some(b"OB") => !place.replaced || !is_text(bytes),
            Some(_) => true,
        };
        if !is_kept {
            note(&mut report.emptied, tag);
            return owned(element.vr, vec![]);
        }
        let is_replaced = match vr.as_ref() {
            Some(b"PN") => true,
            Some(b"SH") if place.code && (tag == CODE_VALUE || tag == CODE_SCHEME) => false,
            Some(b"IS") if tag == REFERENCED_FRAME => false,
            Some(
                b"AE" | b"AS" | b"DA" | b"DS" | b"DT" | b"IS" | b"LO" | b"LT" | b"SH" | b"ST" | b"TM" | b"UC" | b"UR"
                | b"UT",
            ) => place.replaced,
            _ => false,
        };
        match vr {
            Some(vr) if is_replaced && !bytes.is_empty() => {
                note(&mut report.replaced, tag);
                owned(Some(vr), dummy(vr, &self.text(element), self.key))
            }
            Some(vr) if &vr == b"UI" && place.replaced => {
                let new = self.text(element).split('\\').map(|uid| self.new_uid(uid)).collect::<Vec<_>>().join("\\");
                owned(Some(vr), padded(&new, vr))
            }
            _ => self.kept(element, place, report),
        }
    }

    fn kept(&self, element: &'a Element, place: Place, report: &mut Report) -> Out<'a> {
        let bytes =
            |range: &std::ops::Range<usize>| Cow::Borrowed(self.file.bytes.get(range.clone()).unwrap_or_default());
        let value = match &element.value {
            Value::Bytes(range) => OutValue::Bytes(bytes(range)),
            Value::Fragments(fragments) => OutValue::Fragments(fragments.iter().map(bytes).collect()),
            Value::Items(items) => OutValue::Items(items.iter().map(|item| self.set(item, place, report)).collect()),
        };
        Out { tag: element.tag, vr: element.vr, value }
    }

    fn text(&self, element: &Element) -> String {
        let Value::Bytes(range) = &element.value else { return String::new() };
        let bytes = self.file.bytes.get(range.clone()).unwrap_or_default();
        self.file.charset.decode(bytes)
    }

    /// The UID that takes another's place. What only calls itself a UID gets a new one whatever the options: it may be a
    /// name, and names of new files are made of UIDs.
    pub(super) fn new_uid(&self, uid: &str) -> String {
        let uid = uid.trim_matches([' ', '\0']);
        // UIDs of the standard itself name kinds of things, not things.
        let may_stay = uid.starts_with("1.2.840.10008.") || self.options.keep_uids;
        if uid.is_empty() || (may_stay && is_uid(uid)) { uid.to_owned() } else { self.key.uid(uid) }
    }
}

fn note(list: &mut BTreeMap<String, usize>, tag: Tag) {
    *list.entry(tag.to_string()).or_default() += 1;
}

/// Whether one of the values is something other than a UID.
fn holds_no_uid(text: &str) -> bool {
    text.split('\\').map(|uid| uid.trim_matches([' ', '\0'])).any(|uid| !uid.is_empty() && !is_uid(uid))
}

/// Whether bytes of an unknown meaning can be read: numbers and coordinates have bytes that no text has.
fn is_text(bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes[..end].iter().all(|byte| *byte >= 0x20 || matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | 0x1b))
}
