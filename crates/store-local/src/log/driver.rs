//! The work of a log without threads, step by step: for whoever decides in which order things happen.

use std::io;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::sequencer::Sequenced;
use super::{LocalLog, commit};
use crate::journal::aligned::AlignedBuffer;
use crate::journal::file::Journal;
use crate::segments::{Backlog, Message};
use crate::sync::lock;

/// Drives a log of [`LocalLog::open_stepped`]. Every step is what a thread of [`LocalLog::open`] does in one round, and none
/// of them waits.
pub struct Driver {
    log: Arc<LocalLog>,
    maintenance: Mutex<Maintenance>,
    /// What was flushed last.
    flushed: Mutex<Option<Arc<Journal>>>,
}

struct Maintenance {
    messages: Receiver<Message>,
    /// Away while a step is under way.
    backlog: Option<Backlog>,
}

/// A commit between its beginning and its end.
pub struct InFlight {
    sequenced: Sequenced,
    buffer: AlignedBuffer,
    written: Option<io::Result<()>>,
}

/// Where the frame of a commit goes.
#[derive(Debug, Clone, Copy)]
pub struct FrameWrite<'a> {
    pub path: &'a Path,
    pub offset: u64,
    pub bytes: &'a [u8],
}

impl InFlight {
    /// What [`Driver::write`] is going to write; `None` when the commit needs no frame.
    #[must_use]
    pub fn frame(&self) -> Option<FrameWrite<'_>> {
        let (journal, offset) = self.sequenced.target.as_ref()?;
        Some(FrameWrite { path: &journal.path, offset: u64::from(*offset), bytes: self.buffer.bytes() })
    }
}

impl Driver {
    pub(crate) fn new(log: Arc<LocalLog>, messages: Receiver<Message>) -> Self {
        let maintenance = Maintenance { messages, backlog: Some(Backlog::new()) };
        Self { log, maintenance: Mutex::new(maintenance), flushed: Mutex::default() }
    }

    /// Whether anything waits to be committed.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.log.sequencer.queue.is_empty()
    }

    /// Takes what waits and makes a frame of it. `None` when nothing waits, or what waits needs an earlier commit to finish
    /// or the next journal to be prepared.
    pub fn begin(&self) -> Option<InFlight> {
        if !self.has_waiting() {
            return None;
        }
        let mut buffer = AlignedBuffer::default();
        let sequenced = self.log.sequencer.next_commit(&mut buffer, false)?;
        Some(InFlight { sequenced, buffer, written: None })
    }

    /// Writes the frame.
    pub fn write(&self, commit: &mut InFlight) {
        commit.written = Some(commit::write(&self.log.counters, &commit.sequenced, &commit.buffer));
    }

    /// Answers what the commit holds, and the commits that waited for it; or fails the log when its frame could not be
    /// written.
    ///
    /// # Panics
    /// When the frame has not been written.
    pub fn finish(&self, commit: InFlight) {
        let InFlight { sequenced, buffer, written } = commit;
        let written = written.expect("a commit is written before it is finished");
        commit::finish(&self.log.sequencer, &self.log.counters, sequenced, &buffer, written);
    }

    /// Whether [`Driver::prepare`] has something to do.
    #[must_use]
    pub fn wants_journal(&self) -> bool {
        self.log.sequencer.preparer.is_wanted()
    }

    /// Prepares the next journal; `false` when that has failed and should be tried again after a pause.
    pub fn prepare(&self) -> bool {
        self.log.sequencer.preparer.step()
    }

    /// Rewrites one sealed journal into segments, or looks after retention when there is none. Pauses as the schedule says.
    /// Answers how long nothing more is to be done, unless commits finish meanwhile.
    ///
    /// # Panics
    /// When two of these steps are under way at once.
    pub async fn maintain(&self) -> Duration {
        let mut backlog = {
            let mut maintenance = lock(&self.maintenance);
            let mut backlog = maintenance.backlog.take().expect("one step of maintenance at a time");
            for message in maintenance.messages.try_iter() {
                if let Message::Sealed(journal, frames_end) = message {
                    backlog.add(journal, frames_end);
                }
            }
            backlog
        };
        self.log.worker.step(&mut backlog).await;
        let pause = self.log.worker.pause(&backlog);
        lock(&self.maintenance).backlog = Some(backlog);
        pause
    }

    /// Flushes the journal, for a durability of `interval`.
    pub fn flush(&self) {
        commit::flush(&self.log.sequencer, &mut lock(&self.flushed));
    }

    /// Refuses appends from now on. What is queued must still be committed.
    pub fn stop(&self) {
        self.log.permits.close();
        self.log.sequencer.queue.stop();
        self.log.sequencer.preparer.stop();
    }

    /// Ends a run in order, after the last commit.
    ///
    /// # Errors
    /// When journals cannot be flushed or the manifest cannot be written.
    pub fn end(&self) -> io::Result<()> {
        self.log.end()
    }
}
