//! What is persisted.

pub mod access_key;
