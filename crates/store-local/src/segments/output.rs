//! How the bytes of a segment reach the place where segments are kept.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use rustix::fs::OFlags;

use super::write::WriteError;
use crate::journal::BLOCK_BYTES;
use crate::journal::aligned::AlignedBuffer;
use crate::journal::files::sync_dir;

/// Objects are uploaded in parts of this size.
const PART_BYTES: usize = 8 << 20;
/// Files are written in pieces of this size: they stay in the processor's cache, and appends do not wait long behind one.
const PIECE_BYTES: usize = 1 << 20;
/// After a piece the disk is left to the appends for as long as the piece took, but not longer than this.
const PAUSE_MAX: Duration = Duration::from_millis(5);

/// Where segments are kept.
pub(crate) struct SegmentPlace {
    pub store: Arc<dyn ObjectStore>,
    /// The directory of the store, when it is one of this machine: then segments are written past the page cache. They are
    /// flushed whatever the durability of the journal, because the manifest refers to them.
    pub local: Option<PathBuf>,
}

impl SegmentPlace {
    /// What an object is called in messages.
    pub(crate) fn display(&self, path: &Path) -> String {
        match &self.local {
            Some(dir) => dir.join(path.as_ref()).display().to_string(),
            None => format!("segment {path}"),
        }
    }
}

/// An object under way.
pub(crate) struct Output {
    sink: Sink,
    buffer: AlignedBuffer,
    sent: u64,
}

enum Sink {
    Upload(Box<dyn MultipartUpload>),
    File(SegmentFile),
}

impl Output {
    pub(crate) async fn begin(place: &SegmentPlace, path: &Path) -> Result<Self, WriteError> {
        let sink = match &place.local {
            None => Sink::Upload(place.store.put_multipart(path).await?),
            Some(dir) => Sink::File(SegmentFile::create(dir, path.as_ref())?),
        };
        Ok(Self { sink, buffer: AlignedBuffer::default(), sent: 0 })
    }

    /// Offset in the object of what is appended next.
    pub(crate) fn position(&self) -> u64 {
        self.sent + self.buffer.len() as u64
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.buffer.grow(bytes.len()).copy_from_slice(bytes);
    }

    /// Appends `len` bytes of undefined content and answers them.
    pub(crate) fn grow(&mut self, len: usize) -> &mut [u8] {
        self.buffer.grow(len)
    }

    pub(crate) async fn send_if_full(&mut self) -> Result<(), WriteError> {
        match &mut self.sink {
            Sink::Upload(upload) if self.buffer.len() >= PART_BYTES => {
                let part = self.buffer.take();
                self.sent += part.len() as u64;
                put_part(upload, part).await
            }
            Sink::File(file) if self.buffer.len() >= PIECE_BYTES => {
                let whole = self.buffer.len() / BLOCK_BYTES * BLOCK_BYTES;
                let started = Instant::now();
                file.write(&self.buffer.bytes()[..whole], self.sent)?;
                std::thread::sleep(started.elapsed().min(PAUSE_MAX));
                self.buffer.remove_first(whole);
                self.sent += whole as u64;
                Ok(())
            }
            Sink::Upload(_) | Sink::File(_) => Ok(()),
        }
    }

    /// Sends the rest; the object is durable and has its name when it answers.
    pub(crate) async fn complete(mut self) -> Result<(), WriteError> {
        let bytes = self.position();
        match self.sink {
            Sink::Upload(mut upload) => {
                put_part(&mut upload, self.buffer.take()).await?;
                upload.complete().await?;
                Ok(())
            }
            Sink::File(mut file) => {
                self.buffer.pad_to_block();
                file.write(self.buffer.bytes(), self.sent)?;
                file.complete(bytes)
            }
        }
    }

    /// Removes what was sent.
    pub(crate) async fn abort(self) {
        match self.sink {
            // A failed abort leaves an object that the next start removes.
            Sink::Upload(mut upload) => drop(upload.abort().await),
            Sink::File(file) => drop(file),
        }
    }
}

async fn put_part(upload: &mut Box<dyn MultipartUpload>, part: Bytes) -> Result<(), WriteError> {
    Ok(upload.put_part(PutPayload::from(part)).await?)
}

/// A file that gets its name when it is complete. Until then it is removed when it is dropped, and by the next start.
struct SegmentFile {
    file: File,
    direct: bool,
    dir: PathBuf,
    temporary: PathBuf,
    path: PathBuf,
}

impl SegmentFile {
    fn create(dir: &std::path::Path, name: &str) -> Result<Self, WriteError> {
        let temporary = dir.join(format!("{name}#1"));
        let opened = open(&temporary, OFlags::DIRECT).map(|file| (file, true)).or_else(|error| {
            if error.kind() == io::ErrorKind::InvalidInput {
                open(&temporary, OFlags::empty()).map(|file| (file, false))
            } else {
                Err(error)
            }
        });
        let (file, direct) = opened.map_err(|error| WriteError::File { path: temporary.clone(), error })?;
        let path = dir.join(name);
        Ok(Self { file, direct, dir: dir.to_owned(), temporary, path })
    }

    /// Writes whole blocks at a multiple of the block size.
    fn write(&mut self, bytes: &[u8], offset: u64) -> Result<(), WriteError> {
        let written = match self.file.write_all_at(bytes, offset) {
            Err(error) if self.direct && error.kind() == io::ErrorKind::InvalidInput => {
                self.write_buffered(bytes, offset)
            }
            written => written,
        };
        written.map_err(|error| self.failed(error))
    }

    /// The file system refuses direct writes: goes on through the page cache.
    fn write_buffered(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.direct = false;
        self.file = OpenOptions::new().write(true).open(&self.temporary)?;
        self.file.write_all_at(bytes, offset)
    }

    /// Cuts the file to its length and gives it its name.
    fn complete(self, bytes: u64) -> Result<(), WriteError> {
        let complete = || {
            self.file.set_len(bytes)?;
            self.file.sync_all()?;
            std::fs::rename(&self.temporary, &self.path)?;
            sync_dir(&self.dir)
        };
        complete().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> WriteError {
        WriteError::File { path: self.path.clone(), error }
    }
}

impl Drop for SegmentFile {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.temporary) {
            Ok(()) => {}
            // It has its name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %self.temporary.display(), %error, "half a segment cannot be removed"),
        }
    }
}

fn open(path: &std::path::Path, flags: OFlags) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.custom_flags(flags.bits().cast_signed()).open(path)
}
