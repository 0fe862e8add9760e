//! The rule of on-demand streams: capacity follows twice the highest write rate of the last 30 days, but is never
//! less than that of the open shards, and a shard that takes more than its share is split.

use base::limits::{MIB, SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND};

/// What a new on-demand stream may take.
pub const WRITE_BYTES_PER_SECOND_MIN: u64 = 4 * MIB as u64;
pub const WRITE_RECORDS_PER_SECOND_MIN: u64 = 4000;
/// What an on-demand stream may take at most.
pub const WRITE_BYTES_PER_SECOND_MAX: u64 = 10 * 1024 * MIB as u64;
/// A shard above either rate is split.
pub const SPLIT_BYTES_PER_SECOND: u64 = 500_000;
pub const SPLIT_RECORDS_PER_SECOND: u64 = 500;
/// Days for which peaks count.
const PEAK_DAYS: u32 = 30;

/// A write rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    pub bytes_per_second: u64,
    pub records_per_second: u64,
}

/// The highest rates of one day, counted in days since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    pub day: u32,
    pub bytes_per_second: u64,
    pub records_per_second: u64,
}

/// Notes a rate; answers whether the peaks rose by so much (a sixteenth) that they are worth keeping.
pub fn note_peak(peaks: &mut Vec<Peak>, day: u32, rate: Rate) -> bool {
    let before = peaks.len();
    peaks.retain(|peak| peak.day + PEAK_DAYS > day);
    let dropped = peaks.len() != before;
    let Some(today) = peaks.iter_mut().find(|peak| peak.day == day) else {
        peaks.push(Peak { day, bytes_per_second: rate.bytes_per_second, records_per_second: rate.records_per_second });
        return true;
    };
    let rises = |new: u64, old: u64| new > old + old / 16;
    let rose = rises(rate.bytes_per_second, today.bytes_per_second)
        || rises(rate.records_per_second, today.records_per_second);
    if rose {
        today.bytes_per_second = today.bytes_per_second.max(rate.bytes_per_second);
        today.records_per_second = today.records_per_second.max(rate.records_per_second);
    }
    rose || dropped
}

/// What the stream may take now.
#[must_use]
pub fn capacity(peaks: &[Peak], warm_mibps: Option<u32>, open_shards: usize) -> Rate {
    let bytes = peaks.iter().map(|peak| peak.bytes_per_second).max().unwrap_or(0);
    let records = peaks.iter().map(|peak| peak.records_per_second).max().unwrap_or(0);
    let warm = u64::from(warm_mibps.unwrap_or(0));
    Rate {
        bytes_per_second: (bytes * 2)
            .max(WRITE_BYTES_PER_SECOND_MIN)
            .max(warm * MIB as u64)
            .max((open_shards * SHARD_WRITE_BYTES_PER_SECOND) as u64)
            .min(WRITE_BYTES_PER_SECOND_MAX),
        records_per_second: (records * 2)
            .max(WRITE_RECORDS_PER_SECOND_MIN)
            .max(warm * 1000)
            .max((open_shards * SHARD_WRITE_RECORDS_PER_SECOND) as u64),
    }
}

/// Whether a shard with this rate is to be split.
#[must_use]
pub fn is_hot(rate: Rate) -> bool {
    rate.bytes_per_second > SPLIT_BYTES_PER_SECOND || rate.records_per_second > SPLIT_RECORDS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bytes_per_second: u64, records_per_second: u64) -> Rate {
        Rate { bytes_per_second, records_per_second }
    }

    #[test]
    fn capacity_is_twice_the_peak_of_thirty_days() {
        let mut peaks = Vec::new();
        assert_eq!(capacity(&peaks, None, 4), rate(4 << 20, 4000));
        assert!(note_peak(&mut peaks, 100, rate(10 << 20, 1000)));
        assert_eq!(capacity(&peaks, None, 4), rate(20 << 20, 4000));
        assert!(!note_peak(&mut peaks, 100, rate(10 << 20, 1001)), "a small rise is not worth a write");
        assert!(note_peak(&mut peaks, 129, rate(1, 9000)));
        assert_eq!(capacity(&peaks, None, 4), rate(20 << 20, 18_000));
        assert!(note_peak(&mut peaks, 130, rate(1, 1)));
        assert_eq!(capacity(&peaks, None, 4), rate(4 << 20, 18_000));
        assert_eq!(capacity(&peaks, Some(100), 4).bytes_per_second, 100 << 20);
    }

    #[test]
    fn capacity_covers_the_open_shards() {
        assert_eq!(capacity(&[], None, 1), rate(4 << 20, 4000));
        assert_eq!(capacity(&[], None, 10), rate(10 << 20, 10_000));
    }

    #[test]
    fn shards_beyond_their_share_are_hot() {
        assert!(!is_hot(rate(500_000, 500)));
        assert!(is_hot(rate(500_001, 1)));
        assert!(is_hot(rate(1, 501)));
    }
}
