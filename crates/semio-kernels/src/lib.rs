//! What a network computes, on the CPU: convolutions, norms, pools and dense layers, forward and backward.
//!
//! Everything works on [`Maps`], batches of feature maps in blocks of sixteen channels. Kernels are written once over a
//! vector of sixteen numbers and run with the instructions that the CPU has ([`isa`]), on threads of their own
//! ([`set_threads`]). Work is cut by shape alone: the same input gives the same bits on any number of threads.
//!
//! This crate knows no networks and no files: `semio-nn` lays a network's layers onto it.

mod activation;
mod attention;
mod buffer;
mod conv;
mod layer_norm;
mod maps;
mod norm;
mod peak;
mod pixels;
mod pool;
mod scratch;
mod simd;
mod steps;
mod threads;
mod tile;
mod tokens;

pub use activation::Activation;
pub use attention::{Attention, Compare, OUTSIDE};
pub use buffer::Buffer;
pub use conv::{
    Bottleneck, Conv, ConvShape, Epilogue, FirstConv, Planar, convolve, first_weight_gradient, input_gradient,
    weight_gradient,
};
pub use layer_norm::{layer_norm, layer_norm_backward};
pub use maps::{Geometry, Maps};
pub use norm::{Affine, BatchStatistics, NormGradient, batch_norm, batch_norm_backward};
pub use peak::peak;
pub use pixels::{
    Channels, activate, activate_backward, add, affine, channel_products, channel_scale, channel_sums, copy_channels,
    flatten, multiply, reorder_channels, scale, scale_backward, times, unflatten,
};
pub use pool::{
    Windows, avg_pool, avg_pool_backward, global_avg_pool, global_avg_pool_backward, max_pool, max_pool_backward,
};
pub use simd::{Isa, LANES, isa};
pub use steps::{Adam, Momentum};
pub use threads::{set_threads, threads};
pub use tokens::{embed, first_pixel, merge_squares};
