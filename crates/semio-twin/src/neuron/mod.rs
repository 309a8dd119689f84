//! Single neurons: what a current does to a membrane.

mod current;
mod lif;
mod scenario;

pub use current::Current;
pub use lif::{Curve, Lif, PRESETS, Response, SPIKE_LIMIT};
pub use scenario::{NeuronReport, NeuronScenario, Waveform};
