//! Weights as safetensors under torchvision's `state_dict` names, so that PyTorch reads them and the other way round.

mod files;
mod positions;
mod published;
mod start;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::PathBuf,
    sync::Arc,
};

use burn::tensor::Device;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

pub use files::read_tensors;
pub use published::{Normalized, Published, imagenet_classes, published};
pub use start::{Start, start};

use crate::{Graph, Network, graph::WindowAttention};

/// Why weights do not fit a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are no safetensors file.
    #[error("not a readable safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes are no file of PyTorch's either.
    #[error("neither a safetensors file nor one that PyTorch wrote: {0}")]
    Pytorch(#[from] pytorch_reader::PytorchError),
    /// A tensor holds another kind of number.
    #[error("tensor {name} holds {found}; floating-point numbers are needed")]
    Kind {
        /// The tensor.
        name: String,
        /// What it holds.
        found: String,
    },
    /// Names or shapes differ from the network's.
    #[error("the weights do not fit the network: {}", listed(differences))]
    Mismatch {
        /// Each tensor that is missing, unexpected or of another shape.
        differences: Vec<String>,
    },
}

/// Few differences in full. A file of another network has hundreds: the first of each kind, and how many more there are.
fn listed(differences: &[String]) -> String {
    if differences.len() <= 16 {
        return differences.join("; ");
    }
    let (missing, present): (Vec<&str>, Vec<&str>) =
        differences.iter().map(String::as_str).partition(|d| d.ends_with(" is missing"));
    let (unexpected, shaped): (Vec<&str>, Vec<&str>) = present.iter().partition(|d| d.ends_with(" is unexpected"));
    let mut said = vec![];
    for (kind, of_it) in [("of another shape", shaped), ("missing", missing), ("unexpected", unexpected)] {
        let first = &of_it[..of_it.len().min(4)];
        said.extend(first.iter().map(|d| (*d).to_owned()));
        if of_it.len() > first.len() {
            said.push(format!("{} more are {kind}", of_it.len() - first.len()));
        }
    }
    format!("{}. Is it the file of another network?", said.join("; "))
}

/// A named block of 32-bit values as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Name.
    pub name: String,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f32>,
}

/// Writes a network's `state_dict`: all parameters, each batch norm's `num_batches_tracked` and the tables of whole
/// numbers that torchvision stores with window attention.
///
/// The same values give the same bytes.
///
/// # Errors
/// [`WeightsError::Format`], which only a network with two parameters of one name could cause.
pub fn encode(network: &Network) -> Result<Vec<u8>, WeightsError> {
    let params = network.graph().params();
    let tensors: Vec<NamedTensor> = params
        .iter()
        .enumerate()
        .map(|(i, p)| NamedTensor { name: p.name.clone(), shape: p.shape.clone(), values: network.read(i) })
        .collect();
    let counters = counters(network.graph(), network.batches());
    let tables = network.graph().offset_tables();
    let mut whole: Vec<Whole<'_>> =
        counters.iter().map(|(name, count)| (name.as_str(), vec![], vec![*count as i64])).collect();
    whole.extend(tables.iter().map(|t| (t.name.as_str(), t.shape.clone(), WindowAttention::offset_indices(t.window))));
    serialize(&tensors, &whole, None)
}

/// Reads a network's `state_dict`.
///
/// # Errors
/// [`WeightsError::Mismatch`] lists everything that differs; counters may be absent, as in files of other programs.
pub fn decode(graph: Arc<Graph>, bytes: &[u8], device: &Device) -> Result<Network, WeightsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let counters = counters(&graph, 0);
    let mut differences = vec![];
    let mut values = vec![];
    for param in graph.params() {
        match file.tensor(&param.name) {
            Ok(view) if view.shape() == param.shape => values.push(floats(&param.name, &view)?),
            Ok(view) => differences.push(format!("{} is {:?}, expected {:?}", param.name, view.shape(), param.shape)),
            Err(_) => differences.push(format!("{} is missing", param.name)),
        }
    }
    let known = |name: &str| {
        counters.contains_key(name)
            || graph.params().iter().any(|p| p.name == name)
            || graph.offset_tables().iter().any(|t| t.name == name)
    };
    let mut names = file.names();
    names.sort_unstable();
    differences.extend(names.into_iter().filter(|n| !known(n)).map(|n| format!("{n} is unexpected")));
    if !differences.is_empty() {
        return Err(WeightsError::Mismatch { differences });
    }
    let batches = counters.keys().find_map(|name| count(&file.tensor(name).ok()?));
    Ok(Network::from_values(graph, values, batches.unwrap_or(0), device))
}

/// What stands in a safetensors file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// Blocks of 32-bit values by name.
    pub tensors: BTreeMap<String, NamedTensor>,
    /// Whole numbers by name.
    pub counters: BTreeMap<String, u64>,
    /// The text that was stored with them.
    pub note: Option<String>,
}

/// The key of the file's one text.
const NOTE: &str = "semio";

/// Writes named values, named whole numbers as scalars, and a text.
///
/// # Errors
/// [`WeightsError::Format`] where a name stands twice or a shape does not fit its values.
pub fn encode_tensors(
    tensors: &[NamedTensor],
    counters: &BTreeMap<String, u64>,
    note: Option<&str>,
) -> Result<Vec<u8>, WeightsError> {
    let whole: Vec<Whole<'_>> =
        counters.iter().map(|(name, count)| (name.as_str(), vec![], vec![*count as i64])).collect();
    serialize(tensors, &whole, note)
}

/// Whole numbers: name, dimensions, values.
type Whole<'a> = (&'a str, Vec<usize>, Vec<i64>);

fn serialize(tensors: &[NamedTensor], whole: &[Whole<'_>], note: Option<&str>) -> Result<Vec<u8>, WeightsError> {
    let mut blocks: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![];
    for t in tensors {
        let bytes = t.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        blocks.push((&t.name, Dtype::F32, t.shape.clone(), bytes));
    }
    for (name, shape, values) in whole {
        blocks.push((name, Dtype::I64, shape.clone(), values.iter().flat_map(|v| v.to_le_bytes()).collect()));
    }
    let views = blocks
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    let metadata = note.map(|text| HashMap::from([(NOTE.to_owned(), text.to_owned())]));
    Ok(safetensors::serialize(views, metadata)?)
}

/// Reads all 32-bit tensors, whole numbers and the text of a file.
///
/// # Errors
/// [`WeightsError::Format`] where the bytes are no safetensors file.
pub fn decode_tensors(bytes: &[u8]) -> Result<Contents, WeightsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let note = metadata.metadata().as_ref().and_then(|m| m.get(NOTE).cloned());
    let mut contents = Contents { note, ..Contents::default() };
    for (name, view) in file.iter() {
        if view.dtype() == Dtype::F32 {
            let tensor = NamedTensor { name: name.into(), shape: view.shape().to_vec(), values: floats(name, &view)? };
            contents.tensors.insert(name.to_owned(), tensor);
        } else if let Some(count) = count(&view) {
            contents.counters.insert(name.to_owned(), count);
        }
    }
    Ok(contents)
}

fn counters(graph: &Graph, batches: u64) -> BTreeMap<String, u64> {
    // By the parameters, since auxiliary heads have no layers.
    let norms = graph.params().iter().filter_map(|p| p.name.strip_suffix(".running_mean"));
    norms.map(|name| (format!("{name}.num_batches_tracked"), batches)).collect()
}

/// The value of a scalar whole number.
fn count(view: &TensorView<'_>) -> Option<u64> {
    let bytes = (view.dtype() == Dtype::I64).then(|| view.data())?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

fn floats(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, WeightsError> {
    if view.dtype() != Dtype::F32 {
        return Err(WeightsError::Kind { name: name.into(), found: format!("{:?}", view.dtype()) });
    }
    Ok(view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}
