use serde::{Deserialize, Serialize};

/// How a fibre's parts follow from its diameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// All parts but the node's and the attachment's lengths and the gaps in proportion to those of the measured fibre
    /// of 10 µm (Rushton 1951): velocity is then nearly proportional to diameter.
    #[default]
    Proportional,
    /// As measured in fibres of 5.7 to 16 µm (McIntyre et al. 2002, table 1): between them along straight lines, beyond
    /// them in proportion. Thin fibres have shorter internodes, and are slower than in proportion.
    Measured,
}

/// Sizes of a fibre and its internodes, in µm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Morphology {
    /// With its myelin.
    pub(crate) fibre: f64,
    /// Axon in the internode.
    pub(crate) axon: f64,
    /// Axon at the node and at the paranode's attachment.
    pub(crate) node: f64,
    /// From node to node.
    pub(crate) spacing: f64,
    /// The paranode's main segment.
    pub(crate) juxtaparanode: f64,
    /// Lamellae of healthy myelin; each is two membranes.
    pub(crate) lamellae: f64,
}

/// Length of a node.
pub(crate) const NODE_LENGTH: f64 = 1.0;
/// Length of the part of the paranode where the myelin is attached.
pub(crate) const ATTACHMENT_LENGTH: f64 = 3.0;

/// Measured fibres: diameter, axon, node, spacing, juxtaparanode, lamellae (McIntyre et al. 2002, table 1).
const MEASURED: [[f64; 6]; 9] = [
    [5.7, 3.4, 1.9, 500.0, 35.0, 80.0],
    [7.3, 4.6, 2.4, 750.0, 38.0, 100.0],
    [8.7, 5.8, 2.8, 1000.0, 40.0, 110.0],
    [10.0, 6.9, 3.3, 1150.0, 46.0, 120.0],
    [11.5, 8.1, 3.7, 1250.0, 50.0, 130.0],
    [12.8, 9.2, 4.2, 1350.0, 54.0, 135.0],
    [14.0, 10.4, 4.7, 1400.0, 56.0, 140.0],
    [15.0, 11.5, 5.0, 1450.0, 58.0, 145.0],
    [16.0, 12.7, 5.5, 1500.0, 60.0, 150.0],
];

impl Morphology {
    /// The fibre of a diameter.
    pub(crate) fn of(diameter_um: f64, sizes: Sizes) -> Self {
        let row = match sizes {
            Sizes::Proportional => MEASURED[3].map(|x| x * diameter_um / MEASURED[3][0]),
            Sizes::Measured => Self::measured(diameter_um),
        };
        let [fibre, axon, node, spacing, juxtaparanode, lamellae] = row;
        Self { fibre, axon, node, spacing, juxtaparanode, lamellae }
    }

    fn measured(diameter_um: f64) -> [f64; 6] {
        let (first, last) = (MEASURED[0], MEASURED[MEASURED.len() - 1]);
        if diameter_um <= first[0] {
            first.map(|x| x * diameter_um / first[0])
        } else if diameter_um >= last[0] {
            last.map(|x| x * diameter_um / last[0])
        } else {
            let above = MEASURED.iter().position(|r| r[0] >= diameter_um).unwrap_or(MEASURED.len() - 1);
            let (low, high) = (MEASURED[above - 1], MEASURED[above]);
            let share = (diameter_um - low[0]) / (high[0] - low[0]);
            std::array::from_fn(|i| low[i] + share * (high[i] - low[i]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_fibres_come_back_and_others_lie_between() {
        for sizes in [Sizes::Proportional, Sizes::Measured] {
            let ten = Morphology::of(10.0, sizes);
            assert_eq!((ten.axon, ten.spacing, ten.lamellae), (6.9, 1150.0, 120.0));
        }
        let sizes: Vec<f64> = (4..80).map(|i| Morphology::of(f64::from(i) / 4.0, Sizes::Measured).spacing).collect();
        assert!(sizes.windows(2).all(|s| s[0] < s[1]));
        assert!((Morphology::of(2.85, Sizes::Measured).axon - 1.7).abs() < 1e-12);
    }
}
