//! The 128-bit space that the shards of a stream divide among them.

use std::fmt;
use std::str::FromStr;

use crate::ids::InvalidId;

/// A point in the hash space: MD5 of the partition key as a big-endian number, or the explicit hash key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashKey(pub u128);

impl HashKey {
    pub const MIN: Self = Self(0);
    pub const MAX: Self = Self(u128::MAX);

    /// The hash key of a partition key.
    #[must_use]
    pub fn of(partition_key: &str) -> Self {
        let mut key = [Self::MIN];
        crate::md5::hash_keys(&[partition_key.as_bytes()], &mut key);
        key[0]
    }
}

impl fmt::Display for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for HashKey {
    type Err = InvalidId;

    /// Decimal without leading zeros, below 2^128.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let canonical = text == "0" || (text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0'));
        if text.is_empty() || !canonical {
            return Err(InvalidId::new("hash key", text));
        }
        text.parse().map(Self).map_err(|_| InvalidId::new("hash key", text))
    }
}

/// The part of the hash space that a shard owns; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashKeyRange {
    pub start: HashKey,
    pub end: HashKey,
}

impl HashKeyRange {
    pub const ALL: Self = Self { start: HashKey::MIN, end: HashKey::MAX };

    #[must_use]
    pub fn contains(&self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }

    /// Lower and upper part when cut before `at`; `None` unless `at` is greater than `start + 1` and less than
    /// `end`, the rule that AWS enforces.
    #[must_use]
    pub fn split(&self, at: HashKey) -> Option<(Self, Self)> {
        if at.0 <= self.start.0.saturating_add(1) || at >= self.end {
            return None;
        }
        Some((Self { start: self.start, end: HashKey(at.0 - 1) }, Self { start: at, end: self.end }))
    }

    /// The union with a range that begins right after `self` ends.
    #[must_use]
    pub fn join(&self, upper: &Self) -> Option<Self> {
        (self.end.0.checked_add(1) == Some(upper.start.0)).then_some(Self { start: self.start, end: upper.end })
    }

    /// The whole space in `count` parts of equal width; the last takes the remainder.
    #[must_use]
    pub fn uniform(count: u32) -> Vec<Self> {
        let count = u128::from(count.max(1));
        // floor(2^128 / count): 2^128 itself does not fit, so divide 2^128 - 1 and mend the exact case.
        let width = if count == 1 { 0 } else { u128::MAX / count + u128::from(u128::MAX % count == count - 1) };
        (0..count)
            .map(|i| Self {
                start: HashKey(width * i),
                end: HashKey(if i + 1 == count { u128::MAX } else { width * (i + 1) - 1 }),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_ranges_tile_the_space() {
        for count in [1, 2, 3, 4, 5, 7, 8, 16, 100, 10_000] {
            let ranges = HashKeyRange::uniform(count);
            assert_eq!(ranges.len(), count as usize);
            assert_eq!(ranges[0].start, HashKey::MIN);
            assert_eq!(ranges[ranges.len() - 1].end, HashKey::MAX);
            for pair in ranges.windows(2) {
                assert_eq!(pair[0].end.0 + 1, pair[1].start.0);
            }
        }
        assert_eq!(HashKeyRange::uniform(2)[1].start.0, 1 << 127);
    }

    #[test]
    fn split_follows_the_observed_rule() {
        let half = HashKey(1 << 127);
        let (lower, upper) = HashKeyRange::ALL.split(half).expect("middle");
        assert_eq!((lower.end.0 + 1, upper.start), (half.0, half));
        assert_eq!(lower.join(&upper), Some(HashKeyRange::ALL));
        assert_eq!(upper.join(&lower), None);
        for at in [HashKey(0), HashKey(1), HashKey::MAX] {
            assert_eq!(HashKeyRange::ALL.split(at), None);
        }
    }
}
