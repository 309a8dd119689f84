use super::{
    BurnedIn, DeidentifyError, Key, Options, Report,
    descent::Descent,
    pixels, representation,
    residue::Identity,
    text::{TextBox, find_text},
};
use crate::{
    dicom::{
        DicomFile, Tag, TransferSyntax,
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
pub fn deidentify(
    bytes: &[u8],
    options: Options,
    key: &Key,
    limits: &ReadLimits,
) -> Result<Deidentified, DeidentifyError> {
    let file = DicomFile::parse_deep(bytes, limits)?;
    if let Some(reason) = &file.note {
        return Err(DeidentifyError::Broken { reason: reason.clone() });
    }
    let attributes = file.attributes();
    let patient = attributes.id.clone().or_else(|| attributes.name.clone()).unwrap_or_default();
    let descent = Descent { file: &file, options, key, pseudonym: key.pseudonym(&patient), days: key.days(&patient) };
    let mut report = Report::default();
    let mut elements = descent.set(&file.data, false, &mut report);
    Identity::of(&file).clear(&mut elements, &mut report);

    let boxes = text_boxes(&file);
    report.text_boxes = boxes.len();
    report.burned_in = burned_in(&file, !boxes.is_empty());
    report.face = shows_a_head(&file);
    let mut encoding = file.encoding;
    let mut syntax = file.transfer_syntax().uid().to_owned();
    if options.black_out && !boxes.is_empty() {
        pixels::black_out(&file, &boxes, &mut elements)?;
        report.blacked_out = true;
        (encoding, syntax) = pixels::plain(encoding);
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
    let class = text(SOP_CLASS);
    let meta = Meta { sop_class: &class, sop_instance: &instance, syntax: &syntax };
    let bytes = write::file(&meta, &mut elements, encoding);
    Ok(Deidentified { bytes, pseudonym: descent.pseudonym.clone(), instance, report })
}

/// Sets what says that the file was de-identified, and how (PS3.3, C.12.1.1.1 and C.7.6.1; PS3.16, CID 7050).
fn mark(elements: &mut Vec<Out>, options: Options, report: &Report) {
    let own = [REMOVED, METHOD, METHOD_CODES, TEMPORAL];
    elements.retain(|element| !own.contains(&element.tag));
    let chosen = [
        (true, "113100", "Basic Application Confidentiality Profile"),
        (report.blacked_out, "113101", "Clean Pixel Data Option"),
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
        elements.push(Out::text(BURNED_IN, *b"CS", "NO"));
    }
    if report.face {
        elements.retain(|element| element.tag != FEATURES);
        elements.push(Out::text(FEATURES, *b"CS", "YES"));
    }
}

/// Text in the first and in the middle frame; none where there are no pixels, or pixels that cannot be read.
fn text_boxes(file: &DicomFile) -> Vec<TextBox> {
    let Ok(Some(layout)) = file.layout() else { return vec![] };
    let mut frames = vec![0, layout.frames / 2];
    frames.dedup();
    let mut boxes: Vec<TextBox> = vec![];
    for frame in frames {
        let found = file.image(frame).map(|image| find_text(&image)).unwrap_or_default();
        boxes.extend(found.into_iter().filter(|found| !boxes.contains(found)).collect::<Vec<_>>());
    }
    boxes
}

fn burned_in(file: &DicomFile, seen: bool) -> Vec<BurnedIn> {
    let attributes = file.attributes();
    let modality = attributes.modality.unwrap_or_default();
    let class = attributes.sop_class.unwrap_or_default();
    let conversion = file.text(CONVERSION).unwrap_or_default();
    // Ultrasound, endoscopy, photography, captured screens, digitised film: PS3.15, E.3.1 names such objects.
    let kind = matches!(modality.as_str(), "US" | "IVUS" | "ES" | "XC" | "GM" | "OP" | "SC" | "OT" | "DG" | "HC")
        || class.starts_with("1.2.840.10008.5.1.4.1.1.7")
        || matches!(conversion.as_str(), "DF" | "DV" | "SD" | "SI" | "DRW" | "WSD" | "SYN");
    let has_pixels = file.layout().is_ok_and(|layout| layout.is_some());
    [
        (attributes.burned_in == Some(true), BurnedIn::Tag),
        (kind && has_pixels && attributes.burned_in != Some(false), BurnedIn::Kind),
        (seen, BurnedIn::Pixels),
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
