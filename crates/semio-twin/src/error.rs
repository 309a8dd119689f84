use std::fmt::Display;

/// Why a scenario cannot be computed; says what to do next.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TwinError {
    /// A parameter lies outside of what is physical, or is no number.
    #[error("{name} = {value}: must be from {low} to {high}{unit}")]
    Range {
        /// The parameter as flag and scenario name it.
        name: &'static str,
        /// What was given.
        value: f64,
        /// Smallest value that is taken.
        low: f64,
        /// Largest value that is taken.
        high: f64,
        /// Unit with a space before it, or nothing.
        unit: &'static str,
    },
    /// Two parameters contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// The neuron would fire more often than is kept.
    #[error("more than {limit} spikes until {time_ms} ms: give a refractory time, less current or a shorter window")]
    TooManySpikes {
        /// How many are kept at most.
        limit: usize,
        /// When the limit was reached.
        time_ms: f64,
    },
    /// What is computed grew beyond all numbers.
    #[error("{what} has no finite value any more at {time_ms:.3} ms: take a smaller step or weaker feedbacks")]
    Diverged {
        /// What grew.
        what: &'static str,
        /// When.
        time_ms: f64,
    },
    /// The computation would be larger than the program takes on.
    #[error("{what} would need {needed:.1e} {unit}, more than {limit:.1e}: {help}")]
    TooLarge {
        /// What is computed.
        what: &'static str,
        /// How many units of work.
        needed: f64,
        /// Name of that unit.
        unit: &'static str,
        /// How many are taken on.
        limit: f64,
        /// What to change.
        help: &'static str,
    },
}

impl TwinError {
    pub(crate) fn contradiction(text: impl Display) -> Self {
        Self::Contradiction(text.to_string())
    }
}

/// Refuses a value outside of `[low, high]`, and what is no number.
pub(crate) fn within(
    name: &'static str,
    value: f64,
    (low, high): (f64, f64),
    unit: &'static str,
) -> Result<(), TwinError> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(TwinError::Range { name, value, low, high, unit }) }
}
