//! What a producer has accepted and not yet stored: takes user records, hands out requests, takes their results. Does
//! no I/O and keeps no time of its own.
//!
//! When a record lands in another shard than foreseen, the stream has been resharded. Then nothing is sent until all
//! requests are back and the shards are listed anew; what waits for closed shards is taken apart and goes, in its
//! order, to their successors. Aggregated records that hold a key of some other shard than theirs are put again
//! whole: consumers that know their shard's range pass over the first copy.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::kinesis::KinesisError;
use base::ByteString;
use base::hash_key::{HashKey, HashKeyRange};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wire::kpl::UserRecord;

use super::error::PutError;
use super::lane::{Accepted, Lane};
use super::metrics::Counters;
use super::parcel::Parcel;
use super::receipt::{Book, Placed};
use super::settings::Settings;
use super::shard_map::ShardMap;
use crate::failure::Retry;
use crate::retry;

/// Longest wait of one lane after a failure.
const DELAY_MAX: Duration = Duration::from_secs(2);

pub(super) struct Buffer {
    settings: Settings,
    counters: Arc<Counters>,
    /// Bytes that may still be accepted.
    room: Arc<Semaphore>,
    map: ShardMap,
    /// One for each open shard of the map, in its order.
    lanes: Vec<Lane>,
    /// Where the next request begins to collect, so that no shard is forgotten.
    next_lane: usize,
    /// Aggregated records that landed elsewhere, until the new map says whether that is right.
    misplaced: Vec<(Sent, Placed)>,
    is_stale: bool,
    is_closing: bool,
    /// Oldest first; resolved ones are removed from the front.
    books: VecDeque<Arc<Book>>,
}

/// A parcel of a request, and its lane.
pub(super) struct Sent {
    pub lane: usize,
    pub parcel: Parcel,
}

/// Why one parcel of a request was not stored.
pub(super) enum Failure {
    Passing { kind: Retry, text: String },
    Lasting(KinesisError),
}

/// What the sender should do.
pub(super) enum Step {
    Send(Vec<Sent>),
    /// List the shards anew; no request is under way.
    Refresh,
    /// Until then, or until something happens.
    Wait(Option<Instant>),
    Done,
}

impl Buffer {
    pub(super) fn new(settings: Settings, map: ShardMap, counters: Arc<Counters>, room: Arc<Semaphore>) -> Self {
        let lanes = map.open().cloned().map(Lane::new).collect();
        Self {
            settings,
            counters,
            room,
            map,
            lanes,
            next_lane: 0,
            misplaced: Vec::new(),
            is_stale: false,
            is_closing: false,
            books: VecDeque::new(),
        }
    }

    /// `None` when the producer is closing.
    pub(super) fn accept(&mut self, record: &UserRecord, key: HashKey, now: Instant) -> Option<Accepted> {
        if self.is_closing {
            return None;
        }
        let accepted = self.lanes[self.map.find(key)].accept(record, key, now, &self.settings);
        if let Some(book) = &accepted.new_book {
            while self.books.front().is_some_and(|book| book.is_resolved()) {
                self.books.pop_front();
            }
            self.books.push_back(Arc::clone(book));
        }
        Some(accepted)
    }

    /// Lets everything travel now; what is to be waited for until all of it is resolved.
    pub(super) fn flush(&mut self) -> Vec<Arc<Book>> {
        self.lanes.iter_mut().for_each(Lane::close);
        self.books.iter().filter(|book| !book.is_resolved()).cloned().collect()
    }

    /// Accepts nothing more.
    pub(super) fn close(&mut self) {
        self.is_closing = true;
    }

    /// The next step, while that many requests are under way.
    pub(super) fn step(&mut self, now: Instant, requests: usize) -> Step {
        let has_slot = requests < self.settings.requests_in_flight_max;
        for index in 0..self.lanes.len() {
            // What could not be sent yet goes on collecting.
            if has_slot && self.linger_due(&self.lanes[index], now).is_some_and(|due| due <= now) {
                self.lanes[index].close();
            }
        }
        self.expire(now);
        if self.is_stale {
            return if requests == 0 { Step::Refresh } else { Step::Wait(None) };
        }
        if has_slot {
            let batch = self.take_batch(now);
            if !batch.is_empty() {
                return Step::Send(batch);
            }
        }
        if self.is_closing && self.lanes.iter().all(Lane::is_empty) {
            return Step::Done;
        }
        // Without a slot the end of a request comes first.
        Step::Wait(if has_slot { self.next_due(now) } else { None })
    }

    /// When the open parcel of a lane should travel; `None` while others of its lane go before it.
    fn linger_due(&self, lane: &Lane, now: Instant) -> Option<Instant> {
        let linger = if self.is_closing { Duration::ZERO } else { self.settings.linger };
        let opened = lane.opened().filter(|_| lane.queue.is_empty() && !lane.is_busy(&self.settings))?;
        Some((opened + linger).max(lane.not_before.unwrap_or(now)))
    }

    fn take_batch(&mut self, now: Instant) -> Vec<Sent> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let count = self.lanes.len();
        for index in (0..count).map(|offset| (self.next_lane + offset) % count) {
            let lane = &mut self.lanes[index];
            while lane.may_send(now, &self.settings)
                && let Some(parcel) = lane.queue.pop_front()
            {
                let is_full = batch.len() == self.settings.request_records_max
                    || (!batch.is_empty() && bytes + parcel.bytes() > self.settings.request_bytes_max);
                if is_full {
                    lane.queue.push_front(parcel);
                    self.next_lane = index;
                    return batch;
                }
                bytes += parcel.bytes();
                lane.in_flight += 1;
                batch.push(Sent { lane: index, parcel });
            }
        }
        batch
    }

    /// When time alone makes something to do.
    fn next_due(&self, now: Instant) -> Option<Instant> {
        let of_lane = |lane: &Lane| {
            let retry = lane.not_before.filter(|at| *at > now && !lane.queue.is_empty());
            self.linger_due(lane, now).into_iter().chain(retry).min()
        };
        self.lanes.iter().filter_map(of_lane).min()
    }

    /// Takes the results of a request, in its order.
    pub(super) fn settle(&mut self, results: Vec<(Sent, Result<Placed, Failure>)>, now: Instant) {
        // From the last on, so that those which go back to the front of their lane keep their order.
        for (mut sent, result) in results.into_iter().rev() {
            let lane = &mut self.lanes[sent.lane];
            lane.in_flight -= 1;
            match result {
                Ok(placed) => self.stored(sent, placed),
                Err(Failure::Lasting(error)) => self.finish(sent.parcel, Err(PutError::Refused(error))),
                Err(Failure::Passing { kind, text }) => {
                    let counter = match kind {
                        Retry::Throttled => &self.counters.throttled_retries,
                        Retry::Transient | Retry::Expired | Retry::Never => &self.counters.other_retries,
                    };
                    counter.add(1);
                    sent.parcel.attempts += 1;
                    sent.parcel.last_error = Some(text);
                    lane.not_before = Some(now + retry::delay(kind, sent.parcel.attempts).min(DELAY_MAX));
                    lane.queue.push_front(sent.parcel);
                }
            }
        }
    }

    fn stored(&mut self, sent: Sent, placed: Placed) {
        let lane = &mut self.lanes[sent.lane];
        lane.not_before = None;
        if lane.shard_id == placed.shard_id {
            return self.finish(sent.parcel, Ok(placed));
        }
        self.is_stale = true;
        if sent.parcel.is_aggregate() {
            self.misplaced.push((sent, placed));
        } else {
            // A consumer of whatever shard takes a plain record as it is.
            self.finish(sent.parcel, Ok(placed));
        }
    }

    /// Gives up what has waited for too long.
    fn expire(&mut self, now: Instant) {
        let ttl = self.settings.record_ttl;
        for index in 0..self.lanes.len() {
            let is_over = |parcel: &mut Parcel| parcel.opened + ttl <= now;
            while let Some(mut parcel) = self.lanes[index].queue.pop_front_if(is_over) {
                let last = parcel.last_error.take().unwrap_or_else(|| "none".to_owned());
                self.finish(parcel, Err(PutError::Expired { seconds: ttl.as_secs(), last }));
            }
        }
    }

    fn finish(&self, parcel: Parcel, outcome: Result<Placed, PutError>) {
        match &outcome {
            Ok(_) => {
                self.counters.kinesis_records_stored.add(1);
                self.counters.user_records_stored.add(parcel.count);
                self.counters.user_bytes_stored.add(parcel.user_bytes());
            }
            Err(_) => self.counters.user_records_failed.add(parcel.count),
        }
        self.room.add_permits(parcel.room);
        parcel.resolve(outcome);
    }

    /// Routes everything by a new map. No request is under way.
    pub(super) fn reroute(&mut self, map: ShardMap) {
        self.is_stale = false;
        let (mut moved, mut left) = (Vec::new(), HashSet::new());
        for (mut sent, placed) in std::mem::take(&mut self.misplaced) {
            left.insert(self.lanes[sent.lane].shard_id.clone());
            let records = sent.parcel.records();
            let is_right = |range: HashKeyRange| records.iter().all(|record| range.contains(record.hash_key()));
            if map.range(&placed.shard_id).is_some_and(is_right) {
                self.finish(sent.parcel, Ok(placed));
            } else {
                moved.push(sent.parcel);
            }
        }
        let mut kept: HashMap<ByteString, Lane> = HashMap::new();
        for mut lane in std::mem::take(&mut self.lanes) {
            // A shard that seems open although its records land elsewhere has closed since.
            if map.is_open(&lane.shard_id) && !left.contains(&lane.shard_id) {
                kept.insert(lane.shard_id.clone(), lane);
            } else {
                lane.close();
                moved.extend(lane.queue);
            }
        }
        self.lanes = map.open().map(|id| kept.remove(id).unwrap_or_else(|| Lane::new(id.clone()))).collect();
        self.map = map;
        self.next_lane = 0;
        moved.into_iter().for_each(|parcel| self.deal(parcel));
    }

    /// Gives the user records of a parcel to the lanes of their keys.
    fn deal(&mut self, parcel: Parcel) {
        self.counters.user_records_moved.add(parcel.count);
        let opened = parcel.opened;
        for (record, ticket) in parcel.unpack() {
            let lane = self.map.find(record.hash_key());
            self.lanes[lane].take_over(&record, ticket, opened, &self.settings);
        }
    }
}
