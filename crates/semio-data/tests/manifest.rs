//! Class folders and CSV files → samples, and everything that can be wrong with them.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use semio_data::{
    DataHash, Manifest, ManifestError, ManifestOptions, Purpose, ReadLimits, Split, check_files,
    manifest::{Columns, LeftOut},
};
use tempfile::TempDir;

const PIXEL: &[u8] = include_bytes!("fixtures/raster/orient1.png");

fn tree(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        put(folder.path(), file, PIXEL);
    }
    folder
}

fn put(folder: &Path, file: &str, content: &[u8]) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn load(folder: &TempDir, file: &str, options: &ManifestOptions) -> Result<Manifest, ManifestError> {
    Manifest::load(&folder.path().join(file), options)
}

fn table(files: &[&str], csv: &str) -> TempDir {
    let folder = tree(files);
    put(folder.path(), "list.csv", csv.as_bytes());
    folder
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(a, b)| (a.into(), b.into())).collect()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&w| w.into()).collect()
}

fn names(manifest: &Manifest) -> Vec<&str> {
    manifest.samples.iter().map(|s| s.name.as_str()).collect()
}

#[test]
fn class_folders() {
    let folder = tree(&["normal/b.png", "normal/deep/a.JPG", "covid/c.tiff", "covid/no_ending", "covid/.hidden.png"]);
    put(folder.path(), "covid/notes.txt", b"words");
    put(folder.path(), ".cache/x.png", PIXEL);
    let manifest = load(&folder, "", &ManifestOptions::default()).unwrap();
    assert_eq!(manifest.classes, ["covid", "normal"]);
    assert_eq!(names(&manifest), ["covid/c.tiff", "covid/no_ending", "normal/b.png", "normal/deep/a.JPG"]);
    assert_eq!(manifest.samples[0].label.as_deref(), Some("covid"));
    assert_eq!(manifest.samples[0].split, None);
    let left_out = &manifest.report.left_out;
    assert_eq!(left_out[&LeftOut::Hidden], 1);
    assert_eq!(left_out[&LeftOut::NotAPicture("txt".into())], 1);
    assert_eq!((manifest.report.seen, manifest.report.kept), (6, 4));
}

#[test]
fn class_folders_with_splits() {
    let folder = tree(&["Training/a/1.png", "validation/a/2.png", "TEST/b/3.png", "extra/b/4.png"]);
    let manifest = load(&folder, "", &ManifestOptions::default()).unwrap();
    let splits: Vec<_> = manifest.samples.iter().map(|s| s.split.unwrap()).collect();
    assert_eq!(splits, [Split::Test, Split::Train, Split::Val]);
    assert_eq!(manifest.classes, ["a", "b"]);
    assert_eq!(manifest.report.left_out[&LeftOut::Folder("extra".into())], 1);

    let chosen = ManifestOptions { filter: pairs(&[("label", "a")]), ..ManifestOptions::default() };
    assert_eq!(load(&folder, "", &chosen).unwrap().samples.len(), 2);
    let wrong = ManifestOptions { filter: pairs(&[("view", "PA")]), ..ManifestOptions::default() };
    assert!(load(&folder, "", &wrong).unwrap_err().to_string().contains("label, split"));
}

#[test]
fn folders_without_classes_are_refused() {
    let flat = tree(&["1.png", "2.png"]);
    assert!(matches!(load(&flat, "", &ManifestOptions::default()), Err(ManifestError::Layout { .. })));
    let only_splits = tree(&["train/1.png", "test/2.png"]);
    assert!(matches!(load(&only_splits, "", &ManifestOptions::default()), Err(ManifestError::Layout { .. })));
    let nothing = tree(&[]);
    assert!(matches!(load(&nothing, "", &ManifestOptions::default()), Err(ManifestError::Empty { .. })));
    let predict = ManifestOptions { purpose: Purpose::Predict, ..ManifestOptions::default() };
    assert_eq!(names(&load(&flat, "", &predict).unwrap()), ["1.png", "2.png"]);
}

#[test]
fn a_folder_with_a_table_is_read_through_it() {
    let folder = tree(&["images/1.png", "images/2.png"]);
    put(folder.path(), "labels.csv", b"file,label\n1.png,a\n2.png,b\n");
    assert_eq!(load(&folder, "", &ManifestOptions::default()).unwrap().classes, ["a", "b"]);
}

#[test]
fn table_with_every_column() {
    let folder = table(
        &["1.png", "images/sub/2.png", "m/1.png", "3.png"],
        "file,label,split,group,mask,view\n1.png,b,train,p1,m/1.png,PA\nsub/2.png,a,Valid,p2,,AP\n3.png,a,test,,,\n",
    );
    let manifest = load(&folder, "list.csv", &ManifestOptions::default()).unwrap();
    let [first, second, third] = &manifest.samples[..] else { panic!("three rows") };
    assert_eq!(manifest.classes, ["a", "b"]);
    assert_eq!(
        (first.group.as_deref(), second.group.as_deref(), third.group.as_deref()),
        (Some("p1"), Some("p2"), None)
    );
    assert_eq!((first.split, second.split, third.split), (Some(Split::Train), Some(Split::Val), Some(Split::Test)));
    assert_eq!(first.mask, Some(folder.path().join("m/1.png")));
    assert_eq!(second.file, folder.path().join("images").join("sub/2.png"));
    assert_eq!(second.name, "sub/2.png");
    assert_eq!(manifest.extra(first, "view"), Some("PA"));
    assert_eq!(manifest.extra(third, "view"), Some(""));
    assert_eq!(manifest.extra(first, "label"), None);
    assert_eq!(manifest.class_index(first), Some(1));
}

#[test]
fn spellings_of_tables() {
    let files = ["a b.png", "c,d.png"];
    for csv in [
        "file,label\na b.png,x\n\"c,d.png\",y\n",
        "\u{feff}file,label\r\na b.png,x\r\n\"c,d.png\",y\r\n",
        "file;label\na b.png;x\nc,d.png;y\n",
        "\"file\"\t\"label\"\na b.png\tx\nc,d.png\ty",
        " file , label \n a b.png , x \n\"c,d.png\" , y\n",
    ] {
        let manifest = load(&table(&files, csv), "list.csv", &ManifestOptions::default()).unwrap();
        assert_eq!(names(&manifest), files, "{csv:?}");
        assert_eq!(manifest.classes, ["x", "y"], "{csv:?}");
    }
    let windows = table(&["images/sub/1.png"], "file,label\nsub\\1.png,x\n");
    assert!(load(&windows, "list.csv", &ManifestOptions::default()).is_ok());
    let elsewhere = tree(&["1.png"]);
    let absolute = elsewhere.path().join("1.png");
    let csv = format!("file,label\n\"{}\",x\n", absolute.display());
    assert_eq!(load(&table(&[], &csv), "list.csv", &ManifestOptions::default()).unwrap().samples[0].file, absolute);
}

#[test]
fn broken_tables_are_explained() {
    for (csv, expected) in [
        (&b"file,label\na.png,\xe9t\xe9\n"[..], "UTF-8"),
        (b"file,label\na.png\n", "record 1"),
        (b"file,label\n,x\n", "line 2"),
        (b"file,label,label\na.png,x,y\n", "two of its columns"),
        (b"path,label\na.png,x\n", "--file-column"),
        (b"file,class\na.png,x\n", "it has: file, class. Name the right one with --label-column"),
        (b"", "no column 'file'"),
        (b"file,label\n", "no picture"),
    ] {
        let folder = tree(&["a.png"]);
        put(folder.path(), "list.csv", csv);
        let text = load(&folder, "list.csv", &ManifestOptions::default()).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
    let folder = table(&["a.png"], "file,label\na.png,x\n");
    let columns = Columns { group: Some("patient".into()), ..Columns::default() };
    let text = load(&folder, "list.csv", &ManifestOptions { columns, ..ManifestOptions::default() });
    assert!(text.unwrap_err().to_string().contains("'patient'"));
    assert!(load(&folder, "gone.csv", &ManifestOptions::default()).unwrap_err().to_string().contains("gone.csv"));
}

#[test]
fn classes_are_chosen_ordered_renamed_and_merged() {
    let folder = table(&["1.png", "2.png", "3.png", "4.png"], "file,label\n1.png,a\n2.png,b\n3.png,c\n4.png,\n");
    let choose = |classes: &[&str], map: &[(&str, &str)]| {
        let options = ManifestOptions { classes: words(classes), map: pairs(map), ..ManifestOptions::default() };
        load(&folder, "list.csv", &options)
    };
    let manifest = choose(&["c", "a"], &[]).unwrap();
    assert_eq!((manifest.classes.clone(), names(&manifest)), (words(&["c", "a"]), vec!["1.png", "3.png"]));
    assert_eq!(manifest.report.left_out[&LeftOut::Class("b".into())], 1);
    assert_eq!(manifest.report.left_out[&LeftOut::NoLabel], 1);
    let manifest = choose(&[], &[("b", "sick"), ("c", "sick")]).unwrap();
    assert_eq!(manifest.classes, ["a", "sick"]);
    assert_eq!(manifest.samples[2].label.as_deref(), Some("sick"));
    assert_eq!(choose(&["sick"], &[("b", "sick")]).unwrap().samples.len(), 1);
    for (classes, map, word) in [
        (&["d"][..], &[][..], "--classes"),
        (&["b"], &[("b", "sick")], "a, c, sick"),
        (&[], &[("d", "e")], "--map"),
        (&["a", "a"], &[], "twice"),
        (&[], &[("a", "x"), ("a", "y")], "twice"),
    ] {
        let text = choose(classes, map).unwrap_err().to_string();
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn rows_are_chosen_by_value() {
    let folder = table(
        &["1.png", "2.png", "3.png", "4.png"],
        "file,label,view,sex\n1.png,a,PA,F\n2.png,a,AP,F\n3.png,a,L,F\n4.png,a,PA,M\n",
    );
    let choose = |list: &[(&str, &str)]| {
        load(&folder, "list.csv", &ManifestOptions { filter: pairs(list), ..ManifestOptions::default() })
    };
    assert_eq!(names(&choose(&[("view", "PA")]).unwrap()), ["1.png", "4.png"]);
    let manifest = choose(&[("view", "PA"), ("sex", "F"), ("view", "AP")]).unwrap();
    assert_eq!(names(&manifest), ["1.png", "2.png"]);
    assert_eq!(manifest.report.left_out[&LeftOut::Filter], 2);
    assert!(choose(&[("age", "4")]).unwrap_err().to_string().contains("--where"));
    assert!(choose(&[("view", "XX")]).unwrap_err().to_string().contains("4: not chosen by --where"));
}

#[test]
fn splits_of_other_names_are_counted() {
    let folder = table(
        &["1.png", "2.png", "3.png", "4.png"],
        "file,label,split\n1.png,a,train\n2.png,a,dropped\n3.png,a,dropped\n4.png,a,\n",
    );
    let report = load(&folder, "list.csv", &ManifestOptions::default()).unwrap().report;
    assert_eq!(report.left_out[&LeftOut::Split("dropped".into())], 2);
    assert_eq!(report.left_out[&LeftOut::Split(String::new())], 1);
    assert!(report.to_string().contains("1 of 4 kept\n  1 left out: split is empty\n  2 left out: split is 'dropped'"));
}

#[test]
fn missing_files_stop_or_are_named() {
    let rows: Vec<String> = (0..25).map(|i| format!("gone{i}.png,a")).collect();
    let folder = table(&["1.png"], &format!("file,label\n1.png,a\n{}\n", rows.join("\n")));
    let text = load(&folder, "list.csv", &ManifestOptions::default()).unwrap_err().to_string();
    assert!(text.contains("25 files are missing: gone0.png, gone1.png") && text.contains("gone19.png and 5 more"));
    assert!(!text.contains("gone20.png") && text.contains("--skip-bad"));
    let skip = ManifestOptions { skip_bad: true, ..ManifestOptions::default() };
    let manifest = load(&folder, "list.csv", &skip).unwrap();
    assert_eq!((names(&manifest), manifest.report.bad.len()), (vec!["1.png"], 25));
    assert_eq!(manifest.report.left_out[&LeftOut::Missing], 25);

    let mask = table(&["1.png"], "file,label,mask\n1.png,a,gone.png\n");
    assert!(matches!(
        load(&mask, "list.csv", &ManifestOptions::default()),
        Err(ManifestError::Missing { count: 1, .. })
    ));
}

#[test]
fn repeated_and_contradictory_rows() {
    let folder = table(&["1.png", "2.png"], "file,label\n1.png,a\n2.png,a\n1.png,a\n");
    let manifest = load(&folder, "list.csv", &ManifestOptions::default()).unwrap();
    assert_eq!((names(&manifest), manifest.report.left_out[&LeftOut::Repeated]), (vec!["1.png", "2.png"], 1));

    let folder = table(&["1.png", "2.png"], "file,label\n1.png,a\n2.png,a\n1.png,b\n1.png,a\n");
    let text = load(&folder, "list.csv", &ManifestOptions::default()).unwrap_err().to_string();
    assert!(text.contains("1 files stand in several rows") && text.contains("1.png"), "{text}");
    let skip = ManifestOptions { skip_bad: true, ..ManifestOptions::default() };
    let manifest = load(&folder, "list.csv", &skip).unwrap();
    assert_eq!((names(&manifest), manifest.report.left_out[&LeftOut::Contradictory]), (vec!["2.png"], 3));
}

#[test]
fn prediction_keeps_every_row_in_order() {
    let predict = ManifestOptions { purpose: Purpose::Predict, ..ManifestOptions::default() };
    let folder = table(&["2.png"], "file,split\n2.png,odd\ngone.png,train\n2.png,test\n");
    let manifest = load(&folder, "list.csv", &predict).unwrap();
    assert_eq!(names(&manifest), ["2.png", "gone.png", "2.png"]);
    assert_eq!(manifest.samples[0].split, None);
    assert!(manifest.classes.is_empty() && manifest.samples.iter().all(|s| s.label.is_none()));
}

#[test]
fn unreadable_pictures_are_found() {
    let folder = tree(&["a/1.png", "a/2.png", "b/3.png"]);
    put(folder.path(), "a/text.png", b"no picture");
    put(folder.path(), "b/short.png", &PIXEL[..PIXEL.len() / 2]);
    let manifest = load(&folder, "", &ManifestOptions::default()).unwrap();
    for threads in [0, 1, 3] {
        let heard = AtomicUsize::new(0);
        let bad = check_files(&manifest.samples, &ReadLimits::default(), false, threads, &|done| {
            heard.fetch_max(done, Ordering::Relaxed);
        });
        assert_eq!(heard.into_inner(), 5);
        assert_eq!(bad.first_frames, 0);
        let bad = bad.bad;
        assert_eq!(bad.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["a/text.png", "b/short.png"]);
        assert_eq!(bad.iter().map(|b| b.index).collect::<Vec<_>>(), [2, 4]);
        assert!(bad[0].reason.contains("text") && bad[1].reason.contains("ends early"), "{bad:?}");
    }
}

#[test]
fn the_hash_names_the_data() {
    let folder = tree(&["a/1.png", "b/2.png"]);
    let manifest = load(&folder, "", &ManifestOptions::default()).unwrap();
    let mut samples = manifest.samples.clone();
    let hash = DataHash::of(&samples).unwrap().whole;
    assert_eq!(hash.len(), 64);
    samples.reverse();
    assert_eq!(DataHash::of(&samples).unwrap().whole, hash, "order");

    let changed = |change: &dyn Fn(&mut semio_data::Sample)| {
        let mut samples = manifest.samples.clone();
        change(&mut samples[0]);
        DataHash::of(&samples).unwrap().whole
    };
    let others = [
        changed(&|s| s.label = Some("c".into())),
        changed(&|s| s.split = Some(Split::Train)),
        changed(&|s| s.group = Some(String::new())),
        changed(&|s| s.group = Some("p".into())),
        changed(&|s| s.name.push('x')),
    ];
    put(folder.path(), "a/1.png", b"other content");
    let content = DataHash::of(&manifest.samples).unwrap().whole;
    let mut all = others.to_vec();
    all.extend([hash, content]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 7, "each change has its own hash");
    fs::remove_file(folder.path().join("a/1.png")).unwrap();
    assert!(DataHash::of(&manifest.samples).unwrap_err().to_string().contains("1.png"));
}

/// The tables of the development sets, with the flags that their READMEs imply.
#[test]
fn the_development_tables_load() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        println!("skipped: {} is absent", data.display());
        return;
    }
    // (set, label, group, rows kept, classes, rows left out)
    for (set, label, group, kept, classes, left_out) in [
        ("blood_wbc", "label", None, 300, 5, 100),
        ("brain_tumor_mri", "label", Some("group"), 2341, 4, 10),
        ("cxr_covid_3class", "label", Some("patient"), 898, 3, 0),
        ("cxr_covid_lung_masks", "finding", Some("patient"), 84, 0, 0),
        ("cxr_covid_viral_normal", "label", Some("group"), 297, 3, 6),
        ("leukemia_all", "binary_label", Some("appearance_cluster"), 2490, 2, 0),
        ("ms_flair_slices", "label", Some("patient"), 762, 4, 0),
        ("pneumoniamnist", "label", None, 5856, 2, 0),
    ] {
        let columns = Columns { label: Some(label.into()), group: group.map(Into::into), ..Columns::default() };
        let options = ManifestOptions { columns, ..ManifestOptions::default() };
        let manifest = Manifest::load(&data.join(set).join("labels.csv"), &options).unwrap();
        assert_eq!(manifest.samples.len(), kept, "{set}");
        assert!(classes == 0 || manifest.classes.len() == classes, "{set}: {:?}", manifest.classes);
        assert_eq!(manifest.report.left_out.values().sum::<usize>(), left_out, "{set}: {}", manifest.report);
        assert!(semio_data::split::divided_groups(&manifest.samples).is_empty(), "{set}");
        let all_grouped = manifest.samples.iter().all(|s| s.group.is_some());
        assert_eq!(all_grouped, group.is_some(), "{set}");
    }
}
