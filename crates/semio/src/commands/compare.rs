use std::{collections::HashSet, path::PathBuf, process::ExitCode};

use clap::Args;
use semio_train::{
    DATA_KEYS, Dataset, Place, Recipe,
    compare::{Comparison, Contestant, Finding, Happening, Paired, PairedTest, Standing, compare},
};

use crate::{
    Outcome,
    commands::train::{Watch, asked_to_stop, describe_data, free_memory, judge_next, open, today},
    fault::Fault,
    flags::{RecipeFlags, for_command, read_table, recipe_of},
    progress::duration,
    weights::WeightFlags,
};

/// Many networks under one protocol.
#[derive(Args)]
#[command(
    after_help = "Example:\n  semio compare examples/compare-fifteen.toml --data pictures/labels.csv -o runs/fifteen\n\nThe same command goes on where it was interrupted."
)]
pub(crate) struct Compare {
    /// A recipe with `models = ["resnet18", …]`, or with a `[[models]]` table of keys a network
    file: PathBuf,
    /// Folder of the comparison: one run a network, table, report
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: PathBuf,
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

impl Compare {
    pub(crate) fn run(self) -> Outcome {
        let contestants = self.contestants()?;
        let quiet = self.quiet || self.json;
        let first = &contestants[0].recipe;
        let dataset = open(first, quiet)?;
        if !quiet {
            describe_data(&dataset, &|text| println!("{text}"));
            println!("networks {}", contestants.len());
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
        let mut watch: Option<(String, Watch)> = None;
        let mut see = |contestant: &Contestant, happening: Happening<'_>| match happening {
            Happening::Event(event) => {
                if watch.as_ref().is_none_or(|(name, _)| *name != contestant.name) {
                    if !quiet {
                        println!("\n{}", contestant.name);
                    }
                    watch = Some((contestant.name.clone(), Watch::new(&contestant.recipe, quiet)));
                }
                if let Some((_, watch)) = &mut watch {
                    watch.see(&event);
                }
            }
            Happening::Done(standing) => {
                if let Some((_, watch)) = watch.take() {
                    watch.end();
                }
                if !quiet {
                    println!("{}", line(standing));
                }
            }
        };
        let comparison = compare(&contestants, &dataset, &place, &find, &mut see, &stop)?;
        self.conclude(&comparison, &dataset)?;
        let any = comparison.standings.iter().any(|s| s.failed.is_some());
        Ok(if any { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// The file's networks, each with its recipe: the file's keys, under the network's own, under the flags.
    fn contestants(&self) -> Result<Vec<Contestant>, Fault> {
        let mut base = read_table(&self.file)?;
        for_command("compare", &base, &self.file)?;
        let wrong = |what: &str| {
            Fault::usage(what).at(self.file.display()).help(
                "write models = [\"resnet18\", \"vgg11\"], or [[models]] tables with `model = …` and what else differs",
            )
        };
        let models = match base.remove("models") {
            Some(toml::Value::Array(models)) if !models.is_empty() => models,
            _ => return Err(wrong("the file names no networks to compare")),
        };
        let mut names = HashSet::new();
        let mut contestants = vec![];
        for entry in models {
            let mut own = match entry {
                toml::Value::String(model) => toml::Table::from_iter([("model".to_owned(), model.into())]),
                toml::Value::Table(table) => table,
                _ => return Err(wrong("a network is neither a name nor a table of keys")),
            };
            let named = own.remove("name").and_then(|n| n.as_str().map(str::to_owned));
            if let Some(key) = own.keys().find(|key| DATA_KEYS.contains(&key.as_str()) || *key == "seed") {
                return Err(wrong(&format!("{key} must be the same for all networks; put it before them")));
            }
            let mut keys = base.clone();
            keys.extend(own);
            let recipe = recipe_of(keys, &self.flags, Some(&self.file))?;
            let name = named.unwrap_or_else(|| recipe.model.clone());
            let plain = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
            if !name.chars().all(plain) || name.starts_with('.') || name.is_empty() || name == "features" {
                return Err(wrong(&format!("`{name}` cannot be a folder's name; use letters, digits, - and _")));
            }
            if !names.insert(name.clone()) {
                return Err(wrong(&format!("two networks are called {name}; give one of them another `name`")));
            }
            contestants.push(Contestant { name, recipe });
        }
        Ok(contestants)
    }

    fn conclude(&self, comparison: &Comparison, dataset: &Dataset) -> Result<(), Fault> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(comparison).map_err(Fault::trouble)?);
            return Ok(());
        }
        println!();
        for (rank, standing) in comparison.standings.iter().enumerate() {
            println!("{:>3}. {}", rank + 1, line(standing));
        }
        print_tests(&comparison.tests);
        println!("\ntable    {}", self.output.join("comparison.csv").display());
        println!("report   {}", self.output.join("report.html").display());
        if comparison.asked_to_end {
            println!("next     the same command again goes on where it was interrupted");
        } else if let Some(best) = comparison.standings.first().filter(|s| s.failed.is_none()) {
            let run = self.output.join(&best.name);
            let bundle = run.join("bundle");
            // A cross-validation leaves one network a fold, and none to go on with.
            if bundle.is_dir() {
                println!("next     {}", judge_next(dataset, &bundle, &run));
            }
        }
        Ok(())
    }
}

/// Which differences from the best the paired tests support.
fn print_tests(tests: &[PairedTest]) {
    let Some(best) = tests.first().map(|t| &t.against) else { return };
    println!("\nagainst {best}, on the same pictures (paired tests, corrected for their number)");
    let said = |paired: Option<&Paired>, places: usize, factor: f64| {
        let Some(paired) = paired else { return "cannot be compared".to_owned() };
        let p = match paired.p_corrected {
            None => "nothing differs".to_owned(),
            Some(p) if p < 0.001 => "p < 0.001".to_owned(),
            Some(p) => format!("p {p:.3}"),
        };
        let finding = match paired.finding {
            Finding::Worse => "worse",
            Finding::Better => "better",
            Finding::NoDifferenceShown => "no difference shown",
        };
        format!("{finding} ({:+.places$}, {p})", factor * paired.difference)
    };
    for t in tests {
        let (area, share) = (said(t.roc_auc.as_ref(), 3, 1.0), said(t.accuracy.as_ref(), 1, 100.0));
        println!("     {:<20} AUC {area}; accuracy in points {share}", t.name);
    }
}

fn line(s: &Standing) -> String {
    if let Some(problem) = &s.failed {
        return format!("{:<20} failed: {problem}", s.name);
    }
    let figure = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    let interval = s.roc_auc_interval.map_or_else(String::new, |i| format!(" ({:.3} to {:.3})", i.low, i.high));
    format!(
        "{:<20} AUC {}{interval}, accuracy {}, trained in {}, {:.0} pictures a second",
        s.name,
        figure(s.roc_auc),
        figure(s.accuracy),
        duration(s.training_seconds),
        s.pictures_per_second,
    )
}
