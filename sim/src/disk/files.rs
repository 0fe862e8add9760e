//! The disk as the log sees it.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use store_local::OpenError;
use store_local::seam::{DataFile, Files, Held, Listed};

use super::inode::Inode;
use super::names::{Directory, SharedInode};
use super::{Disk, Op, Verdict, lock, no_space, split};

/// A disk in the hands of one process.
pub struct DiskHandle {
    disk: Arc<Disk>,
    era: u64,
}

impl DiskHandle {
    pub(super) fn new(disk: Arc<Disk>, era: u64) -> Self {
        Self { disk, era }
    }

    fn open_as(&self, path: &Path, is_direct: bool) -> io::Result<Arc<dyn DataFile>> {
        let inode = self.disk.run(self.era, Op::Read, format_args!(""), |state, verdict| match verdict {
            Verdict::Done => state.find(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()),
            _ => Err(io::Error::other("injected")),
        })?;
        Ok(self.file(path, inode, is_direct))
    }

    fn file(&self, path: &Path, inode: SharedInode, is_direct: bool) -> Arc<dyn DataFile> {
        Arc::new(SimFile { disk: Arc::clone(&self.disk), era: self.era, path: path.to_owned(), inode, is_direct })
    }
}

fn name(path: &Path) -> &str {
    split(path).1
}

/// Does what a change of names is about, unless it fails; when the power goes in the middle of it, either way.
fn unless_failed(verdict: &Verdict, change: impl FnOnce()) {
    if !matches!(verdict, Verdict::Failed) {
        change();
    }
}

impl Files for DiskHandle {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.run(self.era, Op::Read, format_args!(""), |state, _| {
            state.directories.entry(dir.to_owned()).or_default();
            Ok(())
        })
    }

    fn lock(&self, _: &Path) -> Result<Box<dyn Held>, OpenError> {
        Ok(Box::new(()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>> {
        self.disk.run(self.era, Op::Read, format_args!(""), |state, _| {
            let listed =
                |(name, inode): (&String, &SharedInode)| Listed { name: name.clone(), bytes: lock(inode).len() as u64 };
            Ok(state.directory(dir)?.files().map(listed).collect())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.run(self.era, Op::Change, format_args!("sync {}", dir.display()), |state, verdict| {
            if matches!(verdict, Verdict::Done) && !state.conditions.lies.sync_dir {
                state.directory(dir)?.flush();
            }
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (dir, old) = split(from);
        let new = name(to);
        self.disk.run(self.era, Op::Change, format_args!("rename {old} to {new}"), |state, verdict| {
            let directory = state.directory(dir)?;
            if directory.get(old).is_none() {
                return Err(io::ErrorKind::NotFound.into());
            }
            unless_failed(verdict, || directory.rename(old, new));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (dir, name) = split(path);
        self.disk.run(self.era, Op::Change, format_args!("remove {name}"), |state, verdict| {
            let directory = state.directory(dir)?;
            if directory.get(name).is_none() {
                return Err(io::ErrorKind::NotFound.into());
            }
            unless_failed(verdict, || directory.unlink(name));
            Ok(())
        })
    }

    fn prepare(&self, path: &Path, bytes: u64) -> io::Result<()> {
        let (dir, name) = split(path);
        self.disk.run(self.era, Op::Change, format_args!("prepare {name}, {bytes} bytes"), |state, verdict| {
            let fits = state.has_room(bytes);
            let flushes = matches!(verdict, Verdict::Done) && !state.conditions.lies.flush;
            let directory = state.directory(dir)?;
            let inode = truncated(directory, name);
            if !fits {
                return Err(no_space());
            }
            let mut inode = lock(&inode);
            inode.set_len(usize::try_from(bytes).map_err(io::Error::other)?);
            if flushes {
                inode.flush();
            }
            Ok(())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        let (dir, name) = split(path);
        let inode = self.disk.run(self.era, Op::Change, format_args!("create {name}"), |state, verdict| {
            if matches!(verdict, Verdict::Failed) {
                return Err(io::Error::other("injected"));
            }
            Ok(truncated(state.directory(dir)?, name))
        })?;
        Ok(self.file(path, inode, false))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        self.open_as(path, true)
    }

    fn open_for_reading(&self, path: &Path) -> io::Result<Arc<dyn DataFile>> {
        self.open_as(path, false)
    }
}

/// An empty file of this name, the one that is there or a new one.
fn truncated(directory: &mut Directory, name: &str) -> SharedInode {
    if let Some(inode) = directory.get(name) {
        lock(inode).set_len(0);
        return Arc::clone(inode);
    }
    let inode: SharedInode = Arc::new(Mutex::new(Inode::default()));
    directory.link(name, Arc::clone(&inode));
    inode
}

struct SimFile {
    disk: Arc<Disk>,
    era: u64,
    path: PathBuf,
    inode: SharedInode,
    /// Writes are on the device when they answer.
    is_direct: bool,
}

fn range(offset: u64, len: usize) -> io::Result<Range<usize>> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    Ok(start..start + len)
}

impl DataFile for SimFile {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let range = range(offset, bytes.len())?;
        let what = format_args!("write {} {}+{}", name(&self.path), offset, bytes.len());
        self.disk.run(self.era, Op::Change, what, |state, verdict| {
            let mut inode = lock(&self.inode);
            let more = range.end.saturating_sub(inode.len());
            drop(inode);
            if more > 0 && !state.has_room(more as u64) {
                return Err(no_space());
            }
            inode = lock(&self.inode);
            inode.write(range.start, bytes);
            match verdict {
                Verdict::Done if self.is_direct && !state.conditions.lies.flush => inode.flush_range(range),
                Verdict::Failed => inode.tear(range, &mut state.random, 50),
                Verdict::Done | Verdict::PowerLoss(_) => {}
            }
            Ok(())
        })
    }

    fn flush(&self) -> io::Result<()> {
        self.disk.run(self.era, Op::Change, format_args!("flush {}", name(&self.path)), |state, verdict| {
            match verdict {
                Verdict::Done if !state.conditions.lies.flush => lock(&self.inode).flush(),
                // What could not be written is forgotten, and the next flush says that all is well.
                Verdict::Failed => lock(&self.inode).drop_pending(),
                Verdict::Done | Verdict::PowerLoss(_) => {}
            }
            Ok(())
        })
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let range = range(offset, bytes.len())?;
        self.disk.run(self.era, Op::Read, format_args!(""), |state, _| {
            let inode = lock(&self.inode);
            let found = inode.read(range).ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes.copy_from_slice(found);
            if let Some(one_in) = state.conditions.lies.wrong_reads
                && !bytes.is_empty()
                && state.random.below(one_in) == 0
            {
                let bit = state.random.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            Ok(())
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.disk.run(self.era, Op::Read, format_args!(""), |_, _| Ok(lock(&self.inode).len() as u64))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let len = usize::try_from(bytes).map_err(io::Error::other)?;
        let what = format_args!("cut {} to {bytes}", name(&self.path));
        self.disk.run(self.era, Op::Change, what, |_, verdict| {
            unless_failed(verdict, || lock(&self.inode).set_len(len));
            Ok(())
        })
    }
}
