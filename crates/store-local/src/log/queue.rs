//! Appends that wait for a commit thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use store::shard_log::{Append, Appended, LogBounds, LogError, Refused};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::entry::LogEntry;
use crate::sync::lock;

/// What a group of appends is answered.
pub(crate) type AppendAnswer = Result<Vec<Result<Appended, Refused>>, LogError>;

pub(crate) enum Item {
    Append(Group),
    Close(Close),
}

/// The appends of one call.
pub(crate) struct Group {
    pub appends: Vec<Append>,
    /// What they take in a frame at most.
    pub frame_bytes: usize,
    pub answer: oneshot::Sender<AppendAnswer>,
    /// Returned with the answer.
    pub permit: OwnedSemaphorePermit,
}

/// Wish to close a log after everything queued before.
pub(crate) struct Close {
    pub entry: Arc<LogEntry>,
    pub answer: oneshot::Sender<Result<LogBounds, LogError>>,
}

/// Bounded by the byte permits that each group holds.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    /// Threads that wait.
    idle: usize,
    stopping: bool,
}

/// Answer to the wish for an item.
pub(crate) enum Popped {
    Item(Item),
    /// The first item does not fit; it stays.
    DoesNotFit,
    Empty,
}

impl Queue {
    /// Drops the item, and with it the way to answer it, when the queue has been stopped.
    pub(crate) fn push(&self, item: Item) {
        let mut state = lock(&self.state);
        if !state.stopping {
            state.items.push_back(item);
            self.wake_one(&state);
        }
    }

    /// Takes the first item if it is not a group of more than `room` bytes.
    pub(crate) fn pop(&self, room: usize) -> Popped {
        let mut state = lock(&self.state);
        match state.items.front() {
            None => Popped::Empty,
            Some(Item::Append(group)) if group.frame_bytes > room => Popped::DoesNotFit,
            Some(_) => state.items.pop_front().map_or(Popped::Empty, Popped::Item),
        }
    }

    /// Wakes another thread if there is something left for it.
    pub(crate) fn pass_on(&self) {
        let state = lock(&self.state);
        if !state.items.is_empty() {
            self.wake_one(&state);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.state).items.is_empty()
    }

    /// Waits until there is something to do; `false` when all is done and no more will come.
    pub(crate) fn wait(&self) -> bool {
        let mut state = lock(&self.state);
        while state.items.is_empty() {
            if state.stopping {
                return false;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        true
    }

    /// Lets the threads end when the queue is empty.
    pub(crate) fn stop(&self) {
        lock(&self.state).stopping = true;
        self.changed.notify_all();
    }

    fn wake_one(&self, state: &State) {
        if state.idle > 0 {
            self.changed.notify_one();
        }
    }
}
