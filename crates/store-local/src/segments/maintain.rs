//! The thread that rewrites sealed journals into segments and drops segments that are past retention.
//!
//! Order of steps, so that a crash in between loses nothing: segments durable, manifest durable, index switched, journal
//! given back. What a crash leaves behind is removed at the next start: segments that the manifest does not name,
//! journals that it says are sealed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::time::Clock;
use store::root_key::RootKey;
use store::shard_log::LogId;
use tokio::time::Instant;

use super::place::SegmentPlace;
use super::write::{Content, Unsealed, WriteError, write_segment};
use super::{Run, Segment, number_of};
use crate::journal::file::Journal;
use crate::journal::prepare::Preparer;
use crate::log::counters::Counters;
use crate::log::entry::{LogEntry, View};
use crate::log::sequencer::{Journals, Logs};
use crate::manifest::{Manifest, ManifestFile};
use crate::schedule::Schedule;
use crate::sync::{lock, read, write};

/// Pause after a failure to write a segment.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// After a start, sealing waits so long to be told which logs still exist.
const OPENING_WAIT: Duration = Duration::from_secs(30);
const OPENING_POLL: Duration = Duration::from_millis(100);
/// Retention is grouped by powers of two of this.
const CLASS_SECONDS: u64 = 3600;

pub(crate) enum Message {
    /// A journal is complete. Frames from the number on are in later ones.
    Sealed(Arc<Journal>, u64),
    /// Look after retention now; answered when done.
    Maintain(std::sync::mpsc::SyncSender<()>),
    Stop,
}

/// What the worker works with.
pub(crate) struct WorkerParts {
    pub place: Arc<SegmentPlace>,
    pub schedule: Arc<dyn Schedule>,
    pub root_key: Arc<dyn RootKey>,
    pub logs: Arc<Logs>,
    pub journals: Arc<Journals>,
    pub preparer: Arc<Preparer>,
    pub clock: Arc<dyn Clock>,
    pub counters: Arc<Counters>,
    pub interval: Duration,
    /// Set when every existing log has been opened.
    pub all_open: Arc<AtomicBool>,
    pub manifest: Arc<ManifestFile>,
    /// The end of the durable frames and the latest arrival.
    pub progress: Box<dyn Fn() -> (u64, i64) + Send + Sync>,
}

pub(crate) struct Worker {
    parts: WorkerParts,
    /// As in the manifest. Only the worker's thread changes them.
    segments: Mutex<Vec<Arc<Segment>>>,
}

/// The journals that wait to be rewritten.
pub(crate) struct Backlog {
    /// Oldest first.
    waiting: VecDeque<Waiting>,
    begun: Instant,
    /// Whether what a crash has left was removed.
    is_cleaned: bool,
    /// Whether the oldest could not be rewritten.
    has_failed: bool,
}

/// A journal that is complete.
struct Waiting {
    journal: Arc<Journal>,
    /// Number of the first frame that it does not hold.
    frames_end: u64,
    written: Option<Written>,
}

/// The durable segments of a journal before the manifest is known to name them. An attempt to write the manifest that has
/// failed may have named them all the same: they stay as they are until one succeeds.
struct Written {
    segments: Vec<Arc<Segment>>,
    runs: BTreeMap<LogId, Run>,
    /// One after the last segment.
    next_segment: u64,
}

impl Backlog {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::new(), begun: Instant::now(), is_cleaned: false, has_failed: false }
    }

    pub(crate) fn add(&mut self, journal: Arc<Journal>, frames_end: u64) {
        self.waiting.push_back(Waiting { journal, frames_end, written: None });
    }
}

/// What changes with every append.
struct Progress {
    frames_end: u64,
    last_arrival: i64,
    logs: Vec<(u64, u64)>,
}

impl Worker {
    pub(crate) fn new(parts: WorkerParts, segments: Vec<Arc<Segment>>) -> Self {
        let worker = Self { parts, segments: Mutex::new(segments) };
        worker.count_segments(&lock(&worker.segments));
        worker
    }

    /// Works until told to stop.
    pub(crate) fn run(&self, messages: &Receiver<Message>, runtime: &tokio::runtime::Runtime) {
        let mut backlog = Backlog::new();
        loop {
            match messages.recv_timeout(self.pause(&backlog)) {
                // Take all messages first: one may be the wish to stop.
                Ok(Message::Sealed(journal, end)) => backlog.add(journal, end),
                Ok(Message::Maintain(done)) => {
                    runtime.block_on(self.drop_expired());
                    // Whoever asked may have gone away.
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => runtime.block_on(self.step(&mut backlog)),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// How long nothing is to be done, unless there is a message.
    pub(crate) fn pause(&self, backlog: &Backlog) -> Duration {
        if !self.may_begin(backlog) {
            OPENING_POLL
        } else if backlog.has_failed {
            RETRY_PAUSE
        } else if backlog.waiting.is_empty() {
            self.parts.interval
        } else {
            Duration::ZERO
        }
    }

    /// Rewrites the oldest journal of the backlog, or looks after retention when there is none.
    pub(crate) async fn step(&self, backlog: &mut Backlog) {
        if !self.may_begin(backlog) {
            return;
        }
        if !std::mem::replace(&mut backlog.is_cleaned, true) {
            self.remove_strangers().await;
        }
        match backlog.waiting.pop_front() {
            None => self.drop_expired().await,
            Some(mut journal) => {
                backlog.has_failed = !self.seal(&mut journal).await;
                if backlog.has_failed {
                    backlog.waiting.push_front(journal);
                    // Its space may be what is missing.
                    self.drop_expired().await;
                } else {
                    self.parts.preparer.retire(journal.journal);
                }
            }
        }
    }

    /// Whether it is known which logs exist, or nobody will say.
    fn may_begin(&self, backlog: &Backlog) -> bool {
        self.all_open() || backlog.begun.elapsed() >= OPENING_WAIT
    }

    /// Writes the manifest as things stand; for the end of an orderly run. All frames below `frames_end` are on the device.
    pub(crate) fn store_manifest(&self, frames_end: u64) -> std::io::Result<()> {
        let progress = Progress { frames_end, ..self.progress() };
        self.parts.manifest.change(|manifest| progress.apply(manifest))
    }

    fn all_open(&self) -> bool {
        self.parts.all_open.load(Ordering::SeqCst)
    }

    /// Rewrites one journal; `false` when it has to be tried again.
    async fn seal(&self, waiting: &mut Waiting) -> bool {
        let number = waiting.journal.number;
        match self.try_seal(waiting).await {
            Ok(()) => {
                write(&self.parts.journals).remove(&number);
                true
            }
            Err(error) => {
                Counters::add(&self.parts.counters.seal_failures, 1);
                tracing::error!(journal = %waiting.journal.path.display(), %error, "journal cannot be rewritten into segments");
                // Their space may be what is missing.
                if let Err(error) = self.parts.preparer.keep_spares(0) {
                    tracing::warn!(%error, "spare journal files cannot be removed");
                }
                false
            }
        }
    }

    async fn try_seal(&self, waiting: &mut Waiting) -> Result<(), WriteError> {
        let journal = &waiting.journal;
        let mut written = match waiting.written.take() {
            Some(written) => written,
            None => self.write_segments(journal).await?,
        };
        let progress = self.progress();
        let changed = self.parts.manifest.change(|manifest| {
            manifest.segments.extend(written.segments.iter().map(|segment| segment.reference));
            manifest.next_segment = written.next_segment;
            manifest.sealed_through = journal.number;
            manifest.first_frame = waiting.frames_end;
            progress.apply(manifest);
        });
        if let Err(error) = changed {
            waiting.written = Some(written);
            return Err(WriteError::Manifest(error.to_string()));
        }
        self.parts.schedule.pause().await;
        {
            let mut all = lock(&self.segments);
            all.extend(written.segments);
            self.count_segments(&all);
        }
        for entry in self.entries() {
            lock(&entry.view).sealed(journal.number, written.runs.remove(&entry.id));
        }
        self.parts.schedule.pause().await;
        Ok(())
    }

    async fn write_segments(&self, journal: &Journal) -> Result<Written, WriteError> {
        let next_segment = self.parts.manifest.get(|manifest| manifest.next_segment);
        let mut written = Written { segments: Vec::new(), runs: BTreeMap::new(), next_segment };
        for logs in self.content(journal).into_values() {
            let (place, root_key) = (&self.parts.place, &*self.parts.root_key);
            let (segment, runs) = write_segment(written.next_segment, logs, journal, place, root_key).await?;
            written.segments.push(segment);
            written.runs.extend(runs);
            written.next_segment += 1;
            self.parts.schedule.pause().await;
        }
        Ok(written)
    }

    /// All logs in order of ids.
    fn entries(&self) -> Vec<Arc<LogEntry>> {
        let mut entries: Vec<Arc<LogEntry>> = read(&self.parts.logs).values().cloned().collect();
        entries.sort_unstable_by_key(|entry| entry.id);
        entries
    }

    /// The live records of a journal by class of retention.
    fn content(&self, journal: &Journal) -> BTreeMap<u64, Content> {
        let now = self.parts.clock.now();
        let mut classes: BTreeMap<u64, Content> = BTreeMap::new();
        for entry in self.entries() {
            let horizon = now.minus(entry.retention()).millis();
            let kept = unsealed(&lock(&entry.view), journal.number, horizon);
            if !kept.is_empty() && self.is_alive(&entry) {
                let hours = entry.retention().as_secs().div_ceil(CLASS_SECONDS);
                let class = hours.checked_next_power_of_two().unwrap_or(u64::MAX);
                classes.entry(class).or_default().push((entry.id, kept));
            }
        }
        classes
    }

    fn is_alive(&self, entry: &LogEntry) -> bool {
        !entry.is_removed() && (entry.is_opened() || !self.all_open())
    }

    /// How things stand. To be asked before the manifest is changed, never meanwhile: the answer waits for a commit that may
    /// wait for a journal, and that one for the manifest.
    fn progress(&self) -> Progress {
        // In this order, so that no frame is promised whose records are not counted below.
        let (frames_end, last_arrival) = (self.parts.progress)();
        let all = read(&self.parts.logs);
        let alive = all.values().filter(|entry| self.is_alive(entry));
        let mut logs: Vec<_> =
            alive.map(|entry| (entry.id.0, lock(&entry.view).next)).filter(|(_, next)| *next > 0).collect();
        logs.sort_unstable();
        Progress { frames_end, last_arrival, logs }
    }

    /// Drops the segments of which every record is past retention or belongs to a log that is gone.
    async fn drop_expired(&self) {
        let expired: Vec<Arc<Segment>> =
            lock(&self.segments).iter().filter(|segment| self.is_expired(segment)).cloned().collect();
        if expired.is_empty() {
            return;
        }
        let is_expired = |number: u64| expired.iter().any(|segment| segment.reference.number == number);
        let progress = self.progress();
        let changed = self.parts.manifest.change(|manifest| {
            manifest.segments.retain(|segment| !is_expired(segment.number));
            progress.apply(manifest);
        });
        if let Err(error) = changed {
            tracing::error!(%error, "manifest cannot be written; segments past retention are kept");
            return;
        }
        {
            let mut segments = lock(&self.segments);
            segments.retain(|segment| !is_expired(segment.reference.number));
            self.count_segments(&segments);
        }
        for segment in &expired {
            for (log, _) in &segment.logs {
                let entry = read(&self.parts.logs).get(log).cloned();
                if let Some(entry) = entry {
                    lock(&entry.view).runs.retain(|run| run.segment.reference.number != segment.reference.number);
                }
            }
            self.parts.schedule.pause().await;
            if let Err(error) = self.parts.place.delete(&segment.name()).await {
                tracing::warn!(segment = segment.display(), %error, "segment past retention cannot be deleted");
            }
        }
        Counters::add(&self.parts.counters.segments_dropped, expired.len() as u64);
    }

    fn is_expired(&self, segment: &Segment) -> bool {
        let now = self.parts.clock.now();
        let logs = read(&self.parts.logs);
        segment.logs.iter().all(|(log, last_arrival)| {
            let alive = logs.get(log).filter(|entry| self.is_alive(entry));
            alive.is_none_or(|entry| *last_arrival < now.minus(entry.retention()).millis())
        })
    }

    /// Removes segments that a crash has left without a place in the manifest.
    async fn remove_strangers(&self) {
        let names = match self.parts.place.list().await {
            Ok(names) => names,
            Err(error) => return tracing::warn!(%error, "segments cannot be listed"),
        };
        for name in names {
            let known = |number: u64| lock(&self.segments).iter().any(|segment| segment.reference.number == number);
            if number_of(&name).is_none_or(known) {
                continue;
            }
            tracing::info!(segment = name, "removing a segment that was never completed");
            if let Err(error) = self.parts.place.delete(&name).await {
                tracing::warn!(segment = name, %error, "segment cannot be deleted");
            }
        }
    }

    fn count_segments(&self, segments: &[Arc<Segment>]) {
        Counters::set(&self.parts.counters.segments, segments.len() as u64);
        let bytes = segments.iter().map(|segment| segment.reference.bytes).sum();
        Counters::set(&self.parts.counters.segment_bytes, bytes);
    }
}

impl Progress {
    /// Takes what is true now into the manifest.
    fn apply(self, manifest: &mut Manifest) {
        manifest.frames_end = manifest.frames_end.max(self.frames_end);
        manifest.last_arrival = manifest.last_arrival.max(self.last_arrival);
        manifest.logs = self.logs;
    }
}

/// What a log has in the journals up to this one and has arrived at `horizon` or later. The tail never has a gap, so
/// what is in memory comes last.
fn unsealed(view: &View, journal: u32, horizon: i64) -> Vec<Unsealed> {
    let end = view.index.partition_point(|index| index.journal <= journal);
    let kept = view.index.partition_point(|index| index.arrival < horizon).min(end);
    let first = view.index.get(kept).map_or(u64::MAX, |index| index.first);
    let mut tail = view.tail.range(view.tail.partition_point(|batch| batch.first.0 < first)..).peekable();
    let with_batch = view.index.range(kept..end).map(|index| {
        let batch = tail.next_if(|batch| batch.first.0 == index.first).cloned();
        Unsealed { index: *index, batch }
    });
    with_batch.collect()
}
