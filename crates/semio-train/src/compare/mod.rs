//! Many networks under one protocol: the same pictures in the same parts, judged alike.

mod page;
mod paired;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use indexmap::IndexMap;
use semio_nn::{Architecture, Graph};
use serde::{Deserialize, Serialize};

pub use paired::{Finding, Paired, PairedTest, Test};

use crate::{
    Language,
    bench::{BenchOptions, Mode, bench},
    checkpoint::write_whole,
    dataset::{Dataset, group_names},
    experiment::{Finished, Place, RunError, memory, train, write_json},
    fit::{Ending, Event, output_kind},
    recipe::{Recipe, RecipeError},
};
use semio_stats::{Bootstrap, Figures, Interval, Judge, Metric};

/// One network of a comparison.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// Its name, which is also its folder's.
    pub name: String,
    /// How it is trained.
    pub recipe: Recipe,
}

/// What one network reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The contestant.
    pub name: String,
    /// The network.
    pub model: String,
    /// SHA-256 of the recipe and of the data's, by which a finished run is known again.
    pub recipe: String,
    /// Why it has no figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Trainable values.
    pub parameters: usize,
    /// Multiply-adds of one picture.
    pub multiply_adds: u64,
    /// Side of the pictures.
    pub image_size: usize,
    /// MiB that a training step needs, about.
    pub training_mebibytes: u64,
    /// Epochs run, and the one whose weights were kept.
    pub epochs: [usize; 2],
    /// Seconds of training, validation after each epoch included.
    pub training_seconds: f64,
    /// Pictures a second in prediction at batch 8, without reading files.
    pub pictures_per_second: f64,
    /// Pictures judged.
    pub pictures: u64,
    /// Share of pictures that are right.
    pub accuracy: Option<f64>,
    /// Its 95 % interval.
    pub accuracy_interval: Option<Interval>,
    /// Mean of the classes' recalls.
    pub balanced_accuracy: Option<f64>,
    /// Mean of the classes' F1.
    pub macro_f1: Option<f64>,
    /// F1 of each class.
    pub f1: IndexMap<String, Option<f64>>,
    /// Area under the ROC curve; macro over the classes.
    pub roc_auc: Option<f64>,
    /// Its 95 % interval.
    pub roc_auc_interval: Option<Interval>,
}

/// A comparison as far as it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The best by the area under the ROC curve first; those that failed last.
    pub standings: Vec<Standing>,
    /// Every other network beside the best, on the same pictures.
    #[serde(default)]
    pub tests: Vec<PairedTest>,
    /// Whether somebody asked it to end before all were done.
    pub asked_to_end: bool,
    /// Whether the networks were cross-validated, instead of judged on the validation part.
    #[serde(default)]
    pub cross_validated: bool,
}

/// The file in a contestant's folder that says that it is done.
const STANDING: &str = "standing.json";

/// Trains and judges each contestant on the validation part. One that is done already is read, one that was interrupted
/// goes on from its last whole epoch, and one that fails holds up no other.
///
/// `place.folder` is the comparison's; every contestant has a folder of its name inside. `weights` finds the file of
/// the weights to begin with.
///
/// # Errors
/// [`RunError`] where the comparison's own files cannot be written.
pub fn compare(
    contestants: &[Contestant],
    dataset: &Dataset,
    place: &Place<'_>,
    weights: &dyn Fn(&Recipe) -> Result<Option<PathBuf>, String>,
    observe: &mut (dyn FnMut(&Contestant, Happening<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Comparison, RunError> {
    let language = contestants.first().map_or_else(Language::default, |c| c.recipe.report_language);
    let mut standings = vec![];
    let mut asked_to_end = false;
    for contestant in contestants {
        let folder = place.folder.join(&contestant.name);
        let recipe = contestant.recipe.resolved(dataset);
        let both = format!("{} {}", crate::fit::fingerprint(&recipe), dataset.sha256);
        let fingerprint = semio_model::hex_sha256(both.as_bytes());
        if let Some(standing) = done(&folder, &fingerprint) {
            observe(contestant, Happening::Done(&standing));
            standings.push(standing);
            continue;
        }
        let found = weights(&recipe);
        let outcome = match &found {
            Err(problem) => Err(problem.clone()),
            Ok(file) => {
                let place = Place {
                    folder: &folder,
                    resume: folder.join("recipe.toml").exists(),
                    weights: file.as_deref(),
                    features: Some(&place.folder.join("features")),
                    ..*place
                };
                train(&recipe, dataset, &place, &mut |event| observe(contestant, Happening::Event(event)), stop)
                    .map_err(|error| error.to_string())
            }
        };
        let standing = match outcome {
            Ok(finished) if finished.ending == Ending::Asked => {
                asked_to_end = true;
                break;
            }
            Ok(finished) => judged(contestant, &recipe, fingerprint, dataset, &finished)?,
            Err(problem) => failed(contestant, &recipe, fingerprint, problem),
        };
        if standing.failed.is_none() {
            write_json(&folder.join(STANDING), &standing)?;
        }
        observe(contestant, Happening::Done(&standing));
        standings.push(standing);
    }
    standings.sort_by(|a, b| {
        let key = |s: &Standing| s.roc_auc.or(s.accuracy).unwrap_or(f64::NEG_INFINITY);
        key(b).total_cmp(&key(a)).then_with(|| a.name.cmp(&b.name))
    });
    if !asked_to_end {
        // What can be computed again need not stay.
        let _ = fs::remove_dir_all(place.folder.join("features"));
    }
    let tests = paired::paired(&standings, dataset, place.folder);
    let cross_validated = contestants.iter().any(|contestant| contestant.recipe.folds.is_some());
    let comparison = Comparison { standings, tests, asked_to_end, cross_validated };
    write_json(&place.folder.join("comparison.json"), &comparison)?;
    write_whole(&place.folder.join("comparison.csv"), &comparison.csv()?)?;
    let page = page::page(&comparison, dataset, place.today, language)?;
    write_whole(&place.folder.join("report.html"), page.as_bytes())?;
    Ok(comparison)
}

/// What happens while networks are compared.
pub enum Happening<'a> {
    /// While one is trained.
    Event(Event<'a>),
    /// One is done, now or by an earlier run.
    Done(&'a Standing),
}

/// What an earlier run reached by the same recipe.
fn done(folder: &Path, fingerprint: &str) -> Option<Standing> {
    let text = fs::read(folder.join(STANDING)).ok()?;
    serde_json::from_slice::<Standing>(&text).ok().filter(|s| s.recipe == fingerprint)
}

fn graph(recipe: &Recipe, classes: &[String]) -> Result<Graph, RecipeError> {
    let architecture = Architecture::find(&recipe.model)?;
    recipe.graph(architecture, output_kind(recipe, classes)?.outputs(classes.len()))
}

fn judged(
    contestant: &Contestant,
    recipe: &Recipe,
    fingerprint: String,
    dataset: &Dataset,
    finished: &Finished,
) -> Result<Standing, RunError> {
    let graph = graph(recipe, &dataset.classes)?;
    let groups = group_names(&finished.judged, &dataset.samples);
    let judge = Judge::new(&finished.predictions);
    let bootstrap = Bootstrap::new(&finished.predictions, groups.as_deref());
    let interval =
        |figure: fn(&Figures<Metric>) -> Metric| bootstrap.interval(&judge, 0.95, figure).filter(|i| i.high > i.low);
    let figures = &finished.evaluation.overall;
    let value = |metric: &Metric| metric.as_ref().ok().copied();
    let options = BenchOptions { mode: Mode::Inference, batch: 8, runs: 5, plain: false };
    let mut times = bench(graph.clone(), &options);
    times.sort_by(f64::total_cmp);
    Ok(Standing {
        pictures_per_second: 8e3 / times[times.len() / 2],
        epochs: [finished.history.len(), finished.epoch],
        training_seconds: finished.history.iter().map(|row| row.seconds).sum(),
        pictures: figures.n,
        accuracy: value(&figures.accuracy),
        accuracy_interval: interval(|f| f.accuracy),
        balanced_accuracy: value(&figures.balanced_accuracy),
        macro_f1: value(&figures.macro_average.f1),
        f1: figures.per_class.iter().map(|(class, f)| (class.clone(), value(&f.f1))).collect(),
        roc_auc: value(&figures.roc_auc),
        roc_auc_interval: interval(|f| f.roc_auc),
        ..Standing::of(contestant, recipe, fingerprint, Some(&graph))
    })
}

fn failed(contestant: &Contestant, recipe: &Recipe, fingerprint: String, problem: String) -> Standing {
    let standing = Standing::of(contestant, recipe, fingerprint, None);
    Standing { failed: Some(problem), ..standing }
}

impl Standing {
    /// What is known before anything is trained.
    fn of(contestant: &Contestant, recipe: &Recipe, fingerprint: String, graph: Option<&Graph>) -> Self {
        Self {
            name: contestant.name.clone(),
            model: recipe.model.clone(),
            recipe: fingerprint,
            failed: None,
            parameters: graph.map_or(0, Graph::parameter_count),
            multiply_adds: graph.map_or(0, Graph::multiply_adds),
            image_size: recipe.pipeline().map_or(0, |p| p.output().1),
            training_mebibytes: graph.map_or(0, |g| memory(g, recipe.batch_size) >> 20),
            epochs: [0, 0],
            training_seconds: 0.0,
            pictures_per_second: 0.0,
            pictures: 0,
            accuracy: None,
            accuracy_interval: None,
            balanced_accuracy: None,
            macro_f1: None,
            f1: IndexMap::new(),
            roc_auc: None,
            roc_auc_interval: None,
        }
    }
}

impl Comparison {
    /// One row a network.
    ///
    /// # Errors
    /// [`csv::Error`], which a table in memory has no reason for.
    fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let classes: Vec<&String> =
            self.standings.iter().find(|s| !s.f1.is_empty()).map_or(vec![], |s| s.f1.keys().collect());
        let mut writer = csv::Writer::from_writer(vec![]);
        let fixed = [
            "name",
            "model",
            "image_size",
            "parameters",
            "multiply_adds",
            "epochs",
            "kept_epoch",
            "training_seconds",
            "training_mebibytes",
            "pictures_per_second",
            "pictures",
            "accuracy",
            "accuracy_low",
            "accuracy_high",
            "balanced_accuracy",
            "macro_f1",
            "roc_auc",
            "roc_auc_low",
            "roc_auc_high",
            "failed",
        ];
        let header = fixed.iter().map(|s| (*s).to_owned()).chain(classes.iter().map(|c| format!("f1_{c}")));
        writer.write_record(header)?;
        let figure = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.6}"));
        let low = |interval: Option<Interval>| figure(interval.map(|i| i.low));
        let high = |interval: Option<Interval>| figure(interval.map(|i| i.high));
        for s in &self.standings {
            let fixed = [
                s.name.clone(),
                s.model.clone(),
                s.image_size.to_string(),
                s.parameters.to_string(),
                s.multiply_adds.to_string(),
                s.epochs[0].to_string(),
                s.epochs[1].to_string(),
                format!("{:.1}", s.training_seconds),
                s.training_mebibytes.to_string(),
                format!("{:.1}", s.pictures_per_second),
                s.pictures.to_string(),
                figure(s.accuracy),
                low(s.accuracy_interval),
                high(s.accuracy_interval),
                figure(s.balanced_accuracy),
                figure(s.macro_f1),
                figure(s.roc_auc),
                low(s.roc_auc_interval),
                high(s.roc_auc_interval),
                s.failed.clone().unwrap_or_default(),
            ];
            let by_class = classes.iter().map(|class| figure(s.f1.get(*class).copied().flatten()));
            writer.write_record(fixed.into_iter().chain(by_class))?;
        }
        writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))
    }
}
