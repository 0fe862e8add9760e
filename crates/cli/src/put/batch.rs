//! Records that go in one request.

use api::kinesis::PutRecordsRequestEntry;
use base::limits::{MIB, PUT_RECORDS_COUNT_MAX};
use base::{ByteString, Bytes};

/// Data and keys of one request: what every server takes, also those from before the limit was doubled.
const BATCH_BYTES_MAX: usize = 5 * MIB;
/// Data and key of one record: the most that a stream can be set to take. No more is kept of a line.
pub const RECORD_BYTES_MAX: usize = 10 * MIB;

#[derive(Debug, Clone)]
pub struct Line {
    /// From 1; of the first line when the record has several.
    pub number: u64,
    pub key: ByteString,
    pub data: Bytes,
}

impl Line {
    fn len(&self) -> usize {
        self.key.len() + self.data.len()
    }

    pub fn to_entry(&self) -> PutRecordsRequestEntry<'_> {
        PutRecordsRequestEntry { data: &self.data, partition_key: &self.key, explicit_hash_key: None }
    }
}

/// A line that is not in the stream, and why.
#[derive(Debug, Clone)]
pub struct Reject {
    pub number: u64,
    pub data: Bytes,
    pub reason: String,
}

#[derive(Debug, Default)]
pub struct Batch {
    pub lines: Vec<Line>,
    /// What cannot even be sent.
    pub rejects: Vec<Reject>,
    /// Of the input, with what was skipped.
    pub input_bytes: u64,
    /// Held, with what cannot be sent.
    bytes: usize,
}

impl Batch {
    /// Whether the line must wait for the next batch.
    pub fn is_full_for(&self, line: &Line) -> bool {
        !self.lines.is_empty() && self.bytes + line.len() > BATCH_BYTES_MAX
    }

    pub fn push(&mut self, line: Line) {
        self.bytes += line.len();
        self.lines.push(line);
    }

    /// Takes what cannot be sent along, so that it is told of in its place.
    pub fn reject(&mut self, reject: Reject) {
        self.bytes += reject.data.len();
        self.rejects.push(reject);
    }

    /// Whether nothing more can be added.
    pub fn is_full(&self) -> bool {
        self.lines.len() >= PUT_RECORDS_COUNT_MAX
            || self.bytes >= BATCH_BYTES_MAX
            || self.rejects.len() >= PUT_RECORDS_COUNT_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.rejects.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_both_limits() {
        let line = |bytes: usize| Line { number: 1, key: "k".into(), data: Bytes::from(vec![0; bytes]) };
        let mut batch = Batch::default();
        assert!(!batch.is_full_for(&line(RECORD_BYTES_MAX)), "a large record goes alone");
        batch.push(line(BATCH_BYTES_MAX - 10));
        assert!(!batch.is_full());
        assert!(batch.is_full_for(&line(9)));
        assert!(!batch.is_full_for(&line(8)));
        let mut small = Batch::default();
        while !small.is_full() {
            small.push(line(0));
        }
        assert_eq!(small.lines.len(), 500);
    }
}
