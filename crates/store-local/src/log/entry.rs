//! What is kept in memory about one log. Ten thousand idle logs must stay small, so everything here is allocated only
//! when it is used.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use base::time::Timestamp;
use store::read_run::StoredBatch;
use store::shard_log::{LogBounds, LogId, LogOptions, Position};
use tokio::sync::watch;

use crate::segments::Run;

const OPENED: u8 = 1;
const CLOSED: u8 = 2;
const REMOVED: u8 = 4;

pub(crate) struct LogEntry {
    pub id: LogId,
    /// Position that the next record gets; written by the sequencer only.
    pub sequenced: AtomicU64,
    retention_seconds: AtomicU32,
    flags: AtomicU8,
    /// The durable part, as readers see it.
    pub view: Mutex<View>,
}

/// The durable records of a log, newest last in each place. A record is in a segment or in a journal, and perhaps also
/// in the tail.
pub(crate) struct View {
    pub runs: Vec<Run>,
    pub index: VecDeque<IndexEntry>,
    pub tail: VecDeque<StoredBatch>,
    /// One after the last durable record.
    pub next: u64,
    pub watch: Option<watch::Sender<Position>>,
}

/// A batch in an unsealed journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub first: u64,
    pub arrival: i64,
    pub journal: u32,
    /// Place of the batch in the file.
    pub offset: u32,
    /// Length of the batch in the file.
    pub bytes: u32,
    pub count: u32,
}

impl IndexEntry {
    pub(crate) fn end(&self) -> u64 {
        self.first + u64::from(self.count)
    }
}

impl LogEntry {
    /// A log with no records in memory whose next position is `next`.
    pub(crate) fn new(id: LogId, next: u64) -> Self {
        let view = View { runs: Vec::new(), index: VecDeque::new(), tail: VecDeque::new(), next, watch: None };
        Self {
            id,
            sequenced: AtomicU64::new(next),
            retention_seconds: AtomicU32::new(u32::MAX),
            flags: AtomicU8::new(0),
            view: Mutex::new(view),
        }
    }

    pub(crate) fn open(&self, options: LogOptions) {
        let seconds = options.retention.as_millis().div_ceil(1000);
        self.retention_seconds.store(u32::try_from(seconds).unwrap_or(u32::MAX), Ordering::Relaxed);
        if options.closed {
            self.flags.fetch_or(OPENED | CLOSED, Ordering::SeqCst);
        } else {
            self.flags.fetch_or(OPENED, Ordering::SeqCst);
            self.flags.fetch_and(!CLOSED, Ordering::SeqCst);
        }
    }

    pub(crate) fn close(&self) {
        self.flags.fetch_or(CLOSED, Ordering::SeqCst);
    }

    pub(crate) fn remove(&self) {
        self.flags.fetch_or(REMOVED, Ordering::SeqCst);
    }

    pub(crate) fn is_opened(&self) -> bool {
        self.has(OPENED)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.has(CLOSED)
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.has(REMOVED)
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::SeqCst) & flag != 0
    }

    /// Records younger than this must be kept; for ever, while nobody has said.
    pub(crate) fn retention(&self) -> Duration {
        match self.retention_seconds.load(Ordering::Relaxed) {
            u32::MAX => Duration::MAX,
            seconds => Duration::from_secs(u64::from(seconds)),
        }
    }
}

impl View {
    /// The oldest position that can be read.
    pub(crate) fn first(&self) -> u64 {
        let oldest_run = self.runs.first().map(|run| run.first);
        oldest_run.or_else(|| self.index.front().map(|entry| entry.first)).unwrap_or(self.next)
    }

    pub(crate) fn bounds(&self) -> LogBounds {
        let newest = self.index.back().map(|entry| entry.arrival);
        let newest = newest.or_else(|| self.runs.last().map(|run| run.last_arrival));
        LogBounds {
            first: Position(self.first()),
            next: Position(self.next),
            last_arrival: newest.map(Timestamp::from_millis),
        }
    }

    /// A batch has become durable.
    pub(crate) fn publish(&mut self, batch: StoredBatch, entry: IndexEntry) {
        assert_eq!(entry.first, self.next, "batches become durable in the order of their positions");
        self.next = entry.end();
        self.index.push_back(entry);
        self.tail.push_back(batch);
        if let Some(watch) = &self.watch {
            if watch.receiver_count() == 0 {
                self.watch = None;
            } else {
                watch.send_replace(Position(self.next));
            }
        }
    }

    /// Drops the oldest batch of the tail.
    pub(crate) fn evict_one(&mut self) {
        self.tail.pop_front();
        if self.tail.is_empty() {
            self.tail = VecDeque::new();
        }
    }

    /// Replaces what the index says of the oldest journals, up to `journal`, by a run in a segment.
    pub(crate) fn sealed(&mut self, journal: u32, run: Option<Run>) {
        let kept = self.index.partition_point(|entry| entry.journal <= journal);
        self.index.drain(..kept);
        if self.index.is_empty() {
            self.index = VecDeque::new();
        }
        self.runs.extend(run);
    }
}
