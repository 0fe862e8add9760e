//! Why nothing more of a data directory is acknowledged.
//!
//! A device that fails a flush may drop what it held back of any file, and tells only the one who asked. So all files of a
//! directory share one latch: who fails sets it, and log and catalog look at it between a flush and the acknowledgement.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Shared by all clones. Once set it stays set until the process ends.
#[derive(Debug, Clone, Default)]
pub struct FailureLatch(Arc<OnceLock<String>>);

impl FailureLatch {
    /// The first reason stays.
    pub(crate) fn set(&self, reason: String) {
        if self.0.set(reason).is_ok() {
            tracing::error!(reason = self.get(), "the log has failed; nothing is stored until restart");
        }
    }

    /// Answers what a flush of `path` has answered. Want of space is no reason: then the file system has dropped nothing.
    pub(crate) fn flushed(&self, path: &Path, flushed: io::Result<()>) -> io::Result<()> {
        if let Err(error) = &flushed
            && !matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            self.set(format!("flush of {}: {error}", path.display()));
        }
        flushed
    }

    pub(crate) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
