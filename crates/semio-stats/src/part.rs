use serde::{Deserialize, Serialize};

use crate::{
    Bootstrap, Figures, Interval, Judge, Metric, Predictions, Undefined, auc_interval, groups::clusters,
    undefined::number_or_reason, wilson_interval,
};

/// The main figures of some of the pictures: of a subgroup, or of those that another part does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartFigures {
    /// Pictures.
    pub n: usize,
    /// Groups that they belong to, each picture without one counted as its own.
    pub groups: usize,
    /// The share of pictures whose given class is the true one.
    pub accuracy: Bounded,
    /// Area under the ROC curve: with two classes the second's, else one against the rest, macro average.
    pub roc_auc: Bounded,
    /// With two classes the second's recall, else the mean of the classes' recalls.
    pub sensitivity: Bounded,
}

/// A figure with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    /// The figure, or why it has none.
    #[serde(with = "number_or_reason")]
    pub value: Metric,
    /// Its interval; none where the figure has no value or too few groups carry it.
    pub interval: Option<Interval>,
}

impl PartFigures {
    /// Judges the pictures at `members`.
    ///
    /// Intervals: shares by Wilson (1927) where every picture is its own group, else by percentiles of the
    /// bootstrap over groups, and where all samples agree by Wilson over groups; the area of two classes by DeLong
    /// (1988) or Obuchowski (1997), of more by the bootstrap.
    ///
    /// # Shapes
    /// `groups`: one name a picture of the predictions; an empty one makes the picture its own group.
    pub fn new(predictions: &Predictions, groups: Option<&[String]>, members: &[usize]) -> Self {
        let unknown = || Bounded { value: Err(Undefined::NoPredictions), interval: None };
        let Ok(own) = predictions.subset(members) else {
            return Self { n: 0, groups: 0, accuracy: unknown(), roc_auc: unknown(), sensitivity: unknown() };
        };
        let name = |&member: &usize| groups.and_then(|g| g.get(member)).cloned().unwrap_or_default();
        let groups: Vec<String> = members.iter().map(name).collect();
        let part = Part { two: own.classes().len() == 2, groups: &groups, predictions: &own };
        let judge = Judge::new(&own);
        let figures = judge.figures(&judge.all());
        let right: Vec<bool> = own.truth().iter().zip(own.decided()).map(|(t, d)| t == d).collect();
        Self {
            n: own.len(),
            groups: count(own.len(), &groups),
            accuracy: part.share(&judge, figures.accuracy, &right, None, |f| f.accuracy),
            roc_auc: part.area(&judge, figures.roc_auc),
            sensitivity: if part.two {
                let second = |f: &Figures<Metric>| f.per_class[1].recall;
                part.share(&judge, second(&figures), &right, Some(1), second)
            } else {
                let interval = part.bootstrap(&judge, |f| f.balanced_accuracy);
                Bounded { value: figures.balanced_accuracy, interval: interval.filter(has_width) }
            },
        }
    }
}

struct Part<'a> {
    two: bool,
    groups: &'a [String],
    predictions: &'a Predictions,
}

impl Part<'_> {
    /// A share of right pictures, over all or over those of one class.
    fn share(
        &self,
        judge: &Judge<'_>,
        value: Metric,
        right: &[bool],
        class: Option<usize>,
        figure: impl Fn(&Figures<Metric>) -> Metric + Sync,
    ) -> Bounded {
        let Ok(share) = value else { return Bounded { value, interval: None } };
        let counted = |i: &usize| class.is_none_or(|class| self.predictions.truth()[*i] == class);
        let places: Vec<usize> = (0..right.len()).filter(counted).collect();
        let own: Vec<String> = places.iter().map(|&i| self.groups[i].clone()).collect();
        let groups = count(places.len(), &own);
        let wilson = |trials: usize| {
            let successes = (share * trials as f64).round() as u64;
            wilson_interval(successes, trials as u64).map(|(low, high)| Interval { low, high })
        };
        let interval = if groups == places.len() {
            wilson(groups)
        } else {
            self.bootstrap(judge, figure).filter(has_width).or_else(|| wilson(groups))
        };
        Bounded { value, interval }
    }

    fn area(&self, judge: &Judge<'_>, value: Metric) -> Bounded {
        if value.is_err() {
            return Bounded { value, interval: None };
        }
        let interval = if self.two {
            let scores: Vec<f64> = self.predictions.scores(1).collect();
            let positive: Vec<bool> = self.predictions.truth().iter().map(|t| *t == 1).collect();
            auc_interval(&scores, &positive, Some(self.groups), 0.95).ok().map(|estimate| estimate.interval)
        } else {
            self.bootstrap(judge, |f| f.roc_auc)
        };
        Bounded { value, interval: interval.filter(has_width) }
    }

    fn bootstrap(&self, judge: &Judge<'_>, figure: impl Fn(&Figures<Metric>) -> Metric + Sync) -> Option<Interval> {
        Bootstrap::new(self.predictions, Some(self.groups)).interval(judge, 0.95, figure)
    }
}

/// An interval without width says that nothing varied among so few, and not that the figure is certain.
fn has_width(interval: &Interval) -> bool {
    interval.high > interval.low
}

fn count(pictures: usize, groups: &[String]) -> usize {
    clusters(pictures, Some(groups)).iter().max().map_or(0, |c| c + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(scores: &[f64], truth: &[usize]) -> Predictions {
        let decided = scores.iter().map(|p| usize::from(*p >= 0.5)).collect();
        let rows = scores.iter().flat_map(|p| [1.0 - p, *p]).collect();
        Predictions::new(vec!["a".into(), "b".into()], truth.to_vec(), rows, decided, vec![true; truth.len()])
            .expect("valid")
    }

    #[test]
    fn a_part_is_judged_by_its_own_pictures() {
        let p = predictions(&[0.1, 0.9, 0.2, 0.3, 0.8, 0.7, 0.9], &[0, 0, 0, 1, 1, 1, 1]);
        let part = PartFigures::new(&p, None, &[0, 2, 3, 4, 5, 6]);
        assert_eq!((part.n, part.groups), (6, 6));
        assert_eq!(part.accuracy.value, Ok(5.0 / 6.0));
        assert_eq!((part.sensitivity.value, part.roc_auc.value), (Ok(0.75), Ok(1.0)));
        // statsmodels.stats.proportion.proportion_confint(5, 6, method="wilson") and (3, 4)
        let interval = |b: &Bounded| b.interval.map(|i| (i.low, i.high)).expect("is defined");
        let (low, high) = interval(&part.accuracy);
        assert!((low - 0.436_496_8).abs() < 1e-6 && (high - 0.969_946_2).abs() < 1e-6, "{low} {high}");
        let (low, high) = interval(&part.sensitivity);
        assert!((low - 0.300_641_8).abs() < 1e-6 && (high - 0.954_412_7).abs() < 1e-6, "{low} {high}");
        assert_eq!(part.roc_auc.interval, None, "an area of 1 has no spread");
        let one_class = PartFigures::new(&p, None, &[0, 1, 2]);
        assert_eq!(one_class.roc_auc.value, Err(Undefined::OneClassPresent));
        assert_eq!(one_class.sensitivity.value, Err(Undefined::NoPositives));
        assert_eq!(PartFigures::new(&p, None, &[]).accuracy.value, Err(Undefined::NoPredictions));
    }

    #[test]
    fn pictures_of_one_patient_are_not_counted_as_many() {
        let truth: Vec<usize> = (0..80).map(|i| i / 40).collect();
        let scores: Vec<f64> = (0..80).map(|i| if i % 20 < 5 { 0.4 } else { 0.6 }).collect();
        let p = predictions(&scores, &truth);
        let members: Vec<usize> = (0..80).collect();
        let groups: Vec<String> = (0..80).map(|i| format!("p{}", i / 5)).collect();
        let width = |part: PartFigures| part.accuracy.interval.map(|i| i.high - i.low).expect("is defined");
        let clustered = PartFigures::new(&p, Some(&groups), &members);
        assert_eq!((clustered.n, clustered.groups), (80, 16));
        assert!(width(clustered) > 1.5 * width(PartFigures::new(&p, None, &members)));
        let all_right = predictions(&truth.iter().map(|t| *t as f64).collect::<Vec<_>>(), &truth);
        let part = PartFigures::new(&all_right, Some(&groups), &members);
        let low = part.accuracy.interval.expect("Wilson over groups").low;
        assert!((low - 16.0 / (16.0 + 1.96 * 1.96)).abs() < 1e-3, "{low}");
    }
}
