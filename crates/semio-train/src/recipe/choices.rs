//! The words that a recipe's keys take.

use semio_image::Keep;
use semio_stats::Aim;
use serde::{Deserialize, Serialize};

/// What decides on a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Classifier {
    /// The network's own output layer.
    Network,
    /// A random forest on the network's features and the picture's appearance; the network is not trained.
    RandomForest,
    /// A multinomial logistic regression on the same.
    LogisticRegression,
}

/// How the threshold between two classes is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// It is given.
    Fixed(f64),
    /// It is chosen on the calibration part.
    Chosen(Aim),
}

/// Grey or colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColorChoice {
    /// What the network was made for; small networks read what the pictures show.
    Auto,
    /// One channel.
    Grey,
    /// Three channels.
    Rgb,
}

/// How stored samples become brightness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DepthChoice {
    /// The stored type's whole range.
    Full,
    /// Each picture's darkest to brightest value.
    Image,
    /// Each picture's 0.5th to 99.5th percentile.
    Percentile,
}

/// How values are centred and scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalization {
    /// As the weights to begin with expect it; like `half` without such weights.
    Auto,
    /// 0 to 1.
    None,
    /// -1 to 1.
    Signed,
    /// Mean 0.5 and deviation 0.25 of the range: about centred for most pictures.
    Half,
    /// ImageNet's means and deviations, as torchvision's weights expect.
    Imagenet,
    /// Mean 0 and variance 1 in each picture.
    Picture,
}

/// What the network sees of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskChoice {
    /// All of it; masks are laid beside the model's maps only.
    Whole,
    /// What lies inside of the mask, such as the lungs alone.
    Inside,
    /// What lies outside, such as all but the lungs: what a model reaches there it did not learn from the organ.
    Outside,
}

impl MaskChoice {
    /// The pipeline's step.
    pub fn keep(self) -> Option<Keep> {
        match self {
            Self::Whole => None,
            Self::Inside => Some(Keep::Inside),
            Self::Outside => Some(Keep::Outside),
        }
    }
}

/// How much training pictures are varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AugmentationLevel {
    /// Not at all.
    None,
    /// As another exposure of the same patient might differ.
    Light,
    /// More than that; for long runs on few pictures.
    Strong,
}

/// How gradients become steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Kingma and Ba 2014.
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2017).
    Adamw,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// How the step size changes over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Not at all.
    Constant,
    /// Smaller whenever the monitored figure stops getting better.
    Plateau,
    /// Half a cosine wave down to zero (Loshchilov and Hutter 2016).
    Cosine,
    /// Up over the first 30 % of the steps, then down to almost zero (Smith and Topin 2017).
    OneCycle,
}

/// What is made small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// Cross-entropy over the classes.
    Categorical,
    /// Cross-entropy of one logit that decides between two classes.
    Binary,
    /// Cross-entropy with less weight on what is easy (Lin et al. 2017).
    Focal,
}

/// The parts of a cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folds {
    /// This many parts of about one size.
    Number(usize),
    /// One part a group, for example a patient.
    LeaveOneGroupOut,
}
