//! DICOM files made here: what is read tolerantly, what is refused, and that nothing panics.

#![expect(clippy::unwrap_used, reason = "tests")]

mod dicom_file;

use std::time::Instant;

use dicom_file::{EXPLICIT, RLE, Writer, fragments, item, words};
use dicom_toolkit_jpeg2000::{EncodeOptions, encode, encode_htj2k};
use proptest::prelude::*;
use semio_data::{
    ReadLimits, decode_image,
    dicom::{Age, DicomError, DicomFile, Sex, Values},
};
use semio_image::{Depth, Pipeline, Samples, Step, View, WindowFunction};

/// A grey picture of 3 × 2 pixels with 12 of 16 bits.
fn grey() -> Writer {
    Writer::default()
        .text(0x0008, 0x0060, "CS", "CT")
        .text(0x0010, 0x0010, "PN", "Nobody^Really")
        .text(0x0010, 0x0040, "CS", "f")
        .text(0x0010, 0x1010, "AS", "51")
        .short(0x0028, 0x0002, 1)
        .text(0x0028, 0x0004, "CS", "MONOCHROME2")
        .short(0x0028, 0x0010, 2)
        .short(0x0028, 0x0011, 3)
        .short(0x0028, 0x0100, 16)
        .short(0x0028, 0x0101, 12)
        .short(0x0028, 0x0102, 11)
        .short(0x0028, 0x0103, 0)
        .text(0x0028, 0x1050, "DS", r"40\0")
        .text(0x0028, 0x1051, "DS", r"400\100")
        .text(0x0028, 0x1052, "DS", "-1024")
        .text(0x0028, 0x1053, "DS", "1")
}

/// An RLE frame of 2 × 3 pixels, all of them 7, in a fragment; `end` is what follows it.
fn coded(end: &[u8]) -> Vec<u8> {
    let frame = [&[2, 0, 0, 0, 64, 0, 0, 0, 66, 0, 0, 0][..], &[0; 52], &[251, 0, 251, 7]].concat();
    let pixels = [&[0xe0, 0x7f, 0x10, 0x00, b'O', b'B', 0, 0, 0xff, 0xff, 0xff, 0xff][..], &item(&[]), &item(&frame)];
    [grey().file(RLE), pixels.concat(), end.to_vec()].concat()
}

#[test]
fn coded_pixels_without_their_end_mark_are_none() {
    let limits = ReadLimits::default();
    let whole = coded(&[0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    assert_eq!(DicomFile::parse(&whole, &limits).unwrap().frame(0).unwrap().values, Values::U16(vec![7; 6]));
    let cut = coded(&[]);
    let file = DicomFile::parse(&cut, &limits).unwrap();
    assert_eq!(file.layout(), Ok(None));
    assert!(file.notes()[0].contains("ends early"));
    assert!(matches!(file.frame(0), Err(DicomError::CutShort { .. })));
}

#[test]
fn a_file_that_begins_with_a_blank_is_read_without_its_content() {
    let bytes = [b" ".to_vec(), grey().element(0x7fe0, 0x0010, "OW", &words(&STORED)).0].concat();
    let file = DicomFile::parse(&bytes, &ReadLimits::default()).unwrap();
    assert_eq!(file.layout(), Ok(None));
    assert!(file.notes()[0].contains("blank"));
    assert!(
        matches!(decode_image(&bytes, &ReadLimits::default()), Err(error) if error.to_string().contains("no pixels"))
    );
}

const STORED: [u16; 6] = [0, 864, 1064, 1264, 2000, 4095];

fn whole() -> Vec<u8> {
    grey().element(0x7fe0, 0x0010, "OW", &words(&STORED)).file(EXPLICIT)
}

/// Pixels in one fragment.
fn fragment(frame: &[u8]) -> Vec<u8> {
    fragments(&[item(&[]), item(frame)])
}

fn parse(bytes: &[u8]) -> Result<DicomFile<'_>, DicomError> {
    DicomFile::parse(bytes, &ReadLimits::default())
}

/// A slope of 64 × 48 pixels in JPEG 2000, and what stands beside its pixels.
fn slope(high_throughput: bool, with: impl Fn(Writer) -> Writer) -> Vec<u8> {
    let values: Vec<u16> = (0..48).flat_map(|y| (0..64).map(move |x| 40 * x + 20 * y)).collect();
    let encode = if high_throughput { encode_htj2k } else { encode };
    let coded = encode(&words(&values), 64, 48, 1, 12, false, &EncodeOptions::default()).unwrap();
    let grey = Writer::default()
        .short(0x0028, 0x0002, 1)
        .text(0x0028, 0x0004, "CS", "MONOCHROME2")
        .short(0x0028, 0x0010, 48)
        .short(0x0028, 0x0011, 64)
        .short(0x0028, 0x0100, 16)
        .short(0x0028, 0x0101, 12)
        .short(0x0028, 0x0102, 11)
        .short(0x0028, 0x0103, 0);
    let syntax = if high_throughput { "1.2.840.10008.1.2.4.201" } else { "1.2.840.10008.1.2.4.90" };
    [with(grey).file(syntax), fragment(&coded)].concat()
}

#[test]
fn jpeg_2000_comes_in_the_resolution_that_is_enough() {
    for high_throughput in [false, true] {
        let bytes = slope(high_throughput, |w| w);
        let file = parse(&bytes).unwrap();
        for (enough, size) in [
            (None, (64, 48)),
            (Some((33, 10)), (64, 48)),
            (Some((32, 24)), (32, 24)),
            (Some((10, 10)), (16, 12)),
            (Some((1, 1)), (2, 2)),
            (Some((5000, 5000)), (64, 48)),
        ] {
            let image = file.image_reduced(0, enough).unwrap();
            assert_eq!((image.width(), image.height()), size, "{enough:?}, high throughput: {high_throughput}");
            let Samples::U16(samples) = image.samples() else { panic!("{:?}", image.samples()) };
            // The first sample of a reduced row stands where the whole picture's first one does.
            let step = 64 / size.0;
            for (i, sample) in samples.iter().enumerate().filter(|_| size.0 > 2) {
                let (x, y) = (i % size.0 * step, i / size.0 * step);
                assert!(sample.abs_diff((40 * x + 20 * y) as u16) <= 60, "{sample} at {x}, {y} of {size:?}");
            }
        }
        assert_eq!(file.frame(0).unwrap().values.len(), 64 * 48);
    }
}

#[test]
fn what_cannot_be_averaged_comes_whole() {
    let padded = slope(false, |w| w.short(0x0028, 0x0120, 0));
    let image = parse(&padded).unwrap().image_reduced(0, Some((8, 8))).unwrap();
    assert_eq!((image.width(), image.height()), (64, 48));
    let native = whole();
    let image = parse(&native).unwrap().image_reduced(0, Some((1, 1))).unwrap();
    assert_eq!((image.width(), image.height()), (3, 2));
}

#[test]
fn attributes_are_read_as_they_are_meant_and_values_as_they_are_stored() {
    let bytes = whole();
    let file = parse(&bytes).unwrap();
    let attributes = file.attributes();
    assert_eq!(attributes.age, Some(Age { count: 51, unit: 'Y' }));
    assert_eq!((attributes.sex, attributes.modality.as_deref()), (Some(Sex::Female), Some("CT")));
    assert_eq!(attributes.name.as_deref(), Some("Nobody^Really"));
    assert!(!format!("{attributes:?}").contains("Nobody"), "a patient's name in a log");
    assert_eq!(file.frame(0).unwrap().values, Values::U16(STORED.to_vec()));
    assert_eq!(file.frame(1).unwrap_err(), DicomError::NoFrame { frame: 1, frames: 1 });
}

#[test]
fn the_pipeline_says_which_view_the_model_sees() {
    let image = decode_image(&whole(), &ReadLimits::default()).unwrap();
    let display = image.display().unwrap();
    assert!((display.value(1064.0) - 40.0).abs() < 1e-9);
    let window = View::Window { center: 40.0, width: 400.0, function: WindowFunction::Linear };
    assert_eq!((display.views.len(), &display.views[0]), (2, &window));
    let see = |range| {
        let steps = Pipeline::standard(3, 2, semio_image::Color::Grey).steps().to_vec();
        let steps = steps.into_iter().map(|s| if let Step::Depth { .. } = s { Step::Depth { range } } else { s });
        let prepared = Pipeline::new(steps.collect()).unwrap().prepare(&image).unwrap();
        match prepared.samples() {
            Samples::U16(v) => v.iter().map(|v| (f64::from(*v) / 65_535.0 * 1000.0).round() as i32).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    // PS3.3, C.11.2.1.2.1: ((x − (c − 0.5)) / (w − 1) + 0.5) with c = 40, w = 400 and x = −160, 40, 240.
    assert_eq!(see(Depth::Full), [0, 0, 501, 1000, 1000, 1000]);
    assert_eq!(see(Depth::View { number: 2 }), [0, 0, 909, 1000, 1000, 1000]);
    assert_eq!(see(Depth::Window { low: -1024.0, high: 3071.0 }), [0, 211, 260, 309, 488, 1000]);
    assert_eq!(see(Depth::Image), see(Depth::Window { low: -1024.0, high: 3071.0 }));
}

#[test]
fn files_without_preamble_or_meta_information_are_read() {
    let data = grey().element(0x7fe0, 0x0010, "OW", &words(&STORED)).0;
    let meta = Writer::default().text(0x0002, 0x0010, "UI", EXPLICIT).0;
    let with_empty_preamble = [b"DICM".to_vec(), meta.clone(), data.clone()].concat();
    for bytes in [&data, &[meta, data.clone()].concat(), &with_empty_preamble] {
        assert_eq!(parse(bytes).unwrap().frame(0).unwrap().values, Values::U16(STORED.to_vec()));
    }
    assert_eq!(parse(&data).unwrap().transfer_syntax().uid(), EXPLICIT);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_element() {
    let say = |bytes: &[u8]| parse(bytes).and_then(|f| f.frame(0)).unwrap_err().to_string();
    let pixels = |w: Writer| w.element(0x7fe0, 0x0010, "OW", &words(&STORED)).file(EXPLICIT);
    let replaced = |from: &str, to: &str| {
        let bytes = whole();
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
    };
    let unknown = say(&replaced("MONOCHROME2", "MONOCHROME9"));
    assert_eq!(unknown, "(0028,0004) Photometric Interpretation: it holds no known term");
    assert_eq!(
        say(&replaced("MONOCHROME2", "ARGB       ")),
        "(0028,0004) Photometric Interpretation: ARGB is not supported"
    );
    assert!(say(&pixels(Writer::default())).contains("lacks (0028,0004)"));
    let cut = whole();
    assert_eq!(
        say(&cut[..cut.len() - 2]),
        "the DICOM file ends early, inside of (7FE0,0010); copy it again from its source"
    );
    for (syntax, name) in [
        ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
        ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
        ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression"),
        ("1.2.840.10008.1.2.4.112", "JPEG XL"),
    ] {
        let refused = say(&Writer([grey().0, fragment(b"....")].concat()).file(syntax));
        assert!(refused.contains(&format!("the transfer syntax {name}, {syntax} are not supported")), "{refused}");
        assert!(refused.contains("convert the file"), "{refused}");
    }
    assert_eq!(parse(b"no picture at all").unwrap_err(), DicomError::NotDicom);
    let report = Writer::default().text(0x0008, 0x0060, "CS", "SR").file(EXPLICIT);
    assert_eq!(say(&report), "the DICOM file holds no pixels (SR)");
}

#[test]
fn announced_sizes_are_checked_before_anything_is_made() {
    let start = Instant::now();
    // 4 GB announced by an element, a sequence and pixels; 300 million pixels; sequences without end.
    let announce = |vr: &[u8]| [b"\x08\0\x60\0CS\x02\0CT\x08\0\x61\0".as_slice(), vr, b"\0\0\xff\xff\xff\xfe"].concat();
    for vr in [b"UT", b"SQ", b"OB", b"UN"] {
        assert!(parse(&announce(vr)).unwrap().notes()[0].starts_with("the file ends early"));
    }
    let nested: Vec<u8> =
        (0..100_000).flat_map(|_| *b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff").collect();
    let nested = [b"\x08\0\x60\0CS\x02\0CT".to_vec(), nested].concat();
    assert!(matches!(parse(&nested), Err(DicomError::Limit { .. })));
    let empty: Vec<u8> = (0..1_100_000).flat_map(|_| *b"\x08\0\x60\0CS\0\0").collect();
    assert!(matches!(parse(&empty), Err(DicomError::Limit { .. })));
    let mut large = grey().0;
    for (at, _) in
        large.clone().windows(6).enumerate().filter(|(_, w)| *w == b"\x28\0\x10\0US" || *w == b"\x28\0\x11\0US")
    {
        large[at + 8..at + 10].copy_from_slice(&20_000u16.to_le_bytes());
    }
    let large = Writer([large, fragment(b"....")].concat()).file(RLE);
    assert!(matches!(parse(&large).unwrap().frame(0), Err(DicomError::Limit { .. })));
    assert!(start.elapsed().as_secs_f64() < 5.0, "{:?}", start.elapsed());
}

/// Everything that a caller can ask of a file.
fn ask(bytes: &[u8]) {
    let Ok(file) = parse(bytes) else { return };
    let _ = (file.attributes(), file.notes(), file.digest(), file.image(0), file.image(1));
    let _ = decode_image(bytes, &ReadLimits::default());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn bytes_changed_or_cut_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
        coded in any::<bool>(),
    ) {
        let mut bytes = if coded {
            let run = [[2u8, 0, 0, 0, 64, 0, 0, 0, 68, 0, 0, 0].as_slice(), &[0; 52], &[253, 7, 255, 3, 5, 1, 2, 3, 4, 5, 6, 0]].concat();
            Writer([grey().0, fragment(&run)].concat()).file(RLE)
        } else {
            whole()
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        ask(&bytes);
    }
}
