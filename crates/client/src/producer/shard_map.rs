//! Which shard a hash key belongs to.

use std::collections::HashMap;

use api::kinesis::{Kinesis, KinesisError, Shard};
use base::ByteString;
use base::caller::Caller;
use base::hash_key::{HashKey, HashKeyRange};

use crate::shards;

/// The shards of a stream at one moment.
#[derive(Debug)]
pub(super) struct ShardMap {
    /// The open ones by the end of their range: they divide the whole space.
    open: Vec<(HashKey, ByteString)>,
    /// All that are retained, and whether they are open.
    known: HashMap<ByteString, (HashKeyRange, bool)>,
}

impl ShardMap {
    pub(super) async fn fetch(
        kinesis: &dyn Kinesis,
        caller: &Caller,
        stream: &ByteString,
    ) -> Result<Self, KinesisError> {
        Self::of(&shards::list(kinesis, caller, stream, None).await?)
            .ok_or_else(|| KinesisError::internal_failure("the open shards do not divide the hash space"))
    }

    /// `None` when the open shards leave a gap, as they may while a stream is resharded.
    pub(super) fn of(shards: &[Shard]) -> Option<Self> {
        let mut known = HashMap::with_capacity(shards.len());
        let mut open = Vec::new();
        for shard in shards {
            let range = shards::range(&shard.hash_key_range)?;
            let is_open = shard.sequence_number_range.ending_sequence_number.is_none();
            known.insert(shard.shard_id.clone(), (range, is_open));
            if is_open {
                open.push((range, shard.shard_id.clone()));
            }
        }
        open.sort_by_key(|(range, _)| range.start);
        let covered = open.iter().try_fold(Some(HashKey::MIN), |next, (range, _)| {
            (next? == range.start).then(|| range.end.0.checked_add(1).map(HashKey))
        });
        let open = open.into_iter().map(|(range, id)| (range.end, id)).collect();
        // The last one ends where the space does, so that nothing comes after it.
        (covered == Some(None)).then_some(Self { open, known })
    }

    /// The index of the open shard that a hash key belongs to.
    pub(super) fn find(&self, key: HashKey) -> usize {
        self.open.partition_point(|(end, _)| *end < key)
    }

    /// The ids of the open shards, in the order of their indexes.
    pub(super) fn open(&self) -> impl Iterator<Item = &ByteString> {
        self.open.iter().map(|(_, id)| id)
    }

    pub(super) fn is_open(&self, id: &ByteString) -> bool {
        self.known.get(id).is_some_and(|(_, is_open)| *is_open)
    }

    /// The range of a shard, open or closed.
    pub(super) fn range(&self, id: &ByteString) -> Option<HashKeyRange> {
        self.known.get(id).map(|(range, _)| *range)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use api::kinesis::SequenceNumberRange;

    use super::*;

    pub(in crate::producer) fn shard(id: &str, range: HashKeyRange, is_open: bool) -> Shard {
        Shard {
            shard_id: id.into(),
            hash_key_range: api::kinesis::HashKeyRange {
                starting_hash_key: range.start.to_string().into(),
                ending_hash_key: range.end.to_string().into(),
            },
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: "1".into(),
                ending_sequence_number: (!is_open).then(|| "2".into()),
            },
            ..Default::default()
        }
    }

    #[test]
    fn keys_belong_to_open_shards() {
        let halves = HashKeyRange::uniform(2);
        let shards = [shard("c", halves[1], true), shard("a", HashKeyRange::ALL, false), shard("b", halves[0], true)];
        let map = ShardMap::of(&shards).expect("no gap");
        assert_eq!(map.open().map(|id| &**id).collect::<Vec<_>>(), ["b", "c"]);
        for (key, index) in [(HashKey::MIN, 0), (halves[0].end, 0), (halves[1].start, 1), (HashKey::MAX, 1)] {
            assert_eq!(map.find(key), index, "{key}");
        }
        assert_eq!(map.range(&"a".into()), Some(HashKeyRange::ALL));
    }

    #[test]
    fn a_gap_is_no_map() {
        let thirds = HashKeyRange::uniform(3);
        let (first, last) = (shard("a", thirds[0], true), shard("b", thirds[2], true));
        assert!(ShardMap::of(&[first.clone(), last.clone()]).is_none());
        assert!(ShardMap::of(&[first]).is_none());
        assert!(ShardMap::of(&[last]).is_none());
        assert!(ShardMap::of(&[]).is_none());
    }
}
