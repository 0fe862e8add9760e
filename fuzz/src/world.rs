//! A Kinesis service in memory, made afresh for every input. Its clock stands still until it is moved.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::{CreateStreamInput, Kinesis, PutRecordInput, RegisterStreamConsumerInput};
use base::caller::Caller;
use base::ids::AccountId;
use base::time::{ManualClock, Timestamp};
use store::catalog::SharedCatalog;
use store::memory::{MemoryCatalog, MemoryLog};
use streams::{StartError, Streams, StreamsBuilder, StreamsSettings};
use tokio::runtime::Runtime;

/// 2023-11-14T22:13:20Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// The one stream, with two shards, a record and a consumer.
pub const STREAM: &str = "s";
pub const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
/// Small, so that no input makes many shards.
const SHARDS_MAX: u32 = 40;

/// A service and the runtime that it lives in.
pub struct World {
    pub runtime: Runtime,
    pub clock: Arc<ManualClock>,
    pub streams: Arc<Streams>,
    pub caller: Caller,
}

impl World {
    /// A service on the rows of a catalog.
    ///
    /// # Errors
    /// When the service refuses them.
    pub fn start(catalog: SharedCatalog) -> Result<Self, StartError> {
        Self::start_slow(catalog, Duration::ZERO)
    }

    /// The same, and changes of streams take their time.
    ///
    /// # Errors
    /// When the service refuses the rows.
    pub fn start_slow(catalog: SharedCatalog, transition_delay: Duration) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let clock = Arc::new(ManualClock::new(NOW));
        let log = Arc::new(MemoryLog::new(clock.clone()));
        let settings =
            StreamsSettings { transition_delay, shard_limit_per_account: SHARDS_MAX, ..StreamsSettings::default() };
        let streams =
            runtime.block_on(Streams::start(StreamsBuilder { catalog, log, clock: clock.clone(), settings }))?;
        Ok(Self { runtime, clock, streams: Arc::new(streams), caller: caller() })
    }

    /// A service with a stream in it, on a catalog that may hold rows already.
    #[must_use]
    pub fn with_stream(catalog: Arc<MemoryCatalog>) -> Self {
        let world = Self::start(catalog).expect("the service starts");
        world.runtime.block_on(async {
            let Self { streams, caller, .. } = &world;
            let create =
                CreateStreamInput { stream_name: STREAM.into(), shard_count: Some(2), ..CreateStreamInput::default() };
            streams.create_stream(caller, create).await.expect("a new stream");
            let record = PutRecordInput {
                stream_name: Some(STREAM.into()),
                partition_key: "k".into(),
                data: "data".into(),
                ..PutRecordInput::default()
            };
            streams.put_record(caller, record).await.expect("room for a record");
            let consumer = RegisterStreamConsumerInput {
                stream_arn: STREAM_ARN.into(),
                consumer_name: "c".into(),
                ..RegisterStreamConsumerInput::default()
            };
            streams.register_stream_consumer(caller, consumer).await.expect("a new consumer");
        });
        world
    }
}

/// Who calls.
#[must_use]
pub fn caller() -> Caller {
    Caller { account: AccountId::zero(), region: "us-east-1".parse().expect("a region"), access_key_id: None }
}
