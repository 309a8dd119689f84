use crate::{Metric, TieGroup, Undefined};

/// One point of a precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// A picture counts as positive from this score on.
    pub threshold: f64,
    /// Sensitivity.
    pub recall: f64,
    /// Positive predictive value.
    pub precision: f64,
}

/// Average precision: the area under the precision-recall curve in steps, without interpolation.
///
/// # Errors
/// Undefined where positives are missing.
pub fn average_precision(groups: impl IntoIterator<Item = TieGroup>) -> Metric {
    let (mut hits, mut given, mut area) = (0u64, 0u64, 0.0);
    for group in groups {
        hits += group.positives;
        given += group.positives + group.negatives;
        if group.positives > 0 {
            area += group.positives as f64 * (hits as f64 / given as f64);
        }
    }
    match (hits, given) {
        (0, 0) => Err(Undefined::NoPredictions),
        (0, _) => Err(Undefined::NoPositives),
        _ => Ok(area / hits as f64),
    }
}

/// The precision-recall curve at every distinct score, recall rising; no point is made up at recall 0.
///
/// # Errors
/// Undefined where positives are missing.
pub fn precision_recall_curve(
    groups: impl IntoIterator<Item = TieGroup>,
) -> Result<Vec<PrecisionRecallPoint>, Undefined> {
    let groups: Vec<TieGroup> = groups.into_iter().filter(|g| g.positives + g.negatives > 0).collect();
    let positives: u64 = groups.iter().map(|g| g.positives).sum();
    if groups.is_empty() {
        return Err(Undefined::NoPredictions);
    }
    if positives == 0 {
        return Err(Undefined::NoPositives);
    }
    let (mut hits, mut given) = (0, 0);
    Ok(groups
        .into_iter()
        .map(|group| {
            hits += group.positives;
            given += group.positives + group.negatives;
            PrecisionRecallPoint {
                threshold: group.score,
                recall: hits as f64 / positives as f64,
                precision: hits as f64 / given as f64,
            }
        })
        .collect())
}
