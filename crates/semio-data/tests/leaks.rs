//! Ways by which a name could get past de-identification, and files that try to end or to lead it astray.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use semio_data::{
    ReadLimits,
    deidentify::{BurnedIn, Deidentified, Key, Options, deidentify, deidentify_folder},
    dicom::DicomFile,
};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";

fn key() -> Key {
    Key::new(b"a secret of more than sixteen bytes").unwrap()
}

/// How elements are written: with representations or without, and sequences under which one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Explicit,
    /// Sequences are of unknown representation, and their items are explicit all the same.
    Unknown,
    Implicit,
}

fn element(form: Form, tag: (u16, u16), vr: &str, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if !value.len().is_multiple_of(2) {
        value.push(if vr == "UI" { 0 } else { b' ' });
    }
    let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    let vr = if form == Form::Unknown && vr == "SQ" { "UN" } else { vr };
    match vr {
        _ if form == Form::Implicit => bytes.extend((value.len() as u32).to_le_bytes()),
        "SQ" | "OB" | "OW" | "UN" | "UT" => {
            bytes.extend([vr.as_bytes(), &[0, 0]].concat());
            bytes.extend((value.len() as u32).to_le_bytes());
        }
        _ => bytes.extend([vr.as_bytes(), &(value.len() as u16).to_le_bytes()].concat()),
    }
    bytes.extend(value);
    bytes
}

/// A sequence of one item.
fn sequence(form: Form, tag: (u16, u16), content: &[Vec<u8>]) -> Vec<u8> {
    let content = content.concat();
    let item = [&[0xfe, 0xff, 0x00, 0xe0][..], &(content.len() as u32).to_le_bytes(), &content].concat();
    element(form, tag, "SQ", &item)
}

fn code(form: Form, tag: (u16, u16), [value, scheme, meaning]: [&str; 3]) -> Vec<u8> {
    let text = |element_number, vr, text: &str| element(form, (0x0008, element_number), vr, text.as_bytes());
    sequence(form, tag, &[text(0x0100, "SH", value), text(0x0102, "SH", scheme), text(0x0104, "LO", meaning)])
}

fn file(form: Form, elements: &[Vec<u8>]) -> Vec<u8> {
    let syntax = if form == Form::Implicit { IMPLICIT } else { EXPLICIT };
    let meta = element(Form::Explicit, (0x0002, 0x0010), "UI", syntax.as_bytes());
    [vec![0; 128], b"DICM".to_vec(), meta, elements.concat()].concat()
}

/// 8-bit pixels of 64 × 64, and what describes them.
fn pixels(frames: &[Vec<u8>]) -> Vec<u8> {
    let short = |number, value: u16| element(Form::Explicit, (0x0028, number), "US", &value.to_le_bytes());
    let text = |number, vr, value: &str| element(Form::Explicit, (0x0028, number), vr, value.as_bytes());
    [
        short(0x0002, 1),
        text(0x0004, "CS", "MONOCHROME2"),
        text(0x0008, "IS", &frames.len().to_string()),
        short(0x0010, 64),
        short(0x0011, 64),
        short(0x0100, 8),
        short(0x0101, 8),
        short(0x0102, 7),
        short(0x0103, 0),
        element(Form::Explicit, (0x7fe0, 0x0010), "OB", &frames.concat()),
    ]
    .concat()
}

/// A dark frame with a bright line of letters.
fn written() -> Vec<u8> {
    let mut samples = vec![40; 64 * 64];
    for (letter, row) in (0..6).flat_map(|letter| (0..7).map(move |row| (letter, row))) {
        let bits: u8 = if row % 3 == 0 { 0x0e } else { 0x11 };
        for column in (0..5).filter(|c| bits >> (4 - c) & 1 == 1) {
            samples[(30 + row) * 64 + 6 + letter * 6 + column] = 255;
        }
    }
    samples
}

fn made(bytes: &[u8], options: Options) -> Deidentified {
    deidentify(bytes, options, &key(), &ReadLimits::default()).unwrap()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

fn text(tag: (u16, u16), vr: &str, value: &str) -> Vec<u8> {
    element(Form::Explicit, tag, vr, value.as_bytes())
}

#[test]
fn what_replaces_a_sequence_replaces_all_of_its_contents() {
    for form in [Form::Explicit, Form::Unknown, Form::Implicit] {
        let text = |tag, vr, text: &str| element(form, tag, vr, text.as_bytes());
        let place: Vec<u8> = [12.5f32, 1e-3].iter().flat_map(|v| v.to_le_bytes()).collect();
        let words = [text((0x0070, 0x0006), "ST", "Jane Roe was here"), element(form, (0x0070, 0x0022), "FL", &place)];
        let report = [
            text((0x0040, 0xa040), "CS", "TEXT"),
            code(form, (0x0040, 0xa043), ["121071", "DCM", "Finding by Roe"]),
            code(form, (0x0040, 0xa168), ["ROE-17", "99LOCAL", "Jane Roe"]),
            text((0x0040, 0xa160), "UT", "Seen by Roe"),
            text((0x0040, 0xa30a), "DS", "1815"),
        ];
        let operator = [
            text((0x0008, 0x0080), "LO", "Hospital X"),
            code(form, (0x0008, 0x0082), ["X", "L", "Hospital X"]),
            code(form, (0x0040, 0x1101), ["1815", "DCM", "Dr Jane Roe"]),
        ];
        let bytes = file(
            form,
            &[
                text((0x0008, 0x0060), "CS", "SR"),
                code(form, (0x0008, 0x0082), ["X", "L", "Hospital X"]),
                sequence(form, (0x0008, 0x1072), &operator),
                code(form, (0x0008, 0x1032), ["P5", "99LOCAL", "Chest, two views"]),
                text((0x0010, 0x0010), "PN", "Lovelace^Ada"),
                sequence(form, (0x0040, 0xa730), &report),
                sequence(form, (0x0070, 0x0001), &[sequence(form, (0x0070, 0x0008), &words)]),
            ],
        );
        let made = made(&bytes, Options::default());
        for word in ["Roe", "Hospital", "Seen by", "1815", "Lovelace"] {
            assert!(!contains(&made.bytes, word), "{word}, {form:?}");
        }
        // What is no text, what a code of a known scheme says, and sequences that are not replaced.
        assert!(made.bytes.windows(place.len()).any(|window| window == place), "{form:?}");
        for word in ["121071", "TEXT", "Chest, two views"] {
            assert!(contains(&made.bytes, word), "{word}, {form:?}");
        }
        assert!(DicomFile::parse(&made.bytes, &ReadLimits::default()).unwrap().notes().is_empty());
    }
}

#[test]
fn sequences_that_cannot_be_read_lose_their_contents() {
    // An item whose element is longer than the item, in sequences that the table names, and in one that it does not.
    let broken = b"\xfe\xff\0\xe0\x14\0\0\0\x08\0\x04\x01LO\xff\0Dr Jane Roe ".to_vec();
    for (tag, vr) in [
        ((0x0008, 0x1072), "UN"),
        ((0x0008, 0x1140), "UN"),
        ((0x0008, 0x1032), "UN"),
        ((0x0008, 0x1032), "SQ"),
        ((0x0040, 0xa730), "SQ"),
        // Items where a text belongs.
        ((0x0008, 0x0080), "SQ"),
    ] {
        for keep_uids in [false, true] {
            let bytes = file(
                Form::Explicit,
                &[text((0x0008, 0x0005), "CS", "ISO_IR 100"), element(Form::Explicit, tag, vr, &broken)],
            );
            let made = made(&bytes, Options { keep_uids, ..Options::default() });
            assert!(!contains(&made.bytes, "Roe"), "{tag:x?} {vr}");
            let (emptied, replaced) = (&made.report.emptied, &made.report.replaced);
            assert_eq!(emptied.values().chain(replaced.values()).sum::<usize>(), 1, "{tag:x?} {vr}");
        }
    }
}

#[test]
fn odd_dates_end_nothing() {
    for date in
        [&b"202\xe90301"[..], b"2024\xe9\xe903", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"2024-03-01", b"99999999"]
    {
        let bytes = file(
            Form::Explicit,
            &[
                element(Form::Explicit, (0x0008, 0x0020), "DA", date),
                element(Form::Explicit, (0x0008, 0x002a), "DT", date),
            ],
        );
        let made = made(&bytes, Options { shift_dates: true, ..Options::default() });
        assert_eq!(made.report.dates, 2);
    }
}

#[test]
fn new_files_lie_where_they_belong_whatever_their_uids_say() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("inner/to"));
    fs::create_dir_all(&from).unwrap();
    let outside = folder.path().join("outside");
    let long = format!("1.2.840.10008.{}", "1".repeat(300));
    let absolute = outside.to_string_lossy().into_owned();
    for (n, uid) in [&*absolute, "../../outside", "1.2.840.10008./outside", &long, "..", ""].into_iter().enumerate() {
        let bytes = file(Form::Explicit, &[text((0x0008, 0x0018), "UI", uid), text((0x0010, 0x0020), "LO", "AL-1815")]);
        fs::write(from.join(format!("{n}.dcm")), bytes).unwrap();
    }
    // A link that leads nowhere ends nothing, and neither does another file.
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("nowhere"), from.join("link.dcm")).unwrap();
    let options = Options { keep_uids: true, ..Options::default() };
    let report = deidentify_folder(&from, &to, options, &key(), &ReadLimits::default(), &|_, _| ()).unwrap();
    assert_eq!((report.written, report.failed), (6, usize::from(cfg!(unix))));
    let patient = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(patient.len(), 1);
    assert_eq!(fs::read_dir(&patient[0]).unwrap().count(), 6);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing lies beside");
    for file in &report.each {
        let name = file.file.as_deref().unwrap_or("/x.dcm").rsplit('/').next().unwrap();
        assert!(name.len() <= 72 && !name.contains(".."), "{name}");
    }
}

#[test]
fn what_is_no_uid_is_kept_under_no_option() {
    let bytes = file(
        Form::Explicit,
        &[
            text((0x0008, 0x0016), "UI", "Jane Roe"),
            text((0x0020, 0x000d), "UI", "Jane Roe"),
            text((0x0008, 0x0018), "UI", "1.2.3"),
        ],
    );
    let made = made(&bytes, Options { keep_uids: true, ..Options::default() });
    assert!(!contains(&made.bytes, "Roe"));
    assert_eq!(made.instance, "1.2.3");
    let meta = element(Form::Explicit, (0x0002, 0x0010), "UI", b"Jane Roe");
    let bytes = [vec![0; 128], b"DICM".to_vec(), meta, text((0x0008, 0x0060), "CS", "CT")].concat();
    assert!(!contains(&self::made(&bytes, Options::default()).bytes, "Roe"));
}

#[test]
fn pictures_that_usually_hold_text_and_pixels_that_nobody_can_read_are_to_be_looked_at() {
    let modality = |modality| text((0x0008, 0x0060), "CS", modality);
    let plain = pixels(&[vec![40; 64 * 64]]);
    let look = |elements: &[Vec<u8>]| {
        let report = made(&file(Form::Explicit, elements), Options::default()).report;
        (report.needs_a_look(), report.burned_in)
    };
    assert_eq!(look(&[modality("US"), plain.clone()]), (true, vec![BurnedIn::Kind]));
    assert_eq!(look(&[modality("CT"), plain.clone()]), (false, vec![]));
    assert_eq!(look(&[modality("US")]), (false, vec![]));
    let half = pixels(&[vec![40; 64 * 32]]);
    assert_eq!(look(&[modality("CT"), half]), (true, vec![BurnedIn::Unsearched]));
    // Pixels that nothing describes.
    let lone = element(Form::Explicit, (0x7fe0, 0x0010), "OB", &[0; 64]);
    assert_eq!(look(&[modality("CT"), lone]), (true, vec![BurnedIn::Unsearched]));
}

#[test]
fn text_is_sought_in_every_frame() {
    let blank = vec![40; 64 * 64];
    let frames = [blank.clone(), blank.clone(), written(), blank];
    let bytes = file(Form::Explicit, &[text((0x0008, 0x0060), "CS", "CT"), pixels(&frames)]);
    assert_eq!(made(&bytes, Options::default()).report.burned_in, [BurnedIn::Pixels]);
    let made = made(&bytes, Options { black_out: true, ..Options::default() });
    assert!(made.report.blacked_out && !made.report.needs_a_look());
    let read = DicomFile::parse(&made.bytes, &ReadLimits::default()).unwrap();
    assert!(read.digest().unwrap().max < 41.0);
    assert_eq!(read.attributes().burned_in, Some(false));
}

#[test]
fn what_was_not_looked_through_keeps_its_warning() {
    // A file of 1.6 MB whose frames have 100 million samples in all: runs of 128 equal bytes.
    let row: Vec<u8> = [129, 40].repeat(8);
    let blank: Vec<u8> = [&[1u8, 0, 0, 0, 64, 0, 0, 0][..], &[0; 56], &row.repeat(1024)].concat();
    let item = |content: &[u8]| [&[0xfe, 0xff, 0, 0xe0][..], &(content.len() as u32).to_le_bytes(), content].concat();
    let short = |number, value: u16| element(Form::Explicit, (0x0028, number), "US", &value.to_le_bytes());
    let elements = [
        text((0x0008, 0x0060), "CS", "CT"),
        short(0x0002, 1),
        text((0x0028, 0x0004), "CS", "MONOCHROME2"),
        text((0x0028, 0x0008), "IS", "100"),
        short(0x0010, 1024),
        short(0x0011, 1024),
        short(0x0100, 8),
        short(0x0101, 8),
        short(0x0102, 7),
        short(0x0103, 0),
        b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff".to_vec(),
        item(&[]),
        item(&blank).repeat(100),
        b"\xfe\xff\xdd\xe0\0\0\0\0".to_vec(),
    ];
    let meta = text((0x0002, 0x0010), "UI", "1.2.840.10008.1.2.5");
    let bytes = [vec![0; 128], b"DICM".to_vec(), meta, elements.concat()].concat();
    let report = made(&bytes, Options { black_out: true, ..Options::default() }).report;
    assert_eq!((report.burned_in.as_slice(), report.needs_a_look()), (&[BurnedIn::Unsearched][..], true));
}

#[test]
fn the_patient_is_sought_in_the_files_own_letters_and_in_all_texts() {
    let latin = |tag, vr, value: &str| {
        let bytes: Vec<u8> = value.chars().map(|c| u32::from(c) as u8).collect();
        element(Form::Explicit, tag, vr, &bytes)
    };
    let bytes = file(
        Form::Explicit,
        &[
            text((0x0008, 0x0005), "CS", "ISO_IR 100"),
            text((0x0008, 0x0050), "SH", "ACC4711"),
            latin((0x0008, 0x1030), "LO", "Chest of Mrs Long"),
            latin((0x0010, 0x0010), "PN", "M\u{fc}ller Long^Roe^^Dr"),
            text((0x0010, 0x0020), "LO", "AL-1815"),
            text((0x0010, 0x1000), "LO", "X-99021"),
            text((0x0028, 0x1055), "LO", "LUNG\\as for 1815 AL-1815"),
            latin((0x0054, 0x0400), "SH", "for M\u{dc}LLER"),
            latin((0x0054, 0x0401), "SH", "for Roe, J."),
            latin((0x0054, 0x0402), "SH", "Roentgen dr"),
            text((0x0054, 0x0403), "SH", "see acc4711"),
            text((0x0054, 0x0404), "SH", "see x-99021"),
        ],
    );
    let made = made(&bytes, Options { clean_descriptors: true, ..Options::default() });
    let found: Vec<&str> = made.report.residue.keys().map(String::as_str).collect();
    let expected = ["(0008,1030)", "(0028,1055)", "(0054,0400)", "(0054,0401)", "(0054,0403)", "(0054,0404)"];
    assert_eq!(found, expected);
    assert!(contains(&made.bytes, "Roentgen dr"), "a short name is a word of its own");
}

#[test]
fn patients_without_id_and_name_are_not_one() {
    let of = |study: &str, name: &str| {
        let study = text((0x0020, 0x000d), "UI", study);
        made(&file(Form::Explicit, &[text((0x0010, 0x0010), "PN", name), study]), Options::default()).pseudonym
    };
    assert_eq!(of("1.2.3", ""), of("1.2.3", "^^"));
    assert_ne!(of("1.2.3", ""), of("1.2.4", ""));
    assert_eq!(of("1.2.3", "Lovelace^Ada"), of("1.2.4", "Lovelace^Ada"));
    let lone = |number: &str| made(&file(Form::Explicit, &[text((0x0020, 0x0013), "IS", number)]), Options::default());
    assert_ne!(lone("1").pseudonym, lone("2").pseudonym);
}

#[test]
fn devices_keep_their_numbers_and_not_their_names_in_the_network() {
    let bytes =
        file(Form::Explicit, &[text((0x0008, 0x0055), "AE", "ROE_WARD7"), text((0x0018, 0x1000), "LO", "SN-12")]);
    let made = made(&bytes, Options { keep_device: true, ..Options::default() });
    assert!(contains(&made.bytes, "SN-12") && !contains(&made.bytes, "ROE_WARD7"));
}

#[test]
fn safe_private_attributes_are_numbers_in_their_makers_blocks() {
    let maker = |group, name| text((group, 0x0010), "LO", name);
    let bytes = file(
        Form::Explicit,
        &[
            maker(0x0019, "SIEMENS MR HEADER"),
            text((0x0019, 0x100c), "IS", "1000"),
            text((0x0019, 0x100f), "IS", "17"),
            text((0x0019, 0x100d), "LT", "Jane Roe"),
            maker(0x2001, "Nobody's block"),
            text((0x2001, 0x1003), "LO", "Jane Roe"),
        ],
    );
    let made = made(&bytes, Options { keep_safe_private: true, ..Options::default() });
    assert!(contains(&made.bytes, "SIEMENS MR HEADER") && contains(&made.bytes, "1000"));
    assert!(!contains(&made.bytes, "Roe") && !contains(&made.bytes, "Nobody"));
    assert_eq!(made.report.private, 4);
}
