//! Whether two models differ, on the same pictures.

mod auc;
mod mcnemar;

pub use auc::{AucComparison, AucEstimate, AucMethod, auc_interval, compare_aucs};
pub use mcnemar::{ClusteredMcNemar, McNemar, mcnemar};
