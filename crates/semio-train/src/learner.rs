use std::{collections::HashMap, sync::Arc};

use burn::tensor::Tensor;
use semio_nn::{Graph, Network, graph::ParamId, graph::Shape};

use crate::fit::Event;

/// A network of which the last stages learn while those before them stay as they are.
///
/// The frozen base is a network of its own that only predicts: with folded batch norms, which so keep their statistics,
/// and without a backward pass.
pub(crate) struct Learner {
    whole: Arc<Graph>,
    base: Option<Network>,
    head: Network,
    /// The last stages that learn.
    free: usize,
    /// Factor on the step size of each of the head's parameters; zero for those that the cut could not leave out.
    factors: Vec<f64>,
}

impl Learner {
    /// Sets the last `free` stages of a network to learn, and each stage's step size to `decay` times that of the next.
    pub(crate) fn new(network: Network, free: usize, decay: f64) -> Self {
        let whole = network.graph().clone();
        let stages = whole.stages();
        let frozen = stages.len().saturating_sub(free);
        let mut named: HashMap<&str, f64> = HashMap::new();
        for (i, stage) in stages.iter().enumerate() {
            let factor = if i < frozen { 0.0 } else { decay.powi((stages.len() - 1 - i) as i32) };
            named.extend(stage.params.iter().map(|p| (name(&whole, *p), factor)));
        }
        let (base, head) = if frozen == 0 {
            (None, network)
        } else {
            let learning: Vec<ParamId> = stages[frozen..].iter().flat_map(|s| s.params.iter().copied()).collect();
            let (base, head) = network.split(whole.cut_before(&learning));
            (Some(base), head)
        };
        let factor = |p: &semio_nn::graph::Param| named.get(p.name.as_str()).copied().unwrap_or(1.0);
        let factors = head.graph().params().iter().map(factor).collect();
        Self { whole: whole.clone(), base, head, free, factors }
    }

    /// Says which stages learn.
    pub(crate) fn tell(&self, observe: &mut (dyn FnMut(Event<'_>) + Send)) {
        let stages: Vec<String> = self.whole.stages().into_iter().map(|s| s.name).collect();
        observe(Event::Learns { stages: &stages[stages.len() - self.free..], of: stages.len() });
    }

    /// How many of the last stages learn.
    pub(crate) fn free(&self) -> usize {
        self.free
    }

    /// The stages that stay as they are.
    pub(crate) fn base(&self) -> Option<&Network> {
        self.base.as_ref()
    }

    /// The stages that learn.
    pub(crate) fn head(&self) -> &Network {
        &self.head
    }

    /// The stages that learn, to be changed, and the factors on their parameters' step sizes.
    pub(crate) fn head_mut(&mut self) -> (&mut Network, &[f64]) {
        (&mut self.head, &self.factors)
    }

    /// Values a picture that go into the head.
    pub(crate) fn features(&self) -> usize {
        self.head.graph().input().len()
    }

    /// What goes into the head: the pictures themselves, or what the base makes of them.
    pub(crate) fn see(&self, pictures: Tensor<4>) -> Tensor<4> {
        match &self.base {
            Some(base) => self.shaped(base.predict(pictures)),
            None => pictures,
        }
    }

    /// The base's outputs in the shape in which the head reads them.
    pub(crate) fn shaped(&self, rows: Tensor<2>) -> Tensor<4> {
        let [batch, _] = rows.dims();
        match self.head.graph().input() {
            Shape::Maps { channels, height, width } => rows.reshape([batch, channels, height, width]),
            other => rows.reshape([batch, other.len(), 1, 1]),
        }
    }

    /// The whole network as it is now.
    pub(crate) fn whole(&self) -> Network {
        match &self.base {
            Some(base) => Network::join(base, &self.head, self.whole.clone()),
            None => self.head.clone(),
        }
    }
}

fn name(graph: &Graph, param: ParamId) -> &str {
    &graph.params()[param.index()].name
}
