use serde::{Deserialize, Serialize};

use crate::table::check_length;
use crate::{InputError, Ranking, TieGroup};

/// What a threshold is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// At least this sensitivity, and as specific as that allows.
    Sensitivity(f64),
    /// At least this specificity, and as sensitive as that allows.
    Specificity(f64),
    /// The largest sensitivity + specificity − 1 (Youden 1950).
    Youden,
    /// The least expected cost.
    Costs {
        /// Of a picture of the class that is not found.
        miss: f64,
        /// Of another picture taken for one.
        false_alarm: f64,
        /// The class's frequency where the model is used; none means as among the pictures.
        prevalence: Option<f64>,
    },
}

/// A chosen threshold, and what it gives on the pictures that it was chosen on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// What it was chosen for.
    pub aim: Aim,
    /// Pictures of at least this probability count as positive. It lies midway between two pictures' values, so that
    /// rounding cannot move one across; above 1 it lets none through.
    pub threshold: f64,
    /// The share of positives found.
    pub sensitivity: f64,
    /// The share of negatives left alone.
    pub specificity: f64,
}

/// Chooses the threshold of one class's probability. Of thresholds equally good, the highest is taken; for
/// [`Aim::Sensitivity`] the lowest, which finds more at the same specificity.
///
/// # Shapes
/// `scores` and `positive`: one entry a picture.
///
/// # Errors
/// Where lengths differ, positives or negatives are missing (class 1 or 0), or the aim is out of range.
pub fn operating_point(scores: &[f64], positive: &[bool], aim: Aim) -> Result<OperatingPoint, InputError> {
    check_length("positive", scores.len(), positive.len())?;
    check_aim(aim)?;
    if let Some(row) = scores.iter().position(|s| !s.is_finite()) {
        return Err(InputError::NotFinite { row, column: 0 });
    }
    let candidates = candidates(scores, positive, aim)?;
    let good = |p: &&OperatingPoint| match aim {
        Aim::Sensitivity(least) => p.sensitivity >= least - ROUNDING,
        Aim::Specificity(least) => p.specificity >= least - ROUNDING,
        Aim::Youden | Aim::Costs { .. } => true,
    };
    let share = positive.iter().filter(|&&p| p).count() as f64 / positive.len() as f64;
    let worth = |p: &OperatingPoint| match aim {
        Aim::Sensitivity(_) => p.specificity,
        Aim::Specificity(_) => p.sensitivity,
        Aim::Youden => p.sensitivity + p.specificity,
        Aim::Costs { miss, false_alarm, prevalence } => {
            let prevalence = prevalence.unwrap_or(share);
            -(miss * prevalence * (1.0 - p.sensitivity) + false_alarm * (1.0 - prevalence) * (1.0 - p.specificity))
        }
    };
    // The two outer candidates reach every sensitivity and every specificity.
    let mut best: Option<OperatingPoint> = None;
    for point in candidates.iter().filter(good) {
        let margin = best.map_or(f64::INFINITY, |b| worth(point) - worth(&b));
        if margin > ROUNDING || (margin > -ROUNDING && matches!(aim, Aim::Sensitivity(_))) {
            best = Some(*point);
        }
    }
    best.ok_or(InputError::Empty)
}

/// Shares of equal counts may differ by this much.
const ROUNDING: f64 = 1e-12;

fn check_aim(aim: Aim) -> Result<(), InputError> {
    let expected = "0 to 1";
    let bad = |what, value: f64, ok: bool, expected| {
        if ok { Ok(()) } else { Err(InputError::Setting { what, value, expected }) }
    };
    let unit = |v: f64| (0.0..=1.0).contains(&v);
    match aim {
        Aim::Sensitivity(v) => bad("sensitivity", v, unit(v), expected),
        Aim::Specificity(v) => bad("specificity", v, unit(v), expected),
        Aim::Youden => Ok(()),
        Aim::Costs { miss, false_alarm, prevalence } => {
            let cost = |v: f64| v.is_finite() && v >= 0.0;
            bad("miss", miss, cost(miss), "a cost of 0 or more")?;
            bad("false_alarm", false_alarm, cost(false_alarm), "a cost of 0 or more")?;
            prevalence.map_or(Ok(()), |v| bad("prevalence", v, unit(v), expected))
        }
    }
}

/// From "none is positive" to "all are".
fn candidates(scores: &[f64], positive: &[bool], aim: Aim) -> Result<Vec<OperatingPoint>, InputError> {
    let positives = positive.iter().filter(|&&p| p).count();
    let negatives = positive.len() - positives;
    for (count, class) in [(negatives, 0), (positives, 1)] {
        if count == 0 {
            return Err(InputError::MissingClass(class));
        }
    }
    let ranking = Ranking::new(scores.iter().copied());
    let weights = vec![1; scores.len()];
    let groups: Vec<TieGroup> = ranking.groups(|p| positive[p], &weights).collect();
    let top = groups[0].score;
    let none = if top < 1.0 { f64::midpoint(top, 1.0) } else { top.next_up() };
    let point = |threshold, hits: u64, alarms: u64| OperatingPoint {
        aim,
        threshold,
        sensitivity: hits as f64 / positives as f64,
        specificity: 1.0 - alarms as f64 / negatives as f64,
    };
    let (mut hits, mut alarms) = (0, 0);
    let mut points = vec![point(none, 0, 0)];
    for (place, group) in groups.iter().enumerate() {
        hits += group.positives;
        alarms += group.negatives;
        let below = groups.get(place + 1).map_or(0f64.min(group.score), |g| g.score);
        points.push(point(f64::midpoint(group.score, below), hits, alarms));
    }
    Ok(points)
}
