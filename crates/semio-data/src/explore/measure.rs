use semio_image::{Color, Filter, Image, Samples};

use crate::{
    dicom::{DicomFile, is_marked, looks_like_dicom},
    likeness::Fingerprint,
    manifest::Sample,
    raster::{DecodeError, ReadLimits, ReadOptions, decode_image_with, read_bytes},
};

/// Side of the small picture that pictures of a class are compared by.
pub(super) const LOOK: usize = 8;

/// What is kept of one picture.
pub(super) struct Measured {
    pub(super) format: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) channels: u8,
    pub(super) bits: u8,
    pub(super) brightness: f32,
    pub(super) contrast: f32,
    /// Grey levels of 8 × 8 cells about their mean.
    pub(super) look: [i8; LOOK * LOOK],
    pub(super) fingerprint: Fingerprint,
    pub(super) sex: Option<char>,
    pub(super) age: Option<f32>,
    pub(super) view: Option<Box<str>>,
    pub(super) manufacturer: Option<Box<str>>,
    pub(super) burned_in: bool,
    /// Whether the file has several frames, and no one chose this one.
    pub(super) first_of_several: bool,
}

/// Reads and measures one picture; `with` sees the decoded picture.
pub(super) fn measure(sample: &Sample, limits: &ReadLimits, with: impl FnOnce(&Image)) -> Result<Measured, String> {
    let read = || -> Result<Measured, DecodeError> {
        let bytes = read_bytes(&sample.file, limits)?;
        if !(is_marked(&bytes) || (image::guess_format(&bytes).is_err() && looks_like_dicom(&bytes))) {
            let image = decode_image_with(&bytes, limits, &ReadOptions { frame: sample.frame, enough: None })?;
            with(&image);
            return Ok(of(&image, format(&bytes), stored_bits(&image)));
        }
        let dicom = DicomFile::parse(&bytes, limits)?;
        let image = dicom.image(sample.frame.map_or(0, |frame| frame.get() - 1))?;
        let layout = dicom.layout()?;
        let bits = layout.as_ref().map_or(0, |layout| layout.bits_stored);
        with(&image);
        let attributes = dicom.attributes();
        Ok(Measured {
            sex: attributes.sex.map(crate::dicom::Sex::letter),
            age: attributes.age.map(|age| age.years() as f32),
            view: attributes.view.map(Into::into),
            manufacturer: attributes.manufacturer.map(Into::into),
            burned_in: attributes.burned_in == Some(true),
            first_of_several: sample.frame.is_none() && layout.is_some_and(|layout| layout.frames > 1),
            ..of(&image, "DICOM", bits)
        })
    };
    read().map_err(|error| error.to_string())
}

fn of(image: &Image, format: &'static str, bits: u8) -> Measured {
    let grey = image.to_u8().to_color(Color::Grey);
    let (brightness, contrast) = tone(&grey);
    Measured {
        format,
        width: image.width() as u32,
        height: image.height() as u32,
        channels: image.color().channels() as u8,
        bits,
        brightness,
        contrast,
        look: look(&grey),
        fingerprint: Fingerprint::with_grey(image, &grey),
        sex: None,
        age: None,
        view: None,
        manufacturer: None,
        burned_in: false,
        first_of_several: false,
    }
}

/// Mean and standard deviation of the greys, 0 to 1.
fn tone(grey: &Image) -> (f32, f32) {
    let Samples::U8(samples) = grey.samples() else { return (0.0, 0.0) };
    let (mut sum, mut squares) = (0u64, 0u64);
    for &v in samples {
        sum += u64::from(v);
        squares += u64::from(v) * u64::from(v);
    }
    let n = samples.len() as f64;
    let mean = sum as f64 / n;
    let variance = (squares as f64 / n - mean * mean).max(0.0);
    ((mean / 255.0) as f32, (variance.sqrt() / 255.0) as f32)
}

fn look(grey: &Image) -> [i8; LOOK * LOOK] {
    let small = grey.resize(LOOK, LOOK, Filter::Bilinear).map(Image::into_samples);
    let Ok(Samples::U8(samples)) = small else { return [0; LOOK * LOOK] };
    let mean = samples.iter().map(|&v| i32::from(v)).sum::<i32>() / samples.len() as i32;
    std::array::from_fn(|i| (i32::from(samples[i]) - mean).clamp(-127, 127) as i8)
}

fn stored_bits(image: &Image) -> u8 {
    match image.samples() {
        Samples::U8(_) => 8,
        Samples::U16(_) => 16,
        Samples::F32(_) => 32,
    }
}

fn format(bytes: &[u8]) -> &'static str {
    match image::guess_format(bytes) {
        Ok(image::ImageFormat::Png) => "PNG",
        Ok(image::ImageFormat::Jpeg) => "JPEG",
        Ok(image::ImageFormat::Bmp) => "BMP",
        _ => "TIFF",
    }
}
