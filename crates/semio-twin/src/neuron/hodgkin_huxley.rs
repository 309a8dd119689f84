use serde::Serialize;

use super::{
    current::{Current, Piece},
    exponential::HAIR_MS,
    lif::{Response, check_size, check_window},
};
use crate::error::{TwinError, within};

/// The squid's giant axon of Hodgkin and Huxley (1952), a patch of it: potentials in mV, currents in µA/cm².
///
/// Rest at −65 mV; rates grow threefold in 10 °C. Integrated as the cable is (Crank–Nicolson, gates half a step apart),
/// which stays finite under any current.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HodgkinHuxley {
    /// Temperature; 6.3 in the paper.
    pub temperature_c: f64,
    /// Time step.
    pub step_ms: f64,
}

/// Potential in mV whose upward crossing is a spike.
pub(crate) const SPIKE_MV: f64 = 0.0;
/// Where the patch rests.
pub(crate) const REST_MV: f64 = -65.0;

/// Largest current in µA/cm²; beyond, no membrane holds.
const LIMIT: f64 = 1000.0;

/// Potential, m, h and n.
type State = [f64; 4];

impl HodgkinHuxley {
    /// Refuses parameters that are not physical.
    ///
    /// # Errors
    /// Names the parameter and its range.
    pub fn check(&self) -> Result<(), TwinError> {
        within("temperature", self.temperature_c, (0.0, 30.0), " °C")?;
        within("step", self.step_ms, (1e-4, 0.02), " ms")
    }

    /// Lets the patch run from rest.
    ///
    /// # Errors
    /// Parameters out of range, currents beyond 1000 µA/cm², too many steps.
    pub fn run(&self, current: &Current, window_ms: f64, sample_ms: Option<f64>) -> Result<Response, TwinError> {
        self.check()?;
        current.check()?;
        current.check_within(LIMIT)?;
        check_window(window_ms, sample_ms)?;
        check_size("the patch", window_ms / self.step_ms, "steps", 2e7)?;
        let settle = |(open, close): (f64, f64)| open / (open + close);
        let mut state = [REST_MV, settle(m(REST_MV)), settle(h(REST_MV)), settle(n(REST_MV))];
        let (mut response, mut time_ms, mut next_sample) = (Response::default(), 0.0, 0.0);
        for piece in current.pieces(window_ms) {
            let begun_ms = time_ms;
            while time_ms < piece.end_ms {
                if let Some(every_ms) = sample_ms.filter(|_| time_ms + HAIR_MS >= next_sample) {
                    response.curve.push(time_ms, state[0]);
                    next_sample = ((time_ms + HAIR_MS) / every_ms).floor() * every_ms + every_ms;
                }
                let to_end = piece.end_ms - time_ms;
                let length = self.step_ms.min(to_end);
                let old = state[0];
                state = self.step(state, length, (piece, time_ms - begun_ms));
                if !state.iter().all(|v| v.is_finite()) {
                    return Err(TwinError::Diverged { what: "the patch", time_ms });
                }
                if old < SPIKE_MV && state[0] >= SPIKE_MV {
                    response.spike(time_ms + length * (SPIKE_MV - old) / (state[0] - old))?;
                }
                time_ms = if length < to_end { time_ms + length } else { piece.end_ms };
            }
        }
        Ok(response)
    }

    fn step(&self, [v, mut gm, mut gh, mut gn]: State, length: f64, (piece, at): (Piece, f64)) -> State {
        let speed = 3f64.powf((self.temperature_c - 6.3) / 10.0);
        for (gate, (open, close)) in [(&mut gm, m(v)), (&mut gh, h(v)), (&mut gn, n(v))] {
            let settled = open / (open + close);
            *gate = settled + (*gate - settled) * (-length * speed * (open + close)).exp();
        }
        let (sodium, potassium) = (120.0 * gm.powi(3) * gh, 36.0 * gn.powi(4));
        let injected = piece.level + piece.slope * (at + length / 2.0);
        let source = injected + sodium * 50.0 - potassium * 77.0 - 0.3 * 54.387;
        let half = (2.0 / length * v + source) / (2.0 / length + sodium + potassium + 0.3);
        [2.0 * half - v, gm, gh, gn]
    }
}

/// x/(1 − exp(−x/c)), with its limit at 0.
fn linoid(x: f64, c: f64) -> f64 {
    let y = x / c;
    if y.abs() < 1e-6 { c * (1.0 + y / 2.0) } else { x / (1.0 - (-y).exp()) }
}

fn m(v: f64) -> (f64, f64) {
    (0.1 * linoid(v + 40.0, 10.0), 4.0 * (-(v + 65.0) / 18.0).exp())
}

fn h(v: f64) -> (f64, f64) {
    (0.07 * (-(v + 65.0) / 20.0).exp(), 1.0 / (1.0 + (-(v + 35.0) / 10.0).exp()))
}

fn n(v: f64) -> (f64, f64) {
    (0.01 * linoid(v + 55.0, 10.0), 0.125 * (-(v + 65.0) / 80.0).exp())
}
