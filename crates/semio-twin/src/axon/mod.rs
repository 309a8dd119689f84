//! A myelinated axon: impulses jump from node to node, slow down as myelin goes, and stop.
//!
//! The double cable of McIntyre, Richardson and Grill, J Neurophysiol 87:995–1006 (2002): nodes of Ranvier with fast and
//! persistent sodium, slow potassium and leak; paranodes whose attachment seals the gap under the myelin; internodes
//! whose membrane and lamellae are two layers with the gap between them.

mod bundle;
mod cable;
mod channels;
mod fibre;
mod morphology;
mod readouts;
mod recording;
mod scenario;

pub use bundle::{Bundle, Waves};
pub use fibre::{Fibre, Internode};
pub use morphology::Sizes;
pub use readouts::{Sweep, SweepPoint, Varied, block_temperature, highest_frequency, safety_factor, sweep};
pub use recording::{ARRIVAL_MV, Film, Protocol, Recording};
pub use scenario::{AxonReport, AxonScenario, FullReadouts};
