//! A shard as requests see it: what is persisted, and what happens on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use base::time::Timestamp;

use crate::meters::Meter;
use crate::rows::ShardRow;
use crate::throttle::{CallThrottle, ReadThrottle, WriteThrottle};

/// One shard. Facts never change: a closed shard replaces the open one in the next snapshot.
#[derive(Debug)]
pub struct Shard {
    pub row: ShardRow,
    /// Made on first use, so that idle shards cost little memory.
    activity: OnceLock<Arc<ShardActivity>>,
}

impl Shard {
    #[must_use]
    pub fn new(row: ShardRow) -> Self {
        Self { row, activity: OnceLock::new() }
    }

    /// The same shard with other facts; counters and limits go on.
    #[must_use]
    pub fn with_row(&self, row: ShardRow) -> Self {
        let activity = OnceLock::new();
        if let Some(existing) = self.activity.get() {
            activity.get_or_init(|| existing.clone());
        }
        Self { row, activity }
    }

    pub fn activity(&self) -> &ShardActivity {
        self.activity.get_or_init(Arc::default)
    }

    /// `None` when nothing has ever happened on the shard.
    pub fn activity_if_any(&self) -> Option<&ShardActivity> {
        self.activity.get().map(AsRef::as_ref)
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        self.row.closed.is_none()
    }

    /// Whether the shard was closed before `horizon`: all its records are past retention.
    #[must_use]
    pub fn is_expired(&self, horizon: Timestamp) -> bool {
        self.row.closed.as_ref().is_some_and(|closed| closed.at < horizon)
    }
}

/// Counters and limits of a shard in use.
#[derive(Debug, Default)]
pub struct ShardActivity {
    pub traffic: Traffic,
    /// As [`crate::meters::Meters::iterator_age`], noted while the stream has shard-level metrics.
    pub iterator_age: Meter,
    write: Mutex<Option<WriteThrottle>>,
    read: Mutex<ReadThrottle>,
    iterators: Mutex<CallThrottle>,
}

impl ShardActivity {
    /// The limit on writes; begins with a full bucket.
    pub fn with_write<T>(&self, now: Timestamp, run: impl FnOnce(&mut WriteThrottle) -> T) -> T {
        run(lock(&self.write).get_or_insert_with(|| WriteThrottle::for_shard(now)))
    }

    pub fn read(&self) -> MutexGuard<'_, ReadThrottle> {
        lock(&self.read)
    }

    pub fn iterators(&self) -> MutexGuard<'_, CallThrottle> {
        lock(&self.iterators)
    }
}

/// A lock whose data is plain numbers: a panic elsewhere cannot have left them inconsistent.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What went in and out since the start of the process.
#[derive(Debug, Default)]
pub struct Traffic {
    incoming_bytes: AtomicU64,
    incoming_records: AtomicU64,
    outgoing_bytes: AtomicU64,
    outgoing_records: AtomicU64,
    write_throttled: AtomicU64,
    read_throttled: AtomicU64,
}

/// The counters of a [`Traffic`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrafficCounts {
    pub incoming_bytes: u64,
    pub incoming_records: u64,
    pub outgoing_bytes: u64,
    pub outgoing_records: u64,
    /// Records refused by a write limit.
    pub write_throttled: u64,
    /// Calls refused by a read limit.
    pub read_throttled: u64,
}

impl Traffic {
    pub fn incoming(&self, records: usize, bytes: usize) {
        self.incoming_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.incoming_records.fetch_add(records as u64, Ordering::Relaxed);
    }

    pub fn outgoing(&self, records: usize, bytes: usize) {
        self.outgoing_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.outgoing_records.fetch_add(records as u64, Ordering::Relaxed);
    }

    pub fn write_throttled(&self, records: usize) {
        self.write_throttled.fetch_add(records as u64, Ordering::Relaxed);
    }

    pub fn read_throttled(&self) {
        self.read_throttled.fetch_add(1, Ordering::Relaxed);
    }

    #[must_use]
    pub fn counts(&self) -> TrafficCounts {
        TrafficCounts {
            incoming_bytes: self.incoming_bytes.load(Ordering::Relaxed),
            incoming_records: self.incoming_records.load(Ordering::Relaxed),
            outgoing_bytes: self.outgoing_bytes.load(Ordering::Relaxed),
            outgoing_records: self.outgoing_records.load(Ordering::Relaxed),
            write_throttled: self.write_throttled.load(Ordering::Relaxed),
            read_throttled: self.read_throttled.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_shards_are_small() {
        // The shard behind its two counts, a pointer in the list of shards, a pointer and a border in the map.
        let bytes = size_of::<Shard>() + 2 * size_of::<usize>() + 2 * size_of::<Arc<Shard>>() + size_of::<u128>();
        assert!(bytes <= 160, "{bytes}");
    }
}
