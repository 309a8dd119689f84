use std::f64::consts::PI;

use super::{
    channels::REST,
    morphology::{ATTACHMENT_LENGTH, Morphology, NODE_LENGTH, Sizes},
};
use crate::error::{TwinError, within};

/// State of one internode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Internode {
    /// Share of the healthy lamellae that is left; at 0 the axon lies bare.
    pub myelin: f64,
    /// Share of the paranode's seal that is left: the resistance of the gap under its attachment.
    pub seal: f64,
    /// Sodium channels in the internode's axolemma, as a share of the node's density (with the node's other channels in
    /// the same proportion); a healthy internode has none.
    pub sodium: f64,
}

impl Internode {
    /// What a healthy fibre has.
    pub const HEALTHY: Self = Self { myelin: 1.0, seal: 1.0, sodium: 0.0 };
}

/// A myelinated fibre with its nodes at both ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Fibre {
    /// Outer diameter in µm, of the healthy fibre.
    pub diameter_um: f64,
    /// How its parts follow from that.
    pub sizes: Sizes,
    /// Temperature in °C.
    pub temperature_c: f64,
    /// Sodium conductance of the nodes, as a share of the healthy.
    pub nodal_sodium: f64,
    /// The internodes in order; there is one node more.
    pub internodes: Vec<Internode>,
    /// Compartments into which each of the model's ten stretches of an internode is divided.
    pub refine: usize,
}

/// Periaxonal gap in µm: at the attachment, elsewhere.
const ATTACHMENT_GAP: f64 = 0.002;
const GAP: f64 = 0.004;
/// Resistivity of the fluid in and around the axon, Ω·cm.
const RESISTIVITY: f64 = 70.0;
/// Capacitance of the axon's membrane, µF/cm².
const CAPACITANCE: f64 = 2.0;
/// Passive conductance of the axon's membrane at the attachment and in the rest of the internode, S/cm².
const ATTACHMENT_LEAK: f64 = 0.001;
const INTERNODE_LEAK: f64 = 0.0001;
/// Capacitance (µF/cm²) and conductance (S/cm²) of one of a lamella's two membranes.
const LAMELLA_CAPACITANCE: f64 = 0.1;
const LAMELLA_CONDUCTANCE: f64 = 0.001;
/// Myelin with fewer lamellae than this counts as none.
const BARE: f64 = 0.01;

/// Conductances in µS, capacitances in nF, so that times are in ms and currents in nA at potentials in mV.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Compartment {
    /// Centre, in µm from the first node's.
    pub(crate) place_um: f64,
    pub(crate) capacitance: f64,
    pub(crate) leak: f64,
    /// Membrane area with channels in cm², times 10⁶ so that S/cm² become µS; 0 where there are none.
    pub(crate) channels: f64,
    /// Share of the healthy sodium conductance that these channels have.
    pub(crate) sodium: f64,
    /// Myelin; nothing where the axon's membrane borders on the outside.
    pub(crate) myelin: Option<Sheath>,
    /// Half of the resistance along the axon, and along the gap under the myelin, in MΩ.
    pub(crate) along: f64,
    pub(crate) gap: f64,
    pub(crate) node: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sheath {
    pub(crate) capacitance: f64,
    pub(crate) conductance: f64,
}

/// Nodes that are taken on: four times those of a user's fibre, since a bundle's thinner ones have more over its length.
const MOST_NODES: f64 = 4004.0;

impl Fibre {
    /// A healthy fibre at 37 °C.
    pub fn healthy(diameter_um: f64, nodes: usize) -> Self {
        Self {
            diameter_um,
            sizes: Sizes::Proportional,
            temperature_c: 37.0,
            nodal_sodium: 1.0,
            internodes: vec![Internode::HEALTHY; nodes.saturating_sub(1)],
            refine: 1,
        }
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.internodes.len() + 1
    }

    /// Distance between neighbouring nodes in µm.
    pub fn spacing_um(&self) -> f64 {
        Morphology::of(self.diameter_um, self.sizes).spacing
    }

    /// Refuses what is not physical.
    ///
    /// # Errors
    /// Names the parameter and its range.
    pub fn check(&self) -> Result<(), TwinError> {
        within("diameter", self.diameter_um, (1.0, 20.0), " µm")?;
        within("nodes", self.nodes() as f64, (5.0, MOST_NODES), "")?;
        within("temperature", self.temperature_c, (10.0, 45.0), " °C")?;
        within("nodal-sodium", self.nodal_sodium, (0.0, 2.0), "")?;
        within("refine", self.refine as f64, (1.0, 128.0), "")?;
        for internode in &self.internodes {
            within("myelin", internode.myelin, (0.0, 1.0), "")?;
            within("seal", internode.seal, (0.01, 1.0), "")?;
            within("sodium", internode.sodium, (0.0, 1.0), "")?;
        }
        Ok(())
    }

    /// The compartments from the first node to the last.
    pub(crate) fn compartments(&self) -> Vec<Compartment> {
        let sizes = Morphology::of(self.diameter_um, self.sizes);
        let mut row = vec![self.node(&sizes, 0)];
        for (i, internode) in self.internodes.iter().enumerate() {
            let mut place_um = i as f64 * sizes.spacing + NODE_LENGTH / 2.0;
            for stretch in stretches(&sizes) {
                let length = stretch.length / self.refine as f64;
                for _ in 0..self.refine {
                    row.push(stretch.compartment(&sizes, internode, length, place_um + length / 2.0));
                    place_um += length;
                }
            }
            row.push(self.node(&sizes, i + 1));
        }
        row
    }

    fn node(&self, sizes: &Morphology, index: usize) -> Compartment {
        let area = PI * sizes.node * NODE_LENGTH * 1e-8;
        Compartment {
            place_um: index as f64 * sizes.spacing,
            capacitance: CAPACITANCE * area * 1e3,
            leak: 0.0,
            channels: area * 1e6,
            sodium: self.nodal_sodium,
            myelin: None,
            along: half_resistance(NODE_LENGTH, disc(sizes.node)),
            gap: half_resistance(NODE_LENGTH, ring(sizes.node, ATTACHMENT_GAP)),
            node: true,
        }
    }
}

/// One of the ten parts of an internode.
struct Stretch {
    length: f64,
    axon: f64,
    gap: f64,
    leak: f64,
    attachment: bool,
}

/// The parts of an internode in order: attachment, juxtaparanode, six of the internode proper, and back.
fn stretches(sizes: &Morphology) -> [Stretch; 10] {
    let rest = sizes.spacing - NODE_LENGTH - 2.0 * (ATTACHMENT_LENGTH + sizes.juxtaparanode);
    std::array::from_fn(|i| match i {
        0 | 9 => Stretch {
            length: ATTACHMENT_LENGTH,
            axon: sizes.node,
            gap: ATTACHMENT_GAP,
            leak: ATTACHMENT_LEAK,
            attachment: true,
        },
        _ => Stretch {
            length: if i == 1 || i == 8 { sizes.juxtaparanode } else { rest / 6.0 },
            axon: sizes.axon,
            gap: GAP,
            leak: INTERNODE_LEAK,
            attachment: false,
        },
    })
}

impl Stretch {
    fn compartment(&self, sizes: &Morphology, internode: &Internode, length: f64, place_um: f64) -> Compartment {
        let membrane = PI * self.axon * length * 1e-8;
        let sheath = PI * sizes.fibre * length * 1e-8;
        let lamellae = sizes.lamellae * internode.myelin;
        let seal = if self.attachment { internode.seal } else { 1.0 };
        Compartment {
            place_um,
            capacitance: CAPACITANCE * membrane * 1e3,
            leak: self.leak * membrane * 1e6,
            channels: internode.sodium * membrane * 1e6,
            sodium: 1.0,
            myelin: (lamellae >= BARE).then(|| Sheath {
                capacitance: LAMELLA_CAPACITANCE / (2.0 * lamellae) * sheath * 1e3,
                conductance: LAMELLA_CONDUCTANCE / (2.0 * lamellae) * sheath * 1e6,
            }),
            along: half_resistance(length, disc(self.axon)),
            gap: half_resistance(length, ring(self.axon, self.gap)) * seal,
            node: false,
        }
    }
}

/// Cross-section of an axon, and of a gap around it, in µm².
fn disc(diameter: f64) -> f64 {
    PI * (diameter / 2.0).powi(2)
}

fn ring(diameter: f64, gap: f64) -> f64 {
    disc(diameter + 2.0 * gap) - disc(diameter)
}

/// Half of the resistance along a compartment, in MΩ.
fn half_resistance(length_um: f64, section_um2: f64) -> f64 {
    // Ω·cm · µm / µm² = Ω · 10⁴.
    RESISTIVITY * length_um / section_um2 * 1e4 * 1e-6 / 2.0
}

impl Compartment {
    /// Potential at which the passive membrane draws no current.
    pub(crate) const REST: f64 = REST;
}
