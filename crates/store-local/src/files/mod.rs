//! Port: everything that the log does on disk. Tests put a failing disk here, simulations one of their own.

mod lock;
mod named;
mod os;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::OpenError;

pub(crate) use named::NewFile;
pub(crate) use os::OsFiles;

/// A file in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// Keeps other processes out of a directory until it is dropped.
pub trait Held: Send + Sync {}

impl<T: Send + Sync> Held for T {}

/// The file system. Names that are made, changed or removed are durable after [`Files::sync_dir`], contents after
/// [`DataFile::flush`], unless said otherwise.
pub trait Files: Send + Sync {
    /// Makes a directory, and those above it, if it is missing; durable when it answers.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;

    /// # Errors
    /// When another process holds the directory, or that cannot be told.
    fn lock(&self, dir: &Path) -> Result<Box<dyn Held>, OpenError>;

    /// The files in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>>;

    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the place of what had the new name, within one directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a file of zeros whose place on the disk is taken already. Durable when it answers, if durability asks for that.
    fn prepare(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Makes an empty file to be written from front to back, for its owner only. Its writes are durable when it has been
    /// flushed, whatever durability asks for.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DataFile>>;

    /// Opens for writing and reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DataFile>>;

    /// Opens for reading only.
    fn open_for_reading(&self, path: &Path) -> io::Result<Arc<dyn DataFile>>;
}

/// An open file.
pub trait DataFile: Send + Sync {
    /// Writes whole blocks from an aligned buffer. In a file of [`Files::open`] they are on the device when it answers, if
    /// durability asks for that.
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// The same for much that nobody waits for: leaves the disk to others for a while afterwards.
    fn write_in_background(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write(bytes, offset)
    }

    /// Puts on the device what has been written.
    fn flush(&self) -> io::Result<()>;

    /// Fills `bytes`.
    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// The same for much that is read once: whole blocks into an aligned buffer go past the page cache, if the file system
    /// allows it.
    fn read_through(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.read(bytes, offset)
    }

    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
}

/// All bytes of a file.
pub(crate) fn read_whole(files: &dyn Files, path: &Path) -> io::Result<Vec<u8>> {
    let file = files.open_for_reading(path)?;
    let len = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    file.read(&mut bytes, 0)?;
    Ok(bytes)
}
