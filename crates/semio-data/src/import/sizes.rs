use std::path::Path;

use image::{ImageFormat, ImageReader};

use super::{Kind, finding::Findings};
use crate::{ReadLimits, dicom::DicomFile};

/// What a picture's header says.
pub(super) struct Sizes {
    /// Columns and rows; `None` where the header cannot be read.
    pub(super) pixels: Option<(usize, usize)>,
    /// The format's usual name.
    pub(super) format: Option<&'static str>,
}

/// A picture and its mask.
pub(super) struct MaskCheck<'a> {
    pub(super) name: &'a str,
    pub(super) mask: &'a Path,
}

impl Sizes {
    pub(super) fn of(file: &Path) -> Self {
        let reader = ImageReader::open(file).and_then(ImageReader::with_guessed_format);
        let Ok(reader) = reader else { return Self { pixels: None, format: None } };
        let format = match reader.format() {
            Some(ImageFormat::Png) => "PNG",
            Some(ImageFormat::Jpeg) => "JPEG",
            Some(ImageFormat::Bmp) => "BMP",
            Some(ImageFormat::Tiff) => "TIFF",
            _ => return Self::of_dicom(file),
        };
        let pixels = reader.into_dimensions().ok().map(|(width, height)| (width as usize, height as usize));
        Self { pixels, format: Some(format) }
    }

    fn of_dicom(file: &Path) -> Self {
        let layout = DicomFile::open(file, &ReadLimits::default()).ok().and_then(|file| file.layout().ok().flatten());
        let format = layout.is_some().then_some("DICOM");
        Self { pixels: layout.map(|layout| (layout.columns as usize, layout.rows as usize)), format }
    }

    /// Notes a mask of another size than this picture's.
    pub(super) fn check_mask(&self, check: &MaskCheck, findings: &mut Findings) {
        let mask = Self::of(check.mask);
        match (self.pixels, mask.pixels) {
            (Some(picture), Some(mask)) if picture != mask => {
                let text = format!(
                    "masks are of {} × {} pixels, their pictures of {} × {}: they are resized beside them",
                    mask.0, mask.1, picture.0, picture.1
                );
                // A mask of another shape shows another part of the body.
                let (a, b) = (picture.0 * mask.1, picture.1 * mask.0);
                if a.abs_diff(b) * 50 > a.max(b) {
                    let text = text.replace(": they are resized beside them", ", another ratio of sides");
                    findings.add(Kind::Contradiction, &text, check.name);
                } else {
                    findings.add(Kind::MaskSize, &text, check.name);
                }
            }
            (_, None) => findings.add(Kind::NotAPicture, "masks cannot be read", check.name),
            _ => {}
        }
    }
}
