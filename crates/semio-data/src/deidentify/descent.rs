//! From element to element, sequences included: the table's actions, and the rules for groups as a whole.

use std::borrow::Cow;

use super::{
    Key, Options, Report,
    profile::{self, Action},
    values::{cleaned, dummy, padded, shifted},
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
}

const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const CONTENT: Tag = Tag(0x0040, 0xa730);

/// Private attributes that hold no identity (PS3.15, table E.3.10-1): group, creator, the element's last two digits.
const SAFE: [(u16, &str, &[u8]); 8] = [
    (0x7053, "Philips PET Private Group", &[0x00, 0x09]),
    (0x00e1, "ELSCINT1", &[0x21]),
    (0x01e1, "ELSCINT1", &[0x26, 0x50]),
    (0x01f1, "ELSCINT1", &[0x01, 0x07, 0x26, 0x27]),
    (0x0019, "GEMS_ACQU_01", &[0x23, 0x24, 0x27, 0x9e]),
    (0x0043, "GEMS_PARM_01", &[0x27, 0x39]),
    (0x2001, "Philips Imaging DD 001", &[0x03, 0x04]),
    (0x0019, "SIEMENS MR HEADER", &[0x0c, 0x0d, 0x0e, 0x27]),
];

impl<'a> Descent<'a> {
    /// Takes over the elements of a data set as the profile says.
    pub(super) fn set(&self, set: &'a DataSet, in_content: bool, report: &mut Report) -> Vec<Out<'a>> {
        set.elements().iter().filter_map(|element| self.element(element, set, in_content, report)).collect()
    }

    fn element(
        &self,
        element: &'a Element,
        set: &'a DataSet,
        in_content: bool,
        report: &mut Report,
    ) -> Option<Out<'a>> {
        let tag = element.tag;
        let note =
            |list: &mut std::collections::BTreeMap<String, usize>| *list.entry(tag.to_string()).or_default() += 1;
        // Group lengths are retired and would be wrong; command and meta elements have no place here.
        if tag.1 == 0 || tag.0 < 0x0008 {
            return None;
        }
        if tag.0 % 2 == 1 {
            if self.options.keep_safe_private && self.is_safe(tag, set) {
                return Some(self.kept(element, in_content, report));
            }
            report.private += 1;
            return None;
        }
        // Curves and overlays: graphics drawn over the picture, names among them.
        if matches!(tag.0 & 0xff00, 0x5000 | 0x6000) {
            note(&mut report.removed);
            return None;
        }
        let row = profile::find(tag);
        let vr = element.vr.filter(|vr| vr != b"UN").or(row.map(|row| row.vr));
        let Some(row) = row else {
            return Some(self.unlisted(element, vr, in_content, report));
        };
        let vr = vr.unwrap_or(row.vr);
        let text = || self.text(element);
        let with = |bytes: Vec<u8>| Out { tag, vr: Some(vr), value: OutValue::Bytes(Cow::Owned(bytes)) };
        match row.action(self.options) {
            Action::Remove => {
                note(&mut report.removed);
                None
            }
            _ if tag == PATIENT_NAME || tag == PATIENT_ID => {
                note(&mut report.replaced);
                Some(with(padded(&self.pseudonym, vr)))
            }
            Action::Uid if matches!(element.value, Value::Bytes(_)) => {
                let new = text().split('\\').map(|uid| self.new_uid(uid)).collect::<Vec<_>>().join("\\");
                report.uids += 1;
                Some(with(padded(&new, *b"UI")))
            }
            Action::Empty => {
                note(&mut report.emptied);
                let value = if &vr == b"SQ" { OutValue::Items(vec![]) } else { OutValue::Bytes(Cow::Owned(vec![])) };
                Some(Out { tag, vr: Some(vr), value })
            }
            Action::Dummy if matches!(element.value, Value::Bytes(_)) && &vr != b"SQ" => {
                note(&mut report.replaced);
                Some(with(dummy(vr, &text(), self.key)))
            }
            Action::Shift if matches!(element.value, Value::Bytes(_)) => {
                report.dates += 1;
                Some(with(padded(&shifted(vr, &text(), self.days), vr)))
            }
            Action::Clean if matches!(&vr, b"SQ") => {
                note(&mut report.removed);
                None
            }
            Action::Clean => {
                report.cleaned += 1;
                Some(with(padded(&cleaned(&text()), vr)))
            }
            Action::Keep | Action::Uid | Action::Dummy | Action::Shift => {
                Some(self.kept(element, in_content || tag == CONTENT, report))
            }
        }
    }

    /// An attribute that the table does not name: it stays, but within the content of a structured report, where texts
    /// and names stand in attributes of all kinds.
    fn unlisted(&self, element: &'a Element, vr: Option<[u8; 2]>, in_content: bool, report: &mut Report) -> Out<'a> {
        let free = matches!(vr.as_ref(), Some(b"PN" | b"UT" | b"ST" | b"LT" | b"DA" | b"TM" | b"DT"));
        let told = matches!(element.tag, Tag(0x0040, 0xa160 | 0xa123 | 0xa120 | 0xa121 | 0xa122));
        let name = matches!(vr.as_ref(), Some(b"PN"));
        let is_bytes = matches!(element.value, Value::Bytes(_));
        if is_bytes && (name || (in_content && (free || told))) {
            *report.replaced.entry(element.tag.to_string()).or_default() += 1;
            let vr = vr.unwrap_or(*b"UT");
            let bytes = dummy(vr, &self.text(element), self.key);
            return Out { tag: element.tag, vr: Some(vr), value: OutValue::Bytes(Cow::Owned(bytes)) };
        }
        self.kept(element, in_content, report)
    }

    fn kept(&self, element: &'a Element, in_content: bool, report: &mut Report) -> Out<'a> {
        let bytes =
            |range: &std::ops::Range<usize>| Cow::Borrowed(self.file.bytes.get(range.clone()).unwrap_or_default());
        let value = match &element.value {
            Value::Bytes(range) => OutValue::Bytes(bytes(range)),
            Value::Fragments(fragments) => OutValue::Fragments(fragments.iter().map(bytes).collect()),
            Value::Items(items) => {
                OutValue::Items(items.iter().map(|item| self.set(item, in_content, report)).collect())
            }
        };
        Out { tag: element.tag, vr: element.vr, value }
    }

    fn text(&self, element: &Element) -> String {
        let Value::Bytes(range) = &element.value else { return String::new() };
        let bytes = self.file.bytes.get(range.clone()).unwrap_or_default();
        self.file.charset.decode(bytes)
    }

    pub(super) fn new_uid(&self, uid: &str) -> String {
        let uid = uid.trim_matches([' ', '\0']);
        // UIDs of the standard itself name kinds of things, not things.
        let is_standard = uid.starts_with("1.2.840.10008.");
        if uid.is_empty() || is_standard || self.options.keep_uids { uid.to_owned() } else { self.key.uid(uid) }
    }

    /// Whether a private element is one of those that hold no identity, or the name of such a block.
    fn is_safe(&self, tag: Tag, set: &DataSet) -> bool {
        let block = if tag.1 < 0x100 { tag.1 } else { tag.1 >> 8 };
        let Some(creator) = set.get(Tag(tag.0, block)) else { return false };
        let creator = self.text(creator);
        let is_named = |(group, name, _): &&(u16, &str, &[u8])| *group == tag.0 && *name == creator;
        let Some((_, _, safe)) = SAFE.iter().find(is_named) else { return false };
        tag.1 < 0x100 || safe.contains(&(tag.1 as u8))
    }
}
