//! Whether networks differ on the same pictures: paired tests of each against the best.

use std::{collections::HashMap, fs, path::Path};

use semio_stats::{AucMethod, Interval, Metric, Predictions, compare_roc_aucs, holm, mcnemar};
use serde::{Deserialize, Serialize};

use super::Standing;
use crate::dataset::Dataset;

/// Below this corrected p value a difference is said.
const LEVEL: f64 = 0.05;

/// Folds that are looked for.
const MOST_FOLDS: usize = 100_000;

/// One network beside the best, on the same pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// The network.
    pub name: String,
    /// The one that it is compared with: the first of the ranking.
    pub against: String,
    /// Pictures that both judged.
    pub pictures: usize,
    /// Groups (patients) that they belong to, each picture without one counted as its own.
    pub groups: usize,
    /// The areas under the ROC curve; none where they cannot be compared.
    pub roc_auc: Option<Paired>,
    /// The shares of right pictures.
    pub accuracy: Option<Paired>,
}

/// A difference on the same pictures, and whether it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// The network's figure minus that of the one that it is compared with.
    pub difference: f64,
    /// The difference's 95 % interval, where the test gives one.
    pub interval: Option<Interval>,
    /// The test.
    pub test: Test,
    /// Two-sided; none where nothing varies.
    pub p_value: Option<f64>,
    /// The same corrected for the number of networks (Holm 1979).
    pub p_corrected: Option<f64>,
    /// What it comes to.
    pub finding: Finding,
}

/// A paired test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Of areas, every picture for itself (DeLong et al. 1988).
    DeLong,
    /// Of areas, by groups (Obuchowski 1997).
    Obuchowski,
    /// Of mean areas over the classes: the infinitesimal jackknife, every picture for itself.
    Jackknife,
    /// The same by groups.
    GroupJackknife,
    /// Of shares, mid-p, every picture for itself (McNemar 1947; Fagerland et al. 2013).
    McNemar,
    /// Of shares, by groups (Obuchowski 1998).
    ClusteredMcNemar,
}

/// What a paired test comes to, for the network named beside the one that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Its figure is lower, and the test supports it.
    Worse,
    /// Its figure is higher, and the test supports it.
    Better,
    /// The test does not support a difference; that is no proof that there is none.
    NoDifferenceShown,
}

/// Tests every finished network against the first; what its folder does not hold is passed over.
pub(super) fn paired(standings: &[Standing], dataset: &Dataset, folder: &Path) -> Vec<PairedTest> {
    let mut judged = standings.iter().filter(|s| s.failed.is_none());
    let Some(best) = judged.next() else { return vec![] };
    let read = |s: &Standing| Judgements::read(&folder.join(&s.name), &dataset.classes);
    let Some(first) = read(best) else { return vec![] };
    let groups: HashMap<&str, &str> =
        dataset.samples.iter().filter_map(|s| Some((s.name.as_str(), s.group.as_deref()?))).collect();
    let test = |s: &Standing| one(s, &read(s)?, best, &first, &groups);
    let mut tests: Vec<PairedTest> = judged.filter_map(test).collect();
    settle(&mut tests, |test| test.roc_auc.as_mut());
    settle(&mut tests, |test| test.accuracy.as_mut());
    tests
}

fn one(
    standing: &Standing,
    own: &Judgements,
    best: &Standing,
    first: &Judgements,
    groups: &HashMap<&str, &str>,
) -> Option<PairedTest> {
    let places: HashMap<&str, usize> = first.names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
    let both: Vec<(usize, usize)> =
        own.names.iter().enumerate().filter_map(|(i, name)| Some((i, *places.get(name.as_str())?))).collect();
    let own_places: Vec<usize> = both.iter().map(|(i, _)| *i).collect();
    let first_places: Vec<usize> = both.iter().map(|(_, i)| *i).collect();
    let own_part = own.predictions.subset(&own_places).ok()?;
    let first_part = first.predictions.subset(&first_places).ok()?;
    let group = |&i: &usize| groups.get(own.names[i].as_str()).map_or_else(String::new, |g| (*g).to_owned());
    let groups: Vec<String> = own_places.iter().map(group).collect();
    let areas = compare_roc_aucs(&own_part, &first_part, Some(&groups), 0.95).ok();
    let right = |p: &Predictions| -> Vec<bool> { p.truth().iter().zip(p.decided()).map(|(t, d)| t == d).collect() };
    let shares = mcnemar(&right(&own_part), &right(&first_part), Some(&groups)).ok();
    let n = own_part.len();
    let value = |p: Metric| p.ok();
    Some(PairedTest {
        name: standing.name.clone(),
        against: best.name.clone(),
        pictures: n,
        groups: shares.and_then(|s| s.clustered).map_or(n, |c| c.groups),
        roc_auc: areas.map(|a| Paired {
            difference: a.difference,
            interval: Some(a.interval),
            test: match a.method {
                AucMethod::DeLong => Test::DeLong,
                AucMethod::Obuchowski => Test::Obuchowski,
                AucMethod::Jackknife => Test::Jackknife,
                AucMethod::GroupJackknife => Test::GroupJackknife,
            },
            p_value: value(a.p_value),
            p_corrected: None,
            finding: Finding::NoDifferenceShown,
        }),
        accuracy: shares.map(|s| Paired {
            difference: (s.only_first as f64 - s.only_second as f64) / n as f64,
            interval: None,
            test: if s.clustered.is_some() { Test::ClusteredMcNemar } else { Test::McNemar },
            p_value: s.clustered.map_or(Some(s.mid_p), |c| value(c.p_value)),
            p_corrected: None,
            finding: Finding::NoDifferenceShown,
        }),
    })
}

/// Corrects the p values of one figure for their number, and says what they come to.
fn settle(tests: &mut [PairedTest], figure: impl Fn(&mut PairedTest) -> Option<&mut Paired>) {
    let mut open: Vec<&mut Paired> =
        tests.iter_mut().filter_map(&figure).filter(|paired| paired.p_value.is_some()).collect();
    let corrected = holm(&open.iter().filter_map(|paired| paired.p_value).collect::<Vec<_>>());
    for (paired, p) in open.iter_mut().zip(corrected) {
        paired.p_corrected = Some(p);
        paired.finding = match paired.difference {
            _ if p >= LEVEL => Finding::NoDifferenceShown,
            d if d < 0.0 => Finding::Worse,
            d if d > 0.0 => Finding::Better,
            _ => Finding::NoDifferenceShown,
        };
    }
}

/// What a run's folder says of each picture.
struct Judgements {
    names: Vec<String>,
    predictions: Predictions,
}

impl Judgements {
    /// Reads `predictions.csv`, or those of all folds; none where they are not what a run writes.
    fn read(folder: &Path, classes: &[String]) -> Option<Self> {
        let mut files = vec![folder.join("predictions.csv")];
        if !files[0].exists() {
            files = (1..=MOST_FOLDS)
                .map(|fold| folder.join(format!("fold-{fold}/predictions.csv")))
                .take_while(|f| f.exists())
                .collect();
        }
        let (mut names, mut truth, mut rows, mut decided) = (vec![], vec![], vec![], vec![]);
        for file in files {
            let bytes = fs::read(file).ok()?;
            let mut reader = csv::Reader::from_reader(bytes.as_slice());
            let header = reader.headers().ok()?.clone();
            let seek = |name: &str| header.iter().position(|h| h == name);
            let (name, label, given) = (seek("file")?, seek("label")?, seek("class")?);
            let scores: Vec<usize> = classes.iter().map(|c| seek(&format!("p_{c}"))).collect::<Option<_>>()?;
            for record in reader.records() {
                let record = record.ok()?;
                let class = |place: usize| classes.iter().position(|c| Some(c.as_str()) == record.get(place));
                names.push(record.get(name)?.to_owned());
                truth.push(class(label)?);
                decided.push(class(given)?);
                for &place in &scores {
                    rows.push(record.get(place)?.parse::<f64>().ok()?);
                }
            }
        }
        let n = truth.len();
        let predictions = Predictions::new(classes.to_vec(), truth, rows, decided, vec![true; n]).ok()?;
        Some(Self { names, predictions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(difference: f64, p: Option<f64>) -> PairedTest {
        let paired = Paired {
            difference,
            interval: None,
            test: Test::DeLong,
            p_value: p,
            p_corrected: None,
            finding: Finding::NoDifferenceShown,
        };
        let (name, against) = ("b".into(), "a".into());
        PairedTest { name, against, pictures: 9, groups: 9, roc_auc: Some(paired), accuracy: None }
    }

    #[test]
    fn a_difference_is_said_only_where_the_corrected_test_supports_it() {
        let mut tests = vec![test(-0.2, Some(0.01)), test(-0.1, Some(0.03)), test(0.1, Some(0.02)), test(0.0, None)];
        settle(&mut tests, |t| t.roc_auc.as_mut());
        let findings: Vec<Finding> = tests.iter().filter_map(|t| Some(t.roc_auc.as_ref()?.finding)).collect();
        // Corrected: 0.03, then twice 0.04; one that cannot be tested counts for none.
        let shown = [Finding::Worse, Finding::Worse, Finding::Better, Finding::NoDifferenceShown];
        assert_eq!(findings, shown);
        let mut more = vec![test(-0.2, Some(0.01)), test(-0.1, Some(0.03)), test(-0.1, Some(0.03))];
        settle(&mut more, |t| t.roc_auc.as_mut());
        assert_eq!(more[1].roc_auc.as_ref().map(|p| p.finding), Some(Finding::NoDifferenceShown), "0.06 corrected");
    }
}
