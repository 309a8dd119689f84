use super::ClassCurves;
use crate::{
    Language, Verdict,
    plot::{EpochFigures, PartCounts},
};
use semio_model::{GroupKind, Leak, Outcome, Seen};
use semio_stats::Evaluation;

/// Everything that a report tells. What is not known stays empty or `None`, and its section is left out.
#[derive(Clone, Debug)]
pub struct Report {
    /// The language that it is written in.
    pub language: Language,
    /// The page's heading.
    pub title: String,
    /// When the report was made, as the reader writes dates.
    pub created: String,
    /// Name and version of the program.
    pub program: String,
    /// What was judged.
    pub model: Model,
    /// What it was judged on.
    pub data: Data,
    /// How the data was split.
    pub split: Option<Split>,
    /// How the model was trained.
    pub training: Option<Training>,
    /// The figures; with [`Report::folds`], those of all folds pooled.
    pub evaluation: Evaluation,
    /// Intervals, calibration, sets and outcomes.
    pub verdict: Option<Verdict>,
    /// The rate at which the sets were made to hold the true class.
    pub coverage: Option<f64>,
    /// One entry a class, from [`ClassCurves::of`].
    pub curves: Vec<ClassCurves>,
    /// The folds of a cross-validation.
    pub folds: Vec<Fold>,
    /// Single pictures.
    pub examples: Examples,
    /// What else the reader must know of how the model was made, as sentences.
    pub remarks: Vec<String>,
}

/// The model that was judged.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The bundle's name.
    pub name: String,
    /// For example `r2-cnn`.
    pub architecture: String,
    /// Trainable parameters.
    pub parameters: Option<u64>,
    /// What the network reads, for example `128 × 128 pixels, RGB`.
    pub input: Option<String>,
    /// How the class is chosen, for example `the most probable class`.
    pub rule: Option<String>,
    /// The weights' SHA-256.
    pub hash: Option<String>,
    /// For whom and for what the model is made.
    pub intended_use: Option<String>,
    /// Whether the probabilities were calibrated.
    pub calibrated: bool,
}

/// The pictures.
#[derive(Clone, Debug)]
pub struct Data {
    /// For example the manifest's path.
    pub name: String,
    /// The manifest's SHA-256.
    pub hash: Option<String>,
    /// The part that was judged, for example `test`.
    pub part: String,
    /// What else that part was used for.
    pub part_use: PartUse,
    /// Pictures of each class, in the bundle's order, for each part; the judged part among them.
    pub parts: Vec<PartCounts>,
    /// What was left out and why.
    pub left_out: Vec<LeftOut>,
    /// What the parts know of each other; none where it was not measured.
    pub leak: Option<Leak>,
    /// Groups of (nearly) the same picture that the program kept in one part each; none where it did not make the parts.
    pub alike_kept: Option<u64>,
}

/// What the judged pictures were used for before, which says how far their figures can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartUse {
    /// The network was trained on them.
    Training,
    /// Epoch, threshold or settings were chosen by them.
    Selection,
    /// Nothing; they come from the same collection as the training pictures.
    HeldOut,
    /// Each was judged by a network that had not seen it, fold by fold.
    CrossValidation,
    /// Not all the same; told by the content of their files.
    Mixed(Seen),
    /// Nothing: none is among those that the model was made from, told by the content of their files.
    New,
    /// It is not known.
    Unknown,
}

/// Pictures that were not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Why, in words.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// Their names, as far as the caller gives them.
    pub files: Vec<String>,
}

/// How the data was split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// For example `stratified, 70 : 15 : 15, seed 1`.
    pub how: String,
    /// Whether pictures that belong together stayed together.
    pub groups: Groups,
    /// What a group is.
    pub group_kind: GroupKind,
}

/// Whether pictures that belong together, such as those of one patient, stayed in one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// No group is known.
    Unknown,
    /// None lies in two parts.
    Kept {
        /// Groups in all.
        groups: u64,
    },
    /// Some do not; how many is not known.
    Divided,
    /// Some lie in two parts or more.
    Shared {
        /// Groups in all.
        groups: u64,
        /// Groups in two parts or more.
        shared: u64,
    },
}

/// How the model was trained.
#[derive(Clone, Debug)]
pub struct Training {
    /// Settings and their values, in the order to be shown.
    pub recipe: Vec<(String, String)>,
    /// What each epoch reached.
    pub history: Vec<EpochFigures>,
    /// The epoch whose weights were kept.
    pub best_epoch: Option<u32>,
    /// Why it ended.
    pub stopping: Stopping,
    /// Pictures trained on.
    pub training_pictures: Option<u64>,
    /// Pictures validated on.
    pub validation_pictures: Option<u64>,
}

/// Why training ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopping {
    /// All epochs asked for were run.
    AllEpochs,
    /// The watched metric did not get better for some epochs.
    NoImprovement {
        /// For example `validation loss`.
        metric: String,
        /// Epochs waited.
        patience: u32,
    },
    /// It was asked to end.
    Interrupted,
    /// There was none: a classical method decides on the network's features.
    NotTrained,
}

/// One fold of a cross-validation.
#[derive(Clone, Debug)]
pub struct Fold {
    /// For example `1` or the group that was left out.
    pub name: String,
    /// Its figures.
    pub evaluation: Evaluation,
}

/// Single pictures, as [`super::choose_examples`] finds them.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// Right, and the most confident.
    pub hits: Vec<Example>,
    /// Wrong, and the most confident.
    pub misses: Vec<Example>,
    /// Two classes nearly equally probable.
    pub doubtful: Vec<Example>,
    /// Whether maps stand beside the pictures; none where it is not known.
    pub maps: Option<Maps>,
}

impl Examples {
    /// As many of each kind as one network shows, out of those of several: typical ones in turn, wrong ones by their score,
    /// doubtful ones by how little they got.
    pub(crate) fn pool(parts: Vec<Self>) -> Self {
        let most = |list: fn(&Self) -> &[Example]| parts.iter().map(|part| list(part).len()).max().unwrap_or(0);
        let [hits, misses, doubtful] = [most(|p| &p.hits), most(|p| &p.misses), most(|p| &p.doubtful)];
        let mut pooled = Self::default();
        let mut turns: Vec<(usize, Example)> = vec![];
        for part in parts {
            turns.extend(part.hits.into_iter().enumerate());
            pooled.misses.extend(part.misses);
            pooled.doubtful.extend(part.doubtful);
            pooled.maps = pooled.maps.or(part.maps);
        }
        turns.sort_by_key(|(turn, _)| *turn);
        pooled.hits = turns.into_iter().map(|(_, example)| example).take(hits).collect();
        pooled.misses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        pooled.misses.truncate(misses);
        pooled.doubtful.sort_by(|a, b| a.probability.total_cmp(&b.probability));
        pooled.doubtful.truncate(doubtful);
        pooled
    }
}

/// Maps of where the model looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maps {
    /// They stand beside the pictures.
    Shown {
        /// How they were made, for example `grad-cam`.
        method: String,
    },
    /// The network has none; why, in words.
    Lacking(String),
}

/// One picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The file's name.
    pub file: String,
    /// A thumbnail as the bytes of a PNG file.
    pub png: Option<Vec<u8>>,
    /// The same with the map of where the model looked laid over it, likewise; none where no place speaks for the class.
    pub map: Option<Vec<u8>>,
    /// The true class.
    pub truth: String,
    /// The class given.
    pub given: String,
    /// The probability of the class given, 0 to 1.
    pub probability: f64,
    /// What the result is worth.
    pub outcome: Outcome,
}
