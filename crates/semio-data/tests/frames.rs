//! Files of several frames: which of them is read, and that they stay together.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod dicom_file;

use std::{collections::BTreeSet, fs, num::NonZeroU32, path::Path};

use dicom_file::{EXPLICIT, element, file, film, grey_8};
use semio_data::{
    DataHash, Frames, ImportOptions, Inspection, Manifest, ManifestOptions, PictureFile, Ratios, ReadLimits,
    ReadOptions, Sample, check_files, encode_png,
    explore::{ExploreOptions, explore},
    frame_count, import,
    import::Kind,
    manifest::Columns,
    read_image, read_image_with,
    split::assign,
};
use semio_image::{Color, Image, Samples};

fn frame(number: u32) -> ReadOptions {
    ReadOptions { frame: NonZeroU32::new(number), enough: None }
}

/// A square of 16 × 16 whose pixels are all of one value but for one corner.
fn plain(value: u8) -> Vec<u8> {
    let mut pixels = vec![value; 256];
    pixels[0] = 255 - value;
    pixels
}

/// A film of so many frames, each brighter than the one before, beside others.
fn films(folder: &Path, counts: &[usize]) {
    for (i, &count) in counts.iter().enumerate() {
        let frames: Vec<Vec<u8>> = (0..count).map(|n| plain((20 * i + 10 * n) as u8)).collect();
        fs::write(folder.join(format!("{i}.dcm")), film(16, &frames)).unwrap();
    }
}

fn brightest(image: &Image) -> u8 {
    let Samples::U8(samples) = image.samples() else { panic!("{:?}", image.samples()) };
    samples[1]
}

#[test]
fn each_frame_can_be_read_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    films(folder.path(), &[3]);
    let path = folder.path().join("0.dcm");
    let limits = ReadLimits::default();
    let read = |options: &ReadOptions| read_image_with(&path, &limits, options);
    assert_eq!(brightest(&read_image(&path, &limits).unwrap()), 0);
    for number in 1..=3 {
        assert_eq!(u32::from(brightest(&read(&frame(number)).unwrap())), 10 * (number - 1));
    }
    let refused = read(&frame(4)).unwrap_err().to_string();
    assert_eq!(
        refused,
        format!("cannot read {}: frame 4 is asked for, and the DICOM file has 3: 1 to 3", path.display())
    );
    assert_eq!((frame_count(&path, &limits).unwrap(), PictureFile::open(&path, &limits).unwrap().frames()), (3, 3));
    assert_eq!(Inspection::of(&path, &limits).frames, Some(3));

    let png = folder.path().join("a.png");
    fs::write(&png, encode_png(&Image::new(1, 1, Color::Grey, Samples::U8(vec![7])).unwrap()).unwrap()).unwrap();
    assert_eq!(frame_count(&png, &limits).unwrap(), 1);
    assert_eq!(brightest_of_one(&read_image_with(&png, &limits, &frame(1)).unwrap()), 7);
    let refused = read_image_with(&png, &limits, &frame(2)).unwrap_err().to_string();
    assert!(refused.contains("a.png") && refused.contains("frame 2 is asked for, and a PNG file"), "{refused}");
    assert!(frame_count(&folder.path().join("gone.dcm"), &limits).is_err());
}

fn brightest_of_one(image: &Image) -> u8 {
    let Samples::U8(samples) = image.samples() else { panic!("{:?}", image.samples()) };
    samples[0]
}

/// The number is found though it lies behind more than is read of the beginning, and a file that says it has a thousand
/// million frames is refused where each of them would be asked for.
#[test]
fn the_number_of_frames_is_found_and_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let limits = ReadLimits::default();
    let path = folder.path().join("a.dcm");
    let long = element((0x0008, 0x2111), "UT", &vec![b'x'; 200_000]);
    let pixels = element((0x7fe0, 0x0010), "OB", &[1, 2, 3, 4]);
    fs::write(&path, file(EXPLICIT, &[long, grey_8(1, 4), pixels.clone()])).unwrap();
    assert_eq!(frame_count(&path, &limits).unwrap(), 4);
    assert!(read_image_with(&path, &limits, &frame(4)).is_ok());

    fs::write(&path, file(EXPLICIT, &[grey_8(1, 99_999_999), pixels])).unwrap();
    let refused = frame_count(&path, &limits).unwrap_err().to_string();
    assert!(refused.contains("99999999 frames; the limit is one for each of its"), "{refused}");
    assert!(read_image_with(&path, &limits, &frame(1)).is_err());
}

#[test]
fn a_list_names_frames_and_they_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    films(folder.path(), &[6; 12]);
    let rows: String = (0..12)
        .flat_map(|f| (1..=6).map(move |n| format!("{f}.dcm,{n},{}\n", if (f + n) % 2 == 0 { "a" } else { "b" })))
        .collect();
    let list = folder.path().join("list.csv");
    fs::write(&list, format!("file,frame,label\n{rows}")).unwrap();
    let manifest = Manifest::load(&list, &ManifestOptions::default()).unwrap();
    let samples = manifest.samples;
    assert_eq!((samples.len(), samples[1].name.as_str()), (72, "0.dcm#2"));
    assert_eq!(samples[1].group.as_deref(), Some("0.dcm"), "a file is of one patient");
    assert_eq!(brightest(&samples[1].read(&ReadLimits::default(), None).unwrap()), 10);
    let checked = check_files(&samples, &ReadLimits::default(), false, 0, &|_| ());
    assert_eq!((checked.bad.len(), checked.first_frames), (0, 0));

    // Neither half of a file's frames is in another part than the other.
    let parts = assign(&samples, Ratios { train: 0.5, val: 0.25, test: 0.25 }, 3).unwrap().parts;
    let sides: BTreeSet<_> = samples.iter().zip(&parts).map(|(s, part)| (&s.file, part)).collect();
    assert_eq!(sides.len(), 12);
    assert_eq!(parts.iter().collect::<BTreeSet<_>>().len(), 3);

    // Another frame is another picture to the hash of the data.
    let only = |n: usize| DataHash::of(&samples[n..=n]).unwrap().whole;
    assert_ne!(only(0), only(1));
}

#[test]
fn lists_that_contradict_themselves_about_frames_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    films(folder.path(), &[2]);
    let load = |rows: &str, columns: Columns| {
        let list = folder.path().join("list.csv");
        fs::write(&list, rows).unwrap();
        Manifest::load(&list, &ManifestOptions { columns, ..ManifestOptions::default() })
    };
    let usual = || Columns::default();
    for cell in ["0", "-1", "two", "all"] {
        let error = load(&format!("file,frame,label\n0.dcm,{cell},x\n"), usual()).unwrap_err().to_string();
        assert!(error.contains("line 2 has no frame number in its column 'frame'"), "{error}");
    }
    // The first frame is the file; a patient has all frames of it or none.
    let twice = load("file,frame,label\n0.dcm,,x\n0.dcm,1,y\n", usual()).unwrap_err().to_string();
    assert!(twice.contains("different labels"), "{twice}");
    let torn = load("file,frame,label,group\n0.dcm,1,x,p\n0.dcm,2,x,q\n", usual()).unwrap_err().to_string();
    assert!(torn.contains("0.dcm#2"), "{torn}");
    let named = Columns { frame: Some("slice".into()), ..Columns::default() };
    let samples = load("file,slice,label\n0.dcm,2,x\n0.dcm,1,y\n", named).unwrap().samples;
    assert_eq!(samples[0].frame.map(NonZeroU32::get), Some(2));
    let missing = Columns { frame: Some("slice".into()), ..Columns::default() };
    assert!(load("file,label\n0.dcm,x\n", missing).unwrap_err().to_string().contains("--frame-column"));
}

#[test]
fn import_makes_a_row_of_each_frame() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["ill", "well"] {
        fs::create_dir(folder.path().join(class)).unwrap();
        films(&folder.path().join(class), &[3, 1]);
    }
    let found = |frames| import(folder.path(), &ImportOptions { frames, ..ImportOptions::default() }).unwrap();
    let first = found(Frames::First);
    assert_eq!(first.samples.len(), 4);
    let note = first.findings.iter().find(|f| f.kind == Kind::SeveralFrames).unwrap();
    assert!(note.count == 2 && note.text.contains("--frame all"), "{note}");
    assert!(!first.has_trouble());

    let all = found(Frames::All);
    let names: Vec<&str> = all.samples.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(&names[..4], ["ill/0.dcm#1", "ill/0.dcm#2", "ill/0.dcm#3", "ill/1.dcm"]);
    let list = folder.path().join("list.csv");
    fs::write(&list, all.csv(folder.path()).unwrap()).unwrap();
    let read = Manifest::load(&list, &ManifestOptions::default()).unwrap().samples;
    let place = |s: &Sample| (s.name.clone(), s.frame, s.label.clone());
    assert_eq!(read.iter().map(place).collect::<Vec<_>>(), all.samples.iter().map(place).collect::<Vec<_>>());
    // A list that names frames is imported as it is.
    let again = import(&list, &ImportOptions { frames: Frames::All, ..ImportOptions::default() }).unwrap();
    assert_eq!(again.samples.iter().map(place).collect::<Vec<_>>(), all.samples.iter().map(place).collect::<Vec<_>>());

    let second = found(Frames::Number(NonZeroU32::new(2).unwrap()));
    assert_eq!(second.samples.len(), 2);
    assert!(second.has_trouble() && second.findings.iter().any(|f| f.kind == Kind::NoFrame && f.count == 2));

    let explored = explore("data", &all.samples, &[], &ExploreOptions::default(), &|_| ());
    assert_eq!((explored.readable, explored.pictures), (8, 8));
    let explored = explore("data", &first.samples, &[], &ExploreOptions::default(), &|_| ());
    assert!(explored.warnings.iter().any(|w| w.contains("2 files have several frames")), "{:?}", explored.warnings);
}

/// Films of two to thirty frames in eight codings: frames come one by one as they come all together, and each is there.
#[test]
fn real_films_give_each_frame() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap().join("shared/data/dicom/pydicom");
    if !shared.is_dir() {
        eprintln!("skipped: ../shared/data/dicom is not there");
        return;
    }
    let limits = ReadLimits::default();
    for (name, frames) in [
        ("OBXXXX1A_rle_2frame.dcm", 2),
        ("SC_rgb_expb_16bit_2frame.dcm", 2),
        ("emri_small.dcm", 10),
        ("emri_small_RLE.dcm", 10),
        ("emri_small_jpeg_2k_lossless.dcm", 10),
        ("emri_small_jpeg_ls_lossless.dcm", 10),
        ("examples_ybr_color.dcm", 30),
        ("rtdose_rle.dcm", 15),
    ] {
        let path = shared.join(name);
        assert_eq!(frame_count(&path, &limits).unwrap(), frames, "{name}");
        let open = PictureFile::open(&path, &limits).unwrap();
        let pictures: Vec<Image> = (1..=frames).map(|n| open.image(&frame(n)).unwrap()).collect();
        assert_eq!(read_image(&path, &limits).unwrap(), pictures[0], "{name}: without a frame the first");
        assert!(pictures[1..].iter().any(|picture| *picture != pictures[0]), "{name}: all frames are the same");
        let refused = open.image(&frame(frames + 1)).unwrap_err().to_string();
        assert!(refused.contains(name) && refused.contains(&format!("1 to {frames}")), "{refused}");
    }
    // The same frames in three codings.
    let third = |name: &str| read_image_with(&shared.join(name), &limits, &frame(3)).unwrap();
    assert_eq!(third("emri_small.dcm").samples(), third("emri_small_RLE.dcm").samples());
    assert_eq!(third("emri_small.dcm").samples(), third("emri_small_jpeg_ls_lossless.dcm").samples());
}
