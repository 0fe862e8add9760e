//! Row `streams/stream/<account>/<region>/<name>`: one stream, without its shards.
//!
//! Version 1: `incarnation u64 | created at i64 | status u8 | pending ?(due i64, change) | mode u8 | retention hours
//! u32 | trimmed before i64 | key id ?text | record KiB u32 | monitored metrics u8 | warm MiB/s ?u32 | distribution ?u8 | next shard u32 |
//! history: 4 lists of i64 | peaks: list of (day u32, bytes u64, records u64)`. A change is a byte and its fields.

use base::Bytes;
use base::ids::ShardIndex;
use base::time::Timestamp;

use super::field::{RowError, RowReader, RowWriter};
use crate::on_demand::Peak;
use crate::transition::{Change, Distribution, History, Mode, Pending, Status};

const VERSION: u8 = 1;

/// What is persisted of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRow {
    /// Tells this stream from an earlier one of the same name; never used twice.
    pub incarnation: u64,
    pub created_at: Timestamp,
    pub status: Status,
    /// What is being done while the status is not ACTIVE.
    pub pending: Option<Pending>,
    pub mode: Mode,
    pub retention_hours: u32,
    /// What arrived before this stays trimmed, even when retention grows.
    pub trimmed_before: Timestamp,
    /// Records are encrypted at rest under this key when set.
    pub key_id: Option<String>,
    pub record_kib_max: u32,
    /// Bit `n` stands for the n-th shard-level metric.
    pub monitored: u8,
    pub warm_mibps: Option<u32>,
    pub distribution: Option<Distribution>,
    /// Index of the next shard; indexes are never used twice.
    pub next_shard: u32,
    pub history: History,
    /// Highest write rates of the last 30 days.
    pub peaks: Vec<Peak>,
}

impl StreamRow {
    #[must_use]
    pub fn retention(&self) -> std::time::Duration {
        std::time::Duration::from_secs(u64::from(self.retention_hours) * 3600)
    }

    #[must_use]
    pub fn record_bytes_max(&self) -> usize {
        self.record_kib_max as usize * base::limits::KIB
    }

    pub fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION);
        row.u64(self.incarnation);
        row.time(self.created_at);
        row.u8(self.status.code());
        row.option(self.pending.as_ref(), |row, pending| {
            row.time(pending.due);
            write_change(row, &pending.change);
        });
        row.u8(self.mode.code());
        row.u32(self.retention_hours);
        row.time(self.trimmed_before);
        row.option(self.key_id.as_deref(), RowWriter::text);
        row.u32(self.record_kib_max);
        row.u8(self.monitored);
        row.option(self.warm_mibps, RowWriter::u32);
        row.option(self.distribution, |row, distribution| row.u8(distribution.code()));
        row.u32(self.next_shard);
        for times in self.history.lists() {
            row.list(times, |row, time| row.time(*time));
        }
        row.list(&self.peaks, |row, peak| {
            row.u32(peak.day);
            row.u64(peak.bytes_per_second);
            row.u64(peak.records_per_second);
        });
        row.finish()
    }

    /// # Errors
    /// When the bytes are not a stream row of a known version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let mut row = RowReader::new(bytes, VERSION)?;
        let stream = Self {
            incarnation: row.u64("incarnation")?,
            created_at: row.time("created_at")?,
            status: Status::from_code(row.u8("status")?).ok_or(RowError::Damaged { field: "status" })?,
            pending: row
                .option("pending", |row| Ok(Pending { due: row.time("pending")?, change: read_change(row)? }))?,
            mode: Mode::from_code(row.u8("mode")?).ok_or(RowError::Damaged { field: "mode" })?,
            retention_hours: row.u32("retention_hours")?,
            trimmed_before: row.time("trimmed_before")?,
            key_id: row.option("key_id", |row| row.text("key_id"))?,
            record_kib_max: row.u32("record_kib_max")?,
            monitored: row.u8("monitored")?,
            warm_mibps: row.option("warm_mibps", |row| row.u32("warm_mibps"))?,
            distribution: row.option("distribution", |row| {
                Distribution::from_code(row.u8("distribution")?).ok_or(RowError::Damaged { field: "distribution" })
            })?,
            next_shard: row.u32("next_shard")?,
            history: History::from_lists([times(&mut row)?, times(&mut row)?, times(&mut row)?, times(&mut row)?]),
            peaks: row.list("peaks", |row| {
                Ok(Peak {
                    day: row.u32("peaks")?,
                    bytes_per_second: row.u64("peaks")?,
                    records_per_second: row.u64("peaks")?,
                })
            })?,
        };
        row.finish()?;
        Ok(stream)
    }
}

fn times(row: &mut RowReader<'_>) -> Result<Vec<Timestamp>, RowError> {
    row.list("history", |row| row.time("history"))
}

fn write_change(row: &mut RowWriter, change: &Change) {
    match change {
        Change::Create => row.u8(1),
        Change::Delete => row.u8(2),
        Change::Split { shard, at } => {
            row.u8(3);
            row.u32(shard.0);
            row.hash_key(*at);
        }
        Change::Merge { shard, adjacent } => {
            row.u8(4);
            row.u32(shard.0);
            row.u32(adjacent.0);
        }
        Change::Scale { target } => {
            row.u8(5);
            row.u32(*target);
        }
        Change::Encrypt { key_id } => {
            row.u8(6);
            row.text(key_id);
        }
        Change::Decrypt => row.u8(7),
        Change::Mode { mode, warm_mibps } => {
            row.u8(8);
            row.u8(mode.code());
            row.option(*warm_mibps, RowWriter::u32);
        }
        Change::RecordSize { kib } => {
            row.u8(9);
            row.u32(*kib);
        }
        Change::Warm { mibps } => {
            row.u8(10);
            row.u32(*mibps);
        }
    }
}

fn read_change(row: &mut RowReader<'_>) -> Result<Change, RowError> {
    const FIELD: &str = "change";
    Ok(match row.u8(FIELD)? {
        1 => Change::Create,
        2 => Change::Delete,
        3 => Change::Split { shard: ShardIndex(row.u32(FIELD)?), at: row.hash_key(FIELD)? },
        4 => Change::Merge { shard: ShardIndex(row.u32(FIELD)?), adjacent: ShardIndex(row.u32(FIELD)?) },
        5 => Change::Scale { target: row.u32(FIELD)? },
        6 => Change::Encrypt { key_id: row.text(FIELD)? },
        7 => Change::Decrypt,
        8 => Change::Mode {
            mode: Mode::from_code(row.u8(FIELD)?).ok_or(RowError::Damaged { field: FIELD })?,
            warm_mibps: row.option(FIELD, |row| row.u32(FIELD))?,
        },
        9 => Change::RecordSize { kib: row.u32(FIELD)? },
        10 => Change::Warm { mibps: row.u32(FIELD)? },
        _ => return Err(RowError::Damaged { field: FIELD }),
    })
}

#[cfg(test)]
mod tests {
    use base::hash_key::HashKey;

    use super::*;

    fn row(pending: Option<Change>) -> StreamRow {
        StreamRow {
            incarnation: 12,
            created_at: Timestamp::from_millis(1_700_000_000_999),
            status: Status::Updating,
            pending: pending.map(|change| Pending { due: Timestamp::from_millis(77), change }),
            mode: Mode::OnDemand,
            retention_hours: 8760,
            trimmed_before: Timestamp::from_millis(4),
            key_id: Some("alias/aws/kinesis".into()),
            record_kib_max: 10_240,
            monitored: 0b101,
            warm_mibps: Some(100),
            distribution: Some(Distribution::Auto),
            next_shard: 5,
            history: History { scalings: vec![Timestamp::from_millis(1)], ..History::default() },
            peaks: vec![Peak { day: 19_000, bytes_per_second: 5, records_per_second: 6 }],
        }
    }

    #[test]
    fn round_trip() {
        let (shard, adjacent) = (ShardIndex(1), ShardIndex(2));
        let changes = [
            Change::Create,
            Change::Delete,
            Change::Split { shard, at: HashKey(u128::MAX / 3) },
            Change::Merge { shard, adjacent },
            Change::Scale { target: 9 },
            Change::Encrypt { key_id: "k".into() },
            Change::Decrypt,
            Change::Mode { mode: Mode::Provisioned, warm_mibps: Some(3) },
            Change::RecordSize { kib: 2048 },
            Change::Warm { mibps: 8 },
        ];
        for change in changes.into_iter().map(Some).chain([None]) {
            let stream = row(change);
            let bytes = stream.encode();
            assert_eq!(StreamRow::decode(&bytes), Ok(stream));
            for cut in 0..bytes.len() {
                assert!(StreamRow::decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }
}
