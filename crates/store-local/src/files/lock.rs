//! One process per data directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::OpenError;

/// Held while the log is open. The kernel lets go of it when the process ends, however it ends. The file says by whom; the
/// directory is locked besides, because a file can be removed by somebody who thinks it is left over.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _directory: File,
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
        let directory = File::open(dir).map_err(OpenError::io(dir))?;
        // Some network file systems lock files only.
        let is_free = is_free(&directory).unwrap_or(true) && is_free(&file).map_err(OpenError::io(&path))?;
        if !is_free {
            let mut holder = String::new();
            // The number is a courtesy to the operator; the refusal stands without it.
            let _ = (&file).take(32).read_to_string(&mut holder);
            return Err(OpenError::InUse { dir: dir.display().to_string(), process: holder.trim().parse().ok() });
        }
        let mut name = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        // On a full disk the lock holds all the same.
        if let Err(error) = name() {
            tracing::warn!(%error, "the lock file cannot name this process");
        }
        Ok(Self { _directory: directory, _file: file })
    }
}

/// Locks it, unless another process has.
fn is_free(file: &File) -> std::io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
