//! Finds the records of a log: in the tail, else in a journal, else in a segment.

use base::time::Timestamp;
use bytes::Bytes;
use store::read_run::{RunCollector, StoredBatch};
use store::shard_log::{LogError, Position, ReadLimit, ReadRun};

use super::entry::{IndexEntry, LogEntry, View};
use super::sequencer::Journals;
use crate::batch;
use crate::journal::file::{Journal, damaged, expect_batch};
use crate::schedule::{self, Schedule};
use crate::segments::{Run, find_in_run, read_run};
use crate::sync::{lock, read as read_lock};

/// Batches of a file that lie no further apart than this are read at once, with what is between them.
const GAP_BYTES_MAX: u32 = 16 << 10;
/// A record's own size is not known before it is read; so much of a file is read at least.
const READ_BYTES_MIN: usize = 4 << 10;
/// Times that a read is taken up again because its file was rewritten meanwhile.
const MOVED_COUNT_MAX: usize = 16;

/// Where the next records are.
enum Place {
    /// There are none.
    End,
    Tail(Vec<StoredBatch>),
    Journal(Vec<IndexEntry>),
    Segment(Box<Run>),
}

/// Reads from `from` on, or from the first retained record when `from` is older.
pub(crate) async fn read(
    entry: &LogEntry,
    journals: &Journals,
    schedule: &dyn Schedule,
    from: Position,
    limit: ReadLimit,
) -> Result<ReadRun, LogError> {
    let mut run = RunCollector::new(from, limit);
    let mut moved = 0;
    loop {
        if run.is_full() {
            return Ok(run.finish(from));
        }
        let (next, place) = place(&lock(&entry.view), run.next(), &run, limit);
        let batches = match place {
            Place::End => return Ok(run.finish(next)),
            Place::Tail(batches) => batches,
            Place::Segment(stored) => {
                let wanted = run.bytes_left().max(READ_BYTES_MIN);
                match read_run(entry.id, &stored, next.0, wanted).await {
                    Err(LogError::Damaged(_)) if !is_current(entry, &stored) && moved < MOVED_COUNT_MAX => {
                        moved += 1;
                        continue;
                    }
                    batches => batches?,
                }
            }
            Place::Journal(index) => match read_journal(entry.id.0, journals, schedule, &index).await? {
                Some(batches) => batches,
                None if moved < MOVED_COUNT_MAX => {
                    moved += 1;
                    continue;
                }
                None => return Err(LogError::Damaged(format!("journal {} is missing", index[0].journal))),
            },
        };
        let before = run.next();
        for batch in &batches {
            let more = run.take(batch).map_err(|error| LogError::Damaged(error.to_string()))?;
            if !more {
                return Ok(run.finish(from));
            }
        }
        if run.next() == before {
            return Err(LogError::Damaged(format!("log {} has no record {}", entry.id.0, before.0)));
        }
    }
}

/// Whether the run still belongs to the log.
fn is_current(entry: &LogEntry, run: &Run) -> bool {
    let number = run.segment.reference.number;
    lock(&entry.view).runs.iter().any(|run| run.segment.reference.number == number)
}

/// Where the records from `from` on are, and the first position that there is.
fn place(view: &View, from: Position, run: &RunCollector, limit: ReadLimit) -> (Position, Place) {
    let from = from.0.max(view.first());
    if from >= view.next {
        return (Position(from), Place::End);
    }
    if view.tail.front().is_some_and(|batch| batch.first.0 <= from) {
        let start = view.tail.partition_point(|batch| batch.end().0 <= from);
        let batches = view.tail.range(start..).map(|batch| (batch, batch.records.count(), batch.records.bytes().len()));
        return (Position(from), Place::Tail(enough(batches, run, limit, StoredBatch::clone)));
    }
    let older = view.runs.partition_point(|run| run.end <= from);
    if let Some(run) = view.runs.get(older) {
        return (Position(from.max(run.first)), Place::Segment(Box::new(run.clone())));
    }
    let start = view.index.partition_point(|entry| entry.end() <= from);
    // What was dropped at the end of the log is passed over too.
    let Some(first) = view.index.get(start) else { return (Position(view.next), Place::End) };
    let same_file = view.index.range(start..).take_while(|entry| entry.journal == first.journal);
    let entries = same_file.map(|entry| (entry, entry.count, entry.bytes as usize));
    (Position(from.max(first.first)), Place::Journal(enough(entries, run, limit, |entry| *entry)))
}

/// As many as the limit may need, at least one.
fn enough<'a, T: 'a, O>(
    items: impl Iterator<Item = (&'a T, u32, usize)>,
    run: &RunCollector,
    limit: ReadLimit,
    copy: impl Fn(&T) -> O,
) -> Vec<O> {
    let (mut records, mut bytes) = (0usize, 0usize);
    let mut taken = Vec::new();
    for (item, count, len) in items {
        taken.push(copy(item));
        records += count as usize;
        bytes += len;
        // The first batch may be needed for its last record only.
        if taken.len() > 1 && (records >= limit.records || bytes >= run.bytes_left()) {
            break;
        }
    }
    taken
}

/// Reads batches of one journal on a thread that may block; `None` when the journal has been rewritten meanwhile.
async fn read_journal(
    log: u64,
    journals: &Journals,
    schedule: &dyn Schedule,
    index: &[IndexEntry],
) -> Result<Option<Vec<StoredBatch>>, LogError> {
    let Some(first) = index.first() else { return Ok(Some(Vec::new())) };
    let Some(journal) = read_lock(journals).get(&first.journal).cloned() else { return Ok(None) };
    let index = index.to_vec();
    let reading = schedule::run(schedule, move || {
        let (raw, taken) = read_raw(&journal, log, &index, usize::MAX)?;
        index[..taken].iter().zip(&raw).map(|(entry, batch)| stored_batch(&journal, entry, batch)).collect()
    });
    let batches: Result<Vec<StoredBatch>, LogError> =
        reading.await.unwrap_or_else(|_| Err(LogError::Failed("the reading thread has panicked".to_owned())));
    batches.map(Some)
}

fn stored_batch(journal: &Journal, entry: &IndexEntry, batch: &Bytes) -> Result<StoredBatch, LogError> {
    let place = || damaged(&journal.path, u64::from(entry.offset));
    let header = batch::BatchHeader::decode(batch).ok_or_else(place)?;
    let records = batch::records(batch, &header, &journal.cipher).ok_or_else(place)?;
    Ok(StoredBatch {
        first: Position(header.first),
        arrival: Timestamp::from_millis(header.arrival),
        encrypted: header.encrypted,
        records,
    })
}

/// Reads the stored form of the first batches of `index`, verified, until they make `bytes`; answers how many.
pub(crate) fn read_raw(
    journal: &Journal,
    log: u64,
    index: &[IndexEntry],
    bytes: usize,
) -> Result<(Vec<Bytes>, usize), LogError> {
    let mut batches = Vec::new();
    let mut read = 0;
    while batches.len() < index.len() && (batches.is_empty() || read < bytes) {
        let near = together(&index[batches.len()..]);
        let (first, last) = (near[0], near[near.len() - 1]);
        let len = (last.offset - first.offset + last.bytes) as usize;
        let part = journal.read_range(first.offset, len)?;
        read += len;
        for entry in near {
            let start = (entry.offset - first.offset) as usize;
            let batch = part.slice(start..start + entry.bytes as usize);
            let intact = expect_batch(&batch, log, entry.first).filter(|header| header.total_bytes() == batch.len());
            if intact.is_none() {
                return Err(damaged(&journal.path, u64::from(entry.offset)));
            }
            batches.push(batch);
        }
    }
    let taken = batches.len();
    Ok((batches, taken))
}

/// The leading entries that are read at once.
fn together(index: &[IndexEntry]) -> &[IndexEntry] {
    /// Memory of one read.
    const READ_BYTES_MAX: u32 = 1 << 20;
    let Some(first) = index.first() else { return index };
    let near = index.windows(2).take_while(|pair| {
        let gap = pair[1].offset.saturating_sub(pair[0].offset + pair[0].bytes);
        gap <= GAP_BYTES_MAX && pair[1].offset + pair[1].bytes - first.offset <= READ_BYTES_MAX
    });
    let count = 1 + near.count();
    &index[..count]
}

/// The position of the first record that arrived at `at` or later.
pub(crate) async fn find(entry: &LogEntry, at: Timestamp) -> Result<Position, LogError> {
    let at = at.millis();
    for _ in 0..MOVED_COUNT_MAX {
        let run = {
            let view = lock(&entry.view);
            let older = view.runs.partition_point(|run| run.last_arrival < at);
            match view.runs.get(older) {
                Some(run) => run.clone(),
                None => {
                    let older = view.index.partition_point(|entry| entry.arrival < at);
                    return Ok(Position(view.index.get(older).map_or(view.next, |entry| entry.first)));
                }
            }
        };
        match find_in_run(entry.id, &run, at).await {
            Ok(found) => return Ok(Position(found.unwrap_or(run.end))),
            Err(LogError::Damaged(_)) if !is_current(entry, &run) => {}
            Err(error) => return Err(error),
        }
    }
    Err(LogError::Failed("segments change faster than they can be read".to_owned()))
}
