use rayon::prelude::*;
use serde::Serialize;

use super::{
    fibre::Fibre,
    recording::{Protocol, Recording},
};
use crate::error::{TwinError, within};

/// A nerve's fibres together: what an electrode beside its end sees.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bundle {
    /// Number of fibres that were computed: of those asked for, the ones whose diameter is from 1 to 20 µm.
    pub fibres: usize,
    /// Standard deviation of their diameters, as a share of the mean.
    pub spread: f64,
    /// Share of the fibres, by number, whose impulse arrived.
    pub conducting: f64,
    /// Height of the compound action potential from its lowest point to its highest, as a share of the healthy bundle's.
    pub amplitude: f64,
    /// When the compound action potential peaks; null where nothing arrived.
    pub latency_ms: Option<f64>,
    /// The same of the healthy bundle.
    pub healthy_latency_ms: Option<f64>,
    /// Compound action potential of the bundle as it is and of the healthy one, healthy peak 1.
    #[serde(skip)]
    pub waves: Waves,
}

/// Compound action potentials over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waves {
    /// Times.
    pub time_ms: Vec<f64>,
    /// The bundle as it is.
    pub here: Vec<f64>,
    /// The healthy bundle.
    pub healthy: Vec<f64>,
}

/// Standard deviation in ms of the Gaussian whose second derivative is one fibre's three-phased wave.
const WAVE_MS: f64 = 0.15;
/// Points of a wave.
const POINTS: usize = 600;

impl Bundle {
    /// Runs fibres of diameters spread about `fibre`'s, each with the same lesion in place (mm), and sums their waves.
    ///
    /// Diameters are lognormal, at equal distances with their density as weight; a fibre's wave grows with the square of
    /// its diameter (Stegeman et al. 1979), and its form is the second derivative of a Gaussian.
    ///
    /// # Errors
    /// Parameters out of range, or more work than is taken on.
    pub fn run(fibre: &Fibre, protocol: &Protocol, fibres: usize, spread: f64) -> Result<Self, TwinError> {
        within("bundle", fibres as f64, (2.0, 200.0), "")?;
        within("bundle-spread", spread, (0.01, 0.5), "")?;
        let members: Vec<Member> = (0..fibres).filter_map(|i| Member::new(fibre, i, fibres, spread)).collect();
        let arrive = |healthy: bool| -> Result<Vec<Option<f64>>, TwinError> {
            members.par_iter().map(|m| m.latency(fibre, protocol, healthy)).collect()
        };
        let (here, healthy) = (arrive(false)?, arrive(true)?);
        let end = here.iter().chain(&healthy).flatten().copied().fold(0.5, f64::max) + 6.0 * WAVE_MS;
        let time_ms: Vec<f64> = (0..POINTS).map(|i| end * i as f64 / (POINTS - 1) as f64).collect();
        let sum = |latencies: &[Option<f64>]| -> Vec<f64> {
            time_ms.iter().map(|t| members.iter().zip(latencies).map(|(m, l)| m.wave(*t, *l)).sum()).collect()
        };
        let (mut wave, mut healthy_wave): (Vec<f64>, Vec<f64>) = (sum(&here), sum(&healthy));
        let scale = healthy_wave.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        wave.iter_mut().chain(&mut healthy_wave).for_each(|w| *w /= scale);
        let total: f64 = members.iter().map(|m| m.share).sum();
        let conducting = members.iter().zip(&here).filter(|(_, l)| l.is_some()).map(|(m, _)| m.share).sum::<f64>();
        Ok(Self {
            fibres: members.len(),
            spread,
            conducting: conducting / total,
            amplitude: height(&wave) / height(&healthy_wave),
            latency_ms: peak(&time_ms, &wave),
            healthy_latency_ms: peak(&time_ms, &healthy_wave),
            waves: Waves { time_ms, here: wave, healthy: healthy_wave },
        })
    }
}

struct Member {
    diameter: f64,
    share: f64,
}

impl Member {
    /// Member `i`; nothing where its diameter is out of range.
    fn new(fibre: &Fibre, i: usize, count: usize, spread: f64) -> Option<Self> {
        let deviation = (1.0 + spread * spread).ln().sqrt();
        let z = -2.5 + 5.0 * (i as f64 + 0.5) / count as f64;
        let diameter = fibre.diameter_um * (z * deviation - deviation * deviation / 2.0).exp();
        (1.0..=20.0).contains(&diameter).then(|| Self { diameter, share: (-0.5 * z * z).exp() })
    }

    fn latency(&self, mean: &Fibre, protocol: &Protocol, healthy: bool) -> Result<Option<f64>, TwinError> {
        let mut fibre = Fibre::healthy(self.diameter, 2);
        (fibre.sizes, fibre.temperature_c, fibre.refine) = (mean.sizes, mean.temperature_c, mean.refine);
        let (spacing, length) = (fibre.spacing_um(), mean.spacing_um() * mean.internodes.len() as f64);
        let count = ((length / spacing).round() as usize).max(4);
        fibre.internodes.resize(count, super::Internode::HEALTHY);
        if !healthy {
            for (i, internode) in fibre.internodes.iter_mut().enumerate() {
                let place = (i as f64 + 0.5) * spacing / mean.spacing_um();
                *internode = mean.internodes[(place as usize).min(mean.internodes.len() - 1)];
            }
        }
        let current_na = protocol.current_na * (self.diameter / mean.diameter_um).powi(2);
        let step_ms = protocol.step_ms.max(0.005);
        let asked = Protocol { current_na, step_ms, until_arrival: true, ..protocol.clone() };
        let recording = Recording::make(&fibre, &asked)?;
        Ok(recording.latency_ms())
    }

    fn wave(&self, time_ms: f64, latency_ms: Option<f64>) -> f64 {
        let Some(latency_ms) = latency_ms else { return 0.0 };
        let u = (time_ms - latency_ms) / WAVE_MS;
        self.share * self.diameter * self.diameter * (1.0 - u * u) * (-0.5 * u * u).exp()
    }
}

fn height(wave: &[f64]) -> f64 {
    wave.iter().copied().fold(f64::MIN, f64::max) - wave.iter().copied().fold(f64::MAX, f64::min)
}

fn peak(time_ms: &[f64], wave: &[f64]) -> Option<f64> {
    let (time, height) = time_ms.iter().zip(wave).fold((0.0, 0.0), |b, (t, w)| if *w > b.1 { (*t, *w) } else { b });
    (height > 0.0).then_some(time)
}
