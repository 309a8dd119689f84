//! Single neurons: what a current does to a membrane.

mod current;
mod exponential;
mod hodgkin_huxley;
mod lif;
mod runge_kutta;
mod scenario;

pub use current::Current;
pub use exponential::Exponential;
pub use hodgkin_huxley::HodgkinHuxley;
pub use lif::{Curve, Lif, PRESETS, Response, SPIKE_LIMIT};
pub use scenario::{Membrane, Model, NeuronReport, NeuronScenario, Waveform};
