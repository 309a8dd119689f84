//! An interrupted training ends with the same bytes as an uninterrupted one.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::{
    path::Path,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{out, run, semio, short, synthetic, text, weights};
use serde_json::Value;

/// A run long enough to be interrupted, with everything that could break the promise: augmentation, dropout, batch
/// norm, moments, averaged weights, a schedule.
fn long<'a>(labels: &'a str, run: &'a str) -> Vec<&'a str> {
    vec![
        "train",
        "--data",
        labels,
        "--model",
        "r2-cnn",
        "--image-size",
        "32",
        "--epochs",
        "4",
        "--batch-size",
        "8",
        "--seed",
        "5",
        "--augment",
        "strong",
        "--schedule",
        "plateau",
        "--plateau-patience",
        "1",
        "--ema-decay",
        "0.9",
        "-o",
        run,
    ]
}

/// Starts a run and waits until its first epoch is kept.
fn started(args: &[&str], run: &Path) -> Child {
    let child = semio(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let since = Instant::now();
    while !run.join("checkpoint/last.safetensors").exists() {
        assert!(since.elapsed() < Duration::from_mins(4), "no checkpoint after four minutes");
        sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn killed_in_mid_epoch_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "160");
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    run(&long(&labels, text(&whole)), 0);
    let mut child = started(&long(&labels, text(&cut)), &cut);
    sleep(Duration::from_millis(60));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "the run was over before it could be killed");
    assert!(!cut.join("bundle").exists());
    let said = out(&run(&["train", "-o", text(&cut), "--resume"], 0));
    assert!(said.contains("resumed  after epoch "), "{said}");
    assert!(weights(&whole) == weights(&cut), "the models differ");
    let history = |run: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(run.join("history.csv")).unwrap();
        // Without the last column, the seconds.
        text.lines().map(|l| l.rsplit_once(',').unwrap().0.to_owned()).collect()
    };
    assert_eq!(history(&whole), history(&cut));
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_epoch_and_writes_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "160");
    let (whole, asked) = (folder.path().join("whole"), folder.path().join("asked"));
    run(&long(&labels, text(&whole)), 0);
    let mut child = started(&long(&labels, text(&asked)), &asked);
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(asked.join("bundle/model.safetensors").exists() && asked.join("report.html").exists());
    let rows = std::fs::read_to_string(asked.join("history.csv")).unwrap().lines().count() - 1;
    assert!((1..4).contains(&rows), "{rows} epochs");
    run(&["train", "-o", text(&asked), "--resume"], 0);
    assert!(weights(&whole) == weights(&asked), "the models differ");
}

#[test]
fn seed_alone_decides() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let train = |name: &str, more: &[&str]| {
        let place = folder.path().join(name);
        run(&[&short(&labels, text(&place), "2")[..], more].concat(), 0);
        weights(&place)
    };
    let first = train("a", &[]);
    assert!(first == train("b", &[]), "the same seed");
    assert!(first == train("c", &["--threads", "1", "--cache", "0"]), "threads and memory change nothing");
    assert!(first != train("d", &["--seed", "6"]), "another seed");
}

#[test]
fn a_resume_with_other_settings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let place = folder.path().join("run");
    run(&short(&labels, text(&place), "1"), 0);
    let again = run(&short(&labels, text(&place), "1"), 2);
    assert!(common::err(&again).contains("holds a run already"), "{}", common::err(&again));
    let other = run(&["train", "-o", text(&place), "--resume", "--learning-rate", "0.5"], 1);
    assert!(common::err(&other).contains("another recipe"), "{}", common::err(&other));
    let nothing = run(&["train", "-o", text(&folder.path().join("none")), "--resume"], 2);
    assert!(common::err(&nothing).contains("no run that could be resumed"), "{}", common::err(&nothing));
}

/// A small file system of its own, where the system allows one.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_keeps_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "40");
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mount =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs", text(&disk)]).output();
    if !mount.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: a small file system cannot be mounted here");
        return;
    }
    let place = disk.join("run");
    run(&short(&labels, text(&place), "1"), 0);
    let kept = std::fs::read(place.join("checkpoint/last.safetensors")).unwrap();
    std::fs::remove_dir_all(place.join("bundle")).unwrap();
    // Fills the disk but for less than a checkpoint.
    let filler = std::iter::repeat_n(0u8, 8 << 20).collect::<Vec<_>>();
    let _ = std::fs::write(disk.join("filler"), filler);
    std::fs::remove_dir_all(disk.join("run/checkpoint")).unwrap();
    let output = semio(&[&short(&labels, text(&place), "1")[..], &["--resume"]].concat()).output().unwrap();
    // The room of the removed checkpoint is enough for one again, but not for a second beside it and the bundle.
    let said = common::err(&output);
    std::fs::remove_file(disk.join("filler")).unwrap();
    let unmounted = std::process::Command::new("umount").arg(&disk).status();
    assert!(unmounted.is_ok_and(|s| s.success()));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("make room on the disk") || said.contains("No space left"), "{said}");
    assert!(!kept.is_empty());
}

/// The trials of a search without their seconds.
fn trials(searched: &str) -> Vec<Value> {
    let searched: Value = serde_json::from_str(searched).unwrap();
    let mut trials = searched["trials"].as_array().unwrap().clone();
    for trial in &mut trials {
        trial.as_object_mut().unwrap().remove("seconds");
    }
    trials
}

#[test]
fn a_killed_search_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "160");
    let file = folder.path().join("search.toml");
    let recipe = "model = \"r2-cnn\"\nepochs = 3\nimage-size = 32\nseed = 4\n[search]\ntrials = 4\nmethod = \"tpe\"\npruning = true\n[space]\nlearning-rate = { from = 1e-5, to = 1e-1, scale = \"log\" }\nbatch-size = [8, 16]\n";
    std::fs::write(&file, recipe).unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let search = |place: &Path| -> Vec<String> {
        ["tune", text(&file), "--data", &labels, "--json", "-o", text(place)].map(str::to_owned).to_vec()
    };
    let finished = |place: &Path| {
        let args = search(place);
        trials(&out(&run(&args.iter().map(String::as_str).collect::<Vec<_>>(), 0)))
    };
    let expected = finished(&whole);
    let args = search(&cut);
    // One trial is over and the next one has an epoch behind it.
    let mut child = started(&args.iter().map(String::as_str).collect::<Vec<_>>(), &cut.join("trial-0002"));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "the search was over before it could be killed");
    let begun = std::fs::metadata(cut.join("trial-0001/recipe.toml")).unwrap().modified().unwrap();
    assert_eq!(finished(&cut), expected, "the same trials with the same scores");
    let again = std::fs::metadata(cut.join("trial-0001/recipe.toml")).unwrap().modified().unwrap();
    assert_eq!(begun, again, "what is done is not done again");
}

/// The standings of a comparison without what the clock says.
fn standings(folder: &Path) -> Vec<Value> {
    let comparison: Value = serde_json::from_slice(&std::fs::read(folder.join("comparison.json")).unwrap()).unwrap();
    let mut standings = comparison["standings"].as_array().unwrap().clone();
    for standing in &mut standings {
        for figure in ["training_seconds", "pictures_per_second"] {
            standing.as_object_mut().unwrap().remove(figure);
        }
    }
    standings
}

#[test]
fn a_killed_comparison_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "pneumonia", "160");
    let file = folder.path().join("compare.toml");
    let recipe = "epochs = 3\nimage-size = 32\ncolor = \"grey\"\nseed = 4\nmodels = [\"lenet5\", \"r2-cnn\", { name = \"forest\", model = \"block-means\", classifier = \"random-forest\" }]\n";
    std::fs::write(&file, recipe).unwrap();
    let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
    let args = |place: &Path| -> Vec<String> {
        ["compare", text(&file), "--data", &labels, "-q", "-o", text(place)].map(str::to_owned).to_vec()
    };
    let finish = |place: &Path| {
        let args = args(place);
        run(&args.iter().map(String::as_str).collect::<Vec<_>>(), 0);
        standings(place)
    };
    let expected = finish(&whole);
    assert_eq!(expected.len(), 3);
    let begun = args(&cut);
    // One network is done and the next one has an epoch behind it.
    let mut child = started(&begun.iter().map(String::as_str).collect::<Vec<_>>(), &cut.join("r2-cnn"));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "the comparison was over before it could be killed");
    let written = |name: &str| std::fs::metadata(cut.join(name).join("standing.json")).unwrap().modified().unwrap();
    let before = written("lenet5");
    assert_eq!(finish(&cut), expected, "the same figures");
    assert_eq!(written("lenet5"), before, "what is done is not done again");
}
