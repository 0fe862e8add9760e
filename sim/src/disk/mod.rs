//! A disk that loses what was not flushed, tears what is being written, fails, fills up and forgets.
//!
//! Contents are kept by sectors, names by directory, each as programs see them and as they stand on the device. When the
//! power goes, of what was not flushed a seeded part has reached the device. A disk is used through handles; those of a
//! process that has died are of no use any more.

mod files;
mod inode;
mod names;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use self::files::DiskHandle;
use self::inode::Inode;
use self::names::{Directory, SharedInode};
use crate::random::Random;
use crate::trace::Trace;

/// What a disk does that says it is fine: to prove that the simulation notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lies {
    /// Flushes, of contents, do nothing.
    pub flush: bool,
    /// Flushes of directories do nothing.
    pub sync_dir: bool,
    /// One in so many reads gives a wrong bit.
    pub wrong_reads: Option<u64>,
}

/// How the disk is.
#[derive(Debug, Clone, Copy)]
pub struct DiskConditions {
    /// Room for files.
    pub bytes_max: u64,
    /// How long an operation takes at most.
    pub latency_millis_max: u64,
    pub lies: Lies,
}

/// What is to happen with one of the next operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails.
    Error,
    /// The power goes, in the middle of it; of what was not flushed so much is kept, in percent.
    PowerLoss { kept_percent: u64 },
}

pub struct Disk {
    state: Mutex<State>,
    trace: Trace,
    /// Called when the power has gone by a [`Fault::PowerLoss`].
    on_power_loss: Mutex<Option<Box<dyn Fn() + Send>>>,
}

struct State {
    random: Random,
    conditions: DiskConditions,
    directories: BTreeMap<PathBuf, Directory>,
    /// Which handles work.
    era: u64,
    /// Operations until a fault.
    fault: Option<(u64, Fault)>,
    /// Nothing gets done before.
    stalled_until: Option<Instant>,
}

/// The kinds of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Read,
    /// Changes what is there.
    Change,
}

/// What an operation does in the end.
enum Verdict {
    Done,
    Failed,
    PowerLoss(u64),
}

fn is_off() -> io::Error {
    io::Error::other("the process is dead")
}

fn no_space() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Disk {
    #[must_use]
    pub fn new(random: Random, conditions: DiskConditions, trace: Trace) -> Arc<Self> {
        let state =
            State { random, conditions, directories: BTreeMap::new(), era: 0, fault: None, stalled_until: None };
        Arc::new(Self { state: Mutex::new(state), trace, on_power_loss: Mutex::default() })
    }

    /// What is to be done when the power goes in the middle of an operation. The disk has lost what it loses by then.
    pub fn on_power_loss(&self, hook: impl Fn() + Send + 'static) {
        *self.on_power_loss.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// A handle for a process that starts now.
    #[must_use]
    pub fn handle(self: &Arc<Self>) -> Arc<DiskHandle> {
        Arc::new(DiskHandle::new(Arc::clone(self), self.state().era))
    }

    /// The process dies; what it has written stays.
    pub fn kill(&self) {
        self.state().kill();
    }

    /// The power goes; of what was not flushed so much is kept, in percent.
    pub fn lose_power(&self, kept_percent: u64) {
        self.state().lose_power(kept_percent);
    }

    /// The operation after so many others meets a fault.
    pub fn set_fault(&self, after: u64, fault: Fault) {
        self.state().fault = Some((after, fault));
    }

    /// No fault is to come.
    pub fn clear_faults(&self) {
        let mut state = self.state();
        state.fault = None;
        state.stalled_until = None;
    }

    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.state().conditions.bytes_max = bytes_max;
    }

    /// Bytes that files take.
    #[must_use]
    pub fn bytes_used(&self) -> u64 {
        self.state().bytes_used()
    }

    /// Nothing gets done for so long.
    pub fn stall(&self, duration: Duration) {
        self.state().stalled_until = Some(Instant::now() + duration);
    }

    /// How long the next operation takes.
    pub fn latency(&self) -> Duration {
        let mut state = self.state();
        let stalled =
            state.stalled_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        let millis = state.conditions.latency_millis_max;
        stalled + state.random.millis(0..=millis)
    }

    /// Flips a bit of some file, at rest; answers which and where.
    pub fn flip_a_bit(&self) -> Option<String> {
        let mut state = self.state();
        let mut files = Vec::new();
        for (dir, directory) in &state.directories {
            let found = directory.files().map(|(name, inode)| (dir.join(name), Arc::clone(inode)));
            files.extend(found.filter(|(_, inode)| lock(inode).len() > 0));
        }
        if files.is_empty() {
            return None;
        }
        let (path, inode) = state.random.pick(&files).clone();
        let mut inode = lock(&inode);
        let bit = state.random.index(inode.len() * 8);
        inode.flip(bit);
        Some(format!("{} bit {} of byte {}", path.display(), bit % 8, bit / 8))
    }

    /// Takes the flips back; answers whether there were any.
    pub fn mend(&self) -> bool {
        let mut mended = false;
        for directory in self.state().directories.values() {
            for inode in directory.every_inode() {
                mended |= lock(&inode).mend();
            }
        }
        mended
    }

    /// A program has handed a write to the device, which is at work on it: when the power goes, some of it is there.
    pub fn submit(&self, path: &Path, offset: u64, bytes: &[u8]) {
        let state = self.state();
        if let Some(inode) = state.find(path) {
            lock(inode).write(usize::try_from(offset).expect("files are small"), bytes);
        }
    }

    /// Runs an operation of a process that began in `era`.
    fn run<T>(
        &self,
        era: u64,
        op: Op,
        what: std::fmt::Arguments<'_>,
        work: impl FnOnce(&mut State, &Verdict) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        if state.era != era {
            return Err(is_off());
        }
        let verdict = state.verdict();
        if op == Op::Change {
            self.trace.note("disk", what);
        }
        match verdict {
            Verdict::Done => work(&mut state, &verdict),
            Verdict::Failed => {
                self.trace.note("disk", format_args!("{what}: fails"));
                work(&mut state, &verdict)?;
                Err(io::Error::other("injected"))
            }
            Verdict::PowerLoss(kept_percent) => {
                self.trace.note("disk", format_args!("{what}: the power goes"));
                // Whether it had begun or not.
                let _ = work(&mut state, &verdict);
                state.lose_power(kept_percent);
                drop(state);
                if let Some(hook) = &*self.on_power_loss.lock().unwrap_or_else(PoisonError::into_inner) {
                    hook();
                }
                Err(is_off())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock(inode: &Mutex<Inode>) -> MutexGuard<'_, Inode> {
    inode.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn verdict(&mut self) -> Verdict {
        match &mut self.fault {
            None => Verdict::Done,
            Some((0, fault)) => {
                let fault = *fault;
                self.fault = None;
                match fault {
                    Fault::Error => Verdict::Failed,
                    Fault::PowerLoss { kept_percent } => Verdict::PowerLoss(kept_percent),
                }
            }
            Some((left, _)) => {
                *left -= 1;
                Verdict::Done
            }
        }
    }

    fn kill(&mut self) {
        self.era += 1;
    }

    fn lose_power(&mut self, kept_percent: u64) {
        self.kill();
        // Every file once, in an order that the seed alone decides.
        let mut inodes: Vec<SharedInode> = Vec::new();
        for directory in self.directories.values_mut() {
            for inode in directory.every_inode() {
                if !inodes.iter().any(|known| Arc::ptr_eq(known, &inode)) {
                    inodes.push(inode);
                }
            }
            directory.lose_power(&mut self.random);
        }
        for inode in inodes {
            lock(&inode).lose_power(&mut self.random, kept_percent);
        }
    }

    fn bytes_used(&self) -> u64 {
        let files = self.directories.values().flat_map(Directory::files);
        files.map(|(_, inode)| lock(inode).len() as u64).sum()
    }

    fn has_room(&self, bytes: u64) -> bool {
        self.bytes_used() + bytes <= self.conditions.bytes_max
    }

    fn find(&self, path: &Path) -> Option<&SharedInode> {
        let (dir, name) = split(path);
        self.directories.get(dir)?.get(name)
    }

    fn directory(&mut self, dir: &Path) -> io::Result<&mut Directory> {
        self.directories.get_mut(dir).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Directory and name.
fn split(path: &Path) -> (&Path, &str) {
    let name = path.file_name().and_then(|name| name.to_str()).expect("paths of files end with a name");
    (path.parent().expect("files lie in directories"), name)
}
