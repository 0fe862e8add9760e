//! What is checked of records before they are stored, beyond the model's constraints.

use api::kinesis::{KinesisError, PutRecordsRequestEntry};
use base::hash_key::HashKey;
use base::limits::PUT_RECORDS_BYTES_MAX;
use base::sequence::SequenceNumber;

use crate::core::Core;
use crate::error::Answer;
use crate::put_batch::record_bytes;
use crate::reading;
use crate::shard::Shard;
use crate::stream::{Snapshot, Stream};

/// Path of a member of the n-th record (from 0) in messages.
fn path(in_list: bool, record: usize, member: &str) -> String {
    if in_list { format!("records.{}.member.{member}", record + 1) } else { member.to_owned() }
}

/// The size of each record by the stream's limit, and of all together.
pub fn check_sizes(snapshot: &Snapshot, records: &[PutRecordsRequestEntry<'_>], in_list: bool) -> Answer<()> {
    let record_bytes_max = snapshot.row.record_bytes_max();
    let mut total = 0;
    for (i, record) in records.iter().enumerate() {
        let bytes = record_bytes(record);
        total += bytes;
        if bytes > record_bytes_max {
            return Err(KinesisError::validation(format!(
                "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]' at '{1}' failed to \
                 satisfy constraint: Member must have length less than or equal to {record_bytes_max}",
                record.data.len(),
                path(in_list, i, "data")
            )));
        }
    }
    if in_list && total > PUT_RECORDS_BYTES_MAX {
        return Err(KinesisError::invalid_argument("Records size exceeds 10 MB limit"));
    }
    Ok(())
}

/// The hash keys that records bring along, by record.
pub fn explicit_keys(records: &[PutRecordsRequestEntry<'_>]) -> Answer<Vec<(usize, HashKey)>> {
    let mut keys = Vec::new();
    for (i, record) in records.iter().enumerate() {
        let Some(text) = record.explicit_hash_key else { continue };
        let key = text.parse().map_err(|_| {
            KinesisError::invalid_argument(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
            ))
        })?;
        keys.push((i, key));
    }
    Ok(keys)
}

/// A record that is to follow another one. Numbers of this server rise within a shard, and children of a shard begin
/// above it, so that every number that was really handed out is exceeded anyway.
pub fn check_ordering(core: &Core, stream: &Stream, shard: &Shard, ordering: &str) -> Answer<()> {
    let invalid = || {
        KinesisError::invalid_argument(format!(
            "ExclusiveMinimumSequenceNumber {ordering} used in PutRecord on stream {} under account {} is invalid.",
            stream.arn.stream, stream.arn.account
        ))
    };
    let number: SequenceNumber = ordering.parse().map_err(|_| invalid())?;
    let now = u64::try_from(core.now().seconds()).unwrap_or(0);
    // Each generation of children is dated one second after its parents: quick ones are dated ahead of the clock.
    let created = stream.snapshot().shards.iter().map(|shard| shard.row.created_seconds).max();
    let created_max = created.unwrap_or(0).max(now + 1);
    let is_future = number.time_seconds > now + 1 || number.shard_created_seconds > created_max;
    let bounds = core.log.bounds(shard.row.log);
    let bounds = bounds.map_err(|failure| reading::failure(core, stream, shard.row.index, failure))?;
    let is_beyond_end = number.shard == shard.row.index && number.index > bounds.next.0;
    if is_future || is_beyond_end { Err(invalid()) } else { Ok(()) }
}
