use std::{path::Path, time::Instant};

use anyhow::{Context, Result, bail};

use crate::{root, run};

/// Makes synthetic data, trains, evaluates and predicts, as a person would who tries the program out.
pub(crate) fn demo(folder: Option<&Path>) -> Result<()> {
    run("cargo", &["build", "--release", "--package", "semio"])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let semio = target.join("release").join("semio");
    let semio = semio.to_str().context("the target folder's name is not UTF-8")?;
    let folder = folder.map_or_else(|| root().join("runs/demo"), Path::to_path_buf);
    if folder.exists() {
        bail!("{} exists already; remove it, or name another folder: cargo xtask demo FOLDER", folder.display());
    }
    let started = Instant::now();
    let place = |name: &str| folder.join(name).display().to_string();
    let (data, labels) = (place("data"), place("data/labels.csv"));
    let (model, bundle) = (place("run"), place("run/bundle"));
    let (judged, results) = (place("judged"), place("predictions.csv"));
    run(
        semio,
        &["data", "synth", "--job", "brain-tumor", "--count", "1500", "--seed", "1", "--size", "96", "-o", &data],
    )?;
    let train = ["train", "--data", &labels, "--model", "r2-cnn", "--image-size", "64", "--epochs", "12"];
    run(semio, &[&train[..], &["--batch-size", "16", "--seed", "1", "-o", &model]].concat())?;
    run(semio, &["evaluate", &bundle, "--data", &labels, "--split", "test", "-o", &judged])?;
    run(semio, &["predict", &bundle, &place("data/images"), "-o", &results])?;
    println!("\nThe demo took {:.0} s. Open the report in a browser:", started.elapsed().as_secs_f64());
    println!("{}", place("judged/report.html"));
    Ok(())
}
