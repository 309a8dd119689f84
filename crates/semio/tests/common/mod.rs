//! Runs the program as a person would.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    path::Path,
    process::{Command, Output},
};

/// The program, ready for arguments.
pub(crate) fn semio(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_semio"));
    command.args(args);
    command
}

/// Runs the program and returns what it said, after checking how it ended.
pub(crate) fn run(args: &[&str], code: i32) -> Output {
    let output = semio(args).output().expect("the program starts");
    assert_eq!(
        output.status.code(),
        Some(code),
        "semio {}\n--- stdout\n{}\n--- stderr\n{}",
        args.join(" "),
        out(&output),
        err(&output)
    );
    output
}

/// What the program printed.
pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the program complained about.
pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A path as the program takes it.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test folders have plain names")
}

/// Draws synthetic pictures into `folder/data` and returns their list.
pub(crate) fn synthetic(folder: &Path, job: &str, count: &str) -> String {
    let data = folder.join("data");
    run(&["data", "synth", "--job", job, "--count", count, "--seed", "3", "--size", "32", "-o", text(&data), "-q"], 0);
    data.join("labels.csv").to_str().expect("plain name").to_owned()
}

/// A short training of a small network on a list.
pub(crate) fn short<'a>(labels: &'a str, run: &'a str, epochs: &'a str) -> Vec<&'a str> {
    vec![
        "train",
        "--data",
        labels,
        "--model",
        "lenet5",
        "--image-size",
        "32",
        "--epochs",
        epochs,
        "--batch-size",
        "8",
        "--seed",
        "5",
        "-o",
        run,
    ]
}

/// The bytes of a run's model.
pub(crate) fn weights(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("bundle/model.safetensors")).expect("the run wrote a bundle")
}
