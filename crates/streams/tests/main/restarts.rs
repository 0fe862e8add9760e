//! A service that cannot write, and one that starts after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use api::kinesis::*;
use base::BoxFuture;
use base::caller::Caller;
use base::time::{Clock, ManualClock, Timestamp};
use store::catalog::{Catalog, CatalogError, Row, Transaction};
use store::memory::{MemoryCatalog, MemoryLog};
use store::shard_log::*;
use streams::{Limits, Streams, StreamsBuilder, StreamsSettings};
use tokio::sync::watch;

use crate::world::{START, caller, entry, text_of};

/// Engines that refuse to write when told to.
struct Faulty<T> {
    inner: T,
    /// Writes that still succeed.
    left: AtomicI64,
}

impl<T> Faulty<T> {
    fn new(inner: T) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicI64::new(i64::MAX) })
    }

    fn fail(&self, fails: bool) {
        self.fail_after(if fails { 0 } else { i64::MAX });
    }

    fn fail_after(&self, writes: i64) {
        self.left.store(writes, Ordering::SeqCst);
    }

    fn is_full(&self) -> bool {
        self.left.fetch_sub(1, Ordering::SeqCst) <= 0
    }
}

impl Catalog for Faulty<MemoryCatalog> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Row>, CatalogError>> {
        self.inner.get(key)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, CatalogError>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<u64, CatalogError>> {
        if self.is_full() {
            return Box::pin(async { Err(CatalogError::Full("no space".into())) });
        }
        self.inner.commit(transaction)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.inner.watch()
    }
}

impl ShardLog for Faulty<MemoryLog> {
    fn open(&self, log: LogId, options: LogOptions) {
        self.inner.open(log, options);
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<Vec<Result<Appended, Refused>>, LogError>> {
        if self.is_full() {
            return Box::pin(async { Err(LogError::Full("no space".into())) });
        }
        self.inner.append(appends)
    }

    fn close(&self, log: LogId) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        self.inner.close(log)
    }

    fn read(&self, log: LogId, from: Position, limit: ReadLimit) -> BoxFuture<'_, Result<ReadRun, LogError>> {
        self.inner.read(log, from, limit)
    }

    fn find(&self, log: LogId, at: Timestamp) -> BoxFuture<'_, Result<Position, LogError>> {
        self.inner.find(log, at)
    }

    fn bounds(&self, log: LogId) -> Result<LogBounds, LogError> {
        self.inner.bounds(log)
    }

    fn watch(&self, log: LogId) -> Result<watch::Receiver<Position>, LogError> {
        self.inner.watch(log)
    }

    fn remove(&self, log: LogId) {
        self.inner.remove(log);
    }

    fn status(&self) -> LogStatus {
        self.inner.status()
    }
}

fn put(data: &str) -> PutRecordInput {
    PutRecordInput {
        stream_name: Some("s".into()),
        partition_key: "k".into(),
        data: data.to_owned().into(),
        ..Default::default()
    }
}

/// Engines that can fail, and services on them.
struct Engines {
    clock: Arc<dyn Clock>,
    catalog: Arc<Faulty<MemoryCatalog>>,
    log: Arc<Faulty<MemoryLog>>,
}

impl Engines {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
        let log = Faulty::new(MemoryLog::new(clock.clone()));
        Self { clock, catalog: Faulty::new(MemoryCatalog::new()), log }
    }

    async fn start(&self) -> Streams {
        let settings = StreamsSettings { limits: Limits { enforced: false }, ..StreamsSettings::default() };
        let (catalog, log, clock) = (self.catalog.clone(), self.log.clone(), self.clock.clone());
        Streams::start(StreamsBuilder { catalog, log, clock, settings }).await.expect("the service starts")
    }
}

async fn create(streams: &Streams, caller: &Caller, shards: i32) {
    let create = CreateStreamInput { stream_name: "s".into(), shard_count: Some(shards), ..Default::default() };
    streams.create_stream(caller, create).await.expect("a stream");
}

/// Wherever the catalog fails in the middle of a scaling, the next start finishes it, or it never began.
#[tokio::test]
async fn scalings_are_completed_after_a_failure_anywhere() {
    let caller = caller("000000000000", "us-east-1");
    let mut failures = 0;
    for writes in 0.. {
        let engines = Engines::new();
        let streams = engines.start().await;
        create(&streams, &caller, 4).await;
        let scale = UpdateShardCountInput {
            stream_name: Some("s".into()),
            target_shard_count: 7,
            scaling_type: ScalingType::UniformScaling,
            ..Default::default()
        };
        engines.catalog.fail_after(writes);
        let scaled = streams.update_shard_count(&caller, scale).await;
        streams.put_record(&caller, put("meanwhile")).await.expect("some shard is open");
        drop(streams);
        engines.catalog.fail(false);
        let streams = engines.start().await;
        let list = ListShardsInput {
            stream_name: Some("s".into()),
            shard_filter: Some(ShardFilter { r#type: ShardFilterType::AtLatest, ..Default::default() }),
            ..Default::default()
        };
        let shards = streams.list_shards(&caller, list).await.expect("shards").shards.expect("shards");
        let mut starts: Vec<u128> =
            shards.iter().map(|shard| shard.hash_key_range.starting_hash_key.parse().expect("a hash key")).collect();
        starts.sort_unstable();
        let count = if writes == 0 { 4 } else { 7 };
        let uniform = base::hash_key::HashKeyRange::uniform(count);
        assert_eq!(starts, uniform.iter().map(|range| range.start.0).collect::<Vec<_>>(), "after {writes} writes");
        streams.put_record(&caller, put("afterwards")).await.expect("some shard is open");
        if scaled.is_ok() {
            break;
        }
        failures += 1;
    }
    assert!(failures >= 4, "a scaling has several steps");
}

#[tokio::test]
async fn nothing_is_half_done_on_a_full_disk() {
    let engines = Engines::new();
    let Engines { catalog, log, .. } = &engines;
    let streams = engines.start().await;
    let caller = caller("000000000000", "us-east-1");
    create(&streams, &caller, 1).await;

    let full = "InternalFailureException: Internal service failure: the disk is full.";
    log.fail(true);
    assert_eq!(text_of(streams.put_record(&caller, put("lost")).await), full);
    let many = PutRecordsInput {
        stream_name: Some("s".into()),
        records: vec![entry("a", b"lost".to_vec())],
        ..Default::default()
    };
    let output = streams.put_records(&caller, many).await.expect("an answer for every record");
    assert_eq!(output.failed_record_count, Some(1));
    assert_eq!(output.records[0].error_code.as_deref(), Some("InternalFailure"));
    assert_eq!(output.records[0].error_message.as_deref(), Some("Internal service failure: the disk is full."));
    log.fail(false);
    streams.put_record(&caller, put("kept")).await.expect("space has returned");

    let split = SplitShardInput {
        stream_name: Some("s".into()),
        shard_to_split: "0".into(),
        new_starting_hash_key: "1000".into(),
        ..Default::default()
    };
    catalog.fail(true);
    assert_eq!(text_of(streams.split_shard(&caller, split.clone()).await), full);
    // The shard takes records again.
    streams.put_record(&caller, put("kept too")).await.expect("the shard is open");
    catalog.fail(false);
    drop(streams);
    let streams = engines.start().await;
    streams.put_record(&caller, put("kept as well")).await.expect("the shard is open");
    streams.split_shard(&caller, split).await.expect("a split");
    let iterator = GetShardIteratorInput {
        stream_name: Some("s".into()),
        shard_id: "0".into(),
        shard_iterator_type: ShardIteratorType::TrimHorizon,
        ..Default::default()
    };
    let iterator = streams.get_shard_iterator(&caller, iterator).await.expect("an iterator").shard_iterator;
    let input = GetRecordsInput { shard_iterator: iterator.expect("an iterator"), ..Default::default() };
    let output = streams.get_records(&caller, input).await.expect("a reading");
    assert_eq!(crate::world::data(&output.records), ["kept", "kept too", "kept as well"]);
    assert_eq!(output.child_shards.map(|children| children.len()), Some(2));
}
