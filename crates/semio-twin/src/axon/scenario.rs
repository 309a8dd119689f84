use serde::{Deserialize, Serialize};

use super::{
    bundle::Bundle,
    fibre::{Fibre, Internode},
    morphology::Sizes,
    readouts::{Sweep, Varied, block_temperature, highest_frequency, safety_factor, sweep},
    recording::{Film, Protocol, Recording},
};
use crate::error::{TwinError, within};

/// What a user asks of an axon; each key is a flag of `semio twin axon`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AxonScenario {
    /// Outer diameter of the healthy fibre, µm.
    pub diameter: f64,
    /// Number of nodes of Ranvier.
    pub nodes: usize,
    /// How parts follow from the diameter.
    pub sizes: Sizes,
    /// Share of the healthy lamellae that is left, in the internodes of `lesion` or in all.
    pub myelin: f64,
    /// Internodes that `myelin`, `seal` and `sodium` hold for, such as `18-21`; the first is 0, after node 0.
    pub lesion: Option<String>,
    /// Share of the paranodes' seal that is left.
    pub seal: f64,
    /// Sodium channels that spread into the internodes' membrane, as a share of the nodes' density.
    pub sodium: f64,
    /// Temperature, °C.
    pub temperature: f64,
    /// Current of the pulse into node 0, nA; what excites any healthy fibre of this diameter where not given.
    pub stimulus: Option<f64>,
    /// Width of the pulse, ms.
    pub width: f64,
    /// Number of pulses.
    pub pulses: usize,
    /// Pulses a second, where there are several, Hz.
    pub frequency: f64,
    /// How long the fibre is watched at most, ms.
    pub window: f64,
    /// Time step, ms.
    pub step: f64,
    /// Compartments for each of an internode's ten stretches.
    pub refine: usize,
    /// Whether safety factor, highest frequency and blocking temperature are sought, which takes many runs.
    pub full: bool,
    /// Number of fibres of a bundle about this one, whose compound action potential is computed; 0 for none.
    pub bundle: usize,
    /// Standard deviation of the bundle's diameters, as a share of the mean.
    pub bundle_spread: f64,
    /// What is varied: `myelin`, `temperature` or `diameter`.
    pub sweep: Option<Varied>,
}

impl Default for AxonScenario {
    fn default() -> Self {
        Self {
            diameter: 10.0,
            nodes: 41,
            sizes: Sizes::Proportional,
            myelin: 1.0,
            lesion: None,
            seal: 1.0,
            sodium: 0.0,
            temperature: 37.0,
            stimulus: None,
            width: 0.1,
            pulses: 1,
            frequency: 100.0,
            window: 100.0,
            step: 0.0025,
            refine: 1,
            full: false,
            bundle: 0,
            bundle_spread: 0.2,
            sweep: None,
        }
    }
}

/// What an axon did, with all that it depends on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AxonReport {
    /// Outer diameter of the healthy fibre.
    pub diameter_um: f64,
    /// Number of nodes.
    pub nodes: usize,
    /// How parts follow from the diameter.
    pub sizes: Sizes,
    /// Distance between nodes.
    pub spacing_um: f64,
    /// From first node to last.
    pub length_mm: f64,
    /// Share of the healthy lamellae left where the lesion is.
    pub myelin: f64,
    /// First and last internode of the lesion; null where it is everywhere.
    pub lesion: Option<[usize; 2]>,
    /// Share of the paranodes' seal left where the lesion is.
    pub seal: f64,
    /// Sodium channels in the lesion's internodes.
    pub sodium: f64,
    /// Temperature.
    pub temperature_c: f64,
    /// Current of each pulse.
    pub stimulus_na: f64,
    /// Width of each pulse.
    pub width_ms: f64,
    /// Time step.
    pub step_ms: f64,
    /// How long the fibre was watched at most.
    pub window_ms: f64,
    /// Whether no impulse reached the last node.
    pub blocked: bool,
    /// Velocity over the middle half; null where blocked.
    pub velocity_m_per_s: Option<f64>,
    /// From the first pulse's beginning to the arrival at the last node; null where blocked.
    pub latency_ms: Option<f64>,
    /// Last node that an impulse reached; null where the first was not excited.
    pub last_node_reached: Option<usize>,
    /// Pulses given.
    pub pulses: usize,
    /// Impulses that came to the last node.
    pub impulses_arrived: usize,
    /// Rise of the membrane potential over rest at each node.
    pub amplitude_mv: Vec<f64>,
    /// First arrival at each node.
    pub arrival_ms: Vec<Option<f64>>,
    /// The further read-outs, where they were asked for.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub full: Option<FullReadouts>,
    /// The bundle, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// Velocity against what was varied, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// The impulse along the fibre.
    #[serde(skip)]
    pub film: Film,
    /// What the impulse's own run took: time steps times compartments.
    #[serde(skip)]
    pub work: usize,
}

/// Read-outs that take many runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FullReadouts {
    /// See [`safety_factor`].
    pub safety_factor: Option<f64>,
    /// See [`highest_frequency`].
    pub highest_frequency_hz: Option<f64>,
    /// See [`block_temperature`].
    pub block_temperature_c: Option<f64>,
}

impl AxonReport {
    /// The main figures in a sentence.
    pub fn words(&self) -> String {
        let fibre = format!("{} µm, {} nodes, {} °C", self.diameter_um, self.nodes, self.temperature_c);
        let myelin = self.myelin * 100.0;
        let lesion = match self.lesion {
            Some([first, last]) => format!("myelin {myelin}% in internodes {first} to {last}"),
            None => format!("myelin {myelin}%"),
        };
        let result = match (self.velocity_m_per_s, self.latency_ms, self.last_node_reached) {
            (Some(velocity), Some(latency), _) => format!("velocity {velocity:.2} m/s, latency {latency:.3} ms"),
            (_, Some(latency), _) => format!("no velocity, latency {latency:.3} ms"),
            (_, _, Some(node)) => format!("blocked, the impulse ends at node {node}"),
            _ => "blocked, not excited".to_owned(),
        };
        let said = |value: Option<f64>, unit: &str| value.map_or("–".to_owned(), |v| format!("{v:.2}{unit}"));
        let full = self.full.as_ref().map(|f| {
            format!(
                "\nsafety factor {}, highest frequency {}, blocked from {}",
                said(f.safety_factor, ""),
                said(f.highest_frequency_hz, " Hz"),
                said(f.block_temperature_c, " °C")
            )
        });
        let bundle = self.bundle.as_ref().map(|b| {
            format!(
                "\nbundle of {}: {:.0}% of the fibres conduct, amplitude {:.0}% of the healthy, latency {} (healthy {})",
                b.fibres,
                b.conducting * 100.0,
                b.amplitude * 100.0,
                said(b.latency_ms, " ms"),
                said(b.healthy_latency_ms, " ms")
            )
        });
        format!("{fibre}, {lesion}: {result}{}{}", full.unwrap_or_default(), bundle.unwrap_or_default())
    }
}

/// Frames of a report's film at most.
const FRAMES: usize = 240;

impl AxonScenario {
    /// Runs the axon.
    ///
    /// # Errors
    /// Parameters out of range, or more work than is taken on.
    pub fn run(&self) -> Result<AxonReport, TwinError> {
        let (fibre, lesion) = self.fibre()?;
        let mut protocol = self.protocol(&fibre)?;
        let filmed = Protocol { film_ms: Some(self.step.max(0.001)), ..protocol.clone() };
        let mut first = Recording::make(&fibre, &filmed)?;
        // The film ends a little after the impulse, which is known only now.
        let end = first.arrivals_ms.iter().flatten().copied().fold(0.5, f64::max) * 1.15 + 0.4;
        let film = std::mem::take(&mut first.film).until(end, FRAMES);
        protocol.pulses_ms.truncate(1);
        let full = self.full.then(|| full(&fibre, &protocol)).transpose()?;
        let bundled = (self.bundle > 0).then(|| Bundle::run(&fibre, &protocol, self.bundle, self.bundle_spread));
        let swept = self.sweep.map(|s| sweep(&fibre, &protocol, s, &s.values())).transpose()?;
        let rest = film.potential_mv.first().and_then(|f| f.first()).map_or(0.0, |v| f64::from(*v));
        Ok(AxonReport {
            diameter_um: self.diameter,
            nodes: self.nodes,
            sizes: self.sizes,
            spacing_um: fibre.spacing_um(),
            length_mm: fibre.spacing_um() * fibre.internodes.len() as f64 * 1e-3,
            myelin: self.myelin,
            lesion,
            seal: self.seal,
            sodium: self.sodium,
            temperature_c: self.temperature,
            stimulus_na: protocol.current_na,
            width_ms: self.width,
            step_ms: self.step,
            window_ms: self.window,
            blocked: first.blocked(),
            velocity_m_per_s: first.velocity_m_per_s(fibre.spacing_um()),
            latency_ms: first.latency_ms(),
            last_node_reached: first.arrivals_ms.iter().rposition(|a| !a.is_empty()),
            pulses: self.pulses,
            impulses_arrived: first.arrivals_ms.last().map_or(0, Vec::len),
            amplitude_mv: first.peak_mv.iter().map(|p| p - rest).collect(),
            arrival_ms: (0..self.nodes).map(|n| first.arrival_ms(n)).collect(),
            full,
            bundle: bundled.transpose()?,
            sweep: swept,
            film,
            work: first.work,
        })
    }

    /// The fibre, and the internodes that are not healthy; nothing for all.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn fibre(&self) -> Result<(Fibre, Option<[usize; 2]>), TwinError> {
        within("nodes", self.nodes as f64, (5.0, 1001.0), "")?;
        let mut fibre = Fibre::healthy(self.diameter, self.nodes);
        (fibre.temperature_c, fibre.refine, fibre.sizes) = (self.temperature, self.refine, self.sizes);
        let lesion = self.lesion.as_deref().map(|l| internodes(l, self.nodes - 1)).transpose()?;
        let [first, last] = lesion.unwrap_or([0, self.nodes - 2]);
        fibre.internodes[first..=last].fill(Internode { myelin: self.myelin, seal: self.seal, sodium: self.sodium });
        fibre.check()?;
        Ok((fibre, lesion))
    }

    /// How the fibre is excited and watched.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn protocol(&self, fibre: &Fibre) -> Result<Protocol, TwinError> {
        within("pulses", self.pulses as f64, (1.0, 1000.0), "")?;
        within("frequency", self.frequency, (0.1, 5000.0), " Hz")?;
        let usual = Protocol::single(fibre);
        Ok(Protocol {
            pulses_ms: (0..self.pulses).map(|i| i as f64 * 1e3 / self.frequency).collect(),
            current_na: self.stimulus.unwrap_or(usual.current_na),
            width_ms: self.width,
            window_ms: self.window,
            step_ms: self.step,
            film_ms: None,
            until_arrival: false,
        })
    }
}

fn full(fibre: &Fibre, protocol: &Protocol) -> Result<FullReadouts, TwinError> {
    let ((safety, frequency), temperature) = rayon::join(
        || rayon::join(|| safety_factor(fibre, protocol), || highest_frequency(fibre, protocol)),
        || block_temperature(fibre, protocol),
    );
    Ok(FullReadouts { safety_factor: safety?, highest_frequency_hz: frequency?, block_temperature_c: temperature? })
}

/// Reads `A-B` or `A`.
fn internodes(text: &str, count: usize) -> Result<[usize; 2], TwinError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last && last < count => Ok([first, last]),
        _ => Err(TwinError::contradiction(format!(
            "lesion = {text}: must be two internodes A-B with A up to B, from 0 to {}",
            count - 1
        ))),
    }
}
