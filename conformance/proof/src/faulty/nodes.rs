//! Numbers of files, and where the files are.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, INodeNo};

/// The files of a folder that the kernel knows.
pub(super) struct Nodes {
    folder: PathBuf,
    /// Path in the folder; `None` when it has been removed.
    paths: HashMap<u64, Option<PathBuf>>,
    numbers: HashMap<PathBuf, u64>,
    next_number: u64,
    open: HashMap<u64, Opened>,
    next_handle: u64,
}

#[derive(Clone)]
pub(super) struct Opened {
    pub number: u64,
    pub file: Arc<File>,
}

impl Nodes {
    pub(super) fn new(folder: &Path) -> Self {
        let root = INodeNo::ROOT.0;
        Self {
            folder: folder.to_owned(),
            paths: HashMap::from([(root, Some(PathBuf::new()))]),
            numbers: HashMap::from([(PathBuf::new(), root)]),
            next_number: root + 1,
            open: HashMap::new(),
            next_handle: 1,
        }
    }

    /// Path in the folder.
    pub(super) fn path(&self, number: u64) -> Result<PathBuf, Errno> {
        self.paths.get(&number).and_then(Clone::clone).ok_or(Errno::ENOENT)
    }

    /// Path on the disk below.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The number of a file that exists.
    pub(super) fn number(&mut self, path: &Path) -> u64 {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.numbers.insert(path.to_owned(), number);
        self.paths.insert(number, Some(path.to_owned()));
        number
    }

    /// The file is gone; whoever has it open keeps it.
    pub(super) fn remove(&mut self, path: &Path) {
        if let Some(number) = self.numbers.remove(path) {
            self.paths.insert(number, None);
        }
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        self.remove(to);
        if let Some(number) = self.numbers.remove(from) {
            self.numbers.insert(to.to_owned(), number);
            self.paths.insert(number, Some(to.to_owned()));
        }
    }

    pub(super) fn keep_open(&mut self, number: u64, file: File) -> u64 {
        let handle = self.next_handle;
        self.next_handle += 1;
        self.open.insert(handle, Opened { number, file: Arc::new(file) });
        handle
    }

    pub(super) fn opened(&self, handle: u64) -> Result<Opened, Errno> {
        self.open.get(&handle).cloned().ok_or(Errno::EBADF)
    }

    pub(super) fn close(&mut self, handle: u64) {
        self.open.remove(&handle);
    }

    pub(super) fn attributes(&self, number: u64) -> Result<FileAttr, Errno> {
        let metadata = match self.path(number) {
            Ok(path) => fs::symlink_metadata(self.place(&path))?,
            Err(gone) => {
                let opened = self.open.values().find(|opened| opened.number == number).ok_or(gone)?;
                opened.file.metadata()?
            }
        };
        Ok(attributes(number, &metadata))
    }

    pub(super) fn set_length(&self, number: u64, handle: Option<u64>, bytes: u64) -> Result<(), Errno> {
        let set = |file: &File| -> io::Result<()> { file.set_len(bytes) };
        match handle {
            Some(handle) => set(&self.opened(handle)?.file)?,
            None => set(&File::options().write(true).open(self.place(&self.path(number)?))?)?,
        }
        Ok(())
    }

    pub(super) fn set_mode(&self, number: u64, mode: u32) -> Result<(), Errno> {
        fs::set_permissions(self.place(&self.path(number)?), fs::Permissions::from_mode(mode & 0o7777))?;
        Ok(())
    }
}

fn attributes(number: u64, metadata: &Metadata) -> FileAttr {
    let time = |seconds: i64, nanoseconds: i64| -> SystemTime {
        let seconds = Duration::from_secs(seconds.unsigned_abs());
        UNIX_EPOCH + seconds + Duration::from_nanos(nanoseconds.unsigned_abs())
    };
    FileAttr {
        ino: INodeNo(number),
        size: metadata.len(),
        blocks: metadata.blocks(),
        atime: time(metadata.atime(), metadata.atime_nsec()),
        mtime: time(metadata.mtime(), metadata.mtime_nsec()),
        ctime: time(metadata.ctime(), metadata.ctime_nsec()),
        crtime: UNIX_EPOCH,
        kind: if metadata.is_dir() { FileType::Directory } else { FileType::RegularFile },
        perm: u16::try_from(metadata.mode() & 0o7777).expect("twelve bits"),
        nlink: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
        uid: metadata.uid(),
        gid: metadata.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}
