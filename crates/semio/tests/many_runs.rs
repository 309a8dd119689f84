//! Comparisons and searches: many runs, one table.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{err, out, run, synthetic, text};
use serde_json::Value;

fn json(folder: &Path, file: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap()
}

#[test]
fn networks_are_compared_once_and_a_failure_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "240");
    let file = folder.path().join("compare.toml");
    let recipe = "epochs = 1\nimage-size = 32\ncolor = \"grey\"\nseed = 2\nmodels = [\"lenet5\", { model = \"r2-cnn\", batch-size = 8 }, { model = \"r2-cnn\", name = \"from-nothing\", weights = \"missing.pth\" }]\n";
    fs::write(&file, recipe).unwrap();
    let place = folder.path().join("runs");
    let args = ["compare", text(&file), "--data", &labels, "-o", text(&place)];
    let said = out(&run(&args, 1));
    assert!(said.contains("from-nothing") && said.contains("there is no weights file missing.pth"), "{said}");
    let comparison = json(&place, "comparison.json");
    let standings = comparison["standings"].as_array().unwrap();
    assert_eq!(standings.len(), 3);
    for s in &standings[..2] {
        let (low, auc, high) =
            (s["roc_auc_interval"]["low"].as_f64(), s["roc_auc"].as_f64(), s["roc_auc_interval"]["high"].as_f64());
        assert!(low.unwrap() <= auc.unwrap() && auc.unwrap() <= high.unwrap(), "{s}");
        assert!(s["pictures_per_second"].as_f64().unwrap() > 0.0 && s["f1"].as_object().unwrap().len() == 4, "{s}");
        assert!(place.join(s["name"].as_str().unwrap()).join("bundle/bundle.json").exists());
    }
    assert!(standings[2]["failed"].as_str().unwrap().contains("missing.pth"));
    let tests = comparison["tests"].as_array().unwrap();
    assert_eq!(tests.len(), 1, "the other one against the best");
    assert_eq!((&tests[0]["against"], &tests[0]["name"]), (&standings[0]["name"], &standings[1]["name"]));
    for figure in ["roc_auc", "accuracy"] {
        let (test, finding) = (&tests[0][figure], tests[0][figure]["finding"].as_str().unwrap());
        let (p, difference) = (test["p_corrected"].as_f64(), test["difference"].as_f64().unwrap());
        let supported = p.is_some_and(|p| p < 0.05);
        assert_eq!(finding == "no-difference-shown", !supported, "{test}");
        assert!(finding != "worse" || difference < 0.0, "{test}");
    }
    let gap = standings[1]["roc_auc"].as_f64().unwrap() - standings[0]["roc_auc"].as_f64().unwrap();
    assert!((tests[0]["roc_auc"]["difference"].as_f64().unwrap() - gap).abs() < 1e-9, "of the figures in the table");
    assert!(said.contains("against ") && said.contains("paired tests"), "{said}");
    let page = fs::read_to_string(place.join("report.html")).unwrap();
    for part in
        ["Paired tests against", "lenet5", "F1 by class", "Not trained", "missing.pth", "Judge the one you take"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(csv::Reader::from_path(place.join("comparison.csv")).unwrap().records().count(), 3);

    let trained =
        |name: &str| fs::metadata(place.join(name).join("bundle/model.safetensors")).unwrap().modified().unwrap();
    let before = [trained("lenet5"), trained("r2-cnn")];
    run(&args, 1);
    assert_eq!([trained("lenet5"), trained("r2-cnn")], before, "what is done is not done again");
    assert_eq!(json(&place, "comparison.json"), comparison);

    // Figures of other pictures are not taken for those of these.
    let list = fs::read_to_string(&labels).unwrap();
    let fewer: Vec<&str> = list.lines().collect();
    fs::write(&labels, fewer[..fewer.len() - 1].join("\n")).unwrap();
    let said = out(&run(&args, 1));
    assert!(said.contains("was written by a run with another data set"), "{said}");
}

#[test]
fn a_comparison_that_cannot_be_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compare.toml");
    let said = |text_of_file: &str| {
        fs::write(&file, text_of_file).unwrap();
        err(&run(&["compare", text(&file), "--data", "nowhere", "-o", text(folder.path())], 2))
    };
    assert!(said("epochs = 1").contains("the file names no networks to compare"));
    assert!(said("models = [\"lenet5\", \"lenet5\"]").contains("two networks are called lenet5"));
    let divided = said("[[models]]\nmodel = \"lenet5\"\nval-ratio = 0.2");
    assert!(divided.contains("val-ratio must be the same for all networks"), "{divided}");
    assert!(said("models = [{ model = \"lenet5\", name = \"../x\" }]").contains("cannot be a folder's name"));
    assert!(said("models = [\"lenet6\"]").contains("no network is called `lenet6`"));
    let frame = said("[[models]]\nmodel = \"lenet5\"\nframe-column = \"f\"");
    assert!(frame.contains("frame-column must be the same for all networks"), "{frame}");
    let search = said("models = [\"lenet5\"]\n[space]\nepochs = [1]");
    assert!(search.contains("the file describes a search") && search.contains("help: semio tune "), "{search}");
    let unknown = said("epoch = 3\nmodels = [\"lenet5\"]");
    assert!(unknown.contains("unknown field `epoch`; of the ") && unknown.contains("nearest are epochs"), "{unknown}");
    // The other commands know the file too.
    fs::write(&file, "models = [\"lenet5\"]").unwrap();
    for command in ["train", "tune"] {
        let said = err(&run(&[command, text(&file), "--data", "nowhere", "-o", text(folder.path())], 2));
        assert!(said.contains("names several networks") && said.contains("help: semio compare "), "{command}: {said}");
    }
}

#[test]
fn weights_that_a_search_lacks_are_told_before_it_and_sought_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "pneumonia", "48");
    let (file, place) = (folder.path().join("search.toml"), folder.path().join("search"));
    let base = "model = \"lenet5\"\nepochs = 1\nimage-size = 32\ncolor = \"grey\"\nfrozen-epochs = 1\n";
    let args = ["tune", text(&file), "--data", &labels, "-o", text(&place), "--json"];
    fs::write(&file, format!("{base}weights = \"absent.pth\"\n[space]\nbatch-size = [8, 16]\n")).unwrap();
    let said = err(&run(&args, 2));
    assert!(said.contains("there is no weights file absent.pth") && !place.exists(), "{said}");

    // A trial may lack a file that others do not need. Once it is there, the trial is made up for.
    let begin = folder.path().join("begin");
    let weights = begin.join("bundle");
    let search = format!(
        "{base}weights = \"{}\"\n[search]\ntrials = 2\nmethod = \"random\"\n[space]\nweights = [\"{}\"]\n",
        text(&weights),
        text(&weights)
    );
    fs::write(&file, search).unwrap();
    let searched: Value = serde_json::from_str(&out(&run(&args, 1))).unwrap();
    assert_eq!(searched["trials"][0]["state"], "failed", "{searched}");
    let train = ["train", "--data", &labels, "--model", "lenet5", "--image-size", "32", "--color", "grey"];
    run(&[&train[..], &["--epochs", "1", "-o", text(&begin), "-q"]].concat(), 0);
    let searched: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
    for trial in searched["trials"].as_array().unwrap() {
        assert!(trial["state"] == "done" && trial["problem"].is_null(), "{searched}");
    }
}

#[test]
fn a_search_goes_on_and_leaves_a_recipe_that_trains() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "64");
    let file = folder.path().join("search.toml");
    let recipe = "model = \"lenet5\"\nepochs = 3\nimage-size = 32\nseed = 4\n[search]\ntrials = 3\nmethod = \"random\"\n[space]\nlearning-rate = { from = 1e-5, to = 1e-1, scale = \"log\" }\nbatch-size = [8, 16]\naugment = [\"none\", \"no-such-level\"]\n";
    fs::write(&file, recipe).unwrap();
    let place = folder.path().join("search");
    let args = ["tune", text(&file), "--data", &labels, "-o", text(&place), "--json"];
    let states = |searched: &Value| -> Vec<String> {
        searched["trials"].as_array().unwrap().iter().map(|t| t["state"].as_str().unwrap().to_owned()).collect()
    };
    let first: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
    assert_eq!(first["trials"].as_array().unwrap().len(), 3);
    let more: Value = serde_json::from_str(&out(&run(&[&args[..], &["--trials", "8"]].concat(), 0))).unwrap();
    assert_eq!(more["trials"].as_array().unwrap()[..3], first["trials"].as_array().unwrap()[..], "they are kept");
    let states = states(&more);
    for state in ["done", "failed"] {
        assert!(states.iter().any(|s| s == state), "{states:?}");
    }
    assert!(
        more["trials"]
            .as_array()
            .unwrap()
            .iter()
            .any(|t| t["problem"].as_str().is_some_and(|p| p.contains("no-such-level")))
    );
    assert_eq!(csv::Reader::from_path(place.join("trials.csv")).unwrap().records().count(), 8);
    assert!(fs::read_to_string(place.join("report.html")).unwrap().contains("What was tried"));

    let best = &more["trials"][more["best"].as_u64().unwrap() as usize];
    let again = folder.path().join("again");
    run(&["train", text(&place.join("best.toml")), "-o", text(&again), "-q"], 0);
    let mut reader = csv::Reader::from_path(again.join("history.csv")).unwrap();
    let rows: Vec<std::collections::BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let losses = rows.iter().map(|row| row["val_loss"].parse::<f64>().unwrap());
    let least = losses.fold(f64::INFINITY, f64::min);
    assert!((least + best["score"].as_f64().unwrap()).abs() < 1e-6, "the same recipe, the same figure");

    let other = recipe.replace("1e-5", "1e-6");
    fs::write(&file, other).unwrap();
    let refused = err(&run(&args, 1));
    assert!(refused.contains("was written by a search with another [space]"), "{refused}");
}

#[test]
fn a_search_over_folds_keeps_patients_together() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "pneumonia", "60");
    let file = folder.path().join("search.toml");
    let recipe = "model = \"lenet5\"\nepochs = 1\nimage-size = 32\nfolds = 2\n[search]\ntrials = 2\n[space]\nbatch-size = [8, 16]\n";
    fs::write(&file, recipe).unwrap();
    let place = folder.path().join("search");
    let said = out(&run(&["tune", text(&file), "--data", &labels, "-o", text(&place)], 0));
    assert!(said.contains("searched 2 trials: 2 to the end"), "{said}");
    assert!(place.join("trial-0001/folds.csv").exists());
    let best = fs::read_to_string(place.join("best.toml")).unwrap();
    assert!(best.contains("judged by 2 folds") && !best.contains("\nfolds"), "its training leaves a bundle: {best}");
    let bundles = ["trial-0001/fold-1/bundle", "trial-0002/fold-1/bundle"].map(|b| place.join(b).exists());
    assert_eq!(bundles.iter().filter(|there| **there).count(), 1, "the best trial's alone");
}

#[test]
fn a_search_that_cannot_be_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("search.toml");
    let said = |text_of_file: &str| {
        fs::write(&file, text_of_file).unwrap();
        err(&run(&["tune", text(&file), "--data", "nowhere", "-o", text(folder.path())], 2))
    };
    assert!(said("epochs = 1").contains("the search has no [space]"));
    assert!(said("[search]\ntrials = 0\n[space]\nepochs = [1]").contains("must be a number above 0"));
    assert!(said("[search]\nmethod = \"best\"\n[space]\nepochs = [1]").contains("must be tpe or random"));
    assert!(said("[space]\nseed = 1").contains("[space] seed: must be a list of values"));
    let unknown = said("[space]\nlearning_rate = [0.1, 0.2]");
    assert!(unknown.contains("[space] learning_rate: unknown field"), "{unknown}");
    assert!(unknown.contains("nearest are learning-rate"), "{unknown}");
    let wrong = said("[space]\naugment = [\"much\", \"more\"]");
    assert!(wrong.contains("[space] augment: unknown variant `much`"), "{wrong}");
}
