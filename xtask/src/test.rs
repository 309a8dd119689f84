use std::process::Command;

use anyhow::Result;

use crate::{invariants, run, web};

/// Runs every check; the tests come last, so that their figures are the closing lines.
pub(crate) fn test() -> Result<()> {
    run("cargo", &["fmt", "--all", "--check"])?;
    invariants::check()?;
    // Before the program is compiled, because it takes the built files in.
    web::test()?;
    run("cargo", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])?;
    if has("deny") {
        // Advisories need the internet; `cargo deny check advisories` is for people who have it.
        run("cargo", &["deny", "--offline", "check", "licenses", "bans", "sources"])?;
    } else {
        println!("skipped: licences, because cargo-deny is not installed (cargo install cargo-deny)");
    }
    run("cargo", &["test", "--workspace", "--doc"])?;
    // The program that the browser's tests start is built with the tests: built alone it would be compiled with other
    // features, and most of its libraries a second time.
    let (build, test): (&[&str], &[&str]) = if has("nextest") {
        (&["nextest", "run", "--workspace", "--no-run"], &["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        (&["test", "--workspace", "--all-targets", "--no-run"], &["test", "--workspace", "--all-targets"])
    };
    run("cargo", build)?;
    web::end_to_end()?;
    run("cargo", test)
}

/// Whether cargo knows a command.
fn has(command: &str) -> bool {
    Command::new("cargo").args([command, "--version"]).output().is_ok_and(|o| o.status.success())
}
