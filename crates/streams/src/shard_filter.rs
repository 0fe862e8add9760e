//! Which shards ListShards lists.

use base::ids::ShardIndex;
use base::time::Timestamp;

use crate::rows::ShardRow;

/// Shards beyond retention are never listed, whatever the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardFilter {
    /// Everything retained.
    FromTrimHorizon,
    AfterShard(ShardIndex),
    AtTrimHorizon,
    AtLatest,
    AtTimestamp(Timestamp),
    FromTimestamp(Timestamp),
}

impl ShardFilter {
    /// `horizon`: the oldest time within retention.
    #[must_use]
    pub fn admits(&self, shard: &ShardRow, horizon: Timestamp) -> bool {
        let closed_at = shard.closed.as_ref().map(|closed| closed.at);
        // A shard takes records from its opening up to, not including, its closing.
        let is_open_at = |at: Timestamp| shard.opened_at <= at && closed_at.is_none_or(|closed| at < closed);
        match *self {
            Self::FromTrimHorizon => true,
            Self::AfterShard(index) => shard.index > index,
            Self::AtLatest => closed_at.is_none(),
            Self::AtTrimHorizon => is_open_at(horizon),
            Self::AtTimestamp(at) => is_open_at(at.max(horizon)),
            Self::FromTimestamp(from) => closed_at.is_none_or(|closed| closed >= from.max(horizon)),
        }
    }

    /// The filter of the pages that follow a page shown at `now`: all of them list the shards of that moment, so that
    /// together they cover every key even if shards are split or merged meanwhile.
    #[must_use]
    pub fn pinned(self, now: Timestamp) -> Self {
        match self {
            Self::AtLatest => Self::AtTimestamp(now),
            Self::FromTrimHorizon
            | Self::AfterShard(_)
            | Self::AtTrimHorizon
            | Self::AtTimestamp(_)
            | Self::FromTimestamp(_) => self,
        }
    }

    /// Number and time for tokens; explicit and stable.
    #[must_use]
    pub fn code(&self) -> (u8, Timestamp) {
        match *self {
            Self::FromTrimHorizon => (1, Timestamp::default()),
            Self::AfterShard(index) => (2, Timestamp::from_millis(i64::from(index.0))),
            Self::AtTrimHorizon => (3, Timestamp::default()),
            Self::AtLatest => (4, Timestamp::default()),
            Self::AtTimestamp(at) => (5, at),
            Self::FromTimestamp(from) => (6, from),
        }
    }

    #[must_use]
    pub fn from_code(kind: u8, time: Timestamp) -> Option<Self> {
        Some(match kind {
            1 => Self::FromTrimHorizon,
            2 => Self::AfterShard(ShardIndex(u32::try_from(time.millis()).ok()?)),
            3 => Self::AtTrimHorizon,
            4 => Self::AtLatest,
            5 => Self::AtTimestamp(time),
            6 => Self::FromTimestamp(time),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use base::hash_key::HashKeyRange;
    use store::shard_log::{LogId, Position};

    use super::*;
    use crate::rows::Closed;

    const HORIZON: Timestamp = Timestamp::from_millis(1000);

    fn shard(index: u32, opened: i64, closed: Option<i64>) -> ShardRow {
        ShardRow {
            index: ShardIndex(index),
            log: LogId(0),
            range: HashKeyRange::ALL,
            opened_at: Timestamp::from_millis(opened),
            created_seconds: 0,
            parent: None,
            adjacent_parent: None,
            closed: closed.map(|at| Box::new(Closed { at: Timestamp::from_millis(at), end: Position(0) })),
        }
    }

    fn listed(filter: ShardFilter) -> Vec<u32> {
        // The whole space, in shards that follow each other in time.
        let shards =
            [shard(0, 0, Some(2000)), shard(1, 2000, Some(2000)), shard(2, 2000, Some(3000)), shard(3, 3000, None)];
        shards.iter().filter(|shard| filter.admits(shard, HORIZON)).map(|shard| shard.index.0).collect()
    }

    #[test]
    fn a_time_has_exactly_one_generation() {
        let at = |millis| listed(ShardFilter::AtTimestamp(Timestamp::from_millis(millis)));
        assert_eq!(at(1500), [0]);
        assert_eq!(at(2000), [2]);
        assert_eq!(at(2999), [2]);
        assert_eq!(at(3000), [3]);
        assert_eq!(at(0), [0], "before the horizon means at the horizon");
        assert_eq!(listed(ShardFilter::AtTrimHorizon), [0]);
        assert_eq!(listed(ShardFilter::AtLatest), [3]);
    }

    #[test]
    fn from_filters_list_what_follows() {
        assert_eq!(listed(ShardFilter::FromTrimHorizon), [0, 1, 2, 3]);
        assert_eq!(listed(ShardFilter::FromTimestamp(Timestamp::from_millis(2500))), [2, 3]);
        assert_eq!(listed(ShardFilter::FromTimestamp(Timestamp::from_millis(2000))), [0, 1, 2, 3]);
        assert_eq!(listed(ShardFilter::AfterShard(ShardIndex(1))), [2, 3]);
    }

    #[test]
    fn codes_are_stable() {
        let at = Timestamp::from_millis(9);
        for filter in [
            ShardFilter::FromTrimHorizon,
            ShardFilter::AfterShard(ShardIndex(3)),
            ShardFilter::AtTrimHorizon,
            ShardFilter::AtLatest,
            ShardFilter::AtTimestamp(at),
            ShardFilter::FromTimestamp(at),
        ] {
            let (kind, time) = filter.code();
            assert_eq!(ShardFilter::from_code(kind, time), Some(filter));
        }
    }
}
