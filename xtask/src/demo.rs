use std::path::Path;

use anyhow::{Context, Result};

use crate::{root, run, web};

/// Builds everything and lets the program show itself; ends with the web app open.
pub(crate) fn demo(folder: Option<&Path>) -> Result<()> {
    web::build()?;
    run("cargo", &["build", "--release", "--package", "semio"])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let semio = target.join("release").join("semio");
    let semio = semio.to_str().context("the target folder's name is not UTF-8")?;
    let folder = folder.map_or_else(|| root().join("runs/demo"), Path::to_path_buf);
    run(semio, &["demo", folder.to_str().context("the folder's name is not UTF-8")?])
}
