//! The number of the last commit, kept a second time outside of SQLite.
//!
//! SQLite takes the first broken frame of its write-ahead log for the end of it and drops the commits behind without a
//! word. This file tells: it is written after each commit and before its answer, so its number is never above the
//! catalog's, unless something was lost.
//!
//! Two slots of 512 bytes, written in turn, so that one is whole at any time:
//! `"ANABLAST" | version u64 | CRC-64/NVME of both u64 | zeros`, little endian.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crc_fast::{CrcAlgorithm, checksum};
use rustix::fs::OFlags;

const MAGIC: &[u8; 8] = b"ANABLAST";
const SLOT_BYTES: usize = 512;
const SLOTS: u64 = 2;

/// The open file.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
}

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Testimony {
    /// There is no file, or nothing in it.
    Missing,
    /// There is one, and neither slot is whole.
    Damaged,
    Version(u64),
}

/// Where the number of a catalog is kept.
pub(super) fn path_of(catalog: &Path) -> PathBuf {
    catalog.with_extension("commit")
}

impl Witness {
    pub(super) fn look(path: &Path) -> io::Result<Testimony> {
        let bytes = match std::fs::read(path) {
            // Made, but not written to.
            Ok(bytes) if bytes.is_empty() => return Ok(Testimony::Missing),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Testimony::Missing),
            Err(error) => return Err(error),
        };
        let versions = bytes.chunks(SLOT_BYTES).filter_map(version_of);
        Ok(versions.max().map_or(Testimony::Damaged, Testimony::Version))
    }

    /// Opens the file for writing; makes it when it is missing. `version`: the number of the last commit.
    pub(super) fn open(path: &Path, version: u64) -> io::Result<Self> {
        let flags = OFlags::DSYNC.bits().cast_signed();
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path)?;
        let witness = Self { file };
        if Self::look(path)? != Testimony::Version(version) {
            // Both slots, so that the file has its length from the beginning and later writes need no space.
            witness.put_at(version, version)?;
            witness.put_at(version + 1, version)?;
            File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(witness)
    }

    /// Notes a commit; on the device when it answers.
    pub(super) fn put(&self, version: u64) -> io::Result<()> {
        self.put_at(version, version)
    }

    fn put_at(&self, slot: u64, version: u64) -> io::Result<()> {
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&version.to_le_bytes());
        let sum = checksum(CrcAlgorithm::Crc64Nvme, &bytes[..16]);
        bytes[16..24].copy_from_slice(&sum.to_le_bytes());
        self.file.write_all_at(&bytes, slot % SLOTS * SLOT_BYTES as u64)
    }
}

fn version_of(slot: &[u8]) -> Option<u64> {
    let number = |at: usize| slot.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    let sum = checksum(CrcAlgorithm::Crc64Nvme, slot.get(..16)?);
    (slot.starts_with(MAGIC) && number(16)? == sum).then(|| number(8)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slot_is_enough() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = path_of(&dir.path().join("catalog.db"));
        assert_eq!(Witness::look(&path).expect("look"), Testimony::Missing);
        let witness = Witness::open(&path, 7).expect("open");
        assert_eq!(std::fs::metadata(&path).expect("exists").len(), SLOTS * SLOT_BYTES as u64);
        for version in 8..12 {
            witness.put(version).expect("put");
            assert_eq!(Witness::look(&path).expect("look"), Testimony::Version(version));
        }
        let whole = std::fs::read(&path).expect("read");
        for (slot, left) in [(0, Testimony::Version(11)), (SLOT_BYTES, Testimony::Version(10))] {
            let mut torn = whole.clone();
            torn[slot + 9] ^= 1;
            std::fs::write(&path, torn).expect("write");
            assert_eq!(Witness::look(&path).expect("look"), left);
        }
        std::fs::write(&path, vec![1; 1024]).expect("write");
        assert_eq!(Witness::look(&path).expect("look"), Testimony::Damaged);
    }
}
