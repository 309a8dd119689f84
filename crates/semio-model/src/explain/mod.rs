//! Where a model looked: maps over the picture, how faithful they are, and how they are shown.

mod faithful;
mod map;
mod methods;
mod overlay;

pub use faithful::{Curve, Faithfulness};
pub use map::Map;
pub use overlay::{Overlay, color_bar, map_color};

use semio_nn::graph::NodeId;
use semio_stats::Classical;

use crate::{Predictor, Prepared};

/// How a picture's result is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Gradient-weighted class activation map (Selvaraju et al. 2017).
    GradCam,
    /// Grad-CAM++ (Chattopadhyay et al. 2018), for several places that show the same.
    GradCamPlusPlus,
    /// First principal component of the last maps (Muhammad and Yeasin 2020); does not depend on the class.
    EigenCam,
    /// Gradients summed on the way from a black picture (Sundararajan et al. 2017).
    IntegratedGradients,
    /// Mean gradient over noisy copies of the picture (Smilkov et al. 2017).
    SmoothGrad,
    /// How far the class's logit falls when a patch is covered (Zeiler and Fergus 2014).
    Occlusion,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 6] = [
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::EigenCam,
        Self::IntegratedGradients,
        Self::SmoothGrad,
        Self::Occlusion,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::GradCam => "grad-cam",
            Self::GradCamPlusPlus => "grad-cam++",
            Self::EigenCam => "eigen-cam",
            Self::IntegratedGradients => "integrated-gradients",
            Self::SmoothGrad => "smooth-grad",
            Self::Occlusion => "occlusion",
        }
    }

    /// Whether it reads a layer's maps instead of the picture's own pixels.
    pub fn reads_layer(self) -> bool {
        matches!(self, Self::GradCam | Self::GradCamPlusPlus | Self::EigenCam)
    }
}

/// What is to be explained.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How.
    pub method: Method,
    /// For which class; for the one that the model gives where not said.
    pub class: Option<usize>,
    /// After which layer, under torchvision's name; the last that gives maps where not said.
    pub layer: Option<String>,
    /// Steps of integrated gradients, copies of SmoothGrad.
    pub steps: usize,
    /// Decides SmoothGrad's noise.
    pub seed: u64,
}

impl Ask {
    /// Asks for a method with its usual settings.
    pub fn new(method: Method) -> Self {
        Self { method, class: None, layer: None, steps: 32, seed: 0 }
    }
}

/// A picture's result, explained.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// How.
    pub method: Method,
    /// For which class.
    pub class: usize,
    /// After which layer, for methods that read one.
    pub layer: Option<String>,
    /// What speaks for the class, at the layer's size or the picture's.
    pub map: Map,
}

/// Why a result cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The network has no maps over the picture.
    #[error(
        "{architecture} has no maps over the picture, which {method} reads; take integrated-gradients, smooth-grad or occlusion"
    )]
    NoMaps {
        /// The network.
        architecture: String,
        /// The method.
        method: &'static str,
    },
    /// No layer fits the name.
    #[error("{architecture} has no layer {layer} after which it can be parted; the last with maps is after {usual}")]
    Layer {
        /// The network.
        architecture: String,
        /// The name asked for.
        layer: String,
        /// A name that fits.
        usual: String,
    },
    /// The class is none of the model's.
    #[error("class {class} of {classes}")]
    Class {
        /// Its place.
        class: usize,
        /// Classes that there are.
        classes: usize,
    },
    /// Something else than the network decides.
    #[error(
        "in this bundle {0} decides on the network's features, and maps show what a network's output layer reads; explain a bundle that was trained with classifier = \"network\""
    )]
    OtherClassifier(&'static str),
    /// No step was asked for.
    #[error("at least one step is needed")]
    NoSteps,
}

impl Predictor {
    /// Explains the result of one prepared picture.
    ///
    /// # Errors
    /// [`ExplainError`] where the network, the layer or the class does not fit.
    ///
    /// # Panics
    /// Where another pipeline prepared the picture.
    pub fn explain(&self, input: &Prepared, ask: &Ask) -> Result<Explanation, ExplainError> {
        match &self.manifest().classifier {
            Some(Classical::Forest(_)) => return Err(ExplainError::OtherClassifier("a random forest")),
            Some(Classical::Logistic(_)) => return Err(ExplainError::OtherClassifier("a logistic regression")),
            None => {}
        }
        let classes = self.manifest().classes.len();
        let class = match ask.class {
            Some(class) if class >= classes => return Err(ExplainError::Class { class, classes }),
            Some(class) => class,
            None => self.predict(std::slice::from_ref(input)).first().map_or(0, |p| p.class),
        };
        if ask.steps == 0 {
            return Err(ExplainError::NoSteps);
        }
        let layer = if ask.method.reads_layer() { Some(self.layer(ask)?) } else { None };
        let map = methods::map(self, &input.values, class, layer, ask);
        let layer = layer.map(|id| {
            let named = self.network().graph().layer_name(id).to_owned();
            ask.layer.clone().unwrap_or(named)
        });
        Ok(Explanation { method: ask.method, class, layer, map })
    }

    /// The layer whose maps are read.
    fn layer(&self, ask: &Ask) -> Result<NodeId, ExplainError> {
        let graph = self.network().graph();
        let architecture = self.manifest().architecture.clone();
        let usual = graph.last_maps();
        let gives_maps = |id: &NodeId| matches!(graph.nodes()[id.index()].shape, semio_nn::graph::Shape::Maps { .. });
        match &ask.layer {
            None => usual.ok_or(ExplainError::NoMaps { architecture, method: ask.method.name() }),
            Some(name) => graph.layer(name).filter(gives_maps).ok_or_else(|| {
                let usual = usual.map_or_else(String::new, |id| graph.layer_name(id).to_owned());
                ExplainError::Layer { architecture, layer: name.clone(), usual }
            }),
        }
    }
}
