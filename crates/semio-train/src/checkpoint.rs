use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Tensor, TensorData};
use semio_nn::{
    Network,
    weights::{self, NamedTensor, WeightsError},
};
use serde::{Deserialize, Serialize};

use crate::{average::Average, history::EpochRow, optimizer::Optimizer, schedule::Schedule};

/// Why a checkpoint cannot be written or taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}{}", path.display(), room_hint(source))]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is damaged.
    #[error("{} cannot be taken up: {problem}; start the run anew in another folder", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It belongs to another run.
    #[error("{} was written by a run with another {what}; resume with the recipe and data of that run, or start anew in another folder", path.display())]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

fn room_hint(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::StorageFull {
        "; the last checkpoint is whole: make room on the disk, then go on with --resume"
    } else {
        ""
    }
}

/// What a run is at the end of an epoch, besides tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// SHA-256 of the recipe.
    pub(crate) recipe: String,
    /// SHA-256 of the data.
    pub(crate) data: String,
    pub(crate) history: Vec<EpochRow>,
    pub(crate) schedule: Schedule,
    /// Epoch of the best figure so far, and that figure turned so that larger is better.
    pub(crate) best: Option<(usize, f64)>,
    /// Whether training came to its own end.
    pub(crate) done: bool,
}

/// The folder in which a run keeps what it needs to go on.
///
/// `last.safetensors` is replaced whole after each epoch, so a run that is killed at any moment goes on from the end
/// of an epoch. The best epoch's weights lie beside it under that epoch's number.
pub(crate) struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    pub(crate) fn new(run: &Path) -> Self {
        Self { folder: run.join("checkpoint") }
    }

    fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    fn best(&self, epoch: usize) -> PathBuf {
        self.folder.join(format!("best-{epoch:05}.safetensors"))
    }

    /// Whether there is a run to go on with.
    pub(crate) fn exists(&self) -> bool {
        self.last().exists()
    }

    /// Keeps the weights of the best epoch so far. Must come before the [`Self::write`] that names the epoch.
    pub(crate) fn write_best(&self, network: &Network, epoch: usize) -> Result<(), CheckpointError> {
        let path = self.best(epoch);
        let bytes = weights::encode(network).map_err(|e| damaged(&path, &e))?;
        write_whole(&path, &bytes)
    }

    /// Keeps the state at the end of an epoch.
    pub(crate) fn write(
        &self,
        state: &State,
        network: &Network,
        optimizer: &Optimizer,
        average: Option<&Average>,
    ) -> Result<(), CheckpointError> {
        let path = self.last();
        let (mut tensors, mut counters) = optimizer.state();
        for (i, param) in network.graph().params().iter().enumerate() {
            let values = network.read(i);
            tensors.push(NamedTensor { name: format!("model/{}", param.name), shape: vec![values.len()], values });
        }
        if let Some(average) = average {
            average.state(&mut tensors, &mut counters);
        }
        counters.insert("batches".to_owned(), network.batches());
        let note = serde_json::to_string(state).map_err(|e| damaged(&path, &e))?;
        let bytes = weights::encode_tensors(&tensors, &counters, Some(&note)).map_err(|e| damaged(&path, &e))?;
        write_whole(&path, &bytes)?;
        self.drop_older_bests(state.best.map(|(epoch, _)| epoch));
        Ok(())
    }

    /// Takes up where the run stopped.
    pub(crate) fn read(
        &self,
        recipe: &str,
        data: &str,
        network: &mut Network,
        optimizer: &mut Optimizer,
        average: Option<&mut Average>,
    ) -> Result<State, CheckpointError> {
        let path = self.last();
        let bytes =
            fs::read(&path).map_err(|source| CheckpointError::File { action: "read", path: path.clone(), source })?;
        let file = weights::decode_tensors(&bytes).map_err(|e| damaged(&path, &e))?;
        let note = file.note.as_deref().unwrap_or_default();
        let state: State = serde_json::from_str(note).map_err(|e| damaged(&path, &e))?;
        for (ours, theirs, what) in [(recipe, &state.recipe, "recipe"), (data, &state.data, "data set")] {
            if ours != theirs {
                return Err(CheckpointError::OtherRun { path, what });
            }
        }
        let device = network.device().clone();
        for (i, param) in network.graph().clone().params().iter().enumerate() {
            let values = file.tensors.get(&format!("model/{}", param.name)).map(|t| t.values.clone());
            let values = values.filter(|v| v.len() == param.len());
            let values = values.ok_or_else(|| damaged(&path, &format!("{} is not whole", param.name)))?;
            network.set(i, Tensor::from_data(TensorData::new(values, [param.len()]), &device));
        }
        network.set_batches(file.counters.get("batches").copied().unwrap_or_default());
        optimizer.restore(&file.tensors, &file.counters, &device);
        if let Some(average) = average {
            average.restore(&file);
        }
        Ok(state)
    }

    /// The weights of the best epoch.
    pub(crate) fn read_best(&self, epoch: usize, like: &Network, device: &Device) -> Result<Network, CheckpointError> {
        let path = self.best(epoch);
        let bytes =
            fs::read(&path).map_err(|source| CheckpointError::File { action: "read", path: path.clone(), source })?;
        weights::decode(like.graph().clone(), &bytes, device).map_err(|e: WeightsError| damaged(&path, &e))
    }

    /// Files that are left over cost room only, so a failure to remove one is no error.
    fn drop_older_bests(&self, keep: Option<usize>) {
        let keep = keep.map(|epoch| self.best(epoch));
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_best = entry.file_name().to_string_lossy().starts_with("best-");
            if is_best && Some(&path) != keep.as_ref() {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn damaged(path: &Path, problem: &impl ToString) -> CheckpointError {
    CheckpointError::Damaged { path: path.into(), problem: problem.to_string() }
}

/// Writes a file that is there whole or not at all, whatever happens in between.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let partial = path.with_extension("partial");
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        // The folder's own entry must reach the disk too.
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| {
        let _ = fs::remove_file(&partial);
        CheckpointError::File { action: "write", path: path.into(), source }
    })
}
