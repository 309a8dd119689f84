//! Whether two models differ, on the same pictures.

mod auc;
mod holm;
mod macro_auc;
mod mcnemar;

pub use auc::{AucComparison, AucEstimate, AucMethod, auc_interval, compare_aucs};
pub use holm::holm;
pub use macro_auc::compare_roc_aucs;
pub use mcnemar::{ClusteredMcNemar, McNemar, mcnemar};
