//! Composition root: settings, the choice of engines, the order of start and stop.
//!
//! The only crate that names every room. It decides nothing about streams or HTTP; it hands the rooms to each
//! other.

pub mod settings;

pub mod keys;

mod preflight;
mod start;

mod engines;

mod dev;
mod directory;
mod files;
mod kept;
mod metrics;
mod own_metrics;
mod process;
mod root_key;
mod tls;
mod webhook;

pub use auth::{KeySummary, KeysError, NewKey};
pub use preflight::preflight;
pub use start::{Addresses, Node, StartError, Trust, runtime};
