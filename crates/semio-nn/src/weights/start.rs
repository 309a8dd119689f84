use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use burn::tensor::Device;

use super::{NamedTensor, WeightsError, counters, positions};
use crate::{
    Architecture, Blueprint, Graph, Network,
    graph::{Op, Param, Shape},
};

/// A network that begins with another one's weights.
pub struct Start {
    /// The network.
    pub network: Network,
    /// Parameters taken from the file.
    pub taken: usize,
    /// Parameters that are fresh, since the file's are for other classes or has none: the head's.
    pub fresh: Vec<String>,
    /// Parameters that were made to fit: the first convolution's kernels, where the file's are for another number of
    /// channels, and a transformer's position embedding, where they are for another size of picture.
    pub adapted: Vec<String>,
}

/// Begins with the tensors of a file instead of fresh values.
///
/// `graph` is the architecture's, perhaps with further layers in its head. Those layers are fresh, and so are the ones
/// whose shape depends on the number of classes where the file's are of another shape. Where the pictures have another
/// number of channels than the file's, the first convolution's kernels are summed over the file's channels and shared
/// out evenly (Ross Wightman's timm does the same): a grey picture gives what its three equal channels gave. Where they
/// have another size, a vision transformer's position embedding is resized (bicubic, as torchvision's
/// `interpolate_embeddings` does it).
///
/// # Errors
/// [`WeightsError::Mismatch`] lists everything else that is missing, unexpected or of another shape.
pub fn start(
    architecture: &Architecture,
    graph: &Arc<Graph>,
    mut tensors: BTreeMap<String, NamedTensor>,
    seed: u64,
    device: &Device,
) -> Result<Start, WeightsError> {
    rename_old(&mut tensors);
    let by_classes = depend_on_classes(architecture, graph);
    let first = first_convolution(graph);
    let grid = embedding(graph);
    let (mut taken, mut fresh, mut adapted, mut differences) = (0, vec![], vec![], vec![]);
    let mut values = vec![];
    for param in graph.params() {
        let name = &param.name;
        values.push(match tensors.get(name) {
            Some(t) if t.shape == param.shape => {
                taken += 1;
                t.values.clone()
            }
            _ if by_classes.contains(name) => {
                fresh.push(name.clone());
                param.init.draw(seed, name, &param.shape)
            }
            Some(t) if first == Some(name) && other_channels(t, param) => {
                taken += 1;
                adapted.push(name.clone());
                adapt(t, param)
            }
            Some(t) if grid.is_some_and(|(own, grid)| own == name && positions::fit(&t.shape, grid, &param.shape)) => {
                taken += 1;
                adapted.push(name.clone());
                positions::resized(t, grid.map_or((1, 1), |(_, grid)| grid))
            }
            Some(t) => {
                differences.push(format!("{name} is {:?}, expected {:?}", t.shape, param.shape));
                continue;
            }
            None => {
                differences.push(format!("{name} is missing"));
                continue;
            }
        });
    }
    let known = |name: &String| {
        by_classes.contains(name)
            || graph.params().iter().any(|p| p.name == *name)
            || counters(graph, 0).contains_key(name)
            || graph.offset_tables().iter().any(|t| t.name == *name)
    };
    differences.extend(tensors.keys().filter(|n| !known(n)).map(|n| format!("{n} is unexpected")));
    if !differences.is_empty() {
        return Err(WeightsError::Mismatch { differences });
    }
    let network = Network::from_values(graph.clone(), values, 0, device);
    Ok(Start { network, taken, fresh, adapted })
}

/// The parameters whose shape depends on the number of classes, and those that the architecture itself does not have.
fn depend_on_classes(architecture: &Architecture, graph: &Graph) -> BTreeSet<String> {
    let Shape::Maps { channels, height, width } = graph.input() else { return BTreeSet::new() };
    let shapes = |outputs| -> BTreeMap<String, Vec<usize>> {
        let graph = architecture.build(&Blueprint { channels, height, width, outputs });
        graph.map(|g| g.params().iter().map(|p| (p.name.clone(), p.shape.clone())).collect()).unwrap_or_default()
    };
    let (two, three) = (shapes(2), shapes(3));
    let same = |name: &String| two.contains_key(name) && two.get(name) == three.get(name);
    let added = graph.params().iter().map(|p| &p.name).filter(|n| !two.contains_key(*n));
    two.keys().filter(|n| !same(n)).chain(added).cloned().collect()
}

/// The kernels that are laid on the picture itself.
fn first_convolution(graph: &Graph) -> Option<&String> {
    graph.nodes().iter().find_map(|node| match &node.op {
        Op::Conv2d { weight, .. } if node.inputs[0].0 == 0 => Some(&graph.params()[weight.0].name),
        _ => None,
    })
}

/// The position embedding of a vision transformer, with the rows and columns of its patches.
fn embedding(graph: &Graph) -> Option<(&String, (usize, usize))> {
    graph.nodes().iter().find_map(|node| match (&node.op, graph.nodes()[node.inputs.first()?.0].shape) {
        (Op::Embed { position, .. }, Shape::Maps { height, width, .. }) => {
            Some((&graph.params()[position.0].name, (height, width)))
        }
        _ => None,
    })
}

fn other_channels(tensor: &NamedTensor, param: &Param) -> bool {
    match (tensor.shape.as_slice(), param.shape.as_slice()) {
        ([a, _, b, c], [d, _, e, f]) => (a, b, c) == (d, e, f),
        _ => false,
    }
}

/// Kernels for another number of channels: the sum over the file's channels, in equal shares.
fn adapt(tensor: &NamedTensor, param: &Param) -> Vec<f32> {
    let (theirs, ours) = (tensor.shape[1], param.shape[1]);
    let area = param.shape[2] * param.shape[3];
    let mut values = Vec::with_capacity(param.len());
    for kernel in tensor.values.chunks_exact(theirs * area) {
        let mean: Vec<f32> =
            (0..area).map(|i| kernel.iter().skip(i).step_by(area).sum::<f32>() / ours as f32).collect();
        (0..ours).for_each(|_| values.extend(&mean));
    }
    values
}

/// torchvision's published DenseNets still have the names of its first version: `denselayer1.norm.1` is `norm1` today.
fn rename_old(tensors: &mut BTreeMap<String, NamedTensor>) {
    let new = |name: &str| {
        let (before, after) = name.split_once(".denselayer")?;
        let (number, rest) = after.split_once('.')?;
        let (kind, rest) = rest.split_once('.')?;
        let (index, rest) = rest.split_once('.')?;
        let old = matches!(kind, "norm" | "conv") && matches!(index, "1" | "2");
        old.then(|| format!("{before}.denselayer{number}.{kind}{index}.{rest}"))
    };
    let old: Vec<(String, String)> = tensors.keys().filter_map(|name| Some((name.clone(), new(name)?))).collect();
    for (name, new) in old {
        if let Some(mut tensor) = tensors.remove(&name) {
            tensor.name.clone_from(&new);
            tensors.insert(new, tensor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::to_vec;
    use burn::tensor::{Tensor, TensorData};

    fn blueprint(channels: usize, outputs: usize) -> Blueprint {
        Blueprint { channels, height: 32, width: 32, outputs }
    }

    fn network(name: &str, channels: usize, outputs: usize) -> (&'static Architecture, Network) {
        let architecture = Architecture::find(name).expect("is registered");
        let graph = architecture.build(&blueprint(channels, outputs)).expect("fits");
        (architecture, Network::new(Arc::new(graph), 7, &Device::flex()))
    }

    fn tensors(network: &Network) -> BTreeMap<String, NamedTensor> {
        let named = |(i, p): (usize, &Param)| {
            let (name, shape) = (p.name.clone(), p.shape.clone());
            (name.clone(), NamedTensor { name, shape, values: network.read(i) })
        };
        network.graph().params().iter().enumerate().map(named).collect()
    }

    fn begin(name: &str, channels: usize, outputs: usize, from: BTreeMap<String, NamedTensor>) -> Start {
        let (architecture, other) = network(name, channels, outputs);
        start(architecture, other.graph(), from, 1, &Device::flex()).map_err(|e| e.to_string()).expect("fits")
    }

    #[test]
    fn another_number_of_classes_has_a_fresh_head_only() {
        let (_, old) = network("mobilenet_v2", 3, 10);
        let begun = begin("mobilenet_v2", 3, 4, tensors(&old));
        assert_eq!(begun.fresh, ["classifier.1.weight", "classifier.1.bias"]);
        assert_eq!(begun.taken + 2, old.graph().params().len());
        assert_eq!(begun.network.read(0), old.read(0));
        assert!(begin("mobilenet_v2", 3, 10, tensors(&old)).fresh.is_empty(), "the same classes keep their head");
    }

    #[test]
    fn a_grey_picture_gives_what_its_three_equal_channels_gave() {
        let (_, old) = network("resnet18", 3, 4);
        let begun = begin("resnet18", 1, 4, tensors(&old));
        assert_eq!(begun.adapted, ["conv1.weight"]);
        let grey: Vec<f32> = (0..32 * 32).map(|i| (i as f32 * 0.37).sin()).collect();
        let picture = |channels: usize| {
            let data = TensorData::new(grey.repeat(channels), [1, channels, 32, 32]);
            Tensor::<4>::from_data(data, &Device::flex())
        };
        let (a, b) = (to_vec(old.predict(picture(3))), to_vec(begun.network.predict(picture(1))));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
    }

    #[test]
    fn a_transformer_reads_pictures_of_another_size() {
        let architecture = Architecture::find("vit_b_32").expect("is registered");
        let of = |side: usize| {
            let graph = architecture.build(&Blueprint { channels: 3, height: side, width: side, outputs: 2 });
            Network::new(Arc::new(graph.expect("fits")), 7, &Device::flex())
        };
        let (old, other) = (of(128), of(192));
        let begun = start(architecture, other.graph(), tensors(&old), 1, &Device::flex());
        let begun = begun.map_err(|e| e.to_string()).expect("fits");
        assert_eq!(begun.adapted, ["encoder.pos_embedding"]);
        assert!(begun.fresh.is_empty() && begun.taken == old.graph().params().len());
    }

    #[test]
    fn what_does_not_fit_is_listed() {
        let (_, old) = network("resnet18", 3, 4);
        let mut given = tensors(&old);
        let mut taken_out = given.remove("bn1.bias").expect("is there");
        taken_out.name = "bn9.bias".into();
        given.insert("bn9.bias".into(), taken_out);
        given.get_mut("layer1.0.conv1.weight").expect("is there").shape = vec![64, 64, 9];
        let (architecture, other) = network("resnet18", 3, 2);
        let error = start(architecture, other.graph(), given, 1, &Device::flex()).err().expect("does not fit");
        let said = error.to_string();
        for part in [
            "bn1.bias is missing",
            "layer1.0.conv1.weight is [64, 64, 9], expected [64, 64, 3, 3]",
            "bn9.bias is unexpected",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn old_names_of_densenets_are_known() {
        let (_, old) = network("densenet121", 3, 4);
        let mut given = BTreeMap::new();
        for (name, tensor) in tensors(&old) {
            let old_name = ["norm1", "norm2", "conv1", "conv2"].iter().fold(name.clone(), |name, new| {
                let dotted = format!("{}.{}", &new[..4], &new[4..]);
                if name.contains("denselayer") { name.replace(new, &dotted) } else { name }
            });
            given.insert(old_name.clone(), NamedTensor { name: old_name, ..tensor });
        }
        assert!(given.contains_key("features.denseblock1.denselayer1.norm.1.weight"));
        assert!(begin("densenet121", 3, 4, given).fresh.is_empty());
    }
}
