//! One process per data directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::OpenError;

/// Held while the log is open. The kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    pub(crate) fn acquire(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(OpenError::io(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // The number is a courtesy to the operator; the refusal stands without it.
                let _ = (&file).take(32).read_to_string(&mut holder);
                return Err(OpenError::InUse { dir: dir.display().to_string(), process: holder.trim().parse().ok() });
            }
            Err(error) => return Err(OpenError::io(&path)(error.into())),
        }
        let name = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        // On a full disk the lock holds all the same.
        let mut name = name;
        if let Err(error) = name() {
            tracing::warn!(%error, "the lock file cannot name this process");
        }
        Ok(Self { _file: file })
    }
}
