//! Cross-validation: one network a fold, each judged on the pictures that it has not seen, and all of them together.

use std::sync::atomic::AtomicBool;

use semio_data::{
    Split, SplitError,
    split::{Folds as Division, cut_val, folds, leave_one_group_out},
};
use semio_model::Manifest;

use crate::{
    calibrate::{CalibrationPart, Remark},
    checkpoint::write_whole,
    dataset::{Dataset, DatasetError, counts, pictures},
    experiment::{Finished, Parts, Place, Run, RunError, run, write_json},
    faith::Faith,
    fit::{Ending, Event},
    gaze::Gaze,
    history::EpochRow,
    inference::{JudgeError, Judged},
    pages,
    recipe::{Folds, Recipe},
    report::Examples,
    shortcuts::{PartsSeen, Shown},
    verdict::{About, Verdict},
};
use semio_stats::{Evaluation, Predictions, PredictionsError, evaluate};

/// What the folds of a cross-validation found, pooled.
pub(crate) struct CrossValidated {
    /// How the data were divided.
    pub(crate) kind: Folds,
    /// Folds that were asked for; fewer are done after an interruption.
    pub(crate) planned: usize,
    /// Each fold's name and figures.
    pub(crate) folds: Vec<(String, Evaluation)>,
    /// What a bundle of the folds says of itself.
    pub(crate) manifest: Manifest,
    /// All pictures with the predictions of the networks that had not seen them.
    pub(crate) judged: Judged,
    pub(crate) verdict: Verdict,
    pub(crate) examples: Examples,
    pub(crate) remarks: Vec<Remark>,
}

pub(crate) fn cross_validate(
    recipe: &Recipe,
    dataset: &Dataset,
    kind: Folds,
    place: &Place<'_>,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Finished, RunError> {
    let division: Division = match kind {
        Folds::Number(k) => folds(&dataset.together(&dataset.samples), k, recipe.seed),
        Folds::LeaveOneGroupOut => leave_one_group_out(&dataset.samples),
    }
    .map_err(DatasetError::from)?;
    // What a frozen base makes of a picture is the same in each fold.
    let features = place.folder.join("features");
    let shared = Place { features: Some(place.features.unwrap_or(&features)), ..*place };
    let mut found = Found::default();
    for fold in 0..division.len() {
        let result = train_fold(recipe, dataset, &division, fold, &shared, observe, stop)?;
        let asked = result.fitted.ending == Ending::Asked;
        found.add(division.names[fold].clone(), result);
        if asked {
            break;
        }
    }
    let interrupted = found.ending == Ending::Asked;
    if place.features.is_none() && !interrupted {
        // They can be computed again; what cannot be removed costs room only.
        let _ = std::fs::remove_dir_all(&features);
    }
    let (history, epoch, ending) = (std::mem::take(&mut found.history), found.epoch, found.ending);
    let (folds, pooled) = found.pool(recipe, dataset, kind, division.len())?;
    write_json(&place.folder.join("evaluation.json"), &pooled.verdict)?;
    write_whole(&place.folder.join("folds.csv"), &pages::folds_csv(&folds)?)?;
    write_whole(&place.folder.join("predictions.csv"), &pages::predictions_csv(&pooled.judged)?)?;
    let report = place.folder.join("report.html");
    let page = pages::folds_report(recipe, dataset, &pooled, place.today)?;
    write_whole(&report, page.as_bytes())?;
    Ok(Finished {
        bundle: None,
        report,
        evaluation: pooled.verdict.evaluation,
        judged: pooled.judged.pictures,
        predictions: pooled.judged.predictions,
        remarks: pooled.remarks,
        history,
        epoch,
        ending,
    })
}

fn train_fold(
    recipe: &Recipe,
    dataset: &Dataset,
    division: &Division,
    fold: usize,
    place: &Place<'_>,
    observe: &mut (dyn FnMut(Event<'_>) + Send),
    stop: &AtomicBool,
) -> Result<Run, RunError> {
    // Of what is left after a fold is held out, this share decides which epoch is best.
    let share = recipe.val_ratio / (1.0 - recipe.test_ratio);
    let held_out = dataset.with_parts(&division.parts(fold));
    let samples = match cut_val(&dataset.together(&held_out), &division.parts(fold), share, recipe.seed) {
        Ok(inner) => dataset.with_parts(&inner.parts),
        Err(SplitError::TooFewGroups { .. }) => held_out,
        Err(error) => return Err(DatasetError::from(error).into()),
    };
    let of = |split| pictures(&samples, &dataset.classes, split);
    let (train, judged) = (of(Split::Train), of(Split::Test));
    let (mut val, calibration) = dataset.val_halves(&samples, recipe.calibration_ratio);
    let mut recipe = recipe.clone();
    if val.is_empty() {
        // One group is left to learn from: nothing can be chosen honestly, so the last epoch is taken, and the
        // figures shown while training are those of the training pictures.
        val.clone_from(&train);
        recipe.restore_best = false;
        recipe.patience = None;
    }
    let folder = place.folder.join(format!("fold-{}", fold + 1));
    write_whole(&folder.join("split.csv"), &dataset.split_csv(&samples, recipe.calibration_ratio)?)?;
    let (counts, contents) = (counts(&samples), dataset.contents(&samples));
    let calibration = CalibrationPart::new(&calibration, &samples);
    let judged_as = "held-out fold";
    let parts = Parts { train: &train, val: &val, calibration, judged: &judged, judged_as, counts, contents };
    run(&recipe, dataset, &parts, &folder, place, observe, stop)
}

/// What the folds found so far.
#[derive(Default)]
struct Found {
    names: Vec<String>,
    judged: Vec<Judged>,
    shown: Vec<Option<Shown>>,
    gazes: Vec<Gaze>,
    faiths: Vec<Faith>,
    examples: Vec<Examples>,
    remarks: Vec<Remark>,
    /// Of the last fold; of one that is not calibrated, if there is one.
    manifest: Option<Manifest>,
    history: Vec<EpochRow>,
    epoch: usize,
    ending: Ending,
}

impl Found {
    fn add(&mut self, name: String, run: Run) {
        self.names.push(name);
        self.judged.push(run.judged);
        self.shown.push(run.shown);
        self.gazes.extend(run.verdict.gaze);
        self.faiths.extend(run.verdict.faith);
        self.examples.push(run.examples);
        for remark in run.remarks {
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
        if self.manifest.as_ref().is_none_or(|kept| kept.calibration.is_some()) {
            self.manifest = Some(run.manifest);
        }
        self.history = run.fitted.history;
        self.epoch = run.fitted.epoch;
        self.ending = run.fitted.ending;
    }

    fn pool(
        self,
        recipe: &Recipe,
        dataset: &Dataset,
        kind: Folds,
        planned: usize,
    ) -> Result<(Vec<(String, Predictions)>, CrossValidated), RunError> {
        let manifest = self.manifest.ok_or(JudgeError::from(PredictionsError::Empty))?;
        let folds: Vec<(String, Predictions)> =
            self.names.into_iter().zip(self.judged.iter().map(|judged| judged.predictions.clone())).collect();
        let judged = Judged::pool(self.judged)?;
        let about = About::of(dataset, recipe);
        let mut verdict = Verdict::new(&manifest, &judged, &about)?;
        verdict.gaze = Gaze::pool(self.gazes);
        verdict.faith = Faith::mean(&self.faiths);
        let shown = Shown::pool(self.shown);
        verdict.parts_seen = shown.and_then(|shown| PartsSeen::new(&judged, &shown, &dataset.samples));
        let evaluations = folds.iter().map(|(name, p)| (name.clone(), evaluate(p))).collect();
        let pooled = CrossValidated {
            kind,
            planned,
            folds: evaluations,
            manifest,
            judged,
            verdict,
            examples: Examples::pool(self.examples),
            remarks: self.remarks,
        };
        Ok((folds, pooled))
    }
}
