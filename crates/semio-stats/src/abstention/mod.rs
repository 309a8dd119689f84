//! When a model should answer, and where its thresholds lie.

mod conformal;
mod operating_point;
mod risk_coverage;

pub use conformal::{
    ClassCoverage, Conformal, ConformalScore, ConformalThreshold, SetFigures, finite_sample_quantile, picture_uniform,
};
pub use operating_point::{Aim, OperatingPoint, operating_point};
pub use risk_coverage::{RiskCoverage, RiskCoveragePoint, risk_coverage};
