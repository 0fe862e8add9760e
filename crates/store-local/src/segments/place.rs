//! Where segments are kept: in a directory of this machine, or in a store that was handed in.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use crate::files::{DataFile, Files};
use crate::schedule::{self, Schedule};

#[derive(Clone)]
pub(crate) enum SegmentPlace {
    Directory(SegmentDirectory),
    Store(Arc<dyn ObjectStore>),
}

/// A directory of segments.
#[derive(Clone)]
pub(crate) struct SegmentDirectory {
    pub dir: PathBuf,
    pub files: Arc<dyn Files>,
    pub schedule: Arc<dyn Schedule>,
}

/// Of uploads to a local store of earlier versions, and of files that are being written: the name of the segment goes
/// before it.
const HALF_WRITTEN_MARK: &str = ".segment#";

impl SegmentPlace {
    /// What a segment is called in messages.
    pub(crate) fn display(&self, name: &str) -> String {
        match self {
            Self::Directory(directory) => directory.dir.join(name).display().to_string(),
            Self::Store(_) => format!("segment {name}"),
        }
    }

    /// Reads a part of a segment, all of it.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is no such segment; others may pass.
    pub(crate) async fn read(&self, name: &str, range: Range<u64>) -> io::Result<Bytes> {
        let bytes = match self {
            Self::Directory(directory) => directory.read(name, range.clone()).await?,
            Self::Store(store) => store.get_range(&Path::from(name), range.clone()).await.map_err(explain)?,
        };
        let len = range.end - range.start;
        if bytes.len() as u64 == len {
            Ok(bytes)
        } else {
            Err(io::Error::other(format!("{} bytes in place of {len}", bytes.len())))
        }
    }

    /// The same, and the length of the whole segment.
    pub(crate) async fn read_with_size(&self, name: &str, range: Range<u64>) -> io::Result<(Bytes, u64)> {
        match self {
            Self::Directory(directory) => directory.read_with_size(name, range),
            Self::Store(store) => {
                let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
                let answer = store.get_opts(&Path::from(name), options).await.map_err(explain)?;
                let size = answer.meta.size;
                Ok((answer.bytes().await.map_err(explain)?, size))
            }
        }
    }

    /// Length of a segment. A directory is asked on the calling thread: this is for when something is wrong.
    pub(crate) async fn size(&self, name: &str) -> io::Result<u64> {
        match self {
            Self::Directory(directory) => directory.files.open_for_reading(&directory.dir.join(name))?.size(),
            Self::Store(store) => Ok(store.head(&Path::from(name)).await.map_err(explain)?.size),
        }
    }

    /// The names of all objects, in no order.
    pub(crate) async fn list(&self) -> io::Result<Vec<String>> {
        match self {
            Self::Directory(directory) => {
                let listed = directory.files.list(&directory.dir)?;
                Ok(listed.into_iter().map(|file| file.name).collect())
            }
            Self::Store(store) => {
                let objects: Vec<_> = store.list(None).try_collect().await.map_err(explain)?;
                Ok(objects.into_iter().map(|object| object.location.to_string()).collect())
            }
        }
    }

    pub(crate) async fn delete(&self, name: &str) -> io::Result<()> {
        match self {
            Self::Directory(directory) => directory.files.remove(&directory.dir.join(name)),
            Self::Store(store) => store.delete(&Path::from(name)).await.map_err(explain),
        }
    }
}

impl SegmentDirectory {
    /// Makes the directory if need be, and removes what a crash has left half written.
    pub(crate) fn open(&self) -> io::Result<()> {
        self.files.make_dir(&self.dir)?;
        for file in self.files.list(&self.dir)? {
            if file.name.contains(HALF_WRITTEN_MARK) {
                self.files.remove(&self.dir.join(file.name))?;
            }
        }
        Ok(())
    }

    /// The name of a segment that is being written.
    pub(crate) fn temporary_name(name: &str) -> String {
        format!("{name}#1")
    }

    async fn read(&self, name: &str, range: Range<u64>) -> io::Result<Bytes> {
        let (files, path) = (Arc::clone(&self.files), self.dir.join(name));
        let read = move || read_range(&*files.open_for_reading(&path)?, range);
        schedule::run(&*self.schedule, read)
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the reading thread has panicked")))
    }

    /// On the calling thread, which may block.
    fn read_with_size(&self, name: &str, range: Range<u64>) -> io::Result<(Bytes, u64)> {
        let file = self.files.open_for_reading(&self.dir.join(name))?;
        Ok((read_range(&*file, range)?, file.size()?))
    }
}

fn read_range(file: &dyn DataFile, range: Range<u64>) -> io::Result<Bytes> {
    let len = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    file.read(&mut bytes, range.start)?;
    Ok(bytes.into())
}

fn explain(error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => io::Error::new(io::ErrorKind::NotFound, error),
        error => io::Error::other(error),
    }
}
