//! The limits that AWS enforces, as buckets and windows. All time is handed in.

use std::time::Duration;

use base::limits::{
    SHARD_READ_BYTES_PER_SECOND, SHARD_READ_CALLS_PER_SECOND, SHARD_WRITE_BYTES_PER_SECOND,
    SHARD_WRITE_RECORDS_PER_SECOND,
};
use base::time::Timestamp;

use crate::on_demand::Rate;

const SECOND: Duration = Duration::from_secs(1);

/// A token bucket that holds one second's worth and begins full.
#[derive(Debug)]
struct Bucket {
    per_second: i64,
    /// Thousandths of a token; negative while a large record is being paid off.
    tokens: i64,
}

impl Bucket {
    fn new(per_second: u64) -> Self {
        let per_second = i64::try_from(per_second).unwrap_or(i64::MAX / 2000);
        Self { per_second, tokens: per_second * 1000 }
    }

    fn refill(&mut self, millis: i64) {
        let full = self.per_second * 1000;
        self.tokens = self.tokens.saturating_add(self.per_second.saturating_mul(millis)).min(full);
    }

    /// A new rate; what is in the bucket stays.
    fn set_rate(&mut self, per_second: u64) {
        self.per_second = i64::try_from(per_second).unwrap_or(i64::MAX / 2000);
    }

    fn has(&self, amount: usize) -> bool {
        self.tokens >= millitokens(amount)
    }

    /// As [`Bucket::has`], but a full bucket has room for any amount, which is paid off afterwards.
    fn has_or_is_full(&self, amount: usize) -> bool {
        self.tokens >= millitokens(amount).min(self.per_second * 1000)
    }

    fn take(&mut self, amount: usize) {
        self.tokens = self.tokens.saturating_sub(millitokens(amount));
    }
}

fn millitokens(amount: usize) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// Bytes and records per second into a shard, or into an on-demand stream.
#[derive(Debug)]
pub struct WriteThrottle {
    bytes: Bucket,
    records: Bucket,
    last: Timestamp,
}

impl WriteThrottle {
    #[must_use]
    pub fn for_shard(now: Timestamp) -> Self {
        let rate = Rate {
            bytes_per_second: SHARD_WRITE_BYTES_PER_SECOND as u64,
            records_per_second: SHARD_WRITE_RECORDS_PER_SECOND as u64,
        };
        Self::new(rate, now)
    }

    #[must_use]
    pub fn new(rate: Rate, now: Timestamp) -> Self {
        Self { bytes: Bucket::new(rate.bytes_per_second), records: Bucket::new(rate.records_per_second), last: now }
    }

    pub fn set_rate(&mut self, rate: Rate) {
        self.bytes.set_rate(rate.bytes_per_second);
        self.records.set_rate(rate.records_per_second);
    }

    /// Takes room for `records` records of `bytes` bytes together, or nothing.
    pub fn admit(&mut self, now: Timestamp, records: usize, bytes: usize) -> bool {
        self.refill(now);
        let admitted = self.records.has(records) && self.bytes.has(bytes);
        if admitted {
            self.records.take(records);
            self.bytes.take(bytes);
        }
        admitted
    }

    /// Takes room for one record, or nothing. A record of more than a second's worth needs a full bucket.
    pub fn admit_record(&mut self, now: Timestamp, bytes: usize) -> bool {
        self.refill(now);
        let admitted = self.records.has(1) && self.bytes.has_or_is_full(bytes);
        if admitted {
            self.records.take(1);
            self.bytes.take(bytes);
        }
        admitted
    }

    fn refill(&mut self, now: Timestamp) {
        if now > self.last {
            let millis = now.millis() - self.last.millis();
            self.bytes.refill(millis);
            self.records.refill(millis);
            self.last = now;
        } else if is_set_back(self.last, now) {
            self.last = now;
        }
    }
}

/// Whether the clock was set back since `last`. Less than a second is no more than two callers who overtake each
/// other.
fn is_set_back(last: Timestamp, now: Timestamp) -> bool {
    last.since(now) >= SECOND
}

/// Whether a window of one second that began at `start` is over.
fn is_over(start: Timestamp, now: Timestamp) -> bool {
    now.since(start) >= SECOND || is_set_back(start, now)
}

/// Calls in windows of one second that begin with a call.
#[derive(Debug, Default)]
pub struct CallThrottle {
    window_start: Timestamp,
    calls: usize,
}

impl CallThrottle {
    pub fn admit(&mut self, now: Timestamp, calls_per_second: usize) -> bool {
        if is_over(self.window_start, now) {
            *self = Self { window_start: now, calls: 0 };
        }
        if self.calls >= calls_per_second {
            return false;
        }
        self.calls += 1;
        true
    }
}

/// GetRecords calls and bytes out of a shard. A call that returns more than a second's worth is paid off by refusing
/// as many seconds as it is worth; otherwise refusal lasts for the rest of the second.
#[derive(Debug, Default)]
pub struct ReadThrottle {
    window_start: Timestamp,
    calls: usize,
    bytes: usize,
    refused_until: Timestamp,
}

impl ReadThrottle {
    pub fn admit(&mut self, now: Timestamp) -> bool {
        if is_set_back(self.window_start, now) {
            *self = Self { window_start: now, ..Self::default() };
        }
        if now < self.refused_until {
            return false;
        }
        if is_over(self.window_start, now) {
            self.window_start = now;
            self.calls = 0;
            self.bytes = 0;
        }
        if self.calls >= SHARD_READ_CALLS_PER_SECOND || self.bytes >= SHARD_READ_BYTES_PER_SECOND {
            return false;
        }
        self.calls += 1;
        true
    }

    /// Notes what an admitted call has returned. Calls that were admitted side by side are paid off one after the
    /// other.
    pub fn returned(&mut self, now: Timestamp, bytes: usize) {
        self.bytes += bytes;
        if bytes > SHARD_READ_BYTES_PER_SECOND {
            let millis = bytes as u64 * 1000 / SHARD_READ_BYTES_PER_SECOND as u64;
            self.refused_until = self.refused_until.max(now).plus(Duration::from_millis(millis));
        }
    }
}

#[cfg(test)]
mod tests {
    use base::limits::MIB;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn after(millis: u64) -> Timestamp {
        START.plus(Duration::from_millis(millis))
    }

    #[test]
    fn a_shard_takes_a_thousand_records_a_second() {
        let mut throttle = WriteThrottle::for_shard(START);
        assert!((0..1000).all(|_| throttle.admit(START, 1, 10)));
        assert!(!throttle.admit(START, 1, 10));
        assert!(!throttle.admit(after(0), 1, 10));
        assert!(throttle.admit(after(500), 500, 10));
        assert!(!throttle.admit(after(500), 1, 10));
    }

    #[test]
    fn a_shard_takes_a_mebibyte_a_second() {
        let mut throttle = WriteThrottle::for_shard(START);
        assert!(throttle.admit(START, 1, MIB));
        assert!(!throttle.admit(after(999), 1, MIB));
        assert!(throttle.admit(after(1000), 1, MIB));
    }

    #[test]
    fn a_large_record_is_paid_off() {
        let mut throttle = WriteThrottle::for_shard(START);
        assert!(throttle.admit_record(START, 10 * MIB));
        assert!(!throttle.admit_record(after(9000), 1));
        assert!(throttle.admit_record(after(9001), 1));
        assert!(!throttle.admit_record(after(9500), 2 * MIB), "needs a full bucket");
        assert!(throttle.admit_record(after(10_001), 2 * MIB));
    }

    #[test]
    fn many_records_are_no_large_record() {
        let mut throttle = WriteThrottle::for_shard(START);
        assert!(!throttle.admit(START, 2, MIB + 1));
        assert!(throttle.admit(START, 2, MIB));
    }

    #[test]
    fn reads_are_refused_for_the_rest_of_the_second() {
        let mut throttle = ReadThrottle::default();
        assert!((0..5).all(|_| throttle.admit(START)));
        assert!(!throttle.admit(after(999)));
        assert!(throttle.admit(after(1000)));
        throttle.returned(after(1000), 2 * MIB);
        assert!(!throttle.admit(after(1999)));
        assert!(throttle.admit(after(2000)));
    }

    #[test]
    fn ten_mebibytes_are_paid_for_with_five_seconds() {
        let mut throttle = ReadThrottle::default();
        assert!(throttle.admit(START));
        throttle.returned(START, 10 * MIB);
        assert!(!throttle.admit(after(4999)));
        assert!(throttle.admit(after(5000)));
    }

    #[test]
    fn readings_side_by_side_are_all_paid_for() {
        let mut throttle = ReadThrottle::default();
        assert!(throttle.admit(START) && throttle.admit(START));
        throttle.returned(START, 10 * MIB);
        throttle.returned(after(100), 10 * MIB);
        assert!(!throttle.admit(after(9999)));
        assert!(throttle.admit(after(10_000)));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        let mut write = WriteThrottle::for_shard(after(3_600_000));
        assert!(write.admit(after(3_600_000), 1000, MIB));
        assert!(!write.admit(after(3_599_999), 1, 1), "a caller who was overtaken");
        assert!(!write.admit(after(3_600_000), 1, 1), "no millisecond counts twice");
        assert!(!write.admit(START, 1, 1));
        assert!(write.admit(after(1000), 1000, MIB));
        let mut read = ReadThrottle::default();
        assert!((0..5).all(|_| read.admit(after(3_600_000))));
        assert!(!read.admit(after(3_599_999)));
        read.returned(after(3_600_000), 10 * MIB);
        assert!(read.admit(START));
        let mut calls = CallThrottle::default();
        assert!(calls.admit(after(3_600_000), 1));
        assert!(calls.admit(START, 1));
        assert!(!calls.admit(START, 1));
    }

    #[test]
    fn calls_are_counted_by_the_second() {
        let mut throttle = CallThrottle::default();
        assert!(throttle.admit(START, 1));
        assert!(!throttle.admit(after(999), 1));
        assert!(throttle.admit(after(1000), 1));
    }
}
