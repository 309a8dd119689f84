use serde::{Deserialize, Serialize};

use crate::table::check_length;
use crate::{InputError, Ranking};

/// What is wrong among the answered pictures when only the surest are answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskCoveragePoint {
    /// Pictures with at least this confidence are answered.
    pub threshold: f64,
    /// The share that is answered.
    pub coverage: f64,
    /// The share of wrong answers among them.
    pub risk: f64,
}

/// The risk–coverage curve (El-Yaniv and Wiener, "On the foundations of noise-free selective classification", 2010).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// At every distinct confidence, coverage rising.
    pub points: Vec<RiskCoveragePoint>,
    /// The mean of the risk over all numbers of answered pictures (AURC; Geifman, Uziel and El-Yaniv 2019); less is
    /// better. Pictures of equal confidence count as if put into a random order.
    pub area: f64,
}

/// Follows the risk while ever less sure pictures are answered.
///
/// # Shapes
/// One confidence and one hit a picture; see [`crate::top_label`].
///
/// # Errors
/// Where there is no picture, lengths differ, or a confidence is not finite.
pub fn risk_coverage(confidences: &[f64], hits: &[bool]) -> Result<RiskCoverage, InputError> {
    check_length("hits", confidences.len(), hits.len())?;
    if confidences.is_empty() {
        return Err(InputError::Empty);
    }
    if let Some(row) = confidences.iter().position(|c| !c.is_finite()) {
        return Err(InputError::NotFinite { row, column: 0 });
    }
    let ranking = Ranking::new(confidences.iter().copied());
    let (mut answered, mut wrong, mut area) = (0u64, 0u64, 0.0);
    let mut points = vec![];
    for group in ranking.groups(|picture| hits[picture], &vec![1; hits.len()]) {
        let size = group.positives + group.negatives;
        let rate = group.negatives as f64 / size as f64;
        area += (1..=size).map(|i| (wrong as f64 + i as f64 * rate) / (answered + i) as f64).sum::<f64>();
        answered += size;
        wrong += group.negatives;
        points.push(RiskCoveragePoint {
            threshold: group.score,
            coverage: answered as f64 / hits.len() as f64,
            risk: wrong as f64 / answered as f64,
        });
    }
    Ok(RiskCoverage { points, area: area / hits.len() as f64 })
}
