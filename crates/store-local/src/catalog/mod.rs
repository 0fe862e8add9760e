//! The catalog in one SQLite file, in WAL mode with a flush per commit.
//!
//! Two threads own a connection each: one writes, and joins the transactions that wait into one flush; one reads,
//! so that a read never waits for a flush. Layout of the file: docs/format/catalog.md.

mod connection;
mod failure;
mod reader;
mod sums;
mod witness;
mod writer;

use std::path::Path;
use std::sync::{Arc, mpsc};

use base::BoxFuture;
use store::catalog::{Catalog, CatalogError, Row, Transaction};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::failure_latch::FailureLatch;

/// Reads, or transactions, that may wait for their thread before callers wait themselves.
const QUEUE_COUNT_MAX: usize = 1024;
/// Pages that the file may have: SQLite's own limit.
const PAGES_MAX: u32 = 0xffff_fffe;

/// The catalog cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("catalog {path} cannot be opened: {reason}")]
pub struct CatalogOpenError {
    pub path: String,
    pub reason: String,
}

/// A catalog in a file of this machine.
#[derive(Debug)]
pub struct SqliteCatalog {
    permits: Arc<Semaphore>,
    writes: mpsc::Sender<WriteRequest>,
    reads: mpsc::Sender<ReadRequest>,
    version: watch::Sender<u64>,
    failure: FailureLatch,
}

/// A transaction that waits for the writer. The permit is returned when it has been answered.
struct WriteRequest {
    transaction: Transaction,
    answer: oneshot::Sender<Result<u64, CatalogError>>,
    _permit: OwnedSemaphorePermit,
}

/// A read that waits for the reader.
struct ReadRequest {
    read: Read,
    _permit: OwnedSemaphorePermit,
}

type Rows = Vec<(String, Row)>;

enum Read {
    Get { key: String, answer: oneshot::Sender<Result<Option<Row>, CatalogError>> },
    Scan { prefix: String, after: Option<String>, limit: usize, answer: oneshot::Sender<Result<Rows, CatalogError>> },
}

impl SqliteCatalog {
    /// Opens the file, or creates it readable for its owner only.
    ///
    /// # Errors
    /// When the file cannot be opened, is no catalog, was written by a newer version, or does not hold all that was
    /// committed, unchanged.
    pub fn open(path: &Path) -> Result<Self, CatalogOpenError> {
        Self::open_limited(path, PAGES_MAX)
    }

    fn open_limited(path: &Path, pages_max: u32) -> Result<Self, CatalogOpenError> {
        let failed = |reason: String| CatalogOpenError { path: path.display().to_string(), reason };
        let connection::Connections { writer, reader, witness, version } =
            connection::open(path, pages_max).map_err(failed)?;
        let version = watch::Sender::new(version);
        let failure = FailureLatch::default();
        let path_text = path.display().to_string();
        let mut writer = writer::Writer { connection: writer, witness, path: path_text, failure: failure.clone() };
        let reader = reader::Reader { connection: reader, path: path.display().to_string() };
        let (writes, write_queue) = mpsc::channel();
        let (reads, read_queue) = mpsc::channel();
        let (published, polled) = (version.clone(), version.clone());
        let (closing, reader_closed) = mpsc::channel::<()>();
        let threads = [
            std::thread::Builder::new().name("catalog-write".to_owned()).spawn(move || {
                writer.run(&write_queue, &published);
                // Of two connections that are closed at the same moment, neither removes the write-ahead log.
                let _ = reader_closed.recv();
            }),
            std::thread::Builder::new().name("catalog-read".to_owned()).spawn(move || {
                reader.run(&read_queue, &polled);
                drop((reader, closing));
            }),
        ];
        for thread in threads {
            thread.map_err(|error| failed(format!("no thread for it: {error}")))?;
        }
        Ok(Self { permits: Arc::new(Semaphore::new(QUEUE_COUNT_MAX)), writes, reads, version, failure })
    }

    /// Set when a flush of the catalog fails; when it is set, by the log of the same directory for one, nothing is
    /// committed any more.
    #[must_use]
    pub fn failure_latch(&self) -> FailureLatch {
        self.failure.clone()
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed")
    }

    async fn ask<T>(&self, read: Read, answer: oneshot::Receiver<Result<T, CatalogError>>) -> Result<T, CatalogError> {
        let request = ReadRequest { read, _permit: self.permit().await };
        self.reads.send(request).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn stopped() -> CatalogError {
    CatalogError::Failed("its thread has stopped".to_owned())
}

impl Catalog for SqliteCatalog {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Row>, CatalogError>> {
        let (answer, answered) = oneshot::channel();
        Box::pin(self.ask(Read::Get { key: key.to_owned(), answer }, answered))
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(String, Row)>, CatalogError>> {
        let (answer, answered) = oneshot::channel();
        let read = Read::Scan { prefix: prefix.to_owned(), after: after.map(str::to_owned), limit, answer };
        Box::pin(self.ask(read, answered))
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'_, Result<u64, CatalogError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let request = WriteRequest { transaction, answer, _permit: self.permit().await };
            self.writes.send(request).map_err(|_| stopped())?;
            answered.await.map_err(|_| stopped())?
        })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

#[cfg(test)]
mod tests;
