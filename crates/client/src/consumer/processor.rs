//! The application's side of a consumer.

use std::sync::{Arc, Mutex, PoisonError};

use api::dynamodb::DynamoDBError;
use base::hash_key::HashKey;
use base::time::Timestamp;
use base::{ByteString, Bytes};
use thiserror::Error;

use super::holding::Holding;
use super::lease::Checkpoint;

/// Processes the user records of one shard, in their order. One is made for each shard that the worker gets.
pub trait RecordProcessor: Send + 'static {
    /// Called once, before all others.
    fn initialize(&mut self, shard_id: &str) -> impl Future<Output = ()> + Send {
        let _ = shard_id;
        async {}
    }

    /// Takes the next user records, never none. Records are processed at least once: after a failure those since the
    /// last checkpoint come again, here or at another worker.
    fn process(&mut self, batch: Batch, checkpointer: &Checkpointer) -> impl Future<Output = ()> + Send;

    /// The lease is gone: another worker processes the shard, and a checkpoint can no longer be written.
    fn lease_lost(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Every record of the shard has been processed. When this returns, the shard is checkpointed as finished, and its
    /// children begin.
    fn shard_ended(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Another worker will go on, or the consumer stops: the last chance for a checkpoint.
    fn shutdown_requested(&mut self, checkpointer: &Checkpointer) -> impl Future<Output = ()> + Send {
        let _ = checkpointer;
        async {}
    }
}

/// User records of one shard.
#[derive(Debug, Clone)]
pub struct Batch {
    pub records: Vec<ConsumerRecord>,
    /// How far the last record is behind the tip of the shard.
    pub millis_behind_latest: i64,
}

/// One user record.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerRecord {
    pub partition_key: ByteString,
    pub explicit_hash_key: Option<HashKey>,
    pub data: Bytes,
    /// Of the Kinesis record that it came in.
    pub sequence_number: ByteString,
    /// Its place in an aggregated record, from 0; 0 when it came alone.
    pub sub_sequence_number: u64,
    pub approximate_arrival: Option<Timestamp>,
}

/// A checkpoint was not written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("the lease of shard {shard_id} is lost")]
    LeaseLost { shard_id: ByteString },
    #[error("the lease table: {0}")]
    Table(#[from] DynamoDBError),
}

/// Writes down how far a shard is processed.
pub struct Checkpointer {
    holding: Arc<Holding>,
    /// The last record that the processor was given.
    latest: Mutex<Option<Checkpoint>>,
}

impl Checkpointer {
    pub(super) fn new(holding: Arc<Holding>) -> Self {
        Self { holding, latest: Mutex::new(None) }
    }

    pub(super) fn advance(&self, to: &ConsumerRecord) {
        let to = Checkpoint { sequence: to.sequence_number.clone(), sub_sequence: to.sub_sequence_number };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(to);
    }

    /// Everything that the processor was given is processed.
    ///
    /// # Errors
    /// When it is not written. It may be tried again unless the lease is lost.
    pub async fn checkpoint(&self) -> Result<(), CheckpointError> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match latest {
            Some(latest) => self.holding.checkpoint(latest).await,
            None => Ok(()),
        }
    }

    /// Everything up to this record is processed.
    ///
    /// # Errors
    /// As [`Checkpointer::checkpoint`].
    pub async fn checkpoint_at(&self, record: &ConsumerRecord) -> Result<(), CheckpointError> {
        let to = Checkpoint { sequence: record.sequence_number.clone(), sub_sequence: record.sub_sequence_number };
        self.holding.checkpoint(to).await
    }
}
