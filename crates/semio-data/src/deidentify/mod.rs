//! DICOM files without what says who the patient is (PS3.15, annex E).
//!
//! The Basic Application Level Confidentiality Profile, with the options in [`Options`], applied by the standard's own
//! table (`profile.tsv`). Sequences are followed. New identities are derived from the old ones under a secret [`Key`]: the
//! same patient, study and image keep belonging together, in one run and across runs, and nobody without the key can
//! find the way back.
//!
//! What the table does not reach is sought afterwards: text values that still hold the patient's name or numbers are
//! emptied, text that stands in the pixels is looked for ([`find_text`]), and head scans, from which a face could be
//! computed, are marked.

mod descent;
mod error;
mod folder;
mod key;
mod pixels;
mod profile;
mod representation;
mod residue;
mod rewrite;
mod safe;
mod text;
mod values;

use std::collections::BTreeMap;

use serde::Serialize;

pub use error::DeidentifyError;
pub use folder::{FileReport, FolderReport, deidentify_folder};
pub use key::Key;
pub use rewrite::{Deidentified, deidentify};
pub use text::{TextBox, find_text};

/// The options of PS3.15, annex E.3, that may be chosen beside the basic profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the standard, on or off")]
pub struct Options {
    /// Retain Longitudinal Temporal Information with Modified Dates: dates go back by a number of days that is secret
    /// and the same for all of a patient's files; times of day stay.
    pub shift_dates: bool,
    /// Retain Patient Characteristics: age, sex, size, weight and the like.
    pub keep_characteristics: bool,
    /// Retain UIDs.
    pub keep_uids: bool,
    /// Retain Device Identity; names in the network (AE titles) get others all the same, as the standard asks.
    pub keep_device: bool,
    /// Clean Descriptors: descriptions keep words of radiology and short numbers, and lose all others.
    pub clean_descriptors: bool,
    /// Retain Safe Private: numbers and terms in private attributes that the standard lists as safe (PS3.15, table
    /// E.3.10-1) stay.
    pub keep_safe_private: bool,
    /// Clean Pixel Data: what looks like text in the pixels is blacked out, and the pixels are then stored uncompressed.
    pub black_out: bool,
}

/// What was done to one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Attributes that went, by tag.
    pub removed: BTreeMap<String, usize>,
    /// Attributes that lost their value.
    pub emptied: BTreeMap<String, usize>,
    /// Attributes that got another value.
    pub replaced: BTreeMap<String, usize>,
    /// UIDs that got another one.
    pub uids: usize,
    /// Dates that were shifted.
    pub dates: usize,
    /// Texts that were cleaned.
    pub cleaned: usize,
    /// Private attributes that went.
    pub private: usize,
    /// Attributes outside of the table that still held the patient's name or numbers, and were emptied.
    pub residue: BTreeMap<String, usize>,
    /// Why text may stand in the pixels; empty where nothing speaks for it.
    pub burned_in: Vec<BurnedIn>,
    /// Boxes of the pixels that look like text.
    pub text_boxes: usize,
    /// Whether they were blacked out.
    pub blacked_out: bool,
    /// Whether a face could be computed from the scan.
    pub face: bool,
}

/// Why text may stand in the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BurnedIn {
    /// The file says so: Burned In Annotation (0028,0301).
    Tag,
    /// Pictures of this modality or kind usually have it: ultrasound, photographs, captured screens, digitised film.
    Kind,
    /// Something in the pixels looks like text.
    Pixels,
    /// Pixels that cannot be decoded, or more than are looked through, may hold anything.
    Unsearched,
}

impl Report {
    /// Whether somebody must look at the pixels before the file is passed on: text is announced, usual or seen, and is
    /// still there, or nobody can tell.
    pub fn needs_a_look(&self) -> bool {
        !self.burned_in.is_empty() && (!self.blacked_out || self.burned_in.contains(&BurnedIn::Unsearched))
    }

    fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.removed, &other.removed),
            (&mut self.emptied, &other.emptied),
            (&mut self.replaced, &other.replaced),
            (&mut self.residue, &other.residue),
        ];
        for (all, one) in pairs {
            for (tag, n) in one {
                *all.entry(tag.clone()).or_default() += n;
            }
        }
        self.uids += other.uids;
        self.dates += other.dates;
        self.cleaned += other.cleaned;
        self.private += other.private;
        self.text_boxes += other.text_boxes;
    }
}
