//! Which shards should have a lease and have none.

use std::collections::{HashMap, HashSet};

use api::kinesis::{ChildShard, Kinesis, KinesisError, Shard, ShardFilter, ShardFilterType};
use base::ByteString;
use base::caller::Caller;
use base::time::{Clock as _, SystemClock, Timestamp};

use super::lease::{Checkpoint, Lease};
use crate::shards;

/// Where a new application begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InitialPosition {
    /// With the oldest record that is retained.
    TrimHorizon,
    /// With what is put from now on.
    #[default]
    Latest,
    AtTimestamp(Timestamp),
}

impl InitialPosition {
    fn checkpoint(self) -> Checkpoint {
        Checkpoint::new(match self {
            Self::TrimHorizon => "TRIM_HORIZON",
            Self::Latest => "LATEST",
            Self::AtTimestamp(_) => "AT_TIMESTAMP",
        })
    }

    pub(super) fn timestamp(self) -> Option<Timestamp> {
        match self {
            Self::AtTimestamp(at) => Some(at),
            Self::TrimHorizon | Self::Latest => None,
        }
    }

    /// The time to write into a lease that is made now.
    fn since(self) -> Option<Timestamp> {
        match self {
            Self::TrimHorizon => None,
            Self::Latest => Some(SystemClock.now()),
            Self::AtTimestamp(at) => Some(at),
        }
    }

    /// The shards that were open at that position.
    fn filter(self) -> ShardFilter {
        let kind = match self {
            Self::TrimHorizon => ShardFilterType::AtTrimHorizon,
            Self::Latest => ShardFilterType::AtLatest,
            Self::AtTimestamp(_) => ShardFilterType::AtTimestamp,
        };
        ShardFilter { r#type: kind, timestamp: self.timestamp(), ..Default::default() }
    }
}

/// The leases to be made, given those that there are.
pub(super) async fn missing(
    kinesis: &dyn Kinesis,
    caller: &Caller,
    stream: &ByteString,
    leases: &[Lease],
    initial: InitialPosition,
) -> Result<Vec<Lease>, KinesisError> {
    if leases.is_empty() {
        let since = initial.since();
        let shards = shards::list(kinesis, caller, stream, Some(initial.filter())).await?;
        return Ok(shards.iter().map(|shard| Lease { since, ..lease(shard, initial.checkpoint()) }).collect());
    }
    Ok(missing_of(&shards::list(kinesis, caller, stream, None).await?, leases, initial))
}

/// Leases for open shards come into being when their parents end. One that nothing will make is made here: after its
/// parents were finished without it, or because the stream grew in a way that the table does not know. Of a merge both
/// sides must be finished, or no longer retained: a parent without a lease may be one that is yet to be read.
fn missing_of(shards: &[Shard], leases: &[Lease], initial: InitialPosition) -> Vec<Lease> {
    let shards_by_id: HashMap<&ByteString, &Shard> = shards.iter().map(|shard| (&shard.shard_id, shard)).collect();
    let leases_by_key: HashMap<&ByteString, &Lease> = leases.iter().map(|lease| (&lease.key, lease)).collect();
    let is_open = |shard: &&Shard| shard.sequence_number_range.ending_sequence_number.is_none();
    let mut made: HashMap<ByteString, Lease> = HashMap::new();
    let mut seen: HashSet<&ByteString> = HashSet::new();
    let mut to_see: Vec<&Shard> = shards.iter().filter(is_open).collect();
    while let Some(shard) = to_see.pop() {
        if leases_by_key.contains_key(&shard.shard_id) || !seen.insert(&shard.shard_id) {
            continue;
        }
        let with_lease: Vec<&&Lease> = parents(shard).filter_map(|id| leases_by_key.get(id)).collect();
        let without = parents(shard).filter(|id| !leases_by_key.contains_key(id));
        let older: Vec<&Shard> = without.filter_map(|id| shards_by_id.get(id).copied()).collect();
        if older.is_empty() && with_lease.iter().all(|parent| parent.checkpoint.is_shard_end()) {
            let (checkpoint, since) = match with_lease.is_empty() {
                true => (initial.checkpoint(), initial.since()),
                false => (Checkpoint::new("TRIM_HORIZON"), None),
            };
            made.insert(shard.shard_id.clone(), Lease { since, ..lease(shard, checkpoint) });
        }
        to_see.extend(older);
    }
    let mut made: Vec<Lease> = made.into_values().collect();
    made.sort_by(|a, b| a.key.cmp(&b.key));
    made
}

fn parents(shard: &Shard) -> impl Iterator<Item = &ByteString> {
    shard.parent_shard_id.iter().chain(&shard.adjacent_parent_shard_id)
}

fn lease(shard: &Shard, checkpoint: Checkpoint) -> Lease {
    Lease {
        key: shard.shard_id.clone(),
        counter: 0,
        owner: None,
        checkpoint_owner: None,
        checkpoint,
        parents: parents(shard).cloned().collect(),
        children: Vec::new(),
        range: shards::range(&shard.hash_key_range),
        since: None,
    }
}

/// The lease of a shard that begins where its parents end.
pub(super) fn child(child: &ChildShard) -> Lease {
    Lease {
        key: child.shard_id.clone(),
        counter: 0,
        owner: None,
        checkpoint_owner: None,
        checkpoint: Checkpoint::new("TRIM_HORIZON"),
        parents: child.parent_shards.clone(),
        children: Vec::new(),
        range: shards::range(&child.hash_key_range),
        since: None,
    }
}

/// Leases that nobody needs any more: of finished shards, all of whose children have been begun.
pub(super) fn finished(leases: &[Lease]) -> Vec<ByteString> {
    let by_key: HashMap<&ByteString, &Lease> = leases.iter().map(|lease| (&lease.key, lease)).collect();
    let is_begun = |child: &ByteString| {
        by_key.get(child).is_some_and(|child| child.checkpoint.is_record() || child.checkpoint.is_shard_end())
    };
    let is_over = |lease: &&Lease| {
        lease.checkpoint.is_shard_end() && !lease.children.is_empty() && lease.children.iter().all(is_begun)
    };
    leases.iter().filter(is_over).map(|lease| lease.key.clone()).collect()
}

/// Whether the shard may be processed: all of its parents are finished.
pub(super) fn may_begin(lease: &Lease, leases: &[Lease]) -> bool {
    !leases.iter().any(|other| lease.parents.contains(&other.key) && !other.checkpoint.is_shard_end())
}

#[cfg(test)]
mod tests {
    use api::kinesis::SequenceNumberRange;

    use super::*;

    fn shard(id: &str, parent: &str, is_open: bool) -> Shard {
        Shard {
            shard_id: id.into(),
            parent_shard_id: (!parent.is_empty()).then(|| parent.into()),
            sequence_number_range: SequenceNumberRange {
                ending_sequence_number: (!is_open).then(|| "1".into()),
                ..Default::default()
            },
            ..Default::default()
        }
    }

    fn at(id: &str, checkpoint: &str) -> Lease {
        lease(&shard(id, "", true), Checkpoint::new(checkpoint.to_owned()))
    }

    fn check(leases: &[Lease], expected: &[(&str, &str)]) {
        // a -> b -> d, a -> c; e stands alone.
        let shards = [
            shard("a", "", false),
            shard("b", "a", false),
            shard("c", "a", true),
            shard("d", "b", true),
            shard("e", "", true),
        ];
        let made = missing_of(&shards, leases, InitialPosition::Latest);
        assert!(made.iter().all(|lease| lease.since.is_some() == (&*lease.checkpoint.sequence == "LATEST")));
        let made: Vec<_> = made.iter().map(|lease| (&*lease.key, &*lease.checkpoint.sequence)).collect();
        assert_eq!(made, expected);
    }

    #[test]
    fn leases_are_made_where_nothing_else_makes_them() {
        check(&[at("a", "7"), at("e", "7")], &[]);
        check(&[at("a", "7")], &[("e", "LATEST")]);
        check(&[at("a", "SHARD_END"), at("e", "7")], &[("b", "TRIM_HORIZON"), ("c", "TRIM_HORIZON")]);
        check(&[at("a", "SHARD_END"), at("b", "7"), at("c", "7"), at("e", "7")], &[]);
        check(&[at("b", "SHARD_END"), at("c", "7"), at("e", "7")], &[("d", "TRIM_HORIZON")]);
        check(&[at("e", "7")], &[("a", "LATEST")]);
    }

    #[test]
    fn a_merged_shard_waits_for_both_sides() {
        // s -> p, r -> q, p + q -> c.
        let mut merged = shard("c", "p", true);
        merged.adjacent_parent_shard_id = Some("q".into());
        let shards =
            [shard("s", "", false), shard("r", "", false), shard("p", "s", false), shard("q", "r", false), merged];
        let check = |shards: &[Shard], leases: &[Lease], expected: &[&str]| {
            let made = missing_of(shards, leases, InitialPosition::Latest);
            assert_eq!(made.iter().map(|lease| &*lease.key).collect::<Vec<_>>(), expected);
        };
        check(&shards, &[at("p", "SHARD_END"), at("r", "7")], &[]);
        check(&shards, &[at("p", "SHARD_END"), at("q", "7")], &[]);
        check(&shards, &[at("p", "7"), at("r", "SHARD_END")], &["q"]);
        check(&shards, &[at("p", "SHARD_END"), at("q", "SHARD_END")], &["c"]);
        // The other side is no longer retained.
        check(&[shards[2].clone(), shards[4].clone()], &[at("p", "SHARD_END")], &["c"]);
    }

    #[test]
    fn a_finished_lease_goes_when_its_children_have_begun() {
        let mut parent = at("a", "SHARD_END");
        parent.children = vec!["b".into(), "c".into()];
        assert_eq!(finished(&[parent.clone(), at("b", "7"), at("c", "TRIM_HORIZON")]), Vec::<ByteString>::new());
        assert_eq!(finished(&[parent.clone(), at("b", "7"), at("c", "SHARD_END")]), ["a"]);
        let mut child = at("b", "TRIM_HORIZON");
        child.parents = vec!["a".into()];
        assert!(may_begin(&child, &[parent]));
        assert!(!may_begin(&child, &[at("a", "7")]));
    }
}
