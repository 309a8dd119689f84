use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use semio_train::{
    Place, Recipe,
    tune::{Happening, Method, Search, Searched, Space, State, Trial, tune},
};

use crate::{
    Outcome,
    commands::train::{Watch, asked_to_stop, describe_data, free_memory, open, today},
    fault::Fault,
    flags::{RecipeFlags, for_command, read_table, recipe_of, with_nearest},
    progress::duration,
    weights::WeightFlags,
};

/// A search for a good recipe.
#[derive(Args)]
#[command(
    after_help = "The file is a recipe with a table of what is to be tried:\n\n  [search]\n  trials = 30\n\n  [space]\n  model = [\"resnet18\", \"mobilenet_v2\"]\n  learning-rate = { from = 1e-4, to = 1e-2, scale = \"log\" }\n  batch-size = [8, 16, 32]\n\nExample:\n  semio tune examples/tune-brain.toml --data pictures/labels.csv -o runs/search\n\nThe same command goes on where it was interrupted; with more --trials it searches on."
)]
pub(crate) struct Tune {
    /// A recipe with [search] and [space]
    file: PathBuf,
    /// Folder of the search: journal, table, report, best.toml
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: PathBuf,
    /// Points to try [default: 20, or `trials` in the file]
    #[arg(long, value_name = "N")]
    trials: Option<usize>,
    /// How points are chosen [default: tpe, or `method` in the file]
    #[arg(long, value_enum)]
    method: Option<Way>,
    /// Trains every trial to its end
    #[arg(long)]
    no_pruning: bool,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
    /// Prints the result only
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    flags: RecipeFlags,
    #[command(flatten)]
    weights: WeightFlags,
}

#[derive(Clone, Copy, ValueEnum)]
enum Way {
    /// By what the trials so far have shown
    Tpe,
    /// By chance
    Random,
}

impl Tune {
    pub(crate) fn run(self) -> Outcome {
        let (search, recipe) = self.search()?;
        let quiet = self.quiet || self.json;
        let dataset = open(&recipe, quiet)?;
        if !quiet {
            describe_data(&dataset, &|text| println!("{text}"));
        }
        let stop = asked_to_stop("ending this epoch; the same command goes on from there")?;
        let device = burn::tensor::Device::flex();
        let today = today();
        let place = Place {
            folder: &self.output,
            resume: false,
            device: &device,
            today: &today,
            memory: free_memory(),
            weights: None,
            features: None,
        };
        let find = |recipe: &Recipe| {
            let file = recipe.weights.as_deref().map(|w| self.weights.locate(w, &recipe.model, quiet));
            file.transpose().map_err(|fault| fault.line_with_place())
        };
        let mut watch: Option<Watch> = None;
        let mut see = |happening: Happening<'_>| match happening {
            Happening::Begins { number, of, keys, recipe } => {
                if !quiet {
                    println!("\ntrial {} of {of}: {}", number + 1, listed(keys));
                }
                watch = Some(Watch::new(recipe, quiet));
            }
            Happening::Event(event) => {
                if let Some(watch) = &mut watch {
                    watch.see(&event);
                }
            }
            Happening::Ended(trial, leads) => {
                if let Some(watch) = watch.take() {
                    watch.end();
                }
                if !quiet {
                    println!("{}{}", line(trial, &recipe.monitor), if leads { ", the best so far" } else { "" });
                }
            }
        };
        let searched = tune(&search, &dataset, &place, &find, &mut see, &stop)?;
        self.conclude(&searched, &recipe.monitor)?;
        Ok(if searched.best.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn search(&self) -> Result<(Search, Recipe), Fault> {
        let mut base = read_table(&self.file)?;
        for_command("tune", &base, &self.file)?;
        let wrong = |what: String| Fault::usage(what).at(self.file.display());
        let space = match base.remove("space") {
            Some(toml::Value::Table(space)) => space,
            None => toml::Table::new(),
            Some(_) => return Err(wrong("`space` must be a table".into())),
        };
        let space = Space::new(&space).map_err(|e| wrong(e.to_string()))?;
        let mut said = match base.remove("search") {
            Some(toml::Value::Table(search)) => search,
            None => toml::Table::new(),
            Some(_) => return Err(wrong("`search` must be a table".into())),
        };
        let trials = match said.remove("trials") {
            None => 20,
            Some(toml::Value::Integer(n)) if n > 0 => n as usize,
            Some(other) => return Err(wrong(format!("[search] trials = {other}: must be a number above 0"))),
        };
        let method = match said.remove("method") {
            None => Method::Tpe,
            Some(value) => value
                .clone()
                .try_into()
                .map_err(|_| wrong(format!("[search] method = {value}: must be tpe or random")))?,
        };
        let pruning = match said.remove("pruning") {
            None => true,
            Some(toml::Value::Boolean(pruning)) => pruning,
            Some(other) => return Err(wrong(format!("[search] pruning = {other}: must be true or false"))),
        };
        if let Some(key) = said.keys().next() {
            return Err(wrong(format!("[search] {key}: there are trials, method and pruning")));
        }
        let recipe = recipe_of(base.clone(), &self.flags, Some(&self.file))?;
        base.extend(toml::Table::try_from(&self.flags)?);
        space.check(&base).map_err(|e| wrong(with_nearest(&e.to_string())))?;
        // What every trial would lack is better told before the first.
        if !["model", "weights"].iter().any(|key| space.has(key))
            && let Some(weights) = recipe.weights.as_deref()
        {
            self.weights.locate(weights, &recipe.model, self.quiet || self.json)?;
        }
        let search = Search {
            base,
            space,
            trials: self.trials.unwrap_or(trials),
            method: match self.method {
                Some(Way::Tpe) => Method::Tpe,
                Some(Way::Random) => Method::Random,
                None => method,
            },
            pruning: pruning && !self.no_pruning,
            seed: recipe.seed,
        };
        Ok((search, recipe))
    }

    fn conclude(&self, searched: &Searched, monitor: &str) -> Result<(), Fault> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(searched).map_err(Fault::trouble)?);
            return Ok(());
        }
        let ended = |state| searched.trials.iter().filter(|t| t.state == state).count();
        println!(
            "\nsearched {} trials: {} to the end, {} ended early, {} failed",
            searched.trials.len(),
            ended(State::Done),
            ended(State::Pruned),
            ended(State::Failed),
        );
        if let Some(best) = searched.best.and_then(|n| searched.trials.get(n)) {
            println!("best     {}", line(best, monitor));
            println!("         {}", listed(&best.keys));
        }
        println!("table    {}", self.output.join("trials.csv").display());
        println!("report   {}", self.output.join("report.html").display());
        if searched.asked_to_end {
            println!("next     the same command again goes on where it was interrupted");
        } else if searched.best.is_some() {
            println!("next     semio train {} -o RUN", searched.recipe.display());
        }
        Ok(())
    }
}

fn listed(keys: &toml::Table) -> String {
    let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    keys.join(", ")
}

fn line(trial: &Trial, monitor: &str) -> String {
    let number = trial.number + 1;
    if let Some(problem) = &trial.problem {
        return format!("trial {number} failed: {problem}");
    }
    let score = trial.score.map_or_else(|| "–".to_owned(), |s| format!("{:.4}", s.abs()));
    let ending = match trial.state {
        State::Pruned => format!("ended early after {} epochs", trial.epochs),
        _ => format!("{} epochs", trial.epochs),
    };
    format!("trial {number}: {monitor} {score}, {ending}, {}", duration(trial.seconds))
}
