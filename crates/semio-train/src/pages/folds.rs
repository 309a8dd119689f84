//! The report and the table of a cross-validation.

use super::{coverage, data, model, program, remarks, title, truth_counts};
use crate::{
    cross_validation::CrossValidated,
    dataset::Dataset,
    experiment::RunError,
    language::{Language, say},
    plot::PartCounts,
    recipe::{Folds, Recipe},
    report::{ClassCurves, Fold, Groups, Model, PartUse, Report, Split},
    subgroups::names_a_source,
};
use semio_stats::{Evaluation, Metric, Predictions, evaluate};

/// One row a fold, and one for all of them together.
pub(crate) fn folds_csv(folds: &[(String, Predictions)]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(["fold", "n", "accuracy", "balanced_accuracy", "roc_auc", "pr_auc", "log_loss"])?;
    let mut row = |name: &str, evaluation: &Evaluation| {
        let f = &evaluation.overall;
        let text = |m: &Metric| m.as_ref().map(f64::to_string).unwrap_or_default();
        let [n, name] = [f.n.to_string(), name.to_owned()];
        let metrics = [&f.accuracy, &f.balanced_accuracy, &f.roc_auc, &f.pr_auc, &f.log_loss];
        writer.write_record([name, n].into_iter().chain(metrics.into_iter().map(text)))
    };
    for (i, (_, predictions)) in folds.iter().enumerate() {
        row(&(i + 1).to_string(), &evaluate(predictions))?;
    }
    if let Ok(pooled) = Predictions::pool(folds.iter().map(|(_, p)| p)) {
        row("pooled", &evaluate(&pooled))?;
    }
    writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))
}

/// The report of a cross-validation: each picture judged by a network that has not seen it.
pub(crate) fn folds_report(
    recipe: &Recipe,
    dataset: &Dataset,
    found: &CrossValidated,
    today: &str,
) -> Result<String, RunError> {
    // A fold of its own for each group has the group's name, which may be a patient's number: folds are counted, but where
    // the groups are places or devices.
    let named = found.kind == Folds::LeaveOneGroupOut && recipe.group_column.as_deref().is_some_and(names_a_source);
    let fold = |(i, (name, evaluation)): (usize, &(String, Evaluation))| Fold {
        name: if named { name.clone() } else { (i + 1).to_string() },
        evaluation: evaluation.clone(),
    };
    let (language, n) = (recipe.report_language, found.folds.len());
    let title = title(&recipe.model, &dataset.classes, language);
    let all = say!(language, "all folds", "tous les plis");
    let mut data = data(dataset, &all, PartUse::CrossValidation, language);
    data.parts = vec![PartCounts { name: all, counts: truth_counts(&found.judged.predictions) }];
    let report = Report {
        language: recipe.report_language,
        title: say!(language, "{title}, cross-validated", "{title}, validation croisée"),
        created: today.into(),
        program: program(),
        model: Model {
            parameters: None,
            hash: None,
            // Each fold chooses its own threshold.
            rule: None,
            ..model(
                &found.manifest,
                None,
                &say!(language, "one network a fold ({n})", "un réseau par pli ({n})"),
                language,
            )
        },
        data,
        split: Some(Split {
            how: division(found, recipe.seed, language),
            // Folds are made without dividing groups, whatever the data's own split does.
            groups: match dataset.groups {
                Some((groups, _)) => Groups::Kept { groups: groups as u64 },
                None => Groups::Unknown,
            },
            group_kind: dataset.group_kind,
        }),
        training: None,
        evaluation: found.verdict.evaluation.clone(),
        verdict: Some(found.verdict.clone()),
        coverage: coverage(&found.manifest),
        curves: ClassCurves::of(&found.judged.predictions),
        folds: found.folds.iter().enumerate().map(fold).collect(),
        examples: found.examples.clone(),
        remarks: remarks(&found.remarks, language),
    };
    Ok(report.render()?)
}

/// How the folds were made, and whether all of them were done.
fn division(found: &CrossValidated, seed: u64, language: Language) -> String {
    let (n, planned) = (found.folds.len(), found.planned);
    let how = match found.kind {
        Folds::Number(_) => {
            say!(language, "{planned} folds, stratified, seed {seed}", "{planned} plis, stratifiés, graine {seed}")
        }
        Folds::LeaveOneGroupOut => {
            say!(language, "{planned} folds, one for each group", "{planned} plis, un par groupe")
        }
    };
    if n == planned {
        return how;
    }
    say!(
        language,
        "{how}; stopped by hand after {n} of them: the pictures of the others are not judged",
        "{how} ; arrêté à la main après {n} d’entre eux : les images des autres ne sont pas jugées"
    )
}
