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
    after_help = "Examples:\n  semio predict runs/first/bundle picture.png\n  semio predict runs/first/bundle folder/ 'more/*.jpg' list.csv -o results.csv\n  semio predict runs/first/bundle series.dcm --frame all -o results.csv\n  find . -name '*.png' | semio predict runs/first/bundle - -o results.jsonl"
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
        let (mut done, mut bad, mut first_frames) = (0usize, 0usize, 0usize);
        // The file whose frames are being predicted, where it is one of several and all are wanted.
        let mut whole: Option<Whole> = None;
        let all = self.lists.wants_all_frames();
        let failed =
            semio_train::predict_files(&predictor, inputs, threads, self.batch_size, |input, frames, result| {
                done += 1;
                bad += usize::from(result.is_err());
                first_frames += usize::from(input.frame.is_none() && frames > 1);
                bar.inc(1);
                let mut write = || {
                    if let Some(ended) = whole.take_if(|whole| whole.ends_before(&input)) {
                        writer.write_whole(&ended)?;
                    }
                    writer.write(&input, &result)
                };
                let written = write();
                if all {
                    Whole::add(&mut whole, &input, result);
                }
                match written {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            });
        bar.finish_and_clear();
        let mut end = || {
            if let Some(whole) = whole.take() {
                writer.write_whole(&whole)?;
            }
            writer.end()
        };
        match failed.map_or_else(&mut end, Err) {
            // Whoever reads the results, such as `head`, has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            other => other.map_err(|e| self.unwritable(&e))?,
        }
        if done == 0 {
            return Err(Fault::trouble("there is no picture to predict").help("check the folder or the pattern"));
        }
        if let (Some(path), false) = (&self.output, self.quiet) {
            let what = if all { "pictures (each frame is one)" } else { "files" };
            println!("predicted {} of {} {what}", count(done - bad), count(done));
            println!("results   {}", path.display());
        }
        if first_frames > 0 && !self.quiet {
            let have = if first_frames == 1 { "file has" } else { "files have" };
            eprintln!(
                "note: {} {have} several frames, and the first was read; --frame all reads each, --frame N another one",
                count(first_frames)
            );
        }
        if bad > 0 {
            let what = if all { "pictures" } else { "files" };
            eprintln!(
                "error: {} of {} {what} could not be read; the results name each with its reason",
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

/// The frames of one file, as they come.
struct Whole {
    /// The file's name.
    name: String,
    file: PathBuf,
    frames: usize,
    /// The frames that count: those that could be read and that the model knows such pictures as.
    counted: Vec<Prediction>,
    refused: usize,
}

impl Whole {
    /// Whether this picture is no further frame of the file.
    fn ends_before(&self, input: &Input) -> bool {
        input.file != self.file || input.frame.is_none_or(|frame| frame.get() == 1)
    }

    /// Takes a frame's result in.
    fn add(whole: &mut Option<Self>, input: &Input, result: Result<Prediction, LoadError>) {
        let Some(frame) = input.frame else { return };
        let end = input.name.len() - (1 + frame.to_string().len());
        let whole = whole.get_or_insert_with(|| Self {
            name: input.name[..end].to_owned(),
            file: input.file.clone(),
            frames: 0,
            counted: vec![],
            refused: 0,
        });
        whole.frames += 1;
        match result {
            Ok(p) if matches!(p.outcome, Worth::Refused(_)) => whole.refused += 1,
            Ok(p) => whole.counted.push(p),
            Err(_) => {}
        }
    }

    /// What the row says of itself.
    fn reason(&self) -> String {
        let unread = self.frames - self.counted.len() - self.refused;
        let mut left_out = vec![];
        if self.refused > 0 {
            left_out.push(format!("{} refused", count(self.refused)));
        }
        if unread > 0 {
            left_out.push(format!("{} not readable", count(unread)));
        }
        if self.counted.is_empty() {
            return format!("none of {} frames can be judged: {}", count(self.frames), left_out.join(", "));
        }
        let left_out = if left_out.is_empty() { String::new() } else { format!(" ({})", left_out.join(", ")) };
        format!(
            "mean of the probabilities of {} of {} frames{left_out}; not calibrated for whole files",
            count(self.counted.len()),
            count(self.frames)
        )
    }
}

/// One row of results.
struct Row {
    name: String,
    class: Option<String>,
    confidence: Option<f64>,
    probabilities: Option<Vec<f64>>,
    set: Option<String>,
    novelty: Option<f64>,
    outcome: &'static str,
    reason: String,
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
            Form::Sentence => self.line(&self.sentence(input, result)),
            _ => self.row(&self.of(input, result)),
        }
    }

    /// Writes what the frames of a file say together.
    fn write_whole(&mut self, whole: &Whole) -> io::Result<()> {
        let (class, probabilities) = self.predictor.together(&whole.counted).unzip();
        let row = Row {
            name: whole.name.clone(),
            class: class.map(|class| self.classes[class].clone()),
            confidence: class.zip(probabilities.as_ref()).map(|(class, p)| p[class]),
            outcome: match probabilities {
                Some(_) => "mean",
                None if whole.refused > 0 => "refused",
                None => "error",
            },
            probabilities,
            set: None,
            novelty: None,
            reason: whole.reason(),
        };
        self.row(&row)
    }

    fn of(&self, input: &Input, result: &Result<Prediction, LoadError>) -> Row {
        let name = input.name.clone();
        match result {
            Ok(p) => {
                let (class, confidence) = self.shown(p);
                Row {
                    name,
                    class,
                    confidence,
                    probabilities: Some(p.probabilities.clone()),
                    set: self.set(p),
                    novelty: p.novelty,
                    outcome: p.outcome.name(),
                    reason: p.outcome.reason().into(),
                }
            }
            Err(error) => Row {
                name,
                class: None,
                confidence: None,
                probabilities: None,
                set: None,
                novelty: None,
                outcome: "error",
                reason: error.to_string(),
            },
        }
    }

    fn row(&mut self, row: &Row) -> io::Result<()> {
        if self.form == Form::JsonLines {
            return self.line(&self.object(row));
        }
        let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        let mut fields = vec![row.name.clone(), row.class.clone().unwrap_or_default(), number(row.confidence)];
        fields.extend((0..self.classes.len()).map(|i| number(row.probabilities.as_ref().map(|p| p[i]))));
        fields.extend([row.set.clone().unwrap_or_default(), number(row.novelty)]);
        fields.extend([row.outcome.into(), row.reason.clone()]);
        self.record(&fields)
    }

    fn record(&mut self, fields: &[String]) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(vec![]);
        csv.write_record(fields)?;
        let bytes = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
        self.sink.write_all(&bytes)
    }

    fn object(&self, row: &Row) -> String {
        let mut object = serde_json::Map::new();
        object.insert("file".into(), row.name.clone().into());
        object.insert("class".into(), row.class.clone().into());
        object.insert("confidence".into(), row.confidence.into());
        for (i, class) in self.classes.iter().enumerate() {
            object.insert(format!("p_{class}"), row.probabilities.as_ref().map(|p| p[i]).into());
        }
        object.insert("set".into(), row.set.clone().into());
        object.insert("novelty".into(), row.novelty.into());
        object.insert("outcome".into(), row.outcome.into());
        object.insert("reason".into(), row.reason.clone().into());
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

    fn end(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
