//! Engines of one machine: the log in journal and segment files, the catalog in SQLite.

pub mod catalog;

pub use catalog::{CatalogOpenError, SqliteCatalog};
