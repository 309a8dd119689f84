//! The way of a new user: pictures, a model, its figures, its predictions.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{collections::HashMap, fs, path::Path};

use common::{out, run, short, synthetic, text};
use serde_json::Value;

fn rows(path: &Path) -> Vec<HashMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

#[test]
fn from_pictures_to_predictions() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "120");
    let run_folder = folder.path().join("run");
    let said = out(&run(&short(&labels, text(&run_folder), "2"), 0));
    assert!(said.contains("next     semio evaluate"), "{said}");
    for file in
        ["recipe.toml", "split.csv", "history.csv", "curves.svg", "report.html", "evaluation.json", "predictions.csv"]
    {
        assert!(run_folder.join(file).exists(), "{file} is missing");
    }
    let bundle = run_folder.join("bundle");
    for file in ["model.safetensors", "bundle.json", "card.md", "history.csv", "evaluation.json"] {
        assert!(bundle.join(file).exists(), "bundle/{file} is missing");
    }
    assert_eq!(rows(&run_folder.join("history.csv")).len(), 2);

    // The figures that `evaluate` finds are those that training wrote down: one predictor.
    let judged = folder.path().join("judged");
    let list = run_folder.join("split.csv");
    let args = ["evaluate", text(&bundle), "--data", text(&list), "--split", "val", "--json", "-o", text(&judged)];
    let evaluation: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
    let written: Value = serde_json::from_slice(&fs::read(run_folder.join("evaluation.json")).unwrap()).unwrap();
    assert_eq!(evaluation, written);
    for key in ["accuracy", "balanced_accuracy", "roc_auc", "pr_auc", "log_loss", "per_class", "confusion_matrix"] {
        assert!(!evaluation[key].is_null(), "{key}");
    }
    let outcomes = &evaluation["outcomes"];
    let number = |key: &str| outcomes[key].as_u64().unwrap();
    assert_eq!(number("answered") + number("unsure") + number("refused"), evaluation["n"].as_u64().unwrap());
    assert!((0.0..=1.0).contains(&evaluation["sets"]["coverage"].as_f64().unwrap()));
    assert!(evaluation["intervals"]["accuracy"]["low"].as_f64() <= evaluation["accuracy"].as_f64());
    let page = fs::read_to_string(judged.join("report.html")).unwrap();
    assert!(page.contains("Not a medical device"));
    assert!(page.contains("also used to choose the epoch"), "the run's own list is recognised");

    // The same pictures by another list in another place, under other names, are known by their content.
    let copies = folder.path().join("copies");
    fs::create_dir(&copies).unwrap();
    let mut other = csv::Writer::from_path(copies.join("other.csv")).unwrap();
    other.write_record(["file", "label"]).unwrap();
    for (i, row) in rows(&list).iter().enumerate() {
        let name = format!("{i}.png");
        fs::copy(&row["file"], copies.join(&name)).unwrap();
        other.write_record([&name, &row["label"]]).unwrap();
    }
    other.flush().unwrap();
    let again = folder.path().join("again");
    let data = copies.join("other.csv");
    let args = ["evaluate", text(&bundle), "--data", text(&data), "--split", "all", "-o", text(&again)];
    let said = out(&run(&args, 0));
    assert!(said.contains("the model learned from 84 of them, and 24 more chose its epoch"), "{said}");
    let page = fs::read_to_string(again.join("report.html")).unwrap();
    assert!(page.contains("Of the 120 pictures, the network learned from 84"));

    // Predictions of a folder: one row a file, in order, and the same numbers as in the evaluation.
    let results = folder.path().join("results.csv");
    let images = folder.path().join("data/images");
    run(&["predict", text(&bundle), text(&images), "-o", text(&results)], 0);
    let predicted = rows(&results);
    assert_eq!(predicted.len(), 120);
    let names: Vec<&String> = predicted.iter().map(|r| &r["file"]).collect();
    assert!(names.is_sorted() && names[0].starts_with(text(&images)), "{}", names[0]);
    let by_file: HashMap<_, _> = predicted.iter().map(|r| (fs::canonicalize(&r["file"]).unwrap(), r)).collect();
    for judged in rows(&run_folder.join("predictions.csv")) {
        let file = folder.path().join("data").join(&judged["file"]);
        let row = by_file[&fs::canonicalize(file).unwrap()];
        for column in ["p_glioma", "p_meningioma", "p_pituitary", "p_notumor"] {
            let number = |r: &HashMap<String, String>| r[column].parse::<f64>().unwrap();
            assert!((number(row) - number(&judged)).abs() < 1e-5, "{column}");
        }
        assert_eq!((&row["outcome"], &row["set"]), (&judged["outcome"], &judged["set"]));
        assert_eq!(row["outcome"] == "answered", row["reason"].is_empty());
    }

    // One picture: a sentence. JSON lines: the same keys.
    let one = names[0].as_str();
    let sentence = out(&run(&["predict", text(&bundle), one], 0));
    let begins = match predicted[0]["outcome"].as_str() {
        "answered" => "the model's result suggests ",
        "unsure" => "not sure: ",
        _ => "refused: ",
    };
    assert!(sentence.starts_with(&format!("{one}: {begins}")), "{sentence}");
    assert!(sentence.contains("Research software. Not a medical device."));
    let line: Value = serde_json::from_str(&out(&run(&["predict", text(&bundle), one, "--json"], 0))).unwrap();
    assert_eq!(line["class"].as_str().unwrap_or_default(), predicted[0]["class"]);
    let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
    let mut expected: Vec<&String> = predicted[0].keys().collect();
    expected.sort();
    let mut sorted = keys;
    sorted.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn a_zip_of_the_bundle_predicts_alike() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let run_folder = folder.path().join("run");
    run(&short(&labels, text(&run_folder), "1"), 0);
    let zip = folder.path().join("bundle.zip");
    let mut archive = zip::ZipWriter::new(fs::File::create(&zip).unwrap());
    for name in ["bundle.json", "model.safetensors", "calibration.json", "pictures.json"] {
        archive.start_file(format!("bundle/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut archive, &fs::read(run_folder.join("bundle").join(name)).unwrap()).unwrap();
    }
    archive.finish().unwrap();
    let predict = |bundle: &Path| out(&run(&["predict", text(bundle), &labels], 0));
    let from_folder = predict(&run_folder.join("bundle"));
    assert_eq!(from_folder, predict(&zip));
    assert_eq!(from_folder.lines().count(), 41);
    assert!(from_folder.lines().nth(1).unwrap().starts_with("images/"), "the list's own spelling is repeated");
}

#[test]
fn a_recipe_file_does_what_its_flags_do() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    run(&[&short(&labels, text(&a), "1")[..], &["--loss", "binary", "--optimizer", "sgd", "--folds", "2"]].concat(), 0);
    let recipe = folder.path().join("recipe.toml");
    fs::write(
        &recipe,
        format!(
            "data = {labels:?}\nmodel = \"lenet5\"\nimage-size = 32\nepochs = 7\nbatch-size = 8\nseed = 5\n\
             loss = \"binary\"\noptimizer = \"sgd\"\nfolds = 2\n"
        ),
    )
    .unwrap();
    run(&["train", text(&recipe), "--epochs", "1", "-o", text(&b)], 0);
    let read = |folder: &Path, file: &str| fs::read(folder.join(file)).unwrap();
    assert_eq!(read(&a, "recipe.toml"), read(&b, "recipe.toml"));
    assert_eq!(read(&a, "folds.csv"), read(&b, "folds.csv"));
    let folds = rows(&a.join("folds.csv"));
    assert_eq!(folds.iter().map(|r| r["fold"].as_str()).collect::<Vec<_>>(), ["1", "2", "pooled"]);
    let set_aside = rows(Path::new(&labels)).iter().filter(|r| r["split"] == "test").count();
    assert!(set_aside > 0);
    assert_eq!(folds[2]["n"], (40 - set_aside).to_string(), "folds leave the data's own test part alone");
    // All folds together are judged as one part is.
    let pooled: Value = serde_json::from_slice(&read(&a, "evaluation.json")).unwrap();
    assert!(pooled["intervals"]["accuracy"]["low"].as_f64().unwrap() < pooled["accuracy"].as_f64().unwrap());
    let outcomes = pooled["outcomes"].as_object().unwrap();
    assert_eq!(outcomes.values().filter_map(Value::as_u64).sum::<u64>() as usize, 40 - set_aside);
    assert_eq!(rows(&a.join("predictions.csv")).len(), 40 - set_aside);
    let page = fs::read_to_string(a.join("report.html")).unwrap();
    assert!(page.contains("2 folds, stratified, seed 5") && page.contains("How sure the results are"));
    assert!(!a.join("features").exists(), "features that can be computed again do not stay");
    // A fold's bundle tells what this network saw, and on what it was judged.
    let bundle: Value = serde_json::from_slice(&read(&a.join("fold-1/bundle"), "bundle.json")).unwrap();
    assert_eq!(bundle["metrics"]["part"], "held-out fold");
    let of = |part: &str| -> u64 {
        bundle["data"]["counts"][part].as_object().unwrap().values().filter_map(Value::as_u64).sum()
    };
    assert_eq!(bundle["metrics"]["n"], of("test"));
    assert_eq!((of("train") + of("val") + of("test")) as usize, 40 - set_aside);
    // The resolved recipe is itself a recipe.
    run(&["train", text(&a.join("recipe.toml")), "-o", text(&folder.path().join("c"))], 0);
}

#[test]
fn standard_input_and_patterns_name_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "ms", "30");
    let run_folder = folder.path().join("run");
    run(&short(&labels, text(&run_folder), "1"), 0);
    let bundle = run_folder.join("bundle");
    let pattern = format!("{}/data/images/*/00000[1-5].png", folder.path().display());
    let from_pattern = out(&run(&["predict", text(&bundle), &pattern], 0));
    assert_eq!(from_pattern.lines().count(), 6, "{from_pattern}");
    let names: Vec<&str> = from_pattern.lines().skip(1).map(|l| l.split(',').next().unwrap()).collect();
    let mut child = common::semio(&["predict", text(&bundle), "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), names.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(out(&output), from_pattern);
}

/// Names that no folder for a test has by chance.
const PATIENTS: [&str; 2] = ["the-first-patient", "the-second-patient"];

#[test]
fn leaving_one_of_two_patients_out_chooses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let list = folder.path().join("data/two.csv");
    let mut table = "file,label,patient\n".to_owned();
    for (i, row) in rows(Path::new(&labels)).iter().enumerate() {
        table += &[&row["file"], ",", &row["label"], ",", PATIENTS[i / 20], "\n"].concat();
    }
    fs::write(&list, table).unwrap();
    let place = folder.path().join("run");
    let more = ["--group-column", "patient", "--folds", "leave-one-group-out"];
    run(&[&short(text(&list), text(&place), "2")[..], &more].concat(), 0);
    let folds = rows(&place.join("folds.csv"));
    assert_eq!(folds.iter().map(|r| r["n"].as_str()).collect::<Vec<_>>(), ["20", "20", "40"]);
    let report = fs::read_to_string(place.join("report.html")).unwrap();
    assert!(report.contains("2 folds, one for each group"));
    assert!(!PATIENTS.iter().any(|patient| report.contains(patient)), "patients are not named");
}
