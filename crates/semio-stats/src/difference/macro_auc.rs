use statrs::distribution::{ContinuousCDF, Normal};

use super::auc::{AucComparison, AucMethod, Sample, compare_aucs, normal_quantile};
use crate::table::check_length;
use crate::{InputError, Interval, Predictions, Undefined};

/// Tests whether two models' areas under the ROC curve differ on the same pictures: with two classes the second's, else
/// the mean of the classes' areas, each against the rest.
///
/// Two classes: DeLong's or Obuchowski's test ([`compare_aucs`]). More: the infinitesimal jackknife over groups, the
/// influence of a group on the mean being the mean of its influences on the classes' areas (for one area LeDell, Petersen
/// and van der Laan, "Computationally efficient confidence intervals for cross-validated area under the ROC curve
/// estimates", 2015).
///
/// # Shapes
/// `groups`: one entry a picture; an empty name makes the picture its own group.
///
/// # Errors
/// Where the predictions are not of the same pictures and classes, `level` is no share, or a class has fewer than two
/// groups with or without it.
pub fn compare_roc_aucs(
    first: &Predictions,
    second: &Predictions,
    groups: Option<&[String]>,
    level: f64,
) -> Result<AucComparison, InputError> {
    check_length("second model", first.len(), second.len())?;
    check_length("classes of the second model", first.classes().len(), second.classes().len())?;
    let positive = |class: usize| -> Vec<bool> { first.truth().iter().map(|t| *t == class).collect() };
    let scores = |of: &Predictions, class: usize| -> Vec<f64> { of.scores(class).collect() };
    if first.classes().len() == 2 {
        return compare_aucs(&scores(first, 1), &scores(second, 1), &positive(1), groups, level);
    }
    let classes = first.classes().len();
    let (mut areas, mut influences, mut method, mut count) = ([0.0; 2], vec![], AucMethod::Jackknife, 0);
    for class in 0..classes {
        let positive = positive(class);
        let sample = Sample::new(&positive, groups, level)?;
        count = sample.groups;
        influences.resize(count, 0.0);
        if sample.method == AucMethod::Obuchowski {
            method = AucMethod::GroupJackknife;
        }
        for (place, of) in [first, second].into_iter().enumerate() {
            let (area, own) = sample.influences(&scores(of, class))?;
            areas[place] += area / classes as f64;
            let sign = if place == 0 { 1.0 } else { -1.0 };
            influences.iter_mut().zip(own).for_each(|(sum, v)| *sum += sign * v / classes as f64);
        }
    }
    let n = count as f64;
    let standard_error = (n / (n - 1.0) * influences.iter().map(|v| v * v).sum::<f64>()).sqrt();
    let difference = areas[0] - areas[1];
    let half = normal_quantile(level) * standard_error;
    // A spread that is only rounding is none.
    let p_value = if standard_error > 1e-9 {
        Ok(2.0 * Normal::standard().sf((difference / standard_error).abs()))
    } else {
        Err(Undefined::NoVariation)
    };
    Ok(AucComparison {
        first: areas[0],
        second: areas[1],
        difference,
        standard_error,
        interval: Interval { low: difference - half, high: difference + half },
        p_value,
        method,
        groups: count,
    })
}
