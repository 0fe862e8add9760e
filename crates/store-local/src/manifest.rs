//! What the log remembers beside journals and segments: which segments there are, where the unsealed journals begin,
//! and the next position of every log. Replaced as a whole. Layout: docs/format/data-directory.md.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::bytes::{Fields, crc32c};
use crate::error::OpenError;
use crate::files::{Files, NewFile, read_whole};
use crate::journal::aligned::AlignedBuffer;
use crate::sync::lock;

const MAGIC: [u8; 8] = *b"ANABMNFT";
const FORMAT_VERSION: u32 = 2;
/// Did not say which journals there are.
const FORMAT_VERSION_OLD: u32 = 1;
const FILE_NAME: &str = "log.manifest";
const FILE_NAME_NEW: &str = "log.manifest.new";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Journals up to this number are in segments.
    pub sealed_through: u32,
    /// No frame stands in a journal with a higher number: those up to this one must be there.
    pub journals_through: u32,
    /// First frame that is not in a segment.
    pub first_frame: u64,
    /// All frames below this number were acknowledged when the manifest was written.
    pub frames_end: u64,
    /// No record has arrived later, milliseconds.
    pub last_arrival: i64,
    /// Number of the next segment.
    pub next_segment: u64,
    /// Log id and next position of every log, in order of ids.
    pub logs: Vec<(u64, u64)>,
    /// In order of numbers.
    pub segments: Vec<SegmentRef>,
}

/// A segment that belongs to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentRef {
    pub number: u64,
    /// Size of the object.
    pub bytes: u64,
    /// Length of the footer at its end, and its checksum.
    pub footer_bytes: u32,
    pub footer_crc: u32,
}

impl Manifest {
    /// `None` when the directory has none.
    pub(crate) fn load(files: &dyn Files, dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = dir.join(FILE_NAME);
        let bytes = match read_whole(files, &path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OpenError::io(&path)(error)),
        };
        let damaged = || OpenError::damaged(&path, 0, "the manifest does not match its checksum");
        let version = checked_version(&bytes).ok_or_else(damaged)?;
        if ![FORMAT_VERSION_OLD, FORMAT_VERSION].contains(&version) {
            let file = path.display().to_string();
            return Err(OpenError::Version { file, found: version, known: FORMAT_VERSION });
        }
        Self::decode(&bytes[16..], version).map(Some).ok_or_else(damaged)
    }

    /// Replaces the manifest of the directory; durable when it answers.
    pub(crate) fn store(&self, files: &Arc<dyn Files>, dir: &Path) -> io::Result<()> {
        let bytes = self.encode();
        let mut blocks = AlignedBuffer::default();
        blocks.grow(bytes.len()).copy_from_slice(&bytes);
        blocks.pad_to_block();
        let file = NewFile::create(Arc::clone(files), dir.to_owned(), FILE_NAME, FILE_NAME_NEW)?;
        file.write(blocks.bytes(), 0)?;
        file.complete(bytes.len() as u64)
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(72 + self.logs.len() * 16 + self.segments.len() * 24);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.sealed_through.to_le_bytes());
        out.extend_from_slice(&self.journals_through.to_le_bytes());
        for number in [self.first_frame, self.frames_end, self.last_arrival.cast_unsigned(), self.next_segment] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&(self.logs.len() as u64).to_le_bytes());
        for (log, next) in &self.logs {
            out.extend_from_slice(&log.to_le_bytes());
            out.extend_from_slice(&next.to_le_bytes());
        }
        out.extend_from_slice(&(self.segments.len() as u64).to_le_bytes());
        for segment in &self.segments {
            out.extend_from_slice(&segment.number.to_le_bytes());
            out.extend_from_slice(&segment.bytes.to_le_bytes());
            out.extend_from_slice(&segment.footer_bytes.to_le_bytes());
            out.extend_from_slice(&segment.footer_crc.to_le_bytes());
        }
        let crc = crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8], version: u32) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let sealed_through = fields.journal_number()?;
        let mut manifest = Self {
            sealed_through,
            journals_through: match version {
                // There was always a journal behind the sealed ones.
                FORMAT_VERSION_OLD => sealed_through.saturating_add(sealed_through.min(1)),
                _ => fields.journal_number()?,
            },
            first_frame: fields.number()?,
            frames_end: fields.number()?,
            last_arrival: fields.i64()?,
            next_segment: fields.number()?,
            ..Self::default()
        };
        for _ in 0..fields.u64()? {
            manifest.logs.push((fields.u64()?, fields.number()?));
        }
        for _ in 0..fields.u64()? {
            manifest.segments.push(SegmentRef {
                number: fields.number()?,
                bytes: fields.number()?,
                footer_bytes: fields.u32()?,
                footer_crc: fields.u32()?,
            });
        }
        fields.is_empty().then_some(manifest)
    }
}

/// The manifest of an open directory.
pub(crate) struct ManifestFile {
    files: Arc<dyn Files>,
    dir: PathBuf,
    current: Mutex<Manifest>,
}

impl ManifestFile {
    /// `current` is what the directory holds.
    pub(crate) fn new(files: Arc<dyn Files>, dir: &Path, current: Manifest) -> Self {
        Self { files, dir: dir.to_owned(), current: Mutex::new(current) }
    }

    /// A look at the manifest.
    pub(crate) fn get<T>(&self, look: impl FnOnce(&Manifest) -> T) -> T {
        look(&lock(&self.current))
    }

    /// Changes the manifest; durable when it answers. After an error it is as before here, and on the disk either as before or
    /// changed, so that whatever both name must be kept.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Manifest)) -> io::Result<()> {
        let mut current = lock(&self.current);
        let mut changed = current.clone();
        change(&mut changed);
        changed.store(&self.files, &self.dir)?;
        *current = changed;
        Ok(())
    }

    /// A journal of this number is there, and frames will stand in it.
    pub(crate) fn promise_journal(&self, number: u32) -> io::Result<()> {
        if self.get(|manifest| manifest.journals_through >= number) {
            return Ok(());
        }
        self.change(|manifest| manifest.journals_through = number)
    }
}

/// The format version of bytes that match their checksum.
fn checked_version(bytes: &[u8]) -> Option<u32> {
    let mut fields = Fields::new(bytes);
    let intact = fields.take(MAGIC.len())? == MAGIC && fields.u32()? == crc32c(bytes.get(12..)?);
    if intact { fields.u32() } else { None }
}

#[cfg(test)]
mod tests {
    use store::shard_log::Durability;

    use super::*;
    use crate::failure_latch::FailureLatch;
    use crate::files::OsFiles;

    fn files() -> Arc<dyn Files> {
        Arc::new(OsFiles::new(Durability::Sync, FailureLatch::default()))
    }

    #[test]
    fn the_first_version_is_read() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let manifest = Manifest { sealed_through: 3, journals_through: 4, first_frame: 5, ..Manifest::default() };
        let mut bytes = manifest.encode();
        bytes.drain(20..24);
        bytes[12..16].copy_from_slice(&FORMAT_VERSION_OLD.to_le_bytes());
        let crc = crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        std::fs::write(dir.path().join(FILE_NAME), bytes).expect("write");
        assert_eq!(Manifest::load(&*files(), dir.path()).expect("load"), Some(manifest));
    }

    #[test]
    fn round_trip_and_damage() {
        let dir = tempfile::tempdir().expect("temporary directory");
        assert_eq!(Manifest::load(&*files(), dir.path()).expect("none yet"), None);
        let manifest = Manifest {
            sealed_through: 3,
            journals_through: 6,
            first_frame: 5,
            frames_end: 9,
            last_arrival: -1,
            next_segment: 4,
            logs: vec![(1, 2), (3, i64::MAX as u64)],
            segments: vec![SegmentRef { number: 1, bytes: 2, footer_bytes: 3, footer_crc: 4 }],
        };
        manifest.store(&files(), dir.path()).expect("store");
        assert_eq!(Manifest::load(&*files(), dir.path()).expect("load"), Some(manifest));
        let path = dir.path().join(FILE_NAME);
        let good = std::fs::read(&path).expect("read");
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 0x10;
            std::fs::write(&path, bad).expect("write");
            assert!(Manifest::load(&*files(), dir.path()).is_err(), "byte {i}");
        }
        std::fs::write(&path, &good[..good.len() - 1]).expect("write");
        assert!(Manifest::load(&*files(), dir.path()).is_err());
    }
}
