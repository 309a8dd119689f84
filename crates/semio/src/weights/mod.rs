//! Where the weights lie that a network begins with: a file, or torchvision's published ones, fetched once.

mod fetch;

use std::path::{Path, PathBuf};

use clap::Args;
use semio_nn::weights::{Published, published};

use crate::fault::Fault;

/// Where published weights are kept, and whether they may be fetched.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Published weights")]
pub(crate) struct WeightFlags {
    /// Folder of published weights [default: $SEMIO_WEIGHTS, or semio/weights in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    weights_dir: Option<PathBuf>,
    /// Fetches from this address instead of torchvision's
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    /// Never fetches anything
    #[arg(long)]
    offline: bool,
}

impl WeightFlags {
    /// The file that a recipe's `weights` mean: a file's path, a folder with `model.safetensors`, or `imagenet`.
    pub(crate) fn locate(&self, weights: &str, model: &str, quiet: bool) -> Result<PathBuf, Fault> {
        if weights == "imagenet" {
            return self.published(model, quiet);
        }
        let path = PathBuf::from(weights);
        let inner = path.join("model.safetensors");
        if inner.is_file() {
            return Ok(inner);
        }
        if path.is_file() {
            return Ok(path);
        }
        Err(Fault::usage(format_args!("there is no weights file {}", path.display())).help(
            "give a .safetensors or .pth file, a bundle's folder, or imagenet for torchvision's published weights",
        ))
    }

    /// torchvision's published weights of a network, from the folder or from the network.
    pub(crate) fn published(&self, model: &str, quiet: bool) -> Result<PathBuf, Fault> {
        let Some(entry) = published().iter().find(|p| p.model == model) else {
            let names: Vec<&str> = published().iter().map(|p| p.model).collect();
            return Err(Fault::usage(format_args!("torchvision publishes no ImageNet weights for {model}"))
                .help(format_args!("give a file by --weights FILE, or take one of {}", names.join(", "))));
        };
        let folder = self.folder()?;
        let path = folder.join(entry.file());
        // What PyTorch has fetched serves as well.
        let torch = home().map(|home| home.join(".cache/torch/hub/checkpoints").join(entry.file()));
        for place in [Some(&path), torch.as_ref()].into_iter().flatten() {
            if place.is_file() {
                if fetch::is_whole(place, entry)? {
                    return Ok(place.clone());
                }
                if place == &path {
                    return Err(Fault::trouble("the file's SHA-256 is not the published one")
                        .at(path.display())
                        .help("delete the file, or replace it"));
                }
            }
        }
        if self.offline {
            return Err(missing(entry, &path, "it may not be fetched, as --offline was given"));
        }
        match fetch::fetch(entry, self.mirror.as_deref(), &path, quiet) {
            Ok(()) => Ok(path),
            Err(problem) => Err(missing(entry, &path, &problem.to_string())),
        }
    }

    fn folder(&self) -> Result<PathBuf, Fault> {
        let named = self.weights_dir.clone().or_else(|| std::env::var_os("SEMIO_WEIGHTS").map(PathBuf::from));
        let cache = || {
            let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            cache.or_else(|| home().map(|home| home.join(".cache"))).map(|cache| cache.join("semio/weights"))
        };
        named.or_else(cache).ok_or_else(|| {
            Fault::usage("there is no home folder to keep weights in").help("name a folder by --weights-dir DIR")
        })
    }
}

fn missing(entry: &Published, path: &Path, why: &str) -> Fault {
    Fault::trouble(format_args!("{}'s published weights are not on this machine: {why}", entry.model)).help(
        format_args!(
            "on a machine with internet fetch {} ({:.1} MiB) and put it at {}",
            entry.url,
            entry.mebibytes,
            path.display()
        ),
    )
}

fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}
