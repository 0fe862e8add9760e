//! How journal files reach the disk. A seam: tests put a failing disk here.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::OFlags;
use store::shard_log::Durability;

use super::aligned::AlignedBuffer;

/// Zeros are written in pieces of this size.
const PREPARE_BYTES: usize = 1 << 20;

pub(crate) trait Files: Send + Sync {
    /// Makes a file of zeros whose place on the disk is taken already.
    fn prepare(&self, path: &Path, bytes: u64) -> io::Result<()>;

    /// Opens for writing and reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DataFile>>;

    /// Opens for reading only.
    fn open_for_reading(&self, path: &Path) -> io::Result<Arc<dyn DataFile>>;
}

pub(crate) trait DataFile: Send + Sync {
    /// Writes whole blocks from an aligned buffer; on the device when it answers, if durability asks for that.
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Puts on the device what has been written.
    fn flush(&self) -> io::Result<()>;

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// The same for much that is read once: whole blocks into an aligned buffer go past the page cache, if the file system
    /// allows it.
    fn read_through(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.read(bytes, offset)
    }
}

/// Files of the operating system: direct where the file system allows it, buffered where it does not.
#[derive(Debug)]
pub(crate) struct OsFiles {
    durability: Durability,
    direct: AtomicBool,
}

impl OsFiles {
    pub(crate) fn new(durability: Durability) -> Self {
        Self { durability, direct: AtomicBool::new(durability == Durability::Sync) }
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
        if self.durability == Durability::Sync { file.sync_all() } else { Ok(()) }
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
}

/// Makes creations, renames and removals in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
