//! Records of one shard in the form in which they are appended, kept in memory and stored.
//!
//! Layout of a record, little endian, one after the other without padding:
//! `data length u32 | partition key length u16 | partition key (UTF-8) | data`.
//! The same bytes go to disk, so a record is copied once on its way in and not at all on its way out of memory.

use base::ByteString;
use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

/// Bytes that a record takes beside its key and data.
pub const RECORD_HEADER_BYTES: usize = 6;

/// The bytes are not a run of whole records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("record batch ends in the middle of a record or holds a partition key that is not UTF-8")]
pub struct MalformedBatch;

/// A run of records. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordBatch {
    bytes: Bytes,
    count: u32,
}

impl RecordBatch {
    /// Takes bytes that were produced by a [`RecordBatchBuilder`] and have been guarded by a checksum since.
    #[must_use]
    pub fn from_trusted(bytes: Bytes, count: u32) -> Self {
        Self { bytes, count }
    }

    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Number of records.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The records in order; each shares the batch's memory.
    #[must_use]
    pub fn records(&self) -> Records {
        Records { bytes: self.bytes.clone(), offset: 0 }
    }
}

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition_key: ByteString,
    pub data: Bytes,
}

/// Iterator over the records of a batch. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Records {
    bytes: Bytes,
    /// Where the next record begins.
    offset: usize,
}

impl Records {
    /// Passes over one record without looking at its key; `false` at the end.
    ///
    /// # Errors
    /// When the batch is malformed.
    pub fn skip_one(&mut self) -> Result<bool, MalformedBatch> {
        if self.offset == self.bytes.len() {
            return Ok(false);
        }
        let (key, data) = self.lengths()?;
        self.offset += RECORD_HEADER_BYTES + key + data;
        Ok(true)
    }

    /// Key and data length of the next record, checked against what is left.
    fn lengths(&self) -> Result<(usize, usize), MalformedBatch> {
        let rest = &self.bytes[self.offset..];
        let header = rest.get(..RECORD_HEADER_BYTES).ok_or(MalformedBatch)?;
        let data = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let key = usize::from(u16::from_le_bytes([header[4], header[5]]));
        if rest.len() - RECORD_HEADER_BYTES < key + data { Err(MalformedBatch) } else { Ok((key, data)) }
    }

    /// The next record; the batch is not at its end.
    fn record(&mut self) -> Result<Record, MalformedBatch> {
        let (key_bytes, data_bytes) = self.lengths()?;
        let key = self.offset + RECORD_HEADER_BYTES;
        let data = key + key_bytes;
        let end = data + data_bytes;
        let partition_key = ByteString::try_from(self.bytes.slice(key..data)).map_err(|_| MalformedBatch)?;
        self.offset = end;
        Ok(Record { partition_key, data: self.bytes.slice(data..end) })
    }
}

impl Iterator for Records {
    type Item = Result<Record, MalformedBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.offset == self.bytes.len() {
            return None;
        }
        let record = self.record();
        if record.is_err() {
            self.offset = self.bytes.len();
        }
        Some(record)
    }
}

/// Collects the records of one shard.
#[derive(Debug, Default)]
pub struct RecordBatchBuilder {
    bytes: BytesMut,
    count: u32,
}

impl RecordBatchBuilder {
    /// `bytes`: what keys and data take together; `records`: how many will be pushed.
    #[must_use]
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        Self { bytes: BytesMut::with_capacity(bytes + records * RECORD_HEADER_BYTES), count: 0 }
    }

    /// # Panics
    /// When the key is longer than 65,535 bytes or the data than 4 GiB, which the API's limits exclude.
    pub fn push(&mut self, partition_key: &str, data: &[u8]) {
        self.bytes.put_u32_le(u32::try_from(data.len()).expect("record data is limited to 10 MiB"));
        self.bytes
            .put_u16_le(u16::try_from(partition_key.len()).expect("partition keys are limited to 256 characters"));
        self.bytes.extend_from_slice(partition_key.as_bytes());
        self.bytes.extend_from_slice(data);
        self.count += 1;
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[must_use]
    pub fn build(self) -> RecordBatch {
        RecordBatch { bytes: self.bytes.freeze(), count: self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let mut builder = RecordBatchBuilder::with_capacity(3, 10);
        builder.push("a", b"one");
        builder.push("", b"");
        builder.push("ключ", &[0; 1000]);
        let batch = builder.build();
        assert_eq!(batch.count(), 3);
        let records: Vec<_> = batch.records().collect::<Result<_, _>>().expect("well formed");
        assert_eq!(records[0], Record { partition_key: "a".into(), data: Bytes::from_static(b"one") });
        assert_eq!(&*records[2].partition_key, "ключ");
        let mut skipping = batch.records();
        assert_eq!(skipping.skip_one(), Ok(true));
        assert_eq!(skipping.next().expect("second").expect("well formed").data.len(), 0);
    }

    #[test]
    fn cut_batches_are_errors_not_panics() {
        let mut builder = RecordBatchBuilder::default();
        builder.push("key", b"data");
        let whole = builder.build();
        for cut in 1..whole.bytes().len() {
            let batch = RecordBatch::from_trusted(whole.bytes().slice(..cut), 1);
            assert_eq!(batch.records().next(), Some(Err(MalformedBatch)), "cut at {cut}");
            assert_eq!(batch.records().skip_one(), Err(MalformedBatch));
        }
    }
}
