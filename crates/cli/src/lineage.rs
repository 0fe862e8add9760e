//! The shards of a stream and who came from whom.

use std::collections::{BTreeMap, BTreeSet};

use api::kinesis::{Kinesis as _, KinesisError, ListShardsInput, Shard};
use base::ByteString;
use base::hash_key::{HashKey, HashKeyRange};

use crate::connect::Session;

/// Pages of ListShards that are read at most: ten times the shards that a stream can have open.
const PAGES_MAX: usize = 1000;

/// Every shard of the stream that still has records, closed ones too, in the order of their ids.
pub async fn list(session: &Session, stream: &str) -> Result<Vec<Shard>, KinesisError> {
    let mut shards = Vec::new();
    let mut input = ListShardsInput { stream_name: Some(ByteString::from(stream)), ..Default::default() };
    for _ in 0..PAGES_MAX {
        let output = session.kinesis.list_shards(&session.caller, input).await?;
        shards.extend(output.shards.unwrap_or_default());
        match output.next_token {
            // A page token stands for the stream too.
            Some(token) => input = ListShardsInput { next_token: Some(token), ..Default::default() },
            None => break,
        }
    }
    Ok(shards)
}

#[must_use]
pub fn is_open(shard: &Shard) -> bool {
    shard.sequence_number_range.ending_sequence_number.is_none()
}

/// The shards that this one took its keys from.
pub fn parents(shard: &Shard) -> impl Iterator<Item = &ByteString> {
    [&shard.parent_shard_id, &shard.adjacent_parent_shard_id].into_iter().flatten()
}

/// The keys of a shard; `None` when the server says nonsense.
#[must_use]
pub fn range(shard: &Shard) -> Option<HashKeyRange> {
    let start: HashKey = shard.hash_key_range.starting_hash_key.parse().ok()?;
    let end: HashKey = shard.hash_key_range.ending_hash_key.parse().ok()?;
    (start <= end).then_some(HashKeyRange { start, end })
}

/// Decides which shards may be read: a child only when its parents have been read to their ends, so that the
/// records of a key come in the order in which they were written.
#[derive(Debug, Default)]
pub struct Lineage {
    /// Known and not begun, with the parents that hold each back.
    waiting: BTreeMap<ByteString, BTreeSet<ByteString>>,
    running: BTreeSet<ByteString>,
    finished: BTreeSet<ByteString>,
}

impl Lineage {
    /// Adds the shards that are not known yet. A parent that is not listed has expired and holds nobody back.
    pub fn add(&mut self, shards: &[Shard]) {
        let listed: BTreeSet<&ByteString> = shards.iter().map(|shard| &shard.shard_id).collect();
        for shard in shards {
            let id = &shard.shard_id;
            if self.running.contains(id) || self.finished.contains(id) || self.waiting.contains_key(id) {
                continue;
            }
            let holding = parents(shard)
                .filter(|parent| !self.finished.contains(*parent))
                .filter(|parent| listed.contains(parent) || self.running.contains(*parent))
                .cloned()
                .collect();
            self.waiting.insert(id.clone(), holding);
        }
    }

    /// Says that the shard needs no reading, or has been read to its end.
    pub fn finish(&mut self, shard: &ByteString) {
        self.running.remove(shard);
        self.waiting.remove(shard);
        self.finished.insert(shard.clone());
        for parents in self.waiting.values_mut() {
            parents.remove(shard);
        }
    }

    /// The shards that may be read now and are not read yet; from now on they count as running.
    pub fn start(&mut self) -> Vec<ByteString> {
        let ready: Vec<ByteString> =
            self.waiting.iter().filter(|(_, parents)| parents.is_empty()).map(|(id, _)| id.clone()).collect();
        for id in &ready {
            self.waiting.remove(id);
            self.running.insert(id.clone());
        }
        ready
    }

    /// Whether a shard waits for its parents.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str]) -> Shard {
        let parent = |i: usize| parents.get(i).map(|parent| ByteString::from(*parent));
        Shard {
            shard_id: ByteString::from(id),
            parent_shard_id: parent(0),
            adjacent_parent_shard_id: parent(1),
            ..Default::default()
        }
    }

    #[test]
    fn children_wait_for_all_parents() {
        let mut lineage = Lineage::default();
        let shards = [shard("0", &["gone"]), shard("1", &[]), shard("2", &["0", "1"]), shard("3", &["2"])];
        lineage.add(&shards);
        assert_eq!(lineage.start(), ["0", "1"]);
        assert_eq!(lineage.start(), Vec::<ByteString>::new());
        lineage.finish(&"0".into());
        assert_eq!(lineage.start(), Vec::<ByteString>::new());
        lineage.finish(&"1".into());
        assert_eq!(lineage.start(), ["2"]);
        // The parents have expired meanwhile; what is known does not start again.
        lineage.add(&shards[2..]);
        assert_eq!(lineage.start(), Vec::<ByteString>::new());
        lineage.finish(&"2".into());
        assert_eq!(lineage.start(), ["3"]);
        assert!(!lineage.is_waiting());
    }

    #[test]
    fn skipped_shards_hold_nobody_back() {
        let mut lineage = Lineage::default();
        lineage.add(&[shard("0", &[]), shard("1", &["0"])]);
        lineage.finish(&"0".into());
        assert_eq!(lineage.start(), ["1"]);
    }
}
