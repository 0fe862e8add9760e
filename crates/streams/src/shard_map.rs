//! The open shards of a stream by hash key: every key belongs to exactly one.

use std::sync::Arc;

use base::hash_key::HashKey;

use crate::shard::Shard;

/// Open shards, sorted by where their range begins. Empty while the stream has none.
#[derive(Debug, Default)]
pub struct ShardMap {
    starts: Vec<u128>,
    shards: Vec<Arc<Shard>>,
}

impl ShardMap {
    /// The open ones of `shards`.
    #[must_use]
    pub fn of(shards: &[Arc<Shard>]) -> Self {
        let mut open: Vec<Arc<Shard>> = shards.iter().filter(|shard| shard.is_open()).cloned().collect();
        open.shrink_to_fit();
        open.sort_unstable_by_key(|shard| shard.row.range.start);
        Self { starts: open.iter().map(|shard| shard.row.range.start.0).collect(), shards: open }
    }

    #[must_use]
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.len()
    }

    /// Position in [`ShardMap::shards`] of the shard that owns a key; 0 when there is only one.
    #[must_use]
    pub fn locate(&self, key: HashKey) -> usize {
        if self.starts.len() <= 1 {
            return 0;
        }
        let guess = self.guess(key);
        let is_past = |at: usize| self.starts.get(at).is_none_or(|start| *start > key.0);
        if !is_past(guess) && is_past(guess + 1) {
            return guess;
        }
        self.starts.partition_point(|start| *start <= key.0).saturating_sub(1)
    }

    /// Where the key would be if all ranges were equally wide, as those of most streams are.
    fn guess(&self, key: HashKey) -> usize {
        let (count, high) = (self.starts.len() as u128, key.0 >> 64);
        ((high * count) >> 64) as usize
    }

    /// Whether the shards cover the whole space and no key twice.
    #[must_use]
    pub fn tiles(&self) -> bool {
        let (Some(first), Some(last)) = (self.shards.first(), self.shards.last()) else { return false };
        first.row.range.start == HashKey::MIN
            && last.row.range.end == HashKey::MAX
            && self.shards.windows(2).all(|pair| pair[0].row.range.join(&pair[1].row.range).is_some())
    }
}
