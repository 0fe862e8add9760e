//! Appends that wait for a commit thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use base::limits::MIB;
use store::shard_log::{Append, Appended, LogBounds, LogError, Refused};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::entry::LogEntry;
use crate::sync::lock;

/// When so much waits, it is committed whatever else could join it: larger frames cost hardly less for their bytes.
const RELEASED_BYTES: usize = MIB / 2;

/// What a group of appends is answered.
pub(crate) type AppendAnswer = Result<Vec<Result<Appended, Refused>>, LogError>;

pub(crate) enum Item {
    Append(Group),
    Close(Close),
}

impl Item {
    /// What it takes in a frame at most.
    fn frame_bytes(&self) -> usize {
        match self {
            Self::Append(group) => group.frame_bytes,
            Self::Close(_) => 0,
        }
    }
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
///
/// A commit costs the processor as much as a small request does, so that what is about to be queued should share one. What
/// waits is therefore taken when it is released: by whoever queued it, as soon as nothing else is to be done.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// What a write of a fast disk takes at most.
    slow_write: Duration,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    /// What the items take in frames.
    bytes: usize,
    /// Whether commit threads may take the items.
    released: bool,
    /// Threads at work.
    busy: usize,
    /// Whether the last write was that of a slow disk.
    is_slow: bool,
    /// Threads that wait.
    idle: usize,
    /// Whether one of them has been woken and has not looked yet.
    woken: bool,
    stopping: bool,
}

impl State {
    /// Whether a thread should take what waits now: beside another one only where that pays.
    fn is_due(&self) -> bool {
        let is_alone = self.busy == 0;
        self.released && (is_alone || self.is_slow || self.bytes >= RELEASED_BYTES || self.stopping)
    }
}

/// Releases what waits when it is dropped.
#[must_use]
pub(crate) struct Release<'a> {
    queue: &'a Queue,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.queue.release();
    }
}

/// Answer to the wish for an item.
pub(crate) enum Popped {
    Item(Item),
    /// The first item does not fit; it stays.
    DoesNotFit,
    Empty,
}

impl Queue {
    pub(crate) fn new(slow_write: Duration) -> Self {
        let state = State { is_slow: slow_write.is_zero(), ..State::default() };
        Self { state: Mutex::new(state), changed: Condvar::new(), slow_write }
    }

    /// Adds an item; `None` when it is released already. Drops it, and with it the way to answer it, when the queue has
    /// been stopped.
    pub(crate) fn push(&self, item: Item) -> Option<Release<'_>> {
        let mut state = lock(&self.state);
        if state.stopping {
            return None;
        }
        state.bytes += item.frame_bytes();
        state.items.push_back(item);
        let much = state.bytes >= RELEASED_BYTES;
        drop(state);
        let release = Release { queue: self };
        (!much).then_some(release)
    }

    /// Takes the first item if it is not a group of more than `room` bytes.
    pub(crate) fn pop(&self, room: usize) -> Popped {
        let mut state = lock(&self.state);
        let Some(item) = state.items.pop_front() else { return Popped::Empty };
        let bytes = item.frame_bytes();
        if bytes > room {
            state.items.push_front(item);
            return Popped::DoesNotFit;
        }
        state.bytes -= bytes;
        state.released &= !state.items.is_empty();
        Popped::Item(item)
    }

    /// Wakes another thread if there is something left that should not wait for this one.
    pub(crate) fn pass_on(&self) {
        self.wake_one_after(|_| {});
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.state).items.is_empty()
    }

    /// Waits until there is something to do; `false` when all is done and no more will come. `finished` is how long the
    /// thread's last write took, if it comes from one.
    pub(crate) fn wait(&self, finished: Option<Duration>) -> bool {
        let mut state = lock(&self.state);
        if let Some(took) = finished {
            state.busy -= 1;
            state.is_slow = took >= self.slow_write;
        }
        while !state.is_due() {
            if state.stopping && state.items.is_empty() {
                return false;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
            state.woken = false;
        }
        state.busy += 1;
        true
    }

    /// Lets the threads end when the queue is empty.
    pub(crate) fn stop(&self) {
        let mut state = lock(&self.state);
        state.stopping = true;
        state.released = !state.items.is_empty();
        self.changed.notify_all();
    }

    fn release(&self) {
        self.wake_one_after(|state| state.released = !state.items.is_empty());
    }

    /// Not under the lock: the woken thread wants it, and often runs at once in place of this one.
    fn wake_one_after(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        let wakes = state.is_due() && state.idle > 0 && !state.woken;
        state.woken |= wakes;
        drop(state);
        if wakes {
            self.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    /// A group of appends, and what tells that it has been taken and dropped.
    fn group(frame_bytes: usize) -> (Item, oneshot::Receiver<AppendAnswer>) {
        let (answer, taken) = oneshot::channel();
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("one is free");
        (Item::Append(Group { appends: Vec::new(), frame_bytes, answer, permit }), taken)
    }

    fn is_due(queue: &Queue) -> bool {
        lock(&queue.state).is_due()
    }

    #[test]
    fn beside_a_commit_of_a_fast_disk_small_groups_wait() {
        let queue = Queue::new(Duration::from_millis(1));
        drop(queue.push(group(1).0));
        assert!(queue.wait(None), "nothing is under way");
        assert!(matches!(queue.pop(usize::MAX), Popped::Item(_)));
        let release = queue.push(group(RELEASED_BYTES - 1).0);
        assert!(!is_due(&queue), "its worker has other things to do");
        drop(release);
        assert!(!is_due(&queue), "the first commit has not ended");
        drop(queue.push(group(1).0));
        assert!(is_due(&queue), "half a MiB is worth a commit");
    }

    #[test]
    fn beside_a_commit_of_a_slow_disk_nothing_waits() {
        let queue = Queue::new(Duration::from_millis(1));
        for (took, expected) in [(Duration::from_millis(1), true), (Duration::ZERO, false)] {
            drop(queue.push(group(1).0));
            assert!(queue.wait(None));
            assert!(matches!(queue.pop(usize::MAX), Popped::Item(_)));
            drop(queue.push(group(1).0));
            assert!(queue.wait(Some(took)), "the thread goes on with what came meanwhile");
            assert!(matches!(queue.pop(usize::MAX), Popped::Item(_)));
            drop(queue.push(group(1).0));
            assert_eq!(is_due(&queue), expected);
            assert!(matches!(queue.pop(usize::MAX), Popped::Item(_)));
            lock(&queue.state).busy = 0;
        }
    }

    /// Each writer waits until its group has been taken, so that a lost wake-up ends in silence.
    #[test]
    fn no_group_is_forgotten() {
        for slow_write in [Duration::ZERO, Duration::MAX] {
            let queue = Queue::new(slow_write);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        let mut finished = None;
                        while queue.wait(finished) {
                            while let Popped::Item(_) = queue.pop(usize::MAX) {}
                            queue.pass_on();
                            finished = Some(Duration::ZERO);
                        }
                    });
                }
                let write = |bytes: usize| {
                    for _ in 0..2000 {
                        let (item, taken) = group(bytes);
                        drop(queue.push(item));
                        assert!(taken.blocking_recv().is_err(), "dropped unanswered");
                    }
                };
                let writers =
                    [1, 100, RELEASED_BYTES - 1, RELEASED_BYTES].map(|bytes| scope.spawn(move || write(bytes)));
                writers.into_iter().for_each(|writer| writer.join().expect("a writer"));
                queue.stop();
            });
        }
    }
}
