//! How a user record learns what became of it.
//!
//! The user records of one Kinesis record share one [`Book`]: an answer is written once, however many wait for it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use base::ByteString;

use super::error::PutError;

/// Where a user record was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub shard_id: ByteString,
    /// Of the Kinesis record.
    pub sequence_number: ByteString,
    /// The place among the user records of the Kinesis record, from 0.
    pub sub_sequence_number: u64,
}

/// Resolves when a user record is stored or given up. Dropping it changes nothing for the record.
#[derive(Debug)]
pub struct Receipt {
    ticket: Ticket,
    /// The place of this receipt's waker in the book.
    waker: Option<usize>,
}

/// One user record's line in a book.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub book: Arc<Book>,
    pub index: usize,
}

/// What became of the user records that were to travel together.
#[derive(Debug, Default)]
pub(super) struct Book {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    outcome: Outcome,
    wakers: Vec<Waker>,
}

#[derive(Debug, Default)]
enum Outcome {
    #[default]
    Pending,
    /// All of them in one Kinesis record, in order; or all lost for one reason.
    Together(Result<Placed, PutError>),
    /// They part after a reshard.
    Apart { lines: Vec<Option<Result<Placed, PutError>>>, left: usize },
}

impl Receipt {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self { ticket, waker: None }
    }
}

impl Future for Receipt {
    type Output = Result<Placed, PutError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut state = this.ticket.book.lock();
        let resolved = match &state.outcome {
            Outcome::Pending => None,
            Outcome::Together(Ok(placed)) => {
                Some(Ok(Placed { sub_sequence_number: this.ticket.index as u64, ..placed.clone() }))
            }
            Outcome::Together(Err(error)) => Some(Err(error.clone())),
            Outcome::Apart { lines, .. } => lines[this.ticket.index].clone(),
        };
        if let Some(resolved) = resolved {
            return Poll::Ready(resolved);
        }
        state.wake_later(&mut this.waker, context);
        Poll::Pending
    }
}

impl State {
    fn wake_later(&mut self, place: &mut Option<usize>, context: &Context<'_>) {
        match place.and_then(|place| self.wakers.get_mut(place)) {
            Some(waker) => waker.clone_from(context.waker()),
            None => {
                *place = Some(self.wakers.len());
                self.wakers.push(context.waker().clone());
            }
        }
    }

    fn is_resolved(&self) -> bool {
        match &self.outcome {
            Outcome::Pending => false,
            Outcome::Together(_) => true,
            Outcome::Apart { left, .. } => *left == 0,
        }
    }
}

impl Book {
    /// Says the same to all: `placed` is that of the Kinesis record.
    pub(super) fn resolve(&self, outcome: Result<Placed, PutError>) {
        let mut state = self.lock();
        state.outcome = Outcome::Together(outcome);
        wake(state);
    }

    /// From here on each of the `count` lines is written for itself.
    pub(super) fn part(&self, count: usize) {
        self.lock().outcome = Outcome::Apart { lines: vec![None; count], left: count };
    }

    fn resolve_line(&self, index: usize, outcome: Result<Placed, PutError>) {
        let mut state = self.lock();
        if let Outcome::Apart { lines, left } = &mut state.outcome
            && lines[index].replace(outcome).is_none()
        {
            *left -= 1;
        }
        wake(state);
    }

    pub(super) fn is_resolved(&self) -> bool {
        self.lock().is_resolved()
    }

    /// Waits until every line is written.
    pub(super) async fn resolved(&self) {
        let mut place = None;
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if state.is_resolved() {
                return Poll::Ready(());
            }
            state.wake_later(&mut place, context);
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everybody looks again: those whose line is still empty come back.
fn wake(mut state: MutexGuard<'_, State>) {
    let wakers: Vec<Waker> = state.wakers.drain(..).collect();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

impl Ticket {
    pub(super) fn resolve(&self, outcome: Result<Placed, PutError>) {
        self.book.resolve_line(self.index, outcome);
    }
}
