//! The patient's name and numbers, sought where the table does not expect them.

use std::borrow::Cow;

use super::Report;
use crate::dicom::{
    DicomFile, Tag,
    dataset::{DataSet, Value},
    write::{Out, OutValue},
};

/// Words and numbers of a file that say who the patient is, in lower case.
pub(super) struct Identity {
    /// Long ones, found anywhere.
    anywhere: Vec<String>,
    /// Short ones, found as words of their own: Lee is no part of "sleep".
    alone: Vec<String>,
}

/// Words shorter than this occur in words that have nothing to do with them.
const SHORTEST: usize = 4;
/// The most words that are sought: no patient has more, and each is sought in each text.
const MOST: usize = 64;

/// What stands beside names, and what other programs put in place of them.
const NO_NAMES: [&str; 26] = [
    "anonymous",
    "anon",
    "anonymized",
    "anonymised",
    "unknown",
    "none",
    "patient",
    "removed",
    "test",
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "prof",
    "med",
    "herr",
    "frau",
    "mme",
    "mlle",
    "von",
    "van",
    "der",
    "jr",
    "sr",
    "iii",
];

const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const OTHER_IDS: Tag = Tag(0x0010, 0x1002);
/// Patient's names: own, others, at birth, mother's at birth.
const NAMES: [Tag; 4] = [PATIENT_NAME, Tag(0x0010, 0x1001), Tag(0x0010, 0x1005), Tag(0x0010, 0x1060)];
/// Numbers that stand for the patient: ids, accession, insurance, military, study, admission, visit, procedure, orders.
const NUMBERS: [Tag; 12] = [
    PATIENT_ID,
    Tag(0x0008, 0x0050),
    Tag(0x0010, 0x1000),
    Tag(0x0010, 0x1050),
    Tag(0x0010, 0x1090),
    Tag(0x0020, 0x0010),
    Tag(0x0038, 0x0010),
    Tag(0x0038, 0x0060),
    Tag(0x0040, 0x1001),
    Tag(0x0040, 0x2016),
    Tag(0x0040, 0x2017),
    Tag(0x0010, 0x2154),
];

impl Identity {
    pub(super) fn of(file: &DicomFile) -> Self {
        let mut found = Self { anywhere: vec![], alone: vec![] };
        for tag in NAMES {
            let name = file.text(tag).unwrap_or_default();
            name.split(['^', '=', ' ', ',', '\\']).for_each(|word| found.add(word, 2));
        }
        for tag in NUMBERS {
            file.text(tag).unwrap_or_default().split('\\').for_each(|number| found.add(number, 3));
        }
        for item in others(&file.data) {
            if let Some(Value::Bytes(range)) = item.get(PATIENT_ID).map(|e| &e.value) {
                let bytes = file.bytes.get(range.clone()).unwrap_or_default();
                found.add(&file.charset.decode(&bytes[..bytes.len().min(64)]), 3);
            }
        }
        if let Some((year, month, day)) = file.attributes().birth_date {
            found.add(&format!("{year:04}{month:02}{day:02}"), 8);
        }
        found
    }

    /// Takes a word in, where it is long enough to say anything. Words of other scripts say more with fewer letters.
    fn add(&mut self, word: &str, shortest: usize) {
        let word = word.trim().to_lowercase();
        let (letters, is_ascii) = (word.chars().count(), word.is_ascii());
        let is_full = self.anywhere.len() + self.alone.len() >= MOST;
        let is_known = self.anywhere.contains(&word) || self.alone.contains(&word);
        if is_full || is_known || NO_NAMES.contains(&word.as_str()) || !word.chars().any(char::is_alphanumeric) {
            return;
        }
        if letters >= if is_ascii { SHORTEST } else { 2 } {
            self.anywhere.push(word);
        } else if letters >= if is_ascii { shortest } else { 1 } {
            self.alone.push(word);
        }
    }

    /// Whether a text holds one of the words.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        self.anywhere.iter().any(|word| text.contains(word.as_str()))
            || (!self.alone.is_empty() && words.any(|word| self.alone.iter().any(|short| short == word)))
    }

    /// Empties texts that still hold one of the words.
    pub(super) fn clear(&self, file: &DicomFile, elements: &mut [Out], report: &mut Report) {
        if self.anywhere.is_empty() && self.alone.is_empty() {
            return;
        }
        for element in elements {
            match &mut element.value {
                OutValue::Items(items) => items.iter_mut().for_each(|item| self.clear(file, item, report)),
                // What was written anew holds nothing of the old.
                OutValue::Bytes(bytes @ Cow::Borrowed(_)) if is_text(element.tag, element.vr) => {
                    // By the file's character set, and as UTF-8, which is written under any.
                    let is_in = self.is_in(&file.charset.decode(bytes))
                        || (!bytes.is_ascii() && self.is_in(&String::from_utf8_lossy(bytes)));
                    if is_in {
                        *report.residue.entry(element.tag.to_string()).or_default() += 1;
                        *bytes = Cow::Owned(vec![]);
                    }
                }
                OutValue::Bytes(_) | OutValue::Fragments(_) => {}
            }
        }
    }
}

/// The items with the patient's other ids.
fn others(data: &DataSet) -> &[DataSet] {
    match data.get(OTHER_IDS).map(|e| &e.value) {
        Some(Value::Items(items)) => &items[..items.len().min(MOST)],
        _ => &[],
    }
}

fn is_text(tag: Tag, vr: Option<[u8; 2]>) -> bool {
    // What a picture is and how it is coded holds numbers that may look like a patient's: of its group only what says that
    // it is a text is one.
    let is_picture = tag.0 == 0x7fe0 || matches!(tag, Tag(0x0008, 0x0005 | 0x0016 | 0x0100 | 0x0102));
    let is_nameless = tag.0 == 0x0028 && matches!(vr.as_ref(), None | Some(b"UN"));
    let is_number = is_nameless && !matches!(tag.1, 0x1054 | 0x1055 | 0x3003);
    let is_text = matches!(
        vr.as_ref(),
        None | Some(b"LO" | b"SH" | b"LT" | b"ST" | b"UT" | b"UC" | b"PN" | b"AE" | b"UN" | b"DA" | b"DT" | b"UR")
    );
    is_text && !is_picture && !is_number && tag != PATIENT_NAME && tag != PATIENT_ID
}
