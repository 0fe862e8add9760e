//! Settings of a producer.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{Kinesis, KinesisError};
use base::ByteString;
use base::caller::Caller;
use base::limits::{KIB, MIB, PUT_RECORDS_BYTES_MAX, PUT_RECORDS_COUNT_MAX};

use super::Producer;
use crate::service::anybody;
use crate::span::clamped;

/// Plain data: what a producer keeps to.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub aggregate_bytes_max: usize,
    pub aggregate_records_max: usize,
    pub linger: Duration,
    pub request_bytes_max: usize,
    pub request_records_max: usize,
    pub requests_in_flight_max: usize,
    pub buffer_bytes_max: usize,
    pub record_bytes_max: usize,
    pub record_ttl: Duration,
    pub is_ordered: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            aggregate_bytes_max: 50 * KIB,
            aggregate_records_max: usize::MAX,
            linger: Duration::from_millis(100),
            request_bytes_max: 5 * MIB,
            request_records_max: PUT_RECORDS_COUNT_MAX,
            requests_in_flight_max: 8,
            buffer_bytes_max: 64 * MIB,
            record_bytes_max: base::limits::RECORD_BYTES_DEFAULT_MAX,
            record_ttl: Duration::from_secs(30),
            is_ordered: false,
        }
    }
}

/// Makes a [`Producer`].
#[derive(Clone)]
pub struct ProducerBuilder {
    pub(super) kinesis: Arc<dyn Kinesis>,
    pub(super) caller: Caller,
    pub(super) stream: ByteString,
    pub(super) settings: Settings,
}

impl ProducerBuilder {
    pub(super) fn new(kinesis: Arc<dyn Kinesis>, stream: impl Into<ByteString>) -> Self {
        Self { kinesis, caller: anybody(), stream: stream.into(), settings: Settings::default() }
    }

    /// Who puts, for services in this process; a client over HTTP has its key instead.
    #[must_use]
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Data of an aggregated record at most; 50 KiB unless set. A user record above it travels alone.
    #[must_use]
    pub fn aggregate_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.aggregate_bytes_max = bytes.clamp(1, PUT_RECORDS_BYTES_MAX);
        self
    }

    /// User records in an aggregated record at most; no limit unless set. With 1 nothing is aggregated.
    #[must_use]
    pub fn aggregate_records_max(mut self, records: usize) -> Self {
        self.settings.aggregate_records_max = records.max(1);
        self
    }

    /// How long a user record waits for others to travel with; 100 ms unless set.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = clamped(linger);
        self
    }

    /// Data and keys of one PutRecords request at most; 5 MiB unless set, 10 MiB at most.
    #[must_use]
    pub fn request_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.request_bytes_max = bytes.clamp(1, PUT_RECORDS_BYTES_MAX);
        self
    }

    /// Kinesis records of one PutRecords request at most; 500 unless set, which is also the most.
    #[must_use]
    pub fn request_records_max(mut self, records: usize) -> Self {
        self.settings.request_records_max = records.clamp(1, PUT_RECORDS_COUNT_MAX);
        self
    }

    /// Requests under way at a time; 8 unless set.
    #[must_use]
    pub fn requests_in_flight_max(mut self, requests: usize) -> Self {
        self.settings.requests_in_flight_max = requests.max(1);
        self
    }

    /// Memory for user records that are not stored yet; 64 MiB unless set. When it is used up, puts wait.
    #[must_use]
    pub fn buffer_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.buffer_bytes_max = bytes.clamp(1, u32::MAX as usize);
        self
    }

    /// Data and partition key of a user record at most; 1 MiB unless set. Set it to the limit of the stream.
    #[must_use]
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.settings.record_bytes_max = bytes.clamp(1, PUT_RECORDS_BYTES_MAX);
        self
    }

    /// How long a user record is tried for; 30 s unless set.
    #[must_use]
    pub fn record_ttl(mut self, ttl: Duration) -> Self {
        self.settings.record_ttl = clamped(ttl);
        self
    }

    /// Stores the user records of each key in the order in which they were put, by having one Kinesis record of a shard
    /// under way at a time. Records that are given up leave a gap. Off unless set.
    #[must_use]
    pub fn ordered(mut self, is_ordered: bool) -> Self {
        self.settings.is_ordered = is_ordered;
        self
    }

    /// Learns the shards of the stream and starts. Needs a runtime of tokio, and lives on it.
    ///
    /// # Errors
    /// When the shards cannot be listed.
    pub async fn start(self) -> Result<Producer, KinesisError> {
        Producer::start(self).await
    }
}
