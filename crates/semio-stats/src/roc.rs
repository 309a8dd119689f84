use crate::{Metric, TieGroup, Undefined};

/// One point of a receiver operating characteristic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// A picture counts as positive from this score on; infinite at the first point, where none does.
    pub threshold: f64,
    /// 1 − specificity.
    pub false_positive_rate: f64,
    /// Sensitivity.
    pub true_positive_rate: f64,
}

/// The area under the ROC curve, ties counted half (the Mann–Whitney statistic).
///
/// # Errors
/// Undefined where positives or negatives are missing.
pub fn roc_auc(groups: impl IntoIterator<Item = TieGroup>) -> Metric {
    let (mut positives, mut negatives, mut twice_area) = (0u64, 0u64, 0u128);
    for group in groups {
        // A negative is beaten by all positives above it and by half of those beside it.
        twice_area += u128::from(group.negatives) * u128::from(2 * positives + group.positives);
        positives += group.positives;
        negatives += group.negatives;
    }
    check(positives, negatives)?;
    Ok(twice_area as f64 / (2.0 * positives as f64 * negatives as f64))
}

/// The ROC curve at every distinct score, from (0, 0) to (1, 1).
///
/// # Errors
/// Undefined where positives or negatives are missing.
pub fn roc_curve(groups: impl IntoIterator<Item = TieGroup>) -> Result<Vec<RocPoint>, Undefined> {
    let groups: Vec<TieGroup> = groups.into_iter().filter(|g| g.positives + g.negatives > 0).collect();
    let positives: u64 = groups.iter().map(|g| g.positives).sum();
    let negatives: u64 = groups.iter().map(|g| g.negatives).sum();
    check(positives, negatives)?;
    let mut points = vec![RocPoint { threshold: f64::INFINITY, false_positive_rate: 0.0, true_positive_rate: 0.0 }];
    let (mut hits, mut alarms) = (0, 0);
    for group in groups {
        hits += group.positives;
        alarms += group.negatives;
        points.push(RocPoint {
            threshold: group.score,
            false_positive_rate: alarms as f64 / negatives as f64,
            true_positive_rate: hits as f64 / positives as f64,
        });
    }
    Ok(points)
}

fn check(positives: u64, negatives: u64) -> Result<(), Undefined> {
    match (positives, negatives) {
        (0, 0) => Err(Undefined::NoPredictions),
        (0, _) => Err(Undefined::NoPositives),
        (_, 0) => Err(Undefined::NoNegatives),
        _ => Ok(()),
    }
}
