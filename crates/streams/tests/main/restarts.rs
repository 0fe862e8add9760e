//! A service that cannot write, and one that starts after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::kinesis::*;
use base::BoxFuture;
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
    fails: AtomicBool,
}

impl<T> Faulty<T> {
    fn new(inner: T) -> Arc<Self> {
        Arc::new(Self { inner, fails: AtomicBool::new(false) })
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
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
        if self.fails.load(Ordering::SeqCst) {
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
        if self.fails.load(Ordering::SeqCst) {
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

#[tokio::test]
async fn nothing_is_half_done_on_a_full_disk() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
    let catalog = Faulty::new(MemoryCatalog::new());
    let log = Faulty::new(MemoryLog::new(clock.clone()));
    let settings = StreamsSettings { limits: Limits { enforced: false }, ..StreamsSettings::default() };
    let builder = || StreamsBuilder {
        catalog: catalog.clone(),
        log: log.clone(),
        clock: clock.clone(),
        settings: settings.clone(),
    };
    let streams = Streams::start(builder()).await.expect("the service starts");
    let caller = caller("000000000000", "us-east-1");
    let create = CreateStreamInput { stream_name: "s".into(), shard_count: Some(1), ..Default::default() };
    streams.create_stream(&caller, create).await.expect("a stream");

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
    let streams = Streams::start(builder()).await.expect("the service starts again");
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
