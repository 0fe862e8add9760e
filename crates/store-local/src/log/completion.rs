//! Releases commits in log order: what a frame holds is published and answered when all earlier frames are durable too.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use store::read_run::StoredBatch;
use store::shard_log::{Appended, LogBounds, LogError, Refused};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::counters::Counters;
use super::entry::{IndexEntry, LogEntry};
use super::queue::{AppendAnswer, Close};
use crate::failure_latch::FailureLatch;
use crate::journal::file::Journal;
use crate::sync::lock;

/// Memory that a batch takes in the tail beside its bytes.
const TAIL_BATCH_OVERHEAD_BYTES: usize = 128;

/// One frame's worth of work, or answers that need no frame but must keep the order.
pub(crate) struct Commit {
    pub ticket: u64,
    pub batches: Vec<Placed>,
    pub groups: Vec<Answer>,
    pub closes: Vec<Close>,
    /// The journal before the one of this frame, and the number of the first frame that it does not hold.
    pub sealed: Option<(Arc<Journal>, u64)>,
    /// One after the number of this commit's frame; the next frame's number when it has none.
    pub frames_end: u64,
}

/// A batch in its frame.
pub(crate) struct Placed {
    pub entry: Arc<LogEntry>,
    pub batch: StoredBatch,
    pub index: IndexEntry,
}

/// What a group of appends will be answered.
pub(crate) struct Answer {
    pub appended: Vec<Result<Appended, Refused>>,
    pub answer: oneshot::Sender<AppendAnswer>,
    pub permit: OwnedSemaphorePermit,
}

pub(crate) struct Completion {
    state: Mutex<State>,
    changed: Condvar,
    failure: FailureLatch,
    settings: CompletionSettings,
    counters: Arc<Counters>,
    on_sealed: Box<dyn Fn(Arc<Journal>, u64) + Send + Sync>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct CompletionSettings {
    /// Commits that may be unfinished at once, at least one.
    pub in_flight_max: u32,
    pub tail_budget_bytes: usize,
    /// Whether a commit is on the device when it has been written.
    pub flushed: bool,
}

#[derive(Default)]
struct State {
    /// Ticket of the oldest commit that is not finished.
    next_ticket: u64,
    /// From `next_ticket` on: commits that have been written.
    written: VecDeque<Option<Commit>>,
    /// All frames below have been written.
    frames_end: u64,
    tail: Tail,
}

/// The batches in memory, oldest commit first.
#[derive(Default)]
struct Tail {
    bytes: usize,
    commits: VecDeque<(usize, Vec<Arc<LogEntry>>)>,
}

impl Completion {
    pub(crate) fn new(
        settings: CompletionSettings,
        frames_end: u64,
        failure: FailureLatch,
        counters: Arc<Counters>,
        on_sealed: Box<dyn Fn(Arc<Journal>, u64) + Send + Sync>,
    ) -> Self {
        Self {
            state: Mutex::new(State { frames_end, ..State::default() }),
            changed: Condvar::new(),
            failure,
            settings,
            counters,
            on_sealed,
        }
    }

    pub(crate) fn failure(&self) -> Option<LogError> {
        self.failure.get().map(|reason| LogError::Failed(reason.to_owned()))
    }

    /// From now on nothing is acknowledged. The first reason stays.
    pub(crate) fn fail(&self, reason: String) {
        self.failure.set(reason);
        if let Some(error) = self.failure() {
            self.refuse_parked(&error);
        }
    }

    /// Refuses the commits that wait for earlier ones, and lets go who waits for room.
    fn refuse_parked(&self, error: &LogError) {
        let parked = std::mem::take(&mut lock(&self.state).written);
        self.changed.notify_all();
        parked.into_iter().flatten().for_each(|commit| refuse(commit, error));
    }

    /// All frames below are on the device. 0 when commits are not flushed one by one: then an acknowledged frame may be
    /// lost with the power, and that is no damage.
    pub(crate) fn durable_end(&self) -> u64 {
        self.durable_end_of(&lock(&self.state))
    }

    /// All frames below have been written, perhaps not to the device.
    pub(crate) fn written_end(&self) -> u64 {
        lock(&self.state).frames_end
    }

    fn durable_end_of(&self, state: &State) -> u64 {
        if self.settings.flushed { state.frames_end } else { 0 }
    }

    /// Whether a commit with this ticket is within the in-flight window, or the log has failed.
    pub(crate) fn has_room(&self, ticket: u64) -> bool {
        self.has_room_in(&lock(&self.state), ticket)
    }

    fn has_room_in(&self, state: &State, ticket: u64) -> bool {
        let in_flight_max = u64::from(self.settings.in_flight_max.max(1));
        ticket - state.next_ticket < in_flight_max || self.failure.get().is_some()
    }

    /// Waits until a commit with this ticket is within the in-flight window, or the log has failed. Answers the end of
    /// the durable frames.
    pub(crate) fn wait_for_room(&self, ticket: u64) -> u64 {
        let mut state = lock(&self.state);
        while !self.has_room_in(&state, ticket) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.durable_end_of(&state)
    }

    /// A commit has been written. Publishes and answers it and what waited for it, if all before are written too.
    pub(crate) fn finish(&self, commit: Commit) {
        let mut answers = Vec::new();
        let mut closes = Vec::new();
        {
            let mut state = lock(&self.state);
            if let Some(error) = self.failure() {
                drop(state);
                self.refuse_parked(&error);
                return refuse(commit, &error);
            }
            let place = usize::try_from(commit.ticket - state.next_ticket).expect("the window is small");
            if state.written.len() <= place {
                state.written.resize_with(place + 1, || None);
            }
            state.written[place] = Some(commit);
            while let Some(commit) = state.written.pop_front_if(|commit| commit.is_some()).flatten() {
                state.next_ticket += 1;
                state.frames_end = commit.frames_end;
                if let Some((journal, frames_end)) = commit.sealed {
                    (self.on_sealed)(journal, frames_end);
                }
                self.publish(&mut state.tail, commit.batches);
                answers.extend(commit.groups);
                closes.extend(commit.closes);
            }
        }
        self.changed.notify_all();
        for answer in answers {
            // A caller that has gone away does not need its answer.
            let _ = answer.answer.send(Ok(answer.appended));
            drop(answer.permit);
        }
        for close in closes {
            let _ = close.answer.send(Ok(bounds(&close.entry)));
        }
    }

    /// Shows a durable frame to readers.
    fn publish(&self, tail: &mut Tail, batches: Vec<Placed>) {
        let mut bytes = 0;
        let mut records = 0;
        let mut entries = Vec::with_capacity(batches.len());
        for placed in batches {
            bytes += placed.batch.records.bytes().len() + TAIL_BATCH_OVERHEAD_BYTES;
            records += u64::from(placed.index.count);
            let mut view = lock(&placed.entry.view);
            if placed.entry.is_removed() {
                continue;
            }
            view.publish(placed.batch, placed.index);
            drop(view);
            entries.push(placed.entry);
        }
        Counters::add(&self.counters.records, records);
        tail.bytes += bytes;
        tail.commits.push_back((bytes, entries));
        while tail.bytes > self.settings.tail_budget_bytes {
            let Some((bytes, entries)) = tail.commits.pop_front() else { break };
            tail.bytes -= bytes;
            for entry in entries {
                lock(&entry.view).evict_one();
            }
        }
        Counters::set(&self.counters.tail_bytes, tail.bytes as u64);
    }
}

fn bounds(entry: &LogEntry) -> LogBounds {
    lock(&entry.view).bounds()
}

/// Answers everything in a commit with an error.
pub(crate) fn refuse(commit: Commit, error: &LogError) {
    for answer in commit.groups {
        let _ = answer.answer.send(Err(error.clone()));
    }
    for close in commit.closes {
        let _ = close.answer.send(Err(error.clone()));
    }
}
