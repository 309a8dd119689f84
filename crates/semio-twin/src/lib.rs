//! What losing myelin does to nerves: neurons, networks of them and myelinated axons.
//!
//! Pure functions from a scenario to a report; no file, no clock, no network. Everything is illustrative: it shows how
//! such nerves behave, not how a patient fares. The equations, their sources and what they leave out are in
//! `docs/twin.md`.
//!
//! Times are in ms, temperatures in °C, diameters and lengths in µm, velocities in m/s.

pub mod axon;
pub mod course;
mod error;
pub mod network;
pub mod neuron;
pub mod picture;
mod random;
pub mod table;

pub use error::TwinError;
