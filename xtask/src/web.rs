use std::process::Command;

use anyhow::{Result, bail};

use crate::{root, run_in};

/// Builds the front end into `web/dist`, from where the program takes it in.
pub(crate) fn build() -> Result<()> {
    if !has_node() {
        bail!(
            "the web app's front end needs Node.js 20 or later (npm was not found); install it from https://nodejs.org"
        );
    }
    let web = root().join("web");
    run_in(&web, "npm", &["ci", "--no-audit", "--no-fund"])?;
    run_in(&web, "npm", &["run", "build"])
}

/// Types and tests of the front end, and of the app in a browser where there is one.
pub(crate) fn test() -> Result<()> {
    if !has_node() {
        println!("skipped: the front end, because Node.js is not installed (npm was not found)");
        return Ok(());
    }
    build()?;
    let web = root().join("web");
    run_in(&web, "npm", &["run", "check"])?;
    run_in(&web, "npm", &["test"])?;
    if browser().is_none() {
        println!(
            "skipped: tests in a browser, because there is no Chromium (CHROMIUM names one; Debian's package is chromium)"
        );
        return Ok(());
    }
    run_in(&web, "npm", &["run", "test:browser"])
}

/// The app in a browser, from registering to signing out, with the program that lies in the target folder.
pub(crate) fn end_to_end() -> Result<()> {
    if !has_node() || browser().is_none() {
        println!("skipped: the app in a browser, because Node.js or Chromium is not installed");
        return Ok(());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let semio = target.join("debug").join("semio");
    let e2e = root().join("e2e");
    run_in(&e2e, "npm", &["ci", "--no-audit", "--no-fund"])?;
    println!("\n$ npm test (e2e)");
    let status = Command::new("npm").arg("test").current_dir(&e2e).env("SEMIO", &semio).status()?;
    if !status.success() {
        bail!("the app's tests in a browser failed ({status})");
    }
    Ok(())
}

fn has_node() -> bool {
    Command::new("npm").arg("--version").output().is_ok_and(|o| o.status.success())
}

fn browser() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(Into::into);
    named.or_else(|| Some("/usr/bin/chromium".into())).filter(|path: &std::path::PathBuf| path.is_file())
}
