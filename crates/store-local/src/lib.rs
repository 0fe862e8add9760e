//! Engines of one machine: the log in journal and segment files, the catalog in SQLite.
//!
//! Every persisted byte is described in docs/format/.

mod batch;
mod bytes;
pub mod catalog;
mod cipher;
mod error;
mod failure_latch;
mod files;
mod journal;
mod log;
mod manifest;
mod schedule;
pub mod seam;
mod segments;
mod settings;
mod sync;

pub use catalog::{CatalogOpenError, SqliteCatalog};
pub use error::OpenError;
pub use failure_latch::FailureLatch;
pub use journal::prepare::Full;
pub use log::LocalLog;
pub use settings::LocalLogSettings;
