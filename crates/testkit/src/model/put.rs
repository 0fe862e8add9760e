//! Records go in.

use base::hash_key::HashKey;
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;

use super::stream::{Record, Status};
use super::{Answer, Model, Refusal};

/// A record as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    pub partition_key: String,
    /// ExplicitHashKey: a number without leading zeros, or nonsense.
    pub explicit_hash_key: Option<String>,
    pub data: Vec<u8>,
}

/// Where a record was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub shard: ShardIndex,
    pub number: SequenceNumber,
    pub is_encrypted: bool,
}

impl Model {
    /// PutRecord, and PutRecords: all records or none.
    ///
    /// # Errors
    /// When there is no such stream yet, or an explicit hash key is none.
    pub fn put_records(&mut self, name: &str, records: &[NewRecord]) -> Answer<Vec<Stored>> {
        let now = self.now;
        let stream = self.stream_mut(name)?;
        if stream.status == Status::Creating {
            return Err(Refusal::ResourceNotFound);
        }
        let keys: Vec<HashKey> = records.iter().map(NewRecord::hash_key).collect::<Answer<_>>()?;
        let mut stored = Vec::new();
        for (record, key) in records.iter().zip(keys) {
            let is_open = |shard: &&mut super::stream::Shard| shard.closed_at.is_none();
            let mut open = stream.shards.iter_mut().filter(is_open);
            let shard = open.find(|shard| shard.range.contains(key)).expect("open shards cover every key");
            let number = shard.number(shard.records.len() as u64 + 1, now);
            let is_encrypted = stream.key_id.is_some();
            shard.records.push(Record {
                number,
                arrival: now,
                partition_key: record.partition_key.clone(),
                data: record.data.clone(),
                is_encrypted,
            });
            stored.push(Stored { shard: shard.index, number, is_encrypted });
        }
        Ok(stored)
    }

    /// The numbers of all records of a stream.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Vec<SequenceNumber> {
        let shards = self.stream(name).map_or(&[][..], |stream| &stream.shards);
        shards.iter().flat_map(|shard| &shard.records).map(|record| record.number).collect()
    }
}

impl NewRecord {
    fn hash_key(&self) -> Answer<HashKey> {
        match &self.explicit_hash_key {
            None => Ok(HashKey::of(&self.partition_key)),
            Some(key) => key.parse().map(HashKey).map_err(|_| Refusal::InvalidArgument),
        }
    }
}
