//! Engines that keep everything in memory: for `--dev` and for tests.

mod catalog;
mod log;

pub use catalog::MemoryCatalog;
pub use log::MemoryLog;
