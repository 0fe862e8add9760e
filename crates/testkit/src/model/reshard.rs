//! Splits, merges and scalings.

use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;
use base::limits::SHARDS_PER_STREAM_MAX;
use base::time::Timestamp;

use super::stream::{Change, Shard, Stream};
use super::{Answer, Model, Refusal, use_ration};

/// Scalings of a stream in 24 hours.
const SCALINGS_MAX: usize = 10;

impl Model {
    /// SplitShard.
    ///
    /// # Errors
    /// When the stream or the shard cannot be split, or not there.
    pub fn split_shard(&mut self, name: &str, shard: ShardIndex, at: HashKey) -> Answer<()> {
        let now = self.now;
        let range = self.active(name)?.open_shard(shard, now)?.range;
        // Both parts have at least two keys.
        if at.0 <= range.start.0.saturating_add(1) || at >= range.end {
            return Err(Refusal::InvalidArgument);
        }
        self.check_shard_limit(1)?;
        self.begin(name, Change::Split { shard, at })
    }

    /// MergeShards.
    ///
    /// # Errors
    /// When the stream or the shards cannot be merged, or are no neighbours.
    pub fn merge_shards(&mut self, name: &str, shard: ShardIndex, adjacent: ShardIndex) -> Answer<()> {
        let now = self.now;
        let stream = self.active(name)?;
        let (range, other) = (stream.open_shard(shard, now)?.range, stream.open_shard(adjacent, now)?.range);
        if !touch(&range, &other) && !touch(&other, &range) {
            return Err(Refusal::InvalidArgument);
        }
        self.begin(name, Change::Merge { shard, adjacent })
    }

    /// UpdateShardCount; answers the number of open shards before.
    ///
    /// # Errors
    /// When the stream cannot be scaled, or not to this number.
    pub fn update_shard_count(&mut self, name: &str, target: usize) -> Answer<usize> {
        let current = self.active(name)?.open_shards().len();
        if target > SHARDS_PER_STREAM_MAX as usize {
            return Err(Refusal::LimitExceeded);
        }
        if target == current || target > current * 2 || target * 2 < current {
            return Err(Refusal::InvalidArgument);
        }
        self.check_shard_limit(target.saturating_sub(current))?;
        let now = self.now;
        use_ration(&mut self.active(name)?.scalings, SCALINGS_MAX, now)?;
        self.begin(name, Change::Scale { target })?;
        Ok(current)
    }
}

/// Whether `upper` begins where `lower` ends.
fn touch(lower: &HashKeyRange, upper: &HashKeyRange) -> bool {
    lower.end.0.checked_add(1) == Some(upper.start.0)
}

impl Stream {
    /// A shard that can be split or merged.
    fn open_shard(&self, index: ShardIndex, now: Timestamp) -> Answer<&Shard> {
        let shard = self.retained_shard(index, now).ok_or(Refusal::ResourceNotFound)?;
        if shard.closed_at.is_some() { Err(Refusal::InvalidArgument) } else { Ok(shard) }
    }

    pub(super) fn split(&mut self, shard: ShardIndex, at: HashKey, now: Timestamp) {
        let HashKeyRange { start, end } = self.close(shard, now);
        self.add_child(HashKeyRange { start, end: HashKey(at.0 - 1) }, shard, None, now);
        self.add_child(HashKeyRange { start: at, end }, shard, None, now);
    }

    pub(super) fn merge(&mut self, shard: ShardIndex, adjacent: ShardIndex, now: Timestamp) {
        let (one, other) = (self.close(shard, now), self.close(adjacent, now));
        let range = HashKeyRange { start: one.start.min(other.start), end: one.end.max(other.end) };
        self.add_child(range, shard, Some(adjacent), now);
    }

    /// In rounds, in each of which a shard is touched once: first all shards are cut at borders of the target that lie
    /// inside them, at the middle one of them; then neighbours between two borders are merged, from the lowest on.
    pub(super) fn scale(&mut self, target: usize, now: Timestamp) {
        let target = HashKeyRange::uniform(u32::try_from(target).expect("targets are few"));
        let borders: Vec<HashKey> = target.iter().skip(1).map(|range| range.start).collect();
        loop {
            let open: Vec<(ShardIndex, HashKeyRange)> =
                self.open_shards().iter().map(|shard| (shard.index, shard.range)).collect();
            let mut is_done = true;
            for (shard, range) in &open {
                let inside: Vec<&HashKey> =
                    borders.iter().filter(|border| range.start < **border && **border <= range.end).collect();
                if let Some(middle) = inside.get(inside.len() / 2) {
                    self.split(*shard, **middle, now);
                    is_done = false;
                }
            }
            if !is_done {
                continue;
            }
            let mut rest = &open[..];
            while let [(lower, _), (upper, range), after @ ..] = rest {
                if borders.contains(&range.start) {
                    rest = &rest[1..];
                } else {
                    self.merge(*lower, *upper, now);
                    is_done = false;
                    rest = after;
                }
            }
            if is_done {
                return;
            }
        }
    }

    fn close(&mut self, index: ShardIndex, now: Timestamp) -> HashKeyRange {
        let shard = &mut self.shards[index.0 as usize];
        assert_eq!(shard.closed_at, None, "closed shards are not resharded");
        shard.closed_at = Some(now);
        shard.range
    }

    fn add_child(&mut self, range: HashKeyRange, parent: ShardIndex, adjacent: Option<ShardIndex>, now: Timestamp) {
        let parents = [Some(parent), adjacent].into_iter().flatten().map(|index| &self.shards[index.0 as usize]);
        let parents_created = parents.map(|parent| parent.created_seconds).max().unwrap_or(0);
        // A second after its parents and after now, so that its numbers are higher than theirs.
        let now_seconds = u64::try_from(now.seconds()).expect("times are after 1970");
        self.shards.push(Shard {
            index: ShardIndex(u32::try_from(self.shards.len()).expect("shards are few")),
            range,
            opened_at: now,
            created_seconds: parents_created.max(now_seconds) + 1,
            parent: Some(parent),
            adjacent_parent: adjacent,
            closed_at: None,
            records: Vec::new(),
        });
    }
}
