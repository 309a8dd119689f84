use serde::{Deserialize, Serialize};

use super::{
    current::Current,
    lif::{Curve, Lif, PRESETS},
};
use crate::error::{TwinError, within};

/// What a user asks of a neuron; each key is a flag of `semio twin neuron`.
///
/// Times in ms. Potentials have any unit, and current times resistance has the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct NeuronScenario {
    /// Names of [`PRESETS`], one neuron each; without one, `tau` is taken.
    pub preset: Vec<String>,
    /// Membrane time constant; the preset `healthy` where nothing is given.
    pub tau: Option<f64>,
    /// Membrane resistance.
    pub resistance: f64,
    /// Resting potential.
    pub rest: f64,
    /// Threshold.
    pub threshold: f64,
    /// Potential after a spike; the resting potential where not given.
    pub reset: Option<f64>,
    /// Refractory time.
    pub refractory: f64,
    /// How long the neuron is watched.
    pub window: f64,
    /// Distance of the membrane curve's points.
    pub sample: f64,
    /// Course of the current.
    pub waveform: Waveform,
    /// Level of the current; where a ramp begins.
    pub current: f64,
    /// Where a ramp ends.
    pub current_end: f64,
    /// When a step begins.
    pub start: f64,
    /// When a step ends.
    pub stop: f64,
    /// Noise, as the standard deviation that the potential would have without a threshold.
    pub noise: f64,
    /// How long a value of the noise is held.
    pub noise_step: f64,
    /// Decides the noise.
    pub seed: u64,
    /// Recorded values of the current.
    pub recording: Vec<f64>,
    /// How long each of them is held.
    pub recording_step: f64,
}

impl Default for NeuronScenario {
    fn default() -> Self {
        Self {
            preset: vec![],
            tau: None,
            resistance: 1.0,
            rest: 0.0,
            threshold: 1.0,
            reset: None,
            refractory: 0.0,
            window: 500.0,
            sample: 0.5,
            waveform: Waveform::Constant,
            current: 1.5,
            current_end: 3.0,
            start: 50.0,
            stop: 350.0,
            noise: 0.2,
            noise_step: 0.1,
            seed: 0,
            recording: vec![],
            recording_step: 0.1,
        }
    }
}

/// Course of a current over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waveform {
    /// The same throughout.
    #[default]
    Constant,
    /// On at `start`, off at `stop`.
    Step,
    /// A straight line from `current` to `current-end`.
    Ramp,
    /// `current` with noise.
    Noisy,
    /// As `recording` says.
    Recorded,
}

/// What one neuron did, with all that it depends on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NeuronReport {
    /// The preset's name, where one was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The neuron.
    #[serde(flatten)]
    pub neuron: Lif,
    /// Course of the current.
    pub waveform: Waveform,
    /// Level of the current.
    pub current: f64,
    /// How long the neuron was watched.
    pub window_ms: f64,
    /// The smallest constant current that makes it fire.
    pub rheobase: f64,
    /// Interval between spikes under `current` held constant: τ·ln((RI − reset)/(RI − θ)) plus the refractory time; null
    /// below the rheobase.
    pub interval_ms: Option<f64>,
    /// Number of spikes.
    pub spikes: usize,
    /// Spikes a second.
    pub rate_hz: f64,
    /// When it fired.
    pub spike_times_ms: Vec<f64>,
    /// Its membrane potential.
    #[serde(skip)]
    pub curve: Curve,
}

impl NeuronReport {
    /// The main figures in a sentence.
    pub fn words(&self) -> String {
        let name = self.preset.as_ref().map(|p| format!("{p}, ")).unwrap_or_default();
        let interval = self.interval_ms.map_or(String::new(), |i| format!(", constant-current interval {i:.4} ms"));
        format!(
            "{name}τ = {} ms, R = {}, I = {}, threshold {}, window {} ms: {} spikes{interval}",
            self.neuron.tau_ms,
            self.neuron.resistance,
            self.current,
            self.neuron.threshold,
            self.window_ms,
            self.spikes
        )
    }
}

impl NeuronScenario {
    /// Runs every neuron of the scenario.
    ///
    /// # Errors
    /// Parameters out of range or contradicting each other, an unknown preset, too many spikes.
    pub fn run(&self) -> Result<Vec<NeuronReport>, TwinError> {
        if self.preset.is_empty() {
            return Ok(vec![self.run_one(None, self.tau.unwrap_or(PRESETS[0].1))?]);
        }
        if self.tau.is_some() {
            return Err(TwinError::contradiction("a preset names the time constant: give preset or tau, not both"));
        }
        self.preset.iter().map(|name| self.run_one(Some(name), preset(name)?)).collect()
    }

    fn run_one(&self, preset: Option<&str>, tau_ms: f64) -> Result<NeuronReport, TwinError> {
        let neuron = Lif {
            tau_ms,
            resistance: self.resistance,
            rest: self.rest,
            threshold: self.threshold,
            reset: self.reset.unwrap_or(self.rest),
            refractory_ms: self.refractory,
        };
        neuron.check()?;
        let response = neuron.run(&self.injected(&neuron)?, self.window, Some(self.sample))?;
        let spikes = response.spike_times_ms.len();
        Ok(NeuronReport {
            preset: preset.map(str::to_owned),
            neuron,
            waveform: self.waveform,
            current: self.current,
            window_ms: self.window,
            rheobase: neuron.rheobase(),
            interval_ms: neuron.time_to_threshold(self.current).map(|t| t + neuron.refractory_ms),
            spikes,
            rate_hz: spikes as f64 / self.window * 1e3,
            spike_times_ms: response.spike_times_ms,
            curve: response.curve,
        })
    }

    fn injected(&self, neuron: &Lif) -> Result<Current, TwinError> {
        Ok(match self.waveform {
            Waveform::Constant => Current::Constant(self.current),
            Waveform::Step => Current::Step { level: self.current, start_ms: self.start, stop_ms: self.stop },
            Waveform::Ramp => Current::Ramp { from: self.current, to: self.current_end },
            Waveform::Noisy => {
                within("noise", self.noise, (0.0, 1e3), "")?;
                within("noise-step", self.noise_step, (1e-3, 1e3), " ms")?;
                let deviation = neuron.noise_for(self.noise, self.noise_step);
                Current::Noisy { level: self.current, deviation, step_ms: self.noise_step, seed: self.seed }
            }
            Waveform::Recorded => Current::Recorded { values: self.recording.clone(), step_ms: self.recording_step },
        })
    }
}

fn preset(name: &str) -> Result<f64, TwinError> {
    let found = PRESETS.iter().find(|(n, _)| *n == name).map(|(_, tau_ms)| *tau_ms);
    found.ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|(n, _)| *n).collect();
        TwinError::contradiction(format!("preset = {name}: must be one of {}", names.join(", ")))
    })
}
