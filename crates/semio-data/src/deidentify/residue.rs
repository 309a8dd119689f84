//! The patient's name and numbers, sought where the table does not expect them.

use std::borrow::Cow;

use super::Report;
use crate::dicom::{
    DicomFile, Tag,
    write::{Out, OutValue},
};

/// Words and numbers of a file that say who the patient is.
pub(super) struct Identity(Vec<String>);

/// Names shorter than this occur in words that have nothing to do with them.
const SHORTEST_NAME: usize = 4;

impl Identity {
    pub(super) fn of(file: &DicomFile) -> Self {
        let attributes = file.attributes();
        let mut words: Vec<String> = vec![];
        if let Some(name) = &attributes.name {
            words.extend(name.split(['^', '=', ' ', ',']).map(str::to_lowercase));
        }
        words.extend(attributes.id.iter().map(|id| id.to_lowercase()));
        words.retain(|word| word.chars().count() >= SHORTEST_NAME);
        if let Some((year, month, day)) = attributes.birth_date {
            words.push(format!("{year:04}{month:02}{day:02}"));
        }
        // The pseudonyms of other programs say nothing.
        words.retain(|word| {
            !matches!(word.as_str(), "anonymous" | "anon" | "anonymized" | "unknown" | "none" | "patient")
        });
        Self(words)
    }

    /// Empties texts that still hold one of the words.
    pub(super) fn clear(&self, elements: &mut [Out], report: &mut Report) {
        if self.0.is_empty() {
            return;
        }
        for element in elements {
            match &mut element.value {
                OutValue::Items(items) => items.iter_mut().for_each(|item| self.clear(item, report)),
                // What was written anew holds nothing of the old.
                OutValue::Bytes(bytes @ Cow::Borrowed(_))
                    if is_text(element.tag, element.vr) && bytes.len() <= 1 << 20 =>
                {
                    let text = String::from_utf8_lossy(bytes).to_lowercase();
                    if self.0.iter().any(|word| text.contains(word.as_str())) {
                        *report.residue.entry(element.tag.to_string()).or_default() += 1;
                        *bytes = Cow::Owned(vec![]);
                    }
                }
                OutValue::Bytes(_) | OutValue::Fragments(_) => {}
            }
        }
    }
}

fn is_text(tag: Tag, vr: Option<[u8; 2]>) -> bool {
    // What a picture is and how it is coded holds numbers that may look like a patient's.
    let is_picture =
        tag.0 == 0x0028 || tag.0 == 0x7fe0 || matches!(tag, Tag(0x0008, 0x0005 | 0x0016 | 0x0100 | 0x0102));
    let vr_text = matches!(
        vr.as_ref(),
        None | Some(b"LO" | b"SH" | b"LT" | b"ST" | b"UT" | b"UC" | b"PN" | b"AE" | b"UN" | b"DA" | b"UR")
    );
    !is_picture && vr_text && tag != Tag(0x0010, 0x0010) && tag != Tag(0x0010, 0x0020)
}
