//! A block device that can lose power: one file on FUSE, under a loop device with a real file system on it.
//!
//! What is written is pending until the kernel flushes the file. An image of the moment holds everything that was flushed and a
//! random part of the pending sectors, each on its own, so writes are reordered and torn. A flush can be made to fail; as real disks
//! do, the device then forgets a part of what was pending, and no later flush brings it back. And the device can stall.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation, INodeNo, KernelConfig,
    LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyWrite, Request, WriteFlags,
};
use tempfile::TempDir;

use crate::random::Random;

mod blocks;
mod mounted;

pub(crate) use blocks::Blocks;
pub(crate) use mounted::Mounted;

const SECTOR_BYTES: usize = 512;
const FILE_NAME: &str = "disk.img";
const FILE: INodeNo = INodeNo(2);
/// The kernel need not ask again: nothing changes but by its own writes.
const TTL: Duration = Duration::from_secs(1 << 20);
const REQUEST_BYTES_MAX: u32 = 1 << 20;

/// A device; gone when dropped.
pub(crate) struct Device {
    state: Arc<Mutex<State>>,
    /// Dropped before the folder that it is mounted on.
    session: Option<BackgroundSession>,
    folder: TempDir,
}

struct State {
    /// What the kernel reads back.
    seen: Blocks,
    /// What survives a loss of power for sure.
    durable: Blocks,
    /// Written and not flushed, oldest first.
    pending: Vec<(usize, Vec<u8>)>,
    /// Flushes until one fails, and how what is pending then is lost.
    failing_flush: Option<(u64, Random)>,
    has_failed: bool,
    stalled_until: Option<Instant>,
}

impl Device {
    /// A device with this content, all of it durable.
    pub(crate) fn new(content: Blocks) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::new(content)));
        let folder = tempfile::tempdir()?;
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("proof-device".into())];
        let session = fuser::spawn_mount(DeviceFile(Arc::clone(&state)), folder.path(), &config)?;
        Ok(Self { state, session: Some(session), folder })
    }

    /// The file that holds the device.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join(FILE_NAME)
    }

    /// What a disk could hold if the power were lost now.
    pub(crate) fn crash(&self, keep_percent: u64, random: &mut Random) -> Blocks {
        let (mut image, pending) = {
            let state = lock(&self.state);
            (state.durable.clone(), state.pending.clone())
        };
        keep_some(&mut image, &pending, keep_percent, random);
        image
    }

    /// Makes one of the next flushes fail, the first, second or so.
    pub(crate) fn fail_flush(&self, nth: u64, random: Random) {
        lock(&self.state).failing_flush = Some((nth, random));
    }

    /// Whether a flush has failed.
    pub(crate) fn has_failed(&self) -> bool {
        lock(&self.state).has_failed
    }

    /// Answers nothing for a while.
    pub(crate) fn stall(&self, time: Duration) {
        lock(&self.state).stalled_until = Some(Instant::now() + time);
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && let Err(error) = session.umount_and_join()
        {
            eprintln!("the device cannot be unmounted: {error}");
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a random part of the sectors of `pending`.
fn keep_some(image: &mut Blocks, pending: &[(usize, Vec<u8>)], keep_percent: u64, random: &mut Random) {
    for (offset, data) in pending {
        for (sector, bytes) in data.chunks(SECTOR_BYTES).enumerate() {
            if random.chance(keep_percent) {
                image.write(offset + sector * SECTOR_BYTES, bytes);
            }
        }
    }
}

impl State {
    fn new(content: Blocks) -> Self {
        Self {
            seen: content.clone(),
            durable: content,
            pending: Vec::new(),
            failing_flush: None,
            has_failed: false,
            stalled_until: None,
        }
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        self.seen.write(offset, data);
        self.pending.push((offset, data.to_vec()));
    }

    fn flush(&mut self) -> Result<(), Errno> {
        let pending = std::mem::take(&mut self.pending);
        if let Some((left, random)) = &mut self.failing_flush {
            *left = left.saturating_sub(1);
            if *left == 0 {
                keep_some(&mut self.durable, &pending, 50, random);
                self.failing_flush = None;
                self.has_failed = true;
                return Err(Errno::EIO);
            }
        }
        for (offset, data) in pending {
            self.durable.write(offset, &data);
        }
        Ok(())
    }
}

/// The file system with the one file.
struct DeviceFile(Arc<Mutex<State>>);

impl DeviceFile {
    /// The state, when the device does not stall.
    fn state(&self) -> MutexGuard<'_, State> {
        loop {
            let state = lock(&self.0);
            let now = Instant::now();
            let Some(left) = state.stalled_until.and_then(|end| end.checked_duration_since(now)) else { return state };
            drop(state);
            std::thread::sleep(left);
        }
    }

    fn attributes(&self, ino: INodeNo) -> FileAttr {
        let is_root = ino == INodeNo::ROOT;
        let size = if is_root { 0 } else { lock(&self.0).seen.len() as u64 };
        FileAttr {
            ino,
            size,
            blocks: size.div_ceil(SECTOR_BYTES as u64),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if is_root { FileType::Directory } else { FileType::RegularFile },
            perm: if is_root { 0o700 } else { 0o600 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

/// Offsets of the device fit into memory, because all of it is in memory.
fn in_memory(offset: u64) -> usize {
    usize::try_from(offset).expect("the device is in memory")
}

impl Filesystem for DeviceFile {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // The kernel's own limit stands when it is lower.
        let _ = config.set_max_write(REQUEST_BYTES_MAX);
        Ok(())
    }

    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == FILE_NAME {
            reply.entry(&TTL, &self.attributes(FILE), Generation(0));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &self.attributes(ino));
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let bytes = self.state().seen.read(in_memory(offset), size as usize);
        reply.data(&bytes);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.state().write(in_memory(offset), data);
        reply.written(u32::try_from(data.len()).expect("a request is small"));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let flushed = self.state().flush();
        match flushed {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTORS: usize = 100;

    /// How many of the first sectors are filled with `byte`.
    fn count(image: &Blocks, byte: u8) -> usize {
        let sectors = image.read(0, SECTORS * SECTOR_BYTES);
        sectors.chunks(SECTOR_BYTES).filter(|sector| **sector == [byte; SECTOR_BYTES]).count()
    }

    #[test]
    fn an_image_holds_what_was_flushed_and_a_part_of_the_rest() {
        let mut state = State::new(Blocks::new(1 << 20));
        state.write(0, &[1; SECTORS * SECTOR_BYTES]);
        state.flush().expect("nothing fails");
        state.write(0, &[2; SECTORS * SECTOR_BYTES]);
        for (keep, least, most) in [(0, 0, 0), (45, 20, 70), (90, 75, 99), (100, 100, 100)] {
            let mut image = state.durable.clone();
            keep_some(&mut image, &state.pending, keep, &mut Random::new(7));
            let kept = count(&image, 2);
            assert_eq!(kept + count(&image, 1), SECTORS, "sectors are whole");
            assert!((least..=most).contains(&kept), "{keep} % kept {kept}");
        }
    }

    #[test]
    fn a_flush_that_fails_loses_a_part_for_ever() {
        let mut state = State::new(Blocks::new(1 << 20));
        state.failing_flush = Some((2, Random::new(1)));
        state.flush().expect("the first is fine");
        state.write(0, &[1; SECTORS * SECTOR_BYTES]);
        state.flush().expect_err("the second is not");
        state.flush().expect("the third is");
        assert!(state.has_failed);
        assert!((20..80).contains(&count(&state.durable, 1)), "{}", count(&state.durable, 1));
        assert_eq!(count(&state.seen, 1), SECTORS, "the kernel reads what it wrote");
    }
}
