//! How the bytes of a segment reach the place where segments are kept.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::place::{SegmentDirectory, SegmentPlace};
use super::write::WriteError;
use crate::files::NewFile;
use crate::journal::BLOCK_BYTES;
use crate::journal::aligned::AlignedBuffer;

/// Objects are uploaded in parts of this size.
const PART_BYTES: usize = 8 << 20;
/// Files are written in pieces of this size: they stay in the processor's cache, and appends do not wait long behind one.
const PIECE_BYTES: usize = 1 << 20;

/// A segment under way. In a directory it is flushed whatever the durability of the journal, because the manifest refers to it.
pub(crate) struct Output {
    sink: Sink,
    buffer: AlignedBuffer,
    sent: u64,
}

enum Sink {
    Upload(Box<dyn MultipartUpload>),
    File(NewFile),
}

impl Output {
    pub(crate) async fn begin(place: &SegmentPlace, name: &str) -> Result<Self, WriteError> {
        let sink = match place {
            SegmentPlace::Store(store) => Sink::Upload(store.put_multipart(&Path::from(name)).await?),
            SegmentPlace::Directory(directory) => {
                let (files, temporary) = (Arc::clone(&directory.files), SegmentDirectory::temporary_name(name));
                let created = NewFile::create(files, directory.dir.clone(), name, &temporary);
                Sink::File(created.map_err(|error| WriteError::File { path: directory.dir.join(name), error })?)
            }
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
                let written = file.write_in_background(&self.buffer.bytes()[..whole], self.sent);
                written.map_err(|error| failed(file, error))?;
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
            Sink::File(file) => {
                self.buffer.pad_to_block();
                file.write(self.buffer.bytes(), self.sent).map_err(|error| failed(&file, error))?;
                let path = file.path().to_owned();
                file.complete(bytes).map_err(|error| WriteError::File { path, error })
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

fn failed(file: &NewFile, error: std::io::Error) -> WriteError {
    WriteError::File { path: file.path().to_owned(), error }
}
