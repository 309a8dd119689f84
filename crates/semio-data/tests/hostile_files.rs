//! Small files that ask for much: each is refused or read, and neither takes seconds or gigabytes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod dicom_file;

use std::time::{Duration, Instant};

use dicom_file::{EXPLICIT, RLE, element, file, fragments, grey_8 as grey, item};
use semio_data::{
    ReadLimits, decode_image,
    deidentify::{BurnedIn, DeidentifyError, Key, Options, deidentify},
    dicom::{DicomError, DicomFile},
};

const DEFLATED_FRAMES: &str = "1.2.840.10008.1.2.8.1";

/// What the audit's files took minutes for takes a tenth of a second; a machine that is busy with other tests is slower.
const LIMIT: Duration = Duration::from_secs(4);

fn key() -> Key {
    Key::new(b"0123456789abcdef").unwrap()
}

fn within<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    assert!(started.elapsed() < LIMIT, "{what}: {:?}", started.elapsed());
    result
}

/// 65,000 empty elements before half a million frames of one pixel, in the order of tags and in none.
#[test]
fn many_elements_and_many_frames() {
    for sorted in [true, false] {
        let mut numbers: Vec<u16> = (0x0100..0xfee8).collect();
        if !sorted {
            numbers.reverse();
        }
        let empty: Vec<u8> = numbers.iter().flat_map(|number| element((0x0018, *number), "LO", &[])).collect();
        let bytes = file(EXPLICIT, &[empty, grey(1, 500_000), element((0x7fe0, 0x0010), "OB", &vec![7; 500_000])]);
        let read = DicomFile::parse(&bytes, &ReadLimits::default()).unwrap();
        let digest = within("digest", || read.digest()).unwrap();
        assert_eq!((digest.min, digest.max), (7.0, 7.0));
        within("de-identification", || deidentify(&bytes, Options::default(), &key(), &ReadLimits::default())).unwrap();
    }
}

/// Frames of two fragments each, which the offsets alone tell apart; and offsets that make each frame the whole file.
#[test]
fn many_fragments() {
    let frames = 6000;
    let frame = [&[1u8, 0, 0, 0, 64, 0, 0, 0][..], &[0; 56], &[0, 9]].concat();
    let (first, second) = (item(&frame[..64]), item(&frame[64..]));
    let size = first.len() + second.len();
    let offsets: Vec<u8> = (0..frames).flat_map(|n| ((n * size) as u32).to_le_bytes()).collect();
    let body = [first, second].concat().repeat(frames);
    let bytes = file(RLE, &[grey(1, frames), fragments(&[item(&offsets), body.clone()])]);
    let digest = within("digest", || DicomFile::parse(&bytes, &ReadLimits::default()).unwrap().digest()).unwrap();
    assert_eq!((digest.min, digest.max), (9.0, 9.0));
    let crossed: Vec<u8> =
        (0..frames).flat_map(|n| (if n % 2 == 0 { 0 } else { (frames * size) as u32 }).to_le_bytes()).collect();
    let bytes = file(RLE, &[grey(1, frames), fragments(&[item(&crossed), body])]);
    let read = DicomFile::parse(&bytes, &ReadLimits::default()).unwrap();
    within("crossed offsets", || (0..frames as u32).for_each(|n| assert!(read.frame(n).is_err())));
}

/// A private block whose maker has a name of 60 kB, and 60,000 elements in it, before that name and far from it.
#[test]
fn many_private_elements() {
    for maker in [vec![b'x'; 60_000], b"SIEMENS MR HEADER ".to_vec()] {
        let elements = element((0x0019, 0x100c), "IS", b"17").repeat(60_000);
        let bytes = file(EXPLICIT, &[elements, element((0x0019, 0x0010), "LO", &maker)]);
        let options = Options { keep_safe_private: true, ..Options::default() };
        within("de-identification", || deidentify(&bytes, options, &key(), &ReadLimits::default())).unwrap();
    }
}

/// Frames of four million pixels in four kilobytes each: looked through in part, and not written uncompressed.
#[test]
fn frames_that_grow() {
    let mut samples = vec![40u8; 2048 * 2048];
    // Four strokes of one height beside each other: a line of text.
    for (letter, row) in (0..8).flat_map(|letter| (0..9).map(move |row| (letter, row))) {
        samples[(100 + row) * 2048 + 100 + letter * 6..][..2].fill(255);
        samples[(100 + row) * 2048 + 100 + letter * 6 + 2] = if row == 4 { 255 } else { 40 };
    }
    let frame = miniz_oxide::deflate::compress_to_vec(&samples, 6);
    let bytes = file(DEFLATED_FRAMES, &[grey(2048, 40), fragments(&[item(&[]), item(&frame).repeat(40)])]);
    assert!(bytes.len() < 1 << 20);
    let limits = ReadLimits::default();
    let report = deidentify(&bytes, Options::default(), &key(), &limits).unwrap().report;
    assert_eq!(report.burned_in, [BurnedIn::Pixels, BurnedIn::Unsearched]);
    let options = Options { black_out: true, ..Options::default() };
    let refused = deidentify(&bytes, options, &key(), &limits).err().unwrap();
    assert!(matches!(&refused, DeidentifyError::Pixels { reason } if reason.contains("the limit is")), "{refused}");
}

#[test]
fn data_sets_that_grow() {
    let deflated = miniz_oxide::deflate::compress_to_vec(&vec![0; 3 << 20], 6);
    let bytes = file("1.2.840.10008.1.2.1.99", &[deflated]);
    let limits = ReadLimits { max_file_bytes: 1 << 20, ..ReadLimits::default() };
    assert!(matches!(DicomFile::parse(&bytes, &limits), Err(DicomError::Limit { .. })));
    assert!(DicomFile::parse(&bytes, &ReadLimits::default()).is_ok());
}

/// The header of a PNG file of 10,000 × 10,000 transparent pixels of 16 bits: refused before its pixels are read.
#[test]
fn pictures_that_grow() {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(!0_u32, |crc, &b| {
            (0..8).fold(crc ^ u32::from(b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
        })
    };
    let chunk = |kind: &[u8], content: &[u8]| {
        let named = [kind, content].concat();
        [&(content.len() as u32).to_be_bytes()[..], &named, &crc(&named).to_be_bytes()].concat()
    };
    let side = 10_000u32.to_be_bytes();
    let header = [&side[..], &side, &[16, 6, 0, 0, 0]].concat();
    let start = miniz_oxide::deflate::compress_to_vec_zlib(&[0; 1000], 6);
    let bytes = [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &start)].concat();
    let refused = decode_image(&bytes, &ReadLimits::default()).unwrap_err().to_string();
    assert!(refused.contains("800000000 bytes"), "{refused}");
}

/// The directory of a TIFF file of 10,000 × 10,000 pixels with four real samples, deflated.
#[test]
fn pages_that_grow() {
    let short =
        |tag: u16, value: u32| [tag.to_le_bytes().to_vec(), vec![3, 0, 1, 0, 0, 0], value.to_le_bytes().to_vec()];
    let row = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let rows = [
        short(256, 10_000).concat(),
        short(257, 10_000).concat(),
        // Four shorts each behind the directory, which has eleven rows.
        row(258, 3, 4, 8 + 2 + 11 * 12 + 4),
        short(259, 8).concat(),
        short(262, 2).concat(),
        row(273, 4, 1, 300),
        short(277, 4).concat(),
        short(278, 10_000).concat(),
        row(279, 4, 1, 100),
        short(338, 2).concat(),
        row(339, 3, 4, 8 + 2 + 11 * 12 + 4 + 8),
    ];
    let words = |value: u16| value.to_le_bytes().repeat(4);
    let mut bytes =
        [b"II\x2a\0\x08\0\0\0".to_vec(), vec![11, 0], rows.concat(), vec![0; 4], words(32), words(3)].concat();
    bytes.resize(400, 0);
    let refused = decode_image(&bytes, &ReadLimits::default()).unwrap_err().to_string();
    assert!(refused.contains("1600000000 bytes"), "{refused}");
}
