//! The log in memory: batches in a queue per shard, dropped when they are past retention or when all logs together
//! exceed a budget, oldest first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::BoxFuture;
use base::time::{Clock, Timestamp};
use tokio::sync::watch;

use crate::read_run::{RunCollector, StoredBatch};
use crate::shard_log::{
    Append, Appended, Durability, LogBounds, LogError, LogId, LogOptions, LogStatus, Position, ReadLimit, ReadRun,
    Refused, ShardLog,
};

/// What all logs together may hold unless said otherwise.
pub const BUDGET_BYTES_DEFAULT: usize = 512 * base::limits::MIB;
/// Bookkeeping of one batch, counted against the budget beside its bytes.
const BATCH_OVERHEAD_BYTES: usize = 96;

/// A log that is gone when it is dropped.
#[derive(Debug)]
pub struct MemoryLog {
    clock: Arc<dyn Clock>,
    budget_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    logs: HashMap<LogId, Log>,
    /// Logs in the order in which their batches were appended; entries of batches already dropped are stale.
    order: VecDeque<LogId>,
    /// Batches kept, and their bytes.
    held: Held,
    appends: u64,
    records: u64,
    last_arrival: Timestamp,
}

/// A number of batches and what they count against the budget.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    batches: usize,
    bytes: usize,
}

impl Held {
    fn add(&mut self, batch: &StoredBatch) {
        self.batches += 1;
        self.bytes += size(batch);
    }

    fn subtract(&mut self, other: Self) {
        self.batches -= other.batches;
        self.bytes -= other.bytes;
    }
}

#[derive(Debug)]
struct Log {
    options: LogOptions,
    next: Position,
    batches: VecDeque<StoredBatch>,
    watch: Option<watch::Sender<Position>>,
}

impl MemoryLog {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_budget(clock, BUDGET_BYTES_DEFAULT)
    }

    /// `budget_bytes`: what all logs together may hold; beyond it the oldest records are dropped.
    #[must_use]
    pub fn with_budget(clock: Arc<dyn Clock>, budget_bytes: usize) -> Self {
        Self { clock, budget_bytes, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs on one log after dropping what is past its retention.
    fn with_log<T>(&self, log: LogId, run: impl FnOnce(&mut Log) -> T) -> Result<T, LogError> {
        let now = self.clock.now();
        let mut state = self.state();
        let state = &mut *state;
        let log = state.logs.get_mut(&log).ok_or(LogError::NotFound)?;
        state.held.subtract(log.trim(now));
        Ok(run(log))
    }
}

impl State {
    fn append(&mut self, append: Append, now: Timestamp) -> Result<Appended, Refused> {
        let log = self.logs.get_mut(&append.log).ok_or(Refused::NotFound)?;
        if log.options.closed {
            return Err(Refused::Closed);
        }
        let appended = Appended { first: log.next, arrival: now.max(self.last_arrival) };
        self.last_arrival = appended.arrival;
        if append.records.count() == 0 {
            return Ok(appended);
        }
        let batch = StoredBatch {
            first: appended.first,
            arrival: appended.arrival,
            encrypted: append.encrypted,
            records: append.records,
        };
        log.next = batch.end();
        self.appends += 1;
        self.records += u64::from(batch.records.count());
        self.held.add(&batch);
        self.held.subtract(log.trim(now));
        log.batches.push_back(batch);
        self.order.push_back(append.log);
        if let Some(watch) = &log.watch {
            watch.send_replace(log.next);
        }
        Ok(appended)
    }

    fn evict(&mut self, budget_bytes: usize) {
        while self.held.bytes > budget_bytes {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(batch) = self.logs.get_mut(&oldest).and_then(|log| log.batches.pop_front()) {
                self.held.subtract(Held { batches: 1, bytes: size(&batch) });
            }
        }
        // Entries outlive batches that retention has dropped; rebuild before they pile up.
        if self.order.len() > 2 * self.held.batches + 1024 {
            let mut order: Vec<(Timestamp, LogId)> =
                self.logs.iter().flat_map(|(id, log)| log.batches.iter().map(|batch| (batch.arrival, *id))).collect();
            order.sort_unstable();
            self.order = order.into_iter().map(|(_, id)| id).collect();
        }
    }
}

impl Log {
    /// Drops what is past retention; answers what that was.
    fn trim(&mut self, now: Timestamp) -> Held {
        let horizon = now.minus(self.options.retention);
        let mut dropped = Held::default();
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.arrival < horizon) {
            dropped.add(&batch);
        }
        dropped
    }

    fn bounds(&self) -> LogBounds {
        LogBounds {
            first: self.batches.front().map_or(self.next, |batch| batch.first),
            next: self.next,
            last_arrival: self.batches.back().map(|batch| batch.arrival),
        }
    }

    fn read(&self, from: Position, limit: ReadLimit) -> Result<ReadRun, LogError> {
        let mut run = RunCollector::new(from, limit);
        let start = self.batches.partition_point(|batch| batch.end() <= from);
        for batch in self.batches.range(start..) {
            let more = run.take(batch).map_err(|error| LogError::Damaged(error.to_string()))?;
            if !more {
                break;
            }
        }
        Ok(run.finish(self.bounds().first))
    }

    fn find(&self, at: Timestamp) -> Position {
        let index = self.batches.partition_point(|batch| batch.arrival < at);
        self.batches.get(index).map_or(self.next, |batch| batch.first)
    }
}

fn size(batch: &StoredBatch) -> usize {
    batch.records.bytes().len() + BATCH_OVERHEAD_BYTES
}

impl ShardLog for MemoryLog {
    fn open(&self, log: LogId, options: LogOptions) {
        self.state().logs.entry(log).and_modify(|log| log.options = options).or_insert_with(|| Log {
            options,
            next: Position(0),
            batches: VecDeque::new(),
            watch: None,
        });
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<Vec<Result<Appended, Refused>>, LogError>> {
        let now = self.clock.now();
        let mut state = self.state();
        let appended = appends.into_iter().map(|append| state.append(append, now)).collect();
        state.evict(self.budget_bytes);
        drop(state);
        Box::pin(async { Ok(appended) })
    }

    fn close(&self, log: LogId) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        let closed = self.with_log(log, |log| {
            log.options.closed = true;
            log.bounds()
        });
        Box::pin(async { closed })
    }

    fn read(&self, log: LogId, from: Position, limit: ReadLimit) -> BoxFuture<'_, Result<ReadRun, LogError>> {
        let run = self.with_log(log, |log| log.read(from, limit)).and_then(|run| run);
        Box::pin(async { run })
    }

    fn find(&self, log: LogId, at: Timestamp) -> BoxFuture<'_, Result<Position, LogError>> {
        let found = self.with_log(log, |log| log.find(at));
        Box::pin(async { found })
    }

    fn bounds(&self, log: LogId) -> Result<LogBounds, LogError> {
        self.with_log(log, |log| log.bounds())
    }

    fn watch(&self, log: LogId) -> Result<watch::Receiver<Position>, LogError> {
        self.with_log(log, |log| {
            let next = log.next;
            log.watch.get_or_insert_with(|| watch::Sender::new(next)).subscribe()
        })
    }

    fn remove(&self, log: LogId) {
        let mut state = self.state();
        if let Some(log) = state.logs.remove(&log) {
            let mut dropped = Held::default();
            log.batches.iter().for_each(|batch| dropped.add(batch));
            state.held.subtract(dropped);
        }
    }

    fn status(&self) -> LogStatus {
        let state = self.state();
        LogStatus {
            durability: Durability::None,
            failed: None,
            counters: vec![
                ("logs", state.logs.len() as u64),
                ("appends", state.appends),
                ("records", state.records),
                ("tail_bytes", state.held.bytes as u64),
            ],
        }
    }
}
