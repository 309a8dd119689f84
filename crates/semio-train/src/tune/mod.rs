//! A search for the recipe that does best on the validation part, or over the folds of a cross-validation.

mod journal;
mod page;
mod pruning;
mod sampler;
mod space;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use serde::{Deserialize, Serialize};

pub use journal::JournalError;
pub use space::{Space, SpaceError};

use self::{journal::Journal, pruning::Halving};
use crate::{
    checkpoint::write_whole,
    dataset::Dataset,
    experiment::{Finished, Place, RunError, train},
    fit::{Ending, Event, fingerprint},
    history::EpochRow,
    recipe::{Recipe, RecipeError},
};

/// How points of the space are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// At random.
    Random,
    /// By a tree-structured Parzen estimator (Bergstra et al. 2011), after eight random ones.
    Tpe,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Search {
    /// The keys of the recipe that do not change.
    pub base: toml::Table,
    /// Those that do, with their values.
    pub space: Space,
    /// How many points are tried.
    pub trials: usize,
    /// How they are chosen.
    pub method: Method,
    /// Whether trials that lag behind end early (successive halving). With folds it looks at the first one.
    pub pruning: bool,
    /// Decides which points are tried.
    pub seed: u64,
}

/// What has become of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was begun, and not ended.
    Running,
    /// It was trained to its end.
    Done,
    /// It lagged behind and was ended.
    Pruned,
    /// It could not be trained.
    Failed,
}

impl State {
    const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Pruned, Self::Failed];

    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
        }
    }
}

/// One point of the space that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// Counted from zero.
    pub number: usize,
    #[serde(skip)]
    point: Vec<f64>,
    /// The keys that were tried.
    pub keys: toml::Table,
    /// What has become of it.
    pub state: State,
    /// The monitored figure, turned so that larger is better.
    pub score: Option<f64>,
    /// Epochs trained; of all folds together.
    pub epochs: usize,
    /// Time taken.
    pub seconds: f64,
    /// Why it could not be trained.
    pub problem: Option<String>,
}

impl Trial {
    /// Whether nothing is left to do. One that failed before its first epoch may have lacked a file or memory, which can be
    /// there by now.
    fn is_over(&self) -> bool {
        match self.state {
            State::Done | State::Pruned => true,
            State::Running => false,
            State::Failed => self.epochs > 0,
        }
    }
}

/// A search as far as it has come.
#[derive(Clone, Debug, Serialize)]
pub struct Searched {
    /// All trials in their order.
    pub trials: Vec<Trial>,
    /// The number of the best one.
    pub best: Option<usize>,
    /// Its recipe, ready for training.
    pub recipe: PathBuf,
    /// Whether somebody asked the search to end before all trials were done.
    pub asked_to_end: bool,
}

/// What happens while a search goes on.
pub enum Happening<'a> {
    /// A trial begins.
    Begins {
        /// Counted from zero.
        number: usize,
        /// Trials in all.
        of: usize,
        /// The keys tried.
        keys: &'a toml::Table,
        /// Its recipe.
        recipe: &'a Recipe,
    },
    /// While one is trained.
    Event(Event<'a>),
    /// A trial has ended; whether it is the best so far.
    Ended(&'a Trial, bool),
}

/// Why a search cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// The recipe without the tried keys is not understood.
    #[error("the recipe: {0}")]
    Keys(#[from] toml::de::Error),
    /// It does not fit.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The journal cannot be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of the search cannot be written.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// The file of weights that a recipe begins with.
pub type FindWeights<'a> = dyn Fn(&Recipe) -> Result<Option<PathBuf>, String> + 'a;

/// Tries points of the space one after the other. What an earlier call with the same folder has tried is not tried
/// again, and a trial that was interrupted goes on.
///
/// # Errors
/// [`TuneError`]; a trial that cannot be trained is written down as such and ends nothing.
pub fn tune(
    search: &Search,
    dataset: &Dataset,
    place: &Place<'_>,
    weights: &FindWeights<'_>,
    observe: &mut (dyn FnMut(Happening<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Searched, TuneError> {
    let base: Recipe = search.base.clone().try_into()?;
    let created = std::fs::create_dir_all(place.folder);
    created.map_err(|source| crate::experiment::unwritable(place.folder, "", source))?;
    let rest = format!(
        "{} {} {:?} {} {}",
        fingerprint(&Recipe { data: PathBuf::new(), ..base.clone() }),
        dataset.sha256,
        search.method,
        search.pruning,
        search.seed
    );
    let journal = Journal::open(&place.folder.join("journal.sqlite"), &format!("{:?}", search.space), &rest)?;
    let mut trials = journal.trials()?;
    let mut asked_to_end = false;
    for number in 0..search.trials {
        if trials.get(number).is_some_and(Trial::is_over) {
            continue;
        }
        if stop.load(Ordering::Relaxed) {
            asked_to_end = true;
            break;
        }
        let trial = trials.get(number).cloned().unwrap_or_else(|| {
            let tried: Vec<(Vec<f64>, f64)> = trials.iter().filter_map(|t| Some((t.point.clone(), t.score?))).collect();
            let point = sampler::suggest(&search.space, search.method, search.seed, number, &tried);
            let keys = search.space.keys(&point);
            let state = State::Running;
            Trial { number, point, keys, state, score: None, epochs: 0, seconds: 0.0, problem: None }
        });
        journal.write(&trial)?;
        let best = best_of(&trials).and_then(|b| trials[b].score);
        let Some(trial) = run(search, trial, dataset, place, weights, &journal, observe, stop)? else {
            asked_to_end = true;
            break;
        };
        journal.write(&trial)?;
        let leads = trial.state == State::Done && trial.score > best;
        keep_only(place.folder, &trials, &trial, leads);
        observe(Happening::Ended(&trial, leads));
        match trials.get_mut(number) {
            Some(known) => *known = trial,
            None => trials.push(trial),
        }
    }
    let best = best_of(&trials);
    let recipe = place.folder.join("best.toml");
    if let Some(best) = best {
        write_whole(&recipe, best_recipe(search, &trials[best], &base.monitor)?.as_bytes()).map_err(RunError::from)?;
    }
    if !asked_to_end {
        // What can be computed again need not stay.
        let _ = std::fs::remove_dir_all(place.folder.join("features"));
    }
    let searched = Searched { trials, best, recipe, asked_to_end };
    let table = searched.csv(search).map_err(RunError::from)?;
    write_whole(&place.folder.join("trials.csv"), &table).map_err(RunError::from)?;
    let html = page::page(search, &searched, &base, dataset, place.today).map_err(RunError::from)?;
    write_whole(&place.folder.join("report.html"), html.as_bytes()).map_err(RunError::from)?;
    Ok(searched)
}

/// The number of the best trial that was trained to its end.
fn best_of(trials: &[Trial]) -> Option<usize> {
    let done = trials.iter().filter(|t| t.state == State::Done && t.score.is_some());
    // The first of equals, so that the search's result does not change when it goes on.
    done.rev().max_by(|a, b| a.score.partial_cmp(&b.score).unwrap_or(std::cmp::Ordering::Equal)).map(|t| t.number)
}

fn folder_of(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("trial-{:04}", number + 1))
}

/// Trains one point; nothing where somebody asked to end.
#[expect(clippy::too_many_arguments, reason = "a trial needs all that a search has")]
fn run(
    search: &Search,
    mut trial: Trial,
    dataset: &Dataset,
    place: &Place<'_>,
    weights: &FindWeights<'_>,
    journal: &Journal,
    observe: &mut (dyn FnMut(Happening<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Option<Trial>, TuneError> {
    let mut keys = search.base.clone();
    keys.extend(trial.keys.clone());
    let started = Instant::now();
    (trial.state, trial.problem) = (State::Running, None);
    let failed = |mut trial: Trial, problem: String| {
        (trial.state, trial.problem) = (State::Failed, Some(problem));
        Ok(Some(trial))
    };
    let recipe: Recipe = match keys.try_into::<Recipe>().map_err(|e| e.to_string()) {
        Ok(recipe) => recipe,
        Err(problem) => return failed(trial, problem),
    };
    let checked = recipe.check().map_err(|e| e.to_string());
    let file = match checked.and_then(|()| weights(&recipe)) {
        Ok(file) => file,
        Err(problem) => return failed(trial, problem),
    };
    observe(Happening::Begins { number: trial.number, of: search.trials, keys: &trial.keys, recipe: &recipe });
    let folder = folder_of(place.folder, trial.number);
    let place = Place {
        folder: &folder,
        resume: folder.join("recipe.toml").exists(),
        weights: file.as_deref(),
        features: Some(&place.folder.join("features")),
        ..*place
    };
    let halving = Halving::new(recipe.epochs);
    let end = AtomicBool::new(false);
    let (mut pruned, mut epochs, mut first, mut best, mut trouble) = (false, 0, true, f64::NEG_INFINITY, None);
    let mut see = |event: Event<'_>| {
        if let (Event::Resumed { epochs: before }, 0) = (&event, epochs) {
            epochs = *before;
        }
        if let Event::Epoch { row, .. } = &event {
            epochs += 1;
            first &= row.epoch == epochs;
            best = row.gain(&recipe.monitor).map_or(best, |gain| gain.max(best));
            if search.pruning && first && halving.is_rung(row.epoch) {
                match journal.rung(trial.number, row.epoch, best) {
                    Ok(others) => pruned = !Halving::goes_on(best, &others),
                    Err(error) => trouble = Some(error),
                }
            }
            if pruned || trouble.is_some() || stop.load(Ordering::Relaxed) {
                end.store(true, Ordering::Relaxed);
            }
        }
        observe(Happening::Event(event));
    };
    let outcome = train(&recipe, dataset, &place, &mut see, &end);
    if let Some(error) = trouble {
        return Err(error.into());
    }
    trial.seconds += started.elapsed().as_secs_f64();
    match outcome {
        Err(error) => {
            trial.epochs = epochs;
            return failed(trial, error.to_string());
        }
        Ok(finished) if finished.ending == Ending::Asked && !pruned => return Ok(None),
        Ok(finished) => {
            trial.state = if pruned && finished.ending == Ending::Asked { State::Pruned } else { State::Done };
            trial.score = score(&finished, &recipe.monitor).filter(|s| s.is_finite());
            trial.epochs = epochs.max(finished.history.len());
        }
    }
    Ok(Some(trial))
}

/// The monitored figure of a finished run: at the kept epoch, or over all folds.
fn score(finished: &Finished, monitor: &str) -> Option<f64> {
    if finished.bundle.is_some() {
        return finished.history.get(finished.epoch.checked_sub(1)?)?.gain(monitor);
    }
    let mut row: EpochRow = finished.history.last()?.clone();
    row.validated(&finished.evaluation);
    row.gain(monitor)
}

/// Of all trials only the best one keeps its bundle and its checkpoint; a failure to remove one costs room only.
fn keep_only(folder: &Path, before: &[Trial], trial: &Trial, leads: bool) {
    let drop = |number: usize| {
        let folder = folder_of(folder, number);
        let folds = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let folds = folds.filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("fold-")));
        for place in folds.chain([folder.clone()]) {
            for part in ["checkpoint", "bundle"] {
                let _ = std::fs::remove_dir_all(place.join(part));
            }
        }
    };
    if leads {
        best_of(before).into_iter().for_each(drop);
    } else {
        drop(trial.number);
    }
}

/// The best trial's recipe as a file for `semio train`.
fn best_recipe(search: &Search, best: &Trial, monitor: &str) -> Result<String, TuneError> {
    let mut keys = search.base.clone();
    keys.extend(best.keys.clone());
    let mut recipe: Recipe = keys.try_into()?;
    let folds = recipe.folds.take().map_or_else(String::new, |folds| {
        format!("# The search judged by {folds} folds. This file trains one network, on all but the validation and test parts.\n")
    });
    let text = toml::to_string(&recipe).unwrap_or_default();
    let score = best.score.map_or_else(String::new, |s| format!(", {monitor} {:.4}", s.abs()));
    Ok(format!(
        "# The best of a search: trial {}{score}. Train it by: semio train best.toml -o RUN\n{folds}\n{text}",
        best.number + 1
    ))
}

impl Searched {
    /// One row a trial.
    fn csv(&self, search: &Search) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(vec![]);
        let keys: Vec<&String> = search.space.dimensions.iter().map(|d| &d.key).collect();
        let fixed = ["trial", "state", "score", "epochs", "seconds", "problem"].map(str::to_owned);
        writer.write_record(fixed.into_iter().chain(keys.iter().map(|k| (*k).clone())))?;
        for t in &self.trials {
            let fixed = [
                (t.number + 1).to_string(),
                t.state.name().to_owned(),
                t.score.map_or_else(String::new, |s| format!("{s:.6}")),
                t.epochs.to_string(),
                format!("{:.1}", t.seconds),
                t.problem.clone().unwrap_or_default(),
            ];
            writer.write_record(fixed.into_iter().chain(keys.iter().map(|k| shown(t.keys.get(*k)))))?;
        }
        writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))
    }
}

/// A value as a reader writes it.
fn shown(value: Option<&toml::Value>) -> String {
    match value {
        None => String::new(),
        Some(toml::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
