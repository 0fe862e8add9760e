//! The log of one machine: sequencer and commit threads in front, journal and segments behind.

pub(crate) mod commit;
pub(crate) mod completion;
pub(crate) mod counters;
pub(crate) mod driver;
pub(crate) mod entry;
pub(crate) mod open;
pub(crate) mod queue;
pub(crate) mod read;
pub(crate) mod rebuild;
pub(crate) mod sequencer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use base::BoxFuture;
use base::time::Timestamp;
use store::shard_log::{
    Append, Appended, Durability, LogBounds, LogError, LogId, LogOptions, LogStatus, Position, ReadLimit, ReadRun,
    Refused, ShardLog,
};
use tokio::sync::{Semaphore, oneshot, watch};

use crate::files::Held;
use crate::journal::prepare::Full;
use crate::schedule::Schedule;
use crate::segments::{Message, Worker};
use crate::sync::{lock, read as read_lock, write as write_lock};
use counters::Counters;
use entry::LogEntry;
use queue::{Close, Group, Item};
use sequencer::{Sequencer, frame_bytes};

/// The engine behind [`ShardLog`] on the disk of one machine.
pub struct LocalLog {
    sequencer: Arc<Sequencer>,
    worker: Arc<Worker>,
    counters: Arc<Counters>,
    /// Bytes that may be on their way to the journal.
    permits: Arc<Semaphore>,
    group_bytes_max: usize,
    durability: Durability,
    all_open: Arc<AtomicBool>,
    stop: Arc<Stop>,
    messages: mpsc::Sender<Message>,
    threads: Mutex<Threads>,
    schedule: Arc<dyn Schedule>,
    _lock: Box<dyn Held>,
}

#[derive(Default)]
struct Threads {
    commit: Vec<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
}

/// Tells background threads to end.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self) {
        *lock(&self.stopped) = true;
        self.changed.notify_all();
    }

    /// Waits; `true` when it is time to end.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.stopped), at_most, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl LocalLog {
    /// Every log that exists has been opened: what belongs to others may be dropped from now on. Until then
    /// everything is kept.
    pub fn all_logs_open(&self) {
        self.all_open.store(true, Ordering::SeqCst);
        write_lock(&self.sequencer.logs).retain(|_, entry| entry.is_opened());
    }

    /// Set while no journal file can be made, most often because the disk is full. Appends are refused as soon as the
    /// current file has no room for them, and accepted again when there is space. Also the counters `full`, 1 or 0, and
    /// `full_since_seconds`, since 1970, of [`ShardLog::status`].
    #[must_use]
    pub fn full(&self) -> Option<Full> {
        self.sequencer.preparer.full()
    }

    /// Looks after retention now instead of at the next interval, and waits for the end of it. Blocks.
    pub fn maintain(&self) {
        let (done, waiting) = mpsc::sync_channel(1);
        if self.messages.send(Message::Maintain(done)).is_ok() {
            // An error means that the worker has stopped: then nothing is left to wait for.
            let _ = waiting.recv();
        }
    }

    /// Completes what is queued, refuses what comes later, and stops all threads. Blocks. Happens on drop too.
    pub fn shut_down(&self) {
        if self.stop_threads()
            && let Err(error) = self.end()
        {
            tracing::warn!(%error, "manifest cannot be written; a damaged end of the journal would pass for a torn one");
        }
    }

    /// After the last commit: everything is on the device from now on, whatever durability asks for, and the manifest says so.
    fn end(&self) -> std::io::Result<()> {
        if self.durability != Durability::Sync {
            for journal in read_lock(&self.sequencer.journals).values() {
                journal.file.flush()?;
            }
        }
        self.worker.store_manifest(self.sequencer.completion.written_end())
    }

    /// Ends the threads; `false` when that was done before.
    fn stop_threads(&self) -> bool {
        let threads = std::mem::take(&mut *lock(&self.threads));
        if threads.commit.is_empty() {
            return false;
        }
        self.permits.close();
        self.sequencer.queue.stop();
        join(threads.commit);
        self.stop.set();
        self.sequencer.preparer.stop();
        // The worker may have ended by itself.
        let _ = self.messages.send(Message::Stop);
        join(threads.background);
        true
    }

    fn entry(&self, log: LogId) -> Result<Arc<LogEntry>, LogError> {
        let logs = read_lock(&self.sequencer.logs);
        logs.get(&log).filter(|entry| entry.is_opened()).cloned().ok_or(LogError::NotFound)
    }

    async fn append_group(&self, appends: Vec<Append>) -> queue::AppendAnswer {
        if appends.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(error) = self.sequencer.completion.failure() {
            return Err(error);
        }
        let frame_bytes = frame_bytes(&appends);
        let wanted = u32::try_from(frame_bytes).ok().filter(|_| frame_bytes <= self.group_bytes_max);
        let Some(wanted) = wanted else {
            let most = self.group_bytes_max;
            return Err(LogError::Full(format!(
                "{frame_bytes} bytes in one append exceed the largest frame of {most}"
            )));
        };
        let permit = Arc::clone(&self.permits).acquire_many_owned(wanted).await.map_err(|_| shut_down())?;
        let (answer, answered) = oneshot::channel();
        let queued = self.sequencer.queue.push(Item::Append(Group { appends, frame_bytes, answer, permit }));
        if queued.is_some() {
            // Lets other tasks that are ready go first: what they append comes into the same frame. It returns at once when
            // there are none.
            tokio::task::yield_now().await;
        }
        drop(queued);
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    async fn close_log(&self, log: LogId) -> Result<LogBounds, LogError> {
        let entry = self.entry(log)?;
        if self.permits.is_closed() {
            return Err(shut_down());
        }
        let (answer, answered) = oneshot::channel();
        drop(self.sequencer.queue.push(Item::Close(Close { entry, answer })));
        answered.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Why an answer never came.
    fn gone(&self) -> LogError {
        self.sequencer.completion.failure().unwrap_or_else(shut_down)
    }
}

fn shut_down() -> LogError {
    LogError::Failed("the log is being shut down".to_owned())
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the log has panicked");
        }
    }
}

impl Drop for LocalLog {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl ShardLog for LocalLog {
    fn open(&self, log: LogId, options: LogOptions) {
        let entry = read_lock(&self.sequencer.logs).get(&log).cloned();
        let entry = entry.unwrap_or_else(|| {
            let mut logs = write_lock(&self.sequencer.logs);
            Arc::clone(logs.entry(log).or_insert_with(|| Arc::new(LogEntry::new(log, 0))))
        });
        entry.open(options);
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<Vec<Result<Appended, Refused>>, LogError>> {
        Box::pin(self.append_group(appends))
    }

    fn close(&self, log: LogId) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        Box::pin(self.close_log(log))
    }

    fn read(&self, log: LogId, from: Position, limit: ReadLimit) -> BoxFuture<'_, Result<ReadRun, LogError>> {
        Box::pin(async move {
            let entry = self.entry(log)?;
            read::read(&entry, &self.sequencer.journals, &*self.schedule, from, limit).await
        })
    }

    fn find(&self, log: LogId, at: Timestamp) -> BoxFuture<'_, Result<Position, LogError>> {
        Box::pin(async move {
            let entry = self.entry(log)?;
            read::find(&entry, at).await
        })
    }

    fn bounds(&self, log: LogId) -> Result<LogBounds, LogError> {
        let entry = self.entry(log)?;
        let bounds = lock(&entry.view).bounds();
        Ok(bounds)
    }

    fn watch(&self, log: LogId) -> Result<watch::Receiver<Position>, LogError> {
        let entry = self.entry(log)?;
        let mut view = lock(&entry.view);
        let next = Position(view.next);
        Ok(view.watch.get_or_insert_with(|| watch::Sender::new(next)).subscribe())
    }

    fn remove(&self, log: LogId) {
        let Some(entry) = write_lock(&self.sequencer.logs).remove(&log) else { return };
        entry.remove();
        let mut view = lock(&entry.view);
        view.watch = None;
        view.tail = std::collections::VecDeque::new();
        view.index = std::collections::VecDeque::new();
        view.runs = Vec::new();
    }

    fn status(&self) -> LogStatus {
        let mut counters = self.counters.list();
        counters.push(("logs", read_lock(&self.sequencer.logs).len() as u64));
        counters.push(("journal_files", read_lock(&self.sequencer.journals).len() as u64));
        counters.push(("append_bytes_free", self.permits.available_permits() as u64));
        let full = self.full();
        counters.push(("full", u64::from(full.is_some())));
        let since = full.map_or(0, |full| full.since.millis() / 1000);
        counters.push(("full_since_seconds", u64::try_from(since).unwrap_or(0)));
        let failed = self.sequencer.completion.failure().map(|error| error.to_string());
        LogStatus { durability: self.durability, failed, counters }
    }
}

#[cfg(test)]
mod tests;
