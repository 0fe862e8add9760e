//! Numbers the records, in journal order, and builds frames.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use base::time::{Clock, Timestamp};
use store::read_run::StoredBatch;
use store::shard_log::{Append, Appended, LogError, LogId, Position, Refused};

use super::completion::{Answer, Commit, Completion, Placed};
use super::entry::{IndexEntry, LogEntry};
use super::queue::{Group, Item, Popped, Queue};
use crate::batch::{self, BATCH_HEADER_BYTES, BatchHeader, Seal};
use crate::cipher::{NONCE_BYTES, TAG_BYTES};
use crate::journal::aligned::AlignedBuffer;
use crate::journal::file::Journal;
use crate::journal::frame::{self, FRAME_HEADER_BYTES, Sealing};
use crate::journal::prepare::{Preparer, Taken};
use crate::journal::{BLOCK_BYTES, FIRST_FRAME_OFFSET};
use crate::sync::{lock, read, write};

/// What a batch takes in a frame beside its records, at most.
pub(crate) const BATCH_OVERHEAD_BYTES: usize = BATCH_HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/// The known logs.
pub(crate) type Logs = RwLock<HashMap<LogId, Arc<LogEntry>>>;

/// The journals that hold unsealed records, by number.
pub(crate) type Journals = RwLock<BTreeMap<u32, Arc<Journal>>>;

pub(crate) struct Sequencer {
    place: Mutex<Place>,
    pub queue: Queue,
    pub logs: Arc<Logs>,
    pub journals: Arc<Journals>,
    pub completion: Completion,
    pub preparer: Arc<Preparer>,
    clock: Arc<dyn Clock>,
    frame_bytes_max: usize,
}

/// What a sequencer works with.
pub(crate) struct SequencerParts {
    pub logs: Arc<Logs>,
    pub journals: Arc<Journals>,
    pub completion: Completion,
    pub preparer: Arc<Preparer>,
    pub clock: Arc<dyn Clock>,
    pub frame_bytes_max: usize,
    pub slow_write: Duration,
}

/// Where the next frame goes.
pub(crate) struct Place {
    /// None until there is space for the first one of the run.
    pub journal: Option<Arc<Journal>>,
    pub offset: u32,
    pub frame: u64,
    pub previous_crc: u32,
    pub last_arrival: i64,
    pub ticket: u64,
}

impl Place {
    /// The beginning of a journal.
    pub(crate) fn new(journal: Option<Arc<Journal>>, frame: u64, last_arrival: i64) -> Self {
        Self { journal, offset: FIRST_FRAME_OFFSET, frame, previous_crc: 0, last_arrival, ticket: 0 }
    }

    /// Bytes that batches of one frame may still take.
    fn room(&self) -> usize {
        let left = self.journal.as_ref().map_or(0, |journal| journal.bytes - self.offset);
        (left as usize).saturating_sub(FRAME_HEADER_BYTES)
    }

    /// The journal of a frame that has batches.
    fn journal(&self) -> &Arc<Journal> {
        self.journal.as_ref().expect("a group is taken only when it fits into a journal")
    }
}

/// A commit and where its frame must be written; nowhere when it has none.
pub(crate) struct Sequenced {
    pub commit: Commit,
    pub target: Option<(Arc<Journal>, u32)>,
}

/// How items are taken from the queue.
struct Collecting<'a> {
    arrival: i64,
    /// Why nothing more is accepted.
    failure: Option<&'a LogError>,
    /// For the next journal.
    waits: bool,
}

impl Sequencer {
    /// Begins at the given place; its journal becomes readable.
    pub(crate) fn new(place: Place, parts: SequencerParts) -> Self {
        if let Some(journal) = &place.journal {
            write(&parts.journals).insert(journal.number, Arc::clone(journal));
        }
        Self {
            place: Mutex::new(place),
            queue: Queue::new(parts.slow_write),
            logs: parts.logs,
            journals: parts.journals,
            completion: parts.completion,
            preparer: parts.preparer,
            clock: parts.clock,
            frame_bytes_max: parts.frame_bytes_max,
        }
    }

    /// The journal that is written to.
    pub(crate) fn current(&self) -> Option<Arc<Journal>> {
        lock(&self.place).journal.clone()
    }

    /// The latest arrival of any record.
    pub(crate) fn last_arrival(&self) -> i64 {
        lock(&self.place).last_arrival
    }

    /// Takes what waits and makes one frame of it in `buffer`. `None` when nothing waits. When the in-flight window is full
    /// or the next journal is not there yet, it waits for that if `waits`, else leaves in the queue what needs it.
    pub(crate) fn next_commit(&self, buffer: &mut AlignedBuffer, waits: bool) -> Option<Sequenced> {
        let mut place = lock(&self.place);
        if !waits && !self.completion.has_room(place.ticket) {
            return None;
        }
        let durable_end = self.completion.wait_for_room(place.ticket);
        buffer.clear();
        buffer.grow(FRAME_HEADER_BYTES);
        let mut commit = Commit {
            ticket: place.ticket,
            batches: Vec::new(),
            groups: Vec::new(),
            closes: Vec::new(),
            sealed: None,
            frames_end: place.frame,
        };
        let arrival = self.clock.now().millis().max(place.last_arrival);
        let failure = self.completion.failure();
        self.collect(&mut place, &mut commit, buffer, &Collecting { arrival, failure: failure.as_ref(), waits });
        if commit.groups.is_empty() && commit.closes.is_empty() && commit.sealed.is_none() {
            return None;
        }
        place.ticket += 1;
        if commit.batches.is_empty() {
            return Some(Sequenced { commit, target: None });
        }
        place.last_arrival = arrival;
        let batches = u32::try_from(commit.batches.len()).expect("a frame is smaller than its journal");
        let sealing = Sealing {
            salt: place.journal().salt,
            number: place.frame,
            previous_crc: place.previous_crc,
            batches,
            durable_end,
        };
        place.previous_crc = frame::seal(buffer, &sealing);
        place.frame += 1;
        commit.frames_end = place.frame;
        let target = (Arc::clone(place.journal()), place.offset);
        place.offset += u32::try_from(buffer.len()).expect("a frame is smaller than its journal");
        Some(Sequenced { commit, target: Some(target) })
    }

    /// Takes items from the queue until the frame is full or nothing waits.
    fn collect(&self, place: &mut Place, commit: &mut Commit, buffer: &mut AlignedBuffer, collecting: &Collecting<'_>) {
        let mut refuse_next = collecting.failure.cloned();
        loop {
            let used = buffer.len() - FRAME_HEADER_BYTES;
            let room = if refuse_next.is_some() {
                usize::MAX
            } else if used == 0 {
                place.room()
            } else {
                place.room().min(self.frame_bytes_max).saturating_sub(used)
            };
            match self.queue.pop(room) {
                Popped::Empty => return,
                Popped::DoesNotFit if used > 0 => return,
                Popped::DoesNotFit => match self.preparer.take(collecting.waits) {
                    None => return,
                    Some(Taken::Ready(journal)) => {
                        // Only before its first batch can a frame change its journal.
                        write(&self.journals).insert(journal.number, Arc::clone(&journal));
                        let before = place.journal.replace(journal);
                        place.offset = FIRST_FRAME_OFFSET;
                        commit.sealed = before.map(|before| (before, place.frame));
                    }
                    Some(Taken::Full(reason)) => refuse_next = Some(LogError::Full(reason)),
                },
                Popped::Item(item) => match (refuse_next.take(), item) {
                    (Some(error), item) => {
                        refuse_item(item, &error);
                        refuse_next = collecting.failure.cloned();
                    }
                    (None, Item::Append(group)) => self.add_group(place, commit, buffer, collecting.arrival, group),
                    (None, Item::Close(close)) => {
                        close.entry.close();
                        commit.closes.push(close);
                    }
                },
            }
        }
    }

    fn add_group(&self, place: &Place, commit: &mut Commit, buffer: &mut AlignedBuffer, arrival: i64, group: Group) {
        let Group { appends, answer, permit, .. } = group;
        let mut appended = Vec::with_capacity(appends.len());
        let logs = read(&self.logs);
        for append in appends {
            appended.push(match logs.get(&append.log) {
                None => Err(Refused::NotFound),
                Some(entry) if !entry.is_opened() => Err(Refused::NotFound),
                Some(entry) if entry.is_closed() => Err(Refused::Closed),
                Some(entry) => Ok(add_batch(place, commit, buffer, arrival, entry, append)),
            });
        }
        commit.groups.push(Answer { appended, answer, permit });
    }
}

/// Gives positions to the records of one append and writes them into the frame.
fn add_batch(
    place: &Place,
    commit: &mut Commit,
    buffer: &mut AlignedBuffer,
    arrival: i64,
    entry: &Arc<LogEntry>,
    append: Append,
) -> Appended {
    let first = entry.sequenced.load(Ordering::Relaxed);
    let count = append.records.count();
    let appended = Appended { first: Position(first), arrival: Timestamp::from_millis(arrival) };
    if count == 0 {
        return appended;
    }
    entry.sequenced.store(first + u64::from(count), Ordering::Relaxed);
    let stored = batch::stored_bytes(append.records.bytes().len(), append.encrypted);
    let header = BatchHeader {
        stored_bytes: u32::try_from(stored).expect("a group fits into a journal"),
        log: append.log.0,
        first,
        arrival,
        count,
        encrypted: append.encrypted,
    };
    let at = buffer.len();
    let seal = append
        .encrypted
        .then(|| Seal { cipher: &place.journal().cipher, nonce: nonce(place.frame, commit.batches.len()) });
    batch::encode(buffer.grow(header.total_bytes()), &header, append.records.bytes(), seal);
    let in_file = "a frame lies within its journal, which is smaller than 4 GiB";
    commit.batches.push(Placed {
        entry: Arc::clone(entry),
        index: IndexEntry {
            first,
            arrival,
            journal: place.journal().number,
            offset: place.offset + u32::try_from(at).expect(in_file),
            bytes: u32::try_from(header.total_bytes()).expect(in_file),
            count,
        },
        batch: StoredBatch {
            first: appended.first,
            arrival: appended.arrival,
            encrypted: append.encrypted,
            records: append.records,
        },
    });
    appended
}

/// Unique within a journal: a frame number is given once, a batch has its place in the frame.
fn nonce(frame: u64, batch: usize) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(&frame.to_le_bytes());
    nonce[8..].copy_from_slice(&u32::try_from(batch).expect("a frame is smaller than its journal").to_le_bytes());
    nonce
}

fn refuse_item(item: Item, error: &LogError) {
    // A caller that has gone away does not need its answer.
    match item {
        Item::Append(group) => {
            let _ = group.answer.send(Err(error.clone()));
        }
        Item::Close(close) => {
            let _ = close.answer.send(Err(error.clone()));
        }
    }
}

/// What a group of appends takes in a frame at most.
pub(crate) fn frame_bytes(appends: &[Append]) -> usize {
    appends.iter().map(|append| append.records.bytes().len() + BATCH_OVERHEAD_BYTES).sum()
}

/// The largest group that fits into a journal of this size.
pub(crate) fn group_bytes_max(journal_bytes: u32) -> usize {
    (journal_bytes as usize).saturating_sub(2 * BLOCK_BYTES)
}
