//! Sentences made from numbers.

use super::{Data, Groups, PartUse, Report, Stopping};
use crate::{
    Verdict,
    plot::{count, decimal, percent},
};
use semio_stats::{Evaluation, wilson_interval};

/// Below this many pictures a class's figures are called rough.
const FEW_OF_CLASS: u64 = 30;
/// Below this many pictures the whole set is called small.
const FEW: u64 = 200;
/// From this ratio of the largest to the smallest class on, the classes are called uneven.
const UNEVEN: f64 = 3.0;

/// `84.1 % (1,102 of 1,311)`.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return format!("{} of {}", count(part), count(whole));
    }
    format!("{} ({} of {})", percent(part as f64 / whole as f64), count(part), count(whole))
}

/// The result in a few sentences.
pub(super) fn brief(report: &Report) -> Vec<String> {
    let e = &report.evaluation;
    let n = e.overall.n;
    let correct = correct(&e.overall.confusion_matrix);
    let mut out = vec![format!(
        "On {} {} the class given by the model was the true one for {}.",
        pictures(n),
        part(&report.data),
        share(correct, n)
    )];
    if let Some((class, most)) = e.overall.per_class.iter().map(|(c, f)| (c, f.support)).max_by_key(|(_, s)| *s) {
        out.push(format!("Always giving the most frequent class, {class}, would be right for {}.", share(most, n)));
    }
    out.extend(ranking(e));
    out.extend(weakest(e));
    let answered = e.selective.n;
    if answered < n {
        let right = self::correct(&e.selective.confusion_matrix);
        let right =
            if answered > 0 { format!("; of these, {} were right", share(right, answered)) } else { String::new() };
        out.push(format!("The model gave an answer for {}{right}.", share(answered, n)));
    }
    out
}

fn ranking(e: &Evaluation) -> Option<String> {
    let auc = e.overall.roc_auc.ok()?;
    let of_hundred = if auc < 1.0 { (auc * 100.0).round().min(99.0) } else { 100.0 };
    let pairs = match e.classes.as_slice() {
        [first, second] => format!("Of 100 pairs of a picture of {second} and one of {first}"),
        _ => "Of 100 pairs of a picture of a class and one of another, averaged over the classes".to_owned(),
    };
    let which = if e.classes.len() == 2 { "the former" } else { "the picture of the class" };
    Some(format!("{pairs}, {which} got the higher score in about {of_hundred:.0} (ROC-AUC {}).", area(auc)))
}

fn weakest(e: &Evaluation) -> Option<String> {
    let rows = e.overall.confusion_matrix.iter().zip(e.overall.per_class.iter()).enumerate();
    let (index, (row, (class, figures))) = rows
        .filter(|(_, (_, (_, f)))| f.recall.is_ok_and(|r| r < 1.0))
        .min_by(|a, b| a.1.1.1.recall.unwrap_or(1.0).total_cmp(&b.1.1.1.recall.unwrap_or(1.0)))?;
    let hits = row.get(index).copied().unwrap_or(0);
    let others = row.iter().enumerate().filter(|(given, _)| *given != index);
    let (given, most) = others.max_by_key(|&(given, n)| (*n, std::cmp::Reverse(given)))?;
    let mistaken = e.classes.get(given)?;
    Some(format!(
        "The class found least often is {class}: {} of its pictures were recognised; {} were given {mistaken}.",
        share(hits, figures.support),
        count(*most)
    ))
}

/// What is drawn for the intervals.
pub(super) fn intervals(verdict: &Verdict, n: u64) -> String {
    let groups = verdict.intervals.groups as u64;
    let drawn = if groups < n {
        format!("whole patients or groups drawn ({} of them)", count(groups))
    } else {
        "each picture taken as independent, since no patients or groups are known".to_owned()
    };
    format!("Intervals: 95\u{a0}%, BCa bootstrap, stratified by class, {drawn}.")
}

/// How sure the results are.
pub(super) fn certainty(verdict: &Verdict, coverage: Option<f64>) -> Vec<String> {
    let mut out = vec![];
    if let Some(c) = &verdict.calibration {
        let (error, chance) = (c.equal_width.ece, c.by_chance.percentile_95);
        let state =
            if c.calibrated { "The probabilities are calibrated" } else { "The probabilities are not calibrated" };
        let against = if error <= chance {
            "no more than a perfectly calibrated model of this size shows in 95 of 100 samples"
        } else {
            "more than chance explains: a perfectly calibrated model of this size stays below it in 95 of 100 samples"
        };
        out.push(format!(
            "{state}: they are off by {} in the mean (expected calibration error in ten bins of equal width), which is \
             {against} ({}).",
            decimal(error, 3),
            decimal(chance, 3)
        ));
    }
    if let (Some(sets), Some(coverage)) = (&verdict.sets, coverage) {
        out.push(format!(
            "The set of classes given with each picture was made to hold the true one for {} of such pictures; here it did \
             for {}, with {} classes in the mean.",
            percent(coverage),
            percent(sets.coverage),
            decimal(sets.mean_size, 2)
        ));
    }
    let o = verdict.outcomes;
    let all = (o.answered + o.unsure + o.refused) as u64;
    if o.unsure + o.refused > 0 {
        let right = verdict
            .evaluation
            .selective
            .accuracy
            .map_or_else(|_| String::new(), |a| format!(" Of the answers, {} were right.", percent(a)));
        out.push(format!(
            "Answered: {}. Not sure, a person should look: {}. Refused as unlike the pictures that the model knows: {}.{right}",
            share(o.answered as u64, all),
            share(o.unsure as u64, all),
            share(o.refused as u64, all)
        ));
    }
    out
}

/// What to keep in mind, made from the numbers.
pub(super) fn limits(report: &Report) -> Vec<String> {
    let e = &report.evaluation;
    let n = e.overall.n;
    let mut out = vec![part_use(report.data.part_use)];
    out.extend(report.split.as_ref().map(|s| groups(s.groups)));
    let few = if n < FEW { "This is a small set. " } else { "" };
    if let Some(interval) = report.verdict.as_ref().and_then(|v| v.intervals.figures.accuracy) {
        out.push(format!(
            "{few}By chance alone, the accuracy on such a set may come out anywhere between about {} and {}.",
            percent(interval.low),
            percent(interval.high)
        ));
    } else if let Some((low, high)) = wilson_interval(correct(&e.overall.confusion_matrix), n) {
        out.push(format!(
            "{few}By chance alone, the accuracy on {} may come out anywhere between about {} and {} (Wilson's 95\u{a0}% \
             interval, each picture taken as independent; where a patient has several pictures, the range is wider).",
            pictures(n),
            percent(low),
            percent(high)
        ));
    }
    let supports: Vec<(&String, u64)> = e.overall.per_class.iter().map(|(c, f)| (c, f.support)).collect();
    let rare: Vec<String> =
        supports.iter().filter(|(_, s)| *s < FEW_OF_CLASS).map(|(c, s)| format!("{c} ({s})")).collect();
    if !rare.is_empty() {
        out.push(format!("Few pictures of: {}. The figures of a class with so few are rough.", rare.join(", ")));
    }
    let least = supports.iter().filter(|(_, s)| *s > 0).min_by_key(|(_, s)| *s);
    let most = supports.iter().max_by_key(|(_, s)| *s);
    if let (Some((small, least)), Some((large, most))) = (least, most)
        && *most as f64 / *least as f64 >= UNEVEN
    {
        out.push(format!(
            "The classes are uneven: {} times as many pictures of {large} as of {small}. The accuracy says little about \
             the smaller classes; look at the balanced accuracy and at each class.",
            decimal(*most as f64 / *least as f64, 1)
        ));
    }
    let left_out: u64 = report.data.left_out.iter().map(|l| l.count).sum();
    if left_out > 0 {
        out.push(format!("{} left out (see Data); the figures say nothing about them.", were(left_out)));
    }
    if !report.model.calibrated {
        out.push(
            "The probabilities are the network's own and not calibrated: of 100 pictures with a score of 90\u{a0}%, more \
             or fewer than 90 may be of that class."
                .to_owned(),
        );
    }
    out.push(
        "Precision and negative predictive value hold for the share of each class among these pictures; where a class is \
         rarer or more frequent, they differ."
            .to_owned(),
    );
    out
}

fn part_use(part_use: PartUse) -> String {
    match part_use {
        PartUse::Training => {
            "The network was trained on these pictures: the figures show what it remembers, not what it would do on new \
             ones."
        }
        PartUse::Selection => {
            "These pictures were also used to choose the epoch or the settings: the figures are somewhat too good. A test \
             on pictures set apart is still to be done."
        }
        PartUse::HeldOut => {
            "These pictures were not used in training, but come from the same collection: at another place, with other \
             devices and patients, the figures may be lower."
        }
        PartUse::CrossValidation => {
            "Each picture was judged by a network that had not seen it, but all come from one collection: at another \
             place, with other devices and patients, the figures may be lower."
        }
        PartUse::External => {
            "These pictures come from another collection than the training pictures. The figures describe this collection \
             only."
        }
        PartUse::Unknown => {
            "It is not known whether the network was trained or tuned on these pictures: if so, the figures are too good."
        }
    }
    .to_owned()
}

/// Whether groups were respected.
pub(super) fn groups(groups: Groups) -> String {
    match groups {
        Groups::Unknown => {
            "Which pictures belong to the same patient is not known: pictures of one patient may stand on \
                            both sides of the split, and the figures may be too good."
                .to_owned()
        }
        Groups::Kept { groups } => format!(
            "Pictures that belong together (for example to one patient) stayed in one part: none of the {} groups lies in \
             two.",
            count(groups)
        ),
        Groups::Shared { groups, shared } => format!(
            "Pictures that belong together lie in more than one part for {} groups: the figures may be too good.",
            share(shared, groups)
        ),
    }
}

/// How training ended.
pub(super) fn training(epochs: usize, best: Option<u32>, stopping: &Stopping) -> String {
    let run = if epochs == 1 { "1 epoch was run".to_owned() } else { format!("{epochs} epochs were run") };
    let best = best.map(|b| format!("; the weights of epoch {b} were kept")).unwrap_or_default();
    let why = match stopping {
        Stopping::AllEpochs => "Training ended because all epochs asked for were done.".to_owned(),
        Stopping::NoImprovement { metric, patience } => {
            format!("Training ended because the {metric} did not improve for {patience} epochs.")
        }
        Stopping::Interrupted => "Training was ended by hand.".to_owned(),
    };
    format!("{run}{best}. {why}")
}

/// How the folds differ.
pub(super) fn folds(report: &Report) -> String {
    let accuracies: Vec<f64> = report.folds.iter().filter_map(|f| f.evaluation.overall.accuracy.ok()).collect();
    let (low, high) = accuracies.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &a| (l.min(a), h.max(a)));
    let all = "The other sections of this report pool the predictions of all folds.";
    if accuracies.is_empty() {
        return all.to_owned();
    }
    format!(
        "The accuracy of the {} folds lies between {} and {}. {all}",
        report.folds.len(),
        percent(low),
        percent(high)
    )
}

/// What an example shows.
pub(super) fn example(given: &str, probability: f64) -> String {
    format!("The model's result suggests {given} (score\u{a0}{})", percent(probability))
}

/// What a screen reader says of an example's picture.
pub(super) fn thumbnail(file: &str) -> String {
    format!("Thumbnail of {file}")
}

/// An area under a curve; one that is nearly 1 is not rounded to it.
pub(super) fn area(value: f64) -> String {
    if (0.9995..1.0).contains(&value) { ">\u{a0}0.999".to_owned() } else { decimal(value, 3) }
}

/// Where the figures of the classes cannot be drawn.
pub(super) fn too_many_classes(classes: usize) -> String {
    format!(
        "With {} classes the matrix and the curves are too large to draw; evaluation.json holds them.",
        count(classes as u64)
    )
}

/// Where thumbnails were left out to keep the page small.
pub(super) fn thumbnails_left_out(n: u64) -> String {
    format!("{} left out to keep this file small.", were(n).replace("picture", "thumbnail"))
}

fn part(data: &Data) -> String {
    if data.part_use == PartUse::CrossValidation {
        return "of all folds".to_owned();
    }
    if data.part.is_empty() { "of the data".to_owned() } else { format!("of the part “{}”", data.part) }
}

fn pictures(n: u64) -> String {
    if n == 1 { "1 picture".to_owned() } else { format!("{} pictures", count(n)) }
}

fn were(n: u64) -> String {
    format!("{} {}", pictures(n), if n == 1 { "was" } else { "were" })
}

/// The sum of the diagonal.
pub(super) fn correct(matrix: &[Vec<u64>]) -> u64 {
    matrix.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum()
}
