//! What the machine gives to a program that does nothing else: a bare durable write, a bare log, a bare HTTP server.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};

use crate::load::percentile;

mod http;
mod log;
mod work;

pub(crate) use http::{BareServer, HTTP_SERVER, Work, http, serve};
pub(crate) use log::{Log, frame};

/// Direct writes begin at, and are as long as, multiples of this.
const BLOCK_BYTES: usize = 4096;
const WRITES: u64 = 2048;
const READ_BYTES: usize = 1 << 20;

/// Ascending latencies of writes of `bytes` bytes that are on the disk when they return, into a file that was
/// written before.
pub(crate) fn durable_writes(folder: &Path, bytes: usize) -> Result<Vec<Duration>, String> {
    let path = folder.join("floor");
    let file = written_file(&path, WRITES * bytes as u64)?;
    let mut block = AlignedBuffer::default();
    block.grow(bytes).fill(7);
    let mut latencies = Vec::new();
    for i in 0..WRITES {
        let started = Instant::now();
        rustix::io::pwrite(&file, block.bytes(), i * bytes as u64)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        latencies.push(started.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    latencies.sort_unstable();
    Ok(latencies)
}

/// Median of [`durable_writes`] of 4 KiB.
pub(crate) fn durable_write_p50(folder: &Path) -> Result<Duration, String> {
    Ok(percentile(&durable_writes(folder, BLOCK_BYTES)?, 50.0))
}

/// Time to read the first `bytes` of these files once, past the page cache where the file system allows it.
pub(crate) fn sequential_read(paths: &[PathBuf], bytes: u64) -> Result<Duration, String> {
    let mut memory = AlignedBuffer::default();
    let memory = memory.grow(READ_BYTES);
    let (started, mut read) = (Instant::now(), 0);
    for path in paths {
        let fail = |error: rustix::io::Errno| format!("{}: {error}", path.display());
        let file = open(path, OFlags::RDONLY).map_err(fail)?;
        let mut at = 0;
        while read + at < bytes {
            match rustix::io::pread(&file, &mut *memory, at).map_err(fail)? {
                0 => break,
                count => at += count as u64,
            }
        }
        read += at;
    }
    Ok(started.elapsed())
}

/// A file of zeros on the disk, open for writes that are on the disk when they return.
fn written_file(path: &Path, bytes: u64) -> Result<OwnedFd, String> {
    const PIECE_BYTES: u64 = 1 << 20;
    let fail = |error: rustix::io::Errno| format!("{}: {error}", path.display());
    std::fs::write(path, b"").map_err(|error| format!("{}: {error}", path.display()))?;
    let file = open(path, OFlags::WRONLY).map_err(fail)?;
    let mut zeros = AlignedBuffer::default();
    zeros.grow(PIECE_BYTES as usize);
    for at in (0..bytes).step_by(PIECE_BYTES as usize) {
        let piece = PIECE_BYTES.min(bytes - at) as usize;
        rustix::io::pwrite(&file, &zeros.bytes()[..piece], at).map_err(fail)?;
    }
    rustix::fs::fsync(&file).map_err(fail)?;
    drop(file);
    open(path, OFlags::WRONLY | OFlags::DSYNC).map_err(fail)
}

/// Not every file system has direct I/O; what is durable is so without.
fn open(path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, flags | OFlags::DIRECT, Mode::empty())
        .or_else(|_| rustix::fs::open(path, flags, Mode::empty()))
}

/// A reusable buffer that begins at a multiple of the block size, as direct I/O demands.
#[derive(Debug, Default)]
struct AlignedBuffer {
    /// Longer than needed by one block, so that an aligned part lies inside.
    storage: Vec<u8>,
    start: usize,
    len: usize,
}

impl AlignedBuffer {
    fn clear(&mut self) {
        self.len = 0;
    }

    fn bytes(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.len]
    }

    /// Appends `len` bytes of undefined content and answers them.
    fn grow(&mut self, len: usize) -> &mut [u8] {
        let end = self.len + len;
        if self.start + end > self.storage.len() {
            let mut storage = vec![0; end.next_power_of_two() + BLOCK_BYTES];
            let start = storage.as_ptr().align_offset(BLOCK_BYTES);
            storage[start..start + self.len].copy_from_slice(self.bytes());
            (self.storage, self.start) = (storage, start);
        }
        let added = self.start + self.len..self.start + end;
        self.len = end;
        &mut self.storage[added]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_survives_growth_and_stays_aligned() {
        let mut buffer = AlignedBuffer::default();
        for i in 0..1000u32 {
            buffer.grow(777).fill(i.to_le_bytes()[0]);
            assert_eq!(buffer.bytes().as_ptr().align_offset(BLOCK_BYTES), 0);
        }
        assert!((0..1000u32).all(|i| buffer.bytes()[i as usize * 777 + 776] == i.to_le_bytes()[0]));
        buffer.clear();
        assert_eq!(buffer.bytes(), b"");
    }
}
