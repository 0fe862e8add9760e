//! A row of the lease table, as KCL 3 writes it.
//!
//! `leaseKey` is the shard's id. `leaseCounter` grows with every change of the owner's: whoever writes says which count
//! it has seen. `leaseOwner` is who the lease belongs to; while it is handed over, `checkpointOwner` is the owner
//! before, who still processes. Rows of other kinds have another `entityType` and are none of ours.

use std::collections::BTreeMap;

use api::dynamodb::AttributeValue;
use base::ByteString;
use base::hash_key::HashKeyRange;
use base::time::Timestamp;

pub(super) type Item = BTreeMap<ByteString, AttributeValue>;

pub(super) mod name {
    pub(in crate::consumer) const LEASE_KEY: &str = "leaseKey";
    pub(in crate::consumer) const LEASE_COUNTER: &str = "leaseCounter";
    pub(in crate::consumer) const LEASE_OWNER: &str = "leaseOwner";
    pub(in crate::consumer) const CHECKPOINT_OWNER: &str = "checkpointOwner";
    pub(in crate::consumer) const CHECKPOINT: &str = "checkpoint";
    pub(in crate::consumer) const SUB_SEQUENCE: &str = "checkpointSubSequenceNumber";
    pub(in crate::consumer) const OWNER_SWITCHES: &str = "ownerSwitchesSinceCheckpoint";
    pub(in crate::consumer) const PARENTS: &str = "parentShardId";
    pub(in crate::consumer) const CHILDREN: &str = "childShardIds";
    pub(in crate::consumer) const RANGE_START: &str = "startingHashKey";
    pub(in crate::consumer) const RANGE_END: &str = "endingHashKey";
    pub(in crate::consumer) const THROUGHPUT: &str = "throughputKBps";
    pub(in crate::consumer) const ENTITY_TYPE: &str = "entityType";
    pub(in crate::consumer) const STREAM_NAME: &str = "streamName";
    /// None of KCL's, which leaves it alone.
    pub(in crate::consumer) const SINCE: &str = "anabranchSinceMillis";
    pub(in crate::consumer) const PENDING: [&str; 3] =
        ["pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"];
}

const ENTITY_LEASE: &str = "LEASE";
const SHARD_END: ByteString = ByteString::from_static("SHARD_END");

/// How far a shard is processed: the sequence number of a Kinesis record and the place of a user record in it, or one
/// of KCL's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub sequence: ByteString,
    pub sub_sequence: u64,
}

impl Checkpoint {
    pub(super) fn new(sequence: impl Into<ByteString>) -> Self {
        Self { sequence: sequence.into(), sub_sequence: 0 }
    }

    pub(super) fn shard_end() -> Self {
        Self::new(SHARD_END)
    }

    pub(super) fn is_shard_end(&self) -> bool {
        self.sequence == SHARD_END
    }

    /// Whether it names a record, rather than a place where nothing has been processed yet.
    pub(super) fn is_record(&self) -> bool {
        self.sequence.starts_with(|first: char| first.is_ascii_digit())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    pub key: ByteString,
    pub counter: i64,
    pub owner: Option<ByteString>,
    pub checkpoint_owner: Option<ByteString>,
    pub checkpoint: Checkpoint,
    pub parents: Vec<ByteString>,
    pub children: Vec<ByteString>,
    pub range: Option<HashKeyRange>,
    /// Where a lease without a checkpoint begins: at `AT_TIMESTAMP` from then on, at `LATEST` the time of its making.
    pub since: Option<Timestamp>,
}

impl Lease {
    /// `None` for rows that are no lease of a single stream's consumer.
    pub(super) fn read(item: &Item) -> Option<Self> {
        let get = |name: &str| item.get(name);
        let text = |name: &str| get(name)?.s.clone();
        let number = |name: &str| get(name)?.n.as_ref()?.parse::<i64>().ok();
        let set = |name: &str| get(name).and_then(|value| value.ss.clone()).unwrap_or_default();
        let is_other = text(name::ENTITY_TYPE).is_some_and(|kind| kind != ENTITY_LEASE);
        if is_other || get(name::STREAM_NAME).is_some() {
            return None;
        }
        let ends = text(name::RANGE_START).zip(text(name::RANGE_END));
        let range =
            ends.and_then(|(start, end)| Some(HashKeyRange { start: start.parse().ok()?, end: end.parse().ok()? }));
        Some(Self {
            key: text(name::LEASE_KEY)?,
            counter: number(name::LEASE_COUNTER)?,
            owner: text(name::LEASE_OWNER),
            checkpoint_owner: text(name::CHECKPOINT_OWNER),
            checkpoint: Checkpoint {
                sequence: text(name::CHECKPOINT)?,
                sub_sequence: number(name::SUB_SEQUENCE).and_then(|sub| u64::try_from(sub).ok()).unwrap_or_default(),
            },
            parents: set(name::PARENTS),
            children: set(name::CHILDREN),
            range,
            since: number(name::SINCE).map(Timestamp::from_millis),
        })
    }

    /// The row of a lease that nobody has held yet.
    pub(super) fn write_new(&self) -> Item {
        let mut item = Item::from([
            (name::LEASE_KEY.into(), text(self.key.clone())),
            (name::ENTITY_TYPE.into(), text(ENTITY_LEASE)),
            (name::LEASE_COUNTER.into(), number(self.counter)),
            (name::OWNER_SWITCHES.into(), number(0)),
            (name::CHECKPOINT.into(), text(self.checkpoint.sequence.clone())),
            (name::SUB_SEQUENCE.into(), number(self.checkpoint.sub_sequence)),
        ]);
        if let Some(range) = self.range {
            item.insert(name::RANGE_START.into(), text(range.start.to_string()));
            item.insert(name::RANGE_END.into(), text(range.end.to_string()));
        }
        if let Some(since) = self.since {
            item.insert(name::SINCE.into(), number(since.millis()));
        }
        if !self.parents.is_empty() {
            item.insert(name::PARENTS.into(), set(self.parents.clone()));
        }
        item
    }

    /// Who processes the shard, while the lease is held.
    pub(super) fn actual_owner(&self) -> Option<&ByteString> {
        self.checkpoint_owner.as_ref().or(self.owner.as_ref())
    }
}

pub(super) fn text(value: impl Into<ByteString>) -> AttributeValue {
    AttributeValue { s: Some(value.into()), ..Default::default() }
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue { n: Some(value.to_string().into()), ..Default::default() }
}

pub(super) fn set(values: Vec<ByteString>) -> AttributeValue {
    AttributeValue { ss: Some(values), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_trip() {
        let lease = Lease {
            key: "shardId-000000000002".into(),
            counter: 0,
            owner: None,
            checkpoint_owner: None,
            checkpoint: Checkpoint::new("TRIM_HORIZON"),
            parents: vec!["shardId-000000000000".into(), "shardId-000000000001".into()],
            children: Vec::new(),
            range: Some(HashKeyRange::ALL),
            since: Some(Timestamp::from_millis(1_700_000_000_001)),
        };
        let mut item = lease.write_new();
        assert_eq!(Lease::read(&item), Some(lease.clone()));
        item.insert(name::LEASE_OWNER.into(), text("b"));
        item.insert(name::CHECKPOINT_OWNER.into(), text("a"));
        let read = Lease::read(&item).expect("a lease");
        assert_eq!((read.actual_owner().map(|owner| &**owner), read.owner.as_deref()), (Some("a"), Some("b")));
    }

    #[test]
    fn rows_of_other_kinds_are_none_of_ours() {
        let lease = Lease {
            key: "s".into(),
            counter: 7,
            owner: None,
            checkpoint_owner: None,
            checkpoint: Checkpoint::shard_end(),
            parents: Vec::new(),
            children: Vec::new(),
            range: None,
            since: None,
        };
        for (name, value) in
            [(name::ENTITY_TYPE, text("LEADER")), (name::STREAM_NAME, text("a:b:1")), (name::LEASE_COUNTER, text("7"))]
        {
            let mut item = lease.write_new();
            item.insert(name.into(), value);
            assert_eq!(Lease::read(&item), None, "{name}");
        }
    }
}
