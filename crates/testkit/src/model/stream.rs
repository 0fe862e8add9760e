//! What a stream consists of.

use std::collections::BTreeMap;
use std::time::Duration;

use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use base::time::Timestamp;

use super::consumers::Consumer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Creating,
    Active,
    Updating,
    Deleting,
}

/// A change that takes its time.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Create,
    Delete,
    Split { shard: ShardIndex, at: HashKey },
    Merge { shard: ShardIndex, adjacent: ShardIndex },
    Scale { target: usize },
    Encrypt { key_id: String },
    Decrypt,
}

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub name: String,
    /// Tells it from streams that had its name before.
    pub incarnation: u64,
    pub created_at: Timestamp,
    pub status: Status,
    /// What is being done, and when it is due.
    pub change: Option<(Timestamp, Change)>,
    pub retention_hours: u32,
    /// Records that arrived earlier stay away, even when retention grows.
    pub trimmed_before: Timestamp,
    /// Set while records are encrypted.
    pub key_id: Option<String>,
    /// By index, open and closed, none ever removed.
    pub shards: Vec<Shard>,
    pub consumers: BTreeMap<String, Consumer>,
    pub tags: BTreeMap<String, String>,
    pub scalings: Vec<Timestamp>,
    pub encryption_starts: Vec<Timestamp>,
    pub encryption_stops: Vec<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub index: ShardIndex,
    pub range: HashKeyRange,
    pub opened_at: Timestamp,
    /// The creation time in its sequence numbers.
    pub created_seconds: u64,
    pub parent: Option<ShardIndex>,
    pub adjacent_parent: Option<ShardIndex>,
    pub closed_at: Option<Timestamp>,
    /// Everything that was ever put.
    pub records: Vec<Record>,
}

/// A stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub number: SequenceNumber,
    pub arrival: Timestamp,
    pub partition_key: String,
    pub data: Vec<u8>,
    pub is_encrypted: bool,
}

impl Stream {
    /// The oldest time whose records can be read.
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        let retention = Duration::from_secs(u64::from(self.retention_hours) * 3600);
        now.minus(retention).max(self.trimmed_before).max(self.created_at)
    }

    /// Open shards by their ranges.
    pub fn open_shards(&self) -> Vec<&Shard> {
        let mut open: Vec<&Shard> = self.shards.iter().filter(|shard| shard.closed_at.is_none()).collect();
        open.sort_by_key(|shard| shard.range.start);
        open
    }

    /// A shard whose records are not all past retention.
    pub fn retained_shard(&self, index: ShardIndex, now: Timestamp) -> Option<&Shard> {
        self.shards.iter().find(|shard| shard.index == index && shard.is_retained(self.horizon(now)))
    }

    pub fn children(&self, of: ShardIndex) -> Vec<ShardIndex> {
        let is_child = |shard: &&Shard| shard.parent == Some(of) || shard.adjacent_parent == Some(of);
        self.shards.iter().filter(is_child).map(|shard| shard.index).collect()
    }
}

impl Shard {
    pub fn is_retained(&self, horizon: Timestamp) -> bool {
        self.closed_at.is_none_or(|at| at >= horizon)
    }

    /// Takes records at this time.
    pub fn is_open_at(&self, at: Timestamp) -> bool {
        self.opened_at <= at && self.closed_at.is_none_or(|closed| at < closed)
    }

    /// The number of the record with this index, counted from 1.
    pub fn number(&self, index: u64, at: Timestamp) -> SequenceNumber {
        let time_seconds = u64::try_from(at.seconds()).expect("times are after 1970");
        SequenceNumber { shard_created_seconds: self.created_seconds, index, time_seconds, shard: self.index }
    }

    pub fn starting_number(&self) -> SequenceNumber {
        SequenceNumber { time_seconds: self.created_seconds, ..self.number(0, Timestamp::default()) }
    }

    /// Of a closed shard.
    pub fn ending_number(&self) -> Option<SequenceNumber> {
        self.closed_at.map(|at| self.number(SequenceNumber::INDEX_CLOSED, at))
    }

    /// How many of its first records came before `time`.
    pub fn records_before(&self, time: Timestamp) -> usize {
        self.records.iter().filter(|record| record.arrival < time).count()
    }
}
