//! Synthetic sets: reproducible, balanced, divided by patient, complete on disk.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use semio_data::synth::{Job, SynthError, SynthOptions, synthesize, write_dataset};
use semio_image::{Color, Image, Samples};

fn options(job: Job, count: usize, seed: u64, size: usize) -> SynthOptions {
    SynthOptions { job, count, seed, size }
}

fn bytes(image: &Image) -> &[u8] {
    match image.samples() {
        Samples::U8(samples) => samples,
        other => panic!("not 8 bits: {} samples", other.len()),
    }
}

/// All files below a folder with their content.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(dir).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn write_with_threads(options: &SynthOptions, dir: &Path, threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| write_dataset(options, dir, &|_| {})).unwrap();
}

#[test]
fn names_are_read_and_written() {
    for job in Job::ALL {
        assert_eq!(job.to_string().parse::<Job>().unwrap(), job);
    }
    let error = "Brain".parse::<Job>().unwrap_err().to_string();
    assert_eq!(error, "unknown job `Brain`: expected brain-tumor, ms, pneumonia, covid or leukemia");
}

#[test]
fn the_seed_alone_decides_the_bytes() {
    for job in Job::ALL {
        let dir = tempfile::tempdir().unwrap();
        let set = |name: &str, seed, threads| {
            let dir = dir.path().join(name);
            write_with_threads(&options(job, 24, seed, 32), &dir, threads);
            files(&dir)
        };
        let first = set("first", 7, 1);
        assert_eq!(first, set("again", 7, 3), "{job}");
        let other = set("other", 8, 1);
        let same = other.values().filter(|&content| first.values().any(|f| f == content)).count();
        // Only empty masks may repeat.
        let empty = other.keys().filter(|path| path.starts_with("masks")).count();
        assert!(same <= empty, "{job}: {same} files repeat");
    }
}

#[test]
fn the_count_only_ends_the_set() {
    let (short, long) = (options(Job::Ms, 5, 1, 32), options(Job::Ms, 500, 1, 32));
    for index in 0..5 {
        assert_eq!(synthesize(&short, index).unwrap(), synthesize(&long, index).unwrap());
    }
    let error = synthesize(&short, 5).unwrap_err().to_string();
    assert_eq!(error, "there is no picture number 5 in a set of 5: expected a number below 5");
}

#[test]
fn pictures_are_valid_at_every_size() {
    for job in Job::ALL {
        for size in [32, 64, 128, 224] {
            let options = options(job, 20, 11, size);
            for index in [0, 7, 19] {
                let sample = synthesize(&options, index).unwrap();
                let color = if job == Job::Leukemia { Color::Rgb } else { Color::Grey };
                assert_eq!(sample.image.color(), color);
                assert_eq!((sample.image.width(), sample.image.height()), (size, size));
                let values: HashSet<u8> = bytes(&sample.image).iter().copied().collect();
                assert!(values.len() > 40, "{job} number {index} at {size}: {} values", values.len());
                assert_eq!(sample.lung_mask.is_some(), job.has_lungs());
                for mask in [Some(&sample.mask), sample.lung_mask.as_ref()].into_iter().flatten() {
                    assert_eq!((mask.color(), mask.width(), mask.height()), (Color::Grey, size, size));
                    assert!(bytes(mask).iter().all(|&value| value == 0 || value == 255));
                }
                assert!(job.classes().contains(&sample.label));
            }
        }
    }
}

#[test]
fn sizes_and_counts_out_of_range_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for size in [0, 31, 1025, usize::MAX] {
        let error = synthesize(&options(Job::Ms, 1, 1, size), 0).unwrap_err();
        assert_eq!(error.to_string(), format!("a size of {size} pixels cannot be drawn: expected 32 to 1024"));
    }
    for count in [0, 1_000_001] {
        let error = write_dataset(&options(Job::Ms, count, 1, 32), dir.path(), &|_| {}).unwrap_err();
        assert_eq!(error.to_string(), format!("{count} pictures cannot be made: expected 1 to 1000000"));
    }
    assert!(files(dir.path()).is_empty());
}

#[test]
fn a_folder_with_content_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "years of work").unwrap();
    let error = write_dataset(&options(Job::Covid, 4, 1, 32), dir.path(), &|_| {}).unwrap_err();
    assert!(matches!(error, SynthError::NotEmpty { .. }));
    assert!(error.to_string().ends_with("name a new folder or empty this one"), "{error}");
    assert_eq!(files(dir.path()).len(), 1);
    let file = dir.path().join("thesis.txt");
    assert!(matches!(write_dataset(&options(Job::Covid, 4, 1, 32), &file, &|_| {}), Err(SynthError::Io { .. })));
}

#[test]
fn the_table_names_every_file_and_the_summary_counts_them() {
    for job in [Job::Pneumonia, Job::BrainTumor] {
        let dir = tempfile::tempdir().unwrap();
        let told = Mutex::new(Vec::new());
        let summary = write_dataset(&options(job, 60, 2, 32), dir.path(), &|n| told.lock().unwrap().push(n)).unwrap();
        let mut told = told.into_inner().unwrap();
        told.sort_unstable();
        assert_eq!(told, (1..=60).collect::<Vec<_>>());

        let mut table = csv::Reader::from_path(dir.path().join("labels.csv")).unwrap();
        let mut header = vec!["file", "label", "split", "group", "mask"];
        header.extend(job.has_lungs().then_some("lung_mask"));
        assert_eq!(table.headers().unwrap(), header);
        let rows: Vec<HashMap<String, String>> = table.deserialize().map(Result::unwrap).collect();
        let mut named: HashSet<PathBuf> = HashSet::from(["labels.csv".into()]);
        for row in &rows {
            assert!(row["file"].starts_with(&format!("images/{}/", row["label"])));
            named.extend(["file", "mask"].map(|column| PathBuf::from(&row[column])));
            named.extend(row.get("lung_mask").map(PathBuf::from));
            let image = image::open(dir.path().join(&row["file"])).unwrap();
            assert_eq!((image.width(), image.height()), (32, 32));
        }
        assert_eq!(named, files(dir.path()).into_keys().collect());
        assert_eq!(summary.pictures, rows.len());
        for (label, count) in summary.classes {
            assert_eq!(count, rows.iter().filter(|row| row["label"] == label).count());
        }
        for (split, count) in summary.splits {
            assert_eq!(count, rows.iter().filter(|row| row["split"] == split).count());
        }
        assert_eq!(summary.groups, rows.iter().map(|row| &row["group"]).collect::<HashSet<_>>().len());
    }
}

/// The mean must not give the class away; `benches/synth_difficulty.py` looks at deviation and extremes too.
#[test]
fn overall_brightness_says_little_about_the_class() {
    for job in Job::ALL {
        let options = options(job, 100 * job.classes().len(), 17, 32);
        let mut means: Vec<(f64, &str)> = (0..options.count)
            .map(|index| {
                let sample = synthesize(&options, index).unwrap();
                let values = bytes(&sample.image);
                (values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64, sample.label)
            })
            .collect();
        means.sort_by(|a, b| a.0.total_cmp(&b.0));
        for label in job.classes() {
            // The rank sum gives the area under the ROC curve of the mean for this class against the others.
            let ranks: usize = means.iter().enumerate().filter(|(_, m)| m.1 == *label).map(|(rank, _)| rank).sum();
            let n = means.iter().filter(|m| m.1 == *label).count();
            let area = (ranks - n * (n - 1) / 2) as f64 / (n * (means.len() - n)) as f64;
            assert!((0.3..=0.7).contains(&area), "{job} {label}: {area:.2}");
        }
    }
}
