use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use burn::tensor::{Device, Tensor, TensorData};
use semio_image::{Pipeline, sample_seed};
use semio_model::{Decision, OutputKind};
use semio_nn::{Architecture, Blueprint, Network, to_vec};

use crate::{
    checkpoint::{CheckpointError, Checkpoints, State},
    history::EpochRow,
    loader::{Batch, LoadError, Loader, Picture, Variation, shuffled},
    loss::Loss,
    metrics::{Predictions, PredictionsError, evaluate},
    optimizer::Optimizer,
    recipe::{LossKind, Recipe, RecipeError},
    schedule::Schedule,
};

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
    /// Where checkpoints go.
    pub folder: &'a Path,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs are done.
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
    if job.train.is_empty() {
        return Err(FitError::EmptyPart("training"));
    }
    if job.val.is_empty() {
        return Err(FitError::EmptyPart("validation"));
    }
    let recipe = job.recipe;
    let output = output_kind(recipe, job.classes)?;
    let mut network = fresh_network(recipe, job.pipeline, output.outputs(job.classes.len()), job.device)?;
    let mut optimizer = Optimizer::new(recipe, &network);
    let checkpoints = Checkpoints::new(job.folder);
    let steps = job.train.len().div_ceil(recipe.batch_size);
    let mut state = State {
        recipe: fingerprint(recipe),
        data: job.data_sha256.to_owned(),
        history: vec![],
        schedule: Schedule::new(recipe, steps),
        best: None,
        steps: 0,
        done: false,
    };
    if job.resume && checkpoints.exists() {
        state = checkpoints.read(&state.recipe, &state.data, &mut network, &mut optimizer)?;
        observe(Event::Resumed { epochs: state.history.len() });
    }
    let mut counts = vec![0; job.classes.len()];
    job.train.iter().for_each(|p| counts[p.label] += 1);
    let loss = Loss {
        weights: recipe.weights(job.classes, &counts)?,
        smoothing: recipe.label_smoothing,
        gamma: if recipe.loss == LossKind::Focal { recipe.focal_gamma } else { 0.0 },
    };
    let varied = |class: &String| recipe.augment_classes.is_empty() || recipe.augment_classes.contains(class);
    let variation = Variation {
        augmentation: recipe.augmentation(),
        classes: job.classes.iter().map(varied).collect(),
        seed: recipe.seed,
    };
    let budget = recipe.cache << 20;
    let val = Loader::new(job.val, job.pipeline, None, job.threads, budget / 4);
    let train = Loader::new(job.train, job.pipeline, Some(variation), job.threads, budget - budget / 4);

    let mut ending = Ending::Epochs;
    while !state.done && state.history.len() < recipe.epochs {
        let started = Instant::now();
        let mut row = epoch(job, &train, &loss, &state, &mut network, &mut optimizer, observe)?;
        let predictions = predict(job, output, &val, &network, row.epoch)?;
        row.validated(&evaluate(&predictions));
        row.seconds = started.elapsed().as_secs_f64();
        let gain = row.gain(&recipe.monitor);
        let gained = match (gain, state.best) {
            (Some(gain), Some((_, best))) => gain > best,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if let (true, Some(gain)) = (gained, gain) {
            checkpoints.write_best(&network, row.epoch)?;
            state.best = Some((row.epoch, gain));
        }
        state.schedule.epoch_ended(gained);
        state.steps += steps as u64;
        observe(Event::Epoch { row: &row, best: gained });
        state.history.push(row);
        let waited = state.history.len() - state.best.map_or(0, |(epoch, _)| epoch);
        let impatient = recipe.patience.is_some_and(|patience| waited >= patience.max(1));
        state.done = impatient || state.history.len() == recipe.epochs;
        checkpoints.write(&state, &network, &optimizer)?;
        if stop.load(Ordering::Relaxed) && !state.done {
            ending = Ending::Asked;
            break;
        }
    }
    if state.done && state.history.len() < recipe.epochs {
        ending = Ending::Patience;
    }
    let epoch = match state.best {
        Some((epoch, _)) if recipe.restore_best => {
            network = checkpoints.read_best(epoch, &network, job.device)?;
            epoch
        }
        _ => state.history.len(),
    };
    Ok(Fitted { network, history: state.history, epoch, ending })
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

fn fresh_network(
    recipe: &Recipe,
    pipeline: &Pipeline,
    outputs: usize,
    device: &Device,
) -> Result<Network, RecipeError> {
    let (channels, height, width) = pipeline.output();
    let blueprint = Blueprint { channels, height, width, outputs };
    let mut graph = Architecture::find(&recipe.model)?.build(&blueprint)?;
    if let Some(rate) = recipe.dropout {
        graph = graph.with_dropout(rate);
    }
    Ok(Network::new(Arc::new(graph), recipe.seed, device))
}

/// What a recipe says about results: threads and memory change nothing, so a resumed run may choose others.
fn fingerprint(recipe: &Recipe) -> String {
    let recipe = Recipe { threads: 0, cache: 0, ..recipe.clone() };
    let text = serde_json::to_vec(&recipe).unwrap_or_default();
    semio_model::hex_sha256(&text)
}

fn epoch(
    job: &Job<'_>,
    loader: &Loader<'_>,
    loss: &Loss,
    state: &State,
    network: &mut Network,
    optimizer: &mut Optimizer,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<EpochRow, FitError> {
    let recipe = job.recipe;
    let done = state.history.len();
    let steps = job.train.len().div_ceil(recipe.batch_size);
    let order = shuffled(job.train.len(), recipe.seed, done as u64);
    let (mut sum, mut right, mut seen, mut step, mut rate) = (0.0, 0usize, 0usize, 0usize, 0.0);
    let failed = loader.batches(&order, recipe.batch_size, done as u64, |batch| {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return ControlFlow::Break(FitError::Load(error)),
        };
        rate = state.schedule.rate(done * steps + step);
        let seed = sample_seed(recipe.seed ^ 0x64_726f_7000, step as u64, done as u64);
        let n = batch.labels.len();
        let labels = batch.labels.clone();
        let pass = network.train(pictures(job, batch), seed);
        let value = loss.forward(pass.logits.clone(), &labels);
        let number = f64::from(to_vec(value.clone().inner())[0]);
        if !number.is_finite() {
            let (epoch, step) = (done + 1, step + 1);
            return ControlFlow::Break(FitError::Diverged { loss: number, epoch, step, kept: done, rate });
        }
        right += hits(&to_vec(pass.logits.clone().inner()), &labels);
        let gradients = network.backward(pass, &value);
        optimizer.step(network, gradients, rate);
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
        penalty: optimizer.penalty(network),
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
    loader: &Loader<'_>,
    network: &Network,
    epoch: usize,
) -> Result<Predictions, FitError> {
    let order: Vec<usize> = (0..job.val.len()).collect();
    let (mut probabilities, mut decided) = (vec![], vec![]);
    let failed = loader.batches(&order, job.recipe.batch_size.max(8), 0, |batch| {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => return ControlFlow::Break(FitError::Load(error)),
        };
        let logits = to_vec(network.predict(pictures(job, batch)));
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
        for row in logits.chunks(network.graph().outputs()) {
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

fn pictures(job: &Job<'_>, batch: Batch) -> Tensor<4> {
    let (channels, height, width) = job.pipeline.output();
    let shape = [batch.labels.len(), channels, height, width];
    Tensor::from_data(TensorData::new(batch.inputs, shape), job.device)
}
