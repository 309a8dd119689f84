use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use clap::Args;
use semio_data::Split;
use semio_train::{
    Dataset, DatasetError, Ending, EpochRow, Event, Finished, Language, Origin, Place, Recipe, RunError,
};

use crate::{
    Outcome,
    fault::Fault,
    flags::RecipeFlags,
    progress::{bar, count, duration},
    weights::WeightFlags,
};

#[derive(Args)]
#[command(
    after_help = "Example:\n  semio train --data pictures/ --model r2-cnn --image-size 128 --epochs 15 -o runs/first"
)]
pub(crate) struct Train {
    /// Recipe, a TOML file whose keys are the flags below
    recipe: Option<PathBuf>,
    /// Folder of the run: recipe, history, curves, checkpoints, report, bundle
    #[arg(short = 'o', long = "output", value_name = "RUN")]
    output: PathBuf,
    /// Goes on with the run in RUN from its last whole epoch
    #[arg(long)]
    resume: bool,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
    /// Prints the result only
    #[arg(short, long)]
    quiet: bool,
    /// Keeps the features of a frozen base here, for this and further runs [default: in RUN, while it lasts]
    #[arg(long, value_name = "DIR", help_heading = "Transfer learning")]
    features: Option<PathBuf>,
    #[command(flatten)]
    flags: RecipeFlags,
    #[command(flatten)]
    weights: WeightFlags,
}

impl Train {
    pub(crate) fn run(self) -> Outcome {
        let recipe = self.recipe()?;
        let say = |text: String| {
            if !self.quiet && !self.json {
                println!("{text}");
            }
        };
        let quiet = self.quiet || self.json;
        let weights = recipe.weights.as_deref().map(|w| self.weights.locate(w, &recipe.model, quiet)).transpose()?;
        let dataset = open(&recipe, quiet)?;
        let recipe = recipe.resolved(&dataset);
        describe(&recipe, &dataset, &say)?;
        let stop = asked_to_stop("ending this epoch, then writing the bundle")?;
        let started = Instant::now();
        let mut watch = Watch::new(&recipe, quiet);
        let device = burn::tensor::Device::flex();
        let today = today();
        let memory = free_memory();
        let place = Place {
            folder: &self.output,
            resume: self.resume,
            device: &device,
            today: &today,
            memory,
            weights: weights.as_deref(),
            features: self.features.as_deref(),
        };
        let finished =
            semio_train::train(&recipe, &dataset, &place, &mut |event| watch.see(&event), &stop).map_err(explain)?;
        watch.end();
        if self.json {
            println!("{}", serde_json::to_string_pretty(&summary(&finished, &self.output)).map_err(Fault::trouble)?);
        } else {
            conclude(&recipe, &dataset, &finished, &self.output, started.elapsed().as_secs_f64());
        }
        Ok(ExitCode::SUCCESS)
    }

    /// A resumed run has its recipe in its folder; flags may repeat it but hardly change it.
    fn recipe(&self) -> Result<Recipe, Fault> {
        let stored = self.output.join("recipe.toml");
        if self.resume && self.recipe.is_none() {
            semio_train::stored_recipe(&self.output).map_err(explain)?;
            return self.flags.recipe(Some(&stored));
        }
        if self.recipe.is_none() && self.flags.is_empty() {
            return Err(Fault::usage("no data are named")
                .help("semio train --data FOLDER -o RUN, or semio train RECIPE.toml -o RUN"));
        }
        self.flags.recipe(self.recipe.as_deref())
    }
}

/// Reads and checks the data behind a bar.
pub(crate) fn open(recipe: &Recipe, quiet: bool) -> Result<Dataset, Fault> {
    let bar = bar(0, "checking", quiet);
    let dataset = Dataset::open(recipe, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    dataset.map_err(|error| match error {
        DatasetError::Unreadable { ref bad } => {
            let list: Vec<String> = bad.iter().take(20).map(|b| format!("  {}: {}", b.name, b.reason)).collect();
            let more = if bad.len() > 20 { format!("\n  and {} more", bad.len() - 20) } else { String::new() };
            Fault::trouble(format_args!("{} of the files cannot be read\n{}{more}", count(bad.len()), list.join("\n")))
                .help("mend them, or leave them out with --skip-bad")
        }
        DatasetError::Leak { what, first } => leak(&what, &first),
        other => Fault::from(other),
    })
}

/// Parts that know each other, with what can be done about it.
pub(crate) fn leak(what: &str, first: &str) -> Fault {
    Fault::trouble(format_args!(
        "the parts of the data know each other, so the figures would be too good: {what}\n  first: {first}"
    ))
    .help(
        "mend the split, let semio divide anew with --resplit (it keeps together what belongs together), or accept it with \
         --allow-leak; bundle, card and every report then say so",
    )
}

fn describe(recipe: &Recipe, dataset: &Dataset, say: &dyn Fn(String)) -> Result<(), Fault> {
    describe_data(dataset, say);
    let pipeline = recipe.pipeline()?;
    let (channels, height, width) = pipeline.output();
    say(format!("network  {}, reads {channels} × {height} × {width}", recipe.model));
    Ok(())
}

/// What was read and how it is divided.
pub(crate) fn describe_data(dataset: &Dataset, say: &dyn Fn(String)) {
    say(format!("data     {}", dataset.report.to_string().replace("\n  ", "\n         ")));
    if !dataset.unreadable.is_empty() {
        let names: Vec<&str> = dataset.unreadable.iter().map(|b| b.name.as_str()).collect();
        say(format!("         {} left out: cannot be read ({})", names.len(), names.join(", ")));
    }
    let origin = match dataset.origin {
        Origin::Source => "named by the data",
        Origin::SourceWithCut => "named by the data; validation cut from training",
        Origin::Program => "made here",
    };
    say(format!("split    {origin}\n{}", indent(&dataset.split.to_string())));
    let kind = dataset.group_kind.words();
    match dataset.groups {
        None => say("         patients are unknown: pictures of one patient may stand in two parts".into()),
        Some((groups, 0)) => say(format!("         {} {kind}, none of them divided", count(groups))),
        Some((groups, divided)) => {
            say(format!("         {divided} of {groups} {kind} have pictures in several parts"));
        }
    }
    if !dataset.leak.is_clean() {
        say(format!("         LEAK ACCEPTED: {}", dataset.leak_words()));
    }
    if dataset.leak.near.is_none() {
        say("         too many pictures to seek nearly the same ones; only the same ones were sought".into());
    } else if dataset.leak.is_clean() && dataset.origin != Origin::Source && dataset.alike > 0 {
        let groups = count(dataset.alike);
        say(format!("         {groups} groups of (nearly) the same picture, each kept in one part"));
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("         {line}")).collect::<Vec<_>>().join("\n")
}

/// What a person sees while training.
pub(crate) struct Watch {
    bar: indicatif::ProgressBar,
    quiet: bool,
    epochs: usize,
    seen: usize,
}

impl Watch {
    pub(crate) fn new(recipe: &Recipe, quiet: bool) -> Self {
        let bar = bar(0, "training", quiet);
        bar.set_style(
            indicatif::ProgressStyle::with_template("{prefix} {wide_bar} {msg}  {per_sec}  {eta} left")
                .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()),
        );
        Self { bar, quiet, epochs: recipe.epochs, seen: 0 }
    }

    pub(crate) fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Resumed { epochs } => self.line(&format!("resumed  after epoch {epochs}")),
            Event::Began { taken, fresh, adapted } => {
                let adapted =
                    if adapted.is_empty() { String::new() } else { format!("; made to fit: {}", adapted.join(", ")) };
                let fresh = if fresh.is_empty() { String::new() } else { format!("; fresh: {}", fresh.join(", ")) };
                self.line(&format!("weights  {taken} tensors taken{fresh}{adapted}"));
            }
            Event::Features { done, all } => {
                self.bar.set_length(*all as u64);
                self.bar.set_position(*done as u64);
                self.bar.set_message("features of the frozen base");
            }
            Event::Learns { stages, of } => {
                let names = match stages {
                    [one] => one.clone(),
                    [first, .., last] => format!("{first} to {last}"),
                    [] => String::new(),
                };
                let what = if stages.len() == *of { "all stages".to_owned() } else { names };
                self.line(&format!("learns   {what}, {} of {of} stages", stages.len()));
            }
            Event::Step { epoch, step, steps, pictures, loss } => {
                self.seen += pictures;
                let all = steps * self.epochs;
                self.bar.set_length(all as u64);
                self.bar.set_position(((epoch - 1) * steps + step) as u64);
                self.bar.set_message(format!("epoch {epoch}/{}  loss {loss:.3}", self.epochs));
            }
            Event::Epoch { row, best } => self.line(&epoch_line(row, self.epochs, *best)),
        }
    }

    fn line(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| println!("{text}"));
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn epoch_line(row: &EpochRow, epochs: usize, best: bool) -> String {
    let figure = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.4}"));
    format!(
        "epoch    {:>3}/{epochs}  train loss {:.4} accuracy {:.4}  val loss {} accuracy {} AUC {}  {}{}",
        row.epoch,
        row.train_loss,
        row.train_accuracy,
        figure(row.val_loss),
        figure(row.val_accuracy),
        figure(row.val_roc_auc),
        duration(row.seconds),
        if best { "  best so far" } else { "" },
    )
}

fn conclude(recipe: &Recipe, dataset: &Dataset, finished: &Finished, folder: &Path, seconds: f64) {
    let figures = &finished.evaluation.overall;
    let percent = |metric: &semio_stats::Metric| {
        metric.as_ref().map_or_else(|reason| format!("undefined ({reason})"), |v| format!("{:.1} %", 100.0 * v))
    };
    let auc = figures.roc_auc.as_ref().map_or_else(ToString::to_string, |v| format!("{v:.4}"));
    let ending = match finished.ending {
        Ending::Epochs => "all epochs done".to_owned(),
        Ending::Patience => format!("ended early: {} did not get better", recipe.monitor),
        Ending::Asked => "stopped as asked".to_owned(),
    };
    println!("\ntrained  {} epochs in {}, {ending}", finished.history.len(), duration(seconds));
    if finished.bundle.is_some() {
        println!("kept     epoch {}", finished.epoch);
    }
    let part = if finished.bundle.is_some() { "validation" } else { "all folds" };
    println!(
        "judged   {part}, {} pictures: accuracy {}, balanced accuracy {}, AUC {auc}",
        count(figures.n as usize),
        percent(&figures.accuracy),
        percent(&figures.balanced_accuracy),
    );
    for remark in &finished.remarks {
        println!("note     {}", remark.words(Language::English));
    }
    println!("report   {}", finished.report.display());
    if let Some(bundle) = &finished.bundle {
        println!("bundle   {}", bundle.display());
        println!("next     {}", judge_next(dataset, bundle, folder));
    }
    if finished.ending == Ending::Asked {
        println!("         or go on training: semio train -o {} --resume", folder.display());
    }
}

/// The command that judges a run's bundle on pictures that took no part in it.
pub(crate) fn judge_next(dataset: &Dataset, bundle: &Path, folder: &Path) -> String {
    let bundle = bundle.display();
    if dataset.part(Split::Test).is_empty() {
        return format!("semio evaluate {bundle} --data LIST, a list of other pictures: these data have no test part");
    }
    format!("semio evaluate {bundle} --data {} --split test", folder.join("split.csv").display())
}

fn summary(finished: &Finished, folder: &Path) -> serde_json::Value {
    serde_json::json!({
        "run": folder,
        "bundle": finished.bundle,
        "report": finished.report,
        "epochs": finished.history.len(),
        "kept_epoch": finished.epoch,
        "ended": match finished.ending {
            Ending::Epochs => "epochs",
            Ending::Patience => "patience",
            Ending::Asked => "asked",
        },
        "notes": finished.remarks.iter().map(|remark| remark.words(Language::English)).collect::<Vec<_>>(),
        "evaluation": finished.evaluation,
    })
}

fn explain(error: RunError) -> Fault {
    match error {
        RunError::Recipe(_) | RunError::Occupied(_) | RunError::NothingToResume(_) => Fault::usage(error),
        _ => Fault::trouble(error),
    }
}

/// The first Ctrl-C ends the epoch, the second one the program.
pub(crate) fn asked_to_stop(what: &'static str) -> Result<Arc<AtomicBool>, Fault> {
    let stop = Arc::new(AtomicBool::new(false));
    let (flag, presses) = (stop.clone(), AtomicUsize::new(0));
    ctrlc::set_handler(move || {
        if presses.fetch_add(1, Ordering::Relaxed) > 0 {
            std::process::exit(130);
        }
        flag.store(true, Ordering::Relaxed);
        eprintln!("\n{what}; press Ctrl-C again to stop at once");
    })
    .map_err(|e| Fault::trouble(format_args!("cannot listen to Ctrl-C: {e}")))?;
    Ok(stop)
}

/// Bytes that the system can still give, within the container's limit where there is one.
pub(crate) fn free_memory() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let free = system.cgroup_limits().map_or(u64::MAX, |c| c.free_memory).min(system.available_memory());
    (free > 0).then_some(free)
}

/// Today as year-month-day, in universal time.
pub(crate) fn today() -> String {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let [year, month, day] = civil(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The date of a number of days after 1970-01-01 (Howard Hinnant, `civil_from_days`,
/// <https://howardhinnant.github.io/date_algorithms.html>).
fn civil(days: u64) -> [u64; 3] {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    [year_of_era + era * 400 + u64::from(month <= 2), month, day]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), [1970, 1, 1]);
        assert_eq!(civil(19_782), [2024, 2, 29]);
        assert_eq!(civil(20_778), [2026, 11, 21]);
    }
}
