use serde::{Deserialize, Serialize};

/// A metric's value, or the reason why it has none.
pub type Metric = Result<f64, Undefined>;

/// Why a metric has no value on these predictions.
///
/// Serialises as its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[error("{}", self.words())]
#[serde(into = "&'static str", try_from = "String")]
pub enum Undefined {
    /// Nothing was counted.
    NoPredictions,
    /// The class does not occur in the truth.
    NoPositives,
    /// No other class occurs in the truth.
    NoNegatives,
    /// The class was never given.
    NeverGiven,
    /// No other class was ever given.
    AlwaysGiven,
    /// The class occurs neither in the truth nor among the given ones.
    NeitherPresentNorGiven,
    /// The truth holds a single class.
    OneClassPresent,
    /// The truth, the given classes or both hold a single class.
    OneClassPresentOrGiven,
    /// An average has a member without a value.
    UndefinedMember,
    /// Nothing differs, so that there is nothing to measure by.
    NoVariation,
    /// The file that was read states no reason.
    Unstated,
}

impl Undefined {
    const ALL: [Self; 11] = [
        Self::NoPredictions,
        Self::NoPositives,
        Self::NoNegatives,
        Self::NeverGiven,
        Self::AlwaysGiven,
        Self::NeitherPresentNorGiven,
        Self::OneClassPresent,
        Self::OneClassPresentOrGiven,
        Self::UndefinedMember,
        Self::NoVariation,
        Self::Unstated,
    ];

    /// States the reason in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoPredictions => "there is no prediction to judge",
            Self::NoPositives => "no picture is of this class",
            Self::NoNegatives => "every picture is of this class",
            Self::NeverGiven => "this class is never given",
            Self::AlwaysGiven => "this class is always given",
            Self::NeitherPresentNorGiven => "this class is neither present nor given",
            Self::OneClassPresent => "only one class is present",
            Self::OneClassPresentOrGiven => "only one class is present, or only one is given",
            Self::UndefinedMember => "it is undefined for at least one class",
            Self::NoVariation => "nothing differs that it could be measured by",
            Self::Unstated => "no reason is stated",
        }
    }
}

impl From<Undefined> for &'static str {
    fn from(reason: Undefined) -> Self {
        reason.words()
    }
}

impl TryFrom<String> for Undefined {
    type Error = String;

    fn try_from(words: String) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|r| r.words() == words)
            .ok_or(format!("unknown reason `{words}` for an undefined metric"))
    }
}

/// A metric in a file: its number, or its reason in words.
pub(crate) mod number_or_reason {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Metric, Undefined};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Entry {
        Number(f64),
        Reason(Undefined),
    }

    pub(crate) fn serialize<S: Serializer>(metric: &Metric, serializer: S) -> Result<S::Ok, S::Error> {
        match metric {
            Ok(value) => Entry::Number(*value),
            Err(reason) => Entry::Reason(*reason),
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Metric, D::Error> {
        Ok(match Entry::deserialize(deserializer)? {
            Entry::Number(value) => Ok(value),
            Entry::Reason(reason) => Err(reason),
        })
    }
}
