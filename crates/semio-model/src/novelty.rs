use semio_stats::{FeatureDistance, InputError, Table, energy, finite_sample_quantile};
use serde::{Deserialize, Serialize};

use crate::{APPEARANCE, Sight};

/// What tells a picture that the model does not know from those that it was made with.
///
/// Three looks at a picture, each measured by how far the model's own kind goes: what it looks like, where it lies among
/// the training pictures in the network's features (Lee et al. 2018), and how much the network's logits say (Liu et al.
/// 2020). The largest of them counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Novelty {
    /// Middle of what the training pictures look like.
    center: [f64; APPEARANCE],
    /// How far they lie from it.
    spread: [f64; APPEARANCE],
    /// Where they lie in the network's features; none for a network that gives all pictures the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    features: Option<FeatureDistance>,
    /// How far the model's own kind goes in each look: appearance, features, energy (lowest and highest).
    reach: [f64; 2],
    energy: Option<[f64; 2]>,
    /// From this on the largest of the looks refuses a picture.
    limit: f64,
    /// Share of the model's own kind of pictures that may be refused.
    pub false_refusals: f64,
}

/// In what a picture is strange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangeness {
    /// All of it has one brightness.
    Empty,
    /// It looks unlike the training pictures.
    Appearance,
    /// The network sees in it what it did not see in training.
    Features,
    /// None of the classes speaks up.
    Energy,
}

impl Strangeness {
    /// The reason for refusing, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "the picture is empty: all of it has the same brightness",
            Self::Appearance => {
                "not a picture that this model knows: brightness, detail or colour are unlike those of the pictures it was made with"
            }
            Self::Features => {
                "not a picture that this model knows: what the network sees lies far from the pictures it was made with"
            }
            Self::Energy => "not a picture that this model knows: nothing in it speaks for any of the classes",
        }
    }
}

/// Spreads below this are taken as this: a set of grey pictures has no colour at all, and a trace of it is no reason to
/// refuse.
const LEAST_SPREAD: f64 = 0.015;
/// The deviation of brightness below which a picture shows nothing.
const EMPTY: f32 = 0.004;
/// Principal directions of the features that are kept at most.
const RANK: usize = 64;

impl Novelty {
    /// Learns what known pictures are like from training pictures, and how far such pictures may lie from it from
    /// pictures of the calibration part.
    ///
    /// Where there are too few of them for the rate, the strangest of them sets the limit.
    ///
    /// # Errors
    /// [`InputError`] where there is no picture.
    pub fn fit(
        known: &[Sight],
        labels: &[usize],
        classes: usize,
        own: &[Sight],
        false_refusals: f64,
    ) -> Result<Self, InputError> {
        if known.is_empty() || own.is_empty() {
            return Err(InputError::Empty);
        }
        let n = known.len() as f64;
        let center: [f64; APPEARANCE] =
            std::array::from_fn(|d| known.iter().map(|s| f64::from(s.appearance[d])).sum::<f64>() / n);
        let spread = std::array::from_fn(|d| {
            let squares = known.iter().map(|s| (f64::from(s.appearance[d]) - center[d]).powi(2)).sum::<f64>();
            (squares / n).sqrt().max(LEAST_SPREAD)
        });
        let features = features(known, labels, classes);
        let mut novelty = Self { center, spread, features, reach: [1.0; 2], energy: None, limit: 1.0, false_refusals };
        let reach =
            |distance: &dyn Fn(&Sight) -> f64| limit(&own.iter().map(distance).collect::<Vec<_>>(), false_refusals);
        novelty.reach = [reach(&|s| novelty.looks(s)), reach(&|s| novelty.features_of(s))];
        if own[0].logits.len() > 1 {
            let energies: Vec<f64> = own.iter().map(|s| energy(&s.logits)).collect();
            let middle = energies.iter().sum::<f64>() / energies.len() as f64;
            novelty.energy =
                Some([middle, limit(&energies.iter().map(|e| e - middle).collect::<Vec<_>>(), false_refusals)]);
        }
        novelty.limit = limit(&own.iter().map(|s| novelty.strangest(s).0).collect::<Vec<_>>(), false_refusals);
        Ok(novelty)
    }

    /// How strange a picture is, and in what; from 1 on it is refused.
    pub fn assess(&self, sight: &Sight) -> (f64, Strangeness) {
        let (score, kind) = self.strangest(sight);
        // Nothing above the strangest known picture but above it: the limit itself is not refused.
        let score = score / self.limit * (1.0 - 1e-9);
        let score = if score.is_finite() { score } else { f64::MAX };
        if sight.appearance[1] < EMPTY { (score.max(2.0), Strangeness::Empty) } else { (score, kind) }
    }

    fn strangest(&self, sight: &Sight) -> (f64, Strangeness) {
        let energy = self.energy.map_or(f64::NEG_INFINITY, |[middle, reach]| (energy(&sight.logits) - middle) / reach);
        let looks = [
            (self.looks(sight) / self.reach[0], Strangeness::Appearance),
            (self.features_of(sight) / self.reach[1], Strangeness::Features),
            (energy, Strangeness::Energy),
        ];
        looks.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are three")
    }

    fn looks(&self, sight: &Sight) -> f64 {
        let square = |d: usize| ((f64::from(sight.appearance[d]) - self.center[d]) / self.spread[d]).powi(2);
        (0..APPEARANCE).map(square).sum::<f64>().sqrt()
    }

    fn features_of(&self, sight: &Sight) -> f64 {
        let Some(features) = &self.features else { return 0.0 };
        let row: Vec<f64> = sight.features.iter().map(|v| f64::from(*v)).collect();
        features.distance(&row).map_or(f64::INFINITY, f64::sqrt)
    }
}

/// The training pictures' place in the network's features; none where they have none or all the same.
fn features(known: &[Sight], labels: &[usize], classes: usize) -> Option<FeatureDistance> {
    let columns = known[0].features.len();
    let rows: Vec<f32> = known.iter().flat_map(|s| s.features.iter().copied()).collect();
    let table = Table::from_f32(&rows, columns).ok()?;
    let rank = (known.len() / 8).clamp(1, RANK).min(columns);
    FeatureDistance::fit(&table, labels, classes, rank).ok()
}

/// The value that so small a share of the scores exceeds; the largest where they are too few to tell.
fn limit(scores: &[f64], share: f64) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    finite_sample_quantile(scores, 1.0 - share).unwrap_or(largest).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures whose features lie about a class's place; `far` moves them all.
    fn sights(n: usize, far: f32) -> (Vec<Sight>, Vec<usize>) {
        let value = |i: usize, d: usize| (((i * 31 + d * 17) * 2_654_435_761 % 1000) as f32 / 1000.0 - 0.5) * 2.0;
        let sight = |i: usize| Sight {
            logits: vec![f64::from(value(i, 90)) * 3.0, f64::from(value(i, 91)) * 3.0, 1.0],
            features: (0..12).map(|d| value(i, d) + if d == i % 3 { 4.0 } else { 0.0 } + far).collect(),
            appearance: std::array::from_fn(|d| 0.5 + 0.1 * value(i, 50 + d)),
        };
        ((0..n).map(sight).collect(), (0..n).map(|i| i % 3).collect())
    }

    #[test]
    fn its_own_kind_is_answered_and_another_refused() {
        let ((known, labels), (own, _), (other, _)) = (sights(400, 0.0), sights(700, 0.0), sights(50, 9.0));
        let novelty = Novelty::fit(&known, &labels, 3, &own[400..], 0.01).expect("can be fitted");
        let refused = own[400..].iter().filter(|s| novelty.assess(s).0 >= 1.0).count();
        assert!(refused <= 3, "{refused} of 300");
        for sight in &other {
            let (score, kind) = novelty.assess(sight);
            assert!(score > 1.0 && kind == Strangeness::Features, "{score} {kind:?}");
        }
        let black = Sight { appearance: [0.0; APPEARANCE], ..own[0].clone() };
        let (score, kind) = novelty.assess(&black);
        assert!(score >= 1.0 && kind == Strangeness::Empty);
        let mut coloured = own[0].clone();
        coloured.appearance[7] = 3.0;
        assert_eq!(novelty.assess(&coloured).1, Strangeness::Appearance);
    }

    #[test]
    fn a_few_pictures_set_the_limit_by_the_strangest() {
        let (known, labels) = sights(30, 0.0);
        let novelty = Novelty::fit(&known, &labels, 3, &known[20..], 0.005).expect("can be fitted");
        assert!(known[20..].iter().all(|s| novelty.assess(s).0 < 1.0));
    }
}
