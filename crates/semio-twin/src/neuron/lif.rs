use serde::Serialize;

use super::current::{Current, Piece};
use crate::error::{TwinError, within};

/// The leaky integrate-and-fire neuron: τ dV/dt = −(V − rest) + R·I; at the threshold a spike, then V is held at the
/// reset for the refractory time.
///
/// Between spikes the equation is solved exactly (the current is linear piece by piece), and a spike's time is where
/// that solution meets the threshold: there is no time step. After Lapicque (1907); Gerstner et al., Neuronal Dynamics
/// (2014), section 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lif {
    /// Membrane time constant τ.
    pub tau_ms: f64,
    /// Membrane resistance R, in potential per current.
    pub resistance: f64,
    /// Resting potential.
    pub rest: f64,
    /// Potential at which a spike is fired.
    pub threshold: f64,
    /// Potential after a spike.
    pub reset: f64,
    /// How long the reset is held.
    pub refractory_ms: f64,
}

/// Presets of the membrane time constant, by how much myelin is lost (reference system R0).
///
/// A longer time constant delays a neuron's spikes and does not silence it: with R·I/θ = 1.5 the intervals are 22, 55
/// and 110 ms. Conduction block is a property of axons: [`crate::axon`].
pub const PRESETS: [(&str, f64); 3] = [("healthy", 20.0), ("partial", 50.0), ("severe", 100.0)];

/// Spikes that are kept at most.
pub const SPIKE_LIMIT: usize = 1_000_000;
/// Points of a membrane curve that are kept at most.
const CURVE_LIMIT: f64 = 2e6;
/// Pieces of current that are walked through at most.
const PIECE_LIMIT: f64 = 1e8;

/// Membrane potential over time; a spike stands in it as a point at the threshold and one at the reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curve {
    /// Times, ascending.
    pub time_ms: Vec<f64>,
    /// Potential at each.
    pub potential: Vec<f64>,
}

impl Curve {
    pub(crate) fn push(&mut self, time_ms: f64, potential: f64) {
        self.time_ms.push(time_ms);
        self.potential.push(potential);
    }
}

/// What a neuron did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// When it fired.
    pub spike_times_ms: Vec<f64>,
    /// Its potential, where that was asked for.
    pub curve: Curve,
}

impl Response {
    pub(crate) fn spike(&mut self, time_ms: f64) -> Result<(), TwinError> {
        if self.spike_times_ms.len() == SPIKE_LIMIT {
            return Err(TwinError::TooManySpikes { limit: SPIKE_LIMIT, time_ms });
        }
        self.spike_times_ms.push(time_ms);
        Ok(())
    }
}

impl Lif {
    /// Refuses parameters that are not physical.
    ///
    /// # Errors
    /// Names the parameter and its range.
    pub fn check(&self) -> Result<(), TwinError> {
        within("tau", self.tau_ms, (0.01, 1e4), " ms")?;
        within("resistance", self.resistance, (1e-6, 1e6), "")?;
        within("rest", self.rest, (-1e3, 1e3), "")?;
        within("threshold", self.threshold, (-1e3, 1e3), "")?;
        within("reset", self.reset, (-1e3, 1e3), "")?;
        within("refractory", self.refractory_ms, (0.0, 1e4), " ms")?;
        for (name, value) in [("rest", self.rest), ("reset", self.reset)] {
            if value >= self.threshold {
                let text = format!("{name} = {value}: must be below the threshold, which is {}", self.threshold);
                return Err(TwinError::contradiction(text));
            }
        }
        Ok(())
    }

    /// Time from reset to threshold under a constant current: τ·ln((RI − reset)/(RI − θ)), potentials from rest.
    ///
    /// Nothing where the current does not reach the threshold.
    pub fn time_to_threshold(&self, current: f64) -> Option<f64> {
        let beyond = self.rest + self.resistance * current - self.threshold;
        (beyond > 0.0).then(|| self.tau_ms * ((self.threshold - self.reset) / beyond).ln_1p())
    }

    /// The smallest constant current that makes the neuron fire.
    pub fn rheobase(&self) -> f64 {
        (self.threshold - self.rest) / self.resistance
    }

    /// Standard deviation of a held noisy current that makes the free membrane's potential vary by `deviation`.
    ///
    /// At multiples of `step_ms` the free membrane is then exactly an Ornstein–Uhlenbeck process.
    pub fn noise_for(&self, deviation: f64, step_ms: f64) -> f64 {
        let gone = (-step_ms / self.tau_ms).exp();
        deviation / self.resistance * ((1.0 + gone) / (1.0 - gone)).sqrt()
    }

    /// Lets the neuron run from rest.
    ///
    /// `sample_ms` asks for the membrane curve at its multiples.
    ///
    /// # Errors
    /// Parameters out of range, too many spikes, or too many samples.
    pub fn run(&self, current: &Current, window_ms: f64, sample_ms: Option<f64>) -> Result<Response, TwinError> {
        self.check()?;
        current.check()?;
        check_window(window_ms, sample_ms)?;
        if let Current::Noisy { step_ms, .. } | Current::Recorded { step_ms, .. } = current {
            check_size("the current", window_ms / step_ms, "values", PIECE_LIMIT)?;
        }
        let mut walk = Walk { neuron: self, time_ms: 0.0, potential: self.rest, free_from_ms: 0.0, next_sample: 0 };
        let mut response = Response::default();
        for piece in current.pieces(window_ms) {
            walk.through(piece, sample_ms, &mut response)?;
        }
        if sample_ms.is_some() && response.curve.time_ms.last().is_none_or(|t| *t < window_ms) {
            response.curve.push(window_ms, walk.potential);
        }
        Ok(response)
    }
}

pub(crate) fn check_window(window_ms: f64, sample_ms: Option<f64>) -> Result<(), TwinError> {
    within("window", window_ms, (0.1, 1e6), " ms")?;
    if let Some(sample_ms) = sample_ms {
        within("sample", sample_ms, (1e-3, 1e6), " ms")?;
        check_size("the membrane curve", window_ms / sample_ms, "points", CURVE_LIMIT)?;
    }
    Ok(())
}

pub(crate) fn check_size(what: &'static str, needed: f64, unit: &'static str, limit: f64) -> Result<(), TwinError> {
    let help = "take a larger step or a shorter window";
    if needed <= limit { Ok(()) } else { Err(TwinError::TooLarge { what, needed, unit, limit, help }) }
}

/// Where a neuron stands.
struct Walk<'a> {
    neuron: &'a Lif,
    time_ms: f64,
    potential: f64,
    /// Until when it is refractory.
    free_from_ms: f64,
    next_sample: usize,
}

impl Walk<'_> {
    fn through(&mut self, piece: Piece, sample_ms: Option<f64>, response: &mut Response) -> Result<(), TwinError> {
        let (begun_ms, lif) = (self.time_ms, self.neuron);
        while self.time_ms < piece.end_ms {
            if self.time_ms < self.free_from_ms {
                let until_ms = self.free_from_ms.min(piece.end_ms);
                self.sample(until_ms, sample_ms, &mut response.curve, |_| lif.reset);
                self.time_ms = until_ms;
                continue;
            }
            let level = piece.level + piece.slope * (self.time_ms - begun_ms);
            let path = Path::new(lif, self.potential, level, piece.slope);
            let from_ms = self.time_ms;
            match path.first_crossing(lif.threshold, piece.end_ms - from_ms) {
                None => {
                    self.sample(piece.end_ms, sample_ms, &mut response.curve, |t| path.at(t - from_ms));
                    self.potential = path.at(piece.end_ms - from_ms);
                    self.time_ms = piece.end_ms;
                }
                Some(wait_ms) => {
                    let spike_ms = from_ms + wait_ms;
                    self.sample(spike_ms, sample_ms, &mut response.curve, |t| path.at(t - from_ms));
                    response.spike(spike_ms)?;
                    if sample_ms.is_some() {
                        response.curve.push(spike_ms, lif.threshold);
                        response.curve.push(spike_ms, lif.reset);
                    }
                    self.potential = lif.reset;
                    self.time_ms = spike_ms;
                    self.free_from_ms = spike_ms + lif.refractory_ms;
                }
            }
        }
        Ok(())
    }

    /// Writes down the samples from here until before `until_ms`.
    fn sample(&mut self, until_ms: f64, every_ms: Option<f64>, curve: &mut Curve, potential: impl Fn(f64) -> f64) {
        let Some(every_ms) = every_ms else { return };
        loop {
            let time_ms = self.next_sample as f64 * every_ms;
            if time_ms >= until_ms {
                return;
            }
            curve.push(time_ms, potential(time_ms));
            self.next_sample += 1;
        }
    }
}

/// The exact potential while the current is a straight line: V(s) = V₀ + (u₀ − V₀)·E + q·(s − τE) with
/// E = 1 − exp(−s/τ), drive u₀ = rest + R·I at s = 0 and q = R·dI/dt.
struct Path {
    tau: f64,
    start: f64,
    /// u₀ − V₀.
    pull: f64,
    /// q.
    rise: f64,
}

impl Path {
    fn new(lif: &Lif, potential: f64, level: f64, slope: f64) -> Self {
        let pull = lif.rest + lif.resistance * level - potential;
        Self { tau: lif.tau_ms, start: potential, pull, rise: lif.resistance * slope }
    }

    fn at(&self, s: f64) -> f64 {
        let grown = -(-s / self.tau).exp_m1();
        // With τ far longer than s, s and τE are nearly equal and ramps lose digits; potentials stay exact to 1e-12.
        self.start + self.pull * grown + self.rise * (s - self.tau * grown)
    }

    /// First s in (0, length] at which the threshold is reached, coming from below.
    fn first_crossing(&self, threshold: f64, length: f64) -> Option<f64> {
        let gap = threshold - self.start;
        if gap <= 0.0 {
            return Some(0.0);
        }
        if self.rise == 0.0 {
            let beyond = self.pull - gap;
            let wait = (beyond > 0.0).then(|| self.tau * (gap / beyond).ln_1p());
            return wait.filter(|w| *w <= length);
        }
        // dV/ds = q + ((u₀ − V₀)/τ − q)·exp(−s/τ) is zero at most once, so there are at most two monotone stretches.
        let ratio = 1.0 - self.pull / (self.tau * self.rise);
        let turn = if ratio > 1.0 { self.tau * ratio.ln() } else { 0.0 };
        let stretches = if turn > 0.0 && turn < length { [(0.0, turn), (turn, length)] } else { [(0.0, length); 2] };
        stretches.into_iter().find(|(_, end)| self.at(*end) >= threshold).map(|s| self.bisect(threshold, s))
    }

    /// Where a monotone stretch that ends at or above the threshold meets it; halves until neighbours in f64.
    fn bisect(&self, threshold: f64, (mut low, mut high): (f64, f64)) -> f64 {
        loop {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                return high;
            }
            if self.at(middle) >= threshold { high = middle } else { low = middle }
        }
    }
}
