use serde::{Deserialize, Serialize};

use super::{
    current::Current,
    exponential::Exponential,
    hodgkin_huxley::{HodgkinHuxley, REST_MV, SPIKE_MV},
    lif::{Curve, Lif, PRESETS},
};
use crate::error::{TwinError, within};

/// What a user asks of a neuron; each key is a flag of `semio twin neuron`.
///
/// Times in ms. Potentials have any unit, and current times resistance has the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct NeuronScenario {
    /// Equations of the membrane.
    pub model: Model,
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
    /// Δ of the exponential neurons; a tenth of the threshold over rest where not given.
    pub sharpness: Option<f64>,
    /// Time constant of the adaptation.
    pub adaptation_tau: f64,
    /// Adaptation's current for a unit of potential; 0.1 / resistance where not given.
    pub adaptation: Option<f64>,
    /// Adaptation's current that a spike adds; a tenth of the rheobase where not given.
    pub spike_adaptation: Option<f64>,
    /// Temperature of Hodgkin and Huxley's membrane, °C.
    pub temperature: f64,
    /// Time step of the models that have one.
    pub step: f64,
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
            model: Model::Lif,
            preset: vec![],
            tau: None,
            resistance: 1.0,
            rest: 0.0,
            threshold: 1.0,
            reset: None,
            refractory: 0.0,
            sharpness: None,
            adaptation_tau: 144.0,
            adaptation: None,
            spike_adaptation: None,
            temperature: 6.3,
            step: 0.01,
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

/// Equations of a membrane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Leaky integrate-and-fire, exact.
    #[default]
    Lif,
    /// Exponential integrate-and-fire.
    Eif,
    /// Exponential with adaptation.
    Adex,
    /// Hodgkin and Huxley's squid axon; potentials in mV, currents in µA/cm².
    HodgkinHuxley,
}

/// A membrane with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Membrane {
    /// Leaky integrate-and-fire.
    Lif(Lif),
    /// Exponential, with or without adaptation.
    Exponential(Exponential),
    /// Hodgkin and Huxley's.
    HodgkinHuxley(HodgkinHuxley),
}

impl Membrane {
    /// The leaky neuron in it, where it has one.
    pub fn leaky(&self) -> Option<&Lif> {
        match self {
            Self::Lif(lif) => Some(lif),
            Self::Exponential(exponential) => Some(&exponential.membrane),
            Self::HodgkinHuxley(_) => None,
        }
    }

    /// Potential at which a spike is counted.
    pub fn threshold(&self) -> f64 {
        self.leaky().map_or(SPIKE_MV, |l| l.threshold)
    }

    /// Resting potential.
    pub fn rest(&self) -> f64 {
        self.leaky().map_or(REST_MV, |l| l.rest)
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
    /// Equations of the membrane.
    pub model: Model,
    /// The membrane's parameters.
    #[serde(flatten)]
    pub membrane: Membrane,
    /// Course of the current.
    pub waveform: Waveform,
    /// Level of the current.
    pub current: f64,
    /// How long the neuron was watched.
    pub window_ms: f64,
    /// The smallest constant current that makes the leaky neuron fire; null for other models.
    pub rheobase: Option<f64>,
    /// Interval of the leaky neuron's spikes under `current` held constant: τ·ln((RI − reset)/(RI − θ)) plus the
    /// refractory time; null below the rheobase and for other models.
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
        let membrane = match (self.membrane.leaky(), self.membrane) {
            (Some(leaky), _) => {
                format!("τ = {} ms, R = {}, threshold {}", leaky.tau_ms, leaky.resistance, leaky.threshold)
            }
            (_, Membrane::HodgkinHuxley(squid)) => format!("Hodgkin–Huxley, {} °C", squid.temperature_c),
            _ => String::new(),
        };
        format!(
            "{name}{membrane}, I = {}, window {} ms: {} spikes{interval}",
            self.current, self.window_ms, self.spikes
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
        let leaky = Lif {
            tau_ms,
            resistance: self.resistance,
            rest: self.rest,
            threshold: self.threshold,
            reset: self.reset.unwrap_or(self.rest),
            refractory_ms: self.refractory,
        };
        leaky.check()?;
        let (window, sample) = (self.window, Some(self.sample));
        let (membrane, response) = match self.model {
            Model::Lif => (Membrane::Lif(leaky), leaky.run(&self.injected(Some(&leaky))?, window, sample)?),
            Model::Eif | Model::Adex => {
                let exponential = self.exponential(leaky);
                let response = exponential.run(&self.injected(Some(&leaky))?, window, sample)?;
                (Membrane::Exponential(exponential), response)
            }
            Model::HodgkinHuxley => {
                let squid = HodgkinHuxley { temperature_c: self.temperature, step_ms: self.step };
                (Membrane::HodgkinHuxley(squid), squid.run(&self.injected(None)?, window, sample)?)
            }
        };
        let closed = Some(leaky).filter(|_| self.model == Model::Lif);
        let spikes = response.spike_times_ms.len();
        Ok(NeuronReport {
            preset: preset.map(str::to_owned),
            model: self.model,
            membrane,
            waveform: self.waveform,
            current: self.current,
            window_ms: window,
            rheobase: closed.map(|l| l.rheobase()),
            interval_ms: closed.and_then(|l| l.time_to_threshold(self.current)).map(|t| t + self.refractory),
            spikes,
            rate_hz: spikes as f64 / window * 1e3,
            spike_times_ms: response.spike_times_ms,
            curve: response.curve,
        })
    }

    fn exponential(&self, membrane: Lif) -> Exponential {
        let sharpness = self.sharpness.unwrap_or((membrane.threshold - membrane.rest) / 10.0);
        let adapts = self.model == Model::Adex;
        let used = |value: f64| if adapts { value } else { 0.0 };
        Exponential {
            membrane,
            sharpness,
            cutoff: membrane.threshold + 8.0 * sharpness,
            adaptation_tau_ms: self.adaptation_tau,
            adaptation: used(self.adaptation.unwrap_or(0.1 / self.resistance)),
            spike_adaptation: used(self.spike_adaptation.unwrap_or(membrane.rheobase() / 10.0)),
            step_ms: self.step,
        }
    }

    /// The current; noise is given as the leaky neuron's deviation, or the current's where there is none.
    fn injected(&self, neuron: Option<&Lif>) -> Result<Current, TwinError> {
        Ok(match self.waveform {
            Waveform::Constant => Current::Constant(self.current),
            Waveform::Step => Current::Step { level: self.current, start_ms: self.start, stop_ms: self.stop },
            Waveform::Ramp => Current::Ramp { from: self.current, to: self.current_end },
            Waveform::Noisy => {
                within("noise", self.noise, (0.0, 1e3), "")?;
                within("noise-step", self.noise_step, (1e-3, 1e3), " ms")?;
                let deviation = neuron.map_or(self.noise, |n| n.noise_for(self.noise, self.noise_step));
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
