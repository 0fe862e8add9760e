//! What requests cost and bring, added up until somebody takes it: for metrics by the minute. No locks.

use std::sync::atomic::{AtomicU64, Ordering};

use base::ids::ShardIndex;
use tokio::time::Instant;

use crate::consumer_meters::{ConsumerMeters, ConsumerMetersTaken};
use crate::shard::TrafficCounts;

/// Values that were noted since the last time they were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    pub count: u64,
    pub sum: u64,
    pub min: u64,
    pub max: u64,
}

/// Adds up values of one kind.
#[derive(Debug)]
pub struct Meter {
    count: AtomicU64,
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { count: AtomicU64::new(0), sum: AtomicU64::new(0), min: AtomicU64::new(u64::MAX), max: AtomicU64::new(0) }
    }
}

impl Meter {
    pub fn note(&self, value: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
        // Extremes are rarely passed: looking is cheaper than writing.
        if value < self.min.load(Ordering::Relaxed) {
            self.min.fetch_min(value, Ordering::Relaxed);
        }
        if value > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(value, Ordering::Relaxed);
        }
    }

    /// Takes what was noted, and begins anew; `None` when nothing was. A value that is noted at the same moment may be
    /// counted now and added up later.
    pub fn take(&self) -> Option<Spread> {
        let count = self.count.swap(0, Ordering::Relaxed);
        let sum = self.sum.swap(0, Ordering::Relaxed);
        let min = self.min.swap(u64::MAX, Ordering::Relaxed);
        let max = self.max.swap(0, Ordering::Relaxed);
        (count > 0).then_some(Spread { count, sum, min: min.min(max), max })
    }
}

/// Calls of one operation on one stream.
#[derive(Debug, Default)]
pub struct CallMeter {
    micros: Meter,
    failed: AtomicU64,
    bytes: Meter,
    records: Meter,
}

impl CallMeter {
    /// Notes a call that has ended.
    pub fn ended(&self, began: Instant, succeeded: bool) {
        self.micros.note(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        if !succeeded {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes what a call has carried.
    pub fn carried(&self, records: usize, bytes: usize) {
        self.records.note(records as u64);
        self.bytes.note(bytes as u64);
    }

    fn take(&self) -> Option<Calls> {
        let micros = self.micros.take();
        let failed = self.failed.swap(0, Ordering::Relaxed);
        let (bytes, records) = (self.bytes.take(), self.records.take());
        Some(Calls { micros: micros?, failed, bytes, records })
    }
}

/// Calls of one operation since the last time they were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// How long they took.
    pub micros: Spread,
    pub failed: u64,
    /// Put, or returned; none of calls that were refused before.
    pub bytes: Option<Spread>,
    /// As `bytes`; those of PutRecords are all that came, stored or not.
    pub records: Option<Spread>,
}

/// What has become of the records of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub stored: usize,
    pub stored_bytes: usize,
    pub throttled: usize,
}

/// Everything that is noted of one stream.
#[derive(Debug, Default)]
pub struct Meters {
    pub put_record: CallMeter,
    pub put_records: CallMeter,
    pub put_records_throttled: AtomicU64,
    pub put_records_failed: AtomicU64,
    pub get_records: CallMeter,
    /// Distance to the tip that GetRecords leaves its readers at, in milliseconds.
    pub iterator_age: Meter,
    pub consumers: ConsumerMeters,
}

/// What was noted of one stream since the last time it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetersTaken {
    pub put_record: Option<Calls>,
    pub put_records: Option<Calls>,
    /// Records of PutRecords that a limit has refused.
    pub put_records_throttled: u64,
    /// Records of PutRecords that were not stored for any other reason.
    pub put_records_failed: u64,
    pub get_records: Option<Calls>,
    /// Milliseconds.
    pub iterator_age: Option<Spread>,
    /// Those that something was noted of.
    pub consumers: Vec<ConsumerMetersTaken>,
}

/// What was noted of one shard since the last time it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardMetersTaken {
    pub shard: ShardIndex,
    /// Since the start of the process.
    pub counts: TrafficCounts,
    /// Milliseconds.
    pub iterator_age: Option<Spread>,
}

impl Meters {
    /// Notes what has become of the records of one PutRecords.
    pub fn put_records_ended(&self, began: Instant, records: usize, tally: Tally) {
        self.put_records.ended(began, tally.stored > 0);
        self.put_records.carried(records, tally.stored_bytes);
        if tally.stored < records {
            self.put_records_throttled.fetch_add(tally.throttled as u64, Ordering::Relaxed);
            let failed = records.saturating_sub(tally.stored + tally.throttled);
            self.put_records_failed.fetch_add(failed as u64, Ordering::Relaxed);
        }
    }

    pub fn take(&self) -> MetersTaken {
        MetersTaken {
            put_record: self.put_record.take(),
            put_records: self.put_records.take(),
            put_records_throttled: self.put_records_throttled.swap(0, Ordering::Relaxed),
            put_records_failed: self.put_records_failed.swap(0, Ordering::Relaxed),
            get_records: self.get_records.take(),
            iterator_age: self.iterator_age.take(),
            consumers: self.consumers.take(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_gone() {
        let meter = Meter::default();
        assert_eq!(meter.take(), None);
        [3, 1, 8].into_iter().for_each(|value| meter.note(value));
        assert_eq!(meter.take(), Some(Spread { count: 3, sum: 12, min: 1, max: 8 }));
        assert_eq!(meter.take(), None);
        meter.note(0);
        assert_eq!(meter.take(), Some(Spread { count: 1, sum: 0, min: 0, max: 0 }));
    }
}
