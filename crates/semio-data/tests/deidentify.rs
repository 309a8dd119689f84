//! What says who the patient is goes; what the picture is stays, to the last stored value.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod dicom_file;

use std::{fs, path::Path};

use dicom_file::{EXPLICIT, RLE, element, item};
use semio_data::{
    ReadLimits,
    deidentify::{BurnedIn, DeidentifyError, Key, Options, deidentify, deidentify_folder, find_text},
    dicom::DicomFile,
    read_image,
    synth::{Format, Job, SynthOptions, write_dataset_as},
};
use semio_image::{Color, Image, Samples};

fn key() -> Key {
    Key::new(b"a secret of more than sixteen bytes").unwrap()
}

/// A CT slice of 64 × 64 with a name in every corner of its header.
fn file(pixels: &[u8; 64 * 64]) -> Vec<u8> {
    let nested = item(
        &[
            element((0x0008, 0x0050), "SH", b"ACC4711"),
            element((0x0010, 0x0010), "PN", b"Lovelace^Ada"),
            element((0x0040, 0xa123), "PN", b"Lovelace^Ada"),
        ]
        .concat(),
    );
    let code = item(&element((0x0008, 0x0104), "LO", b"Chest of Lovelace"));
    let body = [
        element((0x0008, 0x0016), "UI", b"1.2.840.10008.5.1.4.1.1.2"),
        element((0x0008, 0x0018), "UI", b"1.2.3.4"),
        element((0x0008, 0x0020), "DA", b"20240301"),
        element((0x0008, 0x0060), "CS", b"CT"),
        element((0x0008, 0x0080), "LO", b"Hospital of Turin"),
        element((0x0008, 0x1030), "LO", b"Head CT with contrast, Lovelace, ward 7"),
        element((0x0008, 0x1110), "SQ", &nested),
        element((0x0009, 0x0010), "LO", b"SECRET MAKER"),
        element((0x0009, 0x1001), "LO", b"Lovelace"),
        element((0x0010, 0x0010), "PN", b"Lovelace^Ada"),
        element((0x0010, 0x0020), "LO", b"AL-1815"),
        element((0x0010, 0x0030), "DA", b"18151210"),
        element((0x0010, 0x0040), "CS", b"F"),
        element((0x0010, 0x1010), "AS", b"036Y"),
        element((0x0018, 0x0015), "CS", b"HEAD"),
        element((0x0020, 0x000d), "UI", b"1.2.3.5"),
        element((0x0020, 0x0010), "SH", b"AL-1815"),
        element((0x0028, 0x0002), "US", &1u16.to_le_bytes()),
        element((0x0028, 0x0004), "CS", b"MONOCHROME2"),
        element((0x0028, 0x0010), "US", &64u16.to_le_bytes()),
        element((0x0028, 0x0011), "US", &64u16.to_le_bytes()),
        element((0x0028, 0x0100), "US", &8u16.to_le_bytes()),
        element((0x0028, 0x0101), "US", &8u16.to_le_bytes()),
        element((0x0028, 0x0102), "US", &7u16.to_le_bytes()),
        element((0x0028, 0x0103), "US", &0u16.to_le_bytes()),
        element((0x0040, 0x0275), "SQ", &code),
        // An attribute that the table does not name, with the patient's number in it.
        element((0x0054, 0x0400), "SH", b"for AL-1815"),
        element((0x6000, 0x3000), "OW", &[1; 8]),
        element((0x7fe0, 0x0010), "OW", pixels),
    ]
    .concat();
    dicom_file::file(EXPLICIT, &[body])
}

fn contains(bytes: &[u8], text: &str) -> bool {
    let lower: Vec<u8> = bytes.to_ascii_lowercase();
    lower.windows(text.len()).any(|window| window == text.to_lowercase().as_bytes())
}

#[test]
fn nothing_of_the_patient_is_left_and_the_pixels_are() {
    let pixels = std::array::from_fn(|i| (i % 251) as u8);
    let bytes = file(&pixels);
    let made = deidentify(&bytes, Options::default(), &key(), &ReadLimits::default()).unwrap();
    for word in ["Lovelace", "AL-1815", "18151210", "ACC4711", "Turin", "20240301", "SECRET", "1.2.3.4\0", "036Y"] {
        assert!(!contains(&made.bytes, word), "{word}");
    }
    let limits = ReadLimits::default();
    let (before, after) = (DicomFile::parse(&bytes, &limits).unwrap(), DicomFile::parse(&made.bytes, &limits).unwrap());
    assert_eq!(before.digest().unwrap(), after.digest().unwrap());
    let attributes = after.attributes();
    assert_eq!(
        (attributes.id.as_deref(), attributes.name.as_deref()),
        (Some(&*made.pseudonym), Some(&*made.pseudonym))
    );
    assert_eq!((attributes.sex, attributes.age, attributes.birth_date), (None, None, None));
    assert_eq!(attributes.sop_class.as_deref(), Some("1.2.840.10008.5.1.4.1.1.2"));
    for code in ["113100", "Basic Application Confidentiality Profile", "REMOVED"] {
        assert!(contains(&made.bytes, code), "{code}");
    }
    let report = &made.report;
    assert_eq!((report.private, report.residue.get("(0054,0400)"), report.face), (2, Some(&1), true));
    assert_eq!(made.instance.strip_prefix("2.25.").map(|n| n.parse::<u128>().is_ok()), Some(true));
}

#[test]
fn options_keep_what_they_name() {
    let bytes = file(&[0; 64 * 64]);
    let options = Options {
        shift_dates: true,
        keep_characteristics: true,
        keep_uids: true,
        clean_descriptors: true,
        ..Options::default()
    };
    let made = deidentify(&bytes, options, &key(), &ReadLimits::default()).unwrap();
    let attributes = DicomFile::parse(&made.bytes, &ReadLimits::default()).unwrap().attributes();
    assert_eq!(attributes.age.map(|age| age.to_string()), Some("036Y".into()));
    assert_eq!((attributes.sex.map(semio_data::dicom::Sex::letter), &*made.instance), (Some('F'), "1.2.3.4"));
    assert!(contains(&made.bytes, "Head CT with contrast 7"));
    for word in ["Lovelace", "AL-1815", "18151210", "20240301"] {
        assert!(!contains(&made.bytes, word), "{word}");
    }
    for code in ["113105", "113107", "113108", "113110", "MODIFIED"] {
        assert!(contains(&made.bytes, code), "{code}");
    }
    assert_eq!(made.report.dates, 1);
}

#[test]
fn the_key_decides_who_is_who() {
    let bytes = file(&[0; 64 * 64]);
    let made = |secret: &[u8]| {
        deidentify(&bytes, Options::default(), &Key::new(secret).unwrap(), &ReadLimits::default()).unwrap()
    };
    let (first, again, other) = (made(b"0123456789abcdef"), made(b"0123456789abcdef\n"), made(b"0123456789abcdeg"));
    assert_eq!((&first.pseudonym, &first.bytes), (&again.pseudonym, &again.bytes));
    assert!(first.pseudonym != other.pseudonym && first.instance != other.instance);
    assert!(Key::new(b"too short").is_none());
}

#[test]
fn a_file_cut_short_is_refused() {
    let bytes = file(&[0; 64 * 64]);
    let cut = &bytes[..bytes.len() - 100];
    assert!(matches!(
        deidentify(cut, Options::default(), &key(), &ReadLimits::default()),
        Err(DeidentifyError::Broken { .. })
    ));
}

/// Letters of 5 × 7 points, drawn `scale` times as large.
const FONT: [[u8; 7]; 5] = [
    [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11],
    [0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e],
    [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f],
    [0x11, 0x13, 0x15, 0x19, 0x11, 0x11, 0x11],
    [0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0e],
];

fn write_text(samples: &mut [u8], width: usize, at: (usize, usize), letters: usize, scale: usize) {
    // White on dark ground, black on light ground.
    let rows = samples.chunks(width).skip(at.1).take(7 * scale);
    let ground: Vec<u32> = rows.flat_map(|row| &row[at.0..at.0 + 6 * letters * scale]).map(|&v| v.into()).collect();
    let ink = if ground.iter().sum::<u32>() < 128 * ground.len() as u32 { 255 } else { 0 };
    for n in 0..letters {
        for (row, bits) in FONT[n % 5].iter().enumerate() {
            for column in (0..5).filter(|c| bits >> (4 - c) & 1 == 1) {
                for (dy, dx) in (0..scale).flat_map(|dy| (0..scale).map(move |dx| (dy, dx))) {
                    let (x, y) = (at.0 + (n * 6 + column) * scale + dx, at.1 + row * scale + dy);
                    samples[y * width + x] = ink;
                }
            }
        }
    }
}

#[test]
fn text_is_seen_in_pictures_and_not_where_there_is_none() {
    for job in [Job::Pneumonia, Job::BrainTumor, Job::Ms] {
        let options = SynthOptions { size: 256, ..SynthOptions::new(job, 12, 5) };
        for index in 0..12 {
            let image = semio_data::synth::synthesize(&options, index).unwrap().image;
            assert_eq!(find_text(&image), [], "{job} {index}");
            let Samples::U8(samples) = image.samples() else { panic!("8 bits") };
            for scale in [1, 2] {
                let mut samples = samples.clone();
                write_text(&mut samples, 256, (6, 230), 8, scale);
                let written = Image::new(256, 256, Color::Grey, Samples::U8(samples)).unwrap();
                let found = find_text(&written);
                let covers = found.iter().any(|b| {
                    b.left <= 8
                        && b.top <= 230
                        && b.left + b.width >= 6 + 40 * scale
                        && b.top + b.height >= 230 + 7 * scale
                });
                assert!(covers, "{job} {index} {scale}: {found:?}");
            }
        }
    }
}

#[test]
fn text_is_blacked_out_on_request() {
    let mut pixels = [40u8; 64 * 64];
    write_text(&mut pixels, 64, (4, 50), 6, 1);
    let bytes = file(&pixels);
    let seen = deidentify(&bytes, Options::default(), &key(), &ReadLimits::default()).unwrap();
    assert_eq!((seen.report.burned_in.as_slice(), seen.report.needs_a_look()), (&[BurnedIn::Pixels][..], true));
    let options = Options { black_out: true, ..Options::default() };
    let made = deidentify(&bytes, options, &key(), &ReadLimits::default()).unwrap();
    assert!(made.report.blacked_out && !made.report.needs_a_look());
    let image = DicomFile::parse(&made.bytes, &ReadLimits::default()).unwrap().image(0).unwrap();
    let Samples::U8(samples) = image.samples() else { panic!("8 bits") };
    assert!(samples.iter().all(|&v| v <= 40) && samples[..64 * 40].iter().all(|&v| v == 40));
    assert!(contains(&made.bytes, "113101"));
}

#[test]
fn synthetic_objects_are_read_back_as_they_were_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for (job, format) in [
        (Job::Pneumonia, Format::Dicom),
        (Job::Pneumonia, Format::DicomRle),
        (Job::Covid, Format::DicomJpeg),
        (Job::Ms, Format::Dicom),
        (Job::BrainTumor, Format::DicomRle),
        (Job::Leukemia, Format::Dicom),
        (Job::Leukemia, Format::DicomRle),
        (Job::Leukemia, Format::DicomJpeg),
    ] {
        let options = SynthOptions { size: 65, ..SynthOptions::new(job, 3, 1) };
        let place = folder.path().join(format!("{job}-{}", format.name()));
        write_dataset_as(&options, format, &place, &|_| ()).unwrap();
        for index in 0..3 {
            let drawn = semio_data::synth::synthesize(&options, index).unwrap();
            let path = place.join(format!("images/{}/{:06}.dcm", drawn.label, index + 1));
            let read = read_image(&path, &ReadLimits::default()).unwrap().to_u8();
            let (Samples::U8(read), Samples::U8(drawn)) = (read.samples(), drawn.image.samples()) else {
                panic!("8 bits")
            };
            let most = read.iter().zip(drawn).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(most <= if format == Format::DicomJpeg { 24 } else { 1 }, "{job} {}: {most}", format.name());
        }
        // They belong to nobody, and go through de-identification all the same.
        let to = folder.path().join(format!("{job}-{}-out", format.name()));
        let report =
            deidentify_folder(&place, &to, Options::default(), &key(), &ReadLimits::default(), &|_, _| ()).unwrap();
        assert_eq!((report.files, report.written, report.failed), (3, 3, 0));
        assert!(report.skipped >= 4, "masks and the table are passed over");
    }
    let mr = SynthOptions::new(Job::Ms, 1, 1);
    assert!(write_dataset_as(&mr, Format::DicomJpeg, &folder.path().join("x"), &|_| ()).is_err());
}

/// A file whose syntax announces representations and whose elements have none.
#[test]
fn coded_pixels_come_with_the_representations_that_their_syntax_announces() {
    let implicit = |group: u16, element: u16, value: &[u8]| {
        let tag = [group.to_le_bytes(), element.to_le_bytes()].concat();
        [tag, (value.len() as u32).to_le_bytes().to_vec(), value.to_vec()].concat()
    };
    let short = |group, element, value: u16| implicit(group, element, &value.to_le_bytes());
    let frame = [&[1, 0, 0, 0, 64, 0, 0, 0][..], &[0; 56], &[3, 10, 20, 30, 40, 0]].concat();
    let body = [
        implicit(0x0008, 0x0016, b"1.2.840.10008.5.1.4.1.1.7\0"),
        implicit(0x0010, 0x0010, b"Lovelace^Ada"),
        short(0x0028, 0x0002, 1),
        implicit(0x0028, 0x0004, b"MONOCHROME2 "),
        short(0x0028, 0x0010, 2),
        short(0x0028, 0x0011, 2),
        short(0x0028, 0x0100, 8),
        short(0x0028, 0x0101, 8),
        short(0x0028, 0x0102, 7),
        short(0x0028, 0x0103, 0),
        vec![0xe0, 0x7f, 0x10, 0x00, 0xff, 0xff, 0xff, 0xff],
        item(&[]),
        item(&frame),
        vec![0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0],
    ];
    let bytes = dicom_file::file(RLE, &body);
    let made = deidentify(&bytes, Options::default(), &key(), &ReadLimits::default()).unwrap();
    for stated in [&b"\x28\0\x10\0US"[..], b"\x28\0\x04\0CS", b"\x10\0\x10\0PN"] {
        assert!(made.bytes.windows(stated.len()).any(|window| window == stated));
    }
    let read = DicomFile::parse(&made.bytes, &ReadLimits::default()).unwrap();
    assert_eq!(*read.frame(0).unwrap().values.to_le_bytes(), [10, 20, 30, 40]);
}

#[test]
fn real_files_keep_their_pixels_and_lose_their_names() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dicom");
    if !shared.is_dir() {
        println!("skipped: {} is absent", shared.display());
        return;
    }
    let mut seen = 0;
    for entry in walk(&shared) {
        let bytes = fs::read(&entry).unwrap();
        let limits = ReadLimits::default();
        if bytes.len() > 300_000 {
            continue;
        }
        let Ok(before) = DicomFile::parse(&bytes, &limits) else { continue };
        let Ok(made) = deidentify(&bytes, Options::default(), &key(), &limits) else { continue };
        let after = DicomFile::parse(&made.bytes, &limits).unwrap();
        assert_eq!(after.notes().iter().filter(|n| n.contains("ends early")).count(), 0, "{}", entry.display());
        assert_eq!(before.digest().ok(), after.digest().ok(), "{}", entry.display());
        let old = before.attributes();
        for word in [old.name, old.id]
            .into_iter()
            .flatten()
            .flat_map(|w| w.split(['^', '=']).map(String::from).collect::<Vec<_>>())
        {
            if word.is_ascii() && word.len() >= 6 && !word.eq_ignore_ascii_case("anonymous") {
                let header = &made.bytes[..made.bytes.len().min(20_000)];
                assert!(!contains(header, &word), "{}", entry.display());
            }
        }
        seen += 1;
    }
    assert!(seen > 120, "{seen}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
