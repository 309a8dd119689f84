use std::collections::HashSet;

use semio_data::Sample;
use semio_model::{GroupKind, Manifest, Outcome, Predictor, Seen};
use semio_stats::{
    Binning, Bootstrap, Brier, EceUnderCalibration, Evaluation, Figures, InputError, Interval, IntervalMethod, Judge,
    PartFigures, Predictions, PredictiveValues, Reliability, RiskCoveragePoint, SetFigures, Table, brier,
    ece_under_calibration, evaluate, predictive_values, risk_coverage, top_label, wilson_interval,
};
use serde::Serialize;

use crate::{
    dataset::{Dataset, group_names},
    faith::Faith,
    gaze::Gaze,
    inference::Judged,
    recipe::Recipe,
    shortcuts::PartsSeen,
    subgroups::{Subgroups, subgroups},
};

/// All that is known about predictions of pictures whose classes are known: `evaluation.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The figures; they stand at the top level.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// Their intervals.
    pub intervals: Intervals,
    /// Whether probabilities mean what they say; none where they cannot be compared.
    pub calibration: Option<CalibrationFigures>,
    /// How well the sets of classes do; none where the bundle is not calibrated.
    pub sets: Option<SetFigures>,
    /// What the pictures' results are worth.
    pub outcomes: Outcomes,
    /// The main figures by sex, age, source, view and further columns; empty where the data tell none of them.
    pub subgroups: Vec<Subgroups>,
    /// What an answer is worth where the classes have other frequencies; none where no such place was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_site: Option<AtSite>,
    /// The main figures with and without the pictures that the parts before know; none where no leak was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak: Option<LeakScores>,
    /// What the judged pictures were to the model before, by the content of their files; none where the bundle does not know
    /// its pictures, and of folds, each of which is set aside for its own network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// How the maps of the model's attention lie beside masks; none where the pictures have no masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaze: Option<Gaze>,
    /// Whether the maps tell what results hang on; none where the network has no maps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faith: Option<Faith>,
    /// The main figures of the pictures with masks, seen whole, inside and outside of them; none without masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts_seen: Option<PartsSeen>,
}

/// What a class given, or not given, is worth at a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtSite {
    /// The classes' frequencies there.
    pub prevalence: Vec<f64>,
    /// `[true][given]`: how the judged pictures are decided with the probabilities of that place.
    pub confusion_matrix: Vec<Vec<u64>>,
    /// One entry a class.
    pub predictive_values: Vec<PredictiveValues>,
}

impl AtSite {
    /// Decides the judged pictures anew with a predictor that was adapted to the place; none where it was not.
    ///
    /// # Errors
    /// [`InputError::MissingClass`] where a class of the place has no judged picture.
    pub fn new(predictor: &Predictor, predictions: &Predictions) -> Result<Option<Self>, InputError> {
        let Some(prevalence) = predictor.prevalence() else { return Ok(None) };
        let mut confusion_matrix = vec![vec![0; prevalence.len()]; prevalence.len()];
        for (i, &truth) in predictions.truth().iter().enumerate() {
            let (given, _) = predictor.decide(predictions.probabilities(i));
            confusion_matrix[truth][given] += 1;
        }
        let predictive_values = predictive_values(&confusion_matrix, prevalence)?;
        Ok(Some(Self { prevalence: prevalence.to_vec(), confusion_matrix, predictive_values }))
    }
}

/// The main figures of pictures that a part before knows, and of those that none knows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakScores {
    /// Of pictures with a group (patient), a duplicate or a near duplicate in a part before.
    pub touched: PartFigures,
    /// Of the others.
    pub untouched: PartFigures,
}

/// What the data tell of the judged pictures.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The pictures' samples, and perhaps others.
    pub samples: &'a [Sample],
    /// The names of the samples' further columns.
    pub columns: &'a [String],
    /// Columns whose values are judged apart, besides those that are always.
    pub subgroups: &'a [String],
    /// What a group of the samples is.
    pub group_kind: GroupKind,
}

impl<'a> About<'a> {
    /// What a recipe's own data tell.
    pub(crate) fn of(dataset: &'a Dataset, recipe: &'a Recipe) -> Self {
        Self {
            samples: &dataset.samples,
            columns: &dataset.columns,
            subgroups: &recipe.subgroups,
            group_kind: dataset.group_kind,
        }
    }
}

/// Intervals of every figure.
#[derive(Clone, Debug, Serialize)]
pub struct Intervals {
    /// The share of samples that they hold.
    pub level: f64,
    /// `bca`: bias-corrected and accelerated bootstrap (Efron 1987), whole groups drawn, as many of each class. Where all
    /// samples agree, accuracy, recall and specificity have Wilson's interval over groups, and other figures none.
    pub method: &'static str,
    /// Groups drawn from; as many as pictures where no groups are known.
    pub groups: usize,
    /// What a group is.
    pub group_kind: GroupKind,
    /// One interval a figure.
    #[serde(flatten)]
    pub figures: Figures<Option<Interval>>,
}

/// How far probabilities are from what came true.
#[derive(Clone, Debug, Serialize)]
pub struct CalibrationFigures {
    /// Whether a scaling was fitted on other pictures.
    pub calibrated: bool,
    /// In bins of equal width, of the likeliest class.
    pub equal_width: Reliability,
    /// In bins of equal numbers of pictures.
    pub equal_mass: Reliability,
    /// The error that a perfectly calibrated model with these probabilities would show by chance, in bins of equal width.
    pub by_chance: EceUnderCalibration,
    /// The mean squared distance of probabilities and truth, and what it consists of.
    pub brier: Brier,
    /// Area under the risk–coverage curve: the mean error while ever less sure pictures are answered.
    pub risk_coverage_area: f64,
    /// The curve itself, at about a hundred places.
    pub risk_coverage: Vec<RiskCoveragePoint>,
}

/// How many pictures ended how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// The class stands alone.
    pub answered: usize,
    /// A person should look.
    pub unsure: usize,
    /// Not a picture that the model knows.
    pub refused: usize,
}

/// Bins of reliability diagrams.
const BINS: usize = 10;
/// Points kept of a risk–coverage curve.
const CURVE: usize = 100;
/// Perfectly calibrated models that are simulated.
const SIMULATIONS: usize = 1000;

impl Verdict {
    /// Judges predictions.
    ///
    /// # Errors
    /// [`InputError`] where predictions and results are not of the same pictures.
    pub fn new(manifest: &Manifest, judged: &Judged, about: &About<'_>) -> Result<Self, InputError> {
        let (predictions, results) = (&judged.predictions, &judged.results);
        let groups = group_names(&judged.pictures, about.samples);
        let groups = groups.as_deref();
        let judge = Judge::new(predictions);
        let bootstrap = Bootstrap::new(predictions, groups);
        let intervals = Intervals {
            level: 0.95,
            method: "bca",
            groups: bootstrap.groups(),
            group_kind: about.group_kind,
            figures: with_width(&bootstrap.intervals(&judge, 0.95, IntervalMethod::Bca), predictions, groups),
        };
        let sets: Option<Vec<Vec<usize>>> = results.iter().map(|r| r.set.clone()).collect();
        let classes = predictions.classes().len();
        let sets = sets.filter(|s| !s.is_empty()).map(|sets| SetFigures::new(&sets, predictions.truth(), classes));
        let count = |test: fn(&Outcome) -> bool| results.iter().filter(|r| test(&r.outcome)).count();
        Ok(Self {
            evaluation: evaluate(predictions),
            intervals,
            calibration: Some(calibration(predictions, manifest.calibration.is_some())?),
            sets: sets.transpose()?,
            outcomes: Outcomes {
                answered: count(|o| *o == Outcome::Answered),
                unsure: count(|o| matches!(o, Outcome::Unsure(_))),
                refused: count(|o| matches!(o, Outcome::Refused(_))),
            },
            subgroups: subgroups(predictions, &judged.pictures, about.samples, about.columns, about.subgroups, groups),
            at_site: None,
            leak: leak_scores(manifest, judged, about, groups),
            seen: None,
            gaze: None,
            faith: None,
            parts_seen: None,
        })
    }
}

/// With and without the pictures that the column `leak` names; none where the bundle knows of no leak.
fn leak_scores(
    manifest: &Manifest,
    judged: &Judged,
    about: &About<'_>,
    groups: Option<&[String]>,
) -> Option<LeakScores> {
    manifest.data.leak.as_ref().filter(|leak| !leak.is_clean())?;
    let place = about.columns.iter().position(|c| c == crate::leak::COLUMN)?;
    let known = |s: &&Sample| s.extra.get(place).is_some_and(|cell| !cell.is_empty());
    let known: HashSet<&str> = about.samples.iter().filter(known).map(|s| s.name.as_str()).collect();
    let all = 0..judged.pictures.len();
    let (touched, untouched): (Vec<usize>, Vec<usize>) =
        all.partition(|&i| known.contains(judged.pictures[i].name.as_str()));
    let figures = |members: &[usize]| PartFigures::new(&judged.predictions, groups, members);
    Some(LeakScores { touched: figures(&touched), untouched: figures(&untouched) })
}

/// An interval without width says that nothing varied in the samples, and not that the figure is certain: shares whose
/// groups can be counted get Wilson's instead.
fn with_width(
    intervals: &Figures<Option<Interval>>,
    predictions: &Predictions,
    groups: Option<&[String]>,
) -> Figures<Option<Interval>> {
    let mut figures = intervals.map(|_, interval| interval.filter(|i| i.high > i.low));
    let (truth, decided) = (predictions.truth(), predictions.decided());
    // Of so many groups as carry the pictures, the share that succeeded.
    let wilson = |members: &dyn Fn(usize) -> bool, right: &dyn Fn(usize) -> bool| {
        let members: Vec<usize> = (0..predictions.len()).filter(|&i| members(i)).collect();
        let share = members.iter().filter(|&&i| right(i)).count() as f64 / members.len() as f64;
        let own = |&i: &usize| groups.and_then(|g| g.get(i)).filter(|name| !name.is_empty());
        let named: HashSet<&String> = members.iter().filter_map(own).collect();
        let trials = named.len() + members.iter().filter(|i| own(i).is_none()).count();
        let (low, high) = wilson_interval((share * trials as f64).round() as u64, trials as u64)?;
        Some(Interval { low, high })
    };
    figures.accuracy = figures.accuracy.or_else(|| wilson(&|_| true, &|i| truth[i] == decided[i]));
    for (class, own) in figures.per_class.values_mut().enumerate() {
        own.recall = own.recall.or_else(|| wilson(&|i| truth[i] == class, &|i| decided[i] == class));
        own.specificity = own.specificity.or_else(|| wilson(&|i| truth[i] != class, &|i| decided[i] != class));
    }
    figures
}

fn calibration(predictions: &Predictions, calibrated: bool) -> Result<CalibrationFigures, InputError> {
    let rows = (0..predictions.len()).flat_map(|i| predictions.probabilities(i).iter().copied()).collect();
    let table = Table::new(rows, predictions.classes().len())?;
    let (confidences, hits) = top_label(&table, predictions.truth())?;
    // Rounding may put the sum of a row a little above 1.
    let confidences: Vec<f64> = confidences.into_iter().map(|p| p.clamp(0.0, 1.0)).collect();
    let curve = risk_coverage(&confidences, &hits)?;
    let step = curve.points.len().div_ceil(CURVE).max(1);
    // The last point, where all is answered, always stays.
    let mut points: Vec<RiskCoveragePoint> = curve.points.iter().rev().step_by(step).copied().collect();
    points.reverse();
    Ok(CalibrationFigures {
        calibrated,
        equal_width: Reliability::new(&confidences, &hits, Binning::EqualWidth(BINS))?,
        equal_mass: Reliability::new(&confidences, &hits, Binning::EqualMass(BINS))?,
        by_chance: ece_under_calibration(&confidences, Binning::EqualWidth(BINS), SIMULATIONS, 0)?,
        brier: brier(&table, predictions.truth(), Binning::EqualMass(BINS))?,
        risk_coverage_area: curve.area,
        risk_coverage: points,
    })
}
