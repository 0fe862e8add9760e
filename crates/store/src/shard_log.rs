//! Port: the log of every shard of the node.
//!
//! One log per shard; a log is named by a number that is never used twice in the life of a data directory. The
//! engine numbers the records of each log from 0 without gaps ([`Position`]) and stamps them with their time
//! of arrival, which never decreases within a log. What `append` has answered is durable to the engine's
//! promise ([`Durability`]) and visible to reads; what it has not answered is invisible.

use std::sync::Arc;
use std::time::Duration;

use base::time::Timestamp;
use base::{BoxFuture, ByteString, Bytes};
use thiserror::Error;
use tokio::sync::watch;

use crate::record_batch::RecordBatch;

/// Names the log of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub u64);

/// Place of a record in its log: 0 for the first record ever appended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// What an acknowledged record has survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Flushed to the device before the acknowledgement.
    Sync,
    /// Handed to the operating system; flushed at this interval. For tests of applications.
    Interval(Duration),
    /// Handed to the operating system, or kept in memory only. For tests of applications.
    None,
}

/// What the engine must know about a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// Records younger than this must be kept.
    pub retention: Duration,
    /// A closed log accepts no appends.
    pub closed: bool,
}

/// Records to be added to one log.
#[derive(Debug, Clone)]
pub struct Append {
    pub log: LogId,
    pub records: RecordBatch,
    /// Keep the records encrypted at rest.
    pub encrypted: bool,
}

/// Where an append has landed: its records have the positions `first ..`, all with the same arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub first: Position,
    pub arrival: Timestamp,
}

/// Why one append of a group was not carried out; the others of the group are not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("log is closed")]
    Closed,
    #[error("no such log")]
    NotFound,
}

/// Why the engine cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// Nothing was appended; will succeed when space returns.
    #[error("no space left for the log: {0}")]
    Full(String),
    /// The device failed. Appends fail until the node is restarted; their outcome is unknown. Reads go on.
    #[error("log device failed: {0}")]
    Failed(String),
    /// Stored bytes do not match their checksum or index; nothing wrong is returned.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    #[error("no such log")]
    NotFound,
}

/// One stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    pub position: Position,
    pub arrival: Timestamp,
    pub partition_key: ByteString,
    pub data: Bytes,
    /// Was appended with encryption on.
    pub encrypted: bool,
}

/// Limits of one read. The first record is returned even when it alone exceeds `bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    pub records: usize,
    /// Partition keys and data together.
    pub bytes: usize,
}

/// A contiguous run of records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadRun {
    pub records: Vec<StoredRecord>,
    /// Where the next read continues. May lie beyond the last record when the engine has dropped what was between.
    pub next: Position,
}

/// The ends of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBounds {
    /// The oldest position that can still be read, or `next` when there is none.
    pub first: Position,
    /// One after the last durable record.
    pub next: Position,
    /// Arrival of the last durable record; `None` when nothing is retained or was ever appended.
    pub last_arrival: Option<Timestamp>,
}

/// Health and size of the engine, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStatus {
    pub durability: Durability,
    /// Set when appends fail until restart.
    pub failed: Option<String>,
    pub counters: Vec<(&'static str, u64)>,
}

pub trait ShardLog: Send + Sync {
    /// Makes a log known. Known logs keep their records and take the new options.
    fn open(&self, log: LogId, options: LogOptions);

    /// Appends to one or more logs, in one flush with whatever else waits. The answer has one entry per
    /// append. Waits for memory when too many bytes are on their way.
    ///
    /// # Errors
    /// When nothing of the group can be acknowledged.
    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<Vec<Result<Appended, Refused>>, LogError>>;

    /// Refuses appends from now on and answers the bounds once everything accepted before is durable. The
    /// closing itself is not persisted: the owner of the shard does that and says so with [`ShardLog::open`].
    /// Opening with `closed: false` takes the closing back.
    fn close(&self, log: LogId) -> BoxFuture<'_, Result<LogBounds, LogError>>;

    /// Records from `from` on, or from the first retained one when `from` is older.
    fn read(&self, log: LogId, from: Position, limit: ReadLimit) -> BoxFuture<'_, Result<ReadRun, LogError>>;

    /// The position of the first record that arrived at `at` or later; `next` when there is none.
    fn find(&self, log: LogId, at: Timestamp) -> BoxFuture<'_, Result<Position, LogError>>;

    fn bounds(&self, log: LogId) -> Result<LogBounds, LogError>;

    /// Follows the end of a log: the value is [`LogBounds::next`] after each commit that touched it.
    fn watch(&self, log: LogId) -> Result<watch::Receiver<Position>, LogError>;

    /// Forgets the log; its records go when their files go.
    fn remove(&self, log: LogId);

    fn status(&self) -> LogStatus;
}

/// The log as rooms share it.
pub type SharedShardLog = Arc<dyn ShardLog>;
