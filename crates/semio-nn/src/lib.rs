//! Tensor → logits: network architectures, their registry, and their weights under torchvision's names.
//!
//! A model file describes its layers with a [`Builder`]; the resulting [`Graph`] is run by [`Network`].

pub mod arch;
mod builder;
mod cam;
pub mod graph;
mod head;
mod init;
mod layers;
mod network;
mod ops;
mod plan;
pub mod reference;
mod split;
pub mod weights;

pub use arch::{Architecture, Blueprint, nearest, registry};
pub use builder::{Builder, Conv};
pub use cam::{ActivationMap, Cam};
pub use graph::Graph;
pub use init::Init;
pub use network::{Network, TrainingPass, change_row, to_vec};
pub use semio_kernels::{isa, set_threads, threads};
pub use split::Stage;

/// Why a network cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No architecture has this name.
    #[error("no network is called `{name}`; of the {count} names the nearest are {}", near.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names most like it, nearest first.
        near: Vec<&'static str>,
        /// How many names there are.
        count: usize,
    },
    /// A layer does not fit what goes into it.
    #[error("layer {layer}: {problem}")]
    Layer {
        /// The layer's name.
        layer: String,
        /// What does not fit.
        problem: String,
    },
    /// The picture is smaller than the network can read.
    #[error("{name} cannot read pictures of {height} × {width} pixels ({problem}); its usual size is {usual}")]
    Size {
        /// The network.
        name: &'static str,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// The layer that does not fit, and why.
        problem: String,
        /// Side of the pictures that it was made for.
        usual: usize,
    },
}
