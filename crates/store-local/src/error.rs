//! Why the log of a data directory cannot be opened.

use std::io;
use std::path::Path;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum OpenError {
    #[error("data directory {dir} is in use by {}", process_name(*.process))]
    InUse {
        dir: String,
        /// Process id of the one that holds it, when it could be told.
        process: Option<u32>,
    },
    /// Records that had been acknowledged would be lost; nothing was changed.
    #[error("{file} is damaged at offset {offset}: {reason}")]
    Damaged { file: String, offset: u64, reason: String },
    #[error("{file} has format version {found}, this program reads {known}")]
    Version { file: String, found: u32, known: u32 },
    #[error("{file}: {error}")]
    Key { file: String, error: store::root_key::UnwrapError },
    #[error("{path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("segments cannot be read: {0}")]
    Segments(String),
}

impl OpenError {
    /// For `map_err` on input and output of one path.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |error| Self::Io { path: path.display().to_string(), error }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, reason: impl Into<String>) -> Self {
        Self::Damaged { file: path.display().to_string(), offset, reason: reason.into() }
    }
}

fn process_name(process: Option<u32>) -> String {
    process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
}
