use std::{
    fs::File,
    io::{self, BufRead, BufWriter, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use semio_data::{Manifest, Purpose};
use semio_model::{Prediction, Predictor};
use semio_train::{Input, LoadError};

use crate::{
    Outcome,
    commands::evaluate::cores,
    fault::Fault,
    flags::DataFlags,
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
    /// CSV lists: column with the file's path [default: file]
    #[arg(long, value_name = "NAME")]
    file_column: Option<String>,
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
        let predictor = Predictor::open(&self.bundle, &burn::tensor::Device::flex())?;
        let (inputs, known) = self.inputs()?;
        let form = self.form(known)?;
        let sink: Box<dyn Write> = match &self.output {
            Some(path) => Box::new(BufWriter::new(File::create(path).map_err(|e| Fault::file("write", path, e))?)),
            None => Box::new(io::stdout().lock()),
        };
        let classes = &predictor.manifest().classes;
        let mut writer = ResultWriter::new(sink, form, classes).map_err(|e| self.unwritable(&e))?;
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

    /// The files in the order of the paths, and how many there are where that is known beforehand.
    #[expect(clippy::type_complexity, reason = "a list and its length, used once")]
    fn inputs(&self) -> Result<(Box<dyn Iterator<Item = Input> + Send>, Option<usize>), Fault> {
        if self.paths == ["-"] {
            let lines = io::BufReader::new(io::stdin()).lines();
            let names =
                lines.map_while(Result::ok).map(|l| l.trim_end_matches('\r').to_owned()).filter(|l| !l.is_empty());
            return Ok((Box::new(names.map(file)), None));
        }
        let mut inputs = vec![];
        for path in &self.paths {
            if path == "-" {
                return Err(Fault::usage("- stands for all names on standard input and cannot be mixed with paths"));
            }
            self.expand(path, &mut inputs)?;
        }
        let known = inputs.len();
        Ok((Box::new(inputs.into_iter()), Some(known)))
    }

    fn expand(&self, text: &str, inputs: &mut Vec<Input>) -> Result<(), Fault> {
        let path = Path::new(text);
        let is_list = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        if path.is_dir() || path.is_file() && is_list {
            let flags = DataFlags::for_files(self.file_column.clone());
            let manifest = Manifest::load(path, &flags.options(Purpose::Predict)?)?;
            inputs.extend(manifest.samples.into_iter().map(|sample| Input {
                // Inside a folder the name begins where the user began; in a list it is the list's own.
                name: if path.is_dir() { path.join(&sample.name).display().to_string() } else { sample.name },
                file: sample.file,
            }));
        } else if !path.exists() && text.contains(['*', '?', '[']) {
            let matches = glob::glob(text)
                .map_err(|e| Fault::usage(format_args!("the pattern is not understood: {e}")).at(text))?;
            let before = inputs.len();
            inputs.extend(
                matches.flatten().filter(|p| p.is_file()).map(|p| Input { name: p.display().to_string(), file: p }),
            );
            if inputs.len() == before {
                return Err(Fault::trouble("no file fits the pattern").at(text));
            }
        } else {
            inputs.push(file(text.to_owned()));
        }
        Ok(())
    }
}

fn file(name: String) -> Input {
    Input { file: PathBuf::from(&name), name }
}

/// Writes one result after another, as a sentence, a CSV row or a JSON line.
struct ResultWriter<'a> {
    form: Form,
    classes: &'a [String],
    sink: Box<dyn Write>,
}

impl<'a> ResultWriter<'a> {
    fn new(sink: Box<dyn Write>, form: Form, classes: &'a [String]) -> io::Result<Self> {
        let mut writer = Self { form, classes, sink };
        if form == Form::Csv {
            let probabilities = classes.iter().map(|c| format!("p_{c}"));
            let head = ["file", "class", "confidence"].map(String::from);
            let tail = ["outcome", "reason"].map(String::from);
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
                row.extend([self.classes[p.class].clone(), p.confidence().to_string()]);
                row.extend(p.probabilities.iter().map(f64::to_string));
                row.extend(["answered".into(), String::new()]);
            }
            Err(error) => {
                row.extend(std::iter::repeat_n(String::new(), 2 + self.classes.len()));
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
        object.insert("class".into(), prediction.map(|p| self.classes[p.class].clone()).into());
        object.insert("confidence".into(), prediction.map(Prediction::confidence).into());
        for (i, class) in self.classes.iter().enumerate() {
            object.insert(format!("p_{class}"), prediction.map(|p| p.probabilities[i]).into());
        }
        let (outcome, reason) = match result {
            Ok(_) => ("answered", String::new()),
            Err(error) => ("error", error.to_string()),
        };
        object.insert("outcome".into(), outcome.into());
        object.insert("reason".into(), reason.into());
        serde_json::Value::Object(object).to_string()
    }

    fn sentence(&self, input: &Input, result: &Result<Prediction, LoadError>) -> String {
        let p = match result {
            Ok(p) => p,
            Err(error) => return format!("no result: {error}"),
        };
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        order.sort_by(|&a, &b| p.probabilities[b].total_cmp(&p.probabilities[a]));
        let width = self.classes.iter().map(|c| c.chars().count()).max().unwrap_or(0);
        let lines = order.iter().map(|&i| format!("  {:<width$}  {:.4}", self.classes[i], p.probabilities[i]));
        format!(
            "{}: the model's result suggests {} (probability {:.3}, not calibrated)\n\n{}\n\n\
             Research software. Not a medical device.",
            input.name,
            self.classes[p.class],
            p.confidence(),
            lines.collect::<Vec<_>>().join("\n"),
        )
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.sink, "{text}")
    }

    fn end(mut self) -> io::Result<()> {
        self.sink.flush()
    }
}
