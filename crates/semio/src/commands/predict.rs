use std::{
    fs::File,
    io::{self, BufWriter, Write},
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use semio_model::{Outcome as Worth, Prediction, Predictor};
use semio_train::{Input, LoadError};

use crate::{
    Outcome,
    commands::evaluate::cores,
    fault::Fault,
    inputs::{self, InputFlags},
    prevalence,
    progress::{bar, count},
};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  semio predict runs/first/bundle picture.png\n  semio predict runs/first/bundle folder/ 'more/*.jpg' list.csv -o results.csv\n  find . -name '*.png' | semio predict runs/first/bundle - -o results.jsonl"
)]
pub(crate) struct Predict {
    /// Bundle: the folder or .zip that `semio train` wrote
    bundle: PathBuf,
    /// Pictures, folders, patterns such as 'a/*.png', CSV lists, or - for names on standard input
    #[arg(required = true)]
    paths: Vec<String>,
    /// Results; the ending decides: .csv or .jsonl (JSON lines)
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Rate at which the set of classes holds the true one [default: as the bundle was trained]
    #[arg(long, value_name = "RATE")]
    coverage: Option<f64>,
    /// Frequencies of the classes at your site, such as ill=0.02,healthy=0.98 [default: those of the calibration pictures]
    #[arg(long, value_name = "SHARES")]
    prevalence: Option<String>,
    #[command(flatten)]
    lists: InputFlags,
    /// Prints JSON lines
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Sentence,
    Csv,
    JsonLines,
}

impl Predict {
    pub(crate) fn run(self) -> Outcome {
        let mut predictor = Predictor::open(&self.bundle, &burn::tensor::Device::flex())?;
        self.adapt(&mut predictor)?;
        let (inputs, known) = inputs::inputs(&self.paths, &self.lists)?;
        let form = self.form(known)?;
        let sink: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(BufWriter::new(File::create(path).map_err(|e| Fault::file("write", path, e))?)),
            None => Box::new(io::stdout().lock()),
        };
        let mut writer = ResultWriter::new(sink, form, &predictor).map_err(|e| self.unwritable(&e))?;
        if let (Some(shares), false) = (prevalence::words(&predictor), self.quiet) {
            eprintln!("note: probabilities are adjusted to these class frequencies: {shares}");
        }
        let bar = bar(known.unwrap_or(0), "predicting", self.quiet || self.output.is_none());
        let threads = if self.threads == 0 { cores() } else { self.threads };
        let (mut done, mut bad) = (0usize, 0usize);
        let failed = semio_train::predict_files(&predictor, inputs, threads, self.batch_size, |input, result| {
            done += 1;
            bad += usize::from(result.is_err());
            bar.inc(1);
            match writer.write(&input, &result) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        });
        bar.finish_and_clear();
        match failed.map_or_else(|| writer.end(), Err) {
            // Whoever reads the results, such as `head`, has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            other => other.map_err(|e| self.unwritable(&e))?,
        }
        if done == 0 {
            return Err(Fault::trouble("there is no picture to predict").help("check the folder or the pattern"));
        }
        if let (Some(path), false) = (&self.output, self.quiet) {
            println!("predicted {} of {} files", count(done - bad), count(done));
            println!("results   {}", path.display());
        }
        if bad > 0 {
            eprintln!(
                "error: {} of {} files could not be read; the results name each with its reason",
                count(bad),
                count(done)
            );
        }
        Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Takes the coverage and the class frequencies that were asked for.
    fn adapt(&self, predictor: &mut Predictor) -> Result<(), Fault> {
        if self.coverage.is_some() && predictor.manifest().calibration.is_none() {
            return Err(Fault::usage("the bundle is not calibrated")
                .help("train it again with a validation part: --coverage rests on pictures kept for calibration"));
        }
        if let Some(coverage) = self.coverage {
            predictor
                .set_coverage(coverage)
                .map_err(|e| Fault::usage(e).help("give a rate such as --coverage 0.95"))?;
        }
        if let Some(text) = &self.prevalence {
            prevalence::adapt(predictor, text)?;
        }
        Ok(())
    }

    fn unwritable(&self, error: &io::Error) -> Fault {
        match &self.output {
            Some(path) => Fault::file("write the results", path, error),
            None => Fault::trouble(format_args!("cannot write the results: {error}")),
        }
    }

    fn form(&self, known: Option<usize>) -> Result<Form, Fault> {
        let ending = self.output.as_ref().map(|p| p.extension().unwrap_or_default().to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("csv") => Ok(Form::Csv),
            Some("jsonl" | "ndjson" | "json") => Ok(Form::JsonLines),
            Some(_) => Err(Fault::usage("the results' form is unknown").help("end the file's name in .csv or .jsonl")),
            None if self.json => Ok(Form::JsonLines),
            None if known == Some(1) => Ok(Form::Sentence),
            None => Ok(Form::Csv),
        }
    }
}

/// Writes one result after another, as a sentence, a CSV row or a JSON line.
struct ResultWriter<'a> {
    form: Form,
    predictor: &'a Predictor,
    classes: &'a [String],
    sink: Box<dyn Write>,
}

impl<'a> ResultWriter<'a> {
    fn new(sink: Box<dyn Write>, form: Form, predictor: &'a Predictor) -> io::Result<Self> {
        let classes = &predictor.manifest().classes;
        let mut writer = Self { form, predictor, classes, sink };
        if form == Form::Csv {
            let probabilities = classes.iter().map(|c| format!("p_{c}"));
            let head = ["file", "class", "confidence"].map(String::from);
            let tail = ["set", "novelty", "outcome", "reason"].map(String::from);
            let header: Vec<String> = head.into_iter().chain(probabilities).chain(tail).collect();
            writer.record(&header)?;
        }
        Ok(writer)
    }

    fn write(&mut self, input: &Input, result: &Result<Prediction, LoadError>) -> io::Result<()> {
        match self.form {
            Form::Csv => self.row(input, result),
            Form::JsonLines => self.line(&self.object(input, result)),
            Form::Sentence => self.line(&self.sentence(input, result)),
        }
    }

    fn row(&mut self, input: &Input, result: &Result<Prediction, LoadError>) -> io::Result<()> {
        let mut row = vec![input.name.clone()];
        match result {
            Ok(p) => {
                let (class, confidence) = self.shown(p);
                row.extend([class.unwrap_or_default(), confidence.map_or_else(String::new, |c| c.to_string())]);
                row.extend(p.probabilities.iter().map(f64::to_string));
                row.extend([self.set(p).unwrap_or_default(), p.novelty.map_or_else(String::new, |n| n.to_string())]);
                row.extend([p.outcome.name().into(), p.outcome.reason().into()]);
            }
            Err(error) => {
                row.extend(std::iter::repeat_n(String::new(), 4 + self.classes.len()));
                row.extend(["error".into(), error.to_string()]);
            }
        }
        self.record(&row)
    }

    fn record(&mut self, fields: &[String]) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(vec![]);
        csv.write_record(fields)?;
        let bytes = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
        self.sink.write_all(&bytes)
    }

    fn object(&self, input: &Input, result: &Result<Prediction, LoadError>) -> String {
        let mut object = serde_json::Map::new();
        object.insert("file".into(), input.name.clone().into());
        let prediction = result.as_ref().ok();
        let (class, confidence) = prediction.map_or((None, None), |p| self.shown(p));
        object.insert("class".into(), class.into());
        object.insert("confidence".into(), confidence.into());
        for (i, class) in self.classes.iter().enumerate() {
            object.insert(format!("p_{class}"), prediction.map(|p| p.probabilities[i]).into());
        }
        object.insert("set".into(), prediction.and_then(|p| self.set(p)).into());
        object.insert("novelty".into(), prediction.and_then(|p| p.novelty).into());
        let (outcome, reason) = match result {
            Ok(p) => (p.outcome.name(), p.outcome.reason().to_owned()),
            Err(error) => ("error", error.to_string()),
        };
        object.insert("outcome".into(), outcome.into());
        object.insert("reason".into(), reason.into());
        serde_json::Value::Object(object).to_string()
    }

    /// Class and probability, which a refused picture has not.
    fn shown(&self, p: &Prediction) -> (Option<String>, Option<f64>) {
        match p.outcome {
            Worth::Refused(_) => (None, None),
            _ => (Some(self.classes[p.class].clone()), Some(p.confidence())),
        }
    }

    /// The classes that the picture may be of, joined by `|`; none where the bundle is not calibrated.
    fn set(&self, p: &Prediction) -> Option<String> {
        let names = |set: &Vec<usize>| set.iter().map(|&c| self.classes[c].as_str()).collect::<Vec<_>>().join("|");
        p.set.as_ref().map(names)
    }

    fn sentence(&self, input: &Input, result: &Result<Prediction, LoadError>) -> String {
        let p = match result {
            Ok(p) => p,
            Err(error) => return format!("no result: {error}"),
        };
        let said = match p.outcome {
            Worth::Refused(_) => format!("refused: {}", p.outcome.reason()),
            Worth::Unsure(_) => format!("not sure: {}", p.outcome.reason()),
            Worth::Answered => format!("the model's result suggests {}", self.classes[p.class]),
        };
        let mut lines = vec![format!("{}: {said}", input.name), String::new()];
        if !matches!(p.outcome, Worth::Refused(_)) {
            let mut order: Vec<usize> = (0..self.classes.len()).collect();
            order.sort_by(|&a, &b| p.probabilities[b].total_cmp(&p.probabilities[a]));
            let width = self.classes.iter().map(|c| c.chars().count()).max().unwrap_or(0);
            lines.extend(order.iter().map(|&i| format!("  {:<width$}  {:.3}", self.classes[i], p.probabilities[i])));
            lines.extend([String::new(), self.certainty(p), String::new()]);
        }
        lines.push("Research software. Not a medical device.".into());
        lines.join("\n")
    }

    /// What the probability is worth, by the pictures that it was checked on.
    fn certainty(&self, p: &Prediction) -> String {
        let Some(calibration) = &self.predictor.manifest().calibration else {
            return "The probabilities are the network's own and not calibrated.".into();
        };
        let set = p.set.as_deref().unwrap_or_default();
        let names: Vec<&str> = set.iter().map(|&c| self.classes[c].as_str()).collect();
        let coverage = 100.0 * calibration.conformal.coverage;
        let checked = calibration.evidence.labels.len();
        let set = match names.as_slice() {
            [] => "no class is likely enough".to_owned(),
            names => format!("the picture is of {}", names.join(" or ")),
        };
        let class = &self.classes[p.class];
        let experience = match (self.predictor.experience(p), self.predictor.prevalence()) {
            (Some(bin), _) => format!(
                "Of {} pictures to which it gave {class} with such a probability, {:.0} were {class} (interval {:.0} to {:.0} %; \
                 checked on {} pictures).\n",
                count(bin.count as usize),
                bin.accuracy * bin.count as f64,
                100.0 * bin.low,
                100.0 * bin.high,
                count(checked)
            ),
            (None, Some(_)) => {
                "The probabilities are adjusted to the class frequencies that were stated for this place.\n".into()
            }
            (None, None) => String::new(),
        };
        format!("{experience}At a coverage of {coverage:.0} %: {set}.")
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.sink, "{text}")
    }

    fn end(mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
