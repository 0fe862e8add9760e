//! Where the shards of a consumer are read from, and where each begins.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{Kinesis, KinesisError, Shard, ShardIteratorType, StartingPosition};
use base::ByteString;
use base::caller::Caller;
use base::time::Timestamp;

use super::lease::Lease;
use super::metrics::Counters;
use crate::shards;

/// Where records come from, for all shards.
#[derive(Clone)]
pub(super) struct Reader {
    pub kinesis: Arc<dyn Kinesis>,
    pub caller: Caller,
    pub stream: ByteString,
    pub how: How,
    /// Where leases at `AT_TIMESTAMP` begin whose rows do not say so.
    pub since: Option<Timestamp>,
    pub counters: Arc<Counters>,
}

#[derive(Clone)]
pub(super) enum How {
    Poll { records_max: i32, idle: Duration },
    FanOut { name: ByteString, consumer_arn: ByteString },
}

impl Reader {
    /// The shard of that id, if the stream still has it.
    pub(super) async fn find(&self, id: &ByteString) -> Result<Option<Shard>, KinesisError> {
        let shards = shards::list(&*self.kinesis, &self.caller, &self.stream, None).await?;
        Ok(shards.into_iter().find(|shard| shard.shard_id == *id))
    }

    /// Where reading begins under that lease.
    pub(super) fn position(&self, lease: &Lease) -> StartingPosition {
        let checkpoint = &lease.checkpoint;
        match (&*checkpoint.sequence, lease.since.or(self.since)) {
            ("AT_TIMESTAMP", Some(since)) => at_time(since),
            // Nobody knows the time any more.
            ("TRIM_HORIZON" | "AT_TIMESTAMP", _) => at(ShardIteratorType::TrimHorizon),
            // Whoever had the lease before may have been given records that it did not checkpoint.
            ("LATEST", _) => lease.since.map_or_else(|| at(ShardIteratorType::Latest), at_time),
            // On a shard that has ended it leads to its children.
            ("SHARD_END", _) => at(ShardIteratorType::Latest),
            _ => StartingPosition {
                // The record itself: user records in it may still be due.
                sequence_number: Some(checkpoint.sequence.clone()),
                ..at(ShardIteratorType::AtSequenceNumber)
            },
        }
    }
}

pub(super) fn at(kind: ShardIteratorType) -> StartingPosition {
    StartingPosition { r#type: kind, ..Default::default() }
}

pub(super) fn at_time(since: Timestamp) -> StartingPosition {
    StartingPosition { timestamp: Some(since), ..at(ShardIteratorType::AtTimestamp) }
}

pub(super) fn after(sequence_number: ByteString) -> StartingPosition {
    StartingPosition { sequence_number: Some(sequence_number), ..at(ShardIteratorType::AfterSequenceNumber) }
}
