//! Ports to durable storage: the log of every shard, and the catalog of everything small.
//!
//! Engines live in crates of their own; this crate holds the contracts, the engines in memory, and one
//! suite of contract tests per port that every engine must pass (feature `contract`).

pub mod catalog;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod memory;
pub mod read_run;
pub mod record_batch;
pub mod root_key;
pub mod shard_log;
