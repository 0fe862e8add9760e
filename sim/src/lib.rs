//! Deterministic simulation: a whole node and its clients live on one thread, on a simulated disk, clock and network.
//! The same seed gives the same life. What is simulated and what is not: docs/adr/0006-simulation.md.

#[cfg(not(tokio_unstable))]
compile_error!("the runtime must be built with `--cfg tokio_unstable`: use `cargo xtask sim`, or run cargo in sim/");

pub mod life;
pub mod plan;

pub mod operator;
pub mod server;
pub mod trouble;
pub mod workload;

pub mod check;
pub mod ledger;

pub mod catalog;
pub mod clock;
pub mod disk;
pub mod log;
pub mod net;
pub mod random;
pub mod schedule;

pub mod panics;
pub mod trace;
pub mod world;
