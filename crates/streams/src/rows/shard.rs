//! Row `streams/shard/<incarnation>/<index>`: one shard, open or closed.
//!
//! Version 1: `index u32 | log u64 | hash range start u128, end u128 | opened at i64 | created seconds u64 |
//! parent ?u32 | adjacent parent ?u32 | closed ?(at i64, end u64)`, where `?` is a byte 0 or 1 before the value.

use base::Bytes;
use base::hash_key::HashKeyRange;
use base::ids::ShardIndex;
use base::sequence::SequenceNumber;
use base::time::Timestamp;
use store::shard_log::{LogId, Position};

use super::field::{RowError, RowReader, RowWriter};

const VERSION: u8 = 1;

/// What is persisted of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRow {
    pub index: ShardIndex,
    pub log: LogId,
    pub range: HashKeyRange,
    /// When the shard began to take records: the moment in which its parents were closed, so that at any time the
    /// open shards cover the whole hash space.
    pub opened_at: Timestamp,
    /// The creation time inside its sequence numbers: one second after the closing of the parents.
    pub created_seconds: u64,
    pub parent: Option<ShardIndex>,
    pub adjacent_parent: Option<ShardIndex>,
    /// On the heap, because most shards are open and many are idle.
    pub closed: Option<Box<Closed>>,
}

/// The end of a closed shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    pub at: Timestamp,
    /// One after the last record.
    pub end: Position,
}

impl ShardRow {
    /// The sequence number of the record at `position` that arrived at `arrival`.
    #[must_use]
    pub fn sequence_number(&self, position: Position, arrival: Timestamp) -> SequenceNumber {
        self.number(position.0 + 1, u64::try_from(arrival.seconds()).unwrap_or(0))
    }

    /// A number just before the record at `position`, for readers that are there at `now`.
    #[must_use]
    pub fn number_before(&self, position: Position, now: Timestamp) -> SequenceNumber {
        self.number(position.0, u64::try_from(now.seconds()).unwrap_or(0))
    }

    /// The number before the first record.
    #[must_use]
    pub fn starting_number(&self) -> SequenceNumber {
        self.number(0, self.created_seconds)
    }

    /// The number after the last record of a closed shard.
    #[must_use]
    pub fn ending_number(&self) -> Option<SequenceNumber> {
        let closed = self.closed.as_ref()?;
        Some(self.number(SequenceNumber::INDEX_CLOSED, u64::try_from(closed.at.seconds()).unwrap_or(0)))
    }

    fn number(&self, index: u64, time_seconds: u64) -> SequenceNumber {
        SequenceNumber { shard_created_seconds: self.created_seconds, index, time_seconds, shard: self.index }
    }

    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.u32(self.index.0);
        row.u64(self.log.0);
        row.hash_key(self.range.start);
        row.hash_key(self.range.end);
        row.time(self.opened_at);
        row.u64(self.created_seconds);
        row.option(self.parent, |row, index| row.u32(index.0));
        row.option(self.adjacent_parent, |row, index| row.u32(index.0));
        row.option(self.closed.as_deref(), |row, closed| {
            row.time(closed.at);
            row.u64(closed.end.0);
        });
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a shard row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let shard = Self {
            index: ShardIndex(row.u32("index")?),
            log: LogId(row.u64("log")?),
            range: HashKeyRange { start: row.hash_key("start")?, end: row.hash_key("end")? },
            opened_at: row.time("opened_at")?,
            created_seconds: row.u64("created_seconds")?,
            parent: row.option("parent", |row| row.u32("parent").map(ShardIndex))?,
            adjacent_parent: row.option("adjacent_parent", |row| row.u32("adjacent_parent").map(ShardIndex))?,
            closed: row.option("closed", |row| {
                Ok(Box::new(Closed { at: row.time("closed")?, end: Position(row.u64("closed")?) }))
            })?,
        };
        row.finish()?;
        Ok(shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let open = ShardRow {
            index: ShardIndex(7),
            log: LogId(u64::MAX),
            range: HashKeyRange::ALL,
            opened_at: Timestamp::from_millis(1_700_000_000_123),
            created_seconds: 1_700_000_001,
            parent: None,
            adjacent_parent: None,
            closed: None,
        };
        let closed = ShardRow {
            parent: Some(ShardIndex(1)),
            adjacent_parent: Some(ShardIndex(2)),
            closed: Some(Box::new(Closed { at: Timestamp::from_millis(5), end: Position(9) })),
            ..open.clone()
        };
        for shard in [open, closed] {
            let bytes = shard.encode();
            assert_eq!(ShardRow::decode(&bytes), Ok(shard));
            for cut in 0..bytes.len() {
                assert!(ShardRow::decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn newer_rows_are_refused() {
        assert_eq!(ShardRow::decode(&[9]), Err(RowError::Version { found: 9, known: 1 }));
    }
}
