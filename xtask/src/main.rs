//! `cargo xtask demo` shows the whole way once; `cargo xtask test` runs every check.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "talks to a terminal")]

mod demo;
mod invariants;
mod test;
mod web;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};

const HELP: &str = "usage: cargo xtask demo [FOLDER]   builds, makes synthetic data, trains, opens the web app
       cargo xtask web             builds the front end into web/dist
       cargo xtask test            formatting, lints, invariants, all tests";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["demo"] => demo::demo(None),
        ["demo", folder] => demo::demo(Some(Path::new(folder))),
        ["web"] => web::build(),
        ["test"] => test::test(),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Runs a program in the workspace's folder and fails where it fails.
fn run(program: &str, args: &[&str]) -> Result<()> {
    run_in(&root(), program, args)
}

/// The same in another folder.
fn run_in(folder: &Path, program: &str, args: &[&str]) -> Result<()> {
    println!("\n$ {program} {}", args.join(" "));
    let status = Command::new(program)
        .args(args)
        .current_dir(folder)
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("`{program} {}` failed ({status})", args.join(" "));
    }
    Ok(())
}
