use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use semio_data::{Purpose, Split};
use semio_model::Predictor;
use semio_train::{About, AtSite, Faith, Judged, Labelled, Language, Verdict};

use crate::{
    Outcome,
    commands::train::today,
    fault::Fault,
    flags::DataFlags,
    prevalence,
    progress::{bar, count},
};

#[derive(Args)]
#[command(
    after_help = "Example:\n  semio evaluate runs/first/bundle --data runs/first/split.csv --split test -o judged"
)]
pub(crate) struct Evaluate {
    /// Bundle: the folder or .zip that `semio train` wrote
    bundle: PathBuf,
    #[command(flatten)]
    data: DataFlags,
    /// Part of the data to judge
    #[arg(long, value_enum, default_value = "test")]
    split: Part,
    /// Columns whose values are judged apart, besides sex, age, source, view and device
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    subgroups: Vec<String>,
    /// Frequencies of the classes at your site, such as ill=0.02,healthy=0.98: predictive values are told for it, too
    #[arg(long, value_name = "SHARES")]
    prevalence: Option<String>,
    /// Folder for evaluation.json, predictions.csv and report.html
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: Option<PathBuf>,
    /// Language of the report
    #[arg(long, value_name = "CODE", default_value = "en", value_parser = ["en", "fr"])]
    language: String,
    /// Prints all figures as JSON
    #[arg(long)]
    json: bool,
    /// Prints no progress
    #[arg(short, long)]
    quiet: bool,
    /// Threads that read pictures [default: all cores]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    threads: usize,
    /// Pictures that the network reads at once
    #[arg(long, value_name = "N", default_value_t = 32)]
    batch_size: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Train,
    Val,
    Test,
    All,
}

impl Part {
    fn split(self) -> Option<Split> {
        match self {
            Self::Train => Some(Split::Train),
            Self::Val => Some(Split::Val),
            Self::Test => Some(Split::Test),
            Self::All => None,
        }
    }
}

impl Evaluate {
    pub(crate) fn run(self) -> Outcome {
        let Some(data) = &self.data.data else {
            return Err(Fault::usage("no data are named").help("add --data FOLDER or --data FILE.csv"));
        };
        let mut predictor = Predictor::open(&self.bundle, &burn::tensor::Device::flex())?;
        let quiet = self.quiet || self.json;
        let checking = bar(0, "checking", quiet);
        let options = self.data.options(Purpose::Train)?;
        let split = self.split.split();
        let kind = self.data.group_kind();
        let labelled = Labelled::open(data, &options, predictor.manifest(), split, kind, &|done, all| {
            checking.set_length(all as u64);
            checking.set_position(done as u64);
        })?;
        checking.finish_and_clear();
        if labelled.pictures.is_empty() {
            let part = split.map_or("all", Split::name);
            return Err(Fault::trouble(format_args!("the data hold no picture of the part `{part}`"))
                .at(data.display())
                .help("name the column with --split-column, take --split all, or use the run's split.csv"));
        }
        let threads = if self.threads == 0 { cores() } else { self.threads };
        let predicting = bar(labelled.pictures.len(), "judging", quiet);
        let judged = semio_train::judge_pictures(&predictor, &labelled.pictures, threads, self.batch_size, |done| {
            predicting.set_position(done as u64);
        })?;
        predicting.finish_and_clear();
        let about = About {
            samples: &labelled.samples,
            columns: &labelled.columns,
            subgroups: &self.subgroups,
            group_kind: labelled.group_kind,
        };
        let mut verdict = Verdict::new(predictor.manifest(), &judged, &about)?;
        verdict.seen = labelled.seen;
        verdict.gaze = semio_train::gaze_of(&predictor, &judged, &labelled.samples);
        verdict.faith = Faith::of(&predictor, &judged);
        verdict.parts_seen = semio_train::parts_seen(&predictor, &judged, &labelled.samples, threads, self.batch_size);
        if let Some(text) = &self.prevalence {
            // Adapted after judging: the pictures' own figures are those of the classes' frequencies among them.
            prevalence::adapt(&mut predictor, text)?;
            verdict.at_site = AtSite::new(&predictor, &judged.predictions)
                .map_err(|e| Fault::trouble(e).help("judge pictures of every class that the place has"))?;
        }
        if let Some(folder) = &self.output {
            self.write(folder, &predictor, &labelled, &judged, &verdict)?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&verdict)?);
        } else {
            print_figures(&verdict, split.map_or("all", Split::name), &labelled);
            if let Some(folder) = &self.output {
                println!("\nreport   {}", folder.join("report.html").display());
            }
        }
        let whole = labelled.unreadable.is_empty() && judged.unreadable.is_empty();
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn write(
        &self,
        folder: &Path,
        predictor: &Predictor,
        labelled: &Labelled,
        judged: &Judged,
        verdict: &Verdict,
    ) -> Result<(), Fault> {
        let name = self.bundle.display().to_string();
        let page = semio_train::evaluation_report(
            predictor,
            &name,
            labelled,
            self.split.split(),
            judged,
            verdict,
            &today(),
            Language::from_name(&self.language).unwrap_or_default(),
        )?;
        let json = serde_json::to_vec_pretty(verdict)?;
        let csv = semio_train::predictions_csv(judged)?;
        fs::create_dir_all(folder).map_err(|e| Fault::file("make the folder", folder, e))?;
        let files: [(&str, &[u8]); 3] =
            [("evaluation.json", &json), ("predictions.csv", &csv), ("report.html", page.as_bytes())];
        for (name, bytes) in files {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(|e| Fault::file("write", &path, e))?;
        }
        Ok(())
    }
}

/// Threads that the machine runs at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn print_figures(verdict: &Verdict, part: &str, labelled: &Labelled) {
    let evaluation = &verdict.evaluation;
    let figures = &evaluation.overall;
    println!("data     {}", labelled.report.to_string().replace("\n  ", "\n         "));
    for bad in &labelled.unreadable {
        println!("         left out: {} ({})", bad.name, bad.reason);
    }
    println!("judged   {part}: {} pictures", count(figures.n as usize));
    if let Some(seen) = labelled.seen {
        let [learned, chose] = [seen.learned_from, seen.chose].map(count);
        match (seen.learned_from, seen.chose) {
            (0, 0) => {}
            (0, _) => println!("         {chose} of them chose the model's epoch or say how sure it is"),
            _ => println!(
                "         the model learned from {learned} of them, and {chose} more chose its epoch or say how sure it is"
            ),
        }
    }
    let bounds = &verdict.intervals.figures;
    let line = |name: &str, metric: &semio_stats::Metric, interval: Option<semio_stats::Interval>| match metric {
        Ok(value) => {
            let interval = interval.map_or_else(String::new, |i| format!("  [{:.4}, {:.4}]", i.low, i.high));
            println!("  {name:<20} {value:>7.4}{interval}");
        }
        Err(reason) => println!("  {name:<20}       – ({reason})"),
    };
    line("accuracy", &figures.accuracy, bounds.accuracy);
    line("balanced accuracy", &figures.balanced_accuracy, bounds.balanced_accuracy);
    line("ROC AUC", &figures.roc_auc, bounds.roc_auc);
    line("PR AUC", &figures.pr_auc, bounds.pr_auc);
    line("log loss", &figures.log_loss, bounds.log_loss);
    line("kappa", &figures.kappa, bounds.kappa);
    line("MCC", &figures.mcc, bounds.mcc);
    let (n, groups) = (figures.n as usize, verdict.intervals.groups);
    let kind = verdict.intervals.group_kind.words();
    let drawn = if groups < n { format!("{} {kind}", count(groups)) } else { "pictures".to_owned() };
    println!("  (95 % intervals, bootstrap over {drawn})");
    if let Some(calibration) = &verdict.calibration {
        let state = if calibration.calibrated { "calibrated" } else { "not calibrated" };
        let (error, chance) = (calibration.equal_width.ece, calibration.by_chance.percentile_95);
        println!("\n  calibration error    {error:>7.4}  ({state}; chance alone reaches {chance:.4})");
    }
    if let Some(sets) = &verdict.sets {
        println!("  sets hold the truth  {:>7.4}  ({:.2} classes in the mean)", sets.coverage, sets.mean_size);
    }
    let outcomes = verdict.outcomes;
    let right = evaluation.selective.accuracy.map_or_else(|_| String::new(), |a| format!(", of which {a:.4} right"));
    println!(
        "  answered {}{right}; unsure {}, refused {}",
        count(outcomes.answered),
        count(outcomes.unsure),
        count(outcomes.refused)
    );
    print_parts(verdict);
    print_site(verdict);
    let width = evaluation.classes.iter().map(|c| c.chars().count()).max().unwrap_or(0).max(5);
    println!(
        "\n  {:<width$} {:>8} {:>10} {:>8} {:>12} {:>8}",
        "class", "pictures", "precision", "recall", "specificity", "F1"
    );
    let cell = |metric: &semio_stats::Metric| metric.as_ref().map_or_else(|_| "–".to_owned(), |v| format!("{v:.4}"));
    for (class, f) in &figures.per_class {
        println!(
            "  {class:<width$} {:>8} {:>10} {:>8} {:>12} {:>8}",
            f.support,
            cell(&f.precision),
            cell(&f.recall),
            cell(&f.specificity),
            cell(&f.f1)
        );
    }
    println!("\n  confusion matrix (rows: true class; columns: class given, in the same order)");
    for (class, row) in evaluation.classes.iter().zip(&figures.confusion_matrix) {
        let cells: Vec<String> = row.iter().map(|n| format!("{n:>7}")).collect();
        println!("  {class:<width$} {}", cells.join(""));
    }
}

/// What answers are worth at the place whose class frequencies were stated.
fn print_site(verdict: &Verdict) {
    let Some(site) = &verdict.at_site else { return };
    println!("\n  predictive values at the stated class frequencies");
    let cell = |metric: &semio_stats::Metric| metric.as_ref().map_or_else(|_| "–".to_owned(), |v| format!("{v:.4}"));
    let rows = verdict.evaluation.classes.iter().zip(&site.prevalence).zip(&site.predictive_values);
    for ((class, share), values) in rows {
        println!(
            "  {class:<20} frequency {share}  positive {}  negative {}",
            cell(&values.positive),
            cell(&values.negative)
        );
    }
}

/// Subgroups, leaks and maps beside masks, where there are any.
fn print_parts(verdict: &Verdict) {
    let figure = |f: &semio_stats::Bounded| match (f.value, f.interval) {
        (Ok(v), Some(i)) => format!("{v:.3} [{:.3}, {:.3}]", i.low, i.high),
        (Ok(v), None) => format!("{v:.3}"),
        (Err(_), _) => "–".to_owned(),
    };
    let line = |name: &str, few: bool, f: &semio_stats::PartFigures| {
        let mark = if few { "  (few pictures)" } else { "" };
        println!("  {name:<20} n {:>5}  accuracy {}  AUC {}{mark}", f.n, figure(&f.accuracy), figure(&f.roc_auc));
    };
    if let Some(leak) = &verdict.leak {
        println!("\n  leak accepted: pictures that an earlier part knows, and the others");
        line("known", false, &leak.touched);
        line("not known", false, &leak.untouched);
    }
    if let Some(seen) = &verdict.parts_seen {
        println!("\n  the same pictures seen whole, and what lies inside and outside of their masks alone");
        line("whole", false, &seen.whole);
        line("inside", false, &seen.inside);
        line("outside", false, &seen.outside);
    }
    for of in &verdict.subgroups {
        println!("\n  by {}", of.column);
        for row in &of.rows {
            line(&String::from(row.value.clone()), row.few, &row.figures);
        }
    }
    if let Some(gaze) = verdict.gaze.as_ref().filter(|gaze| gaze.pictures > 0) {
        println!(
            "\n  {} map largest inside the mask for {} of {} rightly given pictures; {:.1} % of the map outside (masks cover {:.1} %)",
            gaze.method,
            gaze.hits,
            gaze.pictures,
            100.0 * (1.0 - gaze.share_inside),
            100.0 * gaze.mask_area
        );
    }
}
