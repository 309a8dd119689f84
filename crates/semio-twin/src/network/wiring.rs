use serde::Serialize;

use super::partition::SIZE;
use crate::{
    error::{TwinError, within},
    random::Random,
};

/// Who is connected to whom, and how strongly; weights do not change (no plasticity).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "topology")]
pub enum Wiring {
    /// Each neuron to the next.
    Chain {
        /// Number of neurons.
        neurons: usize,
        /// What a spike does to the next neuron.
        weight: f64,
    },
    /// Each neuron to each other with one probability; the first ones excite, the others inhibit (Brunel 2000).
    Random {
        /// Number of neurons.
        neurons: usize,
        /// Probability of a connection.
        connectivity: f64,
        /// Share of the neurons that excite.
        excitatory: f64,
        /// What a spike of one that excites does.
        weight: f64,
        /// How many times stronger an inhibiting spike is.
        inhibition: f64,
    },
}

/// Connections that are made at most.
const CONNECTION_LIMIT: f64 = 2e8;
/// Places that are kept of them at most, one for each neuron in each partition: of four bytes each.
const PLACE_LIMIT: f64 = 1e8;

impl Wiring {
    /// Number of neurons.
    pub fn neurons(&self) -> usize {
        match *self {
            Self::Chain { neurons, .. } | Self::Random { neurons, .. } => neurons,
        }
    }

    pub(super) fn connected(&self) -> bool {
        match *self {
            Self::Chain { neurons, .. } => neurons > 1,
            Self::Random { connectivity, .. } => connectivity > 0.0,
        }
    }

    pub(super) fn check(&self) -> Result<(), TwinError> {
        within("neurons", self.neurons() as f64, (1.0, 1e6), "")?;
        match *self {
            Self::Chain { weight, .. } => within("weight", weight, (-1e6, 1e6), ""),
            Self::Random { neurons, connectivity, excitatory, weight, inhibition } => {
                within("connectivity", connectivity, (0.0, 1.0), "")?;
                within("excitatory", excitatory, (0.0, 1.0), "")?;
                within("weight", weight, (-1e6, 1e6), "")?;
                within("inhibition", inhibition, (0.0, 1e3), "")?;
                let (needed, limit) = (connectivity * (neurons as f64).powi(2), CONNECTION_LIMIT);
                if needed > limit {
                    let help = "take fewer neurons or a lower connectivity";
                    return Err(TwinError::TooLarge { what: "the network", needed, unit: "connections", limit, help });
                }
                let (needed, limit) = (neurons as f64 * neurons.div_ceil(SIZE) as f64, PLACE_LIMIT);
                if connectivity > 0.0 && needed > limit {
                    let (unit, help) =
                        ("places of connections", "take up to 300,000 neurons, a chain or no connections");
                    return Err(TwinError::TooLarge { what: "the network", needed, unit, limit, help });
                }
                Ok(())
            }
        }
    }

    /// What a spike of a neuron does to its targets.
    pub(super) fn weight(&self, source: u32) -> f64 {
        match *self {
            Self::Chain { weight, .. } => weight,
            Self::Random { neurons, excitatory, weight, inhibition, .. } => {
                let excites = f64::from(source) < excitatory * neurons as f64;
                if excites { weight } else { -inhibition * weight }
            }
        }
    }

    /// Calls `connect` for each target of `source` in a random network within `[first, end)`, ascending.
    pub(super) fn targets(&self, source: u32, (first, end): (u32, u32), seed: u64, mut connect: impl FnMut(u32)) {
        let Self::Random { connectivity, .. } = *self else { return };
        if connectivity <= 0.0 {
            return;
        }
        let mut random = Random::stream(seed ^ (1 << 42), (u64::from(source) << 32) | u64::from(first));
        let skip = (-connectivity).ln_1p();
        let mut next = f64::from(first);
        loop {
            // The gap to the next connection is geometric.
            let gap = ((1.0 - random.uniform()).ln() / skip).floor();
            next += if connectivity >= 1.0 { 0.0 } else { gap };
            if next >= f64::from(end) {
                return;
            }
            if next as u32 != source {
                connect(next as u32);
            }
            next += 1.0;
        }
    }
}
