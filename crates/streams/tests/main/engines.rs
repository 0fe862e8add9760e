//! Engines that can be made to fail or to wait, and services on them.

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
use tokio::sync::{RwLock, watch};

use crate::world::START;

/// Engines that can fail, and services on them.
pub struct Engines {
    pub clock: Arc<dyn Clock>,
    pub catalog: Arc<Faulty<MemoryCatalog>>,
    pub log: Arc<Faulty<MemoryLog>>,
}

impl Engines {
    pub fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
        let log = Faulty::new(MemoryLog::new(clock.clone()));
        Self { clock, catalog: Faulty::new(MemoryCatalog::new()), log }
    }

    pub async fn start(&self) -> Streams {
        let settings = StreamsSettings { limits: Limits { enforced: false }, ..StreamsSettings::default() };
        let (catalog, log, clock) = (self.catalog.clone(), self.log.clone(), self.clock.clone());
        Streams::start(StreamsBuilder { catalog, log, clock, settings }).await.expect("the service starts")
    }
}

pub async fn create(streams: &Streams, caller: &Caller, shards: i32) {
    let create = CreateStreamInput { stream_name: "s".into(), shard_count: Some(shards), ..Default::default() };
    streams.create_stream(caller, create).await.expect("a stream");
}

pub fn put(data: &str) -> PutRecordInput {
    PutRecordInput {
        stream_name: Some("s".into()),
        partition_key: "k".into(),
        data: data.to_owned().into(),
        ..Default::default()
    }
}

/// An engine that refuses to write when told to, and waits when told to.
pub struct Faulty<T> {
    pub inner: T,
    /// Writes that still succeed.
    left: AtomicI64,
    /// Catalog commits and log reads wait while somebody writes here.
    pub held: RwLock<()>,
}

impl<T> Faulty<T> {
    fn new(inner: T) -> Arc<Self> {
        Arc::new(Self { inner, left: AtomicI64::new(i64::MAX), held: RwLock::default() })
    }

    pub fn fail(&self, fails: bool) {
        self.fail_after(if fails { 0 } else { i64::MAX });
    }

    pub fn fail_after(&self, writes: i64) {
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
        Box::pin(async {
            let _held = self.held.read().await;
            self.inner.commit(transaction).await
        })
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
        Box::pin(async move {
            let _held = self.held.read().await;
            self.inner.read(log, from, limit).await
        })
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
