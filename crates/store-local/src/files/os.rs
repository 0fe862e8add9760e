//! The files of the operating system.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use store::shard_log::Durability;

use super::lock::DirectoryLock;
use super::{DataFile, Files, Held, Listed};
use crate::error::OpenError;
use crate::failure_latch::FailureLatch;
use crate::journal::aligned::AlignedBuffer;

/// Zeros are written in pieces of this size.
const PREPARE_BYTES: usize = 1 << 20;
/// After a piece that nobody waits for, the disk is left to others for as long as the piece took, but not longer than this.
const PAUSE_MAX: Duration = Duration::from_millis(5);

/// Files of the operating system: direct where the file system allows it, buffered where it does not.
#[derive(Debug)]
pub(crate) struct OsFiles {
    durability: Durability,
    direct: AtomicBool,
    failure: FailureLatch,
}

impl OsFiles {
    /// `failure` is set when a flush fails.
    pub(crate) fn new(durability: Durability, failure: FailureLatch) -> Self {
        Self { durability, direct: AtomicBool::new(durability == Durability::Sync), failure }
    }

    fn direct(&self) -> bool {
        self.direct.load(Ordering::Relaxed)
    }

    fn fill_with_zeros(&self, path: &Path, bytes: u64, flags: OFlags) -> io::Result<()> {
        let file = create(path, flags)?;
        let mut zeros = AlignedBuffer::default();
        zeros.grow(PREPARE_BYTES).fill(0);
        let mut offset = 0;
        while offset < bytes {
            let piece = usize::try_from(bytes - offset).unwrap_or(usize::MAX).min(PREPARE_BYTES);
            file.write_all_at(&zeros.bytes()[..piece], offset)?;
            offset += piece as u64;
        }
        if self.durability == Durability::Sync { self.failure.flushed(path, file.sync_all()) } else { Ok(()) }
    }

    fn open_writer(&self, path: &Path) -> io::Result<OsFile> {
        let direct = self.direct();
        let flags = if direct { OFlags::DIRECT | OFlags::DSYNC } else { OFlags::empty() };
        let writer = OpenOptions::new().write(true).custom_flags(flag_bits(flags)).open(path)?;
        let flush_each = self.durability == Durability::Sync && !direct;
        Ok(OsFile { writer, reader: File::open(path)?, direct_reader: None, flush_each })
    }
}

fn flag_bits(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

fn create(path: &Path, flags: OFlags) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).custom_flags(flag_bits(flags)).open(path)
}

impl Files for OsFiles {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        match dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.sync_dir(parent),
            _ => Ok(()),
        }
    }

    fn lock(&self, dir: &Path) -> Result<Box<dyn Held>, OpenError> {
        Ok(Box::new(DirectoryLock::acquire(dir)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            // Names that are not UTF-8 are none of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            match entry.metadata() {
                Ok(metadata) => listed.push(Listed { name, bytes: metadata.len() }),
                // Removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(listed)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.failure.flushed(dir, File::open(dir)?.sync_all())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn prepare(&self, path: &Path, bytes: u64) -> io::Result<()> {
        if self.direct() {
            match self.fill_with_zeros(path, bytes, OFlags::DIRECT) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    tracing::info!(path = %path.display(), "file system refuses direct writes; writing through the page cache");
                    self.direct.store(false, Ordering::Relaxed);
                }
                done => return done,
            }
        }
        self.fill_with_zeros(path, bytes, OFlags::empty())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        let direct = match create(path, OFlags::DIRECT) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => create(path, OFlags::empty())?,
            created => created?,
        };
        let (path, failure) = (path.to_owned(), self.failure.clone());
        Ok(Arc::new(NewOsFile { path, direct, buffered: OnceLock::new(), failure }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        self.open_writer(path).map(|file| Arc::new(file) as Arc<dyn DataFile>)
    }

    fn open_for_reading(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        let direct = OpenOptions::new().read(true).custom_flags(flag_bits(OFlags::DIRECT)).open(path);
        let direct_reader = match direct {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => None,
            Err(error) => return Err(error),
        };
        let file = OsFile { writer: File::open(path)?, reader: File::open(path)?, direct_reader, flush_each: false };
        Ok(Arc::new(file))
    }
}

#[derive(Debug)]
struct OsFile {
    writer: File,
    reader: File,
    direct_reader: Option<File>,
    flush_each: bool,
}

impl DataFile for OsFile {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.writer.write_all_at(bytes, offset)?;
        if self.flush_each { self.writer.sync_data() } else { Ok(()) }
    }

    fn flush(&self) -> io::Result<()> {
        self.writer.sync_data()
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.reader.read_exact_at(bytes, offset)
    }

    fn read_through(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let Some(direct) = &self.direct_reader else { return self.read(bytes, offset) };
        match direct.read_exact_at(bytes, offset) {
            // Refused by the file system.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.read(bytes, offset),
            done => done,
        }
    }
    fn size(&self) -> io::Result<u64> {
        Ok(self.reader.metadata()?.len())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.writer.set_len(bytes)
    }
}

/// A file that is written once, from front to back.
#[derive(Debug)]
struct NewOsFile {
    path: PathBuf,
    /// Writes past the page cache, if the file system allows it.
    direct: File,
    /// Set when the file system has refused a direct write.
    buffered: OnceLock<File>,
    failure: FailureLatch,
}

impl NewOsFile {
    /// The file system refuses direct writes: goes on through the page cache.
    fn buffered(&self) -> io::Result<&File> {
        if self.buffered.get().is_none() {
            // Writers of one file do not race; if they did, either handle would do.
            let _ = self.buffered.set(OpenOptions::new().write(true).open(&self.path)?);
        }
        Ok(self.buffered.get().expect("it has just been set"))
    }
}

impl DataFile for NewOsFile {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Some(buffered) = self.buffered.get() {
            return buffered.write_all_at(bytes, offset);
        }
        match self.direct.write_all_at(bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.buffered()?.write_all_at(bytes, offset),
            written => written,
        }
    }

    fn write_in_background(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let started = Instant::now();
        self.write(bytes, offset)?;
        std::thread::sleep(started.elapsed().min(PAUSE_MAX));
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.failure.flushed(&self.path, self.direct.sync_all())
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        File::open(&self.path)?.read_exact_at(bytes, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.direct.metadata()?.len())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.direct.set_len(bytes)
    }
}
