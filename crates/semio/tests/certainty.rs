//! What a result is worth, where the model looked, and pictures in groups: the commands as a user runs them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{err, out, run, short, synthetic, text};
use serde_json::Value;

fn lines(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn black(folder: &Path) -> String {
    let image = semio_image::Image::new(64, 64, semio_image::Color::Grey, semio_image::Samples::U8(vec![0; 64 * 64]));
    let path = folder.join("black.png");
    fs::write(&path, semio_data::encode_png(&image.unwrap()).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_result_says_what_it_is_worth() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "160");
    let place = folder.path().join("run");
    run(&short(&labels, text(&place), "2"), 0);
    let bundle = place.join("bundle");
    let calibration: Value = serde_json::from_slice(&fs::read(bundle.join("calibration.json")).unwrap()).unwrap();
    let kept = calibration["evidence"]["labels"].as_array().unwrap().len();
    let split = fs::read_to_string(place.join("split.csv")).unwrap();
    assert_eq!(split.lines().filter(|l| l.ends_with(",yes")).count(), kept, "the list names the calibration pictures");
    assert!(split.lines().filter(|l| l.ends_with(",yes")).all(|l| l.contains(",val,")));

    let refused = &lines(&out(&run(&["predict", text(&bundle), &black(folder.path()), "--json"], 0)))[0];
    assert_eq!((&refused["outcome"], &refused["class"]), (&Value::from("refused"), &Value::Null));
    assert!(refused["reason"].as_str().unwrap().contains("empty"), "{refused}");

    let images = folder.path().join("data/images");
    let sets = |coverage: &str| -> usize {
        let found = lines(&out(&run(&["predict", text(&bundle), text(&images), "--json", "--coverage", coverage], 0)));
        found.iter().map(|l| l["set"].as_str().unwrap().split('|').filter(|c| !c.is_empty()).count()).sum()
    };
    assert!(sets("0.4") < sets("0.8"), "more coverage takes larger sets");
    let said = err(&run(&["predict", text(&bundle), text(&images), "--coverage", "1.5"], 2));
    assert!(said.contains("coverage") && said.contains("help: "), "{said}");

    let site = "glioma=0.97,meningioma=0.01,notumor=0.01,pituitary=0.01";
    let gliomas = |more: &[&str]| {
        let args = [&["predict", text(&bundle), text(&images), "--json"], more].concat();
        lines(&out(&run(&args, 0))).iter().filter(|l| l["class"] == "glioma").count()
    };
    assert!(
        gliomas(&["--prevalence", site]) > gliomas(&[]),
        "a class that is frequent at the site is given more often"
    );
    let said = err(&run(&["predict", text(&bundle), text(&images), "--prevalence", "glioma=1"], 2));
    assert!(said.contains("a class has no share"), "{said}");

    fs::write(bundle.join("calibration.json"), "{}").unwrap();
    let said = err(&run(&["predict", text(&bundle), text(&images)], 1));
    assert!(said.contains("calibration.json is not the file that bundle.json describes"), "{said}");
}

#[test]
fn a_threshold_for_sensitivity_stays_where_a_class_is_rare() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "120");
    let place = folder.path().join("run");
    run(&[&short(&labels, text(&place), "2")[..], &["--threshold", "sensitivity=0.9"]].concat(), 0);
    let bundle = place.join("bundle");
    let manifest: Value = serde_json::from_slice(&fs::read(bundle.join("bundle.json")).unwrap()).unwrap();
    let chosen = &manifest["decision"]["chosen"];
    assert_eq!(chosen["aim"]["sensitivity"], 0.9, "{manifest}");
    assert!(chosen["sensitivity"].as_f64().unwrap() >= 0.9);
    assert!(fs::read_to_string(bundle.join("card.md")).unwrap().contains("chosen for a sensitivity of 0.9"));
    assert!(fs::read_to_string(place.join("report.html")).unwrap().contains("chosen for a sensitivity of 90.0"));

    let images = folder.path().join("data/images");
    let site = "all=0.99,hem=0.01";
    let predicted =
        |more: &[&str]| lines(&out(&run(&[&["predict", text(&bundle), text(&images), "--json"], more].concat(), 0)));
    let (here, there) = (predicted(&[]), predicted(&["--prevalence", site]));
    for (a, b) in here.iter().zip(&there) {
        assert_eq!(a["class"], b["class"], "sensitivity does not depend on how frequent a class is");
        assert!(a["p_hem"].as_f64() >= b["p_hem"].as_f64());
    }
    let picture = fs::read_dir(&images).unwrap().next().unwrap().unwrap().path();
    let picture =
        if picture.is_dir() { fs::read_dir(picture).unwrap().next().unwrap().unwrap().path() } else { picture };
    let done = run(&["predict", text(&bundle), text(&picture), "--prevalence", site], 0);
    assert!(err(&done).contains("adjusted to these class frequencies: all 0.99, hem 0.01"));
    assert!(!out(&done).contains("to which it gave"), "shares among other pictures say nothing there");

    let list = place.join("split.csv");
    let args = ["evaluate", text(&bundle), "--data", text(&list), "--split", "val", "--json", "--prevalence", site];
    let judged: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
    let matrix = &judged["at_site"]["confusion_matrix"];
    assert_eq!(matrix, &judged["confusion_matrix"], "the same threshold, the same decisions");
    let [[tn, fp], [fneg, tp]] = serde_json::from_value::<[[f64; 2]; 2]>(matrix.clone()).unwrap();
    let (hit, alarm) = (0.01 * tp / (tp + fneg), 0.99 * fp / (tn + fp));
    let told = judged["at_site"]["predictive_values"][1]["positive"].as_f64();
    let bayes = (hit + alarm > 0.0).then(|| hit / (hit + alarm));
    assert!(told.zip(bayes).map_or(told == bayes, |(a, b)| (a - b).abs() < 1e-9), "{told:?} {bayes:?}");
}

#[test]
fn too_small_a_calibration_part_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let trained = |name: &str, more: &[&str]| {
        let place = folder.path().join(name);
        let said = out(&run(&[&short(&labels, text(&place), "1")[..], more].concat(), 0));
        (said, fs::read_to_string(place.join("report.html")).unwrap())
    };
    let (said, page) = trained("none", &["--calibration-ratio", "0"]);
    assert!(said.contains("note     Nothing was left of the validation part for calibration"), "{said}");
    assert!(page.contains("is never unsure, and refuses no picture"));
    let (said, _) = trained("few", &["--coverage", "0.99"]);
    assert!(said.contains("every set holds every class"), "{said}");
    let (said, _) = trained("enough", &["--coverage", "0.5"]);
    assert!(!said.contains("note  "), "{said}");
}

#[test]
fn a_map_shows_where_the_model_looked() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let place = folder.path().join("run");
    run(&short(&labels, text(&place), "1"), 0);
    let bundle = place.join("bundle");
    let maps = folder.path().join("maps");
    let image = folder.path().join("data/images/all/000001.png");
    let image = if image.exists() { image } else { folder.path().join("data/images/hem/000001.png") };
    let args = [
        "explain",
        text(&bundle),
        text(&image),
        "--method",
        "all",
        "--json",
        "--faithfulness",
        "--sanity",
        "-o",
        text(&maps),
    ];
    let found = lines(&out(&run(&args, 0)));
    assert_eq!(found.len(), 6, "every method fits a small convolutional network");
    for line in &found {
        assert!(Path::new(line["picture"].as_str().unwrap()).exists(), "{line}");
        let areas = [&line["deletion_auc"], &line["insertion_auc"]];
        assert!(areas.iter().all(|a| (0.0..=1.0).contains(&a.as_f64().unwrap())), "{line}");
    }
    let svg = ["explain", text(&bundle), text(&image), "--class", "hem", "--format", "svg", "-o", text(&maps)];
    assert!(out(&run(&svg, 0)).contains("it is no proof of the result"));
    let drawing = fs::read_to_string(maps.join("000001.grad-cam.svg")).unwrap();
    assert!(drawing.contains("What speaks for hem, by grad-cam") && drawing.contains("data:image/png;base64,"));
    let said = err(&run(&["explain", text(&bundle), text(&image), "--class", "flu", "-o", text(&maps)], 2));
    assert!(said.contains("choose one of all, hem"), "{said}");
    let said = err(&run(&["explain", text(&bundle), text(&image), "--layer", "layer9", "-o", text(&maps)], 1));
    assert!(said.contains("lenet5 has no layer layer9"), "{said}");
}

#[test]
fn a_forest_decides_in_the_same_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "pneumonia", "120");
    for classifier in ["random-forest", "logistic-regression"] {
        let place = folder.path().join(classifier);
        let args = [
            "train",
            "--data",
            &labels,
            "--model",
            "block-means",
            "--classifier",
            classifier,
            "-q",
            "-o",
            text(&place),
        ];
        run(&args, 0);
        let bundle = place.join("bundle");
        assert!(bundle.join("classifier.json").exists() && place.join("report.html").exists());
        let list = place.join("split.csv");
        let args = ["evaluate", text(&bundle), "--data", text(&list), "--split", "val", "--json"];
        let again: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
        let written: Value = serde_json::from_slice(&fs::read(place.join("evaluation.json")).unwrap()).unwrap();
        assert_eq!(again, written);
        let said = err(&run(&["explain", text(&bundle), &labels, "-o", text(&folder.path().join("maps"))], 1));
        assert!(said.contains("decides on the network's features"), "{said}");
    }
}

#[test]
fn pictures_fall_into_groups() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "60");
    let place = folder.path().join("groups");
    let args = ["cluster", "--data", &labels, "--groups", "2", "--json", "-o", text(&place)];
    let found: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
    assert_eq!(found["files"].as_array().unwrap().len(), 60);
    assert!(found["clusters"].as_array().unwrap().iter().all(|c| c.as_u64().is_some_and(|c| c < 2)));
    assert!((0.0..=1.0).contains(&found["agreement"]["purity"].as_f64().unwrap()));
    let page = fs::read_to_string(place.join("clusters.html")).unwrap();
    assert!(page.contains("Groups and classes") && !page.contains("http://") && !page.contains("https://"));
    assert_eq!(fs::read_to_string(place.join("clusters.csv")).unwrap().lines().count(), 61);
    let said =
        err(&run(&["cluster", "--data", &labels, "--method", "density", "--groups", "2", "-o", text(&place)], 2));
    assert!(said.contains("density finds the number of groups itself"), "{said}");
}
