//! Composition root: settings, the choice of engines, the order of start and stop.
//!
//! The only crate that names every room. It decides nothing about streams or HTTP; it hands the rooms to each
//! other.

pub mod settings;

mod start;

pub use auth::{KeySummary, NewKey};
pub use start::{Addresses, Node, StartError, Trust, runtime};
