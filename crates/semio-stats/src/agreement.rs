use crate::{ConfusionMatrix, Metric, Undefined};

/// Cohen's kappa: agreement beyond what the class frequencies alone would give.
///
/// Source: Cohen, "A coefficient of agreement for nominal scales", 1960.
///
/// # Errors
/// Undefined where nothing is counted, or truth and given class are one and the same single class.
pub fn kappa(matrix: &ConfusionMatrix) -> Metric {
    let n = i128::from(matrix.total());
    if n == 0 {
        return Err(Undefined::NoPredictions);
    }
    let by_chance = products(&matrix.supports(), &matrix.given());
    if by_chance == n * n {
        return Err(Undefined::OneClassPresentOrGiven);
    }
    Ok((n * i128::from(matrix.correct()) - by_chance) as f64 / (n * n - by_chance) as f64)
}

/// Matthews' correlation coefficient for any number of classes.
///
/// Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.
///
/// # Errors
/// Undefined where nothing is counted, or truth or given class is a single one.
pub fn mcc(matrix: &ConfusionMatrix) -> Metric {
    let n = i128::from(matrix.total());
    if n == 0 {
        return Err(Undefined::NoPredictions);
    }
    let (supports, given) = (matrix.supports(), matrix.given());
    let spread = |v: &[u64]| n * n - products(v, v);
    let (truth_spread, given_spread) = (spread(&supports), spread(&given));
    if truth_spread == 0 || given_spread == 0 {
        return Err(Undefined::OneClassPresentOrGiven);
    }
    let covariance = n * i128::from(matrix.correct()) - products(&supports, &given);
    Ok(covariance as f64 / ((truth_spread as f64).sqrt() * (given_spread as f64).sqrt()))
}

fn products(a: &[u64], b: &[u64]) -> i128 {
    a.iter().zip(b).map(|(&a, &b)| i128::from(a) * i128::from(b)).sum()
}
