use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    axon::{Fibre, Internode, Protocol, Recording},
    error::{TwinError, within},
};

/// A stretch of nerve that loses its myelin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lesion {
    /// What it is called, such as `right optic nerve`.
    #[serde(default)]
    pub name: String,
    /// Where it begins, mm from the nerve's beginning.
    pub place: f64,
    /// How long it is, mm.
    pub length: f64,
    /// Day on which it begins.
    pub day: f64,
    /// Share of the lamellae left when it is worst.
    pub myelin: f64,
}

impl Lesion {
    pub(super) fn check(&self, nerve_mm: f64) -> Result<(), TwinError> {
        within("place", self.place, (0.0, nerve_mm), " mm")?;
        within("length", self.length, (0.1, nerve_mm - self.place), " mm")?;
        within("day", self.day, (-3650.0, 36500.0), "")?;
        within("myelin", self.myelin, (0.0, 1.0), "")
    }
}

/// What a lesion of so much myelin and sodium does to an impulse, tabled once by the cable model.
///
/// A proportional fibre takes as long over an internode whatever its diameter, so that one table serves all.
pub(super) struct Response {
    /// Further delay per internode in ms for each myelin and sodium; nothing where the impulse stops.
    delays: Vec<[Option<f64>; SODIUM.len()]>,
}

/// Shares of myelin and of sodium channels that are computed.
const MYELIN: [f64; 14] = [0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0];
const SODIUM: [f64; 4] = [0.0, 0.04, 0.08, 0.12];
/// Internodes of the lesion in the computed fibre, and of healthy fibre on each side.
const INSIDE: usize = 8;
const BESIDE: usize = 4;

/// The table at body temperature, which almost every course asks for.
static AT_37: OnceLock<Arc<Response>> = OnceLock::new();

impl Response {
    /// The table at a temperature, computed once where that is 37 °C.
    pub(super) fn at(temperature_c: f64) -> Result<Arc<Self>, TwinError> {
        if temperature_c.to_bits() != 37f64.to_bits() {
            return Ok(Arc::new(Self::compute(temperature_c)?));
        }
        if let Some(known) = AT_37.get() {
            return Ok(known.clone());
        }
        let computed = Arc::new(Self::compute(temperature_c)?);
        Ok(AT_37.get_or_init(|| computed).clone())
    }

    fn compute(temperature_c: f64) -> Result<Self, TwinError> {
        let run = |internode: Internode| -> Result<Option<f64>, TwinError> {
            let mut fibre = Fibre::healthy(10.0, INSIDE + 2 * BESIDE + 1);
            fibre.temperature_c = temperature_c;
            fibre.internodes[BESIDE..BESIDE + INSIDE].fill(internode);
            let protocol =
                Protocol { step_ms: 0.005, window_ms: 15.0, until_arrival: true, ..Protocol::single(&fibre) };
            Ok(Recording::make(&fibre, &protocol)?.latency_ms())
        };
        let healthy = run(Internode::HEALTHY)?.unwrap_or_default();
        let row = |myelin: &f64| -> Result<[Option<f64>; SODIUM.len()], TwinError> {
            let mut row = [None; SODIUM.len()];
            // Channels leave the internode by the time that half of the myelin is there.
            if *myelin >= 0.5 {
                let latency = run(Internode { myelin: *myelin, ..Internode::HEALTHY })?;
                return Ok([latency.map(|l| (l - healthy) / INSIDE as f64); SODIUM.len()]);
            }
            for (delay, sodium) in row.iter_mut().zip(SODIUM) {
                let latency = run(Internode { myelin: *myelin, seal: 1.0, sodium })?;
                *delay = latency.map(|l| (l - healthy) / INSIDE as f64);
            }
            Ok(row)
        };
        Ok(Self { delays: MYELIN.par_iter().map(row).collect::<Result<_, _>>()? })
    }

    /// Further delay per internode in ms; nothing where the impulse stops.
    ///
    /// Between computed points along straight lines; beside one that blocks, the nearer of the two decides.
    pub(super) fn delay(&self, myelin: f64, sodium: f64) -> Option<f64> {
        let (i, a) = place(&MYELIN, myelin);
        let (j, b) = place(&SODIUM, sodium);
        let along = |row: &[Option<f64>; SODIUM.len()]| between(row[j], row[(j + 1).min(SODIUM.len() - 1)], b);
        between(along(&self.delays[i]), along(&self.delays[(i + 1).min(MYELIN.len() - 1)]), a)
    }
}

/// Computes what every course at 37 °C asks for, so that the first of them does not wait for it.
///
/// # Errors
/// As [`Recording::make`].
pub fn prepare() -> Result<(), TwinError> {
    Response::at(37.0).map(drop)
}

/// The computed value at or below, and how far the next one is.
fn place(values: &[f64], value: f64) -> (usize, f64) {
    let i = values.iter().rposition(|v| *v <= value).unwrap_or(0);
    let share = values.get(i + 1).map_or(0.0, |next| (value - values[i]) / (next - values[i]));
    (i, share.clamp(0.0, 1.0))
}

fn between(low: Option<f64>, high: Option<f64>, share: f64) -> Option<f64> {
    match (low, high) {
        (Some(low), Some(high)) => Some(low + share * (high - low)),
        (low, high) => {
            if share < 0.5 {
                low
            } else {
                high
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesions_response_is_the_cables() {
        let response = Response::compute(37.0).expect("the cable runs");
        assert_eq!(response.delay(0.01, 0.0), None);
        let thin = response.delay(0.1, 0.0).expect("a tenth of the myelin conducts");
        let slow = response.delay(0.0, 0.1).expect("a bare axon with channels conducts");
        assert!(response.delay(1.0, 0.0).expect("a healthy fibre conducts").abs() < 1e-9);
        assert!(thin > 0.02 && slow > 5.0 * thin, "{thin}, {slow} ms an internode");
        let delays = [0.08, 0.1, 0.12, 0.2, 0.4, 0.6, 0.9].map(|m| response.delay(m, 0.0).expect("conducts"));
        assert!(delays.windows(2).all(|d| d[0] > d[1]), "{delays:?}");
    }
}
