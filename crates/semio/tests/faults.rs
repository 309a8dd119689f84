//! What the program says when something is wrong, and that nothing else is lost.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::{err, out, run, short, synthetic, text};

#[test]
fn wrong_use_is_explained_with_exit_code_two() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let no_data = err(&run(&["train", "-o", text(&place)], 2));
    insta::assert_snapshot!(no_data, @r"
    error: no data are named
    help: semio train --data FOLDER -o RUN, or semio train RECIPE.toml -o RUN
    ");
    let labels = synthetic(folder.path(), "leukemia", "20");
    let with = |more: &[&str]| err(&run(&[&short(&labels, text(&place), "1")[..], more].concat(), 2));
    insta::assert_snapshot!(with(&["--learning-rate", "0"]), @"error: learning-rate = 0: must be greater than 0");
    insta::assert_snapshot!(with(&["--monitor", "val_luck"]), @"error: monitor = val_luck: must be one of val_loss, val_accuracy, val_balanced_accuracy, val_roc_auc, val_pr_auc, val_f1, val_kappa, val_mcc, train_loss");
    let unknown = err(&run(&["train", "--data", &labels, "--model", "resnet19", "-o", text(&place)], 2));
    insta::assert_snapshot!(unknown, @"error: no network is called `resnet19`; of the 87 names the nearest are resnet18, resnet34, resnet50, resnet101");
    let small =
        err(&run(&["train", "--data", &labels, "--model", "lenet5", "--image-size", "20", "-o", text(&place)], 2));
    assert!(small.contains("lenet5 cannot read pictures of 20 × 20 pixels"), "{small}");
    assert!(!place.exists(), "nothing is written before everything is checked");
}

#[test]
fn broken_files_are_named_and_nothing_else_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let images = folder.path().join("data/images/hem");
    let victim = fs::read_dir(&images).unwrap().next().unwrap().unwrap().path();
    fs::write(&victim, "this is text, not a picture").unwrap();
    let name = victim.file_name().unwrap().to_str().unwrap();
    let place = folder.path().join("run");
    let stopped = err(&run(&short(&labels, text(&place), "1"), 1));
    assert!(stopped.contains(name) && stopped.contains("--skip-bad"), "{stopped}");
    let said = out(&run(&[&short(&labels, text(&place), "1")[..], &["--skip-bad"]].concat(), 0));
    assert!(said.contains("1 left out: cannot be read") && said.contains(name), "{said}");
    let report = fs::read_to_string(place.join("report.html")).unwrap();
    assert!(report.contains(name), "the report names what was left out");

    let results = folder.path().join("results.csv");
    let all = folder.path().join("data/images");
    let ended = run(&["predict", text(&place.join("bundle")), text(&all), "missing.png", "-o", text(&results)], 1);
    assert!(err(&ended).contains("2 of 41 files could not be read"), "{}", err(&ended));
    let table = fs::read_to_string(&results).unwrap();
    assert_eq!(table.lines().count(), 42);
    let bad = table.lines().find(|l| l.contains(name)).unwrap();
    assert!(bad.contains(",,,,,error,") || bad.contains(",,,,error,"), "{bad}");
    assert!(table.lines().last().unwrap().starts_with("missing.png,"));
    assert_eq!(table.lines().skip(1).filter(|l| !l.contains(",error,")).count(), 39);
}

#[test]
fn a_training_that_diverges_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let place = folder.path().join("run");
    let args = [&short(&labels, text(&place), "5")[..], &["--learning-rate", "1e38", "--optimizer", "sgd"]].concat();
    let said = err(&run(&args, 1));
    assert!(said.contains("training diverged") && said.contains("learning rate below"), "{said}");
}

#[test]
fn a_bundle_that_was_tampered_with_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let place = folder.path().join("run");
    run(&short(&labels, text(&place), "1"), 0);
    let bundle = place.join("bundle");
    let weights = bundle.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    let said = err(&run(&["predict", text(&bundle), &labels], 1));
    assert!(said.contains("SHA-256 differs"), "{said}");
    let json = fs::read_to_string(bundle.join("bundle.json")).unwrap();
    fs::write(bundle.join("bundle.json"), json.replace("\"pipeline\"", "\"pipelin\"")).unwrap();
    let said = err(&run(&["predict", text(&bundle), &labels], 1));
    assert!(said.contains("bundle.json is damaged"), "{said}");
    let said = err(&run(&["predict", text(folder.path()), &labels], 1));
    assert!(said.contains("holds no bundle.json"), "{said}");
}

#[test]
fn a_divided_patient_stops_the_run_unless_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let text_of = fs::read_to_string(&labels).unwrap();
    let one_patient = text_of
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if i > 0 {
                cells[3] = "patient-7";
            }
            cells.join(",") + "\n"
        })
        .collect::<String>();
    fs::write(&labels, one_patient).unwrap();
    let place = folder.path().join("run");
    let said = err(&run(&short(&labels, text(&place), "1"), 1));
    assert!(said.contains("1 of 1 groups") && said.contains("--allow-leak"), "{said}");
    assert!(!said.contains("patient-7"), "a patient is counted, not named");
    run(&[&short(&labels, text(&place), "1")[..], &["--allow-leak"]].concat(), 0);
    let json = fs::read_to_string(place.join("bundle/bundle.json")).unwrap();
    assert!(json.contains("\"groups_kept_together\": false"));
}

#[test]
fn a_label_that_the_model_does_not_know_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let place = folder.path().join("run");
    run(&short(&labels, text(&place), "1"), 0);
    let renamed =
        ["evaluate", text(&place.join("bundle")), "--data", &labels, "--split", "all", "--map", "hem=healthy"]
            .map(str::to_owned);
    let args: Vec<&str> = renamed.iter().map(String::as_str).collect();
    let said = err(&run(&args, 1));
    assert!(said.contains("the class healthy") && said.contains("--map healthy="), "{said}");
}
