//! What one picture file holds, without what says who the patient is.

use std::path::{Path, PathBuf};

use semio_image::{Image, Modality, View, WindowFunction};
use serde::Serialize;

use crate::{
    dicom::{DicomFile, Layout, Photometric, PixelDigest, Tag, is_marked, looks_like_dicom},
    raster::{DecodeError, ReadLimits, decode_image, read_bytes},
};

/// What a picture file holds; what is absent, or does not apply, is `None`.
///
/// The patient's name, id and birth date are not part of it.
#[derive(Serialize, Clone, Debug, Default)]
pub struct Inspection {
    /// The file.
    pub file: PathBuf,
    /// Whether it can be read; a DICOM object without pixels can.
    pub ok: bool,
    /// What is wrong.
    pub error: Option<String>,
    /// Whether it is a DICOM file.
    pub dicom: bool,
    /// Transfer Syntax UID.
    pub transfer_syntax: Option<String>,
    /// The transfer syntax's name.
    pub transfer_syntax_name: Option<&'static str>,
    /// Rows.
    pub rows: Option<u32>,
    /// Columns.
    pub columns: Option<u32>,
    /// Frames.
    pub frames: Option<u32>,
    /// Samples a pixel.
    pub samples: Option<u16>,
    /// What the samples mean, in DICOM's term.
    pub photometric: Option<&'static str>,
    /// Bits of a sample that are used.
    pub bits_stored: Option<u8>,
    /// Bits that a sample takes.
    pub bits_allocated: Option<u8>,
    /// Whether samples have a sign.
    pub signed: Option<bool>,
    /// The smallest stored value of all frames.
    pub min: Option<f64>,
    /// The largest stored value of all frames.
    pub max: Option<f64>,
    /// The first 16 hexadecimal digits of the hash that [`PixelDigest`] describes.
    pub pixel_sha256: Option<String>,
    /// Modality.
    pub modality: Option<String>,
    /// SOP Class UID.
    pub sop_class: Option<String>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Manufacturer's Model Name.
    pub model: Option<String>,
    /// Body Part Examined.
    pub body_part: Option<String>,
    /// View Position.
    pub view: Option<String>,
    /// Laterality.
    pub laterality: Option<char>,
    /// Patient Orientation.
    pub orientation: Option<String>,
    /// Patient's Sex.
    pub sex: Option<char>,
    /// Patient's Age in DICOM's form.
    pub age: Option<String>,
    /// Patient's Age in years.
    pub age_years: Option<f64>,
    /// Millimetres from row to row and from column to column.
    pub spacing_mm: Option<(f64, f64)>,
    /// Whether that is the distance in the patient, or else on the detector.
    pub spacing_in_patient: Option<bool>,
    /// What stored values mean, in the first frame.
    pub values: Option<String>,
    /// The ways in which the first frame can be looked at.
    pub views: Vec<String>,
    /// The first and the last stored value that fill the frame around the picture.
    pub padding: Option<(f64, f64)>,
    /// The character sets of the file's texts, as it names them.
    pub character_set: Option<String>,
    /// Whether the pixels say who the patient is, as far as the file tells.
    pub burned_in: Option<bool>,
    /// Whether the pixels ever went through a lossy compression, as far as the file tells.
    pub lossy: Option<bool>,
    /// What is unusual.
    pub notes: Vec<String>,
}

impl Inspection {
    /// Looks into one file.
    pub fn of(file: &Path, limits: &ReadLimits) -> Self {
        let mut found = Self { file: file.to_owned(), ..Self::default() };
        let result = read_bytes(file, limits).and_then(|bytes| {
            // As every other command tells the formats apart.
            found.dicom = is_marked(&bytes) || (image::guess_format(&bytes).is_err() && looks_like_dicom(&bytes));
            if found.dicom {
                found.dicom(&DicomFile::parse(&bytes, limits)?)
            } else {
                decode_image(&bytes, limits).map(|image| found.picture(&image))
            }
        });
        match result {
            Ok(()) => found.ok = true,
            Err(error) => found.error = Some(error.to_string()),
        }
        found
    }

    fn dicom(&mut self, file: &DicomFile) -> Result<(), DecodeError> {
        let attributes = file.attributes();
        self.transfer_syntax = Some(file.transfer_syntax().uid().to_owned());
        self.transfer_syntax_name = Some(file.transfer_syntax().name());
        self.modality = attributes.modality;
        self.sop_class = attributes.sop_class;
        self.manufacturer = attributes.manufacturer;
        self.model = attributes.model;
        self.body_part = attributes.body_part;
        self.view = attributes.view;
        self.laterality = attributes.laterality;
        self.orientation = attributes.orientation;
        self.sex = attributes.sex.map(crate::dicom::Sex::letter);
        self.age = attributes.age.map(|age| age.to_string());
        self.age_years = attributes.age.map(|age| (age.years() * 100.0).round() / 100.0);
        self.spacing_mm = attributes.spacing.map(|s| s.mm);
        self.spacing_in_patient = attributes.spacing.map(|s| s.in_patient);
        // Terms of the standard; what is none may be anything, and is not repeated.
        let is_term = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | ' ' | '\\');
        self.character_set = file.text(Tag::CHARACTER_SET).filter(|set| set.chars().all(is_term));
        self.burned_in = attributes.burned_in;
        self.lossy = attributes.lossy;
        self.notes = file.notes();
        let Some(layout) = file.layout()? else {
            self.notes.push("the object holds no pixels".into());
            return Ok(());
        };
        self.layout(&layout);
        if layout.photometric.is_grey() {
            self.padding = file.padding(&layout);
            let unit = attributes.unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
            self.values = Some(format!("{}{unit}", transform(&file.modality(&layout, 0))));
            self.views = file.views(&layout, 0).iter().map(|(view, name)| describe(view, name.as_deref())).collect();
        }
        // A picture must come of it, too: the palette may be missing.
        if layout.photometric == Photometric::Palette {
            file.image(0)?;
        }
        let digest = file.digest()?;
        self.digest(&digest);
        Ok(())
    }

    fn layout(&mut self, layout: &Layout) {
        self.rows = Some(layout.rows);
        self.columns = Some(layout.columns);
        self.frames = Some(layout.frames);
        self.samples = Some(layout.samples);
        self.photometric = Some(layout.photometric.term());
        self.bits_stored = Some(layout.bits_stored);
        self.bits_allocated = Some(layout.bits_allocated);
        self.signed = Some(layout.signed || layout.real);
    }

    fn digest(&mut self, digest: &PixelDigest) {
        self.min = Some(digest.min).filter(|v| v.is_finite());
        self.max = Some(digest.max).filter(|v| v.is_finite());
        self.pixel_sha256 = Some(digest.short());
    }

    fn picture(&mut self, image: &Image) {
        let bits = match image.samples() {
            semio_image::Samples::U8(_) => 8,
            semio_image::Samples::U16(_) => 16,
            semio_image::Samples::F32(_) => 32,
        };
        self.rows = Some(image.height() as u32);
        self.columns = Some(image.width() as u32);
        self.frames = Some(1);
        self.samples = Some(image.color().channels() as u16);
        self.bits_stored = Some(bits);
        self.bits_allocated = Some(bits);
        self.signed = Some(bits == 32);
        self.digest(&PixelDigest::of(image));
    }
}

fn transform(modality: &Modality) -> String {
    match modality {
        Modality::Rescale { slope: 1.0, intercept: 0.0 } => "as stored".into(),
        Modality::Rescale { slope, intercept } => format!("{slope} × stored + {intercept}"),
        Modality::Table(lut) => format!("a table of {} entries", lut.len()),
    }
}

fn describe(view: &View, name: Option<&str>) -> String {
    let name = name.map(|name| format!(" \"{name}\"")).unwrap_or_default();
    match view {
        View::Window { center, width, function } => {
            let function = match function {
                WindowFunction::Linear => "LINEAR",
                WindowFunction::LinearExact => "LINEAR_EXACT",
                WindowFunction::Sigmoid => "SIGMOID",
            };
            format!("window {center} / {width} {function}{name}")
        }
        View::Table(lut) => format!("table of {} entries{name}", lut.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::{
        dataset::Encoding,
        write::{Meta, Out, file},
    };

    #[test]
    fn padding_and_character_set_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let inspect = |set: &str, padding: &[Out<'static>]| {
            let mut elements = vec![
                Out::text(Tag::CHARACTER_SET, *b"CS", set),
                Out::shorts(Tag::SAMPLES, &[1]),
                Out::text(Tag::PHOTOMETRIC, *b"CS", "MONOCHROME2"),
                Out::shorts(Tag::ROWS, &[1]),
                Out::shorts(Tag::COLUMNS, &[2]),
                Out::shorts(Tag::BITS_ALLOCATED, &[16]),
                Out::shorts(Tag::PIXELS, &[7, 9]),
            ];
            elements.extend_from_slice(padding);
            let meta = Meta { sop_class: "", sop_instance: "", syntax: "1.2.840.10008.1.2.1" };
            let path = folder.path().join("a.dcm");
            let bytes = file(&meta, &mut elements, Encoding { explicit: true, big_endian: false });
            std::fs::write(&path, bytes).expect("written");
            let found = Inspection::of(&path, &ReadLimits::default());
            assert!(found.ok, "{:?}", found.error);
            (found.padding, found.character_set)
        };
        assert_eq!(inspect("ISO_IR 100", &[]), (None, Some("ISO_IR 100".into())));
        let range = [Out::shorts(Tag::PADDING, &[10]), Out::shorts(Tag::PADDING_LIMIT, &[4])];
        assert_eq!(inspect("\\ISO 2022 IR 87", &range), (Some((4.0, 10.0)), Some("\\ISO 2022 IR 87".into())));
        assert_eq!(inspect("Jane Roe", &range[..1]), (Some((10.0, 10.0)), None));
    }
}
