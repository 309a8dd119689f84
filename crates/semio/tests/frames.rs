//! DICOM files of several frames on the command line: one of them, or each and the file as a whole.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
#[path = "../../semio-data/tests/dicom_file/mod.rs"]
mod dicom_file;

use std::{collections::HashMap, fs, path::Path};

use common::{err, out, run, short, synthetic, text};

/// A film of so many frames of 32 × 32 pixels, each another slope.
fn film(path: &Path, frames: usize) {
    let slope = |n: usize| (0..32 * 32).map(|i| ((i % 32) * (n + 1) + (i / 32) * 4) as u8).collect();
    fs::write(path, dicom_file::film(32, &(0..frames).map(slope).collect::<Vec<_>>())).unwrap();
}

type Rows = Vec<HashMap<String, String>>;

fn rows(path: &Path) -> Rows {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_frame_or_all_of_them_are_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "60");
    let run_folder = folder.path().join("run");
    run(&short(&labels, text(&run_folder), "1"), 0);
    let bundle = run_folder.join("bundle");
    let (one, many) = (folder.path().join("one.dcm"), folder.path().join("many.dcm"));
    film(&one, 1);
    film(&many, 40);
    let results = folder.path().join("results.csv");
    let predict = |more: &[&str], code| {
        let args = ["predict", text(&bundle), text(&many), text(&one), "-o", text(&results)];
        run(&[&args[..], more].concat(), code)
    };

    // Without a word the first, and it is said that there are more.
    let said = err(&predict(&[], 0));
    assert!(said.contains("note: 1 file has several frames, and the first was read; --frame all"), "{said}");
    let first = rows(&results);
    assert_eq!(first.len(), 2);

    // More frames than the network reads at once.
    let said = out(&predict(&["--frame", "all"], 0));
    assert!(said.contains("predicted 41 of 41 pictures"), "{said}");
    let all = rows(&results);
    let names: Vec<&str> = all.iter().map(|r| r["file"].as_str()).collect();
    let numbered = |n: usize| format!("{}#{n}", text(&many));
    assert_eq!((names.len(), names[0], names[39]), (42, &*numbered(1), &*numbered(40)));
    assert_eq!(names[40..], [text(&many), text(&one)]);
    let whole = &all[40];
    assert_eq!((whole["outcome"].as_str(), whole["set"].as_str(), whole["novelty"].as_str()), refused_or_mean(&all));
    let p = |row: &HashMap<String, String>| row["p_glioma"].parse::<f64>().unwrap();
    let known: Vec<&HashMap<_, _>> = all[..40].iter().filter(|r| r["outcome"] != "refused").collect();
    if !known.is_empty() {
        let mean = known.iter().map(|r| p(r)).sum::<f64>() / known.len() as f64;
        assert!((p(whole) - mean).abs() < 1e-9, "{} beside {mean}", whole["p_glioma"]);
        let said = format!("mean of the probabilities of {} of 40 frames", known.len());
        assert!(whole["reason"].starts_with(&said), "{}", whole["reason"]);
    }
    // Each frame is what it is alone.
    let alone = |n: &str| {
        run(&["predict", text(&bundle), text(&many), "--frame", n, "-o", text(&results)], 0);
        rows(&results).remove(0)
    };
    for n in [1, 17, 40] {
        let row = alone(&n.to_string());
        assert_eq!((&row, row["file"].as_str()), (&all[n - 1], &*numbered(n)));
    }
    assert_eq!(first[0]["p_glioma"], all[0]["p_glioma"]);
    assert_ne!(all[0]["p_glioma"], all[20]["p_glioma"]);

    // A frame that one of the files has not.
    predict(&["--frame", "2"], 1);
    let second = rows(&results);
    assert_eq!((second[0]["file"].as_str(), second[1]["outcome"].as_str()), (&*numbered(2), "error"));
    assert!(
        second[1]["reason"].contains("one.dcm: frame 2 is asked for, and the DICOM file has only frame 1"),
        "{}",
        second[1]["reason"]
    );
    let wrong = err(&run(&["predict", text(&bundle), text(&many), "--frame", "0"], 2));
    assert!(wrong.contains("a number from 1 on"), "{wrong}");

    // A list names frames itself.
    let list = folder.path().join("list.csv");
    fs::write(&list, "file,frame\nmany.dcm,17\none.dcm,\n").unwrap();
    run(&["predict", text(&bundle), text(&list), "-o", text(&results)], 0);
    let listed = rows(&results);
    assert_eq!((listed[0]["file"].as_str(), &listed[0]["p_glioma"]), ("many.dcm#17", &all[16]["p_glioma"]));
    let both = err(&run(&["predict", text(&bundle), text(&list), "--frame", "all"], 2));
    assert!(both.contains("contradict each other"), "{both}");
}

/// What the row of a whole file has, by what its frames have.
fn refused_or_mean(rows: &Rows) -> (&'static str, &'static str, &'static str) {
    let refused = rows[..40].iter().all(|r| r["outcome"] == "refused");
    (if refused { "refused" } else { "mean" }, "", "")
}

/// Films of two patients a class, from import to prediction: no film is divided.
#[test]
fn films_are_learnt_from_frame_by_frame() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("films");
    for class in ["ill", "well"] {
        fs::create_dir_all(data.join(class)).unwrap();
    }
    for n in 0..8 {
        let level = |class: usize, n: usize| {
            let pixel = move |i: usize, frame: usize| ((i * (7 + 2 * n + class) + frame * 13) % 97 + 120 * class) as u8;
            (0..4).map(|frame| (0..32 * 32).map(|i| pixel(i, frame)).collect()).collect::<Vec<Vec<u8>>>()
        };
        for (class, name) in ["ill", "well"].into_iter().enumerate() {
            fs::write(data.join(name).join(format!("{n}.dcm")), dicom_file::film(32, &level(class, n))).unwrap();
        }
    }
    let list = folder.path().join("list.csv");
    let said = out(&run(&["data", "import", text(&data), "-o", text(&list)], 0));
    assert!(said.contains("16 files have several frames, of which the first is read"), "{said}");
    let said = out(&run(&["data", "import", text(&data), "--frame", "all", "-o", text(&list)], 0));
    assert!(said.contains("pictures 64"), "{said}");
    let run_folder = folder.path().join("run");
    run(&short(text(&list), text(&run_folder), "1"), 0);
    let divided = rows(&run_folder.join("split.csv"));
    assert_eq!(divided.len(), 64);
    let mut parts: HashMap<&str, &str> = HashMap::new();
    for row in &divided {
        let part = parts.entry(&row["file"]).or_insert(&row["split"]);
        assert_eq!(*part, row["split"], "{} frame {}", row["file"], row["frame"]);
    }
    // The list is read again with its frames, and judged.
    let judged = folder.path().join("judged");
    let split = run_folder.join("split.csv");
    let bundle = run_folder.join("bundle");
    run(&["evaluate", text(&bundle), "--data", text(&split), "--split", "test", "-o", text(&judged)], 0);
    let predictions = rows(&judged.join("predictions.csv"));
    assert!(!predictions.is_empty() && predictions.iter().all(|r| r["file"].contains(".dcm#")), "{predictions:?}");
    // From the folder itself the first frames, and it is said.
    let said = out(&run(&short(text(&data), text(&folder.path().join("first")), "1"), 0));
    assert!(said.contains("16 files have several frames, and the first is read"), "{said}");
}
