use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, Discrete, DiscreteCDF};

use crate::groups::clusters;
use crate::table::check_length;
use crate::undefined::number_or_reason;
use crate::{InputError, Metric, Undefined};

/// Whether two models are right equally often on the same pictures (McNemar 1947).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Pictures on which only the first is right.
    pub only_first: u64,
    /// Pictures on which only the second is right.
    pub only_second: u64,
    /// Two-sided exact p value; takes pictures as independent.
    pub exact: f64,
    /// Two-sided mid-p value, which is less timid (Fagerland, Lydersen and Laake 2013); likewise.
    pub mid_p: f64,
    /// The test to believe where a group has more than one picture; none where none has.
    pub clustered: Option<ClusteredMcNemar>,
}

/// McNemar's test for pictures that belong together in groups (Obuchowski, "On the comparison of correlated proportions
/// for clustered data", 1998).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusteredMcNemar {
    /// Groups, each picture without one counted as its own.
    pub groups: usize,
    /// Two-sided, from the χ² distribution with one degree of freedom.
    #[serde(with = "number_or_reason")]
    pub p_value: Metric,
}

/// Tests whether two models are right equally often.
///
/// # Shapes
/// One entry a picture in each; an empty group name makes the picture its own group.
///
/// # Errors
/// Where there is no picture or lengths differ.
pub fn mcnemar(first_right: &[bool], second_right: &[bool], groups: Option<&[String]>) -> Result<McNemar, InputError> {
    check_length("second model", first_right.len(), second_right.len())?;
    if first_right.is_empty() {
        return Err(InputError::Empty);
    }
    if let Some(groups) = groups {
        check_length("groups", first_right.len(), groups.len())?;
    }
    let count = |first: bool| first_right.iter().zip(second_right).filter(|&(&a, &b)| a == first && b != first).count();
    let (only_first, only_second) = (count(true) as u64, count(false) as u64);
    let (exact, mid_p) = two_sided(only_first, only_second);
    let clusters = clusters(first_right.len(), groups);
    let group_count = clusters.iter().max().map_or(0, |c| c + 1);
    let clustered = (group_count < first_right.len()).then(|| {
        let mut gaps = vec![0.0; group_count];
        for ((&a, &b), &cluster) in first_right.iter().zip(second_right).zip(&clusters) {
            gaps[cluster] += f64::from(u8::from(a)) - f64::from(u8::from(b));
        }
        ClusteredMcNemar { groups: group_count, p_value: obuchowski(&gaps) }
    });
    Ok(McNemar { only_first, only_second, exact, mid_p, clustered })
}

/// Exact and mid-p from the binomial distribution of the disagreements.
fn two_sided(only_first: u64, only_second: u64) -> (f64, f64) {
    let (fewer, all) = (only_first.min(only_second), only_first + only_second);
    // A half is a valid share for any number of trials.
    let Ok(binomial) = Binomial::new(0.5, all) else { return (1.0, 1.0) };
    let (up_to, at) = (binomial.cdf(fewer), binomial.pmf(fewer));
    let exact = (2.0 * up_to).min(1.0);
    // Half of what is as likely as what was seen (Fagerland, Lydersen and Laake 2013); with as many on either side that is
    // the middle alone, which both tails hold.
    let mid_p = if only_first == only_second { 1.0 - at / 2.0 } else { 2.0 * up_to - at };
    (exact, if all == 0 { 1.0 } else { mid_p })
}

/// `gaps`: for every group, how many more pictures the first has right.
fn obuchowski(gaps: &[f64]) -> Metric {
    let (groups, squares) = (gaps.len() as f64, gaps.iter().map(|g| g * g).sum::<f64>());
    if squares <= 0.0 || groups < 2.0 {
        return Err(Undefined::NoVariation);
    }
    let statistic = gaps.iter().sum::<f64>().powi(2) * (groups - 1.0) / (groups * squares);
    // One degree of freedom is a valid one.
    ChiSquared::new(1.0).map(|chi| chi.sf(statistic)).map_err(|_| Undefined::NoVariation)
}
