//! Files that are there whole or not at all.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{DataFile, Files};

/// A file that gets its name when it is complete. Until then it has another, and is removed when this is dropped.
pub(crate) struct NewFile {
    files: Arc<dyn Files>,
    file: Arc<dyn DataFile>,
    dir: PathBuf,
    temporary: PathBuf,
    path: PathBuf,
}

impl NewFile {
    pub(crate) fn create(files: Arc<dyn Files>, dir: PathBuf, name: &str, temporary: &str) -> io::Result<Self> {
        let (path, temporary) = (dir.join(name), dir.join(temporary));
        Ok(Self { file: files.create(&temporary)?, files, dir, temporary, path })
    }

    /// The name that it will have.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Writes whole blocks from an aligned buffer, at a multiple of the block size.
    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write(bytes, offset)
    }

    /// The same, and leaves the disk to others for a while.
    pub(crate) fn write_in_background(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_in_background(bytes, offset)
    }

    /// Cuts the file to its length and gives it its name; durable when it answers.
    pub(crate) fn complete(self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)?;
        self.file.flush()?;
        self.files.rename(&self.temporary, &self.path)?;
        self.files.sync_dir(&self.dir)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        match self.files.remove(&self.temporary) {
            Ok(()) => {}
            // It has its name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %self.temporary.display(), %error, "half a file cannot be removed"),
        }
    }
}
