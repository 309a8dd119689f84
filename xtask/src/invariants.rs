//! What ARCHITECTURE.md promises and a machine can see.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::root;

/// Crates that may name the deep-learning library.
const NAME_BURN: [&str; 4] = ["semio-nn", "semio-model", "semio-train", "semio"];

/// Which crates of this workspace each crate may use.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("semio-image", &[]),
    ("semio-data", &["semio-image"]),
    ("semio-kernels", &[]),
    ("semio-nn", &["semio-kernels"]),
    ("semio-stats", &["semio-image"]),
    ("semio-model", &["semio-image", "semio-nn", "semio-stats"]),
    ("semio-train", &["semio-image", "semio-data", "semio-kernels", "semio-nn", "semio-stats", "semio-model"]),
    ("semio-twin", &[]),
    ("semio-clinic", &["semio-image", "semio-data", "semio-model", "semio-twin"]),
    (
        "semio",
        &[
            "semio-image",
            "semio-data",
            "semio-kernels",
            "semio-nn",
            "semio-stats",
            "semio-model",
            "semio-train",
            "semio-twin",
            "semio-clinic",
        ],
    ),
];

/// What a pure crate does not name.
const IO: [&str; 6] = ["std::fs", "std::net", "std::env", "std::process", "std::time", "std::io"];

pub(crate) fn check() -> Result<()> {
    println!("\n# invariants of ARCHITECTURE.md");
    let mut faults = vec![];
    for entry in fs::read_dir(root().join("crates"))? {
        let folder = entry?.path();
        let name = folder.file_name().and_then(|n| n.to_str()).context("a crate's folder has a plain name")?.to_owned();
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
        let normal = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        let uses = |krate: &str| normal.lines().any(|l| l.split(['.', ' ', '=']).next() == Some(krate));
        if uses("burn") && !NAME_BURN.contains(&name.as_str()) {
            faults.push(format!("{name} names burn"));
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(krate, _)| *krate == name) else {
            faults.push(format!("{name} has no place in the order of crates (xtask/src/invariants.rs)"));
            continue;
        };
        for (krate, _) in MAY_USE {
            if krate != name && uses(krate) && !allowed.contains(&krate) {
                faults.push(format!("{name} uses {krate}"));
            }
        }
        if name == "semio-image" {
            for file in sources(&folder.join("src"))? {
                let text = fs::read_to_string(&file)?;
                faults.extend(IO.iter().filter(|io| text.contains(**io)).map(|io| format!("{}: {io}", file.display())));
            }
        }
    }
    if !faults.is_empty() {
        bail!("the architecture is broken:\n  {}", faults.join("\n  "));
    }
    println!("kept");
    Ok(())
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![];
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
