//! Pixels → array: the picture, and the ordered steps that turn it into what a network reads.
//!
//! This crate is pure: it opens no file and no socket, reads no clock, and does not know the network's library.

mod augment;
mod color;
mod depth;
mod display;
mod error;
mod footprint;
mod frame;
mod image;
mod levels;
mod mask;
mod pipeline;
mod random;
mod resize;
mod warp;

pub use augment::{Augmentation, AugmentationError};
pub use depth::Depth;
pub use display::{Display, Lut, Modality, View, WindowFunction};
pub use error::ImageError;
pub use image::{Color, Image, Samples};
pub use mask::{Keep, Mask};
pub use pipeline::{MAX_DETAIL, Pipeline, PipelineError, Step};
pub use random::sample_seed;
pub use resize::{Filter, Fit, MAX_SIDE};
pub use warp::Fill;
