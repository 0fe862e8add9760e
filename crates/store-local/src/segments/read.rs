//! Reads the records of one log out of a segment.

use std::io;
use std::sync::Arc;

use base::time::Timestamp;
use bytes::Bytes;
use store::read_run::StoredBatch;
use store::shard_log::{LogError, LogId, Position};

use super::footer::{SPARSE_ENTRY_BYTES, SparseEntry, decode_sparse};
use super::{Run, Segment};
use crate::batch::{self, BatchHeader};
use crate::sync::lock;

/// Batches of the run from the one that holds `from` on: as many as make `bytes`, at least one.
pub(crate) async fn read_run(log: LogId, run: &Run, from: u64, bytes: usize) -> Result<Vec<StoredBatch>, LogError> {
    let sparse = sparse_index(run).await?;
    let begin = sparse.partition_point(|entry| entry.first <= from).saturating_sub(1);
    let start = sparse.get(begin).map_or(run.offset, |entry| entry.offset);
    let wanted = start.saturating_add(bytes as u64);
    let end = sparse.iter().skip(begin + 1).map(|entry| entry.offset).find(|offset| *offset >= wanted);
    let range = start..end.unwrap_or(run.offset + run.bytes);
    let mut found = Vec::new();
    for (offset, header, whole) in read_batches(log, &run.segment, range).await? {
        if header.end() <= from {
            continue;
        }
        let records =
            batch::records(&whole, &header, &run.segment.cipher).ok_or_else(|| damaged(&run.segment, offset))?;
        found.push(StoredBatch {
            first: Position(header.first),
            arrival: Timestamp::from_millis(header.arrival),
            encrypted: header.encrypted,
            records,
        });
    }
    Ok(found)
}

/// The position of the first record of the run that arrived at `at` or later; `None` when all are older.
pub(crate) async fn find_in_run(log: LogId, run: &Run, at: i64) -> Result<Option<u64>, LogError> {
    let sparse = sparse_index(run).await?;
    let after = sparse.partition_point(|entry| entry.arrival < at);
    let end = sparse.get(after).map_or(run.offset + run.bytes, |entry| entry.offset);
    if let Some(before) = after.checked_sub(1) {
        let batches = read_batches(log, &run.segment, sparse[before].offset..end).await?;
        if let Some((_, header, _)) = batches.iter().find(|(_, header, _)| header.arrival >= at) {
            return Ok(Some(header.first));
        }
    }
    Ok(sparse.get(after).map(|entry| entry.first))
}

/// The batches in a part of the object that begins and ends with whole batches.
async fn read_batches(
    log: LogId,
    segment: &Segment,
    range: std::ops::Range<u64>,
) -> Result<Vec<(u64, BatchHeader, Bytes)>, LogError> {
    let start = range.start;
    let bytes = read_object(segment, range).await?;
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let offset = start + at as u64;
        let follows = |header: &BatchHeader| {
            header.log == log.0
                && found.last().is_none_or(|(_, last, _): &(u64, BatchHeader, _)| last.end() == header.first)
        };
        let header = batch::verify(&bytes[at..]).filter(follows).ok_or_else(|| damaged(segment, offset))?;
        let whole = bytes.slice(at..at + header.total_bytes());
        at += header.total_bytes();
        found.push((offset, header, whole));
    }
    Ok(found)
}

async fn sparse_index(run: &Run) -> Result<Arc<Vec<SparseEntry>>, LogError> {
    let segment = &run.segment;
    if let Some((place, index)) = &*lock(&segment.sparse)
        && *place == run.sparse_offset
    {
        return Ok(Arc::clone(index));
    }
    let len = u64::from(run.sparse_count) * SPARSE_ENTRY_BYTES as u64;
    let range = run.sparse_offset..run.sparse_offset + len;
    let bytes = read_object(segment, range).await?;
    let index = decode_sparse(&bytes, run.sparse_crc).ok_or_else(|| damaged(segment, run.sparse_offset))?;
    let index = Arc::new(index);
    *lock(&segment.sparse) = Some((run.sparse_offset, Arc::clone(&index)));
    Ok(index)
}

/// Reads a part of the segment, all of it.
async fn read_object(segment: &Segment, range: std::ops::Range<u64>) -> Result<Bytes, LogError> {
    match segment.place.read(&segment.name(), range).await {
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(explain(segment, &error).await),
    }
}

fn damaged(segment: &Segment, offset: u64) -> LogError {
    LogError::Damaged(format!("{} at offset {offset}", segment.display()))
}

/// What a failed read means: a segment that is gone, or has another length than it was made with, is damage; anything else
/// may pass.
async fn explain(segment: &Segment, error: &io::Error) -> LogError {
    let (shown, made) = (segment.display(), segment.reference.bytes);
    match segment.place.size(&segment.name()).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => LogError::Damaged(format!("{shown} is missing")),
        Ok(size) if size != made => LogError::Damaged(format!("{shown} is {size} bytes long, it was made with {made}")),
        Ok(_) | Err(_) => LogError::Failed(format!("{shown}: {error}")),
    }
}
