//! A network that begins with another one's weights.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use common::{err, out, run, semio, synthetic, text, weights};
use semio_nn::weights::{NamedTensor, read_tensors};

struct Place {
    folder: tempfile::TempDir,
    labels: String,
    /// Weights of a network for four classes.
    begin: PathBuf,
}

/// A network trained on four classes, and pictures of another job with two.
fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first");
    std::fs::create_dir(&first).unwrap();
    let labels = synthetic(&first, "brain-tumor", "48");
    let trained = first.join("run");
    run(&args(&labels, &trained, "2", &[]), 0);
    let labels = synthetic(folder.path(), "pneumonia", "64");
    Place { labels, begin: trained.join("bundle"), folder }
}

fn args<'a>(labels: &'a str, run: &'a Path, epochs: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    let common = ["train", "--data", labels, "--model", "r2-cnn", "--image-size", "32", "--color", "grey"];
    let more = ["--epochs", epochs, "--batch-size", "8", "--seed", "5", "-o", text(run)];
    [&common[..], &more[..], further].concat()
}

impl Place {
    fn run(&self, name: &str, epochs: &str, further: &[&str]) -> (PathBuf, String) {
        let folder = self.folder.path().join(name);
        let begin = ["--weights", text(&self.begin)];
        let said = out(&run(&args(&self.labels, &folder, epochs, &[&begin[..], further].concat()), 0));
        (folder, said)
    }
}

fn tensors(bundle: &Path) -> BTreeMap<String, NamedTensor> {
    read_tensors(&bundle.join("model.safetensors")).unwrap()
}

/// The tensors that two bundles do not share.
fn changed(a: &Path, b: &Path) -> Vec<String> {
    let (a, b) = (tensors(a), tensors(b));
    b.into_iter().filter(|(name, tensor)| a.get(name) != Some(tensor)).map(|(name, _)| name).collect()
}

#[test]
fn a_frozen_base_stays_as_it_is_and_its_features_serve_again() {
    let place = place();
    let kept = place.folder.path().join("kept");
    let further = ["--unfreeze", "none", "--features", text(&kept)];
    let (first, said) = place.run("frozen", "6", &further);
    assert!(said.contains("weights  ") && said.contains("; fresh: "), "{said}");
    assert!(said.contains("learns   ") && said.contains(", 1 of "), "{said}");
    let changed = changed(&place.begin, &first.join("bundle"));
    assert!(changed.len() == 2 && changed.iter().all(|name| name.starts_with("fc")), "{changed:?}");

    let files = || -> Vec<(PathBuf, u64)> {
        let entries = std::fs::read_dir(&kept).unwrap().flatten();
        let mut files: Vec<_> = entries.map(|e| (e.path(), e.metadata().unwrap().len())).collect();
        files.sort();
        files
    };
    let before = files();
    assert_eq!(before.len(), 1, "one base, one pipeline");
    let (second, _) = place.run("again", "6", &further);
    assert_eq!(files(), before, "nothing was computed anew");
    assert_eq!(weights(&first), weights(&second), "kept features are the same features");

    // A row that the disk spoiled is noticed, and a row that was cut off is computed anew.
    let mut bytes = std::fs::read(&before[0].0).unwrap();
    // The last row is a validation picture's, which every epoch reads.
    let spoiled = bytes.len() - 1;
    bytes[spoiled] ^= 1;
    std::fs::write(&before[0].0, &bytes).unwrap();
    let folder = place.folder.path().join("spoiled");
    let begin = ["--weights", text(&place.begin)];
    let failed = err(&run(&args(&place.labels, &folder, "6", &[&begin[..], &further].concat()), 1));
    assert!(failed.contains("checksum does not fit; delete the file"), "{failed}");
    bytes[spoiled] ^= 1;
    bytes.truncate(before[0].1 as usize - 7);
    std::fs::write(&before[0].0, &bytes).unwrap();
    let (third, _) = place.run("cut", "6", &further);
    assert_eq!((files(), weights(&first)), (before, weights(&third)));
    let (elsewhere, _) = place.run("inside", "1", &["--unfreeze", "none"]);
    assert!(!elsewhere.join("features").exists(), "features in the run's folder go with the run");
}

#[test]
fn kept_features_teach_what_the_pictures_themselves_teach() {
    let place = place();
    let losses = |run: &Path| -> Vec<f64> {
        let mut reader = csv::Reader::from_path(run.join("history.csv")).unwrap();
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        rows.iter().map(|row| row["val_loss"].parse().unwrap()).collect()
    };
    let (kept, _) = place.run("kept", "4", &["--unfreeze", "none", "--augment", "none"]);
    let (live, _) = place.run("live", "4", &["--unfreeze", "none", "--augment", "none", "--feature-variants", "0"]);
    let (kept, live) = (losses(&kept), losses(&live));
    assert!(kept.iter().zip(&live).all(|(a, b)| (a / b - 1.0).abs() < 1e-3), "{kept:?} {live:?}");
}

#[test]
fn stages_are_set_free_one_by_one() {
    let place = place();
    let (run, said) = place.run(
        "gradual",
        "4",
        &["--frozen-epochs", "1", "--unfreeze", "2", "--unfreeze-every", "1", "--stage-decay", "0.5"],
    );
    for n in ["1 of", "2 of", "3 of"] {
        assert!(said.contains(&format!(", {n} ")), "{said}");
    }
    let changed = changed(&place.begin, &run.join("bundle"));
    let all = tensors(&run.join("bundle"));
    assert!(changed.len() > 2 && changed.len() < all.len(), "{changed:?}");
    assert!(!changed.iter().any(|name| name.starts_with("conv1") || name.starts_with("bn1")), "{changed:?}");
}

#[test]
fn a_new_head_is_part_of_the_bundle() {
    let place = place();
    let (run_folder, _) =
        place.run("head", "2", &["--frozen-epochs", "1", "--head-layers", "12,6", "--dropout", "0.1"]);
    let bundle = run_folder.join("bundle");
    assert_eq!(tensors(&bundle)["head.1.weight"].shape, [6, 12]);
    let predicted = out(&run(&["evaluate", text(&bundle), "--data", &place.labels, "--json"], 0));
    assert!(predicted.contains("accuracy"), "{predicted}");
}

#[test]
fn a_run_killed_after_its_frozen_epochs_goes_on_with_the_same_bytes() {
    let place = place();
    let further = ["--frozen-epochs", "2", "--unfreeze-every", "1", "--weights", text(&place.begin)];
    let (whole, cut) = (place.folder.path().join("whole"), place.folder.path().join("cut"));
    run(&args(&place.labels, &whole, "5", &further), 0);
    let mut child =
        semio(&args(&place.labels, &cut, "5", &further)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let since = Instant::now();
    while !cut.join("checkpoint/last.safetensors").exists() {
        assert!(since.elapsed() < Duration::from_mins(4), "no checkpoint after four minutes");
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    run(&["train", "-o", text(&cut), "--resume"], 0);
    assert_eq!(weights(&whole), weights(&cut));
}

#[test]
fn what_cannot_be_transferred_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "pneumonia", "16");
    let run_folder = folder.path().join("run");
    let said = |further: &[&str], code| err(&run(&args(&labels, &run_folder, "1", further), code));
    let fresh = said(&["--frozen-epochs", "1"], 2);
    assert!(fresh.contains("frozen-epochs = 1: keeps fresh weights as they are"), "{fresh}");
    let absent = said(&["--weights", "none-such.pth"], 2);
    assert!(absent.contains("there is no weights file none-such.pth") && absent.contains("imagenet"), "{absent}");
    let unpublished = said(&["--weights", "imagenet"], 2);
    assert!(unpublished.contains("publishes no ImageNet weights for r2-cnn"), "{unpublished}");
    let other = folder.path().join("other.pth");
    std::fs::write(&other, b"these are no weights at all").unwrap();
    let no_weights = said(&["--weights", text(&other)], 1);
    assert!(no_weights.contains("neither a safetensors file nor one that PyTorch wrote"), "{no_weights}");
    let begun = std::fs::read_dir(&run_folder).map_or(0, Iterator::count);
    assert_eq!(begun, 0, "the folder is free for the same command with the right file");
    run(&args(&labels, &run_folder, "1", &[]), 0);
    let occupied = said(&[], 2);
    assert!(occupied.contains("holds a run already"), "{occupied}");

    let cache = folder.path().join("cache");
    let offline = ["models", "fetch", "resnet18", "--offline", "--weights-dir", text(&cache)];
    let said = err(&semio(&offline).env("HOME", folder.path()).output().unwrap());
    assert!(
        said.contains("resnet18's published weights are not on this machine") && said.contains("--offline"),
        "{said}"
    );
    assert!(said.contains("https://download.pytorch.org/models/resnet18-f37072fd.pth (44.7 MiB)"), "{said}");
    assert!(said.contains(text(&cache.join("resnet18-f37072fd.pth"))), "{said}");
}
