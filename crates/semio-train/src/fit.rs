use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use burn::tensor::Device;
use semio_image::{Pipeline, sample_seed};
use semio_model::{Decision, OutputKind};
use semio_nn::{
    Architecture, Network, to_vec,
    weights::{self, WeightsError},
};

use crate::{
    Language,
    average::Average,
    batches::{Batches, Input, Parts},
    checkpoint::{CheckpointError, Checkpoints, State},
    course::Course,
    features::{FeatureStore, Features, Source, identity},
    history::EpochRow,
    learner::Learner,
    loader::{LoadError, Loader, Picture, Variation, shuffled},
    loss::Loss,
    optimizer::Optimizer,
    recipe::{LossKind, Recipe, RecipeError},
    schedule::Schedule,
};
use semio_stats::{Predictions, PredictionsError, evaluate};

/// What one network is trained on, and how.
pub struct Job<'a> {
    /// How.
    pub recipe: &'a Recipe,
    /// The classes, in the order of the network's outputs.
    pub classes: &'a [String],
    /// Pictures that the network learns from.
    pub train: &'a [Picture],
    /// Pictures that decide which epoch is best.
    pub val: &'a [Picture],
    /// SHA-256 of the data, which a resumed run must share.
    pub data_sha256: &'a str,
    /// From a stored picture to the network's input.
    pub pipeline: &'a Pipeline,
    /// Weights to begin with, where the recipe names some.
    pub weights: Option<&'a Path>,
    /// Where checkpoints go.
    pub folder: &'a Path,
    /// Where a frozen base's features are kept.
    pub features: &'a Path,
    /// Whether to go on from the folder's checkpoint.
    pub resume: bool,
    /// Where to compute.
    pub device: &'a Device,
    /// Threads that prepare pictures.
    pub threads: usize,
}

/// What happens while training, for a progress bar or a log.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A run was taken up after this many epochs.
    Resumed {
        /// Epochs that lie behind.
        epochs: usize,
    },
    /// The network begins with weights from a file.
    Began {
        /// Parameters taken from the file.
        taken: usize,
        /// Parameters that are fresh.
        fresh: &'a [String],
        /// Parameters that were made to fit another number of channels or another size of picture.
        adapted: &'a [String],
    },
    /// Features of pictures are computed, to be kept.
    Features {
        /// Computed so far.
        done: usize,
        /// To be computed.
        all: usize,
    },
    /// From the next epoch on these stages learn, the last ones of the network.
    Learns {
        /// Their names.
        stages: &'a [String],
        /// Stages of the network.
        of: usize,
    },
    /// A step is done.
    Step {
        /// Epoch, counted from one.
        epoch: usize,
        /// Step in this epoch, counted from one.
        step: usize,
        /// Steps an epoch.
        steps: usize,
        /// Pictures in this step.
        pictures: usize,
        /// Its loss.
        loss: f64,
    },
    /// An epoch is done.
    Epoch {
        /// Its figures.
        row: &'a EpochRow,
        /// Whether it is the best so far.
        best: bool,
    },
}

/// Why training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// All epochs are done.
    #[default]
    Epochs,
    /// Nothing got better for as many epochs as the recipe's patience.
    Patience,
    /// Somebody asked for it; the run can be resumed.
    Asked,
}

/// A trained network.
pub struct Fitted {
    /// The network, at its best epoch where the recipe restores that.
    pub network: Network,
    /// One row an epoch.
    pub history: Vec<EpochRow>,
    /// The epoch, counted from one, whose weights the network has.
    pub epoch: usize,
    /// Why training ended.
    pub ending: Ending,
}

/// Why training cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The recipe does not fit the data.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A picture cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The loss is no number any more.
    #[error(
        "the loss became {loss} in epoch {epoch}, step {step}: training diverged; the checkpoint of epoch {kept} is kept. Try a learning rate below {rate}"
    )]
    Diverged {
        /// `NaN` or infinite.
        loss: f64,
        /// Epoch, counted from one.
        epoch: usize,
        /// Step, counted from one.
        step: usize,
        /// The last whole epoch.
        kept: usize,
        /// The step size at which it happened.
        rate: f64,
    },
    /// The weights to begin with cannot be used.
    #[error("cannot begin with {}: {source}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: WeightsError,
    },
    /// A part has no pictures.
    #[error("the {0} part holds no picture")]
    EmptyPart(&'static str),
    /// The figures cannot be computed.
    #[error(transparent)]
    Predictions(#[from] PredictionsError),
}

/// Trains a network.
///
/// `stop` is looked at between epochs: the current one is finished, judged and kept. On the CPU the same job gives the
/// same bits, resumed or not, whatever the number of threads that prepare pictures.
///
/// # Errors
/// [`FitError`]; what the last whole epoch left in the folder stays there.
pub fn fit(job: &Job<'_>, observe: &mut (dyn FnMut(Event<'_>) + Send), stop: &AtomicBool) -> Result<Fitted, FitError> {
    for (part, name) in [(job.train, "training"), (job.val, "validation")] {
        if part.is_empty() {
            return Err(FitError::EmptyPart(name));
        }
    }
    let recipe = job.recipe;
    let output = output_kind(recipe, job.classes)?;
    let mut network = begin(job, output.outputs(job.classes.len()), observe)?;
    let course = Course::new(recipe, network.graph())?;
    let mut optimizer = Optimizer::new(recipe);
    let mut average = recipe.ema_decay.map(Average::new);
    let checkpoints = Checkpoints::new(job.folder);
    let steps = job.train.len().div_ceil(recipe.batch_size);
    let mut state = State {
        recipe: fingerprint(recipe),
        data: job.data_sha256.to_owned(),
        history: vec![],
        schedule: Schedule::new(recipe, &course.phase(0), steps),
        best: None,
        done: false,
    };
    if job.resume && checkpoints.exists() {
        state = checkpoints.read(&state.recipe, &state.data, &mut network, &mut optimizer, average.as_mut())?;
        observe(Event::Resumed { epochs: state.history.len() });
    }
    let loss = loss_of(job)?;
    let variation = variation_of(job);
    // Computing features is part of the first epoch's time.
    let mut since = Some(Instant::now());
    let mut learner = Learner::new(network, course.free(state.history.len()), recipe.stage_decay);
    let store = if state.done { None } else { feature_store(job, &learner, &variation)? };
    let kept = store.as_ref().map(|store| keep_features(job, &learner, &variation, store, observe)).transpose()?;
    let budget = recipe.cache << 20;
    let pictures = Parts {
        val: Loader::new(job.val, job.pipeline, None, job.threads, budget / 4),
        train: Loader::new(job.train, job.pipeline, Some(variation), job.threads, budget - budget / 4),
    };

    let mut asked_to_end = false;
    let (mut best, mut written, mut told) = (None, Instant::now(), 0);
    while !state.done && state.history.len() < recipe.epochs {
        let started = since.take().unwrap_or_else(Instant::now);
        let number = state.history.len();
        let phase = course.phase(number);
        if number == phase.begins {
            state.schedule = Schedule::new(recipe, &phase, steps);
        }
        let free = course.free(number);
        if learner.free() != free {
            learner = Learner::new(learner.whole(), free, recipe.stage_decay);
        }
        if told != free && recipe.weights.is_some() {
            learner.tell(observe);
        }
        told = free;
        let from = match &kept {
            Some(features) if free == 1 => Batches::Features(features),
            _ => Batches::Pictures(&pictures),
        };
        let mut row =
            epoch(job, &from, &loss, &state, phase.begins, &mut learner, &mut optimizer, &mut average, observe)?;
        let judged = averaged(average.as_ref(), learner.head().clone());
        let predictions = predict(job, output, &from, &learner, &judged, row.epoch)?;
        row.validated(&evaluate(&predictions));
        row.seconds = started.elapsed().as_secs_f64();
        let gain = row.gain(&recipe.monitor);
        let gained = gain.is_some_and(|gain| state.best.is_none_or(|(_, best)| gain > best));
        if let (true, Some(gain)) = (gained, gain) {
            best = Some((row.epoch, averaged(average.as_ref(), learner.whole())));
            state.best = Some((row.epoch, gain));
        }
        state.schedule.epoch_ended(gained);
        observe(Event::Epoch { row: &row, best: gained });
        state.history.push(row);
        let waited = state.history.len() - state.best.map_or(0, |(epoch, _)| epoch).max(phase.begins);
        let impatient = phase.last && recipe.patience.is_some_and(|patience| waited >= patience.max(1));
        state.done = impatient || state.history.len() == recipe.epochs;
        let asked = stop.load(Ordering::Relaxed);
        // Epochs on kept features take less time than writing them down.
        if state.done || asked || matches!(from, Batches::Pictures(_)) || written.elapsed() > CHECKPOINT_EVERY {
            if let Some((epoch, network)) = best.take() {
                checkpoints.write_best(&network, epoch)?;
            }
            checkpoints.write(&state, &learner.whole(), &optimizer, average.as_ref())?;
            written = Instant::now();
        }
        if asked && !state.done {
            asked_to_end = true;
            break;
        }
    }
    let (network, epoch) = match state.best {
        Some((epoch, _)) if recipe.restore_best => (checkpoints.read_best(epoch, &learner.whole(), job.device)?, epoch),
        _ => (averaged(average.as_ref(), learner.whole()), state.history.len()),
    };
    let ending = match state.history.len() {
        _ if asked_to_end => Ending::Asked,
        epochs if epochs < recipe.epochs => Ending::Patience,
        _ => Ending::Epochs,
    };
    Ok(Fitted { network, history: state.history, epoch, ending })
}

/// The network as it is judged and kept.
fn averaged(average: Option<&Average>, network: Network) -> Network {
    match average {
        Some(average) => average.of(network),
        None => network,
    }
}

fn loss_of(job: &Job<'_>) -> Result<Loss, RecipeError> {
    let recipe = job.recipe;
    let mut counts = vec![0; job.classes.len()];
    job.train.iter().for_each(|p| counts[p.label] += 1);
    Ok(Loss {
        weights: recipe.weights(job.classes, &counts)?,
        smoothing: recipe.label_smoothing,
        gamma: if recipe.loss == LossKind::Focal { recipe.focal_gamma } else { 0.0 },
    })
}

fn variation_of(job: &Job<'_>) -> Variation {
    let recipe = job.recipe;
    let varied = |class: &String| recipe.augment_classes.is_empty() || recipe.augment_classes.contains(class);
    Variation {
        augmentation: recipe.augmentation(),
        classes: job.classes.iter().map(varied).collect(),
        seed: recipe.seed,
    }
}

/// The longest time without a checkpoint where epochs are shorter than that.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);

/// Where a frozen base's features are kept; none where more than the head learns, or nothing is to be kept.
fn feature_store(
    job: &Job<'_>,
    learner: &Learner,
    variation: &Variation,
) -> Result<Option<Mutex<FeatureStore>>, FitError> {
    let keeps = learner.free() == 1 && job.recipe.feature_variants > 0;
    let Some(base) = learner.base().filter(|_| keeps) else { return Ok(None) };
    let identity = identity(base, job.pipeline, variation);
    Ok(Some(Mutex::new(FeatureStore::open(job.features, &identity, learner.features())?)))
}

/// Computes the features of both parts, as far as they are not kept yet.
fn keep_features<'a>(
    job: &Job<'a>,
    learner: &Learner,
    variation: &Variation,
    store: &'a Mutex<FeatureStore>,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<Parts<Features<'a>>, FitError> {
    let recipe = job.recipe;
    let variants = if variation.augmentation.is_off() { 1 } else { recipe.feature_variants };
    let source = Source {
        pipeline: job.pipeline,
        variation,
        threads: job.threads,
        batch_size: recipe.batch_size.max(8),
        see: &|batch| Input::seen(job, learner, batch).values.flatten(1, 3),
    };
    let mut part = |pictures: &'a [Picture], variants: usize| {
        let progress = &mut |done, all| observe(Event::Features { done, all });
        Features::compute(store, pictures, &source, variants as u32, progress)
    };
    Ok(Parts { train: part(job.train, variants)?, val: part(job.val, 1)? })
}

/// How the recipe's network gives probabilities for these classes.
pub(crate) fn output_kind(recipe: &Recipe, classes: &[String]) -> Result<OutputKind, RecipeError> {
    match recipe.loss {
        LossKind::Binary if classes.len() != 2 => Err(RecipeError::Value {
            key: "loss",
            value: "binary".into(),
            problem: format!("decides between two classes, and there are {}; take categorical", classes.len()),
        }),
        LossKind::Binary => Ok(OutputKind::Sigmoid),
        LossKind::Categorical | LossKind::Focal => Ok(OutputKind::Softmax),
    }
}

/// The network of a run in which nothing of it learns.
pub(crate) fn untrained(job: &Job<'_>, observe: &mut (dyn FnMut(Event<'_>) + Send)) -> Result<Network, FitError> {
    begin(job, output_kind(job.recipe, job.classes)?.outputs(job.classes.len()), observe)
}

/// The network before its first step: fresh, or with the weights of a file.
fn begin(job: &Job<'_>, outputs: usize, observe: &mut (dyn FnMut(Event<'_>) + Send)) -> Result<Network, FitError> {
    let recipe = job.recipe;
    let architecture = Architecture::find(&recipe.model).map_err(RecipeError::from)?;
    let graph = Arc::new(recipe.graph(architecture, outputs)?);
    let Some(path) = job.weights else { return Ok(Network::new(graph, recipe.seed, job.device)) };
    let begun = weights::read_tensors(path)
        .and_then(|tensors| weights::start(architecture, &graph, tensors, recipe.seed, job.device))
        .map_err(|source| FitError::Weights { path: path.into(), source })?;
    observe(Event::Began { taken: begun.taken, fresh: &begun.fresh, adapted: &begun.adapted });
    Ok(begun.network)
}

/// What a recipe says about results: threads and memory change nothing, so a resumed run may choose others.
pub(crate) fn fingerprint(recipe: &Recipe) -> String {
    let recipe =
        Recipe { threads: 0, cache: 0, subgroups: vec![], report_language: Language::English, ..recipe.clone() };
    let text = serde_json::to_vec(&recipe).unwrap_or_default();
    semio_model::hex_sha256(&text)
}

#[expect(clippy::too_many_arguments, reason = "an epoch needs all that training has")]
fn epoch(
    job: &Job<'_>,
    from: &Batches<'_, '_>,
    loss: &Loss,
    state: &State,
    phase_begins: usize,
    learner: &mut Learner,
    optimizer: &mut Optimizer,
    average: &mut Option<Average>,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<EpochRow, FitError> {
    let recipe = job.recipe;
    let done = state.history.len();
    let steps = job.train.len().div_ceil(recipe.batch_size);
    let order = shuffled(job.train.len(), recipe.seed, done as u64);
    let (mut sum, mut right, mut seen, mut step, mut rate) = (0.0, 0usize, 0usize, 0usize, 0.0);
    let failed = from.train(job, learner, &order, done as u64, |learner, input| {
        let Input { values, labels } = match input {
            Ok(input) => input,
            Err(error) => return ControlFlow::Break(error),
        };
        rate = state.schedule.rate((done - phase_begins) * steps + step);
        let seed = sample_seed(recipe.seed ^ 0x64_726f_7000, step as u64, done as u64);
        let n = labels.len();
        let (network, factors) = learner.head_mut();
        let pass = network.train(values, seed);
        let value = loss.forward(pass.logits.clone(), &labels);
        let number = f64::from(to_vec(value.clone().inner())[0]);
        if !number.is_finite() {
            let (epoch, step) = (done + 1, step + 1);
            return ControlFlow::Break(FitError::Diverged { loss: number, epoch, step, kept: done, rate });
        }
        right += hits(&to_vec(pass.logits.clone().inner()), &labels);
        let gradients = network.backward(pass, &value);
        optimizer.step(network, gradients, rate, factors);
        if let Some(average) = average {
            average.step(network);
        }
        sum += number * n as f64;
        seen += n;
        step += 1;
        observe(Event::Step { epoch: done + 1, step, steps, pictures: n, loss: number });
        ControlFlow::Continue(())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    Ok(EpochRow {
        epoch: done + 1,
        learning_rate: rate,
        train_loss: sum / seen as f64,
        penalty: optimizer.penalty(learner.head()),
        train_accuracy: right as f64 / seen as f64,
        val_loss: None,
        val_accuracy: None,
        val_balanced_accuracy: None,
        val_roc_auc: None,
        val_pr_auc: None,
        val_f1: None,
        val_kappa: None,
        val_mcc: None,
        seconds: 0.0,
    })
}

fn hits(logits: &[f32], labels: &[usize]) -> usize {
    let outputs = logits.len() / labels.len();
    let given = |l: &[f32]| match l {
        [one] => usize::from(*one > 0.0),
        _ => (0..outputs).fold(0, |best, i| if l[i] > l[best] { i } else { best }),
    };
    logits.chunks(outputs).zip(labels).filter(|(l, label)| given(l) == **label).count()
}

/// Predicts the validation part with the network of one epoch.
fn predict(
    job: &Job<'_>,
    output: OutputKind,
    from: &Batches<'_, '_>,
    learner: &Learner,
    head: &Network,
    epoch: usize,
) -> Result<Predictions, FitError> {
    let (mut probabilities, mut decided) = (vec![], vec![]);
    let failed = from.val(job, learner, |input| {
        let input = match input {
            Ok(input) => input,
            Err(error) => return ControlFlow::Break(error),
        };
        let logits = to_vec(head.predict(input.values));
        if let Some(&loss) = logits.iter().find(|l| !l.is_finite()) {
            let rate = job.recipe.learning_rate;
            return ControlFlow::Break(FitError::Diverged {
                loss: f64::from(loss),
                epoch,
                step: 0,
                kept: epoch - 1,
                rate,
            });
        }
        for row in logits.chunks(head.graph().outputs()) {
            let p = output.probabilities(row);
            decided.push(Decision::MostProbable.decide(&p));
            probabilities.extend(p);
        }
        ControlFlow::Continue(())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let truth: Vec<usize> = job.val.iter().map(|p| p.label).collect();
    let answered = vec![true; truth.len()];
    Ok(Predictions::new(job.classes.to_vec(), truth, probabilities, decided, answered)?)
}
