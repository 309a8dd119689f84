//! A file that came in, opened: what it shows, and what it says of its patient.

use chrono::NaiveDate;
use semio_data::{
    ReadLimits,
    dicom::{Attributes, DicomFile, looks_like_dicom},
    raster::{DecodeError, decode_image},
};
use semio_image::{Color, Display, Image, Modality, Samples, View, WindowFunction};
use serde::Serialize;

use crate::store::entity::patient::Sex;

/// What is read of one file at most.
pub(crate) const LIMITS: ReadLimits =
    ReadLimits { max_side: 16_384, max_pixels: 100_000_000, max_file_bytes: 512 << 20 };

/// A file's facts.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) size: usize,
    pub(crate) media_type: &'static str,
    pub(crate) frames: u32,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// What a DICOM file says; `None` for other pictures.
    pub(crate) attributes: Option<Attributes>,
}

impl Opened {
    /// Opens a file's bytes: its first frame is decoded, so that what cannot be read is refused before it is kept.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, DecodeError> {
        let image = decode_image(bytes, &LIMITS)?;
        let (width, height) = (image.width(), image.height());
        if !looks_like_dicom(bytes) {
            let size = bytes.len();
            return Ok(Self { size, media_type: media_type(bytes), frames: 1, width, height, attributes: None });
        }
        let file = DicomFile::parse(bytes, &LIMITS)?;
        let frames = file.layout()?.map_or(1, |layout| layout.frames);
        let attributes = Some(file.attributes());
        Ok(Self { size: bytes.len(), media_type: "application/dicom", frames, width, height, attributes })
    }
}

/// One frame of a file.
pub(crate) fn frame(bytes: &[u8], frame: u32) -> Result<Image, DecodeError> {
    frame_for(bytes, frame, None)
}

/// One frame of a file, in the resolution that is enough for a model's pipeline.
pub(crate) fn frame_for(bytes: &[u8], frame: u32, enough: Option<(usize, usize)>) -> Result<Image, DecodeError> {
    if looks_like_dicom(bytes) {
        return Ok(DicomFile::parse(bytes, &LIMITS)?.image_reduced(frame, enough)?);
    }
    decode_image(bytes, &LIMITS)
}

fn media_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', ..] => "image/png",
        [0xff, 0xd8, ..] => "image/jpeg",
        [b'B', b'M', ..] => "image/bmp",
        _ => "image/tiff",
    }
}

/// What a file says of its patient, in the records' terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) family_name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) sex: Option<Sex>,
    pub(crate) birth_date: Option<NaiveDate>,
    pub(crate) taken_on: Option<NaiveDate>,
}

impl Claims {
    pub(crate) fn of(attributes: &Attributes) -> Self {
        // PS3.5, 6.2.1.1: alphabetic, ideographic and phonetic spelling; family, given, middle, prefix, suffix.
        let spelling = attributes.name.as_deref().and_then(|name| name.split('=').next()).unwrap_or_default();
        let mut parts = spelling.split('^').map(|part| part.trim().to_owned());
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let day = |(year, month, day): (u16, u8, u8)| {
            NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day))
        };
        Self {
            family_name: part(),
            given_name: part(),
            id: attributes.id.clone(),
            sex: attributes.sex.map(|sex| match sex {
                semio_data::dicom::Sex::Female => Sex::Female,
                semio_data::dicom::Sex::Male => Sex::Male,
                semio_data::dicom::Sex::Other => Sex::Other,
            }),
            birth_date: attributes.birth_date.and_then(day),
            taken_on: attributes.taken_on.and_then(day),
        }
    }
}

/// What the viewer needs to know before it asks for pixels.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ViewFacts {
    pub(crate) frames: u32,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) samples: u8,
    pub(crate) bits: u8,
    pub(crate) signed: bool,
    pub(crate) pixels: String,
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    pub(crate) windows: Vec<Window>,
    pub(crate) function: &'static str,
    pub(crate) inverted: bool,
    pub(crate) padding: Option<f64>,
    pub(crate) unit: Option<String>,
    pub(crate) modality: Option<String>,
    pub(crate) spacing: Option<(f64, f64)>,
    pub(crate) orientation: Option<Vec<String>>,
    pub(crate) lossy: bool,
    pub(crate) overlay: Option<serde_json::Value>,
}

/// A way to look at values.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Window {
    pub(crate) name: Option<String>,
    pub(crate) center: f64,
    pub(crate) width: f64,
}

/// What the viewer needs to know of a file.
pub(crate) fn view_facts(bytes: &[u8], pixels: String) -> Result<ViewFacts, DecodeError> {
    let image = frame(bytes, 0)?;
    let (samples, _) = viewer_samples(&image);
    let mut facts = ViewFacts {
        frames: 1,
        rows: image.height(),
        columns: image.width(),
        samples: if image.color() == Color::Rgb { 3 } else { 1 },
        bits: if matches!(samples, Raw::U8(_)) { 8 } else { 16 },
        signed: matches!(samples, Raw::I16(_)),
        pixels,
        slope: 1.0,
        intercept: 0.0,
        windows: vec![],
        function: "linear",
        inverted: false,
        padding: None,
        unit: None,
        modality: None,
        spacing: None,
        orientation: None,
        lossy: bytes.starts_with(&[0xff, 0xd8]),
        overlay: None,
    };
    if let Some(display) = image.display() {
        if let (Modality::Rescale { slope, intercept }, false) = (&display.modality, values_are_applied(display)) {
            (facts.slope, facts.intercept) = (*slope, *intercept);
        }
        facts.inverted = display.inverted;
        facts.padding = display.padding.map(|(low, _)| low);
        for view in &display.views {
            if let View::Window { center, width, function } = view {
                facts.function = match function {
                    WindowFunction::Linear => "linear",
                    WindowFunction::LinearExact => "linear_exact",
                    WindowFunction::Sigmoid => "sigmoid",
                };
                facts.windows.push(Window { name: None, center: *center, width: *width });
            }
        }
    }
    if looks_like_dicom(bytes) {
        let file = DicomFile::parse(bytes, &LIMITS)?;
        let layout = file.layout()?;
        let attributes = file.attributes();
        facts.frames = layout.as_ref().map_or(1, |layout| layout.frames);
        if let Some(layout) = &layout {
            let names = file.views(layout, 0).into_iter().filter(|(view, _)| matches!(view, View::Window { .. }));
            for (window, (_, name)) in facts.windows.iter_mut().zip(names) {
                window.name = name;
            }
        }
        facts.unit = attributes.unit;
        facts.modality = attributes.modality;
        facts.spacing = attributes.spacing.map(|spacing| spacing.mm);
        facts.orientation = attributes.orientation.as_deref().and_then(letters);
        facts.lossy = attributes.lossy.unwrap_or(false);
    }
    Ok(facts)
}

/// Left, right, top and bottom of a picture whose rows and columns run as Patient Orientation says (`L\F`).
fn letters(orientation: &str) -> Option<Vec<String>> {
    let (row, column) = orientation.split_once('\\')?;
    let opposite = |text: &str| {
        text.trim()
            .chars()
            .map(|c| match c {
                'L' => 'R',
                'R' => 'L',
                'A' => 'P',
                'P' => 'A',
                'H' => 'F',
                'F' => 'H',
                other => other,
            })
            .collect::<String>()
    };
    let (right, bottom) = (row.trim().to_owned(), column.trim().to_owned());
    (!right.is_empty() && !bottom.is_empty()).then(|| vec![opposite(&right), right, opposite(&bottom), bottom])
}

/// Samples in one of the forms that the viewer takes.
enum Raw {
    U8(Vec<u8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
}

/// Whether samples go to the viewer with their modality transform applied: tables and real values, which it has no
/// other way to show.
fn values_are_applied(display: &Display) -> bool {
    matches!(display.modality, Modality::Table(_))
}

/// The samples, and whether real values were brought to whole ones.
fn viewer_samples(image: &Image) -> (Raw, bool) {
    let display = image.display();
    let table = display.filter(|d| values_are_applied(d));
    let whole = |value: f64| value.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16;
    match (image.samples(), display, table) {
        (Samples::U8(v), _, Some(d)) => (Raw::I16(v.iter().map(|s| whole(d.value(f64::from(*s)))).collect()), false),
        (Samples::U16(v), _, Some(d)) => (Raw::I16(v.iter().map(|s| whole(d.value(f64::from(*s)))).collect()), false),
        (Samples::U8(v), ..) => (Raw::U8(v.clone()), false),
        (Samples::U16(v), Some(d), None) if d.first < 0 => {
            (Raw::I16(v.iter().map(|s| whole(d.stored(f64::from(*s)))).collect()), false)
        }
        (Samples::U16(v), ..) => (Raw::U16(v.clone()), false),
        _ => (Raw::U8(bytes_of(image)), true),
    }
}

fn bytes_of(image: &Image) -> Vec<u8> {
    match image.to_u8().into_samples() {
        Samples::U8(samples) => samples,
        _ => unreachable!("8 bits were asked for"),
    }
}

/// A frame's samples as bytes, little endian.
pub(crate) fn raw_samples(image: &Image) -> Vec<u8> {
    match viewer_samples(image).0 {
        Raw::U8(samples) => samples,
        Raw::U16(samples) => samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
        Raw::I16(samples) => samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientation_names_the_four_sides() {
        assert_eq!(letters("L\\F"), Some(["R", "L", "H", "F"].map(String::from).to_vec()));
        assert_eq!(letters("A\\FR"), Some(["P", "A", "HL", "FR"].map(String::from).to_vec()));
        assert_eq!((letters("L"), letters("\\F")), (None, None));
    }
}
