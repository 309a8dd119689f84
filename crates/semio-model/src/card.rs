//! The model card: what a person should know before using the model (Mitchell et al. 2019,
//! <https://arxiv.org/abs/1810.03993>), for people as Markdown and for programs as JSON, from the same facts.

use std::fmt::{Arguments, Write};

use semio_image::Keep;
use semio_nn::Network;
use semio_stats::{Aim, Classical, ConformalScore, ScalingMethod};
use serde::Serialize;

use crate::{Calibration, Chosen, DataUsed, Decision, GroupKind, Leak, Manifest, OutputKind, PartLeak, WeightsFile};

/// Version of the form of `card.json`.
const SCHEMA: u32 = 1;
/// The figures' intervals among the figures.
const INTERVALS: &str = "intervals";
const BANNER: &str = "Research software. Not a medical device.";

/// The facts of both cards.
#[derive(Debug, Serialize)]
pub(crate) struct Card<'a> {
    schema: u32,
    name: String,
    status: &'static str,
    intended_use: &'a str,
    model: Model<'a>,
    calibration: Option<Calibrated>,
    data: &'a DataUsed,
    /// The figures, with the part that they were measured on.
    figures: &'a serde_json::Value,
    written_by: String,
}

#[derive(Debug, Serialize)]
struct Model<'a> {
    network: &'a str,
    parameters: usize,
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    head_layers: &'a [usize],
    began_with: Option<&'a WeightsFile>,
    /// What decides on the network's features in place of its output layer.
    classifier: Option<&'static str>,
    /// Channels, height, width.
    input: [usize; 3],
    /// What it sees of a picture, where that is not the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    sees: Option<Keep>,
    classes: &'a [String],
    output: OutputKind,
    decision: Decision,
    weights_sha256: &'a str,
}

#[derive(Debug, Serialize)]
struct Calibrated {
    pictures: usize,
    groups: Option<usize>,
    scaling: ScalingMethod,
    coverage: f64,
    sets: ConformalScore,
    sets_by_class: bool,
    false_refusals: Option<f64>,
}

impl<'a> Card<'a> {
    pub(crate) fn new(manifest: &'a Manifest, network: &Network) -> Self {
        let (channels, height, width) = manifest.pipeline.output();
        Self {
            schema: SCHEMA,
            name: format!("{} for {}", manifest.architecture, manifest.classes.join(" / ")),
            status: BANNER,
            intended_use: &manifest.intended_use,
            model: Model {
                network: &manifest.architecture,
                parameters: network.graph().parameter_count(),
                head_layers: &manifest.head_layers,
                began_with: manifest.began_with.as_ref(),
                classifier: manifest.classifier.as_ref().map(|classifier| match classifier {
                    Classical::Forest(_) => "random forest",
                    Classical::Logistic(_) => "logistic regression",
                }),
                input: [channels, height, width],
                sees: manifest.pipeline.keep(),
                classes: &manifest.classes,
                output: manifest.output,
                decision: manifest.decision,
                weights_sha256: &manifest.weights_sha256,
            },
            calibration: manifest.calibration.as_ref().map(Calibrated::new),
            data: &manifest.data,
            figures: &manifest.metrics,
            written_by: format!("semio {}", manifest.code_version),
        }
    }

    /// The card for programs.
    pub(crate) fn json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    /// The card for people. Every sentence comes from the facts.
    pub(crate) fn markdown(&self) -> String {
        let mut card = String::new();
        let mut line = |text: Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = writeln!(card, "{text}");
        };
        line(format_args!("# {}\n", self.name));
        line(format_args!("{BANNER}\n"));
        line(format_args!("## Intended use\n\n{}\n", self.intended_use));
        line(format_args!("## Model\n"));
        let model = &self.model;
        line(format_args!("- network: {} ({} parameters)", model.network, model.parameters));
        if let Some(origin) = model.began_with {
            line(format_args!("- began with the weights {} (SHA-256 {})", origin.file, origin.sha256));
        }
        if let Some(classifier) = model.classifier {
            line(format_args!("- a {classifier} decides on the network's features and the picture's appearance"));
        }
        let [channels, height, width] = model.input;
        line(format_args!("- reads: {channels} × {height} × {width} values, prepared as `bundle.json` tells"));
        if let Some(keep) = model.sees {
            line(format_args!("- sees what lies {keep} of a mask: every picture needs one"));
        }
        line(format_args!("- classes, in this order: {}", model.classes.join(", ")));
        match model.decision {
            Decision::MostProbable => line(format_args!("- gives the most probable class")),
            Decision::Threshold { value, chosen } => {
                line(format_args!("- gives {} from a probability of {value} on", model.classes[1]));
                if let Some(Chosen { aim, sensitivity, specificity }) = chosen {
                    line(format_args!(
                        "- this threshold was chosen for {} on the calibration pictures, where it reached a sensitivity of \
                         {sensitivity:.3} and a specificity of {specificity:.3}",
                        aim_words(aim)
                    ));
                }
            }
        }
        match &self.calibration {
            None => line(format_args!("- probabilities are the network's own and not calibrated")),
            Some(calibrated) => calibrated.lines(self.data.group_kind, &mut line),
        }
        line(format_args!("- written by {}\n", self.written_by));
        line(format_args!("## Data\n"));
        line(format_args!("- source: {}", self.data.source));
        line(format_args!("- SHA-256: {}", self.data.sha256));
        for (part, classes) in &self.data.counts {
            let counts: Vec<String> = classes.iter().map(|(class, n)| format!("{class} {n}")).collect();
            line(format_args!("- {part}: {}", counts.join(", ")));
        }
        line(format_args!(
            "- {}",
            match (self.data.groups_kept_together, self.data.group_kind) {
                (Some(true), GroupKind::Patients) => "pictures of one patient stand in one part only",
                (Some(true), GroupKind::LookAlikes) => {
                    "pictures that look alike stand in one part only; patients are unknown: pictures of one patient may stand in \
                     several parts"
                }
                (Some(true), GroupKind::Unsaid) => "pictures of one patient (or group) stand in one part only",
                (Some(false), _) =>
                    "pictures of one patient (or group) stand in several parts: the figures are too good",
                (None, _) => "patients are unknown: pictures of one patient may stand in several parts",
            }
        ));
        if let Some(leak) = &self.data.leak {
            line(format_args!("- {}", leak_words(leak)));
        }
        if let Some(figures) = self.figures.as_object().filter(|m| !m.is_empty()) {
            line(format_args!("\n## Figures\n"));
            let intervals = figures.get(INTERVALS);
            for (name, value) in figures.iter().filter(|(name, _)| *name != INTERVALS) {
                let bound = |end: usize| intervals?.get(name)?.get(end)?.as_f64();
                match (value.as_f64().filter(|_| value.is_f64()), bound(0).zip(bound(1))) {
                    (Some(figure), Some((low, high))) => {
                        line(format_args!("- {name}: {figure:.3} [{low:.3}, {high:.3}]"));
                    }
                    (Some(figure), None) => line(format_args!("- {name}: {figure:.3}")),
                    (None, _) => line(format_args!(
                        "- {name}: {}",
                        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                    )),
                }
            }
            if let Some(groups) = intervals.and_then(|i| i.get("groups")?.as_u64()) {
                let kind = match self.data.group_kind {
                    GroupKind::Unsaid => "groups of pictures",
                    kind => kind.words(),
                };
                line(format_args!("- in brackets: 95 % intervals, bootstrap, {groups} {kind} drawn"));
            }
        }
        card
    }
}

impl Calibrated {
    fn new(c: &Calibration) -> Self {
        Self {
            pictures: c.evidence.labels.len(),
            groups: c.evidence.groups,
            scaling: c.method(),
            coverage: c.conformal.coverage,
            sets: c.conformal.score,
            sets_by_class: c.conformal.thresholds.len() > 1,
            false_refusals: c.novelty.as_ref().map(|novelty| novelty.false_refusals),
        }
    }

    fn lines(&self, kind: GroupKind, line: &mut dyn FnMut(Arguments<'_>)) {
        let of = self.groups.map_or_else(String::new, |groups| format!(" of {groups} {}", kind.words()));
        line(format_args!(
            "- probabilities are calibrated on {} pictures{of} that chose nothing in training",
            self.pictures
        ));
        line(format_args!(
            "- its sets hold the true class for about {:.0} % of such pictures; one class in the set is an answer, several \
             or none are `unsure`",
            100.0 * self.coverage
        ));
        if let Some(rate) = self.false_refusals {
            line(format_args!(
                "- refuses pictures that it does not know, and up to about {:.1} % of those that it does",
                // Of n pictures the strangest is the limit where n are too few for the rate: another is above it with a
                // chance of 1 in n + 1.
                100.0 * rate.max(1.0 / (self.pictures + 1) as f64)
            ));
        }
    }
}

fn aim_words(aim: Aim) -> String {
    match aim {
        Aim::Sensitivity(share) => format!("a sensitivity of {share}"),
        Aim::Specificity(share) => format!("a specificity of {share}"),
        Aim::Youden => "the largest sum of sensitivity and specificity (Youden)".into(),
        Aim::Costs { miss, false_alarm, .. } => {
            format!("the least cost, {miss} a miss and {false_alarm} a false alarm")
        }
    }
}

/// What the leak meter found.
fn leak_words(leak: &Leak) -> String {
    if leak.is_clean() {
        return match leak.near {
            Some(_) => "no picture stands unchanged or nearly unchanged in two parts".into(),
            None => "no picture stands unchanged in two parts; nearly the same ones were not sought".into(),
        };
    }
    let share = |(name, part): (&str, &PartLeak)| {
        let percent = 100.0 * part.share();
        format!(
            "{} of {} {name} pictures ({percent:.1} %; by patient or group {}, the same picture {}, nearly the same {})",
            part.touched, part.pictures, part.by_group, part.exact, part.near
        )
    };
    let parts: Vec<String> = leak.touched().map(share).collect();
    format!("a leak was accepted, so the figures are too good: an earlier part knows {}", parts.join(", and "))
}
