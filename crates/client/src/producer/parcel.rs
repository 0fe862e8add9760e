//! One Kinesis record on its way: one user record as it is, or many in KPL's format.

use std::sync::Arc;

use api::kinesis::{PutRecordsRequestEntry, PutRecordsRequestEntryList};
use base::Bytes;
use base::hash_key::HashKey;
use tokio::time::Instant;
use wire::kpl::{Aggregator, UserRecord, deaggregate};

use super::error::PutError;
use super::receipt::{Book, Placed, Ticket};

/// The partition key of aggregated records, as KPL has it: their explicit hash key says where they belong.
const AGGREGATE_PARTITION_KEY: &str = "a";
/// What a user record occupies in memory beside its bytes.
const RECORD_OVERHEAD_BYTES: usize = 64;

pub(super) struct Parcel {
    content: Content,
    pub tickets: Tickets,
    /// Of the first user record.
    pub hash_key: HashKey,
    /// When its oldest user record was accepted.
    pub opened: Instant,
    /// Bytes of the buffer that it occupies.
    pub room: usize,
    pub count: usize,
    pub attempts: u32,
    pub last_error: Option<String>,
}

enum Content {
    Open { first: UserRecord, aggregator: Aggregator },
    Plain(UserRecord),
    Aggregate(Bytes),
}

/// Who learns what becomes of the user records.
pub(super) enum Tickets {
    /// Lines 0 and on of one book.
    Book(Arc<Book>),
    /// Lines of books that have parted, in the order of the user records.
    Lines(Vec<Ticket>),
}

/// The bytes of the buffer that a user record occupies.
pub(super) fn room_of(record: &UserRecord) -> usize {
    room_for(record.partition_key.len() + record.data.len())
}

/// The bytes of the buffer that so many bytes of data and partition key occupy.
pub(super) fn room_for(bytes: usize) -> usize {
    bytes + RECORD_OVERHEAD_BYTES
}

impl Parcel {
    pub(super) fn new(first: &UserRecord, hash_key: HashKey, tickets: Tickets, opened: Instant) -> Self {
        let mut aggregator = Aggregator::default();
        aggregator.push(first);
        Self {
            content: Content::Open { first: first.clone(), aggregator },
            tickets,
            hash_key,
            opened,
            room: room_of(first),
            count: 1,
            attempts: 0,
            last_error: None,
        }
    }

    /// Adds a user record; false when it would make the Kinesis record larger than `bytes_max`.
    pub(super) fn push(&mut self, record: &UserRecord, bytes_max: usize) -> bool {
        let Content::Open { aggregator, .. } = &mut self.content else { return false };
        if aggregator.bytes_with(record) > bytes_max {
            return false;
        }
        aggregator.push(record);
        self.room += room_of(record);
        self.count += 1;
        true
    }

    /// Adds a user record whose book has parted; false when it does not fit, or this parcel has a book of its own.
    pub(super) fn push_line(
        &mut self,
        record: &UserRecord,
        ticket: &Ticket,
        opened: Instant,
        bytes_max: usize,
    ) -> bool {
        if matches!(self.tickets, Tickets::Book(_)) || !self.push(record, bytes_max) {
            return false;
        }
        if let Tickets::Lines(lines) = &mut self.tickets {
            lines.push(ticket.clone());
        }
        self.opened = self.opened.min(opened);
        true
    }

    /// Data and partition keys of the user records.
    pub(super) fn user_bytes(&self) -> usize {
        self.room - self.count * RECORD_OVERHEAD_BYTES
    }

    /// Bytes of data and partition key on the wire.
    pub(super) fn bytes(&self) -> usize {
        match &self.content {
            Content::Open { aggregator, .. } if self.count > 1 => aggregator.bytes() + AGGREGATE_PARTITION_KEY.len(),
            Content::Open { first: record, .. } | Content::Plain(record) => {
                record.data.len() + record.partition_key.len()
            }
            Content::Aggregate(data) => data.len() + AGGREGATE_PARTITION_KEY.len(),
        }
    }

    pub(super) fn is_aggregate(&self) -> bool {
        self.count > 1
    }

    /// Adds the record to those of a request. The checksum is computed here, so call it outside of locks.
    pub(super) fn pack(&mut self, records: &mut PutRecordsRequestEntryList) {
        self.finish();
        let explicit_hash_key = match &self.content {
            Content::Aggregate(_) => Some(self.hash_key),
            Content::Plain(record) | Content::Open { first: record, .. } => record.explicit_hash_key,
        };
        let explicit_hash_key = explicit_hash_key.map(|key| key.to_string());
        let (data, partition_key) = match &self.content {
            Content::Aggregate(data) => (data, AGGREGATE_PARTITION_KEY),
            Content::Plain(record) | Content::Open { first: record, .. } => (&record.data, &*record.partition_key),
        };
        let explicit_hash_key = explicit_hash_key.as_deref();
        records.push(PutRecordsRequestEntry { data, explicit_hash_key, partition_key });
    }

    /// Lets no more user records in.
    fn finish(&mut self) {
        if let Content::Open { first, aggregator } = &mut self.content {
            self.content =
                if self.count > 1 { Content::Aggregate(aggregator.finish()) } else { Content::Plain(first.clone()) };
        }
    }

    /// Takes the parcel apart: the user records in order, each with its line.
    pub(super) fn unpack(mut self) -> Vec<(UserRecord, Ticket)> {
        let records = self.records();
        let lines = match self.tickets {
            Tickets::Lines(lines) => lines,
            Tickets::Book(book) => {
                book.part(self.count);
                (0..self.count).map(|index| Ticket { book: Arc::clone(&book), index }).collect()
            }
        };
        records.into_iter().zip(lines).collect()
    }

    /// The user records in order.
    pub(super) fn records(&mut self) -> Vec<UserRecord> {
        self.finish();
        match &self.content {
            Content::Plain(record) | Content::Open { first: record, .. } => vec![record.clone()],
            Content::Aggregate(data) => deaggregate(data).expect("this producer aggregated it"),
        }
    }

    /// Tells every user record.
    pub(super) fn resolve(self, outcome: Result<Placed, PutError>) {
        match self.tickets {
            Tickets::Book(book) => book.resolve(outcome),
            Tickets::Lines(lines) => {
                for (index, line) in lines.iter().enumerate() {
                    let own = |placed: &Placed| Placed { sub_sequence_number: index as u64, ..placed.clone() };
                    line.resolve(outcome.as_ref().map(own).map_err(Clone::clone));
                }
            }
        }
    }
}
