//! A service to test, and short ways to call it.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::*;
use base::caller::Caller;
use base::ids::{AccountId, Region};
use base::time::{Clock, ManualClock, Timestamp};
use base::{ByteString, Bytes};
use store::memory::{MemoryCatalog, MemoryLog};
use streams::{Limits, Streams, StreamsBuilder, StreamsSettings};

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_250);
pub const ACCOUNT: &str = "111122223333";

pub struct World {
    pub clock: Arc<ManualClock>,
    pub catalog: Arc<MemoryCatalog>,
    pub log: Arc<MemoryLog>,
    pub settings: StreamsSettings,
    pub streams: Streams,
    pub caller: Caller,
}

pub fn caller(account: &str, region: &str) -> Caller {
    Caller {
        account: AccountId::new(account.to_owned()).expect("an account"),
        region: Region::new(region.to_owned()).expect("a region"),
        access_key_id: Some("AKIDEXAMPLE".to_owned()),
    }
}

impl World {
    /// Limits off, no delays.
    pub async fn new() -> Self {
        Self::with(StreamsSettings { limits: Limits { enforced: false }, ..StreamsSettings::default() }).await
    }

    pub async fn with_limits() -> Self {
        Self::with(StreamsSettings::default()).await
    }

    pub async fn with_delay(delay: Duration) -> Self {
        Self::with(StreamsSettings {
            limits: Limits { enforced: false },
            transition_delay: delay,
            ..StreamsSettings::default()
        })
        .await
    }

    pub async fn with(settings: StreamsSettings) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let catalog = Arc::new(MemoryCatalog::new());
        let log = Arc::new(MemoryLog::new(clock.clone()));
        let streams = start(&catalog, &log, &clock, &settings).await;
        Self { clock, catalog, log, settings, streams, caller: caller(ACCOUNT, "us-east-1") }
    }

    /// Another service on the same engines, as after a restart.
    pub async fn restart(self) -> Self {
        let Self { clock, catalog, log, settings, streams, caller } = self;
        drop(streams);
        let streams = start(&catalog, &log, &clock, &settings).await;
        Self { clock, catalog, log, settings, streams, caller }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub fn arn(&self, stream: &str) -> ByteString {
        format!("arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{stream}").into()
    }

    pub async fn create(&self, name: &str, shards: i32) {
        let input =
            CreateStreamInput { stream_name: name.into(), shard_count: Some(shards), ..CreateStreamInput::default() };
        self.streams.create_stream(&self.caller, input).await.expect("a new stream");
    }

    pub async fn create_on_demand(&self, name: &str) {
        let input = CreateStreamInput { stream_name: name.into(), ..CreateStreamInput::default() };
        self.streams.create_stream(&self.caller, input).await.expect("a new stream");
    }

    pub async fn delete(&self, name: &str) -> Result<DeleteStreamOutput, KinesisError> {
        let input = DeleteStreamInput { stream_name: Some(name.into()), ..DeleteStreamInput::default() };
        self.streams.delete_stream(&self.caller, input).await
    }

    pub async fn put(&self, stream: &str, key: &str, data: &str) -> PutRecordOutput {
        self.try_put(stream, key, data.len(), data).await.expect("a stored record")
    }

    pub async fn try_put(
        &self,
        stream: &str,
        key: &str,
        bytes: usize,
        data: &str,
    ) -> Result<PutRecordOutput, KinesisError> {
        let mut data = data.as_bytes().to_vec();
        data.resize(bytes, b'x');
        let input = PutRecordInput {
            stream_name: Some(stream.into()),
            partition_key: key.into(),
            data: Bytes::from(data),
            ..PutRecordInput::default()
        };
        self.streams.put_record(&self.caller, input).await
    }

    pub async fn put_many(&self, stream: &str, records: &[(&str, &str)]) -> PutRecordsOutput {
        let input = PutRecordsInput {
            stream_name: Some(stream.into()),
            records: records.iter().map(|(key, data)| entry(key, data.as_bytes())).collect(),
            ..PutRecordsInput::default()
        };
        self.streams.put_records(&self.caller, input).await.expect("an answer for every record")
    }

    pub async fn iterator(
        &self,
        stream: &str,
        shard: &str,
        kind: ShardIteratorType,
    ) -> Result<ByteString, KinesisError> {
        self.iterator_with(stream, shard, kind, None, None).await
    }

    pub async fn iterator_with(
        &self,
        stream: &str,
        shard: &str,
        kind: ShardIteratorType,
        number: Option<ByteString>,
        timestamp: Option<Timestamp>,
    ) -> Result<ByteString, KinesisError> {
        let input = GetShardIteratorInput {
            stream_name: Some(stream.into()),
            shard_id: shard.into(),
            shard_iterator_type: kind,
            starting_sequence_number: number,
            timestamp,
            ..GetShardIteratorInput::default()
        };
        let output = self.streams.get_shard_iterator(&self.caller, input).await?;
        Ok(output.shard_iterator.expect("an iterator"))
    }

    pub async fn get(&self, iterator: &str) -> Result<GetRecordsOutput, KinesisError> {
        self.get_some(iterator, None).await
    }

    pub async fn get_some(&self, iterator: &str, limit: Option<i32>) -> Result<GetRecordsOutput, KinesisError> {
        let input = GetRecordsInput { shard_iterator: iterator.into(), limit, ..GetRecordsInput::default() };
        self.streams.get_records(&self.caller, input).await
    }

    /// Everything in a shard, from its horizon on.
    pub async fn read_all(&self, stream: &str, shard: &str) -> Vec<Record> {
        let mut iterator = self.iterator(stream, shard, ShardIteratorType::TrimHorizon).await.ok();
        let mut records = Vec::new();
        while let Some(current) = iterator {
            let output = self.get(&current).await.expect("a reading");
            records.extend(output.records);
            iterator = output.next_shard_iterator.filter(|_| output.millis_behind_latest != Some(0));
        }
        records
    }

    pub async fn shards(&self, stream: &str) -> Vec<Shard> {
        self.shards_by(stream, None).await
    }

    /// All pages.
    pub async fn shards_by(&self, stream: &str, filter: Option<ShardFilter>) -> Vec<Shard> {
        let mut input =
            ListShardsInput { stream_name: Some(stream.into()), shard_filter: filter, ..ListShardsInput::default() };
        let mut shards = Vec::new();
        loop {
            let page = self.streams.list_shards(&self.caller, input).await.expect("shards");
            shards.extend(page.shards.expect("shards"));
            if page.next_token.is_none() {
                return shards;
            }
            input = ListShardsInput { next_token: page.next_token, ..ListShardsInput::default() };
        }
    }

    pub async fn open_shards(&self, stream: &str) -> Vec<Shard> {
        let filter = ShardFilter { r#type: ShardFilterType::AtLatest, ..ShardFilter::default() };
        self.shards_by(stream, Some(filter)).await
    }

    pub async fn summary(&self, stream: &str) -> Result<StreamDescriptionSummary, KinesisError> {
        let input =
            DescribeStreamSummaryInput { stream_name: Some(stream.into()), ..DescribeStreamSummaryInput::default() };
        let output = self.streams.describe_stream_summary(&self.caller, input).await?;
        Ok(output.stream_description_summary)
    }

    pub async fn status(&self, stream: &str) -> StreamStatus {
        self.summary(stream).await.expect("a stream").stream_status
    }

    pub async fn split(&self, stream: &str, shard: &str, at: &str) -> Result<SplitShardOutput, KinesisError> {
        let input = SplitShardInput {
            stream_name: Some(stream.into()),
            shard_to_split: shard.into(),
            new_starting_hash_key: at.into(),
            ..SplitShardInput::default()
        };
        self.streams.split_shard(&self.caller, input).await
    }

    pub async fn merge(&self, stream: &str, shard: &str, adjacent: &str) -> Result<MergeShardsOutput, KinesisError> {
        let input = MergeShardsInput {
            stream_name: Some(stream.into()),
            shard_to_merge: shard.into(),
            adjacent_shard_to_merge: adjacent.into(),
            ..MergeShardsInput::default()
        };
        self.streams.merge_shards(&self.caller, input).await
    }

    pub async fn scale(&self, stream: &str, target: i32) -> Result<UpdateShardCountOutput, KinesisError> {
        let input = UpdateShardCountInput {
            stream_name: Some(stream.into()),
            target_shard_count: target,
            scaling_type: ScalingType::UniformScaling,
            ..UpdateShardCountInput::default()
        };
        self.streams.update_shard_count(&self.caller, input).await
    }

    pub async fn register(&self, stream: &str, consumer: &str) -> Result<Consumer, KinesisError> {
        let input = RegisterStreamConsumerInput {
            stream_arn: self.arn(stream),
            consumer_name: consumer.into(),
            ..RegisterStreamConsumerInput::default()
        };
        Ok(self.streams.register_stream_consumer(&self.caller, input).await?.consumer)
    }
}

async fn start(
    catalog: &Arc<MemoryCatalog>,
    log: &Arc<MemoryLog>,
    clock: &Arc<ManualClock>,
    settings: &StreamsSettings,
) -> Streams {
    Streams::start(StreamsBuilder {
        catalog: catalog.clone(),
        log: log.clone(),
        clock: clock.clone(),
        settings: settings.clone(),
    })
    .await
    .expect("the service starts")
}

pub fn entry<'a>(key: &'a str, data: &'a [u8]) -> PutRecordsRequestEntry<'a> {
    PutRecordsRequestEntry { data, partition_key: key, explicit_hash_key: None }
}

/// The error's name on the wire and its message.
pub fn text_of<T: std::fmt::Debug>(result: Result<T, KinesisError>) -> String {
    use api::ModeledError as _;
    let error = result.expect_err("a refusal");
    format!("{}: {}", error.code(), error.message().unwrap_or_default())
}

/// The data of records as text.
pub fn data(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect()
}
