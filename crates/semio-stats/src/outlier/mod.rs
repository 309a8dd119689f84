//! Pictures that are not of the model's kind: how far they lie, and from where on they are refused.

mod covariance;
mod feature_distance;
mod neighbours;
mod refusal;

pub use covariance::{Covariance, ledoit_wolf};
pub use feature_distance::FeatureDistance;
pub use neighbours::{NeighbourDistance, nearest_distances};
pub(crate) use neighbours::{nearest, squared_distance};
pub use refusal::{Refusal, energy};
