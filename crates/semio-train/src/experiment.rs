//! A recipe and its data → a run folder: `recipe.toml`, `split.csv`, `history.csv`, `curves.svg`, checkpoints, the
//! bundle, the evaluation and its report.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, atomic::AtomicBool},
};

use burn::tensor::Device;
use semio_data::Split;
use semio_model::{Aims, Bundle, BundleError, DataUsed, Decision, Manifest, Pictures, Predictor, SCHEMA, WeightsFile};
use semio_nn::{Architecture, Graph};

use crate::{
    calibrate::{CalibrationPart, Remark, Wishes, calibrate},
    checkpoint::{CheckpointError, write_whole},
    classical::{ClassicalError, decide_by_features},
    cross_validation::cross_validate,
    dataset::{Dataset, DatasetError},
    examples::{examples, gaze_of},
    faith::Faith,
    fit::{Ending, Event, FitError, Fitted, Job, fit, output_kind, untrained},
    history::{EpochRow, history_csv},
    inference::{JudgeError, Judged, judge_pictures},
    loader::Picture,
    pages::{self, curves},
    recipe::{Classifier, Recipe, RecipeError, Threshold},
    report::{Examples, ReportError},
    shortcuts::{PartsSeen, Shown, show_parts},
    verdict::{About, Verdict},
};
use semio_stats::{Evaluation, InputError, Predictions};

/// Where and how a recipe is carried out.
pub struct Place<'a> {
    /// The run's folder.
    pub folder: &'a Path,
    /// Whether to go on with the run that lies there.
    pub resume: bool,
    /// Where to compute.
    pub device: &'a Device,
    /// Today, as the reports show it.
    pub today: &'a str,
    /// Bytes of memory that may be used; unlimited where not known.
    pub memory: Option<u64>,
    /// The file of the weights to begin with, where the recipe names some.
    pub weights: Option<&'a Path>,
    /// Where a frozen base's features are kept for this and other runs; in the run's folder, and only until the run
    /// ends, where not given.
    pub features: Option<&'a Path>,
}

/// A finished run.
pub struct Finished {
    /// The bundle's folder; none after a cross-validation.
    pub bundle: Option<PathBuf>,
    /// The report.
    pub report: PathBuf,
    /// The figures: on the validation part, or pooled over all folds.
    pub evaluation: Evaluation,
    /// The pictures that were judged; of all folds after a cross-validation.
    pub judged: Vec<Picture>,
    /// Their predictions, or those of all folds pooled.
    pub predictions: Predictions,
    /// Epochs run; of the last fold after a cross-validation.
    pub history: Vec<EpochRow>,
    /// The epoch whose weights were kept.
    pub epoch: usize,
    /// Why training ended.
    pub ending: Ending,
    /// What the calibration part was too small for; of all folds after a cross-validation.
    pub remarks: Vec<Remark>,
}

/// Why a run cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The recipe does not fit.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The data cannot be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Training failed.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The bundle cannot be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The result cannot be judged.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The report cannot be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The calibration part cannot be used.
    #[error("cannot calibrate: {0}")]
    Calibration(#[from] InputError),
    /// The classical method cannot be fitted.
    #[error(transparent)]
    Classical(#[from] ClassicalError),
    /// A file of the run cannot be written.
    #[error(transparent)]
    File(#[from] CheckpointError),
    /// A table cannot be written.
    #[error("cannot write a table: {0}")]
    Table(#[from] csv::Error),
    /// The folder holds a run already.
    #[error("{} holds a run already; go on with it by --resume, or choose another folder with -o", .0.display())]
    Occupied(PathBuf),
    /// There is nothing to resume.
    #[error("{} holds no run that could be resumed: recipe.toml is missing", .0.display())]
    NothingToResume(PathBuf),
    /// The network would not fit into memory.
    #[error(
        "training needs about {needed} MiB of memory and {available} MiB are free; lower --batch-size (now {batch_size}) or --image-size"
    )]
    Memory {
        /// MiB needed.
        needed: u64,
        /// MiB free.
        available: u64,
        /// Pictures a step.
        batch_size: usize,
    },
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Reads the recipe of a run that lies in a folder.
///
/// # Errors
/// [`RunError::NothingToResume`] where there is none.
pub fn stored_recipe(folder: &Path) -> Result<String, RunError> {
    std::fs::read_to_string(folder.join("recipe.toml")).map_err(|_| RunError::NothingToResume(folder.into()))
}

/// Trains a network by a recipe, judges it on the validation part, and writes the run's folder.
///
/// With folds it trains one network a fold, and judges each on the pictures that it has not seen.
///
/// # Errors
/// [`RunError`]; what the last whole epoch left in the folder stays there.
pub fn train(
    recipe: &Recipe,
    dataset: &Dataset,
    place: &Place<'_>,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Finished, RunError> {
    let recipe = &recipe.resolved(dataset);
    let held = place.folder.join("recipe.toml").exists();
    if held && !place.resume {
        return Err(RunError::Occupied(place.folder.into()));
    }
    dataset.check_masks(recipe)?;
    check_memory(recipe, &dataset.classes, place.memory)?;
    let text = toml::to_string(recipe).map_err(|e| unwritable(place.folder, "recipe.toml", io::Error::other(e)))?;
    write_whole(&place.folder.join("recipe.toml"), text.as_bytes())?;
    write_whole(&place.folder.join("split.csv"), &dataset.csv(recipe.calibration_ratio)?)?;
    semio_nn::set_threads(recipe.threads);
    // One pool for the whole run: the network's own parallel loops then find their threads awake.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(recipe.threads).build()?;
    let outcome = pool.install(|| match recipe.folds()? {
        None => train_one(recipe, dataset, place, observe, stop),
        Some(kind) => cross_validate(recipe, dataset, kind, place, observe, stop),
    });
    if outcome.is_err() && !held && !has_begun(place.folder) {
        // Nothing was learned, so that the folder is free for the same command with the mistake mended.
        for file in ["recipe.toml", "split.csv"] {
            drop(std::fs::remove_file(place.folder.join(file)));
        }
    }
    outcome
}

/// Whether a run's folder holds what an epoch or a fold left there.
fn has_begun(folder: &Path) -> bool {
    ["checkpoint", "bundle", "fold-1"].iter().any(|part| folder.join(part).exists())
}

fn train_one(
    recipe: &Recipe,
    dataset: &Dataset,
    place: &Place<'_>,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Finished, RunError> {
    let (train, judged) = (dataset.part(Split::Train), dataset.part(Split::Val));
    let (val, calibration) = dataset.val_halves(&dataset.samples, recipe.calibration_ratio);
    let calibration = CalibrationPart::new(&calibration, &dataset.samples);
    let (counts, contents) = (dataset.counts(), dataset.contents(&dataset.samples));
    let parts = Parts { train: &train, val: &val, calibration, judged: &judged, judged_as: "val", counts, contents };
    let result = run(recipe, dataset, &parts, place.folder, place, observe, stop)?;
    let report = place.folder.join("report.html");
    let page = pages::training_report(recipe, dataset, &result, place)?;
    write_whole(&report, page.as_bytes())?;
    Ok(Finished {
        bundle: Some(place.folder.join("bundle")),
        report,
        judged: result.judged.pictures,
        predictions: result.judged.predictions,
        remarks: result.remarks,
        evaluation: result.verdict.evaluation,
        history: result.fitted.history,
        epoch: result.fitted.epoch,
        ending: result.fitted.ending,
    })
}

/// What a network is trained, chosen and judged on.
pub(crate) struct Parts<'a> {
    pub(crate) train: &'a [Picture],
    pub(crate) val: &'a [Picture],
    pub(crate) calibration: CalibrationPart<'a>,
    pub(crate) judged: &'a [Picture],
    /// The name of the judged part in the bundle.
    pub(crate) judged_as: &'a str,
    /// Pictures of each part and class.
    pub(crate) counts: BTreeMap<String, BTreeMap<String, usize>>,
    /// The pictures by content, for each part.
    pub(crate) contents: Pictures,
}

/// One trained and judged network.
pub(crate) struct Run {
    pub(crate) fitted: Fitted,
    /// Pictures that it learned from, and those that chose its epoch.
    pub(crate) pictures: (u64, u64),
    pub(crate) manifest: Manifest,
    pub(crate) judged: Judged,
    /// What the network made of parts of the judged pictures; none without masks.
    pub(crate) shown: Option<Shown>,
    pub(crate) verdict: Verdict,
    pub(crate) examples: Examples,
    pub(crate) remarks: Vec<Remark>,
}

pub(crate) fn run(
    recipe: &Recipe,
    dataset: &Dataset,
    parts: &Parts<'_>,
    folder: &Path,
    place: &Place<'_>,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Run, RunError> {
    parts.calibration.check(recipe.scaling, dataset.classes.len())?;
    let pipeline = recipe.pipeline()?;
    let threads = rayon::current_num_threads();
    let features = place.features.map_or_else(|| folder.join("features"), Path::to_owned);
    let job = Job {
        recipe,
        classes: &dataset.classes,
        train: parts.train,
        val: parts.val,
        data_sha256: &dataset.sha256,
        pipeline: &pipeline,
        weights: place.weights,
        folder,
        features: &features,
        resume: place.resume,
        device: place.device,
        threads,
    };
    let rows: Mutex<Vec<EpochRow>> = Mutex::new(vec![]);
    let mut watch = |event: Event<'_>| {
        if let Event::Epoch { row, .. } = &event {
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.push((*row).clone());
            // A convenience while the run lasts; the final files are written with their errors reported.
            let _ = write_whole(&folder.join("history.csv"), history_csv(&rows).as_bytes());
        }
        observe(event);
    };
    let mut fitted = match recipe.classifier {
        Classifier::Network => fit(&job, &mut watch, stop)?,
        _ => Fitted { network: untrained(&job, &mut watch)?, history: vec![], epoch: 1, ending: Ending::Epochs },
    };
    if place.features.is_none() && fitted.ending != Ending::Asked {
        // They can be computed again; what cannot be removed costs room only.
        let _ = std::fs::remove_dir_all(&features);
    }
    let manifest = Manifest {
        schema: SCHEMA,
        architecture: recipe.model.clone(),
        head_layers: recipe.head_layers.clone(),
        began_with: place.weights.map(origin).transpose()?,
        classes: dataset.classes.clone(),
        output: output_kind(recipe, &dataset.classes)?,
        decision: Decision::MostProbable,
        classifier: None,
        classifier_sha256: None,
        calibration: None,
        calibration_sha256: None,
        pipeline,
        intended_use: recipe.intended_use.clone(),
        data: DataUsed {
            source: recipe.data.display().to_string(),
            sha256: dataset.sha256.clone(),
            counts: parts.counts.clone(),
            group_kind: dataset.group_kind,
            groups_kept_together: dataset.groups.map(|(_, divided)| divided == 0),
            leak: Some(dataset.leak.clone()),
        },
        pictures: Some(parts.contents.clone()),
        pictures_sha256: None,
        code_version: env!("CARGO_PKG_VERSION").into(),
        weights_sha256: String::new(),
        metrics: serde_json::Value::Null,
    };
    let mut predictor = Predictor::new(Bundle { manifest, network: fitted.network.clone() });
    let batch = recipe.batch_size.max(8);
    if recipe.classifier != Classifier::Network {
        let row = decide_by_features(&mut predictor, recipe, parts.train, parts.val, threads, batch)?;
        watch(Event::Epoch { row: &row, best: true });
        fitted.history.push(row);
    }
    let history = history_csv(&fitted.history);
    write_whole(&folder.join("history.csv"), history.as_bytes())?;
    let counts = (parts.train.len() as u64, parts.val.len() as u64);
    write_whole(
        &folder.join("curves.svg"),
        curves(&fitted.history, fitted.epoch, Some(counts), recipe.report_language).as_bytes(),
    )?;
    let wishes = wishes(recipe, &mut predictor)?;
    let remarks = calibrate(&mut predictor, parts.train, &parts.calibration, &wishes, threads, batch)?;
    let judged = judge_pictures(&predictor, parts.judged, threads, batch, |_| ())?;
    let about = About::of(dataset, recipe);
    let mut verdict = Verdict::new(predictor.manifest(), &judged, &about)?;
    verdict.gaze = gaze_of(&predictor, &judged, &dataset.samples);
    verdict.seen = Some(dataset.seen(&parts.contents, parts.judged));
    verdict.faith = Faith::of(&predictor, &judged);
    let shown = show_parts(&predictor, &judged, threads, batch);
    verdict.parts_seen = shown.as_ref().and_then(|shown| PartsSeen::new(&judged, shown, &dataset.samples));
    let examples = examples(&predictor, &judged);
    predictor.set_metrics(pages::headline(&verdict, parts.judged_as));
    let json = serde_json::to_vec_pretty(&verdict).map_err(|e| unwritable(folder, "evaluation.json", e.into()))?;
    write_whole(&folder.join("evaluation.json"), &json)?;
    write_whole(&folder.join("predictions.csv"), &pages::predictions_csv(&judged)?)?;
    let mut bundle = predictor.into_bundle();
    let further: [(&str, &[u8]); 2] = [("history.csv", history.as_bytes()), ("evaluation.json", &json)];
    bundle.write(&folder.join("bundle"), &further)?;
    Ok(Run { fitted, pictures: counts, manifest: bundle.manifest, judged, shown, verdict, examples, remarks })
}

/// What the recipe asks of the calibration part; of two classes, a threshold that it names is set at once.
fn wishes(recipe: &Recipe, predictor: &mut Predictor) -> Result<Wishes, RecipeError> {
    let mut threshold = None;
    if predictor.manifest().classes.len() == 2 {
        let value = match recipe.threshold()? {
            Threshold::Fixed(value) => value,
            Threshold::Chosen(aim) => {
                threshold = Some(aim);
                0.5
            }
        };
        predictor.set_decision(Decision::Threshold { value, chosen: None });
    }
    let aims = Aims {
        scaling: recipe.scaling,
        score: recipe.sets,
        class_conditional: recipe.sets_by_class,
        coverage: recipe.coverage,
    };
    Ok(Wishes { aims, false_refusals: recipe.false_refusals, threshold })
}

/// What the bundle says about the weights that a run began with.
fn origin(path: &Path) -> Result<WeightsFile, RunError> {
    let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let sha256 = semio_data::file_sha256(path).map_err(DatasetError::from)?;
    Ok(WeightsFile { file, sha256: semio_model::hex(&sha256) })
}

/// Refuses what cannot fit, before the system ends the program without a word.
fn check_memory(recipe: &Recipe, classes: &[String], available: Option<u64>) -> Result<(), RunError> {
    let Some(available) = available else { return Ok(()) };
    let outputs = output_kind(recipe, classes)?.outputs(classes.len());
    let architecture = Architecture::find(&recipe.model).map_err(RecipeError::from)?;
    let graph = recipe.graph(architecture, outputs)?;
    let needed = memory(&graph, recipe.batch_size);
    if needed > available {
        let (needed, available) = (needed >> 20, available >> 20);
        return Err(RunError::Memory { needed, available, batch_size: recipe.batch_size });
    }
    Ok(())
}

/// Bytes that a training step needs, about: each layer's output with its gradient, and each parameter with gradient
/// and two moments.
pub(crate) fn memory(graph: &Graph, batch_size: usize) -> u64 {
    let outputs: usize = graph.nodes().iter().map(|n| n.shape.len()).sum();
    let params: usize = graph.params().iter().map(semio_nn::graph::Param::len).sum();
    (2 * outputs as u64).saturating_mul(batch_size as u64).saturating_add(5 * params as u64).saturating_mul(4)
}

pub(crate) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), RunError> {
    let json = serde_json::to_vec_pretty(value).map_err(|e| CheckpointError::File {
        action: "write",
        path: path.into(),
        source: e.into(),
    })?;
    Ok(write_whole(path, &json)?)
}

pub(crate) fn unwritable(folder: &Path, file: &str, source: io::Error) -> RunError {
    CheckpointError::File { action: "write", path: folder.join(file), source }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_into_memory_is_refused_with_figures() {
        let recipe = Recipe { model: "resnet18".into(), batch_size: 4096, ..Recipe::default() };
        let classes = ["a".to_owned(), "b".to_owned()];
        let error = check_memory(&recipe, &classes, Some(1 << 30)).expect_err("1 GiB is too little");
        let said = error.to_string();
        let advice = "MiB of memory and 1024 MiB are free; lower --batch-size (now 4096) or --image-size";
        assert!(said.starts_with("training needs about ") && said.ends_with(advice), "{said}");
        let small = Recipe { model: "lenet5".into(), ..Recipe::default() };
        assert!(check_memory(&small, &classes, Some(1 << 30)).is_ok() && check_memory(&recipe, &classes, None).is_ok());
    }
}
