//! Everything that decides how a model is trained.

mod check;
mod choices;
mod pipeline;
mod text;

use std::path::PathBuf;

use semio_image::{Filter, Fit, PipelineError};
use semio_model::GroupKind;
use semio_stats::{ConformalScore, ScalingMethod};
use serde::{Deserialize, Serialize};

pub use choices::*;
pub use text::pairs;

use crate::Language;
use text::{optional_text, text};

/// Everything that decides how a model is trained. Each key of a recipe's TOML file is a flag of `semio train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "keys of a file that people write")]
pub struct Recipe {
    /// Folder of class folders, or CSV file.
    pub data: PathBuf,
    /// CSV column with the file's path; `file` where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_column: Option<String>,
    /// CSV column with the class; `label` where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// CSV column with the part (train, val or test); `split` where not given and present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_column: Option<String>,
    /// CSV column with the patient, or whatever else must stay on one side; `group` where not given and present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_column: Option<String>,
    /// What a group is: `patients`, or `look-alikes` where only the pictures' likeness is known; as the column's name tells
    /// where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_kind: Option<GroupKind>,
    /// CSV column with the mask's path; `mask` where not given and present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_column: Option<String>,
    /// CSV column with the number of a DICOM file's frame, from 1 on; `frame` where not given and present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_column: Option<String>,
    /// The classes to use, in this order; all where empty.
    pub classes: Vec<String>,
    /// Classes to rename, `old=new`.
    pub map: Vec<String>,
    /// Rows to use, `column=value`.
    pub r#where: Vec<String>,
    /// Whether files that are missing or unreadable are left out instead of stopping the run.
    pub skip_bad: bool,
    /// Whether parts are accepted that know each other by group (patient), by the same picture or by nearly the same one;
    /// bundle, card and every report then say so.
    pub allow_leak: bool,
    /// Lists or folders of pictures that nothing may be learned from: what is the same as one of them, or nearly, is left out.
    pub apart_from: Vec<PathBuf>,
    /// Whether the pictures are divided anew, whatever parts the data name.
    pub resplit: bool,
    /// Share that is set aside for validation where the data name no validation part.
    pub val_ratio: f64,
    /// Share that is set aside for the final test where the data name no parts at all.
    pub test_ratio: f64,
    /// Share of the validation part that chooses nothing while training and is kept to say how sure a result is; 0 for
    /// a bundle that does not say it.
    pub calibration_ratio: f64,
    /// Number of folds of a cross-validation, or `leave-one-group-out`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_text")]
    pub folds: Option<String>,

    /// Network, by its name in the registry.
    pub model: String,
    /// Weights to begin with: `imagenet` (torchvision's published ones) or a file (`.safetensors`, `.pth`); fresh ones
    /// where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Widths of dense layers, each with ReLU and dropout, to be put before the network's output layer.
    pub head_layers: Vec<usize>,
    /// What decides on a picture: the network, or a classical method on its features.
    pub classifier: Classifier,
    /// Side of the pictures that the network reads, in pixels; the network's usual one where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// Grey or colour.
    pub color: ColorChoice,
    /// Pixels along a side that a JPEG 2000 file must be decoded to for each pixel that the network reads; whole where not
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode_detail: Option<usize>,
    /// How stored samples become brightness.
    pub depth: DepthChoice,
    /// How pictures are brought to size.
    pub filter: Filter,
    /// What happens to pictures that are not square.
    pub fit: Fit,
    /// How values are centred and scaled.
    pub normalize: Normalization,
    /// What the network sees of a picture: all of it, or what lies inside or outside of its mask.
    pub mask: MaskChoice,

    /// How much the training pictures are varied; the single values below override it.
    pub augment: AugmentationLevel,
    /// Probability of a left–right flip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip_horizontal: Option<f32>,
    /// Probability of an upside-down flip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip_vertical: Option<f32>,
    /// Largest rotation, in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate: Option<f32>,
    /// Largest shift, as a share of the side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<f32>,
    /// Largest change of scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoom: Option<f32>,
    /// Largest change of brightness, as a share of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<f32>,
    /// Largest change of contrast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<f32>,
    /// Largest standard deviation of added noise, as a share of the range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<f32>,
    /// Largest side of a square that is cut out, as a share of the side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutout: Option<f32>,
    /// The classes whose pictures are varied; all where empty.
    pub augment_classes: Vec<String>,

    /// Passes over the training pictures.
    pub epochs: usize,
    /// Of these, the epochs at the beginning in which the head alone learns; needs `weights`.
    pub frozen_epochs: usize,
    /// What learns afterwards: `all`, `none` (the head alone, to the end), the number of the network's last stages, or
    /// the name of the first stage to learn, such as `layer4`.
    #[serde(deserialize_with = "text")]
    pub unfreeze: String,
    /// Epochs after which one more stage learns, from the last one on, until `unfreeze` is reached; all at once where
    /// not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfreeze_every: Option<usize>,
    /// Largest step size from the epoch on in which more than the head learns; a tenth of `learning-rate` where not
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fine_tune_rate: Option<f64>,
    /// Factor on the step size from each stage to the one before it.
    pub stage_decay: f64,
    /// Variants of each training picture whose features are kept while the base is frozen, the first one unvaried;
    /// with 0 nothing is kept, and every epoch varies the pictures anew.
    pub feature_variants: usize,
    /// Pictures a step.
    pub batch_size: usize,
    /// How gradients become steps.
    pub optimizer: OptimizerKind,
    /// Largest step size.
    pub learning_rate: f64,
    /// How the step size changes over the epochs.
    pub schedule: ScheduleKind,
    /// Epochs over which the step size grows from zero.
    pub warmup_epochs: f64,
    /// Factor on the step size when nothing gets better (schedule `plateau`).
    pub plateau_factor: f64,
    /// Epochs without gain before that happens (schedule `plateau`).
    pub plateau_patience: usize,
    /// Momentum of `sgd`.
    pub momentum: f64,
    /// Decoupled weight decay of `adamw`.
    pub weight_decay: f64,
    /// λ on the sum of squares of every kernel; the network's own where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
    /// Decay of the moving average of the weights that is judged and kept instead of the last step's, such as 0.99;
    /// none where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_decay: Option<f64>,
    /// Rate of every dropout layer; the network's own where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// What is made small.
    pub loss: LossKind,
    /// Exponent of the focal loss.
    pub focal_gamma: f64,
    /// Share of the target that is spread over all classes.
    pub label_smoothing: f64,
    /// Weight of each class in the loss: `none`, `balanced`, or `a=1,b=2.5`.
    pub class_weights: String,

    /// Figure of the validation part that decides which epoch is best.
    pub monitor: String,
    /// Epochs without gain after which training ends; never where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Whether the bundle holds the best epoch's weights instead of the last one's.
    pub restore_best: bool,
    /// With two classes, from which probability on the second is given: `0.5`, another number, or what the number is
    /// chosen for on the calibration part: `youden` (largest sensitivity + specificity), `sensitivity=0.95`,
    /// `specificity=0.9`, or `costs=10:1` (of a missed picture of the second class and of a false alarm).
    #[serde(deserialize_with = "text")]
    pub threshold: String,
    /// How probabilities are made to mean what they say, on the calibration part.
    pub scaling: ScalingMethod,
    /// The rate at which a result's set of classes holds the true one.
    pub coverage: f64,
    /// How classes are scored for these sets.
    pub sets: ConformalScore,
    /// Whether that rate shall hold in every class; needs more pictures.
    pub sets_by_class: bool,
    /// Share of pictures of the model's own kind that may be refused as unknown.
    pub false_refusals: f64,

    /// Decides fresh weights, order, augmentation, dropout and split.
    pub seed: u64,
    /// Threads; all cores where 0.
    pub threads: usize,
    /// Memory for prepared pictures, in MiB.
    pub cache: usize,
    /// What the model is for; goes into the bundle and its card.
    pub intended_use: String,
    /// Columns whose values the report judges apart, besides sex, age, source, view and the device's.
    pub subgroups: Vec<String>,
    /// The language of the report: `en` or `fr`.
    pub report_language: Language,
}

/// The recipe's keys that decide which pictures are learned from and which are judged. Runs that are to be compared must
/// share them.
pub const DATA_KEYS: [&str; 19] = [
    "data",
    "file-column",
    "label-column",
    "split-column",
    "group-column",
    "group-kind",
    "mask-column",
    "frame-column",
    "classes",
    "map",
    "where",
    "skip-bad",
    "allow-leak",
    "apart-from",
    "resplit",
    "val-ratio",
    "test-ratio",
    "calibration-ratio",
    "folds",
];

impl Default for Recipe {
    fn default() -> Self {
        Self {
            data: PathBuf::new(),
            file_column: None,
            label_column: None,
            split_column: None,
            group_column: None,
            group_kind: None,
            mask_column: None,
            frame_column: None,
            classes: vec![],
            map: vec![],
            r#where: vec![],
            skip_bad: false,
            allow_leak: false,
            apart_from: vec![],
            resplit: false,
            val_ratio: 0.15,
            test_ratio: 0.15,
            calibration_ratio: 0.5,
            folds: None,
            model: "r2-cnn".into(),
            weights: None,
            head_layers: vec![],
            classifier: Classifier::Network,
            image_size: None,
            color: ColorChoice::Auto,
            decode_detail: None,
            depth: DepthChoice::Full,
            filter: Filter::Bilinear,
            fit: Fit::Stretch,
            normalize: Normalization::Auto,
            mask: MaskChoice::Whole,
            augment: AugmentationLevel::Light,
            flip_horizontal: None,
            flip_vertical: None,
            rotate: None,
            shift: None,
            zoom: None,
            brightness: None,
            contrast: None,
            noise: None,
            cutout: None,
            augment_classes: vec![],
            epochs: 20,
            frozen_epochs: 0,
            unfreeze: "all".into(),
            unfreeze_every: None,
            fine_tune_rate: None,
            stage_decay: 1.0,
            feature_variants: 4,
            batch_size: 16,
            optimizer: OptimizerKind::Adam,
            learning_rate: 2e-3,
            schedule: ScheduleKind::OneCycle,
            warmup_epochs: 1.0,
            plateau_factor: 0.5,
            plateau_patience: 3,
            momentum: 0.9,
            weight_decay: 0.01,
            l2: None,
            ema_decay: None,
            dropout: None,
            loss: LossKind::Categorical,
            focal_gamma: 2.0,
            label_smoothing: 0.0,
            class_weights: "none".into(),
            monitor: "val_loss".into(),
            patience: None,
            restore_best: true,
            threshold: "0.5".into(),
            scaling: ScalingMethod::Temperature,
            coverage: 0.9,
            sets: ConformalScore::Lac,
            sets_by_class: false,
            false_refusals: 0.005,
            seed: 0,
            threads: 0,
            cache: 1024,
            intended_use: "Research and teaching. Not for decisions about patients.".into(),
            subgroups: vec![],
            report_language: Language::English,
        }
    }
}

impl Recipe {
    /// What a group of the data is, as the recipe or the name of its column tells.
    pub fn group_kind(&self) -> GroupKind {
        let named = || self.group_column.as_deref().map(GroupKind::of_column);
        self.group_kind.or_else(named).unwrap_or_default()
    }
}

/// A recipe's value that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A value is out of its range.
    #[error("{key} = {value}: {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        problem: String,
    },
    /// The pictures' steps do not fit together.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] semio_nn::BuildError),
}

fn value_error(key: &'static str, value: impl std::fmt::Display, problem: impl Into<String>) -> RecipeError {
    RecipeError::Value { key, value: value.to_string(), problem: problem.into() }
}
