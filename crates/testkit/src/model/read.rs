//! Records come out: iterators, and the first event of a subscription.

use base::ids::ShardIndex;
use base::limits::TOKEN_LIFE;
use base::sequence::SequenceNumber;
use base::time::Timestamp;

use super::consumers::ConsumerStatus;
use super::stream::{Record, Shard, Status, Stream};
use super::{Answer, Model, Refusal};

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    TrimHorizon,
    Latest,
    /// A sequence number, or nonsense.
    AtSequenceNumber(String),
    AfterSequenceNumber(String),
    AtTimestamp(Timestamp),
}

/// A shard iterator.
#[derive(Debug, Clone)]
pub struct ShardIterator {
    incarnation: u64,
    shard: ShardIndex,
    /// Records before the next one.
    position: usize,
    issued: Timestamp,
}

/// What GetRecords answers.
#[derive(Debug, Clone)]
pub struct Reading {
    pub records: Vec<Record>,
    /// `None` at the end of a closed shard.
    pub next: Option<ShardIterator>,
    pub millis_behind: i64,
    /// At the end of a closed shard.
    pub children: Option<Vec<ShardIndex>>,
}

/// What SubscribeToShard sends first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub records: Vec<Record>,
    /// `None` at the end of a closed shard.
    pub continuation: Option<SequenceNumber>,
    pub children: Option<Vec<ShardIndex>>,
}

impl Model {
    /// GetShardIterator.
    ///
    /// # Errors
    /// When there is no such shard, or the beginning is not in it.
    pub fn get_shard_iterator(&self, name: &str, shard: ShardIndex, start: &Start) -> Answer<ShardIterator> {
        let stream = self.stream(name)?;
        let found = self.readable(stream, shard)?;
        let position = self.position(stream, found, start)?;
        Ok(ShardIterator { incarnation: stream.incarnation, shard, position, issued: self.now })
    }

    /// GetRecords, with a limit on records.
    ///
    /// # Errors
    /// When the iterator is too old, or its shard has gone.
    pub fn get_records(&self, iterator: &ShardIterator, limit: usize) -> Answer<Reading> {
        if self.now.since(iterator.issued) > TOKEN_LIFE {
            return Err(Refusal::ExpiredIterator);
        }
        let stream = self.streams.iter().find(|stream| stream.incarnation == iterator.incarnation);
        let stream = stream.ok_or(Refusal::ResourceNotFound)?;
        let shard = self.readable(stream, iterator.shard)?;
        let first = iterator.position.max(shard.records_before(stream.horizon(self.now)));
        let end = (first + limit).min(shard.records.len());
        let records = shard.records[first..end].to_vec();
        let is_at_tip = end == shard.records.len();
        // Who is not at the tip is never told so, even if the rest arrived this very moment.
        let behind = records.last().filter(|_| !is_at_tip).map(|last| self.now.since(last.arrival).as_millis().max(1));
        let is_over = is_at_tip && shard.closed_at.is_some();
        Ok(Reading {
            records,
            next: (!is_over).then(|| ShardIterator { position: end, issued: self.now, ..iterator.clone() }),
            millis_behind: i64::try_from(behind.unwrap_or(0)).expect("times are near"),
            children: is_over.then(|| stream.children(shard.index)),
        })
    }

    /// SubscribeToShard, up to the first event; all records fit into it.
    ///
    /// # Errors
    /// When there is no such shard or no such consumer, it is not active, or the beginning is not in the shard.
    pub fn subscribe_to_shard(
        &self,
        name: &str,
        consumer: (&str, i64),
        shard: ShardIndex,
        start: &Start,
    ) -> Answer<Event> {
        let stream = self.stream(name)?;
        let found = self.readable(stream, shard)?;
        if stream.consumer(consumer)?.status(self.now) != ConsumerStatus::Active {
            return Err(Refusal::ResourceInUse);
        }
        let position = self.position(stream, found, start)?;
        let first = position.max(found.records_before(stream.horizon(self.now)));
        let records = found.records[first..].to_vec();
        let last = records.last().map_or_else(|| found.number(position as u64, self.now), |last| last.number);
        let is_over = found.closed_at.is_some();
        Ok(Event {
            records,
            continuation: (!is_over).then_some(last),
            children: is_over.then(|| stream.children(shard)),
        })
    }

    fn readable<'a>(&self, stream: &'a Stream, shard: ShardIndex) -> Answer<&'a Shard> {
        let shard = stream.retained_shard(shard, self.now).filter(|_| stream.status != Status::Creating);
        shard.ok_or(Refusal::ResourceNotFound)
    }

    /// How many records of the shard come before the beginning.
    fn position(&self, stream: &Stream, shard: &Shard, start: &Start) -> Answer<usize> {
        let all = shard.records.len();
        let index_of = |number: &str| {
            let number: SequenceNumber = number.parse().map_err(|_| Refusal::InvalidArgument)?;
            let is_of_shard = number.shard == shard.index && number.shard_created_seconds == shard.created_seconds;
            // The number at the end of a closed shard lies far behind its last record.
            let index = usize::try_from(number.index).unwrap_or(usize::MAX);
            if is_of_shard { Ok(index) } else { Err(Refusal::InvalidArgument) }
        };
        match start {
            Start::TrimHorizon => Ok(0),
            Start::Latest => Ok(all),
            Start::AtSequenceNumber(number) => Ok(index_of(number)?.saturating_sub(1).min(all)),
            Start::AfterSequenceNumber(number) => Ok(index_of(number)?.min(all)),
            Start::AtTimestamp(at) if *at > self.now => Err(Refusal::InvalidArgument),
            Start::AtTimestamp(at) => Ok(shard.records_before((*at).max(stream.horizon(self.now)))),
        }
    }
}
