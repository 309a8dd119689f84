//! Planted duplicates, leaks and odd pictures are found, and nothing else.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path};

use semio_data::{
    ReadLimits, Sample, Split, encode_png,
    explore::{ExploreOptions, explore},
    import::{ImportOptions, import},
    leak::{Link, leaks},
    read_image,
    synth::{Format, Job, SynthOptions, write_dataset, write_dataset_as},
};
use semio_image::{Augmentation, Color, Filter, Image, Samples};
use tempfile::TempDir;

/// A set of synthetic chest X-rays, each patient in one part.
fn set(count: usize) -> (TempDir, Vec<Sample>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    write_dataset(&SynthOptions::new(Job::Pneumonia, count, 3), &folder.path().join("set"), &|_| ()).unwrap();
    let found = import(&folder.path().join("set"), &ImportOptions::default()).unwrap();
    (folder, found.samples, found.extra_columns)
}

fn add(folder: &Path, samples: &mut Vec<Sample>, name: &str, like: usize, split: Split, image: &Image) -> usize {
    let file = folder.join(name);
    fs::write(&file, encode_png(image).unwrap()).unwrap();
    let like = samples[like].clone();
    samples.push(Sample { file, name: name.into(), split: Some(split), group: None, ..like });
    samples.len() - 1
}

fn of_part(samples: &[Sample], split: Split, number: usize) -> usize {
    samples.iter().enumerate().filter(|(_, s)| s.split == Some(split)).nth(number).unwrap().0
}

fn brighter(image: &Image) -> Image {
    let Samples::U8(v) = image.samples() else { panic!("8 bits") };
    let samples = v.iter().map(|&v| (f64::from(v) * 0.85 + 20.0) as u8).collect();
    Image::new(image.width(), image.height(), Color::Grey, Samples::U8(samples)).unwrap()
}

#[test]
fn planted_duplicates_are_found_and_no_others() {
    let (folder, mut samples, columns) = set(120);
    let clean = leaks(&samples, &ReadLimits::default(), &|_| ());
    assert!(clean.is_clean() && clean.exact.is_empty() && clean.near.is_empty(), "{clean:?}");

    let [a, b, c, d] = [0, 1, 2, 3].map(|n| of_part(&samples, Split::Train, 7 * n));
    let read = |samples: &[Sample], i: usize| read_image(&samples[i].file, &ReadLimits::default()).unwrap();
    let (first, second, third, fourth) = (read(&samples, a), read(&samples, b), read(&samples, c), read(&samples, d));
    let mirror = Augmentation { flip_horizontal: 1.0, ..Augmentation::default() }.apply(&fourth, 1);
    let planted = [
        add(folder.path(), &mut samples, "same.png", a, Split::Test, &first.to_color(Color::Rgb)),
        add(
            folder.path(),
            &mut samples,
            "smaller.png",
            b,
            Split::Test,
            &second.resize(90, 90, Filter::Bicubic).unwrap(),
        ),
        add(folder.path(), &mut samples, "brighter.png", c, Split::Val, &brighter(&third)),
        add(folder.path(), &mut samples, "mirror.png", d, Split::Test, &mirror),
    ];
    let report = leaks(&samples, &ReadLimits::default(), &|_| ());
    assert_eq!(report.exact, [vec![a, planted[0]]]);
    let near: BTreeSet<Vec<usize>> = report.near.iter().cloned().collect();
    assert_eq!(near, BTreeSet::from([vec![b, planted[1]], vec![c, planted[2]], vec![d, planted[3]]]));
    let test = &report.parts[&Split::Test];
    assert_eq!((test.touched.len(), test.by(Link::Exact), test.by(Link::Near), test.by(Link::Patient)), (3, 1, 2, 0));
    assert!((test.share() - 3.0 / test.pictures as f64).abs() < 1e-12);
    assert_eq!(report.parts[&Split::Val].touched.len(), 1);

    // A patient on two sides, and a copy under another class.
    let patient = samples[c].group.clone();
    samples[planted[2]].group = patient;
    samples[planted[0]].label = Some("another".into());
    let found = explore("planted", &samples, &columns, &ExploreOptions::default(), &|_| ());
    assert_eq!((found.duplicates.exact_surplus, found.duplicates.near_groups), (1, 3));
    assert_eq!(found.duplicates.contradictory_groups, 1);
    let leaked = found.leaks.as_ref().unwrap();
    assert_eq!((leaked.patients, leaked.parts[&Split::Test].touched), (Some(1), 3));
    assert!(found.trouble);
}

#[test]
fn odd_files_and_figures() {
    let (folder, mut samples, columns) = set(60);
    let white = Image::new(128, 128, Color::Grey, Samples::U8((0..128 * 128).map(|i| 250 + (i % 5) as u8).collect()));
    let odd = add(folder.path(), &mut samples, "white.png", 0, Split::Train, &white.unwrap());
    let sound = read_image(&samples[1].file, &ReadLimits::default()).unwrap();
    let broken = add(folder.path(), &mut samples, "broken.png", 0, Split::Train, &sound);
    let bytes = fs::read(&samples[broken].file).unwrap();
    fs::write(&samples[broken].file, &bytes[..bytes.len() / 2]).unwrap();

    let found = explore("odd", &samples, &columns, &ExploreOptions::default(), &|_| ());
    assert_eq!((found.pictures, found.readable, found.unreadable.len()), (62, 61, 1));
    assert_eq!(found.unreadable[0].file, "broken.png");
    assert_eq!(found.outliers[0].file, samples[odd].name);
    assert_eq!(found.classes.iter().map(|c| c.count).sum::<usize>(), 62);
    assert_eq!((found.sizes[0].width, found.sizes[0].height, found.sizes[0].count), (128, 128, 61));
    assert_eq!((&*found.formats[0].name, &*found.bits[0].name, &*found.channels[0].name), ("PNG", "8", "1"));
    let missing = found.missing.iter().find(|m| m.column == "group").unwrap();
    assert_eq!(missing.count, 2);
    assert!(found.trouble);

    let page = found.page("2026-01-01").unwrap();
    assert!(page.len() < 5 << 20 && !page.contains("http://") && !page.contains("src=\"/"));
    assert!(page.contains("<h2>Unlike the rest</h2>") && page.contains("broken.png"));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["duplicates"]["exact_groups"], 0);
}

#[test]
fn metadata_of_dicom_files() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("set");
    write_dataset_as(&SynthOptions::new(Job::Covid, 40, 2), Format::DicomRle, &place, &|_| ()).unwrap();
    let data = import(&place, &ImportOptions::default()).unwrap();
    let found = explore("x", &data.samples, &data.extra_columns, &ExploreOptions::default(), &|_| ());
    assert_eq!((&*found.formats[0].name, found.readable, &*found.bits[0].name), ("DICOM", 40, "12"));
    let ages = found.ages.as_ref().unwrap();
    assert_eq!((ages.known, ages.tens.iter().map(|(_, n)| n.iter().sum::<usize>()).sum::<usize>()), (40, 40));
    assert_eq!(found.sex.as_ref().unwrap().rows.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["F", "M"]);
    assert_eq!(found.views.as_ref().unwrap().rows[0].0, "PA");
    assert_eq!(found.by_source.as_ref().unwrap().rows[0].0, "Semio, synthetic");
    assert!(found.missing.iter().any(|m| m.column == "DICOM: PatientAge" && m.count == 0));
}

#[test]
fn real_pictures() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !shared.is_dir() {
        println!("skipped: {} is absent", shared.display());
        return;
    }
    let data = import(&shared.join("rsna_layout_dicom"), &ImportOptions::default()).unwrap();
    let some: Vec<Sample> = data.samples.into_iter().step_by(10).collect();
    let found = explore("rsna", &some, &data.extra_columns, &ExploreOptions::default(), &|_| ());
    assert_eq!((&*found.formats[0].name, found.readable, found.leaks), ("DICOM", 50, None));
    assert!(found.sex.is_none() && found.ages.is_none());
}
