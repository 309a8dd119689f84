//! Finding a layer by torchvision's name, or by what it is for.

use crate::graph::{Graph, Node, NodeId, Op, Shape};

impl Graph {
    /// The layer whose output one of torchvision's modules gives, such as `layer4` or `features.18`.
    ///
    /// A module that holds others ends with what follows its last layer and has no parameters of its own: activation,
    /// sum, concatenation. A single layer has its output after the activation that torchvision applies in place. A numbered
    /// module without parameters (`features.29` of VGG-16, a ReLU) is found by counting
    /// on from the last one that has a name. `None` where no layer fits, or where later layers read something from
    /// before it, so that the network cannot be parted there.
    pub fn layer(&self, name: &str) -> Option<NodeId> {
        let inner = format!("{name}.");
        let inside = |node: &Node| node.name.starts_with(&inner);
        let found = if let Some(last) = self.nodes.iter().rposition(inside) {
            let rest = &self.nodes[last + 1..];
            last + rest.iter().take_while(|n| closes(n)).count()
        } else if let Some(own) = self.nodes.iter().position(|n| n.name == name) {
            own + self.nodes[own + 1..].iter().take_while(|n| in_place(n)).count()
        } else {
            self.counted(name)?
        };
        (found > 0 && self.parts_at(found)).then_some(NodeId(found))
    }

    /// The place of `prefix.N`, so many layers after the last named `prefix.M` with a smaller number.
    fn counted(&self, name: &str) -> Option<usize> {
        let (prefix, number) = name.rsplit_once('.')?;
        let number: usize = number.parse().ok()?;
        let number_of = |node: &Node| node.name.strip_prefix(prefix)?.strip_prefix('.')?.parse::<usize>().ok();
        let before = |(i, node): (usize, &Node)| number_of(node).filter(|m| *m < number).map(|m| (m, i));
        let (m, i) = self.nodes.iter().enumerate().filter_map(before).max()?;
        let place = i + number - m;
        let unnamed = |node: &Node| node.name.is_empty();
        (place < self.nodes.len() && self.nodes[i + 1..=place].iter().all(unnamed)).then_some(place)
    }

    /// The last layer that still shows where in the picture something is: maps of more than one pixel, before the
    /// pooling that ends in the output layer. `None` for networks without such maps (vision transformers).
    pub fn last_maps(&self) -> Option<NodeId> {
        let head = self.nodes.iter().rposition(|n| matches!(n.op, Op::Linear { .. } | Op::Conv2d { .. }))?;
        let mut at = self.nodes[head].inputs[0];
        loop {
            let node = &self.nodes[at.0];
            let pools = matches!(node.op, Op::MaxPool { .. } | Op::AvgPool { .. } | Op::AdaptiveAvgPool { .. });
            let passes = matches!(node.op, Op::Dropout { .. } | Op::StochasticDepth { .. });
            match node.shape {
                Shape::Maps { height, width, .. } if height * width > 1 && !pools && !passes => break,
                _ => at = *node.inputs.first()?,
            }
        }
        // Inside a residual block it would not show all that the head reads.
        let whole = (at.0..head).find(|&i| self.parts_at(i))?;
        (at.0 > 0 && matches!(self.nodes[whole].shape, Shape::Maps { .. })).then_some(NodeId(whole))
    }

    /// Whether everything behind a layer reads it alone.
    fn parts_at(&self, layer: usize) -> bool {
        self.last_use[..layer].iter().all(|last| *last <= layer)
    }

    /// The name of a layer, or of the last named one before it.
    pub fn layer_name(&self, layer: NodeId) -> &str {
        self.nodes[..=layer.0].iter().rev().map(|n| n.name.as_str()).find(|n| !n.is_empty()).unwrap_or_default()
    }
}

/// Whether torchvision writes a layer's output over its input.
fn in_place(node: &Node) -> bool {
    use crate::graph::Activation::{Gelu, Sigmoid, Tanh};
    matches!(node.op, Op::Activation(f) if !matches!(f, Gelu | Sigmoid | Tanh))
}

/// Whether a layer belongs to the module before it.
fn closes(node: &Node) -> bool {
    let without_parameters = matches!(
        node.op,
        Op::Activation(_)
            | Op::Add
            | Op::Scale
            | Op::Concat
            | Op::Multiply { .. }
            | Op::ChannelShuffle { .. }
            | Op::Dropout { .. }
            | Op::StochasticDepth { .. }
    );
    without_parameters && matches!(node.shape, Shape::Maps { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Blueprint, registry};

    fn graph(name: &str) -> Graph {
        let architecture = Architecture::find(name).expect("is registered");
        let side = architecture.size;
        architecture.build(&Blueprint { channels: 3, height: side, width: side, outputs: 4 }).expect("fits")
    }

    fn op(graph: &Graph, layer: Option<NodeId>) -> &Op {
        &graph.nodes()[layer.expect("is found").0].op
    }

    #[test]
    fn modules_end_where_torchvision_ends_them() {
        let resnet = graph("resnet18");
        assert!(matches!(op(&resnet, resnet.layer("layer4")), Op::Activation(_)), "after the sum");
        assert!(matches!(op(&resnet, resnet.layer("conv1")), Op::Conv2d { .. }));
        assert_eq!(resnet.layer("layer4.1.conv1"), None, "the shortcut passes it by");
        assert_eq!(resnet.layer("layer5"), None);
        let vgg = graph("vgg16");
        assert!(matches!(op(&vgg, vgg.layer("features.29")), Op::Activation(_)));
        assert!(matches!(op(&vgg, vgg.layer("features.30")), Op::MaxPool { .. }));
        let densenet = graph("densenet121");
        assert!(matches!(op(&densenet, densenet.layer("features.norm5")), Op::Activation(_)));
    }

    #[test]
    fn every_convolutional_network_has_last_maps() {
        for architecture in registry() {
            let graph = graph(architecture.name);
            let name = architecture.name;
            if let Some(layer) = graph.last_maps() {
                let Shape::Maps { height, width, .. } = graph.nodes()[layer.0].shape else { unreachable!() };
                assert!(height * width > 1, "{name}");
            } else {
                assert!(name.starts_with("vit_") || name == "block-means", "{name}");
            }
        }
    }
}
