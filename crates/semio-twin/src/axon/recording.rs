use serde::Serialize;

use super::{cable::Cable, fibre::Fibre};
use crate::error::{TwinError, within};

/// How a fibre is excited and watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Protocol {
    /// When pulses begin, ascending; they flow into the first node.
    pub pulses_ms: Vec<f64>,
    /// Current of each pulse in nA.
    pub current_na: f64,
    /// Width of each pulse.
    pub width_ms: f64,
    /// When watching ends; it ends before where the fibre has come to rest.
    pub window_ms: f64,
    /// Time step.
    pub step_ms: f64,
    /// Distance in time of a film's frames, where one is wanted; twice that, and twice again, as often as the film would
    /// have more than 960 frames (fewer of very many compartments).
    pub film_ms: Option<f64>,
    /// Whether watching ends when an impulse has come to the last node: enough for velocity, latency and block.
    pub until_arrival: bool,
}

impl Protocol {
    /// One pulse that excites a healthy first node for certain.
    pub fn single(fibre: &Fibre) -> Self {
        Self {
            pulses_ms: vec![0.0],
            current_na: 5.0 * (fibre.diameter_um / 10.0).powi(2),
            width_ms: 0.1,
            window_ms: 100.0,
            step_ms: 0.0025,
            film_ms: None,
            until_arrival: false,
        }
    }

    fn check(&self, compartments: usize) -> Result<(), TwinError> {
        within("stimulus", self.current_na, (0.0, 1000.0), " nA")?;
        within("width", self.width_ms, (0.01, 10.0), " ms")?;
        within("window", self.window_ms, (0.1, 1000.0), " ms")?;
        within("step", self.step_ms, (0.0005, 0.02), " ms")?;
        if let Some(film_ms) = self.film_ms {
            within("film", film_ms, (0.001, 10.0), " ms")?;
        }
        let (needed, limit) = (self.window_ms / self.step_ms * compartments as f64, 4e9);
        if needed > limit {
            let help = "take a larger step, fewer nodes or a shorter window";
            return Err(TwinError::TooLarge { what: "the axon", needed, unit: "steps of a compartment", limit, help });
        }
        Ok(())
    }
}

/// What a fibre did.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// For each node, when an impulse came.
    pub arrivals_ms: Vec<Vec<f64>>,
    /// For each node, the highest membrane potential in mV.
    pub peak_mv: Vec<f64>,
    /// For each node, the steepest rise in mV/ms.
    pub steepest: Vec<f64>,
    /// Membrane potentials of all compartments over time.
    pub film: Film,
    /// What it took: time steps times compartments.
    pub work: usize,
}

/// Membrane potential along a fibre, frame by frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Film {
    /// Time of each frame.
    pub time_ms: Vec<f64>,
    /// Place of each compartment in µm.
    pub place_um: Vec<f64>,
    /// Which compartments are nodes.
    pub nodes: Vec<usize>,
    /// One row of potentials in mV a frame.
    pub potential_mv: Vec<Vec<f32>>,
}

/// Frames of a film at most, and compartments of all frames together beyond 240 frames.
const FRAMES: usize = 960;
const FRAME_PARTS: usize = 100_000_000;

impl Film {
    /// Keeps each `every`-th frame, the first among them.
    fn thin(&mut self, every: usize) {
        let frames = std::mem::take(&mut self.potential_mv).into_iter().step_by(every);
        self.potential_mv = frames.collect();
        self.time_ms = self.time_ms.iter().copied().step_by(every).collect();
    }

    /// The film up to a time, of a number of frames at most.
    pub(super) fn until(mut self, end_ms: f64, frames: usize) -> Self {
        let kept = self.time_ms.partition_point(|time_ms| *time_ms <= end_ms).max(1);
        self.time_ms.truncate(kept);
        self.potential_mv.truncate(kept);
        self.thin(kept.div_ceil(frames));
        self
    }
}

/// Potential in mV whose upward crossing is an impulse's arrival at a node.
pub const ARRIVAL_MV: f64 = -20.0;
/// A fibre whose nodes all stay below this for [`QUIET_MS`] after the last pulse has come to rest.
const QUIET_MV: f64 = -68.0;
const QUIET_MS: f64 = 2.0;

impl Recording {
    /// Excites a fibre and watches it.
    ///
    /// # Errors
    /// Parameters out of range, or more steps than are taken on.
    pub fn make(fibre: &Fibre, protocol: &Protocol) -> Result<Self, TwinError> {
        fibre.check()?;
        protocol.check(fibre.internodes.len() * 10 * fibre.refine)?;
        let mut cable = Cable::new(fibre, protocol.step_ms);
        let nodes: Vec<usize> = (0..cable.parts().len()).filter(|i| cable.parts()[*i].node).collect();
        let mut recording = Self::empty(&cable, &nodes);
        let steps = (protocol.window_ms / protocol.step_ms).round() as usize;
        let mut frame = protocol.film_ms.map(|f| (f / protocol.step_ms).round().max(1.0) as usize);
        let frames = (FRAME_PARTS / cable.parts().len()).clamp(240, FRAMES);
        let width = (protocol.width_ms / protocol.step_ms).round().max(1.0) as usize;
        let pulses: Vec<usize> = protocol.pulses_ms.iter().map(|t| (t / protocol.step_ms).round() as usize).collect();
        let last_pulse = pulses.last().map_or(0, |p| p + width);
        let mut old: Vec<f64> = nodes.iter().map(|i| cable.state()[*i].membrane()).collect();
        let mut quiet = 0;
        for step in 0..steps {
            if let Some(every) = frame.filter(|every| step % every == 0) {
                recording.take_frame(&cable, step as f64 * protocol.step_ms);
                // How long the impulse travels is not known before: what is filmed too finely is thinned on the way.
                if recording.film.time_ms.len() == frames {
                    recording.film.thin(2);
                    frame = Some(2 * every);
                }
            }
            recording.work += cable.parts().len();
            let on = pulses.iter().any(|p| (*p..p + width).contains(&step));
            cable.stimulate(if on { protocol.current_na } else { 0.0 });
            cable.step();
            let mut highest = f64::NEG_INFINITY;
            for (i, (node, old)) in nodes.iter().zip(&mut old).enumerate() {
                let new = cable.state()[*node].membrane();
                recording.watch(i, (*old, new), step as f64 * protocol.step_ms, protocol.step_ms);
                highest = highest.max(new);
                *old = new;
            }
            if protocol.until_arrival && !recording.blocked() {
                break;
            }
            quiet = if highest < QUIET_MV && step > last_pulse { quiet + 1 } else { 0 };
            if quiet as f64 * protocol.step_ms > QUIET_MS {
                break;
            }
        }
        Ok(recording)
    }

    fn empty(cable: &Cable, nodes: &[usize]) -> Self {
        let place_um = cable.parts().iter().map(|p| p.place_um).collect();
        Self {
            arrivals_ms: vec![vec![]; nodes.len()],
            peak_mv: vec![f64::NEG_INFINITY; nodes.len()],
            steepest: vec![0.0; nodes.len()],
            film: Film { place_um, nodes: nodes.to_vec(), ..Film::default() },
            work: 0,
        }
    }

    fn watch(&mut self, node: usize, (old, new): (f64, f64), time_ms: f64, step_ms: f64) {
        if old < ARRIVAL_MV && new >= ARRIVAL_MV {
            self.arrivals_ms[node].push(time_ms + step_ms * (ARRIVAL_MV - old) / (new - old));
        }
        self.peak_mv[node] = self.peak_mv[node].max(new);
        self.steepest[node] = self.steepest[node].max((new - old) / step_ms);
    }

    fn take_frame(&mut self, cable: &Cable, time_ms: f64) {
        self.film.time_ms.push(time_ms);
        self.film.potential_mv.push(cable.state().iter().map(|s| s.membrane() as f32).collect());
    }

    /// When the first impulse came to a node.
    pub fn arrival_ms(&self, node: usize) -> Option<f64> {
        self.arrivals_ms.get(node).and_then(|a| a.first()).copied()
    }

    /// Whether no impulse came to the last node.
    pub fn blocked(&self) -> bool {
        self.arrivals_ms.last().is_none_or(Vec::is_empty)
    }

    /// Velocity in m/s of the first impulse over the fibre's middle half; nothing where it was blocked.
    pub fn velocity_m_per_s(&self, spacing_um: f64) -> Option<f64> {
        let last = self.arrivals_ms.len() - 1;
        let (from, to) = (last / 4, last - last / 4);
        let (begin, end) = (self.arrival_ms(from)?, self.arrival_ms(to)?);
        (!self.blocked() && end > begin).then(|| (to - from) as f64 * spacing_um * 1e-3 / (end - begin))
    }

    /// Time from the first pulse's beginning to the arrival at the last node; nothing where it was blocked.
    pub fn latency_ms(&self) -> Option<f64> {
        self.arrival_ms(self.arrivals_ms.len() - 1)
    }
}
