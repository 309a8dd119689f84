use std::{collections::BTreeMap, path::PathBuf};

use semio_image::{Augmentation, Color, Depth, Filter, Fit, Pipeline, PipelineError, Step};
use semio_nn::{
    Architecture, Blueprint, Graph,
    weights::{Normalized, published},
};
use semio_stats::{Aim, ConformalScore, ScalingMethod};
use serde::{Deserialize, Serialize};

use crate::{Language, dataset::Dataset};

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
    /// CSV column with the mask's path; `mask` where not given and present.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_column: Option<String>,
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
    /// How stored samples become brightness.
    pub depth: DepthChoice,
    /// How pictures are brought to size.
    pub filter: Filter,
    /// What happens to pictures that are not square.
    pub fit: Fit,
    /// How values are centred and scaled.
    pub normalize: Normalization,

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

/// The recipe's keys that decide which pictures are learned from and which are judged. Runs that are to be compared must
/// share them.
pub const DATA_KEYS: [&str; 16] = [
    "data",
    "file-column",
    "label-column",
    "split-column",
    "group-column",
    "mask-column",
    "classes",
    "map",
    "where",
    "skip-bad",
    "allow-leak",
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
            mask_column: None,
            classes: vec![],
            map: vec![],
            r#where: vec![],
            skip_bad: false,
            allow_leak: false,
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
            depth: DepthChoice::Full,
            filter: Filter::Bilinear,
            fit: Fit::Stretch,
            normalize: Normalization::Auto,
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

impl Recipe {
    /// Checks every value that can be checked without data.
    ///
    /// # Errors
    /// [`RecipeError::Value`] names the key, its value, and what it should be.
    pub fn check(&self) -> Result<(), RecipeError> {
        let share = |key, value: f64| {
            if (0.0..1.0).contains(&value) { Ok(()) } else { Err(value_error(key, value, "must be from 0 to below 1")) }
        };
        let positive = |key, value: f64| {
            if value > 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(value_error(key, value, "must be greater than 0"))
            }
        };
        let not_negative = |key, value: f64| {
            if value >= 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(value_error(key, value, "must be 0 or greater"))
            }
        };
        let inner_share = |key, value: f64| {
            if value > 0.0 && value < 1.0 { Ok(()) } else { Err(value_error(key, value, "must lie between 0 and 1")) }
        };
        let at_least_one = |key, value: usize| {
            if value >= 1 { Ok(()) } else { Err(value_error(key, value, "must be at least 1")) }
        };
        share("val-ratio", self.val_ratio)?;
        share("test-ratio", self.test_ratio)?;
        share("calibration-ratio", self.calibration_ratio)?;
        share("val-ratio + test-ratio", self.val_ratio + self.test_ratio)?;
        share("momentum", self.momentum)?;
        share("label-smoothing", self.label_smoothing)?;
        share("dropout", self.dropout.unwrap_or(0.0))?;
        share("ema-decay", self.ema_decay.unwrap_or(0.0))?;
        positive("learning-rate", self.learning_rate)?;
        positive("plateau-factor", self.plateau_factor)?;
        not_negative("warmup-epochs", self.warmup_epochs)?;
        not_negative("weight-decay", self.weight_decay)?;
        not_negative("l2", self.l2.unwrap_or(0.0))?;
        not_negative("focal-gamma", self.focal_gamma)?;
        positive("fine-tune-rate", self.fine_tune_rate.unwrap_or(self.learning_rate))?;
        positive("stage-decay", self.stage_decay)?;
        at_least_one("epochs", self.epochs)?;
        at_least_one("unfreeze-every", self.unfreeze_every.unwrap_or(1))?;
        for &width in &self.head_layers {
            at_least_one("head-layers", width)?;
        }
        at_least_one("batch-size", self.batch_size)?;
        if !crate::history::MONITORS.contains(&self.monitor.as_str()) {
            let problem = format!("must be one of {}", crate::history::MONITORS.join(", "));
            return Err(value_error("monitor", &self.monitor, problem));
        }
        self.folds()?;
        self.threshold()?;
        inner_share("coverage", self.coverage)?;
        inner_share("false-refusals", self.false_refusals)?;
        self.augmentation().check().map_err(|e| value_error("augmentation", "", e.to_string()))?;
        let architecture = Architecture::find(&self.model)?;
        self.pipeline()?;
        self.check_stages(architecture)
    }

    /// Checks what is said about stages against the network's.
    fn check_stages(&self, architecture: &Architecture) -> Result<(), RecipeError> {
        if self.weights.is_none() && (self.frozen_epochs > 0 || self.unfreeze != "all") {
            let (key, value) = match self.frozen_epochs {
                0 => ("unfreeze", self.unfreeze.clone()),
                n => ("frozen-epochs", n.to_string()),
            };
            let problem =
                "keeps fresh weights as they are, which teaches nothing; add weights = \"imagenet\" or a file";
            return Err(value_error(key, value, problem));
        }
        self.free_stages(&self.graph(architecture, 2)?).map(|_| ())
    }

    /// The network's layers, with the recipe's head and dropout.
    ///
    /// # Errors
    /// Where the network cannot read pictures of the recipe's size.
    pub fn graph(&self, architecture: &Architecture, outputs: usize) -> Result<Graph, RecipeError> {
        let (channels, height, width) = self.pipeline()?.output();
        let mut graph = architecture.build(&Blueprint { channels, height, width, outputs })?;
        if !self.head_layers.is_empty() {
            graph = graph.with_head(&self.head_layers);
        }
        Ok(match self.dropout {
            Some(rate) => graph.with_dropout(rate),
            None => graph,
        })
    }

    /// How many of the network's last stages learn once the frozen epochs are over, the head included.
    ///
    /// # Errors
    /// Where `unfreeze` names no stage.
    pub fn free_stages(&self, graph: &Graph) -> Result<usize, RecipeError> {
        let stages = graph.stages();
        if let Ok(n) = self.unfreeze.parse::<usize>() {
            return Ok((n + 1).min(stages.len()));
        }
        match self.unfreeze.as_str() {
            "all" => Ok(stages.len()),
            "none" => Ok(1),
            name => stages.iter().position(|s| s.name == name).map(|i| stages.len() - i).ok_or_else(|| {
                let names: Vec<&str> = stages.iter().map(|s| s.name.as_str()).collect();
                let problem = format!(
                    "must be all, none, a number of stages, or one of {}'s stages: {}",
                    self.model,
                    names.join(", ")
                );
                value_error("unfreeze", name, problem)
            }),
        }
    }

    /// The steps from a stored picture to the network's input.
    ///
    /// # Errors
    /// Where the network is unknown or the steps do not fit together.
    pub fn pipeline(&self) -> Result<Pipeline, RecipeError> {
        let architecture = Architecture::find(&self.model)?;
        let side = self.image_size.unwrap_or(architecture.size);
        let color = match self.color {
            ColorChoice::Grey => Color::Grey,
            ColorChoice::Auto if architecture.channels == 1 => Color::Grey,
            ColorChoice::Auto | ColorChoice::Rgb => Color::Rgb,
        };
        let range = match self.depth {
            DepthChoice::Full => Depth::Full,
            DepthChoice::Image => Depth::Image,
            DepthChoice::Percentile => Depth::Percentile { low: 0.5, high: 99.5 },
        };
        let mut steps = vec![
            Step::Depth { range },
            Step::Color { to: color },
            Step::Resize { width: side, height: side, filter: self.filter, fit: self.fit },
        ];
        match self.fit {
            Fit::Stretch => {}
            Fit::Contain => steps.push(Step::Pad { width: side, height: side, value: 0.0 }),
            Fit::Cover => steps.push(Step::Crop { width: side, height: side }),
        }
        steps.push(Step::Scale {});
        let channels = color.channels();
        match self.normalization() {
            Normalization::None | Normalization::Auto => {}
            Normalization::Signed => {
                steps.push(Step::Normalize { mean: vec![0.5; channels], std: vec![0.5; channels] });
            }
            Normalization::Half => {
                steps.push(Step::Normalize { mean: vec![0.5; channels], std: vec![0.25; channels] });
            }
            Normalization::Imagenet if channels == 3 => {
                steps.push(Step::Normalize { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] });
            }
            // The means of the three channels' figures.
            Normalization::Imagenet => steps.push(Step::Normalize { mean: vec![0.449], std: vec![0.226] }),
            Normalization::Picture => steps.push(Step::Standardize {}),
        }
        Ok(Pipeline::new(steps)?)
    }

    /// How values are centred and scaled, settled.
    fn normalization(&self) -> Normalization {
        let signed = || published().iter().any(|p| p.model == self.model && p.normalized == Normalized::Signed);
        match (self.normalize, self.weights.as_deref()) {
            (Normalization::Auto, None) => Normalization::Half,
            (Normalization::Auto, Some("imagenet")) if signed() => Normalization::Signed,
            (Normalization::Auto, Some(_)) => Normalization::Imagenet,
            (chosen, _) => chosen,
        }
    }

    /// Settles what depends on the data: small networks read colour where the pictures show any.
    #[must_use]
    pub fn resolved(&self, dataset: &Dataset) -> Self {
        let small = Architecture::find(&self.model).is_ok_and(|a| a.channels == 1);
        let color = match self.color {
            ColorChoice::Auto if !small || dataset.is_colored() => ColorChoice::Rgb,
            ColorChoice::Auto => ColorChoice::Grey,
            chosen => chosen,
        };
        Self { color, normalize: self.normalization(), ..self.clone() }
    }

    /// How training pictures are varied.
    pub fn augmentation(&self) -> Augmentation {
        let off = Augmentation::default();
        let level = match self.augment {
            AugmentationLevel::None => off,
            AugmentationLevel::Light => Augmentation {
                flip_horizontal: 0.5,
                rotate: 10.0,
                shift: 0.06,
                zoom: 0.1,
                brightness: 0.08,
                contrast: 0.15,
                ..off
            },
            AugmentationLevel::Strong => Augmentation {
                flip_horizontal: 0.5,
                rotate: 20.0,
                shift: 0.1,
                zoom: 0.2,
                brightness: 0.15,
                contrast: 0.3,
                noise: 0.03,
                cutout: 0.25,
                ..off
            },
        };
        Augmentation {
            flip_horizontal: self.flip_horizontal.unwrap_or(level.flip_horizontal),
            flip_vertical: self.flip_vertical.unwrap_or(level.flip_vertical),
            rotate: self.rotate.unwrap_or(level.rotate),
            shift: self.shift.unwrap_or(level.shift),
            zoom: self.zoom.unwrap_or(level.zoom),
            brightness: self.brightness.unwrap_or(level.brightness),
            contrast: self.contrast.unwrap_or(level.contrast),
            noise: self.noise.unwrap_or(level.noise),
            cutout: self.cutout.unwrap_or(level.cutout),
            ..level
        }
    }

    /// Which folds a cross-validation has.
    ///
    /// # Errors
    /// Where `folds` is neither a number from 2 on nor `leave-one-group-out`.
    pub fn folds(&self) -> Result<Option<Folds>, RecipeError> {
        match self.folds.as_deref() {
            None => Ok(None),
            Some("leave-one-group-out") => Ok(Some(Folds::LeaveOneGroupOut)),
            Some(text) => match text.parse::<usize>() {
                Ok(k) if k >= 2 => Ok(Some(Folds::Number(k))),
                _ => Err(value_error("folds", text, "must be a number from 2 on, or leave-one-group-out")),
            },
        }
    }

    /// How the threshold between two classes is found.
    ///
    /// # Errors
    /// Where `threshold` is not understood.
    pub fn threshold(&self) -> Result<Threshold, RecipeError> {
        let unknown = || {
            let problem = "must be a number from 0 to 1, youden, sensitivity=0.95, specificity=0.9 or costs=10:1";
            value_error("threshold", &self.threshold, problem)
        };
        let share = |text: &str| text.parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v)).ok_or_else(unknown);
        let cost = |text: &str| text.parse::<f64>().ok().filter(|v| *v > 0.0 && v.is_finite()).ok_or_else(unknown);
        Ok(match self.threshold.split_once('=') {
            None if self.threshold == "youden" => Threshold::Chosen(Aim::Youden),
            None => Threshold::Fixed(share(&self.threshold)?),
            Some(("sensitivity", value)) => Threshold::Chosen(Aim::Sensitivity(share(value)?)),
            Some(("specificity", value)) => Threshold::Chosen(Aim::Specificity(share(value)?)),
            Some(("costs", value)) => {
                let (miss, false_alarm) = value.split_once(':').ok_or_else(unknown)?;
                let (miss, false_alarm) = (cost(miss)?, cost(false_alarm)?);
                Threshold::Chosen(Aim::Costs { miss, false_alarm, prevalence: None })
            }
            Some(_) => return Err(unknown()),
        })
    }

    /// The weight of each class in the loss.
    ///
    /// # Errors
    /// Where `class-weights` is not understood or names a class that is not there.
    pub fn weights(&self, classes: &[String], counts: &[usize]) -> Result<Vec<f64>, RecipeError> {
        match self.class_weights.as_str() {
            "none" => Ok(vec![1.0; classes.len()]),
            "balanced" => {
                // As scikit-learn and Keras users know it: n / (classes · count).
                let n: usize = counts.iter().sum();
                Ok(counts.iter().map(|&c| n as f64 / (classes.len() * c.max(1)) as f64).collect())
            }
            text => {
                let mut given: BTreeMap<&str, f64> = BTreeMap::new();
                for part in text.split(',') {
                    let pair = part.split_once('=').and_then(|(c, w)| Some((c.trim(), w.trim().parse().ok()?)));
                    match pair {
                        Some((class, weight)) if weight > 0.0 && classes.iter().any(|c| c == class) => {
                            given.insert(class, weight);
                        }
                        _ => {
                            let problem =
                                format!("must be none, balanced, or class=weight pairs of {}", classes.join(", "));
                            return Err(value_error("class-weights", part, problem));
                        }
                    }
                }
                Ok(classes.iter().map(|c| given.get(c.as_str()).copied().unwrap_or(1.0)).collect())
            }
        }
    }
}

/// Parts `old=new` or `column=value` at their first `=`.
///
/// # Errors
/// [`RecipeError::Value`] names the text without `=`.
pub fn pairs(key: &'static str, texts: &[String]) -> Result<Vec<(String, String)>, RecipeError> {
    let pair = |text: &String| match text.split_once('=') {
        Some((left, right)) if !left.is_empty() => Ok((left.trim().to_owned(), right.trim().to_owned())),
        _ => Err(value_error(key, text, "must have the form name=value")),
    };
    texts.iter().map(pair).collect()
}

/// A value that may be written as a word or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Whole(i64),
    Real(f64),
}

impl From<TextOrNumber> for String {
    fn from(value: TextOrNumber) -> Self {
        match value {
            TextOrNumber::Text(text) => text,
            TextOrNumber::Whole(n) => n.to_string(),
            TextOrNumber::Real(x) => x.to_string(),
        }
    }
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    TextOrNumber::deserialize(deserializer).map(String::from)
}

fn optional_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}

/// The parts of a cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folds {
    /// This many parts of about one size.
    Number(usize),
    /// One part a group, for example a patient.
    LeaveOneGroupOut,
}
