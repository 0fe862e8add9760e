//! The operations that the proofs use, on the project's own client without retries: each call is one request.

use std::str::FromStr;
use std::time::Duration;

use api::kinesis::{
    CreateStreamInput, DecreaseStreamRetentionPeriodInput, DeleteStreamInput, DescribeStreamSummaryInput,
    EncryptionType, GetRecordsInput, GetShardIteratorInput, IncreaseStreamRetentionPeriodInput, Kinesis as _,
    KinesisError, ListShardsInput, MergeShardsInput, PutRecordsInput, PutRecordsRequestEntry, Record, ScalingType,
    Shard, ShardIteratorType, SplitShardInput, StartStreamEncryptionInput, StreamDescriptionSummary, StreamStatus,
    UpdateShardCountInput,
};
use base::caller::Caller;
use base::hash_key::{HashKey, HashKeyRange};
use base::ids::{AccountId, Region, ShardIndex};
use base::sequence::SequenceNumber;
use base::time::Timestamp;
use base::{ByteString, Bytes};
use client::{Credentials, KinesisClient};
use testkit::history::{ReadRecord, ShardDescription};

use crate::server::Server;

/// The stream of all proofs.
const STREAM: ByteString = ByteString::from_static("proof");
const ACTIVE_POLLS_MAX: usize = 2000;
/// Pages of one read; more is an endless loop.
const PAGES_MAX: usize = 100_000;

pub(crate) type Answer<T> = Result<T, KinesisError>;

/// A client of one server. Clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    kinesis: KinesisClient,
    caller: Caller,
    stream: ByteString,
}

/// Where reading begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    Horizon,
    Latest,
    After(SequenceNumber),
    /// At the first record that arrived then or later, milliseconds.
    Time(i64),
}

/// One page of a shard.
pub(crate) struct Page {
    pub records: Vec<ReadRecord>,
    /// `None` when the shard is closed and has been read to its end.
    pub next: Option<ByteString>,
    pub at_tip: bool,
}

impl Client {
    pub(crate) fn connect(server: &Server) -> Self {
        let region = Region::new("us-east-1").expect("a region");
        let endpoint = server.endpoint().parse().expect("the server wrote its endpoint");
        let kinesis = KinesisClient::builder(endpoint, region.clone(), Credentials::anonymous())
            .attempts_max(1)
            .attempt_timeout(Duration::from_secs(60))
            .build()
            .expect("without TLS nothing can fail");
        Self { kinesis, caller: Caller { account: AccountId::zero(), region, access_key_id: None }, stream: STREAM }
    }

    /// Whether the server says that all is well: `None` when it says nothing.
    pub(crate) async fn is_ready(&self) -> Option<bool> {
        Some(self.kinesis.get("/readyz").await.ok()?.status == 200)
    }

    pub(crate) async fn create(&self, shards: i32) -> Answer<()> {
        let input = CreateStreamInput {
            stream_name: self.stream.clone(),
            shard_count: Some(shards),
            ..CreateStreamInput::default()
        };
        self.kinesis.create_stream(&self.caller, input).await?;
        self.wait_active().await
    }

    pub(crate) async fn wait_active(&self) -> Answer<()> {
        for _ in 0..ACTIVE_POLLS_MAX {
            if self.summary().await?.stream_status == StreamStatus::Active {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(KinesisError::internal_failure("the stream does not become ACTIVE"))
    }

    pub(crate) async fn summary(&self) -> Answer<StreamDescriptionSummary> {
        let input = DescribeStreamSummaryInput {
            stream_name: Some(self.stream.clone()),
            ..DescribeStreamSummaryInput::default()
        };
        Ok(self.kinesis.describe_stream_summary(&self.caller, input).await?.stream_description_summary)
    }

    /// Puts records; the sequence number of each that was taken.
    pub(crate) async fn put(&self, records: &[(ByteString, Bytes)]) -> Answer<Vec<Option<SequenceNumber>>> {
        let entries = records.iter().map(|(key, data)| PutRecordsRequestEntry {
            data,
            explicit_hash_key: None,
            partition_key: key,
        });
        let input = PutRecordsInput {
            records: entries.collect(),
            stream_name: Some(self.stream.clone()),
            ..PutRecordsInput::default()
        };
        let output = self.kinesis.put_records(&self.caller, input).await?;
        output.records.iter().map(|result| result.sequence_number.map(parsed).transpose()).collect()
    }

    /// All shards, open and closed.
    pub(crate) async fn shards(&self) -> Answer<Vec<ShardDescription>> {
        let (mut shards, mut token) = (Vec::new(), None);
        loop {
            let stream_name = token.is_none().then(|| self.stream.clone());
            let input = ListShardsInput { stream_name, next_token: token, ..ListShardsInput::default() };
            let page = self.kinesis.list_shards(&self.caller, input).await?;
            for shard in page.shards.unwrap_or_default() {
                shards.push(describe(&shard)?);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }

    pub(crate) async fn iterator(&self, shard: ShardIndex, start: Start) -> Answer<Option<ByteString>> {
        let (shard_iterator_type, number, time) = match start {
            Start::Horizon => (ShardIteratorType::TrimHorizon, None, None),
            Start::Latest => (ShardIteratorType::Latest, None, None),
            Start::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number.to_string().into()), None),
            Start::Time(at) => (ShardIteratorType::AtTimestamp, None, Some(Timestamp::from_millis(at))),
        };
        let input = GetShardIteratorInput {
            stream_name: Some(self.stream.clone()),
            shard_id: shard.to_string().into(),
            shard_iterator_type,
            starting_sequence_number: number,
            timestamp: time,
            ..GetShardIteratorInput::default()
        };
        Ok(self.kinesis.get_shard_iterator(&self.caller, input).await?.shard_iterator)
    }

    pub(crate) async fn page(&self, iterator: ByteString) -> Answer<Page> {
        let input = GetRecordsInput { shard_iterator: iterator, ..GetRecordsInput::default() };
        let output = self.kinesis.get_records(&self.caller, input).await?;
        let at_tip = output.records.is_empty() && output.millis_behind_latest == Some(0);
        let records = output.records.into_iter().map(read_record).collect::<Answer<_>>()?;
        Ok(Page { records, next: output.next_shard_iterator, at_tip })
    }

    /// Everything from `start` to the tip or end of the shard.
    pub(crate) async fn read(&self, shard: ShardIndex, start: Start) -> Answer<Vec<ReadRecord>> {
        let (mut next, mut records) = (self.iterator(shard, start).await?, Vec::new());
        for _ in 0..PAGES_MAX {
            let Some(iterator) = next else { return Ok(records) };
            let page = self.page(iterator).await?;
            records.extend(page.records);
            next = page.next.filter(|_| !page.at_tip);
        }
        Err(KinesisError::internal_failure("a shard has no end"))
    }

    /// Encrypts the stream at rest from now on.
    pub(crate) async fn encrypt(&self) -> Answer<()> {
        let input = StartStreamEncryptionInput {
            stream_name: Some(self.stream.clone()),
            encryption_type: EncryptionType::Kms,
            key_id: ByteString::from_static("alias/aws/kinesis"),
            ..StartStreamEncryptionInput::default()
        };
        self.kinesis.start_stream_encryption(&self.caller, input).await?;
        self.wait_active().await
    }

    /// Makes another stream, puts a record into it and deletes it; how many records were in it.
    pub(crate) async fn use_other_stream(&self) -> Answer<usize> {
        let other = Self { stream: ByteString::from_static("other"), ..self.clone() };
        other.create(1).await?;
        other.put(&[("key".into(), "data".into())]).await?;
        let found = other.read(ShardIndex(0), Start::Horizon).await?.len();
        let input = DeleteStreamInput { stream_name: Some(other.stream), ..DeleteStreamInput::default() };
        self.kinesis.delete_stream(&self.caller, input).await?;
        Ok(found)
    }

    pub(crate) async fn split(&self, shard: ShardIndex, at: HashKey) -> Answer<()> {
        let input = SplitShardInput {
            stream_name: Some(self.stream.clone()),
            shard_to_split: shard.to_string().into(),
            new_starting_hash_key: at.to_string().into(),
            ..SplitShardInput::default()
        };
        self.kinesis.split_shard(&self.caller, input).await.map(drop)
    }

    pub(crate) async fn merge(&self, shard: ShardIndex, adjacent: ShardIndex) -> Answer<()> {
        let input = MergeShardsInput {
            stream_name: Some(self.stream.clone()),
            shard_to_merge: shard.to_string().into(),
            adjacent_shard_to_merge: adjacent.to_string().into(),
            ..MergeShardsInput::default()
        };
        self.kinesis.merge_shards(&self.caller, input).await.map(drop)
    }

    pub(crate) async fn scale(&self, shards: i32) -> Answer<()> {
        let input = UpdateShardCountInput {
            stream_name: Some(self.stream.clone()),
            target_shard_count: shards,
            scaling_type: ScalingType::UniformScaling,
            ..UpdateShardCountInput::default()
        };
        self.kinesis.update_shard_count(&self.caller, input).await.map(drop)
    }

    pub(crate) async fn set_retention(&self, hours: i32, now: i32) -> Answer<()> {
        if hours > now {
            let input = IncreaseStreamRetentionPeriodInput {
                stream_name: Some(self.stream.clone()),
                retention_period_hours: hours,
                ..IncreaseStreamRetentionPeriodInput::default()
            };
            self.kinesis.increase_stream_retention_period(&self.caller, input).await.map(drop)
        } else {
            let input = DecreaseStreamRetentionPeriodInput {
                stream_name: Some(self.stream.clone()),
                retention_period_hours: hours,
                ..DecreaseStreamRetentionPeriodInput::default()
            };
            self.kinesis.decrease_stream_retention_period(&self.caller, input).await.map(drop)
        }
    }
}

/// What does not parse is an error of the server.
fn parsed<T: FromStr>(text: &str) -> Answer<T> {
    text.parse().map_err(|_| KinesisError::internal_failure(format!("{text:?} cannot be read")))
}

fn describe(shard: &Shard) -> Answer<ShardDescription> {
    let range = &shard.hash_key_range;
    Ok(ShardDescription {
        shard: parsed(&shard.shard_id)?,
        range: HashKeyRange { start: parsed(&range.starting_hash_key)?, end: parsed(&range.ending_hash_key)? },
        parents: shard
            .parent_shard_id
            .iter()
            .chain(&shard.adjacent_parent_shard_id)
            .map(|id| parsed(id))
            .collect::<Answer<_>>()?,
        is_closed: shard.sequence_number_range.ending_sequence_number.is_some(),
    })
}

fn read_record(record: Record) -> Answer<ReadRecord> {
    Ok(ReadRecord {
        sequence: parsed(&record.sequence_number)?,
        partition_key: record.partition_key,
        data: record.data,
        arrival: record.approximate_arrival_timestamp.map(|at| at.millis()),
    })
}
