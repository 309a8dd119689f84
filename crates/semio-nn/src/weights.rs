//! Weights as safetensors under torchvision's `state_dict` names, so that PyTorch reads them and the other way round.

use std::{collections::BTreeMap, sync::Arc};

use burn::tensor::Device;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{Graph, Network, graph::Op};

/// Why weights do not fit a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are no safetensors file.
    #[error("not a readable safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// A tensor holds another kind of number.
    #[error("tensor {name} holds {found:?}; 32-bit floating point is needed")]
    Kind {
        /// The tensor.
        name: String,
        /// What it holds.
        found: Dtype,
    },
    /// Names or shapes differ from the network's.
    #[error("the weights do not fit the network: {}", differences.join("; "))]
    Mismatch {
        /// Each tensor that is missing, unexpected or of another shape.
        differences: Vec<String>,
    },
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

/// Writes a network's `state_dict`: all parameters and each batch norm's `num_batches_tracked`.
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
    encode_tensors(&tensors, &counters(network.graph(), network.batches()))
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
    let known = |name: &str| counters.contains_key(name) || graph.params().iter().any(|p| p.name == name);
    let mut names = file.names();
    names.sort_unstable();
    differences.extend(names.into_iter().filter(|n| !known(n)).map(|n| format!("{n} is unexpected")));
    if !differences.is_empty() {
        return Err(WeightsError::Mismatch { differences });
    }
    let batches = counters.keys().find_map(|name| {
        let view = file.tensor(name).ok().filter(|v| v.dtype() == Dtype::I64)?;
        Some(u64::from_le_bytes(view.data().get(..8)?.try_into().ok()?))
    });
    Ok(Network::from_values(graph, values, batches.unwrap_or(0), device))
}

/// Writes named values, and named whole numbers as scalars.
///
/// # Errors
/// [`WeightsError::Format`] where a name stands twice or a shape does not fit its values.
pub fn encode_tensors(tensors: &[NamedTensor], counters: &BTreeMap<String, u64>) -> Result<Vec<u8>, WeightsError> {
    let mut blocks: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![];
    for t in tensors {
        let bytes = t.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        blocks.push((&t.name, Dtype::F32, t.shape.clone(), bytes));
    }
    for (name, count) in counters {
        blocks.push((name, Dtype::I64, vec![], count.to_le_bytes().to_vec()));
    }
    let views = blocks
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    Ok(safetensors::serialize(views, None)?)
}

/// Reads all 32-bit tensors of a file, by name.
///
/// # Errors
/// [`WeightsError::Format`] where the bytes are no safetensors file.
pub fn decode_tensors(bytes: &[u8]) -> Result<BTreeMap<String, NamedTensor>, WeightsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter().filter(|(_, v)| v.dtype() == Dtype::F32) {
        let tensor = NamedTensor { name: name.into(), shape: view.shape().to_vec(), values: floats(name, &view)? };
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(tensors)
}

fn counters(graph: &Graph, batches: u64) -> BTreeMap<String, u64> {
    let norms = graph.nodes().iter().filter(|n| matches!(n.op, Op::BatchNorm { .. }));
    norms.map(|n| (format!("{}.num_batches_tracked", n.name), batches)).collect()
}

fn floats(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, WeightsError> {
    if view.dtype() != Dtype::F32 {
        return Err(WeightsError::Kind { name: name.into(), found: view.dtype() });
    }
    Ok(view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}
