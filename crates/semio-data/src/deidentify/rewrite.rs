use std::{
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
};

use sha2::{Digest, Sha256};

use super::{
    BurnedIn, DeidentifyError, Key, Options, Report,
    descent::{Descent, Place},
    pixels::{self, Search},
    representation,
    residue::Identity,
    values::is_uid,
};
use crate::{
    dicom::{
        Attributes, DicomFile, Tag, TransferSyntax,
        dataset::Value,
        write::{self, Meta, Out, OutValue},
    },
    raster::ReadLimits,
};

const SOP_CLASS: Tag = Tag(0x0008, 0x0016);
const SOP_INSTANCE: Tag = Tag(0x0008, 0x0018);
const CONVERSION: Tag = Tag(0x0008, 0x0064);
const REMOVED: Tag = Tag(0x0012, 0x0062);
const METHOD: Tag = Tag(0x0012, 0x0063);
const METHOD_CODES: Tag = Tag(0x0012, 0x0064);
const BURNED_IN: Tag = Tag(0x0028, 0x0301);
const FEATURES: Tag = Tag(0x0028, 0x0302);
const TEMPORAL: Tag = Tag(0x0028, 0x0303);

/// A file without what says who the patient is.
pub struct Deidentified {
    /// The new file.
    pub bytes: Vec<u8>,
    /// The patient's new id.
    pub pseudonym: String,
    /// The new SOP Instance UID.
    pub instance: String,
    /// What was done.
    pub report: Report,
}

/// De-identifies one DICOM file's content.
///
/// # Errors
/// [`DeidentifyError::Dicom`] where it is no DICOM file, [`DeidentifyError::Broken`] where it is cut short: what a
/// reader passes over could hold a name. [`DeidentifyError::Pixels`] where text is to be blacked out and cannot be.
/// [`DeidentifyError::Panicked`] where the program fails: one file out of 100,000 that finds a way must not end the run.
pub fn deidentify(
    bytes: &[u8],
    options: Options,
    key: &Key,
    limits: &ReadLimits,
) -> Result<Deidentified, DeidentifyError> {
    let made = catch_unwind(AssertUnwindSafe(|| rewrite(bytes, options, key, limits)));
    made.unwrap_or(Err(DeidentifyError::Panicked))
}

fn rewrite(bytes: &[u8], options: Options, key: &Key, limits: &ReadLimits) -> Result<Deidentified, DeidentifyError> {
    let file = DicomFile::parse_deep(bytes, limits)?;
    if let Some(reason) = &file.note {
        return Err(DeidentifyError::Broken { reason: reason.clone() });
    }
    let patient = patient(&file.attributes(), bytes);
    let identity = Identity::of(&file);
    let (pseudonym, days) = (key.pseudonym(&patient), key.days(&patient));
    let descent = Descent { file: &file, options, key, pseudonym, days, identity: &identity };
    let mut report = Report::default();
    let mut elements = descent.set(&file.data, Place::default(), &mut report);
    identity.clear(&file, &mut elements, &mut report);

    let search = Search::of(&file);
    report.text_boxes = search.boxes.len();
    report.burned_in = burned_in(&file, &search);
    report.face = shows_a_head(&file);
    let mut encoding = file.encoding;
    let mut syntax = file.transfer_syntax().uid().to_owned();
    if options.black_out && !search.boxes.is_empty() {
        pixels::black_out(&file, &search.boxes, &mut elements)?;
        report.blacked_out = true;
        (encoding, syntax) = pixels::plain(encoding);
    }
    // What announces the coding is written again, and must be no words.
    if !is_uid(&syntax) {
        syntax = pixels::plain(encoding).1;
    }
    if syntax == TransferSyntax::DEFLATED {
        TransferSyntax::EXPLICIT.clone_into(&mut syntax);
    }
    // A file that announced another coding than it has is now announced as what it is. Where pixels are coded, the
    // announcement says how, and stays.
    match (encoding.explicit, syntax.as_str()) {
        (false, TransferSyntax::EXPLICIT) => TransferSyntax::IMPLICIT.clone_into(&mut syntax),
        (true, TransferSyntax::IMPLICIT) => TransferSyntax::EXPLICIT.clone_into(&mut syntax),
        _ => {}
    }
    mark(&mut elements, options, &report);
    if !encoding.explicit && elements.iter().any(|element| matches!(element.value, OutValue::Fragments(_))) {
        representation::state(&mut elements);
        encoding.explicit = true;
    }

    let text = |tag| file.text(tag).unwrap_or_default();
    let instance = descent.new_uid(&text(SOP_INSTANCE));
    let class = Some(text(SOP_CLASS)).filter(|class| is_uid(class)).unwrap_or_default();
    let meta = Meta { sop_class: &class, sop_instance: &instance, syntax: &syntax };
    let bytes = write::file(&meta, &mut elements, encoding);
    Ok(Deidentified { bytes, pseudonym: descent.pseudonym.clone(), instance, report })
}

/// What tells one patient from others: the id, else the name, else the study. Patients without all three share nothing
/// but their lack, and a pseudonym or a number of days for all of them would say that they are one.
fn patient(attributes: &Attributes, bytes: &[u8]) -> String {
    let told = |text: &Option<String>| text.clone().filter(|text| text.chars().any(char::is_alphanumeric));
    let uid = |what: &str, uid: &Option<String>| told(uid).map(|uid| format!("{what} {uid}"));
    let content = || {
        Sha256::digest(bytes).iter().fold("content ".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    told(&attributes.id)
        .or_else(|| told(&attributes.name))
        .or_else(|| uid("study", &attributes.study_uid))
        .or_else(|| uid("object", &attributes.instance_uid))
        .unwrap_or_else(content)
}

/// Sets what says that the file was de-identified, and how (PS3.3, C.12.1.1.1 and C.7.6.1; PS3.16, CID 7050).
fn mark(elements: &mut Vec<Out>, options: Options, report: &Report) {
    let own = [REMOVED, METHOD, METHOD_CODES, TEMPORAL];
    // Lines that were found are black in any case; only where all frames were looked through is nothing said to be left.
    let unsearched = report.burned_in.contains(&BurnedIn::Unsearched);
    let is_clean = report.blacked_out && !unsearched;
    elements.retain(|element| !own.contains(&element.tag));
    let chosen = [
        (true, "113100", "Basic Application Confidentiality Profile"),
        (is_clean, "113101", "Clean Pixel Data Option"),
        (options.clean_descriptors, "113105", "Clean Descriptors Option"),
        (options.shift_dates, "113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
        (options.keep_characteristics, "113108", "Retain Patient Characteristics Option"),
        (options.keep_device, "113109", "Retain Device Identity Option"),
        (options.keep_uids, "113110", "Retain UIDs Option"),
        (options.keep_safe_private, "113111", "Retain Safe Private Option"),
    ];
    let codes = chosen.into_iter().filter(|(on, ..)| *on).map(|(_, value, meaning)| {
        vec![
            Out::text(Tag(0x0008, 0x0100), *b"SH", value),
            Out::text(Tag(0x0008, 0x0102), *b"SH", "DCM"),
            Out::text(Tag(0x0008, 0x0104), *b"LO", meaning),
        ]
    });
    elements.push(Out::items(METHOD_CODES, codes.collect()));
    elements.push(Out::text(REMOVED, *b"CS", "YES"));
    elements.push(Out::text(METHOD, *b"LO", concat!("Semio ", env!("CARGO_PKG_VERSION"), ", PS3.15 2024e annex E")));
    elements.push(Out::text(TEMPORAL, *b"CS", if options.shift_dates { "MODIFIED" } else { "REMOVED" }));
    if report.blacked_out {
        elements.retain(|element| element.tag != BURNED_IN);
        elements.push(Out::text(BURNED_IN, *b"CS", if is_clean { "NO" } else { "YES" }));
    }
    if report.face {
        elements.retain(|element| element.tag != FEATURES);
        elements.push(Out::text(FEATURES, *b"CS", "YES"));
    }
}

fn burned_in(file: &DicomFile, search: &Search) -> Vec<BurnedIn> {
    let attributes = file.attributes();
    let modality = attributes.modality.unwrap_or_default();
    let class = attributes.sop_class.unwrap_or_default();
    let conversion = file.text(CONVERSION).unwrap_or_default();
    // Ultrasound, endoscopy, photography, captured screens, digitised film: PS3.15, E.3.1 names such objects.
    let kind = matches!(modality.as_str(), "US" | "IVUS" | "ES" | "XC" | "GM" | "OP" | "SC" | "OT" | "DG" | "HC")
        || class.starts_with("1.2.840.10008.5.1.4.1.1.7")
        || matches!(conversion.as_str(), "DF" | "DV" | "SD" | "SI" | "DRW" | "WSD" | "SYN");
    // Pixels whose layout makes no sense here are there all the same.
    let has_pixels = file.layout() != Ok(None);
    [
        (attributes.burned_in == Some(true), BurnedIn::Tag),
        (kind && has_pixels && attributes.burned_in != Some(false), BurnedIn::Kind),
        (!search.boxes.is_empty(), BurnedIn::Pixels),
        (!search.is_whole, BurnedIn::Unsearched),
    ]
    .into_iter()
    .filter(|(on, _)| *on)
    .map(|(_, why)| why)
    .collect()
}

/// Whether a scan may hold the surface of a face: slices of the head (PS3.15, E.3.2).
fn shows_a_head(file: &DicomFile) -> bool {
    let attributes = file.attributes();
    let sliced = matches!(attributes.modality.as_deref(), Some("MR" | "CT" | "PT" | "NM"));
    let described = [Tag(0x0018, 0x0015), Tag(0x0008, 0x1030), Tag(0x0008, 0x103e), Tag(0x0018, 0x1030)];
    let words = described.iter().filter_map(|&tag| file.text(tag)).collect::<Vec<_>>().join(" ").to_lowercase();
    let head = [
        "head", "brain", "skull", "face", "facial", "cereb", "neuro", "sinus", "orbit", "cranium", "kopf", "tete",
        "crane",
    ];
    let has_pixels = file.data.get(Tag(0x7fe0, 0x0010)).is_some_and(|e| !matches!(e.value, Value::Items(_)));
    sliced && has_pixels && head.iter().any(|word| words.contains(word))
}
