//! Synthetic pictures as DICOM objects: X-rays as CR, head slices as MR, blood cells as Secondary Capture.
//!
//! Grey pictures take 12 of 16 bits with a window over all of them, so that a reader that drops the window sees
//! something else. Everything about the patient is drawn from the patient's number and says that it is made up.

use std::borrow::Cow;

use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
use semio_image::{Image, Samples};
use sha2::{Digest, Sha256};

use super::{Format, Job, SynthOptions, SynthSample};
use crate::dicom::{
    Tag, TransferSyntax,
    dataset::Encoding,
    write::{Meta, Out, OutValue, file},
};

const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";

/// The modules of one kind of object.
enum Kind {
    Cr,
    Mr,
    Sc,
}

impl Kind {
    fn of(job: Job) -> Self {
        match job {
            Job::Pneumonia | Job::Covid => Self::Cr,
            Job::BrainTumor | Job::Ms => Self::Mr,
            Job::Leukemia => Self::Sc,
        }
    }

    fn sop_class(&self) -> &'static str {
        match self {
            Self::Cr => "1.2.840.10008.5.1.4.1.1.1",
            Self::Mr => "1.2.840.10008.5.1.4.1.1.4",
            Self::Sc => "1.2.840.10008.5.1.4.1.1.7",
        }
    }
}

/// One picture as a file, or why it cannot be one.
pub(super) fn encode(
    options: &SynthOptions,
    index: usize,
    sample: &SynthSample,
    format: Format,
) -> Result<Vec<u8>, image::ImageError> {
    let kind = Kind::of(options.job);
    let uid = |what: &str, name: &str| uid(&format!("{what} {} {} {} {name}", options.job, options.seed, options.size));
    let number = (index + 1).to_string();
    let mut elements = vec![
        Out::text(Tag(0x0008, 0x0016), *b"UI", kind.sop_class()),
        Out::text(Tag(0x0008, 0x0018), *b"UI", &uid("image", &number)),
        Out::text(Tag(0x0020, 0x000d), *b"UI", &uid("study", &sample.group)),
        Out::text(Tag(0x0020, 0x000e), *b"UI", &uid("series", &sample.group)),
        Out::text(Tag(0x0020, 0x0013), *b"IS", &number),
    ];
    common(&mut elements, sample);
    match kind {
        Kind::Cr => computed_radiography(&mut elements),
        Kind::Mr => magnetic_resonance(&mut elements, options, index, &uid("frame", &sample.group)),
        Kind::Sc => {
            elements.push(Out::text(Tag(0x0008, 0x0060), *b"CS", "SM"));
            elements.push(Out::text(Tag(0x0008, 0x0064), *b"CS", "WSD"));
            elements.push(Out::text(Tag(0x0020, 0x0020), *b"CS", ""));
            elements.push(Out::text(Tag(0x0020, 0x0060), *b"CS", ""));
        }
    }
    let syntax = pixels(&mut elements, &sample.image, format)?;
    let instance = uid("image", &number);
    let meta = Meta { sop_class: kind.sop_class(), sop_instance: &instance, syntax };
    Ok(file(&meta, &mut elements, Encoding { explicit: true, big_endian: false }))
}

/// Patient, study, series, equipment and what all pictures have.
fn common(elements: &mut Vec<Out>, sample: &SynthSample) {
    let draw = Sha256::digest(sample.group.as_bytes());
    let (sex, age) = (if draw[0].is_multiple_of(2) { "F" } else { "M" }, 20 + draw[1] % 70);
    for (tag, vr, text) in [
        (Tag(0x0008, 0x0008), b"CS", "DERIVED\\PRIMARY"),
        (Tag(0x0008, 0x0020), b"DA", "20200101"),
        (Tag(0x0008, 0x0030), b"TM", "120000"),
        (Tag(0x0008, 0x0050), b"SH", ""),
        (Tag(0x0008, 0x0070), b"LO", "Semio, synthetic"),
        (Tag(0x0008, 0x0090), b"PN", ""),
        (Tag(0x0010, 0x0010), b"PN", &*format!("SYNTHETIC^{}", sample.group)),
        (Tag(0x0010, 0x0020), b"LO", &*sample.group),
        (Tag(0x0010, 0x0030), b"DA", ""),
        (Tag(0x0010, 0x0040), b"CS", sex),
        (Tag(0x0010, 0x1010), b"AS", &*format!("{age:03}Y")),
        (Tag(0x0020, 0x0010), b"SH", "1"),
        (Tag(0x0020, 0x0011), b"IS", "1"),
        (Tag(0x0028, 0x0301), b"CS", "NO"),
    ] {
        elements.push(Out::text(tag, *vr, text));
    }
}

fn computed_radiography(elements: &mut Vec<Out>) {
    for (tag, vr, text) in [
        (Tag(0x0008, 0x0060), b"CS", "CR"),
        (Tag(0x0018, 0x0015), b"CS", "CHEST"),
        (Tag(0x0018, 0x5101), b"CS", "PA"),
        (Tag(0x0018, 0x1164), b"DS", "2\\2"),
        (Tag(0x0020, 0x0020), b"CS", "L\\F"),
    ] {
        elements.push(Out::text(tag, *vr, text));
    }
}

fn magnetic_resonance(elements: &mut Vec<Out>, options: &SynthOptions, index: usize, frame: &str) {
    // A head of 22 cm fills the picture.
    let spacing = format!("{:.4}", 220.0 / options.size as f64);
    for (tag, vr, text) in [
        (Tag(0x0008, 0x0060), b"CS", "MR"),
        (Tag(0x0018, 0x0015), b"CS", "BRAIN"),
        (Tag(0x0018, 0x0020), b"CS", "SE"),
        (Tag(0x0018, 0x0021), b"CS", "NONE"),
        (Tag(0x0018, 0x0022), b"CS", ""),
        (Tag(0x0018, 0x0023), b"CS", "2D"),
        (Tag(0x0018, 0x0050), b"DS", "5"),
        (Tag(0x0018, 0x0080), b"DS", "2000"),
        (Tag(0x0018, 0x0081), b"DS", "20"),
        (Tag(0x0018, 0x0091), b"IS", "1"),
        (Tag(0x0018, 0x5100), b"CS", "HFS"),
        (Tag(0x0020, 0x0032), b"DS", &*format!("-110\\-110\\{}", index % 1000)),
        (Tag(0x0020, 0x0037), b"DS", "1\\0\\0\\0\\1\\0"),
        (Tag(0x0020, 0x0052), b"UI", frame),
        (Tag(0x0020, 0x1040), b"LO", ""),
        (Tag(0x0028, 0x0030), b"DS", &*format!("{spacing}\\{spacing}")),
    ] {
        elements.push(Out::text(tag, *vr, text));
    }
    // The first value of Image Type, and what MR asks for as the third.
    elements.retain(|element| element.tag != Tag(0x0008, 0x0008));
    elements.push(Out::text(Tag(0x0008, 0x0008), *b"CS", "DERIVED\\PRIMARY\\OTHER"));
}

/// Sets the pixels and what describes them; gives the transfer syntax.
fn pixels(elements: &mut Vec<Out>, image: &Image, format: Format) -> Result<&'static str, image::ImageError> {
    let Samples::U8(samples) = image.samples() else { unreachable!("synthetic pictures have 8 bits a sample") };
    let channels = image.color().channels();
    let (width, height) = (image.width() as u32, image.height() as u32);
    let is_jpeg = format == Format::DicomJpeg;
    let deep = channels == 1 && !is_jpeg;
    let (allocated, stored) = if deep { (16, 12) } else { (8, 8) };
    let photometric = match (channels, is_jpeg) {
        (1, _) => "MONOCHROME2",
        // PS3.5, 8.2.1 names this one for JPEG; how far colour differences are halved, here not at all, the stream says.
        (_, true) => "YBR_FULL_422",
        (_, false) => "RGB",
    };
    elements.push(Out::shorts(Tag::SAMPLES, &[channels as u16]));
    elements.push(Out::text(Tag::PHOTOMETRIC, *b"CS", photometric));
    if channels == 3 {
        elements.push(Out::shorts(Tag::PLANAR, &[0]));
    }
    elements.push(Out::shorts(Tag::ROWS, &[height as u16]));
    elements.push(Out::shorts(Tag::COLUMNS, &[width as u16]));
    elements.push(Out::shorts(Tag::BITS_ALLOCATED, &[allocated]));
    elements.push(Out::shorts(Tag::BITS_STORED, &[stored]));
    elements.push(Out::shorts(Tag::HIGH_BIT, &[stored - 1]));
    elements.push(Out::shorts(Tag::SIGNED, &[0]));
    if channels == 1 {
        let (center, width) = if deep { ("2048", "4096") } else { ("128", "256") };
        elements.push(Out::text(Tag::WINDOW_CENTER, *b"DS", center));
        elements.push(Out::text(Tag::WINDOW_WIDTH, *b"DS", width));
    }
    // 255 becomes 4095: the upper bits once more below.
    let values: Vec<u16> = samples.iter().map(|&v| (u16::from(v) << 4) | u16::from(v >> 4)).collect();
    let (syntax, vr, value) = match format {
        Format::DicomJpeg => {
            let color = if channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
            let mut jpeg = vec![];
            JpegEncoder::new_with_quality(&mut jpeg, 95).write_image(samples, width, height, color)?;
            let ratio = format!("{:.2}", samples.len() as f64 / jpeg.len() as f64);
            elements.push(Out::text(Tag::LOSSY, *b"CS", "01"));
            elements.push(Out::text(Tag(0x0028, 0x2112), *b"DS", &ratio));
            elements.push(Out::text(Tag(0x0028, 0x2114), *b"CS", "ISO_10918_1"));
            (JPEG, *b"OB", OutValue::Fragments(vec![Cow::Owned(vec![]), Cow::Owned(jpeg)]))
        }
        Format::DicomRle => {
            let planes: Vec<Vec<u8>> = if deep {
                [8, 0].map(|shift| values.iter().map(|v| (v >> shift) as u8).collect()).to_vec()
            } else {
                (0..channels).map(|c| samples.iter().skip(c).step_by(channels).copied().collect()).collect()
            };
            let frame = rle(&planes, width as usize);
            (RLE, *b"OB", OutValue::Fragments(vec![Cow::Owned(vec![]), Cow::Owned(frame)]))
        }
        Format::Dicom | Format::Png if deep => {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            (TransferSyntax::EXPLICIT, *b"OW", OutValue::Bytes(Cow::Owned(bytes)))
        }
        Format::Dicom | Format::Png => (TransferSyntax::EXPLICIT, *b"OB", OutValue::Bytes(Cow::Owned(samples.clone()))),
    };
    elements.push(Out { tag: Tag::PIXELS, vr: Some(vr), value });
    Ok(syntax)
}

/// A frame of run lengths (PS3.5, annex G): a header with where each plane of bytes begins, then the planes row by row.
fn rle(planes: &[Vec<u8>], width: usize) -> Vec<u8> {
    let mut header = vec![planes.len() as u32];
    let mut body: Vec<u8> = vec![];
    for plane in planes {
        header.push(64 + body.len() as u32);
        plane.chunks(width).for_each(|row| pack(row, &mut body));
        if !body.len().is_multiple_of(2) {
            body.push(0);
        }
    }
    header.resize(16, 0);
    header.iter().flat_map(|v| v.to_le_bytes()).chain(body).collect()
}

/// One row as runs of equal bytes and stretches of others, 128 at most each.
fn pack(row: &[u8], out: &mut Vec<u8>) {
    let run = |at: usize| row[at..].iter().take(128).take_while(|&&v| v == row[at]).count();
    let mut at = 0;
    while at < row.len() {
        let equal = run(at);
        if equal >= 2 {
            out.extend([(257 - equal) as u8, row[at]]);
            at += equal;
            continue;
        }
        let mut end = at + 1;
        while end < row.len() && end - at < 128 && run(end) < 3 {
            end += 1;
        }
        out.push((end - at - 1) as u8);
        out.extend_from_slice(&row[at..end]);
        at = end;
    }
}

/// A UID that stands for a text (PS3.5, B.2).
fn uid(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!("2.25.{}", u128::from_be_bytes(std::array::from_fn(|i| digest[i])))
}
