use serde::Serialize;

use super::{
    current::{Current, Piece},
    lif::{Lif, Response, check_size, check_window},
    runge_kutta::step,
};
use crate::error::{TwinError, within};

/// The exponential integrate-and-fire neuron (Fourcaud-Trocmé et al. 2003), and with adaptation the adaptive one (Brette
/// and Gerstner 2005):
///
/// τ dV/dt = −(V − rest) + Δ·exp((V − θ)/Δ) + R·(I − w), τ_w dw/dt = a·(V − rest) − w; at the cutoff a spike, V is held at
/// the reset for the refractory time, and w grows by b.
///
/// Integrated by Runge and Kutta's rule of fourth order; a spike lies within its step along a straight line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Exponential {
    /// What it shares with the leaky neuron; the threshold is the potential from which a spike begins of itself.
    #[serde(flatten)]
    pub membrane: Lif,
    /// Δ, how sharp the spike's beginning is.
    pub sharpness: f64,
    /// Potential at which the spike is counted and cut.
    pub cutoff: f64,
    /// τ_w.
    pub adaptation_tau_ms: f64,
    /// a, current for a unit of potential; 0 together with `spike_adaptation` for the plain exponential neuron.
    pub adaptation: f64,
    /// b, current that a spike adds.
    pub spike_adaptation: f64,
    /// Time step.
    pub step_ms: f64,
}

/// How many times the sharpness the cutoff may lie above the threshold: e¹⁰⁰ is far from the largest number.
const STEEPEST: f64 = 100.0;

impl Exponential {
    /// Refuses parameters that are not physical.
    ///
    /// # Errors
    /// Names the parameter and its range.
    pub fn check(&self) -> Result<(), TwinError> {
        self.membrane.check()?;
        within("sharpness", self.sharpness, (1e-3, 1e3), "")?;
        let threshold = self.membrane.threshold;
        // Steeper spikes than the cutoff lets end within the numbers.
        within("cutoff", self.cutoff, (threshold, (threshold + STEEPEST * self.sharpness).min(1e4)), "")?;
        within("adaptation-tau", self.adaptation_tau_ms, (0.1, 1e5), " ms")?;
        within("adaptation", self.adaptation, (-1e3, 1e3), "")?;
        // At −1/R and below, the adaptation drives the potential further off the further off it is: nothing but the end of numbers would stop it.
        let lowest = -1.0 / self.membrane.resistance;
        if self.adaptation <= lowest {
            let text = format!(
                "adaptation = {}: must be above −1 / resistance, which is {lowest}, and up to 1000: the potential would run away",
                self.adaptation
            );
            return Err(TwinError::contradiction(text));
        }
        within("spike-adaptation", self.spike_adaptation, (0.0, 1e6), "")?;
        within("step", self.step_ms, (1e-3, 0.5), " ms")?;
        if self.step_ms > self.membrane.tau_ms / 10.0 || self.step_ms > self.adaptation_tau_ms / 10.0 {
            let text = format!("step = {} ms: must be at most a tenth of each time constant", self.step_ms);
            return Err(TwinError::contradiction(text));
        }
        // The sum of both feedbacks must stay within what the step resolves.
        let feedback = (self.adaptation * self.membrane.resistance).abs() * self.step_ms
            / self.membrane.tau_ms.min(self.adaptation_tau_ms);
        if feedback > 1.0 {
            let text = format!("adaptation = {}: too strong for a step of {} ms", self.adaptation, self.step_ms);
            return Err(TwinError::contradiction(text));
        }
        Ok(())
    }

    /// Lets the neuron run from rest.
    ///
    /// # Errors
    /// Parameters out of range, too many spikes or steps, a step too coarse for the feedbacks.
    pub fn run(&self, current: &Current, window_ms: f64, sample_ms: Option<f64>) -> Result<Response, TwinError> {
        self.check()?;
        current.check()?;
        check_window(window_ms, sample_ms)?;
        check_size("the neuron", window_ms / self.step_ms, "steps", 1e8)?;
        let mut state = State { time_ms: 0.0, free_from_ms: 0.0, values: [self.membrane.rest, 0.0], next_sample: 0.0 };
        let mut response = Response::default();
        for piece in current.pieces(window_ms) {
            self.through(piece, &mut state, sample_ms, &mut response)?;
        }
        Ok(response)
    }

    fn slope(&self, [v, w]: [f64; 2], current: f64) -> [f64; 2] {
        let m = &self.membrane;
        let spike = self.sharpness * ((v.min(self.cutoff) - m.threshold) / self.sharpness).exp();
        let dv = (m.rest - v + spike + m.resistance * (current - w)) / m.tau_ms;
        [dv, (self.adaptation * (v - m.rest) - w) / self.adaptation_tau_ms]
    }

    fn through(
        &self,
        piece: Piece,
        state: &mut State,
        sample_ms: Option<f64>,
        response: &mut Response,
    ) -> Result<(), TwinError> {
        let (begun_ms, membrane) = (state.time_ms, &self.membrane);
        while state.time_ms < piece.end_ms {
            state.sample(sample_ms, response);
            let to_end = piece.end_ms - state.time_ms;
            if state.time_ms < state.free_from_ms {
                let held = (state.free_from_ms - state.time_ms).min(to_end);
                let settled = self.adaptation * (membrane.reset - membrane.rest);
                let left = (-held / self.adaptation_tau_ms).exp();
                state.values = [membrane.reset, settled + (state.values[1] - settled) * left];
                state.time_ms = if held < to_end { state.free_from_ms } else { piece.end_ms };
                continue;
            }
            let length = self.step_ms.min(to_end);
            let at = state.time_ms - begun_ms;
            let current = |s: f64| piece.level + piece.slope * (at + s);
            let new = step(state.values, length, |s, values| self.slope(values, current(s)));
            if !new.iter().all(|v| v.is_finite()) {
                return Err(TwinError::Diverged { what: "the neuron", time_ms: state.time_ms });
            }
            if new[0] < self.cutoff {
                state.values = new;
                state.time_ms = if length < to_end { state.time_ms + length } else { piece.end_ms };
                continue;
            }
            let share = (self.cutoff - state.values[0]) / (new[0] - state.values[0]);
            state.time_ms += share * length;
            response.spike(state.time_ms)?;
            if sample_ms.is_some() {
                response.curve.push(state.time_ms, self.cutoff);
                response.curve.push(state.time_ms, membrane.reset);
            }
            let w = state.values[1] + share * (new[1] - state.values[1]) + self.spike_adaptation;
            state.values = [membrane.reset, w];
            state.free_from_ms = state.time_ms + membrane.refractory_ms;
        }
        Ok(())
    }
}

/// Far below any step, far above rounding.
pub(super) const HAIR_MS: f64 = 1e-6;

struct State {
    time_ms: f64,
    free_from_ms: f64,
    values: [f64; 2],
    next_sample: f64,
}

impl State {
    /// Writes a point of the curve down where the next is due.
    fn sample(&mut self, every_ms: Option<f64>, response: &mut Response) {
        // Steps add up with rounding; a sample is due a hair before its time.
        if let Some(every_ms) = every_ms.filter(|_| self.time_ms + HAIR_MS >= self.next_sample) {
            response.curve.push(self.time_ms, self.values[0]);
            self.next_sample = ((self.time_ms + HAIR_MS) / every_ms).floor() * every_ms + every_ms;
        }
    }
}
