//! Fills reports and tables from what a run or an evaluation found.

mod folds;

pub(crate) use folds::{folds_csv, folds_report};

use std::collections::{BTreeMap, HashSet};

use semio_data::Split;
use semio_image::{Color, Keep, Step};
use semio_model::{Chosen, Decision, Manifest, Predictor, Seen};
use serde_json::{Value, json};

use crate::{
    Labelled, Language, Verdict,
    calibrate::Remark,
    dataset::{Dataset, Origin},
    examples::examples,
    experiment::{Place, Run, RunError},
    fit::Ending,
    history::EpochRow,
    inference::Judged,
    language::say,
    left_out::left_out,
    plot::{EpochFigures, LearningCurves, PartCounts, learning_curves},
    recipe::{Classifier, Recipe},
    report::{
        ClassCurves, Data, Groups, LeftOut, Model, PartUse, Report, ReportError, Split as SplitFacts, Stopping,
        Training,
    },
};
use semio_stats::{Aim, Interval, Metric, Predictions, evaluate};

/// The few figures that stand in `bundle.json` and on the card.
pub(crate) fn headline(verdict: &Verdict, part: &str) -> Value {
    let value = |metric: &Metric| metric.as_ref().map_or_else(|reason| json!(reason.to_string()), |v| json!(v));
    let (figures, bounds) = (&verdict.evaluation.overall, &verdict.intervals.figures);
    let interval = |of: Option<Interval>| of.map(|i| [i.low, i.high]);
    json!({
        "part": part,
        "n": figures.n,
        "accuracy": value(&figures.accuracy),
        "balanced_accuracy": value(&figures.balanced_accuracy),
        "roc_auc": value(&figures.roc_auc),
        "log_loss": value(&figures.log_loss),
        "intervals": {
            "level": verdict.intervals.level,
            "groups": verdict.intervals.groups,
            "accuracy": interval(bounds.accuracy),
            "balanced_accuracy": interval(bounds.balanced_accuracy),
            "roc_auc": interval(bounds.roc_auc),
            "log_loss": interval(bounds.log_loss),
        },
    })
}

/// The learning curves as SVG.
pub(crate) fn curves(history: &[EpochRow], best: usize, pictures: Option<(u64, u64)>, language: Language) -> String {
    learning_curves(&LearningCurves {
        epochs: &epoch_figures(history),
        best_epoch: u32::try_from(best).ok(),
        training_pictures: pictures.map(|p| p.0),
        validation_pictures: pictures.map(|p| p.1),
        language,
    })
}

fn epoch_figures(history: &[EpochRow]) -> Vec<EpochFigures> {
    let figures = |row: &EpochRow| EpochFigures {
        epoch: row.epoch as u32,
        train_loss: row.train_loss,
        val_loss: row.val_loss,
        train_accuracy: Some(row.train_accuracy),
        val_accuracy: row.val_accuracy,
    };
    history.iter().map(figures).collect()
}

/// One row a judged picture: its true class, its result, every class's probability, and what the result is worth.
///
/// # Errors
/// [`csv::Error`], which a table in memory has no reason for.
pub fn predictions_csv(judged: &Judged) -> Result<Vec<u8>, csv::Error> {
    let (pictures, predictions) = (&judged.pictures, &judged.predictions);
    let classes = predictions.classes();
    let mut writer = csv::Writer::from_writer(vec![]);
    let mut header = vec!["file".to_owned(), "label".into(), "class".into(), "confidence".into()];
    header.extend(classes.iter().map(|c| format!("p_{c}")));
    header.extend(["set", "novelty", "outcome"].map(String::from));
    writer.write_record(&header)?;
    for (i, picture) in pictures.iter().enumerate() {
        let (p, decided) = (predictions.probabilities(i), predictions.decided()[i]);
        let mut row = vec![picture.name.clone(), classes[picture.label].clone(), classes[decided].clone()];
        row.push(p[decided].to_string());
        row.extend(p.iter().map(f64::to_string));
        let result = &judged.results[i];
        let names = |set: &Vec<usize>| set.iter().map(|&c| classes[c].as_str()).collect::<Vec<_>>().join("|");
        row.push(result.set.as_ref().map_or_else(String::new, names));
        row.push(result.novelty.map_or_else(String::new, |n| n.to_string()));
        row.push(result.outcome.name().into());
        writer.write_record(&row)?;
    }
    writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))
}

/// The report of a training run, judged on its validation part.
pub(crate) fn training_report(
    recipe: &Recipe,
    dataset: &Dataset,
    run: &Run,
    place: &Place<'_>,
) -> Result<String, RunError> {
    let name = place.folder.file_name().map_or_else(|| "this run".into(), |n| n.to_string_lossy().into_owned());
    let parameters = run.fitted.network.graph().parameter_count() as u64;
    let report = Report {
        language: recipe.report_language,
        title: title(&recipe.model, &dataset.classes, recipe.report_language),
        created: place.today.into(),
        program: program(),
        model: model(&run.manifest, Some(parameters), &name, recipe.report_language),
        data: data(dataset, "val", PartUse::Selection, recipe.report_language),
        split: Some(split_facts(recipe, dataset)),
        training: Some(training(recipe, run)),
        evaluation: run.verdict.evaluation.clone(),
        verdict: Some(run.verdict.clone()),
        coverage: coverage(&run.manifest),
        curves: ClassCurves::of(&run.judged.predictions),
        folds: vec![],
        examples: run.examples.clone(),
        remarks: remarks(&run.remarks, recipe.report_language),
    };
    Ok(report.render()?)
}

fn remarks(remarks: &[Remark], language: Language) -> Vec<String> {
    remarks.iter().map(|remark| remark.words(language)).collect()
}

/// The report of a bundle on labelled pictures.
///
/// # Errors
/// [`ReportError`] where the page cannot be made.
#[expect(clippy::too_many_arguments, reason = "what a report tells, each named once")]
pub fn evaluation_report(
    predictor: &Predictor,
    name: &str,
    labelled: &Labelled,
    split: Option<Split>,
    judged: &Judged,
    verdict: &Verdict,
    today: &str,
    language: Language,
) -> Result<String, ReportError> {
    let same_data = labelled.is_own();
    let (manifest, predictions) = (predictor.manifest(), &judged.predictions);
    let part = split.map_or("all", Split::name);
    let part_use = labelled.seen.map_or(PartUse::Unknown, part_use);
    let mut left_out = left_out(&labelled.report, language);
    if !labelled.unreadable.is_empty() {
        left_out.push(LeftOut {
            reason: say!(language, "cannot be read", "illisible"),
            count: labelled.unreadable.len() as u64,
            files: labelled.unreadable.iter().map(|b| b.name.clone()).collect(),
        });
    }
    let report = Report {
        language,
        title: title(&manifest.architecture, &manifest.classes, language),
        created: today.into(),
        program: program(),
        model: model(manifest, None, name, language),
        data: Data {
            name: labelled.report.source.display().to_string(),
            hash: Some(labelled.sha256.clone()),
            part: part.into(),
            part_use,
            parts: vec![PartCounts { name: part.into(), counts: truth_counts(predictions) }],
            left_out,
            // Of other data nothing was measured.
            leak: manifest.data.leak.clone().filter(|_| same_data),
            alike_kept: None,
        },
        split: same_data.then(|| kept_together(manifest, labelled, language)),
        training: None,
        evaluation: evaluate(predictions),
        verdict: Some(verdict.clone()),
        coverage: coverage(manifest),
        curves: ClassCurves::of(predictions),
        folds: vec![],
        examples: examples(predictor, judged),
        remarks: vec![],
    };
    report.render()
}

/// What pictures were used for, by what the bundle knows of them.
fn part_use(seen: Seen) -> PartUse {
    match seen {
        Seen { learned_from: 0, chose: 0, set_aside: 0, .. } => PartUse::New,
        Seen { chose: 0, set_aside: 0, new: 0, .. } => PartUse::Training,
        Seen { learned_from: 0, set_aside: 0, new: 0, .. } => PartUse::Selection,
        Seen { learned_from: 0, chose: 0, new: 0, .. } => PartUse::HeldOut,
        Seen { .. } => PartUse::Mixed(seen),
    }
}

/// How the bundle's own data were divided, as far as it knows.
fn kept_together(manifest: &Manifest, labelled: &Labelled, language: Language) -> SplitFacts {
    let names: HashSet<&str> = labelled.samples.iter().filter_map(|s| s.group.as_deref()).collect();
    let groups = names.len() as u64;
    SplitFacts {
        how: say!(language, "that of the training run", "celui de l’entraînement"),
        groups: match manifest.data.groups_kept_together {
            Some(true) if groups > 0 => Groups::Kept { groups },
            Some(false) => Groups::Divided,
            _ => Groups::Unknown,
        },
        group_kind: labelled.group_kind,
    }
}

fn coverage(manifest: &Manifest) -> Option<f64> {
    manifest.calibration.as_ref().map(|c| c.conformal.coverage)
}

fn program() -> String {
    format!("semio {}", env!("CARGO_PKG_VERSION"))
}

fn title(network: &str, classes: &[String], language: Language) -> String {
    let classes = classes.join(" / ");
    say!(language, "{network} for {classes}", "{network} pour {classes}")
}

fn model(manifest: &Manifest, parameters: Option<u64>, name: &str, language: Language) -> Model {
    let (_, height, width) = manifest.pipeline.output();
    let color = manifest.pipeline.steps().iter().find_map(|step| match step {
        Step::Color { to: Color::Grey } => Some(say!(language, "grey", "niveaux de gris")),
        Step::Color { to: Color::Rgb } => Some(say!(language, "colour", "couleur")),
        _ => None,
    });
    let color = color.unwrap_or_else(|| say!(language, "as stored", "telles que stockées"));
    let seen = match manifest.pipeline.keep() {
        None => String::new(),
        Some(Keep::Inside) => say!(language, ", inside of the mask alone", ", l’intérieur du masque seul"),
        Some(Keep::Outside) => say!(language, ", outside of the mask alone", ", l’extérieur du masque seul"),
    };
    Model {
        name: name.into(),
        architecture: manifest.architecture.clone(),
        parameters,
        input: Some(say!(
            language,
            "{width} × {height} pixels, {color}{seen}",
            "{width} × {height} pixels, {color}{seen}"
        )),
        rule: Some(match manifest.decision {
            Decision::MostProbable => say!(language, "the most probable class", "la classe la plus probable"),
            Decision::Threshold { value, chosen } => {
                let (class, value) = (&manifest.classes[1], language.decimal(value, 3));
                let rule = say!(
                    language,
                    "{class} from a probability of {value} on",
                    "{class} à partir d’une probabilité de {value}"
                );
                chosen.map_or_else(|| rule.clone(), |chosen| format!("{rule} ({})", aim(&chosen, language)))
            }
        }),
        hash: (!manifest.weights_sha256.is_empty()).then(|| manifest.weights_sha256.clone()),
        intended_use: Some(manifest.intended_use.clone()),
        calibrated: manifest.calibration.is_some(),
    }
}

/// What a threshold was chosen for, and what it reached where it was.
fn aim(chosen: &Chosen, language: Language) -> String {
    let [sensitivity, specificity] = [chosen.sensitivity, chosen.specificity].map(|share| language.percent(share));
    let aim = match chosen.aim {
        Aim::Sensitivity(share) => {
            let share = language.percent(share);
            say!(language, "for a sensitivity of {share}", "pour une sensibilité de {share}")
        }
        Aim::Specificity(share) => {
            let share = language.percent(share);
            say!(language, "for a specificity of {share}", "pour une spécificité de {share}")
        }
        Aim::Youden => say!(
            language,
            "for the largest sum of sensitivity and specificity",
            "pour la plus grande somme de sensibilité et de spécificité"
        ),
        Aim::Costs { miss, false_alarm, .. } => say!(
            language,
            "for the least cost, {miss} a miss and {false_alarm} a false alarm",
            "pour le moindre coût, {miss} par oubli et {false_alarm} par fausse alerte"
        ),
    };
    say!(
        language,
        "chosen {aim}; on the calibration pictures it reached a sensitivity of {sensitivity} and a specificity of {specificity}",
        "choisi {aim} ; sur les images de calibration : sensibilité {sensitivity}, spécificité {specificity}"
    )
}

fn data(dataset: &Dataset, part: &str, part_use: PartUse, language: Language) -> Data {
    let counts = dataset.counts();
    let row = |(name, by_class): (&String, &BTreeMap<String, usize>)| PartCounts {
        name: name.clone(),
        counts: dataset.classes.iter().map(|c| by_class.get(c).copied().unwrap_or(0) as u64).collect(),
    };
    let mut parts: Vec<PartCounts> = counts.iter().map(row).collect();
    parts.sort_by_key(|p| Split::ALL.iter().position(|s| s.name() == p.name));
    let mut left_out = left_out(&dataset.report, language);
    if !dataset.unreadable.is_empty() {
        left_out.push(LeftOut {
            reason: say!(language, "cannot be read", "illisible"),
            count: dataset.unreadable.len() as u64,
            files: dataset.unreadable.iter().map(|b| b.name.clone()).collect(),
        });
    }
    Data {
        name: dataset.report.source.display().to_string(),
        hash: Some(dataset.sha256.clone()),
        part: part.into(),
        part_use,
        parts,
        left_out,
        leak: Some(dataset.leak.clone()),
        alike_kept: (dataset.origin != Origin::Source).then_some(dataset.alike as u64),
    }
}

fn split_facts(recipe: &Recipe, dataset: &Dataset) -> SplitFacts {
    let (language, seed) = (recipe.report_language, recipe.seed);
    let percent = |share: f64| (share * 100.0).round();
    let (val, test) = (percent(recipe.val_ratio), percent(recipe.test_ratio));
    let train = 100.0 - val - test;
    SplitFacts {
        how: match dataset.origin {
            Origin::Source => say!(language, "as the data name it", "tel que les données le nomment"),
            Origin::SourceWithCut => say!(
                language,
                "as the data name it; validation cut from training, seed {seed}",
                "tel que les données le nomment ; validation prise sur l’entraînement, graine {seed}"
            ),
            Origin::Program => say!(
                language,
                "stratified, {train} : {val} : {test}, seed {seed}",
                "stratifié, {train} : {val} : {test}, graine {seed}"
            ),
        },
        groups: match dataset.groups {
            None => Groups::Unknown,
            Some((groups, 0)) => Groups::Kept { groups: groups as u64 },
            Some((groups, shared)) => Groups::Shared { groups: groups as u64, shared: shared as u64 },
        },
        group_kind: dataset.group_kind,
    }
}

fn training(recipe: &Recipe, run: &Run) -> Training {
    let Run { fitted, pictures, .. } = run;
    let table = toml::Table::try_from(recipe).unwrap_or_default();
    let shown = |value: &toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let dull = |value: &toml::Value| value.as_array().is_some_and(Vec::is_empty) || value.as_bool() == Some(false);
    Training {
        recipe: table
            .iter()
            .filter(|(key, value)| !dull(value) && key.as_str() != "data" && key.as_str() != "intended-use")
            .map(|(key, value)| (key.clone(), shown(value)))
            .collect(),
        history: epoch_figures(&fitted.history),
        best_epoch: u32::try_from(fitted.epoch).ok(),
        stopping: match fitted.ending {
            _ if recipe.classifier != Classifier::Network => Stopping::NotTrained,
            Ending::Epochs => Stopping::AllEpochs,
            Ending::Asked => Stopping::Interrupted,
            Ending::Patience => Stopping::NoImprovement {
                metric: match recipe.report_language {
                    Language::English => recipe.monitor.replace("val_", "validation ").replace('_', " "),
                    Language::French => recipe.monitor.clone(),
                },
                patience: recipe.patience.unwrap_or_default() as u32,
            },
        },
        training_pictures: Some(pictures.0),
        validation_pictures: Some(pictures.1),
    }
}

fn truth_counts(predictions: &Predictions) -> Vec<u64> {
    let mut counts = vec![0; predictions.classes().len()];
    predictions.truth().iter().for_each(|&class| counts[class] += 1);
    counts
}
