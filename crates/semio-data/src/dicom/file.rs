use std::{borrow::Cow, path::Path, sync::OnceLock};

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::{
    DicomError, Tag, TransferSyntax,
    dataset::{self, DataSet, Encoding},
    text::Charset,
};
use crate::raster::{ReadError, ReadLimits, read_bytes};

const LITTLE_EXPLICIT: Encoding = Encoding { explicit: true, big_endian: false };

/// How far a deflated data set may grow whatever its size, and by which factor beyond; never further than a file may be
/// long that is not deflated ([`ReadLimits::max_file_bytes`]).
const INFLATED_BYTES: usize = 128 << 20;
const INFLATED_TIMES: usize = 64;

/// A DICOM file whose data elements are known; pixels are decoded when they are asked for.
#[derive(Debug)]
pub struct DicomFile<'a> {
    /// The bytes that the elements' ranges mean: the file's, or the inflated data set's.
    pub(crate) bytes: Cow<'a, [u8]>,
    pub(crate) encoding: Encoding,
    pub(crate) data: DataSet,
    pub(crate) charset: Charset,
    pub(super) limits: ReadLimits,
    /// What was wrong without making the file useless.
    pub(crate) note: Option<String>,
    /// Which fragment each frame begins with, once somebody asked; `None` in it where nothing tells.
    pub(super) starts: OnceLock<Option<Vec<usize>>>,
    syntax: TransferSyntax,
}

impl DicomFile<'static> {
    /// Reads one file.
    ///
    /// # Errors
    /// [`ReadError`] names the file and says what is wrong with it.
    pub fn open(path: &Path, limits: &ReadLimits) -> Result<Self, ReadError> {
        let read = || Ok(DicomFile::of(read_bytes(path, limits)?, limits)?);
        read().map_err(|reason| ReadError::new(path, reason))
    }

    /// As [`Self::parse`], and keeps the content.
    pub(crate) fn of(bytes: Vec<u8>, limits: &ReadLimits) -> Result<Self, DicomError> {
        Self::new(Cow::Owned(bytes), limits, false)
    }
}

impl<'a> DicomFile<'a> {
    /// Reads the data elements of a file's content.
    ///
    /// Files without preamble or without meta information are read too; how they are coded is then told from their
    /// first element. A file that ends early gives what it holds ([`Self::notes`]).
    ///
    /// # Errors
    /// [`DicomError::NotDicom`]; [`DicomError::Limit`] where elements are too many or too deep in each other, or a
    /// deflated file grows too much; [`DicomError::Broken`] where it cannot be inflated.
    pub fn parse(bytes: &'a [u8], limits: &ReadLimits) -> Result<Self, DicomError> {
        Self::new(Cow::Borrowed(bytes), limits, false)
    }

    /// The same, and looks for sequences that the file does not name as such: nothing in them may be passed over.
    pub(crate) fn parse_deep(bytes: &'a [u8], limits: &ReadLimits) -> Result<Self, DicomError> {
        Self::new(Cow::Borrowed(bytes), limits, true)
    }

    fn new(bytes: Cow<'a, [u8]>, limits: &ReadLimits, deep: bool) -> Result<Self, DicomError> {
        if !looks_like_dicom(&bytes) {
            return Err(DicomError::NotDicom);
        }
        let start = match () {
            () if is_mark(&bytes, 128) => 132,
            () if is_mark(&bytes, 0) => 4,
            () => 0,
        };
        let (meta, at) = dataset::read_group(&bytes, start, 0x0002, LITTLE_EXPLICIT);
        let uid = match meta.get(Tag::TRANSFER_SYNTAX).map(|e| &e.value) {
            Some(dataset::Value::Bytes(range)) => String::from_utf8_lossy(&bytes[range.clone()]).into_owned(),
            _ => String::new(),
        };
        let uid = uid.trim_matches([' ', '\0']);
        let (bytes, at) = match uid {
            TransferSyntax::DEFLATED => (Cow::Owned(inflate(&bytes[at..], limits)?), 0),
            _ => (bytes, at),
        };
        // What else was put in between nobody knows: nothing of such a file is taken for a picture.
        let shifted = !is_marked(&bytes) && !is_data_set(&bytes) && is_shifted(&bytes);
        let at = if shifted { bytes.len() } else { at };
        let encoding = match uid {
            "" => guess(&bytes[at..]),
            TransferSyntax::BIG_ENDIAN => Encoding { explicit: has_vr(&bytes[at..], true), big_endian: true },
            // Some writers forget what they announced: the first element tells.
            _ => Encoding { explicit: has_vr(&bytes[at..], uid != TransferSyntax::IMPLICIT), big_endian: false },
        };
        let assumed = match encoding {
            Encoding { big_endian: true, .. } => TransferSyntax::BIG_ENDIAN,
            Encoding { explicit: true, .. } => TransferSyntax::EXPLICIT,
            Encoding { .. } => TransferSyntax::IMPLICIT,
        };
        let syntax = TransferSyntax::of(if uid.is_empty() { assumed } else { uid });
        let (data, note) = dataset::read(&bytes, at, encoding, deep)?;
        let note = note.or(shifted.then(|| "a blank stands before the first data element; nothing was read".into()));
        let charset = match data.get(Tag::CHARACTER_SET).map(|e| &e.value) {
            Some(dataset::Value::Bytes(range)) => Charset::of(&bytes[range.clone()]),
            _ => Charset::of(&[]),
        };
        Ok(Self { bytes, encoding, data, charset, limits: *limits, note, starts: OnceLock::new(), syntax })
    }

    /// The number of frames as the file says it, 1 where it says none.
    pub(crate) fn said_frames(&self) -> u32 {
        self.number(&self.data, Tag::FRAMES).map_or(1, |said| said.clamp(1.0, f64::from(u32::MAX)) as u32)
    }

    /// Refuses a file that says it has more frames than bytes: nobody is to ask for each of two thousand million frames.
    pub(crate) fn check_frames(&self) -> Result<(), DicomError> {
        let (frames, bytes) = (self.said_frames(), self.bytes.len());
        if frames as usize <= bytes {
            return Ok(());
        }
        let (what, limit) = (format!("{frames} frames"), format!("one for each of its {bytes} bytes"));
        Err(DicomError::Limit { what, limit })
    }

    /// Whether the number of frames would have come by now, where only the beginning of a file is read.
    pub(crate) fn is_past_frames(&self) -> bool {
        self.data.elements().iter().any(|element| element.tag > Tag::FRAMES)
    }

    /// How elements and pixels are coded; told from the first element where the file does not say it.
    pub fn transfer_syntax(&self) -> &TransferSyntax {
        &self.syntax
    }

    /// What is unusual about the file, in words: faults that leave it readable, and what is not shown.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.note.iter().cloned().collect();
        // PS3.3, C.9.2: repeating groups 6000 to 60FE.
        let is_overlay = |tag: Tag| tag.0 & 0xff01 == 0x6000 && tag.1 == 0x0010;
        let overlays = self.data.elements().iter().filter(|e| is_overlay(e.tag)).count();
        if overlays > 0 {
            notes.push(format!("overlays are not drawn ({overlays})"));
        }
        let supplemental = self.data.get(Tag::RED_DESCRIPTOR).is_some();
        if supplemental && self.layout().is_ok_and(|l| l.is_some_and(|l| l.photometric != super::Photometric::Palette))
        {
            notes.push("the supplemental palette is not applied".into());
        }
        notes
    }
}

/// Whether a content is a DICOM file: by its mark, or, without one, by a first element as such files begin with.
pub fn looks_like_dicom(bytes: &[u8]) -> bool {
    is_marked(bytes) || is_data_set(bytes) || is_shifted(bytes)
}

/// Whether a stray blank stands before the first element.
fn is_shifted(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b" ").is_some_and(is_data_set)
}

fn is_data_set(bytes: &[u8]) -> bool {
    let [g0, g1, e0, e1, v0, v1, l0, l1, ..] = *bytes else { return false };
    let group = [u16::from_le_bytes([g0, g1]), u16::from_be_bytes([g0, g1])];
    let element = u16::from_le_bytes([e0, e1]);
    let little = group[0] == 0x0008 || (group[0] == 0x0002 && element <= 0x0016);
    let big = group[1] == 0x0008;
    // Texts and numbers at the beginning of a file are short.
    let length = u32::from_le_bytes([v0, v1, l0, l1]);
    (little || big) && (VR.contains(&[v0, v1]) || (little && length <= 256))
}

/// Whether a content has the mark of a DICOM file behind its preamble, which may begin like any other file.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    is_mark(bytes, 128) || is_mark(bytes, 0)
}

fn is_mark(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..at + 4) == Some(b"DICM")
}

/// The value representations of PS3.5, 6.2.
pub(super) const VR: [[u8; 2]; 34] = [
    *b"AE", *b"AS", *b"AT", *b"CS", *b"DA", *b"DS", *b"DT", *b"FD", *b"FL", *b"IS", *b"LO", *b"LT", *b"OB", *b"OD",
    *b"OF", *b"OL", *b"OV", *b"OW", *b"PN", *b"SH", *b"SL", *b"SQ", *b"SS", *b"ST", *b"SV", *b"TM", *b"UC", *b"UI",
    *b"UL", *b"UN", *b"UR", *b"US", *b"UT", *b"UV",
];

/// Whether the first element has a value representation; `otherwise` where there is no element.
fn has_vr(data: &[u8], otherwise: bool) -> bool {
    match data.get(4..6) {
        Some(&[a, b]) => VR.contains(&[a, b]) || (otherwise && a.is_ascii_uppercase() && b.is_ascii_uppercase()),
        _ => otherwise,
    }
}

fn guess(data: &[u8]) -> Encoding {
    // Groups at the beginning of a data set are small numbers.
    let big_endian = matches!(data, [a, b, ..] if u16::from_be_bytes([*a, *b]) < u16::from_le_bytes([*a, *b]));
    Encoding { explicit: has_vr(data, false), big_endian }
}

fn inflate(data: &[u8], limits: &ReadLimits) -> Result<Vec<u8>, DicomError> {
    let most = usize::try_from(limits.max_file_bytes).unwrap_or(usize::MAX);
    let limit = INFLATED_BYTES.max(data.len().saturating_mul(INFLATED_TIMES)).min(most);
    decompress_to_vec_with_limit(data, limit).map_err(|error| {
        if error.status == miniz_oxide::inflate::TINFLStatus::HasMoreOutput {
            let (what, limit) = ("more bytes when inflated".into(), format!("{limit} bytes"));
            return DicomError::Limit { what, limit };
        }
        let syntax = TransferSyntax::of(TransferSyntax::DEFLATED);
        DicomError::Broken { syntax, reason: "the data set cannot be inflated".into() }
    })
}
