//! The calls of the file system, one by one.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use fuser::{
    AccessFlags, BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::OFlags;

use super::faults::{Call, Faults, Told};
use super::lock;
use super::nodes::Nodes;

/// The kernel asks each time.
const TTL: Duration = Duration::ZERO;
/// As much as the server writes at once, so that a call of the server is a call here.
const REQUEST_BYTES_MAX: u32 = 1 << 20;
/// Parts of a short write are whole sectors, if there are any.
const SECTOR_BYTES: usize = 512;

pub(super) struct Passing {
    nodes: Mutex<Nodes>,
    faults: Arc<Mutex<Faults>>,
}

impl Passing {
    pub(super) fn new(folder: &Path, faults: Arc<Mutex<Faults>>) -> Self {
        Self { nodes: Mutex::new(Nodes::new(folder)), faults }
    }

    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        lock(&self.nodes)
    }

    /// Counts the call; an error when it is the one that fails.
    fn meet(&self, call: Call, path: &Path) -> Result<(), Errno> {
        match lock(&self.faults).meet(call, path) {
            Told::Go | Told::WriteLess => Ok(()),
            Told::Fail(error) => Err(error),
        }
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> Result<PathBuf, Errno> {
        Ok(self.nodes().path(parent.0)?.join(name))
    }

    /// Attributes of a file that was just found or made.
    fn entry(&self, path: &Path) -> Result<FileAttr, Errno> {
        let mut nodes = self.nodes();
        fs::symlink_metadata(nodes.place(path))?;
        let number = nodes.number(path);
        nodes.attributes(number)
    }

    /// The path of an open file, for the count.
    fn path_of(&self, ino: INodeNo) -> PathBuf {
        self.nodes().path(ino.0).unwrap_or_default()
    }

    fn look(&self, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        let path = self.child(parent, name)?;
        self.meet(Call::Look, &path)?;
        self.entry(&path)
    }

    fn make_directory(&self, parent: INodeNo, name: &OsStr, mode: u32) -> Result<FileAttr, Errno> {
        let path = self.child(parent, name)?;
        self.meet(Call::MakeDirectory, &path)?;
        let place = self.nodes().place(&path);
        fs::DirBuilder::new().mode(mode).create(place)?;
        self.entry(&path)
    }

    fn open_file(&self, ino: INodeNo, flags: i32) -> Result<u64, Errno> {
        let path = self.nodes().path(ino.0)?;
        self.meet(Call::Open, &path)?;
        let mut nodes = self.nodes();
        let access = OFlags::from_bits_retain(flags.cast_unsigned()) & OFlags::ACCMODE;
        let file =
            File::options().read(access != OFlags::WRONLY).write(access != OFlags::RDONLY).open(nodes.place(&path))?;
        Ok(nodes.keep_open(ino.0, file))
    }

    fn create_file(&self, parent: INodeNo, name: &OsStr, mode: u32, flags: i32) -> Result<(FileAttr, u64), Errno> {
        let path = self.child(parent, name)?;
        self.meet(Call::Create, &path)?;
        let flags = OFlags::from_bits_retain(flags.cast_unsigned());
        let place = self.nodes().place(&path);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(flags.contains(OFlags::TRUNC))
            .mode(mode)
            .custom_flags((flags & OFlags::EXCL).bits().cast_signed())
            .open(place)?;
        let attributes = self.entry(&path)?;
        Ok((attributes, self.nodes().keep_open(attributes.ino.0, file)))
    }

    fn write_file(&self, ino: INodeNo, handle: u64, offset: u64, data: &[u8]) -> Result<usize, Errno> {
        let path = self.path_of(ino);
        let part = match lock(&self.faults).meet(Call::Write, &path) {
            Told::Go => data,
            Told::Fail(error) => return Err(error),
            Told::WriteLess => &data[..part_of(data.len())],
        };
        let opened = self.nodes().opened(handle)?;
        opened.file.write_all_at(part, offset)?;
        Ok(part.len())
    }

    fn read_file(&self, ino: INodeNo, handle: u64, offset: u64, size: usize) -> Result<Vec<u8>, Errno> {
        self.meet(Call::Read, &self.path_of(ino))?;
        let opened = self.nodes().opened(handle)?;
        let mut bytes = vec![0; size];
        let mut filled = 0;
        while filled < size {
            match opened.file.read_at(&mut bytes[filled..], offset + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn remove(&self, parent: INodeNo, name: &OsStr, by: fn(PathBuf) -> io::Result<()>) -> Result<(), Errno> {
        let path = self.child(parent, name)?;
        self.meet(Call::Remove, &path)?;
        let mut nodes = self.nodes();
        by(nodes.place(&path))?;
        nodes.remove(&path);
        Ok(())
    }

    fn link_file(&self, ino: INodeNo, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        let path = self.child(parent, name)?;
        self.meet(Call::Link, &path)?;
        {
            let nodes = self.nodes();
            fs::hard_link(nodes.place(&nodes.path(ino.0)?), nodes.place(&path))?;
        }
        self.entry(&path)
    }

    fn rename_file(&self, from: (INodeNo, &OsStr), to: (INodeNo, &OsStr)) -> Result<(), Errno> {
        let (from, to) = (self.child(from.0, from.1)?, self.child(to.0, to.1)?);
        self.meet(Call::Rename, &to)?;
        let mut nodes = self.nodes();
        fs::rename(nodes.place(&from), nodes.place(&to))?;
        nodes.rename(&from, &to);
        Ok(())
    }

    fn list(&self, ino: INodeNo, offset: u64, reply: &mut ReplyDirectory) -> Result<(), Errno> {
        let path = self.nodes().path(ino.0)?;
        if offset == 0 {
            self.meet(Call::ListDirectory, &path)?;
        }
        let mut names: Vec<_> = fs::read_dir(self.nodes().place(&path))?.collect::<io::Result<Vec<_>>>()?;
        names.sort_by_key(fs::DirEntry::file_name);
        for (at, entry) in (1..).zip(names).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            let kind = if entry.file_type()?.is_dir() { FileType::Directory } else { FileType::RegularFile };
            let number = self.nodes().number(&path.join(entry.file_name()));
            if reply.add(INodeNo(number), at, kind, entry.file_name()) {
                break;
            }
        }
        Ok(())
    }
}

/// About a half, in whole sectors.
fn part_of(len: usize) -> usize {
    let sectors = len / 2 / SECTOR_BYTES * SECTOR_BYTES;
    if sectors > 0 { sectors } else { len.div_ceil(2) }
}

impl Filesystem for Passing {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // The kernel's own limit stands when it is lower.
        let _ = config.set_max_write(REQUEST_BYTES_MAX);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.look(parent, name) {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        // The kernel asks for its own purposes too, so these are not counted.
        match self.nodes().attributes(ino.0) {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        handle: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let set = || -> Result<FileAttr, Errno> {
            if let Some(bytes) = size {
                self.meet(Call::SetLength, &self.path_of(ino))?;
                self.nodes().set_length(ino.0, handle.map(|handle| handle.0), bytes)?;
            }
            if let Some(mode) = mode {
                self.nodes().set_mode(ino.0, mode)?;
            }
            self.nodes().attributes(ino.0)
        };
        match set() {
            Ok(attributes) => reply.attr(&TTL, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        match self.make_directory(parent, name, mode) {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.remove(parent, name, fs::remove_file), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.remove(parent, name, fs::remove_dir), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        answer(self.rename_file((parent, name), (new_parent, new_name)), reply);
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.link_file(ino, parent, name) {
            Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        match self.open_file(ino, flags.0) {
            Ok(handle) => reply.opened(FileHandle(handle), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, flags: i32, reply: ReplyCreate) {
        match self.create_file(parent, name, mode, flags) {
            Ok((attributes, handle)) => {
                reply.created(&TTL, &attributes, Generation(0), FileHandle(handle), FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.read_file(ino, handle.0, offset, size as usize) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.write_file(ino, handle.0, offset, data) {
            Ok(written) => reply.written(u32::try_from(written).expect("a request is small")),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.nodes().close(handle.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(self.meet(Call::Flush, &self.path_of(ino)), reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(self.meet(Call::Flush, &self.path_of(ino)), reply);
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        match self.list(ino, offset, &mut reply) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        // As much room as anybody asks for.
        reply.statfs(1 << 30, 1 << 30, 1 << 30, 1 << 20, 1 << 20, 4096, 255, 4096);
    }

    fn access(&self, _: &Request, _: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        reply.ok();
    }
}

fn answer(outcome: Result<(), Errno>, reply: ReplyEmpty) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
