//! Pictures put together by what they look like, without their labels, and what the labels say to it.

mod confident;
mod density;
mod hierarchical;
mod k_means;
mod labels;
mod silhouette;
mod tsne;

pub use confident::{LabelSuspect, label_suspects};
pub use density::density_clusters;
pub use hierarchical::{Linkage, hierarchical};
pub use k_means::{KMeans, best_k_means, k_means};
pub use labels::{LabelAgreement, label_agreement};
pub use silhouette::silhouettes;
pub use tsne::tsne;
