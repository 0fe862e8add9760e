//! What waits for one shard.

use std::collections::VecDeque;
use std::sync::Arc;

use base::ByteString;
use base::hash_key::HashKey;
use tokio::time::Instant;
use wire::kpl::UserRecord;

use super::parcel::{Parcel, Tickets};
use super::receipt::{Book, Receipt, Ticket};
use super::settings::Settings;

pub(super) struct Lane {
    pub shard_id: ByteString,
    /// Takes user records.
    open: Option<Open>,
    /// To be sent, in this order.
    pub queue: VecDeque<Parcel>,
    pub in_flight: usize,
    /// Nothing is sent before, after a failure.
    pub not_before: Option<Instant>,
}

struct Open {
    parcel: Parcel,
    book: Arc<Book>,
}

/// What accepting a user record has done.
pub(super) struct Accepted {
    pub receipt: Receipt,
    /// When the record is the first of a parcel.
    pub new_book: Option<Arc<Book>>,
    /// Whether the sender has something new to look at.
    pub is_news: bool,
}

impl Lane {
    pub(super) fn new(shard_id: ByteString) -> Self {
        Self { shard_id, open: None, queue: VecDeque::new(), in_flight: 0, not_before: None }
    }

    pub(super) fn accept(&mut self, record: &UserRecord, key: HashKey, now: Instant, settings: &Settings) -> Accepted {
        let fits = |open: &mut Open| open.parcel.push(record, settings.aggregate_bytes_max);
        let is_new = !self.open.as_mut().is_some_and(fits);
        if is_new {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| {
            let book = Arc::<Book>::default();
            Open { parcel: Parcel::new(record, key, Tickets::Book(Arc::clone(&book)), now), book }
        });
        let receipt = Receipt::new(Ticket { book: Arc::clone(&open.book), index: open.parcel.count - 1 });
        let new_book = is_new.then(|| Arc::clone(&open.book));
        let is_full =
            open.parcel.count >= settings.aggregate_records_max || open.parcel.bytes() >= settings.aggregate_bytes_max;
        if is_full {
            self.close();
        }
        Accepted { receipt, new_book, is_news: is_new || is_full }
    }

    /// Queues a user record that has come from another lane.
    pub(super) fn take_over(&mut self, record: &UserRecord, ticket: Ticket, opened: Instant, settings: &Settings) {
        let fits = |last: &mut Parcel| {
            last.count < settings.aggregate_records_max
                && last.push_line(record, &ticket, opened, settings.aggregate_bytes_max)
        };
        if !self.queue.back_mut().is_some_and(fits) {
            self.queue.push_back(Parcel::new(record, record.hash_key(), Tickets::Lines(vec![ticket]), opened));
        }
    }

    /// What is open goes to the queue.
    pub(super) fn close(&mut self) {
        self.queue.extend(self.open.take().map(|open| open.parcel));
    }

    pub(super) fn opened(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.parcel.opened)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_none() && self.queue.is_empty() && self.in_flight == 0
    }

    pub(super) fn may_send(&self, now: Instant, settings: &Settings) -> bool {
        self.not_before.is_none_or(|at| at <= now) && !self.is_busy(settings)
    }

    /// Whether what is under way must come back first.
    pub(super) fn is_busy(&self, settings: &Settings) -> bool {
        settings.is_ordered && self.in_flight > 0
    }
}
