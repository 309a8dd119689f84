use std::sync::OnceLock;

use burn::tensor::{Tensor, TensorData};
use semio_image::{Image, Mask, Pipeline, PipelineError};
use semio_nn::{Network, graph::Shape, to_vec};
use semio_stats::Classical;

use crate::{APPEARANCE, appearance};

/// A picture as the network reads it, and what it looked like before.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Channels × height × width values.
    pub values: Vec<f32>,
    /// What [`appearance`] says of it.
    pub appearance: [f32; APPEARANCE],
}

impl Prepared {
    /// Runs the pipeline; the mask is used where the pipeline has a step for it. The appearance is that of the whole
    /// picture: a strange one stays strange, however much of it is covered.
    ///
    /// # Errors
    /// [`PipelineError`] where the pipeline cannot read such a picture, or needs a mask and has none.
    pub fn new(pipeline: &Pipeline, image: &Image, mask: Option<&Mask>) -> Result<Self, PipelineError> {
        let (prepared, mask) = pipeline.prepare_with_mask(image, mask)?;
        let (channels, height, width) = pipeline.output();
        let mut values = vec![0.0; channels * height * width];
        pipeline.finish_with_mask(&prepared, mask.as_ref(), &mut values)?;
        Ok(Self { values, appearance: appearance(image, &prepared) })
    }
}

/// What the network makes of a picture, before anything is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// One value an output.
    pub logits: Vec<f64>,
    /// What goes into the output layer: the picture in the network's own terms. Empty where the network has one layer.
    pub features: Vec<f32>,
    /// What the picture looked like.
    pub appearance: [f32; APPEARANCE],
}

impl Sight {
    /// Features and appearance as one row: what a random forest or a logistic regression reads.
    pub fn row(&self) -> Vec<f64> {
        self.features.iter().chain(&self.appearance).map(|v| f64::from(*v)).collect()
    }

    /// Takes the logarithms of a classifier's probabilities for logits.
    pub(crate) fn classify(&mut self, classifier: &Classical) {
        // A forest is often certain; of a class that none of some hundred trees names, it knows no more than that.
        let logit = |p: f64| p.max(LEAST_PROBABILITY).ln();
        match classifier.probabilities(&self.row()) {
            Ok(p) => self.logits = p.into_iter().map(logit).collect(),
            Err(_) => self.logits.fill(0.0),
        }
    }
}

/// What a classifier's probability is taken for at least.
const LEAST_PROBABILITY: f64 = 1e-4;

/// A network that gives its features beside its logits, in one pass: parted before the last stage.
pub(crate) struct Eyes {
    halves: OnceLock<Option<(Network, Network)>>,
}

impl Eyes {
    pub(crate) fn new() -> Self {
        Self { halves: OnceLock::new() }
    }

    pub(crate) fn see(&self, network: &Network, pipeline: &Pipeline, inputs: &[Prepared]) -> Vec<Sight> {
        let (channels, height, width) = pipeline.output();
        let shape = [inputs.len(), channels, height, width];
        let values: Vec<f32> = inputs.iter().flat_map(|input| input.values.iter().copied()).collect();
        assert_eq!(values.len(), shape.iter().product::<usize>(), "inputs come from `prepare`");
        let pictures = Tensor::<4>::from_data(TensorData::new(values, shape), network.device());
        let (features, logits) = match self.halves.get_or_init(|| halves(network)) {
            None => (vec![], to_vec(network.predict(pictures))),
            Some((base, head)) => {
                let rows = base.predict(pictures);
                let read = head.graph().input();
                let maps = match read {
                    Shape::Maps { channels, height, width } => [inputs.len(), channels, height, width],
                    other => [inputs.len(), other.len(), 1, 1],
                };
                let logits = to_vec(head.predict(rows.clone().reshape(maps)));
                (means(&to_vec(rows), read.positions()), logits)
            }
        };
        let outputs = network.graph().outputs();
        let width = features.len() / inputs.len();
        let sight = |(i, input): (usize, &Prepared)| Sight {
            logits: logits[i * outputs..(i + 1) * outputs].iter().map(|l| f64::from(*l)).collect(),
            features: features[i * width..(i + 1) * width].to_vec(),
            appearance: input.appearance,
        };
        inputs.iter().enumerate().map(sight).collect()
    }
}

/// The network before and from its last stage on; `None` where there is nothing before it.
fn halves(network: &Network) -> Option<(Network, Network)> {
    let graph = network.graph();
    let stages = graph.stages();
    let cut = graph.cut_before(&stages.last()?.params);
    (cut.index() > 0).then(|| network.clone().split(cut))
}

/// The mean of each so many values: of maps over the picture's plane.
fn means(rows: &[f32], area: usize) -> Vec<f32> {
    match area {
        0 | 1 => rows.to_vec(),
        area => rows.chunks(area).map(|map| map.iter().sum::<f32>() / area as f32).collect(),
    }
}
