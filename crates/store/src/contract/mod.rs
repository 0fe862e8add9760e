//! One suite per port: what every engine must do. Each check panics with what it found.

pub mod catalog;
pub mod shard_log;
