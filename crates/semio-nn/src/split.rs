//! Stages of a network, and a network in two: a base that stays as it is, and a head that learns.
//!
//! Both halves are networks of their own, so that everything that runs a network runs them: a frozen base predicts with
//! folded batch norms, which is what "batch norm in evaluation mode" means, and the backward pass ends where the head
//! begins.

use std::sync::Arc;

use crate::{
    Network,
    graph::{Graph, Node, NodeId, Op, ParamId, PositionBias, Role, Shape, Similarity},
};

/// Layers that are set free together: what torchvision keeps under one number, such as `layer4` or `features.17`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The common beginning of its parameters' names.
    pub name: String,
    /// Its parameters.
    pub params: Vec<ParamId>,
}

impl Graph {
    /// The stages from the picture to the logits. The last one is the output layer, or, where there are layers named
    /// `head`, these and the output layer.
    ///
    /// A stage is a run of parameters whose names agree up to their first part with a digit. Norms alone are no stage;
    /// they go with the layers before them. Auxiliary heads, which no layer reads, belong to none.
    pub fn stages(&self) -> Vec<Stage> {
        let read = self.readers();
        let mut stages: Vec<Stage> = vec![];
        let mut has_kernel = true;
        for (i, param) in self.params.iter().enumerate().filter(|(i, _)| read[*i].is_some()) {
            let name = stage_name(&param.name);
            match stages.last_mut() {
                Some(stage) if stage.name == name => stage.params.push(ParamId(i)),
                _ => {
                    join_norms(&mut stages, has_kernel);
                    has_kernel = false;
                    stages.push(Stage { name: name.to_owned(), params: vec![ParamId(i)] });
                }
            }
            has_kernel |= param.role == Role::Kernel;
        }
        join_norms(&mut stages, has_kernel);
        if let [.., head, last] = stages.as_mut_slice()
            && head.name == HEAD
        {
            head.params.append(&mut last.params);
            stages.pop();
        }
        stages
    }

    /// The layer after which to cut so that these parameters, and as little else as possible, lie behind the cut.
    /// Nothing else than the cut's output is read behind it.
    pub fn cut_before(&self, params: &[ParamId]) -> NodeId {
        let read = self.readers();
        let first = params.iter().filter_map(|p| read[p.0]).min().unwrap_or(self.nodes.len());
        let mut far = 0;
        let mut cut = 0;
        for (i, node) in self.nodes.iter().enumerate().take(first) {
            // Whether a layer before this one is read after it.
            let only = far <= i;
            far = far.max(self.last_use[i]);
            let passes = matches!(node.op, Op::Dropout { .. } | Op::StochasticDepth { .. });
            if only && !passes && !matches!(node.shape, Shape::Tokens { .. }) {
                cut = i;
            }
        }
        NodeId(cut)
    }

    /// Both sides of a cut: the layers up to it, which give its output, and the layers behind it, which read that
    /// output as their picture. A vector enters the head as maps of one pixel.
    ///
    /// Parameters that no layer reads stay with the base.
    fn halves(&self, cut: NodeId) -> (Self, Self) {
        let read = self.readers();
        let behind = |param: &usize| read[*param].is_some_and(|node| node > cut.0);
        let (theirs, ours): (Vec<usize>, Vec<usize>) = (0..self.params.len()).partition(behind);
        let base = self.part(self.nodes[..=cut.0].to_vec(), &ours);

        let mut nodes = match self.nodes[cut.0].shape {
            Shape::Vector(n) => {
                let maps = Shape::Maps { channels: n, height: 1, width: 1 };
                vec![input(maps), Node { op: Op::Flatten, inputs: vec![NodeId(0)], ..input(Shape::Vector(n)) }]
            }
            shape => vec![input(shape)],
        };
        let entry = nodes.len() - 1;
        for node in &self.nodes[cut.0 + 1..] {
            let inputs = node.inputs.iter().map(|from| NodeId(from.0 - cut.0 + entry)).collect();
            nodes.push(Node { inputs, ..node.clone() });
        }
        (base, self.part(nodes, &theirs))
    }

    /// A graph of some layers and some parameters, in their order here.
    fn part(&self, mut nodes: Vec<Node>, params: &[usize]) -> Self {
        let place = |id: ParamId| ParamId(params.binary_search(&id.0).expect("a layer's parameters go with it"));
        for node in &mut nodes {
            each_param(&mut node.op, |id| *id = place(*id));
        }
        let params: Vec<_> = params.iter().map(|i| self.params[*i].clone()).collect();
        Self::new(nodes, params, vec![])
    }

    /// For each parameter the first layer that reads it.
    fn readers(&self) -> Vec<Option<usize>> {
        let mut readers = vec![None; self.params.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            each_param(&mut node.op.clone(), |id| {
                readers[id.0].get_or_insert(i);
            });
        }
        readers
    }
}

/// The name of layers that are put before the output layer.
pub(crate) const HEAD: &str = "head";

/// A parameter's name up to its first part with a digit, or named `head`; without its last part where there is none.
fn stage_name(param: &str) -> &str {
    let mut end = 0;
    for part in param.split('.') {
        end += part.len();
        if part == HEAD || part.bytes().any(|b| b.is_ascii_digit()) {
            return &param[..end];
        }
        end += 1;
    }
    param.rsplit_once('.').map_or(param, |(name, _)| name)
}

/// Gives the last stage's parameters to the one before it, where it has no kernels.
fn join_norms(stages: &mut Vec<Stage>, has_kernel: bool) {
    if has_kernel || stages.len() < 2 {
        return;
    }
    if let (Some(norms), Some(before)) = (stages.pop(), stages.last_mut()) {
        before.params.extend(norms.params);
    }
}

fn input(shape: Shape) -> Node {
    Node { op: Op::Input, inputs: vec![], shape, name: String::new() }
}

/// Visits the parameters that a layer reads.
pub(crate) fn each_param(op: &mut Op, mut visit: impl FnMut(&mut ParamId)) {
    match op {
        Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => {
            visit(weight);
            bias.iter_mut().for_each(visit);
        }
        Op::BatchNorm { weight, bias, mean, variance, .. } => {
            [weight, bias, mean, variance].into_iter().for_each(visit);
        }
        Op::LayerNorm { weight, bias, .. } => [weight, bias].into_iter().for_each(visit),
        Op::ChannelScale { weight } => visit(weight),
        Op::Embed { class_token, position } => [class_token, position].into_iter().for_each(visit),
        Op::Attention { qkv_weight, qkv_bias, out_weight, out_bias, .. } => {
            [qkv_weight, qkv_bias, out_weight, out_bias].into_iter().for_each(visit);
        }
        Op::WindowAttention(a) => {
            [&mut a.qkv_weight, &mut a.qkv_bias, &mut a.out_weight, &mut a.out_bias].into_iter().for_each(&mut visit);
            if let Similarity::Cosine(scale) = &mut a.similarity {
                visit(scale);
            }
            match &mut a.position {
                PositionBias::Table(table) => visit(table),
                PositionBias::Network { offsets, weight_in, bias_in, weight_out } => {
                    [offsets, weight_in, bias_in, weight_out].into_iter().for_each(visit);
                }
            }
        }
        Op::Input
        | Op::Activation(_)
        | Op::MaxPool { .. }
        | Op::AvgPool { .. }
        | Op::AdaptiveAvgPool { .. }
        | Op::GlobalAvgPool
        | Op::Flatten
        | Op::Dropout { .. }
        | Op::StochasticDepth { .. }
        | Op::Add
        | Op::Scale
        | Op::Multiply { .. }
        | Op::Concat
        | Op::Slice { .. }
        | Op::ChannelShuffle { .. }
        | Op::PatchMerge
        | Op::FirstToken => {}
    }
}

impl Network {
    /// Parts the network after a layer (see [`Graph::cut_before`]): base and head. The base's outputs, in rows, are the
    /// head's pictures.
    pub fn split(self, cut: NodeId) -> (Self, Self) {
        let (base, head) = self.graph().halves(cut);
        let half = |graph: Graph| {
            let find = |name: &str| self.graph().params().iter().position(|p| p.name == name);
            let values = graph.params().iter().filter_map(|p| find(&p.name)).map(|i| self.values()[i].clone());
            let values = values.collect();
            Self::with_values(Arc::new(graph), values, self.batches(), self.device())
        };
        (half(base), half(head))
    }

    /// Puts two halves back into the network that they were parted from.
    ///
    /// # Panics
    /// Where they are halves of another network.
    pub fn join(base: &Self, head: &Self, whole: Arc<Graph>) -> Self {
        let value = |name: &str| {
            let of = |half: &Self| {
                half.graph().params().iter().position(|p| p.name == name).map(|i| half.values()[i].clone())
            };
            of(head).or_else(|| of(base))
        };
        let values: Vec<_> = whole.params().iter().filter_map(|p| value(&p.name)).collect();
        assert_eq!(values.len(), whole.params().len(), "the halves hold the whole network's parameters");
        Self::with_values(whole, values, head.batches(), head.device())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Blueprint};

    fn graph(name: &str) -> Graph {
        let architecture = Architecture::find(name).expect("is registered");
        let side = architecture.size;
        architecture.build(&Blueprint { channels: 3, height: side, width: side, outputs: 4 }).expect("fits")
    }

    fn stages(name: &str) -> String {
        graph(name).stages().iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn stages_are_what_users_know_by_name() {
        assert_eq!(stages("resnet18"), "conv1 layer1 layer2 layer3 layer4 fc");
        assert_eq!(
            stages("densenet121"),
            "features.conv0 features.denseblock1 features.transition1 features.denseblock2 features.transition2 features.denseblock3 features.transition3 features.denseblock4 classifier"
        );
        assert_eq!(
            stages("vgg11_bn"),
            "features.0 features.4 features.8 features.11 features.15 features.18 features.22 features.25 classifier.0 classifier.3 classifier.6"
        );
        assert!(stages("mobilenet_v2").ends_with("features.16 features.17 features.18 classifier.1"));
        assert!(stages("vit_b_16").ends_with("encoder_layer_10 encoder.layers.encoder_layer_11 heads.head"));
        assert!(stages("inception_v3").ends_with("Mixed_7b Mixed_7c fc"), "without the auxiliary head");
    }

    #[test]
    fn the_last_stage_is_cut_off_before_its_dropout() {
        for name in crate::registry().iter().map(|a| a.name) {
            let graph = graph(name);
            let stages = graph.stages();
            let cut = graph.cut_before(&stages[stages.len() - 1].params);
            let node = &graph.nodes()[cut.0];
            assert!(!matches!(node.op, Op::Dropout { .. }) && cut.0 > 0, "{name}");
            let (base, head) = graph.halves(cut);
            assert_eq!(base.params().len() + head.params().len(), graph.params().len(), "{name}");
            assert_eq!(head.outputs(), 4, "{name}");
            assert_eq!(head.params().len(), stages[stages.len() - 1].params.len(), "{name}");
        }
    }
}
