use serde::{Deserialize, Serialize};

use crate::calibration::likeliest;
use crate::table::check_labels;
use crate::{InputError, Table};

/// A picture whose label may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelSuspect {
    /// Its row.
    pub picture: usize,
    /// The class that it is labelled as.
    pub given: usize,
    /// The class that it more likely is.
    pub suggested: usize,
    /// The probability of the class given.
    pub given_probability: f64,
    /// The probability of the class suggested.
    pub suggested_probability: f64,
}

/// Pictures that confidently look like another class than their label's, the least likely labels first (Northcutt,
/// Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", 2021).
///
/// A picture looks confidently like a class where the class's probability reaches its mean over the pictures labelled so.
/// As in the authors' program, a label that is still the likeliest class is not suspected.
///
/// # Shapes
/// `probabilities`: pictures × classes, each from a model that did not see the picture, as cross-validation gives them.
/// `labels`: one a picture.
///
/// # Errors
/// Where a label names no class.
pub fn label_suspects(probabilities: &Table, labels: &[usize]) -> Result<Vec<LabelSuspect>, InputError> {
    let classes = probabilities.columns();
    check_labels(labels, probabilities.len(), classes)?;
    let (mut sums, mut counts) = (vec![0.0; classes], vec![0.0; classes]);
    for (p, &label) in probabilities.rows().zip(labels) {
        sums[label] += p[label];
        counts[label] += 1.0;
    }
    // Of a class that no picture is labelled as, nothing is known.
    let threshold = |c: usize| if counts[c] > 0.0 { sums[c] / counts[c] } else { f64::INFINITY };
    // Rounding of a mean must not take a class away from pictures that are all alike.
    let confident = |p: &[f64], c: usize| p[c] >= threshold(c) - 1e-6;
    let mut suspects = vec![];
    for (picture, (p, &given)) in probabilities.rows().zip(labels).enumerate() {
        let found = (0..classes).filter(|&c| confident(p, c)).max_by(|&a, &b| p[a].total_cmp(&p[b]).then(b.cmp(&a)));
        if let Some(suggested) = found.filter(|&c| c != given && likeliest(p) != given) {
            let (given_probability, suggested_probability) = (p[given], p[suggested]);
            suspects.push(LabelSuspect { picture, given, suggested, given_probability, suggested_probability });
        }
    }
    suspects.sort_by(|a, b| a.given_probability.total_cmp(&b.given_probability).then(a.picture.cmp(&b.picture)));
    Ok(suspects)
}
