use serde::Serialize;

/// Where the values of a group lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Values.
    pub n: usize,
    /// The smallest.
    pub min: f64,
    /// A quarter lies below.
    pub q1: f64,
    /// Half lies below.
    pub median: f64,
    /// Three quarters lie below.
    pub q3: f64,
    /// The largest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
}

impl Spread {
    /// Quartiles by linear interpolation, as in NumPy; `None` without values.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        Some(Self {
            n: values.len(),
            min,
            q1: quantile(&values, 0.25),
            median: quantile(&values, 0.5),
            q3: quantile(&values, 0.75),
            max,
            mean: values.iter().sum::<f64>() / values.len() as f64,
        })
    }
}

/// A quantile of sorted values.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (place - place.floor())
}

/// The probability that a value of the second group is larger than one of the first, ties by half.
pub(super) fn auc(first: &[f64], second: &[f64]) -> Option<f64> {
    let mut all: Vec<(f64, bool)> =
        first.iter().map(|&v| (v, false)).chain(second.iter().map(|&v| (v, true))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut sum) = (0usize, 0.0);
    for tied in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let ones = tied.iter().filter(|(_, second)| *second).count();
        let zeros = tied.len() - ones;
        sum += ones as f64 * (below as f64 + zeros as f64 / 2.0);
        below += zeros;
    }
    let pairs = first.len() * second.len();
    (pairs > 0).then(|| sum / pairs as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn auc_counts_pairs(first in prop::collection::vec(0u8..6, 1..20), second in prop::collection::vec(0u8..6, 1..20)) {
            let real = |v: &[u8]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let (first, second) = (real(&first), real(&second));
            let wins: f64 = first.iter().flat_map(|a| second.iter().map(move |b| match b.total_cmp(a) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            })).sum();
            let expected = wins / (first.len() * second.len()) as f64;
            prop_assert!((auc(&first, &second).unwrap_or(f64::NAN) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn quartiles_are_numpys() {
        // numpy.percentile([1, 2, 3, 4], [25, 50, 75]) = 1.75, 2.5, 3.25
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).expect("four values");
        assert_eq!((spread.q1, spread.median, spread.q3, spread.mean), (1.75, 2.5, 3.25, 2.5));
        assert_eq!(Spread::of(vec![]), None);
    }
}
