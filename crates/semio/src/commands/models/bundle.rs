use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc};

use burn::tensor::Device;
use clap::Args;
use semio_image::{Color, Depth, Filter, Fit, Pipeline, Step};
use semio_model::{Bundle, DataUsed, Decision, GroupKind, Manifest, OutputKind, SCHEMA, WeightsFile};
use semio_nn::{
    Architecture, Blueprint,
    weights::{self, Normalized, imagenet_classes, published},
};

use crate::{Outcome, fault::Fault, weights::WeightFlags};

/// Weights of another program with what belongs to them.
#[derive(Args)]
#[command(
    after_help = "Example:\n  semio models bundle mobilenet_v2 --weights imagenet --classes imagenet -o imagenet-bundle\n  semio predict imagenet-bundle photograph.jpg"
)]
pub(crate) struct MakeBundle {
    /// The network
    name: String,
    /// The weights: imagenet (torchvision's), or a .safetensors or .pth file
    #[arg(long = "weights", value_name = "WEIGHTS")]
    source: String,
    /// The classes in the order of the outputs: imagenet, or a text file with one a line
    #[arg(long, value_name = "CLASSES")]
    classes: String,
    /// Side of the pictures that the network reads, in pixels [default: as the weights were judged with]
    #[arg(long, value_name = "PIXELS")]
    image_size: Option<usize>,
    /// The bundle's folder
    #[arg(short = 'o', long = "output", value_name = "BUNDLE")]
    output: PathBuf,
    #[command(flatten)]
    weights: WeightFlags,
}

impl MakeBundle {
    pub(crate) fn run(self) -> Outcome {
        let architecture = Architecture::find(&self.name)?;
        let classes = self.classes()?;
        let file = self.weights.locate(&self.source, architecture.name, false)?;
        let known = published().iter().find(|p| p.model == architecture.name);
        let side = self.image_size.or(known.map(|k| k.size)).unwrap_or(architecture.size);
        let signed = known.is_some_and(|k| k.normalized == Normalized::Signed);
        let pipeline = pipeline(side, signed)?;
        let (channels, height, width) = pipeline.output();
        let blueprint = Blueprint { channels, height, width, outputs: classes.len() };
        let graph = Arc::new(architecture.build(&blueprint)?);
        let tensors = weights::read_tensors(&file).map_err(|e| Fault::trouble(e).at(file.display()))?;
        let begun = weights::start(architecture, &graph, tensors, 0, &Device::flex())
            .map_err(|e| Fault::trouble(e).at(file.display()))?;
        if !begun.fresh.is_empty() {
            let fresh = begun.fresh.join(", ");
            return Err(Fault::usage(format_args!("the weights are not for {} classes: {fresh} do not fit", classes.len()))
                .at(file.display())
                .help("name as many classes as the weights were trained for, or train a head of your own: semio train --weights"));
        }
        let manifest = Manifest {
            schema: SCHEMA,
            architecture: architecture.name.into(),
            head_layers: vec![],
            began_with: Some(WeightsFile {
                file: file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
                sha256: semio_model::hex(&semio_data::file_sha256(&file)?),
            }),
            classes,
            output: OutputKind::Softmax,
            decision: Decision::MostProbable,
            classifier: None,
            classifier_sha256: None,
            calibration: None,
            calibration_sha256: None,
            pipeline,
            intended_use: "Not for medical pictures. Weights of another program, whose figures are not known here."
                .into(),
            data: DataUsed {
                source: self.source.clone(),
                sha256: String::new(),
                counts: BTreeMap::new(),
                group_kind: GroupKind::Unsaid,
                groups_kept_together: None,
                leak: None,
            },
            pictures: None,
            pictures_sha256: None,
            code_version: env!("CARGO_PKG_VERSION").into(),
            weights_sha256: String::new(),
            metrics: serde_json::Value::Null,
        };
        Bundle { manifest, network: begun.network }.write(&self.output, &[])?;
        println!("bundle   {}", self.output.display());
        println!("next     semio predict {} PICTURE", self.output.display());
        Ok(ExitCode::SUCCESS)
    }

    fn classes(&self) -> Result<Vec<String>, Fault> {
        if self.classes == "imagenet" {
            return Ok(imagenet_classes().into_iter().map(str::to_owned).collect());
        }
        let path = PathBuf::from(&self.classes);
        let text = std::fs::read_to_string(&path).map_err(|e| Fault::file("read the classes", &path, e))?;
        let classes: Vec<String> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if classes.len() < 2 {
            return Err(Fault::usage("the file names fewer than two classes").at(path.display()));
        }
        Ok(classes)
    }
}

/// torchvision's evaluation: the shorter side to 8/7 of the network's, then its middle.
fn pipeline(side: usize, signed: bool) -> Result<Pipeline, Fault> {
    let resized = (side * 8).div_ceil(7);
    let (mean, std) =
        if signed { (vec![0.5; 3], vec![0.5; 3]) } else { (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]) };
    Ok(Pipeline::new(vec![
        Step::Depth { range: Depth::Full },
        Step::Color { to: Color::Rgb },
        Step::Resize { width: resized, height: resized, filter: Filter::Bilinear, fit: Fit::Cover },
        Step::Crop { width: side, height: side },
        Step::Scale {},
        Step::Normalize { mean, std },
    ])?)
}
