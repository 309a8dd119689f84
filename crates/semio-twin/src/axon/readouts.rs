use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    fibre::Fibre,
    recording::{Protocol, Recording},
};
use crate::error::TwinError;

/// Step in ms where only the number of impulses is asked for.
const COARSE_MS: f64 = 0.005;
/// Impulses of a train.
const TRAIN: usize = 8;
/// Frequencies between which the highest is sought, in Hz.
const FREQUENCIES: (f64, f64) = (50.0, 2000.0);
/// Highest temperature that is tried, in °C.
const HOTTEST: f64 = 45.0;

fn conducts(fibre: &Fibre, protocol: &Protocol) -> Result<bool, TwinError> {
    let asked = Protocol { step_ms: COARSE_MS, until_arrival: true, film_ms: None, ..protocol.clone() };
    Recording::make(fibre, &asked).map(|r| !r.blocked())
}

/// Halves `[low, high]` until `holds`, true at `low` and false at `high`, changes within a share of `close`.
fn last_that_holds(
    (mut low, mut high): (f64, f64),
    close: f64,
    holds: impl Fn(f64) -> Result<bool, TwinError>,
) -> Result<f64, TwinError> {
    while high - low > close * low {
        let middle = f64::midpoint(low, high);
        *(if holds(middle)? { &mut low } else { &mut high }) = middle;
    }
    Ok(low)
}

/// How many times more sodium conductance the nodes have than an impulse needs to get through.
///
/// Tasaki's safety factor (Tasaki 1953; Rasminsky and Sears 1972) is the current that is there over the current that is
/// needed; here it is found by taking sodium channels away at all nodes until conduction fails. 1 is the brink; nothing
/// where the fibre is blocked.
///
/// # Errors
/// As [`Recording::make`].
pub fn safety_factor(fibre: &Fibre, protocol: &Protocol) -> Result<Option<f64>, TwinError> {
    let with = |share: f64| conducts(&Fibre { nodal_sodium: fibre.nodal_sodium / share, ..fibre.clone() }, protocol);
    if !with(1.0)? {
        return Ok(None);
    }
    last_that_holds((1.0, 50.0), 0.005, with).map(Some)
}

/// Highest frequency in Hz at which every one of eight impulses arrives, between 50 and 2000.
///
/// Nothing where even 50 Hz is not followed.
///
/// # Errors
/// As [`Recording::make`].
pub fn highest_frequency(fibre: &Fibre, protocol: &Protocol) -> Result<Option<f64>, TwinError> {
    let follows = |hertz: f64| {
        let pulses_ms: Vec<f64> = (0..TRAIN).map(|i| i as f64 * 1e3 / hertz).collect();
        let window_ms = pulses_ms[TRAIN - 1] + protocol.window_ms;
        let train = Protocol { pulses_ms, window_ms, step_ms: COARSE_MS, ..protocol.clone() };
        Recording::make(fibre, &train).map(|r| r.arrivals_ms.last().is_some_and(|a| a.len() == TRAIN))
    };
    if !follows(FREQUENCIES.0)? {
        return Ok(None);
    }
    if follows(FREQUENCIES.1)? {
        return Ok(Some(FREQUENCIES.1));
    }
    last_that_holds(FREQUENCIES, 0.01, follows).map(Some)
}

/// Temperature in °C from which on the fibre is blocked (Uhthoff's phenomenon), up to 45.
///
/// Nothing where it conducts even then, or is blocked as it is.
///
/// # Errors
/// As [`Recording::make`].
pub fn block_temperature(fibre: &Fibre, protocol: &Protocol) -> Result<Option<f64>, TwinError> {
    let at = |temperature_c: f64| conducts(&Fibre { temperature_c, ..fibre.clone() }, protocol);
    if !at(fibre.temperature_c)? || at(HOTTEST)? {
        return Ok(None);
    }
    last_that_holds((fibre.temperature_c, HOTTEST), 0.001, at).map(Some)
}

/// What is varied in a [`sweep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Varied {
    /// The myelin left, in all internodes that have less than the healthy share, or in all where none has.
    Myelin,
    /// The temperature.
    Temperature,
    /// The diameter.
    Diameter,
}

/// Velocity against one property of the fibre.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// The property.
    pub varied: Varied,
    /// Its values.
    pub points: Vec<SweepPoint>,
    /// What it took: time steps times compartments.
    #[serde(skip)]
    pub work: usize,
}

/// A point of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// Value of what is varied.
    pub value: f64,
    /// Velocity there; null where the fibre is blocked.
    pub velocity_m_per_s: Option<f64>,
}

impl Varied {
    /// The values that a sweep usually takes: shares of the myelin, °C, or µm.
    pub fn values(self) -> Vec<f64> {
        match self {
            Self::Myelin => {
                (0..=10).map(|i| f64::from(i) / 100.0).chain((3..=20).map(|i| f64::from(i) / 20.0)).collect()
            }
            Self::Temperature => (20..=45).map(f64::from).collect(),
            Self::Diameter => (2..=20).map(f64::from).collect(),
        }
    }
}

/// Runs the fibre once for each of the values, ascending, of one property.
///
/// # Errors
/// As [`Recording::make`].
pub fn sweep(fibre: &Fibre, protocol: &Protocol, varied: Varied, values: &[f64]) -> Result<Sweep, TwinError> {
    let point = |value: &f64| {
        let mut changed = fibre.clone();
        let mut protocol = Protocol { until_arrival: true, film_ms: None, ..protocol.clone() };
        match varied {
            Varied::Temperature => changed.temperature_c = *value,
            Varied::Diameter => {
                changed.diameter_um = *value;
                protocol.current_na *= (value / fibre.diameter_um).powi(2);
            }
            Varied::Myelin => {
                let healthy = fibre.internodes.iter().all(|i| i.myelin >= 1.0);
                let lesion = changed.internodes.iter_mut().filter(|i| healthy || i.myelin < 1.0);
                lesion.for_each(|i| i.myelin = *value);
            }
        }
        let recording = Recording::make(&changed, &protocol)?;
        let velocity_m_per_s = recording.velocity_m_per_s(changed.spacing_um());
        Ok((SweepPoint { value: *value, velocity_m_per_s }, recording.work))
    };
    let points: Vec<(SweepPoint, usize)> = values.par_iter().map(point).collect::<Result<_, TwinError>>()?;
    let work = points.iter().map(|(_, work)| work).sum();
    Ok(Sweep { varied, points: points.into_iter().map(|(point, _)| point).collect(), work })
}
