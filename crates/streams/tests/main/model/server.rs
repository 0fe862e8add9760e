//! The service under test, called and understood in the words of the model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::ModeledError as _;
use api::kinesis::*;
use base::ByteString;
use base::caller::Caller;
use base::hash_key::{HashKey, HashKeyRange};
use base::ids::ShardIndex;
use base::time::{ManualClock, Timestamp};
use futures_util::StreamExt as _;
use store::catalog::SharedCatalog;
use store::memory::{MemoryCatalog, MemoryLog};
use store::shard_log::SharedShardLog;
use streams::{Limits, Streams, StreamsBuilder, StreamsSettings};
use testkit::model;

/// An answer, or the name of the error.
pub type Served<T> = Result<T, String>;

/// Where a service keeps what it must not forget.
pub trait Engines {
    /// Opens the engines; those of before are closed.
    fn open(&mut self, clock: Arc<ManualClock>) -> (SharedCatalog, SharedShardLog);

    /// Told when the service has named all its logs.
    fn opened(&self) {}
}

/// Engines in memory, which outlive the service.
#[derive(Default)]
pub struct InMemory(Option<(SharedCatalog, SharedShardLog)>);

impl Engines for InMemory {
    fn open(&mut self, clock: Arc<ManualClock>) -> (SharedCatalog, SharedShardLog) {
        let opened = self.0.get_or_insert_with(|| (Arc::new(MemoryCatalog::new()), Arc::new(MemoryLog::new(clock))));
        opened.clone()
    }
}

pub struct Server {
    engines: Box<dyn Engines>,
    clock: Arc<ManualClock>,
    settings: StreamsSettings,
    caller: Caller,
    streams: Option<Streams>,
}

impl Server {
    /// A service without limits of throughput.
    pub async fn start(mut engines: Box<dyn Engines>, now: Timestamp, transition_delay: Duration, shards: u32) -> Self {
        let clock = Arc::new(ManualClock::new(now));
        let settings = StreamsSettings {
            limits: Limits { enforced: false },
            transition_delay,
            shard_limit_per_account: shards,
            ..StreamsSettings::default()
        };
        let caller = Caller {
            account: "111122223333".parse().expect("an account"),
            region: "us-east-1".parse().expect("a region"),
            access_key_id: None,
        };
        let (catalog, log) = engines.open(clock.clone());
        let streams = start(catalog, log, &clock, &settings).await;
        engines.opened();
        Self { engines, clock, settings, caller, streams: Some(streams) }
    }

    pub async fn restart(&mut self) {
        self.streams = None;
        // The background task goes with the service, and with it the last use of the engines.
        tokio::task::yield_now().await;
        let (catalog, log) = self.engines.open(self.clock.clone());
        self.streams = Some(start(catalog, log, &self.clock, &self.settings).await);
        self.engines.opened();
    }

    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.service().run_jobs().await;
    }

    pub fn service(&self) -> &Streams {
        self.streams.as_ref().expect("the service runs")
    }

    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    pub fn arn(&self, stream: &str) -> ByteString {
        format!("arn:aws:kinesis:us-east-1:{}:stream/{stream}", self.caller.account).into()
    }

    pub async fn create_stream(&self, name: &str, shards: u32) -> Served<()> {
        let shard_count = Some(i32::try_from(shards).expect("few shards"));
        let input = CreateStreamInput { stream_name: name.into(), shard_count, ..CreateStreamInput::default() };
        self.service().create_stream(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn delete_stream(&self, name: &str, even_with_consumers: bool) -> Served<()> {
        let input = DeleteStreamInput {
            stream_name: Some(name.into()),
            enforce_consumer_deletion: Some(even_with_consumers),
            ..DeleteStreamInput::default()
        };
        self.service().delete_stream(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn split_shard(&self, name: &str, shard: ShardIndex, at: HashKey) -> Served<()> {
        let input = SplitShardInput {
            stream_name: Some(name.into()),
            shard_to_split: shard.to_string().into(),
            new_starting_hash_key: at.to_string().into(),
            ..SplitShardInput::default()
        };
        self.service().split_shard(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn merge_shards(&self, name: &str, shard: ShardIndex, adjacent: ShardIndex) -> Served<()> {
        let input = MergeShardsInput {
            stream_name: Some(name.into()),
            shard_to_merge: shard.to_string().into(),
            adjacent_shard_to_merge: adjacent.to_string().into(),
            ..MergeShardsInput::default()
        };
        self.service().merge_shards(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn update_shard_count(&self, name: &str, target: usize) -> Served<usize> {
        let input = UpdateShardCountInput {
            stream_name: Some(name.into()),
            target_shard_count: i32::try_from(target).expect("few shards"),
            scaling_type: ScalingType::UniformScaling,
            ..UpdateShardCountInput::default()
        };
        let output = self.service().update_shard_count(&self.caller, input).await.map_err(name_of)?;
        Ok(count(output.current_shard_count))
    }

    pub async fn put_records(&self, name: &str, records: &[model::NewRecord]) -> Served<Vec<model::Stored>> {
        let entries = records.iter().map(|record| PutRecordsRequestEntry {
            data: &record.data,
            partition_key: &record.partition_key,
            explicit_hash_key: record.explicit_hash_key.as_deref(),
        });
        let input = PutRecordsInput {
            stream_name: Some(name.into()),
            records: entries.collect(),
            ..PutRecordsInput::default()
        };
        let output = self.service().put_records(&self.caller, input).await.map_err(name_of)?;
        assert_eq!(output.failed_record_count, Some(0));
        let stored = output.records.iter().map(|result| model::Stored {
            shard: parsed(result.shard_id.expect("a stored record has a shard")),
            number: parsed(result.sequence_number.expect("a stored record has a number")),
            is_encrypted: is_encrypted(output.encryption_type.as_ref()),
        });
        Ok(stored.collect())
    }

    pub async fn put_record(
        &self,
        name: &str,
        record: &model::NewRecord,
        ordering: Option<String>,
    ) -> Served<model::Stored> {
        let input = PutRecordInput {
            stream_name: Some(name.into()),
            data: record.data.clone().into(),
            partition_key: record.partition_key.as_str().into(),
            explicit_hash_key: record.explicit_hash_key.as_deref().map(ByteString::from),
            sequence_number_for_ordering: ordering.map(ByteString::from),
            ..PutRecordInput::default()
        };
        let output = self.service().put_record(&self.caller, input).await.map_err(name_of)?;
        let (shard, number) = (parsed(&output.shard_id), parsed(&output.sequence_number));
        Ok(model::Stored { shard, number, is_encrypted: is_encrypted(output.encryption_type.as_ref()) })
    }

    pub async fn get_shard_iterator(&self, name: &str, shard: ShardIndex, start: &model::Start) -> Served<ByteString> {
        let (shard_iterator_type, starting_sequence_number, timestamp) = beginning(start);
        let input = GetShardIteratorInput {
            stream_name: Some(name.into()),
            shard_id: shard.to_string().into(),
            shard_iterator_type,
            starting_sequence_number,
            timestamp,
            ..GetShardIteratorInput::default()
        };
        let output = self.service().get_shard_iterator(&self.caller, input).await.map_err(name_of)?;
        Ok(output.shard_iterator.expect("an iterator"))
    }

    pub async fn get_records(&self, iterator: &ByteString, limit: usize) -> Served<GetRecordsOutput> {
        let limit = Some(i32::try_from(limit).expect("a small limit"));
        let input = GetRecordsInput { shard_iterator: iterator.clone(), limit, ..GetRecordsInput::default() };
        self.service().get_records(&self.caller, input).await.map_err(name_of)
    }

    /// The first event. The consumer is named with its time of creation, as its ARN has it.
    pub async fn subscribe_to_shard(
        &self,
        name: &str,
        (consumer, created_seconds): (&str, i64),
        shard: ShardIndex,
        start: &model::Start,
    ) -> Served<model::Event> {
        let (r#type, sequence_number, timestamp) = beginning(start);
        let input = SubscribeToShardInput {
            consumer_arn: format!("{}/consumer/{consumer}:{created_seconds}", self.arn(name)).into(),
            shard_id: shard.to_string().into(),
            starting_position: StartingPosition { r#type, sequence_number, timestamp },
            ..SubscribeToShardInput::default()
        };
        let mut events = self.service().subscribe_to_shard(&self.caller, input).await.map_err(name_of)?;
        let event = events.next().await.expect("an event comes first").map_err(name_of)?;
        assert_eq!(event.millis_behind_latest, 0, "all records fit into the event");
        Ok(model::Event {
            records: records(event.records),
            continuation: event.continuation_sequence_number.as_deref().map(parsed),
            children: event.child_shards.map(children),
        })
    }

    pub async fn change_retention(&self, name: &str, hours: u32, is_increase: bool) -> Served<()> {
        let (stream_name, retention_period_hours) = (Some(name.into()), i32::try_from(hours).expect("a year"));
        if is_increase {
            let input =
                IncreaseStreamRetentionPeriodInput { stream_name, retention_period_hours, ..Default::default() };
            self.service().increase_stream_retention_period(&self.caller, input).await.map(drop).map_err(name_of)
        } else {
            let input =
                DecreaseStreamRetentionPeriodInput { stream_name, retention_period_hours, ..Default::default() };
            self.service().decrease_stream_retention_period(&self.caller, input).await.map(drop).map_err(name_of)
        }
    }

    pub async fn start_encryption(&self, name: &str, key_id: &str) -> Served<()> {
        let (stream_name, key_id) = (Some(name.into()), key_id.into());
        let encryption_type = EncryptionType::Kms;
        let input = StartStreamEncryptionInput { stream_name, encryption_type, key_id, ..Default::default() };
        self.service().start_stream_encryption(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn stop_encryption(&self, name: &str, key_id: &str) -> Served<()> {
        let (stream_name, key_id) = (Some(name.into()), key_id.into());
        let encryption_type = EncryptionType::Kms;
        let input = StopStreamEncryptionInput { stream_name, encryption_type, key_id, ..Default::default() };
        self.service().stop_stream_encryption(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn register_stream_consumer(&self, stream: &str, name: &str) -> Served<()> {
        let (stream_arn, consumer_name) = (self.arn(stream), name.into());
        let input = RegisterStreamConsumerInput { stream_arn, consumer_name, ..RegisterStreamConsumerInput::default() };
        self.service().register_stream_consumer(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn deregister_stream_consumer(&self, stream: &str, name: &str) -> Served<()> {
        let (stream_arn, consumer_name) = (Some(self.arn(stream)), Some(name.into()));
        let input = DeregisterStreamConsumerInput { stream_arn, consumer_name, ..Default::default() };
        self.service().deregister_stream_consumer(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn add_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> Served<()> {
        let tags = tags.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
        let input = AddTagsToStreamInput { stream_name: Some(name.into()), tags, ..AddTagsToStreamInput::default() };
        self.service().add_tags_to_stream(&self.caller, input).await.map(drop).map_err(name_of)
    }

    pub async fn remove_tags(&self, name: &str, keys: &[String]) -> Served<()> {
        let tag_keys = keys.iter().map(|key| key.as_str().into()).collect();
        let stream_name = Some(name.into());
        let input = RemoveTagsFromStreamInput { stream_name, tag_keys, ..RemoveTagsFromStreamInput::default() };
        self.service().remove_tags_from_stream(&self.caller, input).await.map(drop).map_err(name_of)
    }
}

async fn start(
    catalog: SharedCatalog,
    log: SharedShardLog,
    clock: &Arc<ManualClock>,
    settings: &StreamsSettings,
) -> Streams {
    let (clock, settings) = (clock.clone(), settings.clone());
    Streams::start(StreamsBuilder { catalog, log, clock, settings }).await.expect("the service starts")
}

fn beginning(start: &model::Start) -> (ShardIteratorType, Option<ByteString>, Option<Timestamp>) {
    use ShardIteratorType as Type;
    match start {
        model::Start::TrimHorizon => (Type::TrimHorizon, None, None),
        model::Start::Latest => (Type::Latest, None, None),
        model::Start::AtSequenceNumber(number) => (Type::AtSequenceNumber, Some(number.as_str().into()), None),
        model::Start::AfterSequenceNumber(number) => (Type::AfterSequenceNumber, Some(number.as_str().into()), None),
        model::Start::AtTimestamp(at) => (Type::AtTimestamp, None, Some(*at)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn name_of(error: KinesisError) -> String {
    error.code().to_owned()
}

pub fn parsed<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text:?} cannot be read"))
}

pub fn count(number: Option<i32>) -> usize {
    number.and_then(|number| usize::try_from(number).ok()).expect("a count")
}

fn is_encrypted(encryption: Option<&EncryptionType>) -> bool {
    encryption == Some(&EncryptionType::Kms)
}

pub fn records(records: Vec<Record>) -> Vec<model::Record> {
    let record = |record: Record| model::Record {
        number: parsed(&record.sequence_number),
        arrival: record.approximate_arrival_timestamp.expect("every record has a time"),
        partition_key: record.partition_key.to_string(),
        data: record.data.to_vec(),
        is_encrypted: is_encrypted(record.encryption_type.as_ref()),
    };
    records.into_iter().map(record).collect()
}

pub fn children(children: Vec<ChildShard>) -> Vec<ShardIndex> {
    children.iter().map(|child| parsed(&child.shard_id)).collect()
}

pub fn range(range: &api::kinesis::HashKeyRange) -> HashKeyRange {
    HashKeyRange { start: parsed(&range.starting_hash_key), end: parsed(&range.ending_hash_key) }
}
