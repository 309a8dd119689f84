use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{Args, ValueEnum};
use semio_data::{ReadLimits, encode_png};
use semio_model::{
    Predictor,
    explain::{Ask, Explanation, Faithfulness, Method, Overlay, color_bar},
};
use semio_train::{Input, read_seen};
use serde_json::{Value, json};

use crate::{
    Outcome,
    fault::Fault,
    inputs::{self, InputFlags},
    progress::{bar, count},
};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  semio explain runs/first/bundle picture.png -o maps\n  semio explain runs/first/bundle folder/ --method all --format svg -o maps\n  semio explain runs/first/bundle picture.png --class glioma --faithfulness --sanity --json"
)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub(crate) struct Explain {
    /// Bundle: the folder or .zip that `semio train` wrote
    bundle: PathBuf,
    /// Pictures, folders, patterns such as 'a/*.png', CSV lists, or - for names on standard input
    #[arg(required = true)]
    paths: Vec<String>,
    /// Folder for the pictures with their maps
    #[arg(short = 'o', long = "output", value_name = "DIR", default_value = "explanations")]
    output: PathBuf,
    /// How the result is explained
    #[arg(long, value_enum, default_value_t = Choice::GradCam)]
    method: Choice,
    /// Class that the map speaks for [default: the one that the model gives]
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// Layer whose maps are read, under torchvision's name, such as layer4 [default: the last with maps]
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// How much of the picture the map's strongest place hides, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.6)]
    opacity: f32,
    /// Form of the pictures; svg has a title and the scale of colours
    #[arg(long, value_enum, default_value_t = Form::Png)]
    format: Form,
    /// Longest side of the pictures, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1024)]
    size: usize,
    /// Steps of integrated gradients and copies of SmoothGrad
    #[arg(long, value_name = "N", default_value_t = 32)]
    steps: usize,
    /// Decides SmoothGrad's noise and the fresh weights of --sanity
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Measures how the class's probability falls and rises as the map's places go and come
    #[arg(long)]
    faithfulness: bool,
    /// Compares each map with that of the same network with random weights
    #[arg(long)]
    sanity: bool,
    /// Prints one JSON line a map
    #[arg(long)]
    json: bool,
    /// Puts the map's own values into the JSON lines
    #[arg(long, requires = "json")]
    values: bool,
    #[command(flatten)]
    lists: InputFlags,
    /// Prints no progress
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Gradient-weighted class activation map
    GradCam,
    /// For several places that show the same
    #[value(name = "grad-cam++")]
    GradCamPlusPlus,
    /// First principal component of the last maps, whatever the class
    EigenCam,
    /// Gradients on the way from a black picture
    IntegratedGradients,
    /// Mean gradient over noisy copies
    SmoothGrad,
    /// Fall of the logit under a covered patch
    Occlusion,
    /// All that the network allows
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Png,
    Svg,
}

impl Choice {
    fn methods(self, predictor: &Predictor) -> Vec<Method> {
        match self {
            Self::GradCam => vec![Method::GradCam],
            Self::GradCamPlusPlus => vec![Method::GradCamPlusPlus],
            Self::EigenCam => vec![Method::EigenCam],
            Self::IntegratedGradients => vec![Method::IntegratedGradients],
            Self::SmoothGrad => vec![Method::SmoothGrad],
            Self::Occlusion => vec![Method::Occlusion],
            Self::All => Method::ALL.into_iter().filter(|m| predictor.can_explain(*m)).collect(),
        }
    }
}

/// One map and what was found out about it.
struct Found {
    explanation: Explanation,
    probability: f64,
    faithfulness: Option<Faithfulness>,
    /// The correlation with the map of random weights, where it was asked for: a number or null.
    sanity: Option<Value>,
}

impl Explain {
    pub(crate) fn run(self) -> Outcome {
        if !(0.0..=1.0).contains(&self.opacity) {
            return Err(Fault::usage("--opacity is a share").help("give a number from 0 to 1"));
        }
        let predictor = Predictor::open(&self.bundle, &burn::tensor::Device::flex())?;
        let class = self.class_index(&predictor)?;
        let (inputs, known) = inputs::inputs(&self.paths, &self.lists)?;
        fs::create_dir_all(&self.output).map_err(|e| Fault::file("make the folder", &self.output, e))?;
        let methods = self.method.methods(&predictor);
        let bar = bar(known.unwrap_or(0), "explaining", self.quiet || self.json);
        let mut taken = HashSet::new();
        let (mut done, mut bad) = (0usize, 0usize);
        for input in inputs {
            for &method in &methods {
                match self.one(&predictor, &input, method, class, &mut taken) {
                    Ok((found, path)) => self.say(&predictor, &input.name, &found, &path),
                    Err(fault) => {
                        bad += 1;
                        self.say_fault(&input.name, &fault);
                        break;
                    }
                }
            }
            done += 1;
            bar.inc(1);
        }
        bar.finish_and_clear();
        if done == 0 {
            return Err(Fault::trouble("there is no picture to explain").help("check the folder or the pattern"));
        }
        if !self.quiet && !self.json {
            println!("\nexplained {} of {} files", count(done - bad), count(done));
            println!("pictures  {}", self.output.display());
            println!("\nA map shows what the network read, not what is so: it is no proof of the result.");
        }
        Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn class_index(&self, predictor: &Predictor) -> Result<Option<usize>, Fault> {
        let classes = &predictor.manifest().classes;
        let find = |name: &String| {
            classes.iter().position(|c| c == name).ok_or_else(|| {
                Fault::usage(format_args!("the model knows no class {name}"))
                    .help(format_args!("choose one of {}", classes.join(", ")))
            })
        };
        self.class.as_ref().map(find).transpose()
    }

    fn one(
        &self,
        predictor: &Predictor,
        picture: &Input,
        method: Method,
        class: Option<usize>,
        taken: &mut HashSet<PathBuf>,
    ) -> Result<(Found, PathBuf), Fault> {
        let (pipeline, Input { file, frame, mask, .. }) = (&predictor.manifest().pipeline, picture);
        let (image, mask) = read_seen(pipeline, file, *frame, mask.as_deref(), &ReadLimits::default())?;
        let input = predictor.prepare_with_mask(&image, mask.as_ref())?;
        let ask = Ask { method, class, layer: self.layer.clone(), steps: self.steps, seed: self.seed };
        let explanation = predictor.explain(&input, &ask)?;
        let class = explanation.class;
        let probability = predictor.predict(std::slice::from_ref(&input))[0].probabilities[class];
        let faithfulness = self.faithfulness.then(|| predictor.faithfulness(&input, &explanation.map, class));
        let ask = Ask { class: Some(class), ..ask };
        let sanity = if self.sanity { Some(json!(predictor.sanity(&input, &ask)?)) } else { None };
        let overlay = Overlay::new(&image, pipeline, &explanation.map, self.opacity, self.size.max(1))?;
        let found = Found { explanation, probability, faithfulness, sanity };
        let path = self.free_name(picture, method, taken);
        let bytes = match self.format {
            Form::Png => encode_png(&overlay.with_scale(found.explanation.map.peak().unwrap_or(0.0))?)?,
            Form::Svg => svg(&overlay, &predictor.manifest().classes[class], &found)?.into_bytes(),
        };
        fs::write(&path, bytes).map_err(|e| Fault::file("write the picture", &path, e))?;
        Ok((found, path))
    }

    /// A name of the folder that no other picture of this run has.
    fn free_name(&self, picture: &Input, method: Method, taken: &mut HashSet<PathBuf>) -> PathBuf {
        let stem = picture.file.file_stem().map_or_else(|| "picture".into(), |s| s.to_string_lossy().into_owned());
        let stem = picture.frame.map_or_else(|| stem.clone(), |frame| format!("{stem}.frame-{frame}"));
        let ending = match self.format {
            Form::Png => "png",
            Form::Svg => "svg",
        };
        let name = |number: usize| match number {
            1 => self.output.join(format!("{stem}.{}.{ending}", method.name())),
            n => self.output.join(format!("{stem}-{n}.{}.{ending}", method.name())),
        };
        let mut number = 1;
        while !taken.insert(name(number)) {
            number += 1;
        }
        name(number)
    }

    fn say(&self, predictor: &Predictor, name: &str, found: &Found, path: &Path) {
        let Explanation { method, class, layer, map } = &found.explanation;
        let class = &predictor.manifest().classes[*class];
        if self.json {
            let mut line = json!({
                "file": name,
                "method": method.name(),
                "class": class,
                "probability": found.probability,
                "layer": layer,
                "picture": path.display().to_string(),
                "width": map.width,
                "height": map.height,
                "peak": map.peak(),
                "peak_at": map.peak_at(),
            });
            if let Some(f) = &found.faithfulness {
                line["deletion_auc"] = json!(f.deletion.area());
                line["insertion_auc"] = json!(f.insertion.area());
            }
            if let Some(correlation) = &found.sanity {
                line["random_weights_correlation"] = correlation.clone();
            }
            if self.values {
                line["values"] = Value::from(map.values.clone());
            }
            println!("{line}");
            return;
        }
        let peak = match map.peak_at() {
            Some([x, y]) => format!("strongest at {:.0} % from the left, {:.0} % from the top", x * 100.0, y * 100.0),
            None => "empty: no place speaks for this class".into(),
        };
        println!("{name}\n  {} for {class} ({:.3}): {peak}", method.name(), found.probability);
        if let Some(f) = &found.faithfulness {
            println!(
                "  deletion {:.3} (lower is better), insertion {:.3} (higher is better)",
                f.deletion.area(),
                f.insertion.area()
            );
        }
        match found.sanity.as_ref().map(Value::as_f64) {
            Some(Some(rho)) => println!("  rank correlation with the map of random weights {rho:.2} (0 is best)"),
            Some(None) => println!("  no correlation with the map of random weights: one of the maps is empty"),
            None => {}
        }
    }

    fn say_fault(&self, name: &str, fault: &Fault) {
        if self.json {
            println!("{}", json!({ "file": name, "error": fault.line() }));
        } else {
            eprintln!("error: {}\n  in {name}", fault.line());
        }
    }
}

/// Picture and map beside each other, with title and scale.
fn svg(overlay: &Overlay, class: &str, found: &Found) -> Result<String, Fault> {
    let side = |image: &semio_image::Image| -> Result<String, Fault> {
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(encode_png(image)?)))
    };
    let (picture, blended) = (side(&overlay.picture)?, side(&overlay.blended)?);
    let ratio = overlay.picture.height() as f64 / overlay.picture.width() as f64;
    let (width, gap, top) = (420.0, 20.0, 56.0);
    let height = width * ratio;
    let (whole, below) = (2.0 * width + 3.0 * gap, top + height);
    let right = 2.0 * gap + width;
    let peak = found.explanation.map.peak().map_or_else(|| "0".to_owned(), |p| format!("{p:.3}"));
    let bar = color_bar([right, below + 14.0, width, 10.0], ["0", &peak]);
    let title = format!("What speaks for {class}, by {}", found.explanation.method.name());
    let layer = found.explanation.layer.as_ref().map_or_else(String::new, |l| format!(", layer {l}"));
    let line = format!("probability {:.3}{layer}. A map is no proof of the result.", found.probability);
    let (title, line) = (escape(&title), escape(&line));
    let all = below + 56.0;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{whole}\" height=\"{all}\" \
         viewBox=\"0 0 {whole} {all}\" font-family=\"system-ui,-apple-system,'Segoe UI',sans-serif\" font-size=\"12\">\
         <title>{title}</title><rect width=\"{whole}\" height=\"{all}\" fill=\"#ffffff\"/>\
         <text x=\"{gap}\" y=\"24\" font-size=\"15\" font-weight=\"600\">{title}</text>\
         <text x=\"{gap}\" y=\"43\" fill=\"#555555\">{line}</text>\
         <image x=\"{gap}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" href=\"{picture}\"/>\
         <image x=\"{right}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" href=\"{blended}\"/>\
         {bar}</svg>\n"
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
