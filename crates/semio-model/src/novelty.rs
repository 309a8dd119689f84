use semio_stats::{InputError, finite_sample_quantile};
use serde::{Deserialize, Serialize};

use crate::{APPEARANCE, Sight};

/// What tells a picture that the model does not know from those that it was made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Novelty {
    /// Middle of what the training pictures look like.
    center: [f64; APPEARANCE],
    /// How far they lie from it.
    spread: [f64; APPEARANCE],
    /// From this distance on a picture is refused.
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
}

impl Strangeness {
    /// The reason for refusing, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "the picture is empty: all of it has the same brightness",
            Self::Appearance => {
                "not a picture that this model knows: brightness, detail or colour are unlike the pictures it was made with"
            }
        }
    }
}

/// Spreads below these are taken as these: a set of grey pictures has no colour at all, and a trace of it is no reason to
/// refuse.
const LEAST_SPREAD: f64 = 0.015;
/// The deviation of brightness below which a picture shows nothing.
const EMPTY: f32 = 0.004;

impl Novelty {
    /// Learns what known pictures look like from training pictures, and how far such pictures may lie from it from
    /// pictures of the calibration part.
    ///
    /// # Errors
    /// [`InputError`] where there is no picture.
    pub fn fit(known: &[Sight], _labels: &[usize], own: &[Sight], false_refusals: f64) -> Result<Self, InputError> {
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
        let mut novelty = Self { center, spread, limit: 1.0, false_refusals };
        let scores: Vec<f64> = own.iter().map(|s| novelty.distance(s)).collect();
        let largest = scores.iter().copied().fold(0.0, f64::max);
        novelty.limit = finite_sample_quantile(&scores, 1.0 - false_refusals).unwrap_or(largest).max(f64::MIN_POSITIVE);
        Ok(novelty)
    }

    /// How strange a picture is, and in what; from 1 on it is refused.
    pub fn assess(&self, sight: &Sight) -> (f64, Strangeness) {
        let score = self.distance(sight) / self.limit;
        if sight.appearance[1] < EMPTY {
            (score.max(2.0), Strangeness::Empty)
        } else {
            (score, Strangeness::Appearance)
        }
    }

    fn distance(&self, sight: &Sight) -> f64 {
        let square = |d: usize| ((f64::from(sight.appearance[d]) - self.center[d]) / self.spread[d]).powi(2);
        (0..APPEARANCE).map(square).sum::<f64>().sqrt()
    }
}
