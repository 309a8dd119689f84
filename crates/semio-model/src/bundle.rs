use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::tensor::Device;
use semio_image::Pipeline;
use semio_nn::{
    Architecture, Blueprint, BuildError, Network,
    weights::{self, WeightsError},
};
use semio_stats::Classical;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Calibration, DataUsed, Decision, OutputKind, Pictures, card::Card};

/// Version of the bundle's form that this program writes and reads.
pub const SCHEMA: u32 = 1;

const WEIGHTS: &str = "model.safetensors";
const CALIBRATION: &str = "calibration.json";
const CLASSIFIER: &str = "classifier.json";
const PICTURES: &str = "pictures.json";

/// The largest file inside a bundle that is read, in bytes.
const LARGEST_FILE: u64 = 4 << 30;

/// `bundle.json`: everything that belongs to the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this form.
    pub schema: u32,
    /// Name in the registry of architectures.
    pub architecture: String,
    /// Widths of dense layers that were put before the network's output layer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub head_layers: Vec<usize>,
    /// The weights that training began with, where it did not begin with fresh ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_with: Option<WeightsFile>,
    /// What decides on the network's features in place of its output layer, where something does. It has a file of its
    /// own, `classifier.json`.
    #[serde(skip)]
    pub classifier: Option<Classical>,
    /// SHA-256 of `classifier.json`, in hexadecimal digits; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier_sha256: Option<String>,
    /// The classes in the order of the probabilities.
    pub classes: Vec<String>,
    /// How logits become probabilities.
    pub output: OutputKind,
    /// How probabilities become a class.
    pub decision: Decision,
    /// How sure results are, measured on pictures kept aside; `None` where there were none. It has a file of its own,
    /// `calibration.json`.
    #[serde(skip)]
    pub calibration: Option<Calibration>,
    /// SHA-256 of `calibration.json`, in hexadecimal digits; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_sha256: Option<String>,
    /// How a picture becomes the network's input.
    pub pipeline: Pipeline,
    /// What the model is for, and what not, in words.
    pub intended_use: String,
    /// What it was trained on.
    pub data: DataUsed,
    /// The pictures of these data, by content; `None` where the bundle does not know them. It has a file of its own,
    /// `pictures.json`.
    #[serde(skip)]
    pub pictures: Option<Pictures>,
    /// SHA-256 of `pictures.json`, in hexadecimal digits; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures_sha256: Option<String>,
    /// The version of the program that wrote it.
    pub code_version: String,
    /// SHA-256 of `model.safetensors`, in hexadecimal digits.
    pub weights_sha256: String,
    /// The figures that `evaluation.json` tells in full, on the part that it names.
    pub metrics: serde_json::Value,
}

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFile {
    /// Its name, without the folder.
    pub file: String,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// A network and what its figures depend on.
pub struct Bundle {
    /// What stands in `bundle.json`.
    pub manifest: Manifest,
    /// The network with its weights.
    pub network: Network,
}

/// Why a bundle cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A file cannot be read or written.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path is neither a bundle's folder nor its zip file.
    #[error("{path} is no bundle: it holds no bundle.json; name the folder that `semio train` wrote, for example runs/brain/bundle", path = .0.display())]
    NotABundle(PathBuf),
    /// `bundle.json` is not what it should be.
    #[error("{path}: bundle.json is damaged or of another version: {problem}", path = path.display())]
    Manifest {
        /// The bundle.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// A file is not the one that `bundle.json` was written for.
    #[error("{path}: {file} is not the file that bundle.json describes (SHA-256 differs); fetch the bundle again", path = .0.display(), file = .1)]
    Tampered(PathBuf, &'static str),
    /// The architecture cannot be built.
    #[error("{path}: {source}", path = path.display())]
    Build {
        /// The bundle.
        path: PathBuf,
        /// What failed.
        source: BuildError,
    },
    /// The weights do not fit the architecture.
    #[error("{path}: {source}", path = path.display())]
    Weights {
        /// The bundle.
        path: PathBuf,
        /// What failed.
        source: WeightsError,
    },
}

impl Bundle {
    /// Reads a bundle from its folder or from a `.zip` of it.
    ///
    /// # Errors
    /// [`BundleError`] names the file, and what is wrong with it. A bundle whose weights are not those that its
    /// figures were measured with is not read.
    pub fn read(path: &Path, device: &Device) -> Result<Self, BundleError> {
        let damaged = |problem: String| BundleError::Manifest { path: path.into(), problem };
        let json = read_file(path, "bundle.json")?;
        let mut manifest: Manifest = serde_json::from_slice(&json).map_err(|e| damaged(e.to_string()))?;
        let bytes = read_file(path, WEIGHTS)?;
        if hex_sha256(&bytes) != manifest.weights_sha256 {
            return Err(BundleError::Tampered(path.into(), WEIGHTS));
        }
        manifest.calibration = read_part(path, CALIBRATION, manifest.calibration_sha256.as_deref())?;
        manifest.classifier = read_part(path, CLASSIFIER, manifest.classifier_sha256.as_deref())?;
        manifest.pictures = read_part(path, PICTURES, manifest.pictures_sha256.as_deref())?;
        manifest.check().map_err(damaged)?;
        let architecture = Architecture::find(&manifest.architecture)
            .and_then(|a| a.build(&manifest.blueprint()))
            .map_err(|source| BundleError::Build { path: path.into(), source })?;
        let graph = match manifest.head_layers.as_slice() {
            [] => architecture,
            widths => architecture.with_head(widths),
        };
        let network = weights::decode(Arc::new(graph), &bytes, device)
            .map_err(|source| BundleError::Weights { path: path.into(), source })?;
        Ok(Self { manifest, network })
    }

    /// Writes the bundle into a folder: weights, `bundle.json`, the card (`card.md`, `card.json`), and what the caller gives besides
    /// (`history.csv`, `evaluation.json`).
    ///
    /// The folder appears whole or not at all: it is filled beside its place and then moved there. The manifest takes
    /// note of the weights' hash.
    ///
    /// # Errors
    /// [`BundleError::File`] names the file that could not be written.
    pub fn write(&mut self, folder: &Path, further: &[(&str, &[u8])]) -> Result<(), BundleError> {
        let weights =
            weights::encode(&self.network).map_err(|source| BundleError::Weights { path: folder.into(), source })?;
        self.manifest.weights_sha256 = hex_sha256(&weights);
        let unwritable = |e: serde_json::Error| BundleError::Manifest { path: folder.into(), problem: e.to_string() };
        let calibration = self.manifest.calibration.as_ref().map(serde_json::to_vec).transpose().map_err(unwritable)?;
        self.manifest.calibration_sha256 = calibration.as_deref().map(hex_sha256);
        let classifier = self.manifest.classifier.as_ref().map(serde_json::to_vec).transpose().map_err(unwritable)?;
        self.manifest.classifier_sha256 = classifier.as_deref().map(hex_sha256);
        let pictures = self.manifest.pictures.as_ref().map(serde_json::to_vec).transpose().map_err(unwritable)?;
        self.manifest.pictures_sha256 = pictures.as_deref().map(hex_sha256);
        let mut json = serde_json::to_vec_pretty(&self.manifest).map_err(unwritable)?;
        json.push(b'\n');
        let card = Card::new(&self.manifest, &self.network);
        let (card_json, card) = (card.json().map_err(unwritable)?, card.markdown());
        let partial = folder.with_extension("partial");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BundleError::File { action: "write", path, source }
        };
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(failed(&partial))?;
        }
        fs::create_dir_all(&partial).map_err(failed(&partial))?;
        let own: [(&str, &[u8]); 4] =
            [(WEIGHTS, &weights), ("bundle.json", &json), ("card.md", card.as_bytes()), ("card.json", &card_json)];
        let parts = [(CALIBRATION, &calibration), (CLASSIFIER, &classifier), (PICTURES, &pictures)];
        let parts: Vec<(&str, &[u8])> =
            parts.into_iter().filter_map(|(name, bytes)| Some((name, bytes.as_deref()?))).collect();
        for (name, bytes) in own.iter().chain(&parts).chain(further) {
            let path = partial.join(name);
            fs::write(&path, bytes).and_then(|()| fs::File::open(&path)?.sync_all()).map_err(failed(&path))?;
        }
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(failed(folder))?;
        }
        fs::rename(&partial, folder).map_err(failed(folder))
    }
}

impl Manifest {
    /// The network's measures.
    pub fn blueprint(&self) -> Blueprint {
        let (channels, height, width) = self.pipeline.output();
        Blueprint { channels, height, width, outputs: self.output.outputs(self.classes.len()) }
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("schema {} (this program reads {SCHEMA})", self.schema));
        }
        if self.classes.len() < 2 {
            return Err("fewer than two classes".into());
        }
        if self.output == OutputKind::Sigmoid && self.classes.len() != 2 {
            return Err(format!("a sigmoid decides between two classes, not {}", self.classes.len()));
        }
        if let Some(calibration) = &self.calibration {
            calibration.check(self.classes.len())?;
        }
        match self.decision {
            Decision::Threshold { value, .. } if self.classes.len() != 2 || !(0.0..=1.0).contains(&value) => {
                Err(format!("threshold {value} for {} classes", self.classes.len()))
            }
            _ => Ok(()),
        }
    }
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn hex_sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A part of the manifest that has a file of its own; none where the manifest names none.
fn read_part<T: serde::de::DeserializeOwned>(
    path: &Path,
    name: &'static str,
    sha256: Option<&str>,
) -> Result<Option<T>, BundleError> {
    let Some(sha256) = sha256 else { return Ok(None) };
    let json = read_file(path, name)?;
    if hex_sha256(&json) != sha256 {
        return Err(BundleError::Tampered(path.into(), name));
    }
    let damaged = |e: serde_json::Error| BundleError::Manifest { path: path.into(), problem: format!("{name}: {e}") };
    serde_json::from_slice(&json).map(Some).map_err(damaged)
}

/// A file of a folder or of a zip file.
fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, BundleError> {
    if path.is_file() {
        return read_zipped(path, name);
    }
    if !path.join("bundle.json").is_file() {
        return Err(BundleError::NotABundle(path.into()));
    }
    let path = path.join(name);
    fs::read(&path).map_err(|source| BundleError::File { action: "read", path, source })
}

fn read_zipped(path: &Path, wanted: &str) -> Result<Vec<u8>, BundleError> {
    let failed = |source| BundleError::File { action: "read", path: path.into(), source };
    let file = fs::File::open(path).map_err(failed)?;
    let mut archive = zip::ZipArchive::new(file).map_err(|_| BundleError::NotABundle(path.into()))?;
    // The files may lie in the archive's root or in one folder, as file managers pack them.
    let suffix = format!("/{wanted}");
    let fits = |name: &str| name == wanted || name.ends_with(&suffix);
    let place = archive.file_names().flatten().find(|n| fits(n)).map(std::borrow::Cow::into_owned);
    let place = place.ok_or_else(|| match wanted {
        "bundle.json" => BundleError::NotABundle(path.into()),
        _ => failed(io::Error::new(io::ErrorKind::NotFound, format!("it lacks {wanted}"))),
    })?;
    let entry = archive.by_name(&place).map_err(|e| failed(io::Error::other(e)))?;
    let mut bytes = vec![];
    let size = entry.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if size as u64 > LARGEST_FILE {
        return Err(failed(io::Error::other(format!("{place} is larger than 4 GiB"))));
    }
    Ok(bytes)
}
