//! Records of one batch, as they stand on the disk behind a checksum.

#![no_main]

use base::time::Timestamp;
use bytes::Bytes;
use store::read_run::{RunCollector, StoredBatch};
use store::record_batch::{Record, RecordBatch, RecordBatchBuilder};
use store::shard_log::{Position, ReadLimit};

libfuzzer_sys::fuzz_target!(|input: (u32, u64, u8, u16, &[u8])| {
    let (count, from, records_max, bytes_max, bytes) = input;
    let batch = RecordBatch::from_trusted(Bytes::copy_from_slice(bytes), count);
    let read: Vec<_> = batch.records().collect();
    let mut skipping = batch.records();
    for record in &read {
        // Keys are looked at only when a record is taken.
        assert!(record.is_err() || skipping.skip_one() == Ok(true));
    }
    if let Ok(records) = read.into_iter().collect::<Result<Vec<Record>, _>>() {
        let mut builder = RecordBatchBuilder::default();
        records.iter().for_each(|record| builder.push(&record.partition_key, &record.data));
        assert_eq!(builder.build().bytes(), batch.bytes(), "records have one form");
    }
    let limit = ReadLimit { records: usize::from(records_max), bytes: usize::from(bytes_max) };
    let stored = StoredBatch { first: Position(7), arrival: Timestamp::default(), encrypted: false, records: batch };
    let mut run = RunCollector::new(Position(from), limit);
    let taken = run.take(&stored);
    let run = run.finish(Position(0));
    assert!(run.records.len() <= limit.records && (taken.is_err() || run.next >= Position(from)));
});
