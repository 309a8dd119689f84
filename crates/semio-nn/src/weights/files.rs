use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::Path,
};

use pytorch_reader::{DType, PytorchError, PytorchReader};
use safetensors::{Dtype, SafeTensors};

use super::{NamedTensor, WeightsError};

/// Names under which training programs keep weights beside other things.
const WRAPPERS: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];

/// Reads the tensors of a weights file: `.safetensors`, or what PyTorch's `torch.save` wrote (`.pth`, `.pt`), which is
/// told by its content. Numbers of 16 or 64 bits become 32-bit ones; whole numbers are left out.
///
/// Pickles are only looked at, never run. A prefix `module.` on all names, which PyTorch's `DataParallel` leaves, is
/// taken off.
///
/// # Errors
/// [`WeightsError`] where the file cannot be read or holds another kind of number.
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, NamedTensor>, WeightsError> {
    let unreadable = |source| WeightsError::File { path: path.into(), source };
    let mut start = vec![];
    File::open(path).and_then(|file| file.take(9).read_to_end(&mut start)).map_err(unreadable)?;
    // A safetensors file begins with its header's length and the header's brace.
    let is_safetensors = start.get(8) == Some(&b'{');
    let tensors = if is_safetensors { safetensors(&fs::read(path).map_err(unreadable)?)? } else { pytorch(path)? };
    let prefix = "module.";
    if !tensors.is_empty() && tensors.keys().all(|name| name.starts_with(prefix)) {
        let strip = |mut t: NamedTensor| {
            t.name.drain(..prefix.len());
            (t.name.clone(), t)
        };
        return Ok(tensors.into_values().map(strip).collect());
    }
    Ok(tensors)
}

fn safetensors(bytes: &[u8]) -> Result<BTreeMap<String, NamedTensor>, WeightsError> {
    let mut tensors = BTreeMap::new();
    for (name, view) in SafeTensors::deserialize(bytes)?.iter() {
        let format = match view.dtype() {
            Dtype::F32 => Format::F32,
            Dtype::F64 => Format::F64,
            Dtype::F16 => Format::F16,
            Dtype::BF16 => Format::Bf16,
            Dtype::I64 | Dtype::I32 | Dtype::I16 | Dtype::I8 | Dtype::U64 | Dtype::U32 | Dtype::U16 | Dtype::BOOL => {
                continue;
            }
            found => return Err(WeightsError::Kind { name: name.to_owned(), found: format!("{found:?}") }),
        };
        insert(&mut tensors, name, view.shape(), format, view.data());
    }
    Ok(tensors)
}

fn pytorch(path: &Path) -> Result<BTreeMap<String, NamedTensor>, WeightsError> {
    let whole = PytorchReader::new(path)?;
    let names = whole.keys();
    // A checkpoint that keeps the weights under a key shows them as `key.name`.
    let wrapper = WRAPPERS.iter().find(|key| {
        let weights = names.iter().filter(|name| name.starts_with(&format!("{key}."))).count();
        weights > names.len() / 4
    });
    let mut tensors = BTreeMap::new();
    for (name, tensor) in whole.tensors() {
        let name = match wrapper.map(|key| name.strip_prefix(key).and_then(|rest| rest.strip_prefix('.'))) {
            Some(None) => continue,
            Some(Some(inner)) => inner,
            None => name,
        };
        let format = match tensor.dtype() {
            DType::F32 => Format::F32,
            DType::F64 => Format::F64,
            DType::F16 => Format::F16,
            DType::BF16 => Format::Bf16,
            DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::Bool => continue,
            found => return Err(WeightsError::Kind { name: name.to_owned(), found: format!("{found:?}") }),
        };
        let data = tensor.read().map_err(PytorchError::Io)?;
        insert(&mut tensors, name, tensor.shape(), format, &data);
    }
    Ok(tensors)
}

/// How a number is written; always the lowest byte first.
#[derive(Clone, Copy)]
enum Format {
    F16,
    Bf16,
    F32,
    F64,
}

fn insert(into: &mut BTreeMap<String, NamedTensor>, name: &str, shape: &[usize], format: Format, data: &[u8]) {
    let values = match format {
        Format::F16 => data.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect(),
        Format::Bf16 => data.as_chunks::<2>().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect(),
        Format::F32 => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Format::F64 => data.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
    };
    into.insert(name.to_owned(), NamedTensor { name: name.to_owned(), shape: shape.to_vec(), values });
}
