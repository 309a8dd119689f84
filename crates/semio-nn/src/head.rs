//! Another head on a network: dense layers before its output layer.

use crate::{
    Init,
    graph::{Activation, Graph, Node, NodeId, Op, Param, ParamId, Role, Shape},
    split::{HEAD, each_param},
};

/// The rate of a new head's dropout where the network has no dropout of its own there.
const DROPOUT: f64 = 0.2;

impl Graph {
    /// Puts dense layers with ReLU, called `head.0`, `head.1` and so on, before the output layer, each layer after a
    /// dropout. With no widths it only sees to it that there is a dropout before the output layer.
    ///
    /// Where the network ends with a convolution (SqueezeNet), its maps' means go into the new layers, and the output
    /// layer becomes a dense one.
    #[must_use]
    pub fn with_head(mut self, widths: &[usize]) -> Self {
        let is_output = |node: &Node| matches!(node.op, Op::Linear { .. } | Op::Conv2d { .. });
        let Some(at) = self.nodes.iter().rposition(is_output) else { return self };
        let mut below = self.nodes[at].inputs[0];
        let mut rate = None;
        while let Op::Dropout { rate: own } = self.nodes[below.0].op {
            rate = rate.or(Some(own));
            below = self.nodes[below.0].inputs[0];
        }
        if widths.is_empty() && rate.is_some() {
            return self;
        }
        let output = self.nodes[at].clone();
        let (Op::Linear { weight, bias } | Op::Conv2d { weight, bias, .. }) = output.op else { return self };
        if widths.is_empty() && !matches!(output.op, Op::Linear { .. }) {
            return self;
        }
        let outputs = self.params[weight.0].shape[0];
        self.nodes.truncate(below.0 + 1);
        let mut push = |op: Op, shape: Shape, name: String| {
            let inputs = vec![NodeId(self.nodes.len() - 1)];
            self.nodes.push(Node { op, inputs, shape, name });
        };
        let mut width = output_width(&self.params[weight.0]);
        let mut new = vec![];
        if at + 1 < self.last_use.len() {
            push(Op::GlobalAvgPool, Shape::Vector(width), String::new());
        }
        let rate = rate.unwrap_or(DROPOUT);
        for (i, &out) in widths.iter().enumerate() {
            push(Op::Dropout { rate }, Shape::Vector(width), String::new());
            let name = format!("{HEAD}.{i}");
            let ids = [weight.0 + new.len(), weight.0 + new.len() + 1].map(ParamId);
            new.extend(dense(&name, out, width));
            push(Op::Linear { weight: ids[0], bias: Some(ids[1]) }, Shape::Vector(out), name);
            push(Op::Activation(Activation::Relu), Shape::Vector(out), String::new());
            width = out;
        }
        push(Op::Dropout { rate }, Shape::Vector(width), String::new());
        let ids = (weight, bias);
        push(Op::Linear { weight: ids.0, bias: ids.1 }, Shape::Vector(outputs), output.name.clone());

        // The new parameters stand before the output layer's; those behind move up.
        let (added, place) = (new.len(), weight.0);
        let [kernel, shift] = dense(&output.name, outputs, width);
        for (id, fresh) in [(Some(weight), kernel), (bias, shift)] {
            if let Some(id) = id {
                let param = &mut self.params[id.0];
                *param = Param { name: param.name.clone(), l2: param.l2, ..fresh };
            }
        }
        let fresh = below.0 + 1;
        for (i, node) in self.nodes.iter_mut().enumerate() {
            let is_new = i >= fresh && node.name.starts_with(&format!("{HEAD}."));
            each_param(&mut node.op, |id| {
                if id.0 >= place && !is_new {
                    id.0 += added;
                }
            });
        }
        self.params.splice(place..place, new);
        Self::new(self.nodes, self.params, self.offset_tables)
    }
}

/// Values that an output layer reads.
fn output_width(kernel: &Param) -> usize {
    kernel.len() / kernel.shape[0]
}

/// A dense layer's parameters, which start as PyTorch's do.
fn dense(name: &str, out: usize, width: usize) -> [Param; 2] {
    let init = Init::Uniform(1.0 / (width as f32).sqrt());
    let param =
        |part: &str, shape: Vec<usize>, role| Param { name: format!("{name}.{part}"), shape, init, role, l2: 0.0 };
    [param("weight", vec![out, width], Role::Kernel), param("bias", vec![out], Role::Vector)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::{Device, Tensor};

    use crate::{Architecture, Blueprint, Graph, Network, graph::Op};

    fn graph(name: &str, widths: &[usize]) -> Graph {
        let blueprint = Blueprint { channels: 3, height: 64, width: 64, outputs: 5 };
        Architecture::find(name).and_then(|a| a.build(&blueprint)).expect("fits").with_head(widths)
    }

    #[test]
    fn new_layers_stand_before_the_output_layer() {
        for name in ["resnet18", "mobilenet_v2", "squeezenet1_0", "vgg11", "densenet121", "r2-cnn"] {
            let graph = graph(name, &[32, 16]);
            let shapes: Vec<String> =
                graph.params().iter().rev().take(6).map(|p| format!("{} {:?}", p.name, p.shape)).collect();
            assert!(shapes[0].ends_with(".bias [5]") && shapes[1].ends_with(".weight [5, 16]"), "{name}: {shapes:?}");
            assert_eq!(shapes[2..4], ["head.1.bias [16]", "head.1.weight [16, 32]"], "{name}");
            assert_eq!(graph.outputs(), 5, "{name}");
            let stages = graph.stages();
            assert_eq!(stages[stages.len() - 1].params.len(), 6, "{name}: the head is one stage");
            let network = Network::new(Arc::new(graph), 1, &Device::flex());
            assert_eq!(network.predict(Tensor::ones([2, 3, 64, 64], &Device::flex())).dims(), [2, 5], "{name}");
        }
    }

    #[test]
    fn a_head_without_layers_only_gains_a_dropout() {
        let dropouts = |g: &Graph| g.nodes().iter().filter(|n| matches!(n.op, Op::Dropout { .. })).count();
        assert_eq!(dropouts(&graph("resnet18", &[])), 1);
        assert_eq!(dropouts(&graph("mobilenet_v2", &[])), 1, "it has one of its own");
    }
}
