//! Settings of a consumer.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use api::dynamodb::DynamoDB;
use api::kinesis::Kinesis;
use base::ByteString;
use base::caller::Caller;
use base::limits::GET_RECORDS_COUNT_MAX;

use super::processor::RecordProcessor;
use super::sync::InitialPosition;
use super::{Consumer, StartError};
use crate::service::anybody;
use crate::span::clamped;

/// Makes a [`Consumer`].
#[derive(Clone)]
pub struct ConsumerBuilder {
    pub(super) kinesis: Arc<dyn Kinesis>,
    pub(super) dynamodb: Arc<dyn DynamoDB>,
    pub(super) caller: Caller,
    pub(super) application: ByteString,
    pub(super) stream: ByteString,
    pub(super) worker: ByteString,
    pub(super) initial: InitialPosition,
    pub(super) failover: Duration,
    pub(super) handover: Duration,
    pub(super) shard_sync: Duration,
    pub(super) idle: Duration,
    pub(super) records_max: i32,
    pub(super) fan_out: Option<ByteString>,
}

impl ConsumerBuilder {
    pub(super) fn new(
        kinesis: Arc<dyn Kinesis>,
        dynamodb: Arc<dyn DynamoDB>,
        application: ByteString,
        stream: ByteString,
    ) -> Self {
        Self {
            kinesis,
            dynamodb,
            caller: anybody(),
            application,
            stream,
            worker: format!("{:016x}", RandomState::new().hash_one(())).into(),
            initial: InitialPosition::default(),
            failover: Duration::from_secs(10),
            handover: Duration::from_secs(30),
            shard_sync: Duration::from_secs(60),
            idle: Duration::from_secs(1),
            records_max: i32::try_from(GET_RECORDS_COUNT_MAX).expect("ten thousand"),
            fan_out: None,
        }
    }

    /// Who reads, for services in this process; a client over HTTP has its key instead.
    #[must_use]
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// The name of this worker, which no other worker of the application may have; random unless set.
    #[must_use]
    pub fn worker_id(mut self, worker: impl Into<ByteString>) -> Self {
        self.worker = worker.into();
        self
    }

    /// Where an application without leases begins; with what is put from now on unless set.
    #[must_use]
    pub fn initial_position(mut self, initial: InitialPosition) -> Self {
        self.initial = initial;
        self
    }

    /// After how long without a sign of life a worker's leases are taken by others; 10 s unless set. Leases are renewed
    /// three times as often. All workers of an application should have the same.
    #[must_use]
    pub fn failover(mut self, failover: Duration) -> Self {
        self.failover = clamped(failover).max(Duration::from_millis(30));
        self
    }

    /// How long a worker may take to hand a lease over before it is taken; 30 s unless set.
    #[must_use]
    pub fn handover(mut self, handover: Duration) -> Self {
        self.handover = clamped(handover);
        self
    }

    /// How often the shards of the stream are compared with the leases; 60 s unless set.
    #[must_use]
    pub fn shard_sync(mut self, interval: Duration) -> Self {
        self.shard_sync = clamped(interval);
        self
    }

    /// The pause between two reads of a shard that has nothing more; 1 s unless set.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = clamped(idle);
        self
    }

    /// Kinesis records of one read at most; 10,000 unless set, which is also the most.
    #[must_use]
    pub fn records_max(mut self, records: u16) -> Self {
        self.records_max = i32::from(records).clamp(1, 10_000);
        self
    }

    /// Reads by enhanced fan-out, as the registered consumer of that name, in place of polling.
    #[must_use]
    pub fn fan_out(mut self, consumer_name: impl Into<ByteString>) -> Self {
        self.fan_out = Some(consumer_name.into());
        self
    }

    /// Makes the lease table if there is none, and starts. `processor` makes the processor of a shard, given its id.
    /// Needs a runtime of tokio, and lives on it.
    ///
    /// # Errors
    /// When the table or the consumer for fan-out cannot be made.
    pub async fn start<P, F>(self, processor: F) -> Result<Consumer, StartError>
    where
        P: RecordProcessor,
        F: Fn(&str) -> P + Send + Sync + 'static,
    {
        Consumer::start(self, processor).await
    }
}
