use std::path::{Path, PathBuf};

use clap::Args;
use semio_data::{ManifestOptions, Purpose, manifest::Columns};
use semio_model::GroupKind;
use semio_train::Recipe;
use serde::Serialize;

use crate::fault::Fault;

/// Which pictures, and where their classes stand.
#[derive(Args, Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct DataFlags {
    /// Folder of class folders, or CSV file with named columns
    #[arg(long, value_name = "PATH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    /// CSV column with the file's path [default: file]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    file_column: Option<String>,
    /// CSV column with the class [default: label]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    label_column: Option<String>,
    /// CSV column with the part: train, val or test [default: split, if present]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    split_column: Option<String>,
    /// CSV column with the patient, never divided between parts [default: group, if present]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    group_column: Option<String>,
    /// What a group is: patients, or look-alikes where only likeness is known [default: as the column's name tells]
    #[arg(long, value_name = "KIND", value_parser = ["patients", "look-alikes"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    group_kind: Option<String>,
    /// CSV column with the mask of lesion or organ [default: mask, if present]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mask_column: Option<String>,
    /// CSV column with the number of a DICOM file's frame, from 1 on [default: frame, if present]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_column: Option<String>,
    /// Classes to use, in this order [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
    /// Renames a class; may be given more than once
    #[arg(long, value_name = "OLD=NEW")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    map: Vec<String>,
    /// Uses only rows with this value; may be given more than once
    #[arg(long = "where", id = "where", value_name = "COLUMN=VALUE")]
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "where")]
    filter: Vec<String>,
    /// Leaves out files that are missing or unreadable instead of stopping
    #[arg(long)]
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) skip_bad: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl DataFlags {
    /// The flags of a command that only looks for files.
    pub(crate) fn for_files([file_column, mask_column, frame_column]: [Option<String>; 3]) -> Self {
        Self {
            data: None,
            file_column,
            label_column: None,
            split_column: None,
            group_column: None,
            group_kind: None,
            mask_column,
            frame_column,
            classes: vec![],
            map: vec![],
            filter: vec![],
            skip_bad: false,
        }
    }

    /// What a group is, where it was said.
    pub(crate) fn group_kind(&self) -> Option<GroupKind> {
        self.group_kind.as_deref().map(|kind| match kind {
            "patients" => GroupKind::Patients,
            _ => GroupKind::LookAlikes,
        })
    }

    /// The same as the data crate wants it.
    pub(crate) fn options(&self, purpose: Purpose) -> Result<ManifestOptions, Fault> {
        Ok(ManifestOptions {
            purpose,
            columns: Columns {
                file: self.file_column.clone(),
                frame: self.frame_column.clone(),
                label: self.label_column.clone(),
                split: self.split_column.clone(),
                group: self.group_column.clone(),
                mask: self.mask_column.clone(),
            },
            classes: self.classes.clone(),
            map: semio_train::pairs("map", &self.map)?,
            filter: semio_train::pairs("where", &self.filter)?,
            skip_bad: self.skip_bad,
        })
    }
}

/// How to divide.
#[derive(Args, Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SplitFlags {
    /// Share set aside for validation where the data name no such part [default: 0.15]
    #[arg(long, value_name = "SHARE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    val_ratio: Option<f64>,
    /// Share set aside for the final test where the data name no parts [default: 0.15]
    #[arg(long, value_name = "SHARE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    test_ratio: Option<f64>,
    /// Accepts parts that know each other by patient or by (nearly) the same picture; all reports then say so
    #[arg(long)]
    #[serde(skip_serializing_if = "is_false")]
    allow_leak: bool,
    /// Lists or folders that the model will be judged on: pictures that stand in them too, or nearly, are left out
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apart_from: Vec<PathBuf>,
    /// Divides the pictures anew, whatever parts the data name
    #[arg(long)]
    #[serde(skip_serializing_if = "is_false")]
    resplit: bool,
    /// Decides the split, and in training also fresh weights, order, augmentation and dropout [default: 0]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// How to train. Each flag is a key of the recipe's TOML file; a flag wins over the file.
#[derive(Args, Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RecipeFlags {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    #[serde(flatten)]
    split: SplitFlags,
    /// Cross-validation: a number of folds, or leave-one-group-out
    #[arg(long, value_name = "K")]
    #[serde(skip_serializing_if = "Option::is_none")]
    folds: Option<String>,

    /// Network, as `semio models list` names it [default: r2-cnn]
    #[arg(long, value_name = "NAME", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Side of the pictures that the network reads, in pixels [default: the network's own]
    #[arg(long, value_name = "PIXELS", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size: Option<usize>,
    /// auto, grey or rgb [default: auto: what the network was made for, or what the pictures show]
    #[arg(long, value_name = "KIND", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
    /// Decodes JPEG 2000 files at their lowest resolution with N pixels for each that the network reads, along a side: much
    /// faster, and a little different [default: whole]
    #[arg(long, value_name = "N", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    decode_detail: Option<usize>,
    /// Stored samples to brightness: full range, image (darkest to brightest) or percentile [default: full]
    #[arg(long, value_name = "RULE", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<String>,
    /// bilinear or bicubic [default: bilinear]
    #[arg(long, value_name = "FILTER", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    /// Pictures that are not square: stretch, contain (pad) or cover (crop) [default: stretch]
    #[arg(long, value_name = "RULE", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<String>,
    /// none (0 to 1), signed (-1 to 1), half (mean 0.5, deviation 0.25), imagenet or picture [default: as the weights
    /// to begin with expect it, or half]
    #[arg(long, value_name = "RULE", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    normalize: Option<String>,
    /// What the network sees of a picture: whole, or what lies inside or outside of its mask [default: whole]
    #[arg(long, value_name = "PART", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<String>,

    /// Weights to begin with: imagenet (torchvision's), or a .safetensors or .pth file [default: fresh]
    #[arg(long, value_name = "WEIGHTS", help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<String>,
    /// Widths of dense layers to put before the output layer [default: none]
    #[arg(long, value_name = "N,M", value_delimiter = ',', help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    head_layers: Vec<usize>,
    /// What decides: network, random-forest or logistic-regression on the network's features [default: network]
    #[arg(long, value_name = "KIND", help_heading = "Network and picture")]
    #[serde(skip_serializing_if = "Option::is_none")]
    classifier: Option<String>,
    /// Epochs at the beginning in which the head alone learns [default: 0]
    #[arg(long, value_name = "N", help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen_epochs: Option<usize>,
    /// What learns afterwards: all, none, a number of last stages, or the first stage's name [default: all]
    #[arg(long, value_name = "STAGES", help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Option::is_none")]
    unfreeze: Option<String>,
    /// Epochs after which one more stage learns [default: all at once]
    #[arg(long, value_name = "N", help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Option::is_none")]
    unfreeze_every: Option<usize>,
    /// Largest step size once more than the head learns [default: a tenth of the learning rate]
    #[arg(long, value_name = "RATE", help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Option::is_none")]
    fine_tune_rate: Option<f64>,
    /// Factor on the step size from each stage to the one before it [default: 1]
    #[arg(long, value_name = "FACTOR", help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Option::is_none")]
    stage_decay: Option<f64>,
    /// Variants of each picture whose features are kept while only the head learns; 0 keeps none [default: 4]
    #[arg(long, value_name = "K", help_heading = "Transfer learning")]
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_variants: Option<usize>,

    /// How much training pictures are varied: none, light or strong [default: light]
    #[arg(long, value_name = "LEVEL", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    augment: Option<String>,
    /// Probability of a left-right flip
    #[arg(long, value_name = "P", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    flip_horizontal: Option<f32>,
    /// Probability of an upside-down flip
    #[arg(long, value_name = "P", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    flip_vertical: Option<f32>,
    /// Largest rotation
    #[arg(long, value_name = "DEGREES", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rotate: Option<f32>,
    /// Largest shift, as a share of the side
    #[arg(long, value_name = "SHARE", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<f32>,
    /// Largest change of scale
    #[arg(long, value_name = "SHARE", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    zoom: Option<f32>,
    /// Largest change of brightness, as a share of the range
    #[arg(long, value_name = "SHARE", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    brightness: Option<f32>,
    /// Largest change of contrast
    #[arg(long, value_name = "SHARE", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    contrast: Option<f32>,
    /// Largest standard deviation of added noise, as a share of the range
    #[arg(long, value_name = "SHARE", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<f32>,
    /// Largest side of a square that is cut out, as a share of the side
    #[arg(long, value_name = "SHARE", help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cutout: Option<f32>,
    /// Classes whose pictures are varied [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Augmentation")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    augment_classes: Vec<String>,

    /// Passes over the training pictures [default: 20]
    #[arg(long, value_name = "N", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<usize>,
    /// Pictures a step [default: 16]
    #[arg(long, value_name = "N", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_size: Option<usize>,
    /// adam, adamw or sgd [default: adam]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    optimizer: Option<String>,
    /// Largest step size [default: 0.002]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    /// constant, plateau, cosine or one-cycle [default: one-cycle]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    /// Epochs over which the step size grows from zero; one-cycle has its own [default: 1]
    #[arg(long, value_name = "N", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup_epochs: Option<f64>,
    /// Factor on the step size when nothing gets better, with schedule plateau [default: 0.5]
    #[arg(long, value_name = "FACTOR", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    plateau_factor: Option<f64>,
    /// Epochs without gain before that happens [default: 3]
    #[arg(long, value_name = "N", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    plateau_patience: Option<usize>,
    /// Momentum of sgd [default: 0.9]
    #[arg(long, value_name = "SHARE", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    /// Decoupled weight decay of adamw [default: 0.01]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
    /// Lambda on every kernel's sum of squares [default: the network's own]
    #[arg(long, value_name = "LAMBDA", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    l2: Option<f64>,
    /// Judge and keep a moving average of the weights with this decay, such as 0.99 [default: none]
    #[arg(long, value_name = "DECAY", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ema_decay: Option<f64>,
    /// Rate of every dropout layer [default: the network's own]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    dropout: Option<f64>,
    /// categorical, binary (one logit for two classes) or focal [default: categorical]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<String>,
    /// Exponent of the focal loss [default: 2]
    #[arg(long, value_name = "GAMMA", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    focal_gamma: Option<f64>,
    /// Share of the target that is spread over all classes [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    label_smoothing: Option<f64>,
    /// none, balanced, or a=1,b=2.5 [default: none]
    #[arg(long, value_name = "WEIGHTS", help_heading = "Training")]
    #[serde(skip_serializing_if = "Option::is_none")]
    class_weights: Option<String>,

    /// Figure that decides which epoch is best, such as val_loss or val_roc_auc [default: val_loss]
    #[arg(long, value_name = "FIGURE", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<String>,
    /// Epochs without gain after which training ends [default: never]
    #[arg(long, value_name = "N", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    patience: Option<usize>,
    /// Whether the bundle holds the best epoch instead of the last [default: true]
    #[arg(long, value_name = "BOOL", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    restore_best: Option<bool>,
    /// Two classes: probability from which on the second is given, or how it is chosen: youden, sensitivity=0.95,
    /// specificity=0.9, costs=10:1 (miss : false alarm) [default: 0.5]
    #[arg(long, value_name = "P", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<String>,
    /// Share of the validation part that chooses nothing and tells how sure results are [default: 0.5]
    #[arg(long, value_name = "SHARE", help_heading = "Certainty")]
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration_ratio: Option<f64>,
    /// Scaling of probabilities: temperature, vector, isotonic or none [default: temperature]
    #[arg(long, value_name = "METHOD", help_heading = "Certainty")]
    #[serde(skip_serializing_if = "Option::is_none")]
    scaling: Option<String>,
    /// Rate at which a result's set of classes holds the true one [default: 0.9]
    #[arg(long, value_name = "RATE", help_heading = "Certainty")]
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<f64>,
    /// How classes are scored for the sets: lac, aps or randomised-aps [default: lac]
    #[arg(long, value_name = "SCORE", help_heading = "Certainty")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sets: Option<String>,
    /// Whether that rate shall hold in every class [default: false]
    #[arg(long, value_name = "BOOL", help_heading = "Certainty", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sets_by_class: Option<bool>,
    /// Share of the model's own kind of pictures that may be refused as unknown [default: 0.005]
    #[arg(long, value_name = "SHARE", help_heading = "Certainty")]
    #[serde(skip_serializing_if = "Option::is_none")]
    false_refusals: Option<f64>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<usize>,
    /// Memory for prepared pictures, in MiB [default: 1024]
    #[arg(long, value_name = "MIB", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<usize>,
    /// What the model is for; goes into the bundle and its card
    #[arg(long, value_name = "TEXT", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    intended_use: Option<String>,
    /// Columns whose values the report judges apart, besides sex, age, source, view and device
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "End and result")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subgroups: Vec<String>,
    /// Language of the report: en or fr; the recipe's key is report-language [default: en]
    #[arg(long = "language", value_name = "CODE", help_heading = "End and result")]
    #[serde(skip_serializing_if = "Option::is_none")]
    report_language: Option<String>,
}

impl RecipeFlags {
    /// Puts the flags over the keys of a recipe file, and the result over the defaults.
    pub(crate) fn recipe(&self, file: Option<&Path>) -> Result<Recipe, Fault> {
        let keys = match file {
            None => toml::Table::new(),
            Some(path) => {
                let keys = read_table(path)?;
                for_command("train", &keys, path)?;
                let text = std::fs::read_to_string(path).map_err(|e| Fault::file("read the recipe", path, e))?;
                // So that a key's error names the file and its place in it.
                toml::from_str::<Recipe>(&text)
                    .map_err(|e| Fault::usage(with_nearest(e.to_string().trim_end())).at(path.display()))?;
                keys
            }
        };
        recipe_of(keys, self, None)
    }

    /// Whether any flag was given.
    pub(crate) fn is_empty(&self) -> bool {
        toml::Table::try_from(self).is_ok_and(|t| t.is_empty())
    }
}

/// Reads a TOML file.
pub(crate) fn read_table(path: &Path) -> Result<toml::Table, Fault> {
    let text = std::fs::read_to_string(path).map_err(|e| Fault::file("read the recipe", path, e))?;
    text.parse().map_err(|e: toml::de::Error| {
        Fault::usage(format_args!("the recipe is no valid TOML: {}", e.message())).at(path.display())
    })
}

/// Refuses a file that another command reads.
pub(crate) fn for_command(command: &str, keys: &toml::Table, file: &Path) -> Result<(), Fault> {
    let other = |what: &str, other: &str| {
        let (what, help) = (format!("the file {what}"), format!("semio {other} {} -o DIR", file.display()));
        Err(Fault::usage(what).at(file.display()).help(help))
    };
    if command != "compare" && keys.contains_key("models") {
        return other("names several networks, which are compared", "compare");
    }
    if command != "tune" && (keys.contains_key("space") || keys.contains_key("search")) {
        return other("describes a search", "tune");
    }
    Ok(())
}

/// Of a recipe's eighty keys names the nearest ones only, where one is not known.
pub(crate) fn with_nearest(problem: &str) -> String {
    let Some((before, known)) = problem.split_once(", expected one of ") else { return problem.to_owned() };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let unknown = before.rsplit('`').nth(1).filter(|_| before.contains("unknown field") && known.len() > 8);
    match unknown {
        Some(unknown) => {
            let near = semio_nn::nearest(unknown, known.iter().copied(), 3).join(", ");
            format!("{before}; of the {} keys the nearest are {near}", known.len())
        }
        None => problem.to_owned(),
    }
}

/// Puts flags over keys, and the result over the defaults; `file` is named where a key does not fit.
pub(crate) fn recipe_of(mut keys: toml::Table, flags: &RecipeFlags, file: Option<&Path>) -> Result<Recipe, Fault> {
    keys.extend(toml::Table::try_from(flags)?);
    let recipe = checked(keys);
    match file {
        Some(path) => recipe.map_err(|fault| fault.at(path.display())),
        None => recipe,
    }
}

/// The recipe of a command that only divides data.
pub(crate) fn dividing(data: &DataFlags, split: &SplitFlags) -> Result<Recipe, Fault> {
    let mut keys = toml::Table::try_from(data)?;
    keys.extend(toml::Table::try_from(split)?);
    checked(keys)
}

fn checked(keys: toml::Table) -> Result<Recipe, Fault> {
    let recipe: Recipe =
        keys.try_into().map_err(|e: toml::de::Error| Fault::usage(with_nearest(e.to_string().trim_end())))?;
    if recipe.data.as_os_str().is_empty() {
        return Err(Fault::usage("no data are named")
            .help("add --data FOLDER or --data FILE.csv, or `data = \"…\"` in the recipe"));
    }
    recipe.check().map_err(Fault::usage)?;
    Ok(recipe)
}
