//! The model card: what a person should know before using the model (Mitchell et al. 2019,
//! <https://arxiv.org/abs/1810.03993>).

use std::fmt::Write;

use semio_nn::Network;
use semio_stats::Classical;

use crate::{Decision, Manifest};

/// The card as Markdown. Every sentence comes from the manifest.
pub(crate) fn markdown(manifest: &Manifest, network: &Network) -> String {
    let mut card = String::new();
    let (channels, height, width) = manifest.pipeline.output();
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(card, "{text}");
    };
    line(format_args!("# {} for {}\n", manifest.architecture, manifest.classes.join(" / ")));
    line(format_args!("Research software. Not a medical device.\n"));
    line(format_args!("## Intended use\n\n{}\n", manifest.intended_use));
    line(format_args!("## Model\n"));
    line(format_args!("- network: {} ({} parameters)", manifest.architecture, network.graph().parameter_count()));
    if let Some(origin) = &manifest.began_with {
        line(format_args!("- began with the weights {} (SHA-256 {})", origin.file, origin.sha256));
    }
    match &manifest.classifier {
        Some(Classical::Forest(_)) => {
            line(format_args!("- a random forest decides on the network's features and the picture's appearance"));
        }
        Some(Classical::Logistic(_)) => {
            line(format_args!(
                "- a logistic regression decides on the network's features and the picture's appearance"
            ));
        }
        None => {}
    }
    line(format_args!("- reads: {channels} × {height} × {width} values, prepared as `bundle.json` tells"));
    line(format_args!("- classes, in this order: {}", manifest.classes.join(", ")));
    match manifest.decision {
        Decision::MostProbable => line(format_args!("- gives the most probable class")),
        Decision::Threshold { value } => {
            line(format_args!("- gives {} from a probability of {value} on", manifest.classes[1]));
        }
    }
    match &manifest.calibration {
        None => line(format_args!("- probabilities are the network's own and not calibrated")),
        Some(c) => {
            let pictures = c.evidence.labels.len();
            let of = c.evidence.groups.map_or_else(String::new, |groups| format!(" of {groups} patients (or groups)"));
            line(format_args!(
                "- probabilities are calibrated on {pictures} pictures{of} that chose nothing in training"
            ));
            let coverage = 100.0 * c.conformal.coverage;
            line(format_args!(
                "- its sets hold the true class for about {coverage:.0} % of such pictures; one class in the set is an answer, several or none are `unsure`"
            ));
            if let Some(novelty) = &c.novelty {
                let rate = 100.0 * novelty.false_refusals;
                line(format_args!(
                    "- refuses pictures that it does not know, and about {rate} % of those that it does"
                ));
            }
        }
    }
    line(format_args!("- written by semio {}\n", manifest.code_version));
    line(format_args!("## Data\n"));
    line(format_args!("- source: {}", manifest.data.source));
    line(format_args!("- SHA-256: {}", manifest.data.sha256));
    for (part, classes) in &manifest.data.counts {
        let counts: Vec<String> = classes.iter().map(|(class, n)| format!("{class} {n}")).collect();
        line(format_args!("- {part}: {}", counts.join(", ")));
    }
    line(format_args!(
        "- {}",
        match manifest.data.groups_kept_together {
            Some(true) => "pictures of one patient (or group) stand in one part only",
            Some(false) => "pictures of one patient (or group) stand in several parts: the figures are too good",
            None => "patients are unknown: pictures of one patient may stand in several parts",
        }
    ));
    if let Some(metrics) = manifest.metrics.as_object().filter(|m| !m.is_empty()) {
        line(format_args!("\n## Figures\n"));
        for (name, value) in metrics {
            line(format_args!("- {name}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
    }
    card
}
