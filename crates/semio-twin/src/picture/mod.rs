//! Figures as SVG, in English and French; each names all parameters that it depends on.

mod axes;
mod axon;
mod course;
mod network;
mod neuron;
mod svg;
mod theme;

use std::str::FromStr;

pub use axon::{compound, impulse, velocity};
pub use course::course;
pub use network::raster;
pub use neuron::membrane;
use serde::{Deserialize, Serialize};

use crate::error::TwinError;

/// The language of a figure's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl FromStr for Language {
    type Err = TwinError;

    fn from_str(text: &str) -> Result<Self, TwinError> {
        match text {
            "en" => Ok(Self::En),
            "fr" => Ok(Self::Fr),
            _ => Err(TwinError::contradiction(format!("lang = {text}: must be one of en, fr"))),
        }
    }
}

impl Language {
    /// The words in this language.
    fn say<T>(self, english: T, french: T) -> T {
        match self {
            Self::En => english,
            Self::Fr => french,
        }
    }

    /// A number with so many decimals; French has a comma, and both a true minus.
    fn number(self, value: f64, decimals: usize) -> String {
        let text = format!("{value:.decimals$}").replace('-', "\u{2212}");
        if self == Self::Fr { text.replace('.', ",") } else { text }
    }

    /// A number with no more decimals than it has, at most six.
    fn plain(self, value: f64) -> String {
        let text = format!("{value:.6}");
        let text = text.trim_end_matches('0').trim_end_matches('.').replace('-', "\u{2212}");
        if self == Self::Fr { text.replace('.', ",") } else { text }
    }

    /// A share as a percentage.
    fn percent(self, share: f64) -> String {
        format!("{}{}%", self.plain(share * 100.0), self.say("", "\u{a0}"))
    }

    /// What stands under every figure that could be taken for a statement about a patient.
    fn caveat(self) -> &'static str {
        self.say(
            "Illustrative model; not a statement about a patient.",
            "Modèle illustratif ; n’est pas un énoncé sur un patient.",
        )
    }
}
