use crate::{
    error::{TwinError, within},
    random::{Random, Ziggurat, ziggurat},
};

/// What is injected into a neuron, piece by piece linear in time.
///
/// Current times resistance has the unit of the membrane potential; which units that are is the user's choice.
#[derive(Clone, Debug, PartialEq)]
pub enum Current {
    /// The same from beginning to end.
    Constant(f64),
    /// `level` from `start_ms` until `stop_ms`, nothing otherwise.
    Step {
        /// The level between the two times.
        level: f64,
        /// Beginning.
        start_ms: f64,
        /// End; may lie beyond the window.
        stop_ms: f64,
    },
    /// From one level at the window's beginning to another at its end, in a straight line.
    Ramp {
        /// Level at the beginning.
        from: f64,
        /// Level at the end.
        to: f64,
    },
    /// A level with normal noise that is held for `step_ms`.
    Noisy {
        /// The mean.
        level: f64,
        /// Standard deviation of the held values.
        deviation: f64,
        /// How long each is held.
        step_ms: f64,
        /// Decides the noise.
        seed: u64,
    },
    /// Measured values, each held for `step_ms`; nothing flows after the last.
    Recorded {
        /// The values.
        values: Vec<f64>,
        /// How long each is held.
        step_ms: f64,
    },
}

/// Currents that are taken, in the user's unit.
pub(crate) const CURRENTS: (f64, f64) = (-1e6, 1e6);
/// How long a value of noise or of a recording may be held, in ms.
pub(crate) const HOLDS: (f64, f64) = (1e-3, 1e6);

/// A stretch of time in which the current is a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) end_ms: f64,
    /// Current at the piece's beginning.
    pub(crate) level: f64,
    /// Change of the current per ms.
    pub(crate) slope: f64,
}

impl Current {
    /// Refuses currents outside of what is taken.
    ///
    /// # Errors
    /// Names the parameter and its range.
    pub fn check(&self) -> Result<(), TwinError> {
        let current = |name, value| within(name, value, CURRENTS, "");
        match self {
            Self::Constant(level) => current("current", *level),
            Self::Step { level, start_ms, stop_ms } => {
                current("current", *level)?;
                within("start", *start_ms, (0.0, 1e6), " ms")?;
                within("stop", *stop_ms, (*start_ms, 1e9), " ms")
            }
            Self::Ramp { from, to } => current("current", *from).and(current("current-end", *to)),
            Self::Noisy { level, deviation, step_ms, .. } => {
                current("current", *level)?;
                within("noise", *deviation, (0.0, 1e6), "")?;
                within("noise-step", *step_ms, HOLDS, " ms")
            }
            Self::Recorded { values, step_ms } => {
                if values.is_empty() {
                    return Err(TwinError::contradiction("the recorded current holds no value"));
                }
                within("recording-step", *step_ms, HOLDS, " ms")?;
                values.iter().try_for_each(|v| current("recording", *v))
            }
        }
    }

    /// Refuses levels, and eight standard deviations of noise, beyond a limit.
    pub(crate) fn check_within(&self, limit: f64) -> Result<(), TwinError> {
        let current = |name, value: f64| within(name, value, (-limit, limit), "");
        match self {
            Self::Constant(level) | Self::Step { level, .. } => current("current", *level),
            Self::Ramp { from, to } => current("current", *from).and(current("current-end", *to)),
            Self::Noisy { level, deviation, .. } => {
                current("current", *level).and(within("noise", *deviation, (0.0, limit / 8.0), ""))
            }
            Self::Recorded { values, .. } => values.iter().try_for_each(|v| current("recording", *v)),
        }
    }

    /// The straight pieces that fill the window, in order.
    pub(crate) fn pieces(&self, window_ms: f64) -> Pieces<'_> {
        let random = match self {
            Self::Noisy { seed, .. } => Random::stream(*seed, 0),
            _ => Random::stream(0, 0),
        };
        Pieces { current: self, window_ms, index: 0, begun_ms: 0.0, random, ziggurat: ziggurat() }
    }
}

pub(crate) struct Pieces<'a> {
    current: &'a Current,
    window_ms: f64,
    index: usize,
    begun_ms: f64,
    random: Random,
    ziggurat: &'static Ziggurat,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.begun_ms >= self.window_ms {
            return None;
        }
        let i = self.index;
        let held = |level: f64, end_ms: f64| Piece { end_ms, level, slope: 0.0 };
        let mut piece = match self.current {
            Current::Constant(level) => held(*level, f64::INFINITY),
            Current::Step { level, start_ms, stop_ms } => match i {
                0 => held(0.0, *start_ms),
                1 => held(*level, *stop_ms),
                _ => held(0.0, f64::INFINITY),
            },
            Current::Ramp { from, to } => {
                Piece { end_ms: f64::INFINITY, level: *from, slope: (to - from) / self.window_ms }
            }
            Current::Noisy { level, deviation, step_ms, .. } => {
                held(level + deviation * self.random.normal(self.ziggurat), (i + 1) as f64 * step_ms)
            }
            Current::Recorded { values, step_ms } => match values.get(i) {
                Some(value) => held(*value, (i + 1) as f64 * step_ms),
                None => held(0.0, f64::INFINITY),
            },
        };
        piece.end_ms = piece.end_ms.min(self.window_ms);
        (self.index, self.begun_ms) = (i + 1, piece.end_ms);
        Some(piece)
    }
}
