//! Gathers the records of stored batches into the answer of one read.

use base::time::Timestamp;

use crate::record_batch::{MalformedBatch, RecordBatch};
use crate::shard_log::{Position, ReadLimit, ReadRun, StoredRecord};

/// A batch and where it stands in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBatch {
    pub first: Position,
    pub arrival: Timestamp,
    pub encrypted: bool,
    pub records: RecordBatch,
}

impl StoredBatch {
    /// One after the last record.
    #[must_use]
    pub fn end(&self) -> Position {
        Position(self.first.0 + u64::from(self.records.count()))
    }
}

/// Collects records from a position on until a limit is reached.
#[derive(Debug)]
pub struct RunCollector {
    limit: ReadLimit,
    bytes: usize,
    run: ReadRun,
}

impl RunCollector {
    #[must_use]
    pub fn new(from: Position, limit: ReadLimit) -> Self {
        Self { limit, bytes: 0, run: ReadRun { records: Vec::new(), next: from } }
    }

    /// Where the next batch must begin, or reach over.
    #[must_use]
    pub fn next(&self) -> Position {
        self.run.next
    }

    /// Whether another record certainly does not fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.run.records.len() >= self.limit.records || (!self.run.records.is_empty() && self.bytes >= self.limit.bytes)
    }

    /// Bytes that still fit; a hint for reading ahead.
    #[must_use]
    pub fn bytes_left(&self) -> usize {
        self.limit.bytes.saturating_sub(self.bytes)
    }

    /// Adds what fits of a batch; batches come in order. A gap before the batch is passed over. Answers whether more
    /// may fit.
    ///
    /// # Errors
    /// When the batch is malformed or holds fewer records than it says.
    pub fn take(&mut self, batch: &StoredBatch) -> Result<bool, MalformedBatch> {
        if batch.end() <= self.run.next {
            return Ok(!self.is_full());
        }
        let mut records = batch.records.records();
        let mut position = batch.first;
        while position < self.run.next {
            if !records.skip_one()? {
                return Err(MalformedBatch);
            }
            position.0 += 1;
        }
        let expected = usize::try_from(batch.end().0 - position.0).unwrap_or(usize::MAX);
        self.run.records.reserve(expected.min(self.limit.records - self.run.records.len().min(self.limit.records)));
        while position < batch.end() {
            if self.is_full() {
                return Ok(false);
            }
            let record = records.next().ok_or(MalformedBatch)??;
            let bytes = record.partition_key.len() + record.data.len();
            if !self.run.records.is_empty() && self.bytes + bytes > self.limit.bytes {
                self.bytes = self.limit.bytes;
                return Ok(false);
            }
            self.bytes += bytes;
            self.run.records.push(StoredRecord {
                position,
                arrival: batch.arrival,
                partition_key: record.partition_key,
                data: record.data,
                encrypted: batch.encrypted,
            });
            position.0 += 1;
            self.run.next = position;
        }
        Ok(!self.is_full())
    }

    /// The answer. `end_of_gap`: the first position that may exist, so that a reader passes over what was dropped.
    #[must_use]
    pub fn finish(mut self, end_of_gap: Position) -> ReadRun {
        self.run.next = self.run.next.max(end_of_gap);
        self.run
    }
}
